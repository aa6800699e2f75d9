"""Cells that people reviewed, as an index takes them."""

import csv
import json
from collections.abc import Callable
from hashlib import sha256
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result
from types_boto3_s3 import S3Client

from lambda_fn.preprocessing import Preprocessing
from training.__main__ import main
from training.data.dataset import load
from training.data.splits import make_or_read_folds, read_folds
from training.errors import DatasetError

SaveCell = Callable[..., Path]
SMALL = Preprocessing(crop=64, size=32)
NAMES = ("--subject-pattern", "(s[0-9]+)_", "--unknown-subjects", "one")


def index(out: Path, *arguments: str | Path) -> Result:
    return CliRunner().invoke(main, ["train", "index", "--out", str(out), *map(str, arguments)], env={"COLUMNS": "200"})


def rows_of(path: Path) -> dict[str, dict[str, str]]:
    with path.open(encoding="utf-8", newline="") as file:
        return {row["path"]: row for row in csv.DictReader(file)}


def save_label(folder: Path, key: str, label: str | None, **facts: Any) -> None:
    path = folder / f"labels/{key}.json"
    path.parent.mkdir(parents=True, exist_ok=True)
    document = {"label": label, "reviewer": "a. person", "labelled_at": "2026-11-22T10:00:00Z"}
    path.write_text(json.dumps(document | facts), "utf-8")


def save_audit(folder: Path, key: str, label: str, **facts: Any) -> None:
    shown = {"probability": False, "map": False, "blind": True}
    save_label(folder, key, label, queue="audit", shown=shown, **facts)


@pytest.fixture
def images(cells: Path) -> Path:
    return cells / "images"


@pytest.fixture
def results(cells: Path) -> Path:
    """A flag with an answer for each class, and an audit each, of four slides."""
    for number, (name, label) in enumerate((("s1_1", "ALL"), ("s2_1", "normal"), ("s3_1", "ALL"), ("s4_1", "normal"))):
        key = f"{name}.png"
        (save_label if number < 2 else save_audit)(cells / "results", key, label)
    return cells / "results"


@pytest.fixture
def reviewed(cells: Path, images: Path, results: Path, save_cell: SaveCell) -> Path:
    """An index of 32 cells of a data set and 4 reviewed ones."""
    for number in range(1, 5):
        save_cell(f"images/s{number}_1.png", seed=70 + number)
    result = index(cells / "index.csv", cells, "--reviewed", results, images, *NAMES)
    assert result.exit_code == 0, result.output
    return cells / "index.csv"


def test_reviewed_cells_join_the_index_and_the_newest_review_overrules(cells: Path, save_cell: SaveCell) -> None:
    images, results = cells / "images", cells / "results"
    save_cell("images/plate 7/s1_4.png", seed=71)
    save_cell("images/plate 7/s1_5.png", seed=72)
    (images / "again.png").write_bytes((cells / "fold_1/all/UID_1_1_1_all.png").read_bytes())
    save_label(results, "plate 7/s1_4.png", "ALL")
    save_label(results, "plate 7/s1_5.png", "cannot_say")
    save_label(results, "plate 7/s1_6.png", None)
    save_label(results, "again.png", "normal")
    result = index(cells / "index.csv", cells, "--reviewed", results, images, *NAMES)
    assert result.exit_code == 0, result.output
    assert "neither ALL nor normal" in result.output
    assert "the label was taken back" in result.output
    rows = rows_of(cells / "index.csv")
    assert len(rows) == 33
    assert (rows["images/plate 7/s1_4.png"]["subject"], rows["images/plate 7/s1_4.png"]["label"]) == ("S1", "all")
    overruled = rows["fold_1/all/UID_1_1_1_all.png"]
    # The reviewer saw the score, and contradicts the data set: no figure may rest on such a label.
    assert (overruled["subject"], overruled["label"], overruled["use"]) == ("1", "hem", "fitting")
    assert load(cells / "index.csv", SMALL).title == "C-NMC 2019 + reviewed cells"


