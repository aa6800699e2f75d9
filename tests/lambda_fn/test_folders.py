"""The images of a folder, and the summary of its other files."""

import tempfile
from collections import Counter
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lambda_fn.folders import IMAGE_SUFFIXES, list_images


def write(folder: Path, *names: str) -> None:
    for name in names:
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.touch()


@pytest.mark.parametrize("name", ["cell.bmp", "plate 7/日本/ü +1.PNG", "a.b.jpeg", "cell.TiFf", "cell.webp"])
def test_a_file_is_an_image_by_its_suffix_at_any_depth_and_in_any_case(name: str, tmp_path: Path) -> None:
    write(tmp_path, name)
    assert list_images(tmp_path).images == (tmp_path / name,)
    assert list_images(tmp_path).describe_passed_over() == ""


@pytest.mark.parametrize(
    ("name", "kind"),
    [
        ("cell.gif", ".gif"),
        ("cell.PSD", ".psd"),
        ("cell.bmp.json", ".json"),
        ("README", "without a suffix"),
        ("bmp", "without a suffix"),
        (".bmp", "hidden"),
        ("._cell.bmp", "hidden"),
        (".trash/cell.bmp", "hidden"),
        ("plate 7/.trash/old/cell.bmp", "hidden"),
    ],
)
def test_any_other_file_is_passed_over_and_counted_by_its_kind(name: str, kind: str, tmp_path: Path) -> None:
    write(tmp_path, name)
    listing = list_images(tmp_path)
    assert listing.images == ()
    assert listing.passed_over == {kind: 1}
    assert listing.describe_passed_over() == f" 1 other file was passed over: 1 {kind}."


def test_the_images_of_a_hidden_folder_are_listed_if_the_folder_itself_is_named(tmp_path: Path) -> None:
    write(tmp_path, ".cache/cell.bmp")
    assert list_images(tmp_path / ".cache").images == (tmp_path / ".cache" / "cell.bmp",)


def test_at_most_five_kinds_are_named_and_the_most_frequent_come_first(tmp_path: Path) -> None:
    write(tmp_path, "1.txt", *(f"{number}.gif" for number in range(3)), "1.csv", "2.csv", ".hidden")
    assert list_images(tmp_path).describe_passed_over() == (
        " 7 other files were passed over: 3 .gif, 2 .csv, 1 hidden, 1 .txt."
    )
    write(tmp_path, "a.a", "b.b")
    assert list_images(tmp_path).describe_passed_over() == (
        " 9 other files were passed over: 3 .gif, 2 .csv, 1 hidden, 1 .txt, 1 .a, …."
    )


@pytest.mark.parametrize("outside", ["out", "./out", "../images/out", "plate 7/../out"])
@pytest.mark.parametrize("absolute", [False, True])
def test_the_folder_that_is_written_to_is_neither_listed_nor_counted(
    outside: str, absolute: bool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    images = tmp_path / "images"
    write(images, "cell.bmp", "plate 7/cell.bmp", "out/cell.bmp", "out/results/cell.bmp.json", "outer/cell.bmp")
    monkeypatch.chdir(images)
    listing = list_images(Path(), outside=images / outside if absolute else Path(outside))
    assert [path.as_posix() for path in listing.images] == ["cell.bmp", "outer/cell.bmp", "plate 7/cell.bmp"]
    assert listing.passed_over.total() == 0


FOLDERS = st.sampled_from(["", "plate 7/", "plate 7/日本/", ".trash/", "plate.bmp/"])
NAMES = st.text("abü ._-", min_size=1, max_size=6).filter(lambda name: name.strip(".") and not name.startswith("."))
SUFFIXES = st.sampled_from([*IMAGE_SUFFIXES, ".gif", ".psd", ".bmp~", ""])


@settings(max_examples=50)
@given(st.sets(st.tuples(FOLDERS, NAMES, SUFFIXES)), st.booleans())
def test_every_file_is_listed_once_or_counted_once_and_images_come_in_order(
    files: set[tuple[str, str, str]], shout: bool
) -> None:
    with tempfile.TemporaryDirectory() as temporary:
        folder = Path(temporary)
        for place, name, suffix in files:
            write(folder, f"{place}{name}{suffix.upper() if shout else suffix}")
        paths = [path for path in folder.rglob("*") if path.is_file()]
        listing = list_images(folder)
    assert len(listing.images) + listing.passed_over.total() == len(paths)
    assert list(listing.images) == sorted(set(listing.images))
    expected = Counter(suffix for place, _, suffix in files if place != ".trash/" and suffix in IMAGE_SUFFIXES)
    assert Counter(path.suffix.lower() for path in listing.images) == expected
