"""The part ``morphology`` of a result, on drawn cells whose numbers are known, on odd masks and on real cells."""

import json
import os
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from jsonschema import Draft202012Validator
from numpy.typing import NDArray
from PIL import Image

import lambda_fn
from lambda_fn.cells import find_cell
from lambda_fn.morphology import measure
from lambda_fn.morphology_facts import QUANTITIES, MorphologyFacts, quantities
from tests.benchmarks.morphology_errors import Pair, errors, findings, measured_cells
from tests.lambda_fn.test_outlines import disc

Mask = NDArray[np.bool_]
CELLS = os.environ.get("CELLFLAG_CNMC", "")


@pytest.fixture(scope="module")
def schema() -> Draft202012Validator:
    document = json.loads((Path(lambda_fn.__file__).parent / "result.schema.json").read_text("utf-8"))
    return Draft202012Validator(document["properties"]["morphology"])


@pytest.fixture(scope="module")
def drawn() -> list[Pair]:
    return measured_cells(60, seed=1)


@pytest.mark.parametrize(
    ("quantity", "largest"),
    [
        ("cell_area_px", 0.001),
        ("equivalent_diameter_px", 0.001),
        ("perimeter_px", 0.005),
        ("circularity", 0.006),
        ("solidity", 0.002),
        ("aspect", 0.001),
        ("deepest cleft", 0.01),
        ("pale spot, area", 0.3),
        ("nc_ratio", 0.01),
    ],
)
def test_the_mean_error_on_drawn_cells_is_small(quantity: str, largest: float, drawn: list[Pair]) -> None:
    assert errors(drawn)[quantity].absolute <= largest


@pytest.mark.parametrize(
    ("name", "found"), [("clefts", 0.93), ("pale spots", 0.5), ("vacuoles", 0.9), ("visible cytoplasm", 0.75)]
)
def test_drawn_things_are_found_and_hardly_any_are_invented(name: str, found: float, drawn: list[Pair]) -> None:
    counts = findings(drawn)[name]
    assert counts.drawn >= 10
    assert counts.found >= found * counts.drawn
    assert counts.invented <= 0.03 * counts.drawn


def two_cells() -> Mask:
    return np.hstack([disc(60), disc(90)])


def ring() -> Mask:
    return disc(90) & ~disc(80)


def line(length: int = 200) -> Mask:
    mask = np.zeros((50, length + 20), np.bool_)
    mask[25, 10:-10] = True
    return mask


def hair() -> Mask:
    """A diagonal of single pixels."""
    return np.pad(np.eye(180, dtype=np.bool_), 5)


def fringed() -> Mask:
    """A comb of 250 teeth: a contour of more than 50,000 points."""
    mask = np.zeros((220, 520), np.bool_)
    mask[10:20, 10:-10] = True
    mask[10:120, 10:-10:2] = True
    return mask


def single() -> Mask:
    mask = np.zeros((40, 40), np.bool_)
    mask[20, 20] = True
    return mask


def noise() -> Mask:
    return np.asarray(np.random.default_rng(0).random((300, 300)) < 0.6)


def huge() -> Mask:
    return disc(1500, 3100)


ODD = (two_cells, ring, line, hair, fringed, single, noise, huge)


@pytest.mark.parametrize("make", [*ODD, lambda: disc(90)[40:, 60:], lambda: np.ones((30, 200), np.bool_)])
def test_an_odd_mask_is_answered_within_the_schema(make: Any, schema: Draft202012Validator) -> None:
    mask = make()
    generator = np.random.default_rng(0)
    pixels = np.where(mask[..., None], generator.integers(0, 256, (*mask.shape, 3)), 0).astype(np.uint8)
    facts = measure(pixels, mask, um_per_px=0.1)
    schema.validate(facts)
    assert facts is not None
    json.dumps(facts, allow_nan=False)
    absent = {name for name, value in facts.items() if value is None}
    assert absent == set(facts["not_measured"])


def test_the_contour_of_the_comb_has_50_000_points() -> None:
    assert np.abs(np.diff(fringed().astype(np.int8), axis=1)).sum() > 50_000


