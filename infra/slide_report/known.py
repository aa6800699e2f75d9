"""The share of ALL beside those of the known subjects of the model, and their places on the page."""

from dataclasses import dataclass
from typing import Final

from infra.review.policy import ModelView
from infra.slide_report.gathering import Gathered
from lambda_fn.known_subjects import KnownSubjects, Quantiles
from lambda_fn.slides import SlideSummary

# Units of the drawing: shares from 0 to 1 take this many.
WIDTH: Final = 560.0


@dataclass(frozen=True)
class Strip:
    """A row of the drawing: the ends of a line, of a box on it if there is one, and the place of a mark, in units."""

    words: str
    low: float
    high: float
    mark: float
    box: tuple[float, float] | None


def known_subjects(gathered: Gathered, view: ModelView) -> KnownSubjects | str:
    """Return the known subjects of the model that gave all results, or why there is no comparison with any."""
    if gathered.model is None:
        return f"No comparison with known subjects: {len(gathered.models)} models gave these results."
    if gathered.model["sha256"] != view.manifest.sha256:
        return (
            f"No comparison with known subjects: another model gave these results than {view.manifest.version}, whose "
            "manifest is here."
        )
    return view.manifest.known_subjects or (
        "No comparison with known subjects: the model's manifest does not state any."
    )


def draw_shares(summary: SlideSummary, known: KnownSubjects | None) -> list[Strip]:
    """Lay out the share of a selection with its interval, and the known subjects' shares below it.

    Returns:
        Rows; none if no share is stated.
    """
    if summary.share_all is None or summary.share_all_low is None or summary.share_all_high is None:
        return []
    low, high = WIDTH * summary.share_all_low, WIDTH * summary.share_all_high
    strips = [Strip("this report, with its 95 % interval", low, high, WIDTH * summary.share_all, None)]
    if known:
        strips.append(_strip(f"{known.all.subjects} known subjects with ALL", known.all.share_all))
        strips.append(_strip(f"{known.normal.subjects} known healthy subjects", known.normal.share_all))
    return strips


def _strip(words: str, shares: Quantiles) -> Strip:
    box = (WIDTH * shares.lower_quartile, WIDTH * shares.upper_quartile)
    return Strip(words, WIDTH * shares.lowest, WIDTH * shares.highest, WIDTH * shares.median, box)
