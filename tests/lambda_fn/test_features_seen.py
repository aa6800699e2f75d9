"""Features in words, and the spread of the classes that some words need."""

import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lambda_fn.class_ranges import SHARES, ClassRanges
from lambda_fn.errors import ModelError
from lambda_fn.features_seen import features_seen
from lambda_fn.manifest import MODEL_FOLDER, Manifest
from lambda_fn.morphology_facts import MorphologyFacts

RANGES = ClassRanges(
    shares=SHARES,
    cells={"ALL": 100, "normal": 50},
    quantiles={
        "ALL": {"cell_area_px": (24e3, 26e3, 30e3, 35e3, 40e3, 45e3, 50e3), "chromatin_cv": (0.06,) * 3 + (0.1,) * 4},
        "normal": {
            "cell_area_px": (15e3, 18e3, 20e3, 25e3, 28e3, 33e3, 36e3),
            "chromatin_cv": (0.06,) * 3 + (0.1,) * 4,
        },
    },
)


def morphology(**changes: Any) -> MorphologyFacts:
    facts: Any = {
        "cell_area_px": 27_000,
        "equivalent_diameter_px": 185.4,
        "perimeter_px": 600.0,
        "circularity": 0.94,
        "solidity": 0.99,
        "aspect": 0.9,
        "clefts": {"number": 0, "deepest": 0.0, "places": []},
        "chromatin_cv": 0.08,
        "pale_spots": {"number": 0, "area_px": 0, "places": []},
        "separability": 0.65,
        "nucleus_area_px": None,
        "nc_ratio": None,
        "vacuoles": None,
        "touches_frame": False,
        "not_measured": dict.fromkeys(("nucleus_area_px", "nc_ratio", "vacuoles"), "cytoplasm_not_visible"),
        "um_per_px": None,
        "cell_area_um2": None,
        "equivalent_diameter_um": None,
    }
    result: MorphologyFacts = facts | changes
    return result


def number(count: int, **others: Any) -> dict[str, Any]:
    return {"number": count, "places": [], **others}


@pytest.mark.parametrize(
    ("changes", "feature"),
    [
        ({}, "outline without clefts"),
        ({"clefts": number(1, deepest=0.06)}, "clefted outline (6 % of the diameter)"),
        ({"clefts": number(2, deepest=0.12)}, "deeply clefted outline (2 clefts, deepest 12 % of the diameter)"),
        ({"aspect": 0.6}, "elongated"),
        ({"pale_spots": number(3, area_px=90)}, "three pale spots"),
        ({"pale_spots": number(1, area_px=30)}, "one pale spot"),
        ({"pale_spots": number(14, area_px=900)}, "14 pale spots"),
        ({}, "no pale spots"),
        ({}, "no cytoplasm visible"),
        ({"nc_ratio": 0.9}, "scant cytoplasm (nucleus 90 % of the cell)"),
        ({"nc_ratio": 0.7}, "moderate cytoplasm (nucleus 70 % of the cell)"),
        ({"nc_ratio": 0.4}, "ample cytoplasm (nucleus 40 % of the cell)"),
        ({"nc_ratio": 0.7, "vacuoles": number(2, area_px=60)}, "two vacuoles"),
        ({"cell_area_px": 34_000}, "large (above 90 % of normal and 25 % of ALL cells)"),
        ({"cell_area_px": 16_000}, "small (above 5 % of normal and 0 % of ALL cells)"),
        ({"chromatin_cv": 0.2}, "coarse chromatin (above 95 % of normal and 95 % of ALL cells)"),
        ({"chromatin_cv": 0.05}, "even chromatin (above 0 % of normal and 0 % of ALL cells)"),
        ({"touches_frame": True}, "cut by the image's edge, so size and outline are of the visible part"),
    ],
)
def test_a_feature_is_named(changes: dict[str, Any], feature: str) -> None:
    assert feature in features_seen(morphology(**changes), RANGES)


def test_an_unremarkable_cell_has_no_words_on_size_and_chromatin() -> None:
    assert features_seen(morphology(), RANGES) == ("outline without clefts", "no pale spots", "no cytoplasm visible")


def test_without_ranges_nothing_is_said_about_size_and_chromatin() -> None:
    words = " ".join(features_seen(morphology(cell_area_px=90_000, chromatin_cv=0.5)))
    assert "large" not in words
    assert "chromatin" not in words


def test_a_thin_cell_has_no_words_on_its_stain() -> None:
    facts = morphology(pale_spots=None, chromatin_cv=None, not_measured={"nc_ratio": "too_thin"})
    assert features_seen(facts, RANGES) == ("outline without clefts",)


@given(
    area=st.integers(1, 10**7),
    aspect=st.floats(0, 1),
    clefts=st.tuples(st.integers(0, 30), st.floats(0, 2)),
    spots=st.integers(0, 60),
    ratio=st.none() | st.floats(0, 1),
    chromatin=st.none() | st.floats(0, 10),
)
def test_no_cell_is_ever_called_l1_l2_or_l3(
    area: int, aspect: float, clefts: tuple[int, float], spots: int, ratio: float | None, chromatin: float | None
) -> None:
    facts = morphology(
        cell_area_px=area,
        aspect=aspect,
        clefts=number(clefts[0], deepest=clefts[1] if clefts[0] else 0.0),
        pale_spots=number(spots, area_px=spots),
        nc_ratio=ratio,
        chromatin_cv=chromatin,
    )
    words = "; ".join(features_seen(facts, RANGES))
    assert not any(name in words for name in ("L1", "L2", "L3", "FAB"))
    assert words


@pytest.mark.parametrize(
    ("value", "share"), [(0, 0), (24e3, 0.05), (25_999, 0.05), (35e3, 0.5), (49_999, 0.9), (50e3, 0.95), (1e9, 0.95)]
)
def test_a_value_lies_above_the_share_of_the_highest_quantile_that_it_reaches(value: float, share: float) -> None:
    assert RANGES.share_below("ALL", "cell_area_px", value) == share
    assert RANGES.share_below("ALL", "nc_ratio", value) is None


def manifest_with(tmp_path: Path, morphology: Any) -> Manifest:
    fields = json.loads((MODEL_FOLDER / "model.json").read_text("utf-8"))
    fields["morphology"] = morphology
    (tmp_path / "model.json").write_text(json.dumps(fields))
    return Manifest.read(tmp_path)


def test_ranges_survive_the_manifest_and_are_optional(tmp_path: Path) -> None:
    assert manifest_with(tmp_path, RANGES.as_fields()).morphology == RANGES
    assert manifest_with(tmp_path, None).morphology is None


@pytest.mark.parametrize(
    "change",
    [
        {"shares": [0.5, 0.1]},
        {"ALL": {"aspect": [0.1, 0.2]}},
        {"normal": {"aspect": [7, 6, 5, 4, 3, 2, 1]}},
        {"ALL": "x"},
        {"cells": {}},
    ],
)
def test_ranges_that_do_not_rise_or_are_missing_are_refused(tmp_path: Path, change: dict[str, Any]) -> None:
    with pytest.raises(ModelError, match="is not a manifest"):
        manifest_with(tmp_path, RANGES.as_fields() | change)