def test_an_empty_mask_has_no_morphology() -> None:
    assert measure(np.zeros((40, 40, 3), np.uint8), np.zeros((40, 40), np.bool_)) is None


def measured(mask: Mask, um_per_px: float | None = None) -> MorphologyFacts:
    facts = measure(np.where(mask[..., None], np.uint8(90), np.uint8(0)).repeat(3, axis=2), mask, um_per_px)
    assert facts is not None
    return facts


def test_the_larger_of_two_cells_is_measured() -> None:
    assert measured(two_cells())["cell_area_px"] == np.count_nonzero(disc(90))


def test_a_thin_cell_has_a_shape_but_no_stain() -> None:
    facts = measured(line())
    assert (facts["cell_area_px"], facts["solidity"], facts["clefts"]["number"]) == (200, 1, 0)
    assert (facts["chromatin_cv"], facts["pale_spots"]) == (None, None)
    assert set(facts["not_measured"].values()) == {"too_thin"}


def test_a_cell_without_visible_cytoplasm_says_so_beside_its_nulls() -> None:
    facts = measured(disc())
    assert (facts["nucleus_area_px"], facts["nc_ratio"], facts["vacuoles"]) == (None, None, None)
    assert facts["not_measured"]["nc_ratio"] == "cytoplasm_not_visible"


def test_a_cell_at_the_frame_is_marked() -> None:
    assert measured(disc(90)[60:])["touches_frame"]
    assert not measured(disc(90))["touches_frame"]


def test_micrometres_need_a_scale() -> None:
    facts, scaled = measured(disc()), measured(disc(), 0.1)
    assert (facts["cell_area_um2"], facts["equivalent_diameter_um"], facts["um_per_px"]) == (None, None, None)
    assert scaled["cell_area_um2"] == pytest.approx(facts["cell_area_px"] / 100)
    assert scaled["equivalent_diameter_um"] == pytest.approx(facts["equivalent_diameter_px"] / 10, abs=0.001)


def test_places_are_of_the_whole_image_also_if_only_every_third_pixel_is_measured() -> None:
    mask = np.zeros((3100, 3200), np.bool_)
    mask[:, 100:] = huge()
    mask[1400:1420, 2800:] = False  # a notch on the right
    (cleft,) = measured(mask)["clefts"]["places"]
    assert (cleft["x"], cleft["y"]) == pytest.approx((2800, 1410), abs=15)
    assert measured(mask)["cell_area_px"] == pytest.approx(np.count_nonzero(mask), rel=1e-3)


def test_every_quantity_is_named_and_measured() -> None:
    values = quantities(measured(disc()))
    assert list(values) == list(QUANTITIES)
    assert quantities(None) == dict.fromkeys(QUANTITIES)
    assert (values["cleft_count"], values["pale_spot_count"], values["vacuole_count"]) == (0, 0, None)


@pytest.mark.skipif(not CELLS, reason="CELLFLAG_CNMC names no folder of real cells")
def test_blasts_are_larger_and_more_clefted_than_normal_cells_in_the_published_data() -> None:
    found: dict[str, list[dict[str, float | None]]] = {}
    for label in ("all", "hem"):
        files = sorted(Path(CELLS).glob(f"fold_*/{label}/*"))
        for file in files[:: max(1, len(files) // 60)]:
            cell = find_cell(np.asarray(Image.open(file).convert("RGB")))
            found.setdefault(label, []).append(quantities(measure(cell.pixels, cell.mask)))
    areas, clefts, visible = (
        {label: [row[name] for row in rows] for label, rows in found.items()}
        for name in ("cell_area_px", "cleft_count", "nc_ratio")
    )
    assert np.median(np.array(areas["all"], float)) > 1.2 * np.median(np.array(areas["hem"], float))
    assert np.mean(np.array(clefts["all"], float)) > np.mean(np.array(clefts["hem"], float))
    # The segmented cells of C-NMC 2019 hardly show cytoplasm.
    assert np.mean([value is not None for values in visible.values() for value in values]) < 0.06
