from pathlib import Path

import numpy as np
import pytest
from click.testing import CliRunner, Result

from lambda_fn.preprocessing import Preprocessing
from training.__main__ import main
from training.data.dataset import Dataset, load
from training.data.splits import read_folds, read_splits
from training.errors import DatasetError

SMALL = Preprocessing(crop=64, size=32)


def split(index: Path, out: Path, *options: str) -> Result:
    return CliRunner().invoke(main, ["train", "split", str(index), "--out", str(out), *options])


@pytest.fixture
def indexed(cells: Path) -> Path:
    result = CliRunner().invoke(main, ["train", "index", str(cells), "--out", str(cells / "index.csv")])
    assert result.exit_code == 0, result.output
    return cells / "index.csv"


@pytest.fixture
def dataset(indexed: Path) -> Dataset:
    return load(indexed, SMALL)


def test_one_split_gives_every_part_subjects_of_its_own_and_both_classes(
    indexed: Path, dataset: Dataset, tmp_path: Path
) -> None:
    result = split(indexed, tmp_path / "split.csv", "--test", "0.25", "--validation", "0.25")
    assert result.exit_code == 0, result.output
    (made,) = read_splits(tmp_path / "split.csv", dataset)
    parts = (made.training, made.stopping, made.held_out)
    assert [len(part) for part in parts] == [16, 8, 8]
    assert len(set.union(*(set(dataset.subjects[part]) for part in parts))) == 8
    assert sum(len(set(dataset.subjects[part])) for part in parts) == 8
    assert all(dataset.is_all[part].mean() == 0.5 for part in parts)


def test_the_same_seed_writes_the_same_file_and_another_seed_another(indexed: Path, tmp_path: Path) -> None:
    for name, seed in (("a", "1"), ("b", "1"), ("c", "2")):
        split(indexed, tmp_path / name, "--folds", "4", "--seed", seed)
    first, again, other = ((tmp_path / name).read_bytes() for name in "abc")
    assert first == again
    assert first != other


def test_folds_from_a_file_hold_out_every_cell_once_wherever_the_cells_lie(
    indexed: Path, cells: Path, tmp_path: Path
) -> None:
    split(indexed, tmp_path / "folds.csv", "--folds", "4")
    of_folder = load(cells, SMALL)  # other names than in the index, the same content
    made = read_folds(tmp_path / "folds.csv", of_folder)
    assert sorted(np.concatenate([fold.held_out for fold in made])) == list(range(32))
    for fold in made:
        assert not set(of_folder.subjects[fold.held_out]) & set(of_folder.subjects[fold.training])
        assert len(fold.stopping)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda text: text.replace("training", "training!", 1), r"line \d+: a part is training, validation, test"),
        (lambda text: "".join(text.splitlines(keepends=True)[:-2]), "does not say where .* belongs, and 1 others"),
        (lambda text: text.replace(",split", "", 1).replace(",training", ""), "holds no split"),
        (lambda text: text.replace("sha256", "digest", 1), "lacks the column sha256"),
    ],
)
def test_a_split_file_that_does_not_fit_is_refused(
    change: object, message: str, indexed: Path, dataset: Dataset, tmp_path: Path
) -> None:
    split(indexed, tmp_path / "split.csv")
    text = (tmp_path / "split.csv").read_text("utf-8")
    (tmp_path / "changed.csv").write_text(change(text), "utf-8")  # type: ignore[operator]
    with pytest.raises(DatasetError, match=message):
        read_splits(tmp_path / "changed.csv", dataset)


def test_a_split_that_tears_a_subject_apart_is_refused(indexed: Path, dataset: Dataset, tmp_path: Path) -> None:
    split(indexed, tmp_path / "split.csv")
    first, second, *rest = (tmp_path / "split.csv").read_text("utf-8").splitlines()
    other = "test" if second.endswith("training") else "training"
    changed = [first, second.rpartition(",")[0] + f",{other}", *rest]
    (tmp_path / "split.csv").write_text("\n".join(changed), "utf-8")
    with pytest.raises(DatasetError, match="belong together"):
        read_splits(tmp_path / "split.csv", dataset)


def test_one_split_is_no_set_of_folds(indexed: Path, dataset: Dataset, tmp_path: Path) -> None:
    split(indexed, tmp_path / "split.csv")
    with pytest.raises(DatasetError, match="exactly one fold"):
        read_folds(tmp_path / "split.csv", dataset)


@pytest.mark.parametrize(
    ("keep", "options", "message"),
    [
        ("UID_1_|UID_H1_", (), "Too few subjects"),
        ("UID_1_|UID_H1_", ("--folds", "2"), "2 folds need 2 subjects of each class, but one class has 1"),
        (".", ("--folds", "5"), "5 folds need 5 subjects"),
    ],
)
def test_too_few_subjects_are_answered_in_one_line(
    keep: str, options: tuple[str, ...], message: str, indexed: Path, tmp_path: Path
) -> None:
    import re

    header, *rows = indexed.read_text("utf-8").splitlines(keepends=True)
    indexed.write_text(header + "".join(row for row in rows if re.search(keep, row)), "utf-8")
    result = split(indexed, tmp_path / "split.csv", *options)
    assert message in " ".join(result.output.split())
    assert "Traceback" not in result.output


def test_a_table_without_digests_is_no_index(cells: Path, tmp_path: Path) -> None:
    (tmp_path / "t.csv").write_text("path,label,subject\na,all,1\nb,hem,2\n", "utf-8")
    assert "is no index; make one" in split(tmp_path / "t.csv", tmp_path / "s.csv").output
