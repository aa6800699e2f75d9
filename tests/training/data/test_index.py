import csv
import os
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest
from click.testing import CliRunner, Result
from PIL import Image

from lambda_fn.preprocessing import Preprocessing
from training.__main__ import main
from training.data.dataset import load

SaveCell = Callable[..., Path]
SMALL = Preprocessing(crop=64, size=32)


def index(out: Path, *arguments: str | Path) -> Result:
    return CliRunner().invoke(main, ["train", "index", "--out", str(out), *map(str, arguments)], env={"COLUMNS": "500"})


def rows_of(path: Path) -> list[dict[str, str]]:
    with path.open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def test_an_index_names_every_cell_with_label_subject_content_and_size(cells: Path, tmp_path: Path) -> None:
    out = tmp_path / "elsewhere/index.csv"
    result = index(out, cells)
    assert result.exit_code == 0, result.output
    assert "found" not in result.output
    assert "32 of 32 cells, in 8 groups" in result.output
    row = rows_of(out)[0]
    path = out.parent / row["path"]
    assert (row["label"], row["subject"], row["width"], row["height"]) == ("all", "3", "100", "100")
    assert int(row["bytes"]) == path.stat().st_size
    assert not row["path"].startswith("/")


def test_files_that_are_passed_over_are_counted_in_one_line(cells: Path, tmp_path: Path) -> None:
    for name in ("a.gif", "fold_1/b.gif", ".hidden.png", "fold_2/stranger.png"):
        (cells / name).touch()
    result = index(tmp_path / "elsewhere/index.csv", cells)
    assert result.exit_code == 0, result.output
    assert (
        "32 of 32 cells, in 8 groups. 4 other files were passed over: 2 .gif, 1 hidden, 1 without a label.\n"
        in result.output
    )


def test_a_model_learns_the_same_from_an_index_as_from_its_folder(cells: Path) -> None:
    index(cells / "index.csv", cells)
    of_folder, of_index = load(cells, SMALL), load(cells / "index.csv", SMALL)
    assert of_index.title == of_folder.title == "C-NMC 2019"
    assert of_index.digest == of_folder.digest
    assert (of_index.groups == of_folder.groups).all()


def test_an_index_can_be_moved_with_its_cells(cells: Path, tmp_path_factory: pytest.TempPathFactory) -> None:
    index(cells / "index.csv", cells)
    moved = Path(shutil.move(cells, tmp_path_factory.mktemp("moved")))
    assert len(load(moved / "index.csv", SMALL).names) == 32


def test_what_is_wrong_is_told_and_settled(cells: Path, save_cell: SaveCell) -> None:
    first = (cells / "fold_1/all/UID_1_1_1_all.png").read_bytes()
    (cells / "fold_1/all/UID_1_1_9_all.png").write_bytes(first)
    (cells / "fold_0/all/UID_77_1_1_all.png").write_bytes(first)
    save_cell("fold_0/hem/UID_h1_9_9_hem.png", seed=999)
    save_cell("fold_0/all/UID_H2_9_9_all.png", seed=998)
    for name in ("all/UID_5_1_1_all.png", "hem/UID_H9_1_1_hem.png"):
        save_cell(f"fold_0/{name}", seed=997)
    (cells / "fold_0/all/UID_6_1_1_all.png").write_text("no image", "utf-8")
    result = index(cells / "index.csv", cells)
    assert result.exit_code == 0, result.output
    for found in (
        "unusable image",
        "one image with two labels",
        "one image under two subjects",
        "one subject in two spellings",
        "one subject in both classes",
    ):
        assert found in result.output
    rows = rows_of(cells / "index.csv")
    assert len(rows) == 34
    assert len({row["sha256"] for row in rows}) == 34
    assert not {"5", "6", "h1"} & {row["subject"] for row in rows}


def test_the_subjects_of_a_double_that_was_dropped_stay_together(cells: Path, save_cell: SaveCell) -> None:
    save_cell("fold_0/all/UID_9_1_1_all.png", seed=42)
    shared = (cells / "fold_1/all/UID_1_1_1_all.png").read_bytes()
    (cells / "fold_2/all/UID_9_1_2_all.png").write_bytes(shared)
    index(cells / "index.csv", cells)
    dataset = load(cells / "index.csv", SMALL)
    group = dict(zip(dataset.subjects, dataset.groups, strict=True))
    assert len(dataset.names) == 33
    assert group["9"] == group["1"]