def test_an_index_states_queue_answers_and_use_of_each_reviewed_cell(reviewed: Path) -> None:
    rows = rows_of(reviewed)
    columns = ("queue", "blind", "answers", "use", "weight")
    assert [rows["images/s1_1.png"][name] for name in columns] == ["flag", "no", "1", "fitting", "1"]
    assert [rows["images/s3_1.png"][name] for name in columns] == ["audit", "yes", "1", "thresholds", "1"]
    assert [rows["fold_1/all/UID_1_1_1_all.png"][name] for name in columns] == [""] * 5
    dataset = load(reviewed, SMALL)
    assert dataset.uses is not None
    assert sorted(set(dataset.uses.tolist())) == ["all", "fitting", "thresholds"]
    assert (dataset.is_measured_by.sum(), dataset.is_held_out.sum()) == (32, 34)


def test_figures_rest_on_the_same_cells_with_and_without_reviewed_ones(reviewed: Path, cells: Path) -> None:
    index(cells / "plain.csv", *(cells / f"fold_{number}" for number in range(3)))
    with_labels = load(reviewed, SMALL)
    assert with_labels.part(with_labels.is_measured_by).digest == load(cells / "plain.csv", SMALL).digest
    assert with_labels.digest != load(cells / "plain.csv", SMALL).digest


def test_an_audit_weighs_as_many_cells_as_were_decided_for_each_audit(
    cells: Path, images: Path, results: Path, save_cell: SaveCell
) -> None:
    for number in range(1, 5):
        save_cell(f"images/s{number}_1.png", seed=70 + number)
    (results / "results").mkdir()
    for number, decision in enumerate(["ALL"] * 7 + ["normal"] * 3 + ["review"] * 5):
        (results / f"results/{number}.json").write_text(json.dumps({"decision": decision}), "utf-8")
    index(cells / "index.csv", cells, "--reviewed", results, images, *NAMES)
    rows = rows_of(cells / "index.csv")
    assert [rows[f"images/s{number}_1.png"]["weight"] for number in range(1, 5)] == ["1", "1", "5", "5"]


def test_a_label_of_an_older_version_of_the_image_is_left_out(cells: Path, images: Path, save_cell: SaveCell) -> None:
    for number, seen in ((1, None), (2, "0" * 64)):
        path = save_cell(f"images/s{number}_1.png", seed=70 + number)
        image = {"version_id": None, "etag": None, "sha256": seen or sha256(path.read_bytes()).hexdigest()}
        save_label(cells / "results", path.name, "ALL", image=image)
    result = index(cells / "index.csv", cells, "--reviewed", cells / "results", images, *NAMES)
    assert "s2_1.png: It was replaced since a reviewer labelled it" in result.output
    rows = rows_of(cells / "index.csv")
    assert ("images/s1_1.png" in rows, "images/s2_1.png" in rows) == (True, False)


def test_a_label_that_two_reviewers_dispute_is_named_and_is_for_fitting_alone(
    cells: Path, images: Path, save_cell: SaveCell
) -> None:
    path = save_cell("images/s1_1.png", seed=71)
    image = {"version_id": None, "etag": None, "sha256": sha256(path.read_bytes()).hexdigest()}
    shown = {"probability": False, "map": False, "blind": True}
    past = {"label": "normal", "reviewer": "another", "labelled_at": "2026-11-21T10:00:00Z", "image": image}
    history = [{**past, "queue": "audit", "shown": shown, "outcome": "replaced"}]
    save_audit(cells / "results", path.name, "ALL", image=image, history=history)
    result = index(cells / "index.csv", cells, "--reviewed", cells / "results", images, *NAMES)
    assert "reviewers disagree" in result.output
    row = rows_of(cells / "index.csv")["images/s1_1.png"]
    assert (row["label"], row["use"], row["answers"]) == ("all", "fitting", "2")


def test_a_blind_audit_that_contradicts_the_data_set_corrects_it(cells: Path, images: Path) -> None:
    images.mkdir()
    (images / "again.png").write_bytes((cells / "fold_1/all/UID_1_1_1_all.png").read_bytes())
    save_audit(cells / "results", "again.png", "normal")
    index(cells / "index.csv", cells, "--reviewed", cells / "results", images, *NAMES)
    row = rows_of(cells / "index.csv")["fold_1/all/UID_1_1_1_all.png"]
    assert (row["label"], row["use"], row["weight"]) == ("hem", "all", "1")


