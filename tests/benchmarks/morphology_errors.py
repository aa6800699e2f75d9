"""Measures drawn cells whose numbers are known, and prints the errors as the table in docs/morphology.md.

uv run python -m tests.benchmarks.morphology_errors 600
"""

import sys
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np

from lambda_fn.morphology import measure
from lambda_fn.morphology_facts import MorphologyFacts, SpotsFacts
from lambda_fn.outlines import MIN_CLEFT
from training.synthetic.measured import MeasuredCell, draw_measured_cell

# A measured spot whose centre is this close to a drawn one, as a share of the diameter, is the same spot.
SAME_SPOT = 0.04
# Clefts this close to the least depth may or may not be counted.
NEAR_LEAST = 0.01

Pair = tuple[MeasuredCell, MorphologyFacts]


@dataclass(frozen=True)
class Error:
    """Errors of one quantity.

    Attributes:
        count: number of compared values.
        bias: mean of measured less true.
        absolute: mean absolute error.
        ninety_fifth: 95 % of absolute errors are below.
        relative: the errors are shares of the true value.
    """

    count: int
    bias: float
    absolute: float
    ninety_fifth: float
    relative: bool


@dataclass(frozen=True)
class Found:
    """How many things were drawn, how many of them were found, and how many others were found."""

    drawn: int
    found: int
    invented: int


def measured_cells(count: int, seed: int = 0) -> list[Pair]:
    """Draw and measure cells; every second has visible cytoplasm."""
    generator = np.random.default_rng(seed)
    pairs = []
    for number in range(count):
        cell = draw_measured_cell(generator, cytoplasm=bool(number % 2))
        facts = measure(cell.pixels, cell.mask)
        assert facts is not None
        pairs.append((cell, facts))
    return pairs


def errors(pairs: Sequence[Pair]) -> dict[str, Error]:
    """Compare what was measured with what was drawn, by quantity."""
    matches = [
        (true[2], spot)
        for cell, facts in pairs
        for true, spot in _same(cell.pale_spots, facts["pale_spots"], facts["equivalent_diameter_px"])
    ]
    ratios = [(cell.nc_ratio, facts["nc_ratio"]) for cell, facts in pairs if cell.nc_ratio and facts["nc_ratio"]]
    deepest = [
        (cell.clefts[0], facts["clefts"]["deepest"])
        for cell, facts in pairs
        if cell.clefts and facts["clefts"]["number"]
    ]
    return {
        "cell_area_px": _error(((c.area, f["cell_area_px"]) for c, f in pairs), relative=True),
        "equivalent_diameter_px": _error(
            ((np.sqrt(4 * c.area / np.pi), f["equivalent_diameter_px"]) for c, f in pairs), relative=True
        ),
        "perimeter_px": _error(((c.perimeter, f["perimeter_px"]) for c, f in pairs), relative=True),
        "circularity": _error((4 * np.pi * c.area / c.perimeter**2, f["circularity"]) for c, f in pairs),
        "solidity": _error((c.solidity, f["solidity"]) for c, f in pairs),
        "aspect": _error((c.aspect, f["aspect"]) for c, f in pairs),
        "deepest cleft": _error(deepest),
        "pale spot, area": _error(matches, relative=True),
        "nc_ratio": _error((true, ratio) for true, ratio in ratios if true is not None and ratio is not None),
    }


def findings(pairs: Sequence[Pair]) -> dict[str, Found]:
    """Count clefts, pale spots, vacuoles and visible cytoplasm that were drawn, found and invented."""
    clear = [
        (sum(depth >= MIN_CLEFT + NEAR_LEAST for depth in cell.clefts), facts["clefts"]["number"], cell)
        for cell, facts in pairs
    ]
    possible = [sum(depth >= MIN_CLEFT - NEAR_LEAST for depth in cell.clefts) for _, _, cell in clear]
    seen = [(cell.nc_ratio is not None, facts["nc_ratio"] is not None) for cell, facts in pairs]
    visible = [(cell, facts) for cell, facts in pairs if cell.nc_ratio is not None and facts["nc_ratio"] is not None]
    return {
        "clefts": Found(
            sum(drawn for drawn, _, _ in clear),
            sum(min(drawn, found) for drawn, found, _ in clear),
            sum(max(0, found - most) for (_, found, _), most in zip(clear, possible, strict=True)),
        ),
        "pale spots": _spots_found((cell.pale_spots, facts["pale_spots"], facts) for cell, facts in pairs),
        "vacuoles": _spots_found((cell.vacuoles, facts["vacuoles"], facts) for cell, facts in visible),
        "visible cytoplasm": Found(
            sum(drawn for drawn, _ in seen),
            sum(all(both) for both in seen),
            sum(found and not drawn for drawn, found in seen),
        ),
    }


def _same(
    drawn: Sequence[tuple[float, float, float]], spots: SpotsFacts | None, diameter: float
) -> list[tuple[tuple[float, float, float], int]]:
    """Pair each drawn spot with the area of a measured one at its place."""
    pairs, left = [], list(spots["places"]) if spots else []
    for true in drawn:
        near = [spot for spot in left if np.hypot(spot["y"] - true[0], spot["x"] - true[1]) <= SAME_SPOT * diameter]
        if near:
            left.remove(near[0])
            pairs.append((true, near[0]["area_px"]))
    return pairs


def _spots_found(
    cells: Iterable[tuple[Sequence[tuple[float, float, float]], SpotsFacts | None, MorphologyFacts]],
) -> Found:
    drawn = found = measured = 0
    for true, spots, facts in cells:
        drawn += len(true)
        found += len(_same(true, spots, facts["equivalent_diameter_px"]))
        measured += spots["number"] if spots else 0
    return Found(drawn, found, measured - found)


def _error(pairs: Iterable[tuple[float, float]], *, relative: bool = False) -> Error:
    true, measured = (np.array(values, np.float64) for values in zip(*pairs, strict=True))
    differences = (measured - true) / (true if relative else 1)
    absolute = np.abs(differences)
    return Error(
        len(true), float(differences.mean()), float(absolute.mean()), float(np.quantile(absolute, 0.95)), relative
    )


def _table(pairs: Sequence[Pair]) -> str:
    lines = ["| quantity | n | bias | mean absolute error | 95 % below |", "|---|---:|---:|---:|---:|"]
    for name, error in errors(pairs).items():
        scale, unit = (100, " %") if error.relative else (1, "")
        values = (
            f"{scale * value:.{2 if error.relative else 4}f}{unit}"
            for value in (error.bias, error.absolute, error.ninety_fifth)
        )
        lines.append(f"| {name} | {error.count:,} | {' | '.join(values)} |")
    lines += ["", "| | drawn | found | invented |", "|---|---:|---:|---:|"]
    lines += [
        f"| {name} | {each.drawn:,} | {each.found:,} | {each.invented:,} |" for name, each in findings(pairs).items()
    ]
    return "\n".join(lines)


if __name__ == "__main__":
    print(_table(measured_cells(int(sys.argv[1]) if len(sys.argv) > 1 else 600)))
