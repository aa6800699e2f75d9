"""The time to find the cell on an image: on black beside the bare steps for it, and on a smear."""

import time
from collections.abc import Callable
from statistics import median

from lambda_fn.cells import BACKGROUND_LEVEL, _brightest_channel, _is_cut, _largest_piece, find_cell
from lambda_fn.images import decode
from tests.drawn_smears import Smear

from .conftest import ComparisonRow, report, rounds

ROUNDS = 60


def milliseconds(work: Callable[[], object]) -> float:
    started = time.process_time()
    work()
    return (time.process_time() - started) * 1000


def test_the_time_to_find_a_cell(cells: list[bytes]) -> None:
    on_black = decode(cells[0]).pixels
    smear = Smear(300).red_cells((0.12, 0.2), (0.5, 0.2), (0.8, 0.15), (0.72, 0.72), (0.5, 0.9)).white_cell().pixels()

    def bare_steps() -> None:
        mask, _ = _largest_piece(_brightest_channel(on_black) > BACKGROUND_LEVEL)
        _is_cut(on_black, mask)

    ours, bare = rounds(ROUNDS, lambda: milliseconds(lambda: find_cell(on_black)), lambda: milliseconds(bare_steps))
    ComparisonRow("CPU to find a cell on black, 450 px", "its bare steps", "ms", ours, bare, "1.00").report()
    times = [milliseconds(lambda: find_cell(smear)) for _ in range(ROUNDS)]
    report("CPU to find a cell on a smear, 300 px", f"{median(times):.1f} ms", "<= 25 ms", ROUNDS)