def test_folds_hold_out_no_cell_for_fitting_and_learn_from_none_of_a_held_out_subject(
    cells: Path, images: Path, results: Path, save_cell: SaveCell, tmp_path_factory: pytest.TempPathFactory
) -> None:
    for number in range(1, 5):
        save_cell(f"images/s{number}_1.png", seed=70 + number)
    save_cell("images/UID_1_9_9_all.png", seed=99)  # of a subject of the data set
    save_label(results, "UID_1_9_9_all.png", "ALL")
    data_set = [cells / f"fold_{number}" for number in range(3)]
    index(cells / "index.csv", *data_set, "--reviewed", results, images, *NAMES)
    dataset = load(cells / "index.csv", SMALL)
    made = make_or_read_folds(3, dataset, 0)
    flagged = set((~dataset.is_held_out).nonzero()[0].tolist())
    own = dataset.names.index("images/UID_1_9_9_all.png")
    assert own in flagged
    held_out = [cell for fold in made for cell in fold.held_out.tolist()]
    assert sorted([*held_out, *flagged]) == list(range(37))
    for fold in made:
        used = {*fold.training.tolist(), *fold.stopping.tolist()}
        of_held_out = "1" in dataset.subjects[fold.held_out].tolist()
        assert used & flagged == flagged - ({own} if of_held_out else set())
    out = tmp_path_factory.mktemp("split") / "folds.csv"
    arguments = ["train", "split", str(cells / "index.csv"), "--out", str(out), "--folds", "3"]
    assert CliRunner().invoke(main, arguments).exit_code == 0
    again = read_folds(out, dataset)
    assert [fold.held_out.tolist() for fold in again] == [fold.held_out.tolist() for fold in made]
    assert [fold.training.tolist() for fold in again] == [fold.training.tolist() for fold in made]


def test_reviewed_cells_alone_measure_no_model(cells: Path, images: Path, results: Path, save_cell: SaveCell) -> None:
    for number in range(1, 5):
        save_cell(f"images/s{number}_1.png", seed=70 + number)
    index(cells / "index.csv", "--reviewed", results, images, *NAMES)
    with pytest.raises(DatasetError, match="Reviewed cells alone measure no model"):
        make_or_read_folds(2, load(cells / "index.csv", SMALL), 0)


def test_a_reviewed_cell_of_an_older_index_is_for_fitting_alone(reviewed: Path) -> None:
    lines = reviewed.read_text("utf-8").splitlines()
    old = reviewed.with_name("old.csv")
    old.write_text("\n".join(line.rsplit(",", 5)[0] for line in lines) + "\n", "utf-8")
    dataset = load(old, SMALL)
    assert (len(dataset.names), dataset.is_held_out.sum()) == (36, 32)


@pytest.mark.parametrize(
    "wrong", ["audit,yes,1,deciding,1", "maybe,yes,1,fitting,1", "flag,no,1,fitting,0", "flag,no,x,,"]
)
def test_an_index_with_a_review_that_means_nothing_is_refused(reviewed: Path, wrong: str) -> None:
    text = reviewed.read_text("utf-8").replace("audit,yes,1,thresholds,1", wrong, 1)
    reviewed.write_text(text, "utf-8")
    with pytest.raises(DatasetError, match=r"line \d+: a reviewed cell needs a queue"):
        load(reviewed, SMALL)


def test_reviewed_cells_in_s3_are_read_from_there(cells: Path, save_cell: SaveCell, s3: S3Client) -> None:
    for bucket in ("images", "results"):
        s3.create_bucket(Bucket=bucket)
    image = save_cell("new.png", seed=71)
    s3.upload_file(str(image), "images", "plate 7/UID_88_1_1_all.png")
    image.unlink()
    shown = {"probability": False, "map": False, "blind": True}
    document = {"label": "ALL", "reviewer": "a. person", "labelled_at": "2026-11-22T10:00:00Z", "queue": "audit"}
    body = json.dumps(document | {"shown": shown})
    s3.put_object(Bucket="results", Key="labels/plate 7/UID_88_1_1_all.png.json", Body=body)
    for number in range(3):
        s3.put_object(Bucket="results", Key=f"results/{number}.json", Body=json.dumps({"decision": "normal"}))
    result = index(cells / "index.csv", cells, "--reviewed", "s3://results", "s3://images")
    assert result.exit_code == 0, result.output
    dataset = load(cells / "index.csv", SMALL)
    assert dataset.names[-1] == "s3://images/plate 7/UID_88_1_1_all.png"
    assert dataset.subjects[-1] == "88"
    assert dataset.weights is not None
    assert dataset.weights[-1] == 3
