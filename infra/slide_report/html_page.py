"""Writes a report as one HTML file that needs nothing else.

The charts are SVG in the template: text in them stays text, they are sharp on paper, they take a few KB, and people who
only look after a deployment need no matplotlib, which is a library of the training.
"""

from collections.abc import Sequence
from pathlib import Path

from infra.slide_report import histogram, known
from infra.slide_report.cards import CellCard, PictureCards, in_text
from infra.slide_report.facts import ReportFacts
from infra.slide_report.gathering import Foremost, Gathered
from lambda_fn.slides import LEAST_CELLS, NOTES
from lambda_fn.terminal import printable
from training.report.page import page_environment

# Most slides in the table.
MOST_SLIDES = 60
# Most people that are named.
MOST_REVIEWERS = 20


def write_html(path: Path, gathered: Gathered, facts: ReportFacts, pictures: PictureCards) -> None:
    """Write the page.

    Args:
        path: the file.
        gathered: what the report states.
        facts: what it is about.
        pictures: draws the most suspicious cells.

    Raises:
        ClientError, OSError: an image cannot be read, or the file cannot be written.
    """
    environment = page_environment("infra.slide_report")
    # Whoever may upload images chooses their keys. Escaping HTML is not enough: some characters turn the text around.
    environment.finalize = _shown
    model = gathered.model
    own = facts.view.manifest if model and model["sha256"] == facts.view.manifest.sha256 else None
    thresholds = facts.view.thresholds_of(model) if model else None
    subjects = known.known_subjects(gathered, facts.view)

    def rows(foremost: Foremost) -> list[CellCard]:
        return [in_text(result, facts.view) for result in foremost.results]

    page = environment.get_template("slide.html").render(
        title=f"{facts.prefix or 'All images'} - cellflag",
        facts=facts,
        gathered=gathered,
        summary=gathered.whole,
        notes=NOTES,
        least_cells=LEAST_CELLS,
        model=model,
        manifest=own,
        thresholds=thresholds,
        # The manifest states what its own thresholds achieved, not those that a deployment chose.
        achieved=own.achieved if own and thresholds == own.thresholds else None,
        histogram=histogram.draw_histogram(gathered.scores, thresholds),
        width=histogram.WIDTH,
        height=histogram.HEIGHT,
        strips=known.draw_shares(gathered.whole, None if isinstance(subjects, str) else subjects),
        not_compared=subjects if isinstance(subjects, str) else None,
        strip_width=known.WIDTH,
        slides=gathered.slides[:MOST_SLIDES],
        suspicious=pictures.cards(gathered.suspicious.results),
        flagged=rows(gathered.flagged),
        rejected=rows(gathered.rejected),
        contradicted=rows(gathered.contradicted),
        reviewers=gathered.agreement.reviewers.most_common(MOST_REVIEWERS),
        other_models=_other_models(gathered),
    )
    path.write_text(page, "utf-8")


def _shown(value: object) -> object:
    return printable(value) if type(value) is str else value  # text that is marked as safe is a subclass


def _other_models(gathered: Gathered) -> Sequence[tuple[str, str, int]]:
    """Version, digest and number of results of each model if there are several, the most frequent first."""
    if gathered.model:
        return []
    return [(version, sha256, count) for (version, sha256), count in gathered.models.most_common(10)]
