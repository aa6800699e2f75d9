import re
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from training.data.naming import Naming
from training.data.sources import find_cells, survey
from training.data.survey import combine, require_matches
from training.errors import DatasetError

EACH = Naming(unknown="each")
ALL_IDB = Naming(unknown="each", label_pattern=re.compile(r"_([01])[.]tif$"))


@pytest.fixture
def touch(tmp_path: Path) -> Callable[..., Path]:
    def touch_all(*names: str) -> Path:
        for name in names:
            (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
            (tmp_path / name).touch()
        return tmp_path

    return touch_all


Touch = Callable[..., Path]


def labels_of(source: Path, naming: Naming = EACH) -> dict[str, str]:
    return {cell.name: cell.label for cell in survey(source, naming).cells}


@pytest.mark.parametrize(
    ("folder", "refused"),
    [
        ("ALL/all_benign", "ALL/all_benign"),
        ("ALL/Benign", "ALL/Benign"),
        ("ALL/healthy controls/p1", "ALL/healthy controls"),
        ("ALL/p1/non-blasts", "ALL/p1/non-blasts"),
        ("normal/malignant", "normal/malignant"),
        ("hem/all_p1", "hem/all_p1"),
        ("normal/all", "normal"),
        ("benign cells/all", "benign cells"),
    ],
)
def test_a_folder_whose_name_speaks_against_its_class_is_refused_with_the_way_out(
    folder: str, refused: str, touch: Touch
) -> None:
    source = touch(f"{folder}/1.png", f"{folder}/2.png", "other/hem/3.png")
    name = refused.rpartition("/")[2]
    with pytest.raises(DatasetError, match=f"{re.escape(refused)}: 2 images .*--class '{name}=normal' or"):
        survey(source, EACH)


def test_every_subtype_of_a_known_layout_gets_its_class_by_a_rule(touch: Touch) -> None:
    source = touch("ALL/all_benign/1.png", "ALL/all_early/2.png", "ALL/all_pre/3.png", "ALL/all_pro/4.png")
    found = survey(source, Naming({"all": "ALL", "all_benign": "normal"}, unknown="each"))
    assert found.origins == {("ALL/all_benign", "normal"): 1, ("ALL", "ALL"): 3}
    assert [finding.cases for finding in found.findings] == [
        ("ALL/all_early: 1 image, ALL", "ALL/all_pre: 1 image, ALL", "ALL/all_pro: 1 image, ALL")
    ]


@pytest.mark.parametrize(
    ("name", "label"),
    [
        ("ALL/normal/1.png", "normal"),
        ("leukemia data/hem/1.png", "normal"),
        ("leukemia data/all/1.png", "ALL"),
        ("ALL-IDB/ALL/p1/1.png", "ALL"),
        ("normal/p1/1.png", "normal"),
    ],
)
def test_the_nearest_folder_counts_below_the_name_of_the_disease(name: str, label: str, touch: Touch) -> None:
    assert labels_of(touch(name)) == {name: label}


def test_a_subfolder_that_names_the_subject_is_no_finding_and_another_is(touch: Touch) -> None:
    source = touch("all/p1/1.png", "all/plate 3/p2/2.png", "hem/3_p3.png")
    found = survey(source, Naming(subject_pattern=re.compile("p[0-9]")))
    assert [finding.cases for finding in found.findings] == [("all/plate 3: 1 image, ALL",)]


@pytest.mark.parametrize(
    "name",
    ["all/UID_H1_1_1_hem.bmp", "hem/p1/UID_1_1_1_all.bmp", "normal/1_blast.png", "all/Benign (3).png", "all/1_hem.png"],
)
def test_a_name_that_contradicts_its_folder_is_left_out_and_counted(name: str, touch: Touch) -> None:
    found = survey(touch(name, "hem/2.png", "all/3.png"), EACH)
    assert {cell.name for cell in found.cells} == {"hem/2.png", "all/3.png"}
    assert found.counts() == {"name contradicts its folder": 1}


def test_a_name_that_agrees_with_its_folder_is_used(touch: Touch) -> None:
    names = ("hem/normal_1.png", "all/WBC-Malignant-001.png", "hem/all_normal_3.png")
    assert set(labels_of(touch(*names))) == set(names)


def test_a_label_pattern_reads_the_class_from_the_name_and_overrules_the_folder(touch: Touch) -> None:
    source = touch("Im001_1.tif", "img/Im002_0.tif", "ALL/Im003_0.tif", "Im004.tif")
    assert labels_of(source, ALL_IDB) == {
        "Im001_1.tif": "ALL",
        "img/Im002_0.tif": "normal",
        "ALL/Im003_0.tif": "normal",
    }
    found = survey(source, ALL_IDB)
    assert [finding.cases for finding in found.findings] == [("ALL/Im003_0.tif",)]
    assert found.counts() == {"without a label": 1}


def test_a_label_pattern_takes_words_of_the_classes(touch: Touch) -> None:
    naming = Naming({"b": "normal", "m": "ALL"}, None, "each", re.compile(r"^(?P<label>[A-Z])-(?P<n>\d+)"))
    assert labels_of(touch("B-1.png", "M-2.png"), naming) == {"B-1.png": "normal", "M-2.png": "ALL"}


def test_names_of_c_nmc_and_folders_named_as_classes_are_read_side_by_side(touch: Touch) -> None:
    source = touch("c-nmc/fold_0/UID_1_1_1_all.bmp", "ours/normal/p3_1.png", "ours/normal/plate.png")
    found = survey(source, Naming(subject_pattern=re.compile("p[0-9]+_")))
    assert {cell.name: cell.subject for cell in found.cells} == {
        "c-nmc/fold_0/UID_1_1_1_all.bmp": "1",
        "ours/normal/p3_1.png": "P3_",
    }
    assert found.counts() == {"subject unknown": 1}
    assert found.origins == {("names as in C-NMC 2019", "ALL"): 1, ("ours/normal", "normal"): 1}


def test_copies_are_left_out(touch: Touch) -> None:
    source = touch(
        "hem/1.bmp", "hem/1_rot90.bmp", "hem/1 (1).bmp", "all/UID_1_1_1_all.bmp", "all/UID_1_1_1_all_flip.bmp"
    )
    found = survey(source, EACH)
    assert {cell.name for cell in found.cells} == {"hem/1.bmp", "all/UID_1_1_1_all.bmp"}
    assert found.counts() == {"augmented copy": 2, "copy beside its original": 1}


def test_cells_of_one_class_are_refused_with_the_reasons_why_others_are_not_used(touch: Touch) -> None:
    source = touch("all/1.png", "all/2_hem.png", "stray.png")
    with pytest.raises(DatasetError, match=r"needs both classes\. Not used: 1 [nw]"):
        find_cells(source, EACH)


def test_a_preliminary_table_with_semicolons_in_utf_16_is_read(touch: Touch) -> None:
    source = touch("1.bmp", "2.bmp")
    rows = "Patient_ID;new_names;labels\r\nUID_57_29_1_all.bmp;1.bmp;1\r\nUID_H30_6_2_hem.bmp;2.bmp;0\r\n"
    (source / "labels of the set.CSV").write_bytes(rows.encode("utf-16"))
    found = survey(source, Naming())
    assert found.origins == {("labels of the set.CSV", "ALL"): 1, ("labels of the set.CSV", "normal"): 1}
    assert found.counts() == {}


def test_a_table_that_cannot_be_read_is_named(touch: Touch) -> None:
    source = touch("all/1.png")
    (source / "notes.csv").write_bytes(b"caf\xe9")
    assert survey(source, EACH).counts() == {"table that cannot be read": 1}


def test_a_rule_that_matches_nothing_is_refused_with_the_folders_that_there_are(touch: Touch) -> None:
    found = survey(touch("data/hem/1.png"), Naming({"hem": "normal", "benign": "normal"}, unknown="each"))
    require_matches(["HEM"], found)
    with pytest.raises(DatasetError, match=r"--class benign: no folder .*; the folders are data, hem\.$"):
        require_matches(["hem", "benign"], found)


def test_a_file_that_one_of_several_sources_uses_is_used(touch: Touch) -> None:
    source = touch("all/1.png", "stray.png", "blasts/hem/2.png")
    (source / "labels of blasts.csv").write_text("path,label,subject\nstray.png,hem,p1\n", "utf-8")
    both = combine([survey(source, EACH), survey(source / "labels of blasts.csv", EACH)])
    assert sorted(cell.name for cell in both.cells) == ["all/1.png", "blasts/hem/2.png", "stray.png"]
    assert both.counts() == {".csv": 1}


parts = st.sampled_from(["all", "hem", "ALL", "p1", "images", "fold_0", "x.png", ".git"])
files = st.sampled_from(
    ["1.png", "1_rot90.png", "1 (1).png", "UID_1_1_1_all.bmp", "UID_H1_1_1_hem.bmp", "a.gif", "t.csv", "all.png", "n"]
)


@given(
    paths=st.sets(
        st.tuples(st.lists(parts, max_size=3), files).map(lambda path: "/".join([*path[0], path[1]])), max_size=9
    )
)
def test_every_file_is_used_once_or_named_once(paths: set[str], tmp_path_factory: pytest.TempPathFactory) -> None:
    source = tmp_path_factory.mktemp("source")
    for name in ("hem/present.png", *paths):
        (source / name).parent.mkdir(parents=True, exist_ok=True)
        (source / name).touch()
    try:
        found = survey(source, EACH)
    except DatasetError as error:
        assert "--class" in str(error)
        return
    accounted = [*(cell.location for cell in found.cells), *(str(other.path) for other in found.others)]
    assert sorted(accounted) == sorted({str(source / name) for name in ("hem/present.png", *paths)})