def test_the_subjects_of_an_image_in_two_stains_stay_together(cells: Path, save_cell: SaveCell) -> None:
    save_cell("fold_0/all/UID_9_1_1_all.png", seed=42)
    with Image.open(cells / "fold_1/all/UID_1_1_1_all.png") as image:
        image.convert("RGB", (0.9, 0, 0, 0, 0, 1.1, 0, 0, 0, 0, 0.8, 0)).save(cells / "fold_2/all/UID_9_1_2_all.png")
    result = index(cells / "index.csv", cells)
    assert "nearly one image under two subjects" in result.output
    dataset = load(cells / "index.csv", SMALL)
    group = dict(zip(dataset.subjects, dataset.groups, strict=True))
    assert len(dataset.names) == 34
    assert group["9"] == group["1"]


def test_an_image_that_changed_since_it_was_indexed_is_left_out(cells: Path, save_cell: SaveCell) -> None:
    index(cells / "index.csv", cells)
    save_cell("fold_1/all/UID_1_1_1_all.png", seed=1234)
    assert "not the one that was indexed" in load(cells / "index.csv", SMALL).left_out[0]


def test_an_index_is_never_overwritten(cells: Path) -> None:
    (cells / "index.csv").write_text("mine", "utf-8")
    result = index(cells / "index.csv", cells)
    assert (result.exit_code, (cells / "index.csv").read_text("utf-8")) == (2, "mine")


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ((), "Name a source"),
        (("empty",), "holds no labelled cells"),
        (("fold_1/all",), "holds only cells labelled ALL"),
        (("wrong.csv",), "lacks the column label; its first line must name path,label,subject, and"),
        (("--reviewed", "empty", "empty"), "holds no reviewed cells"),
        (("--reviewed", "broken", "empty"), "is no label"),
        (("--subject-pattern", "("), "--subject-pattern ("),
        (("--class", "x=blast", "."), "--class x=blast: say for instance"),
        (("--class", "x=ALL", "--class", "X=normal", "."), "X is named for both classes"),
        (
            ("--class", "benign=normal", "."),
            "--class benign: no folder of images is named so; the folders are all, fold_0",
        ),
        (("--label-pattern", "(", "."), "--label-pattern ("),
        (("--left-out", "wrong.csv", "."), "wrong.csv exists already"),
    ],
)
def test_a_source_that_gives_no_index_is_answered_in_one_line(
    arguments: tuple[str, ...], message: str, cells: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(cells)
    (cells / "empty").mkdir()
    (cells / "wrong.csv").write_text("path,lable\nx.png,all\n", "utf-8")
    (cells / "broken/labels").mkdir(parents=True)
    (cells / "broken/labels/a.png.json").write_text("[]", "utf-8")
    result = index(cells / "index.csv", *arguments)
    assert result.exit_code != 0
    assert message in " ".join(result.output.split())
    assert "Traceback" not in result.output
    assert not (cells / "index.csv").exists()


def test_the_photographs_that_c_nmc_holds_twice_are_found(real_index: tuple[Path, str]) -> None:
    path, output = real_index
    if " of 6,622 cells, in " not in output:
        pytest.skip("CELLFLAG_CNMC names no folder of the 6,622 cells whose duplicates were counted")
    assert "6,614 of 6,622 cells, in 39 groups" in output
    group = {row["subject"]: row["group"] for row in rows_of(path)}
    people = (
        {"51", "75", "78"}, {"H2", "H4", "H5", "H6"}, {"H3", "H10"}, {"1", "15", "16", "17", "20", "21"},
        {"43", "44"}, {"H14", "H24"},
    )  # fmt: skip
    # All cells of subject 21 are also cells of 20, and are kept once.
    assert all(len({group[subject] for subject in names & group.keys()}) == 1 for names in people)


def test_odd_files_are_listed_by_their_fault_and_the_others_indexed(cells: Path, tmp_path: Path) -> None:
    whole = next(cells.rglob("UID_1_1_1_all.png"))
    shutil.copy(whole, whole.with_name(os.fsdecode(b"UID_caf\xe9_1_1_all.png")))
    shutil.copy(whole, whole.with_name("UID_[b]\x1b[2J_1_2_all.png"))
    (cells / "UID_9_1_1_all.png").symlink_to("nowhere.png")
    os.mkfifo(cells / "UID_9_1_2_all.png")
    os.mkfifo(cells / "pipe.csv")
    (cells / "folder.csv").mkdir()
    (cells / "broken.csv").symlink_to("nowhere.csv")
    os.utime(whole, (1e11, 1e11))
    result = index(tmp_path / "elsewhere/index.csv", cells)
    assert result.exit_code == 0, result.output
    assert "1 name is not UTF-8" in result.output
    assert r"UID_[b]\x1b[2J_1_2_all.png" in result.output
    assert "\x1b" not in result.output
    assert len(rows_of(tmp_path / "elsewhere/index.csv")) == 32


def test_a_table_that_names_a_pipe_is_not_read_for_ever(cells: Path, tmp_path: Path) -> None:
    images = sorted(path.relative_to(cells).as_posix() for path in cells.rglob("*.png"))
    os.mkfifo(cells / "pipe.png")
    lines = [f"{name},{name[-7:-4]},{number % 8}" for number, name in enumerate(images)]
    (cells / "labels.csv").write_text("\n".join(["path,label,subject", *lines, "pipe.png,all,9"]))
    result = index(tmp_path / "elsewhere/index.csv", cells)
    assert result.exit_code == 0, result.output
    assert "pipe.png: It is no regular file" in result.output


def test_every_file_of_a_source_is_used_or_named_with_the_reason(cells: Path, save_cell: SaveCell) -> None:
    shutil.copy(cells / "fold_1/all/UID_1_1_1_all.png", cells / "fold_1/all/UID_1_1_1_all_rot90.png")
    shutil.copy(cells / "fold_1/all/UID_1_1_1_all.png", cells / "fold_1/all/UID_1_1_1_all (1).png")
    save_cell("fold_1/all/UID_H7_1_1_hem.png", seed=31)
    (cells / "link").symlink_to(cells / "fold_1", target_is_directory=True)
    (cells / "gone.png").symlink_to(cells / "absent.png")
    (cells / "fold_2/\x1b[31mred.png").touch()
    (cells / "caf\udce9.png").touch()
    result = index(cells / "index.csv", cells, "--left-out", cells / "left out.csv")
    assert result.exit_code == 0, result.output
    assert "32 of 32 cells" in result.output
    assert "names as in C-NMC 2019: ALL, 16 cells" in result.output
    assert r"\x1b[31mred.png" in result.output
    assert "\x1b[31mred" not in result.output
    problems = {Path(row["case"]).name: row["problem"] for row in rows_of(cells / "left out.csv")}
    assert problems == {
        "UID_1_1_1_all_rot90.png": "augmented copy",
        "UID_1_1_1_all (1).png": "copy beside its original",
        "UID_H7_1_1_hem.png": "name contradicts its folder",
        "link": "link to a folder",
        "gone.png": "broken link",
        "\x1b[31mred.png": "without a label",
        r"caf\udce9.png": "name is not UTF-8",
    }


def test_folders_with_brackets_in_their_names_are_shown_as_they_are(cells: Path, save_cell: SaveCell) -> None:
    save_cell("more/[Malignant] Pre-B/[ALL] 7/x.png", seed=31)
    arguments = ("--class", "[malignant] pre-b=ALL", "--unknown-subjects", "each")
    result = index(cells / "index.csv", cells, *arguments)
    assert result.exit_code == 0, result.output
    assert "more/[Malignant] Pre-B: ALL, 1 cell" in result.output
    assert "[ALL] 7: 1 image" in " ".join(result.output.split())


def test_names_of_all_idb_are_read_by_a_label_pattern(tmp_path: Path, save_cell: SaveCell) -> None:
    for number in range(1, 5):
        save_cell(f"img/Im00{number}_{number % 2}.tif", seed=number)
    arguments = ("--label-pattern", "_([01])[.]tif$", "--unknown-subjects", "each")
    result = index(tmp_path / "index.csv", tmp_path / "img", *arguments)
    assert result.exit_code == 0, result.output
    assert [row["label"] for row in rows_of(tmp_path / "index.csv")] == ["all", "hem", "all", "hem"]


def test_names_are_shown_whole_on_a_narrow_terminal(cells: Path, save_cell: SaveCell) -> None:
    name = f"fold_1/hem/{'a-long-name-' * 5}.png"
    save_cell(name, seed=31)
    arguments = ["train", "index", str(cells), "--out", str(cells / "index.csv")]
    result = CliRunner().invoke(main, arguments, env={"COLUMNS": "80"})
    shown = "".join(line.rpartition("│")[0].rpartition("│")[2].strip() for line in result.output.splitlines())
    assert str(cells / name) in shown
