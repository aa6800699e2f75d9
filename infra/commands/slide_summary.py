"""``cellflag results --summary``: slides, and the known subjects to compare them with."""

from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path

import click
from rich.console import Console
from rich.table import Table
from rich.text import Text

from infra.demo.summary import STYLES
from infra.operate.slide_exports import write_slides
from lambda_fn.known_subjects import NOT_STATED, Quantiles
from lambda_fn.manifest import Manifest
from lambda_fn.results import ResultDocument
from lambda_fn.slides import LEAST_CELLS, NOTES, SlideSummary, SlideTallies
from lambda_fn.terminal import printable

NO_FOLDER = "(no folder)"
# Most other models that are named.
_MOST_MODELS = 3
_DECISIONS = ("ALL", "normal", "review", "rejected")
# Least columns of a terminal that has room for intervals beside their figures, for decisions, and for means.
_WIDE, _WITH_DECISIONS, _WITH_MEAN = 112, 80, 56


def sum_up(
    documents: Iterable[ResultDocument], depth: int | None, kind: str, out: Path | None, limit: int | None
) -> None:
    """Sum up slides, and show or export them, with the sentences that people must read beside the figures.

    Args:
        documents: results, which are read one by one.
        depth: number of folders that name a slide, as ``slides.slide_of`` takes it.
        kind: ``table``, ``csv``, ``jsonl`` or ``parquet``.
        out: new file; None for standard output.
        limit: most slides that are shown; None for all.

    Raises:
        ExportError: the file is there already or cannot be written.
        ModelError: the manifest of the model in ``lambda_fn/model`` cannot be read.
    """
    manifest = Manifest.read()
    slides: list[SlideSummary] = []

    def shown() -> Iterator[SlideSummary]:
        # Results are read when the first slide is asked for, so that a file that is there already is refused before.
        tallies = SlideTallies(depth)
        for document in documents:
            tallies.add(document)
        slides.extend(tallies.summaries())
        yield from slides[:limit]

    if kind == "table":
        console = Console(highlight=False)
        console.print(slide_table(shown(), manifest, console.width))
    else:
        write_slides(kind, shown(), manifest, out)
    for sentence in explain_slides(slides[:limit], manifest) if slides else ():
        click.echo(sentence, err=kind != "table")
    first = f"The first {limit:,} of " if limit and limit < len(slides) else ""
    click.echo(f"{first}{len(slides):,} slides.", err=True)


def slide_table(summaries: Iterable[SlideSummary], manifest: Manifest, width: int = _WIDE) -> Table:
    """A row for each slide, and below them a row for the known subjects of each class, if any slide compares with them.

    Args:
        summaries: the slides.
        manifest: of the model whose known subjects are shown.
        width: columns of the terminal. A narrow one gets intervals on lines of their own, and no mean or decisions.
    """
    with_decisions, with_mean = width >= _WITH_DECISIONS, width >= _WITH_MEAN
    gap = " " if width >= _WIDE else "\n"
    table = Table(box=None, header_style="bold", pad_edge=False)
    table.add_column("slide", overflow="fold", ratio=1, min_width=8)
    table.add_column("cells", justify="right", no_wrap=True)
    for name in _DECISIONS if with_decisions else ():
        table.add_column(name, justify="right", no_wrap=True)
    table.add_column("share of ALL", no_wrap=True)
    if with_mean:
        table.add_column("mean P(ALL)", no_wrap=True)
    comparable = False
    for summary in summaries:
        comparable = comparable or summary.model == manifest.version
        table.add_row(
            Text(printable(summary.slide) if summary.slide else NO_FOLDER),
            f"{summary.scored:,}",
            *(_decisions(summary) if with_decisions else ()),
            *_figures(summary, gap)[: 1 + with_mean],
        )
    known = manifest.known_subjects
    if known and comparable:
        table.add_row()
        empty = [""] * (1 + with_decisions * len(_DECISIONS))
        for title, spread in (("subjects with ALL", known.all), ("healthy subjects", known.normal)):
            figures = [_spread(quantiles, gap) for quantiles in (spread.share_all, spread.mean_probability_all)]
            row = (f"{spread.subjects} known {title}", *empty, *figures[: 1 + with_mean])
            table.add_row(*(Text(cell, "dim") for cell in row))
    return table


def _decisions(summary: SlideSummary) -> Iterator[Text]:
    counts = (summary.decided_all, summary.decided_normal, summary.for_review, summary.rejected)
    for name, count in zip(_DECISIONS, counts, strict=True):
        yield Text(f"{count:,}", STYLES[name] if count else "dim")


def _figures(summary: SlideSummary, gap: str) -> tuple[str, str]:
    if summary.share_all is None or summary.mean_probability_all is None:
        return f"-{gap}{summary.unstated}", "-"
    interval = f"({summary.share_all_low:.2f} to {summary.share_all_high:.2f})"
    return f"{summary.share_all:.2f}{gap}{interval}", f"{summary.mean_probability_all:.2f}"


def _spread(quantiles: Quantiles, gap: str) -> str:
    return f"{quantiles.median:.2f}{gap}({quantiles.lowest:.2f} to {quantiles.highest:.2f})"


def explain_slides(summaries: Sequence[SlideSummary], manifest: Manifest) -> list[str]:
    """The sentences that people must read beside the figures of slides, without characters that control a terminal."""
    return [*NOTES, *map(printable, _explain_known(summaries, manifest))]


def _explain_known(summaries: Sequence[SlideSummary], manifest: Manifest) -> list[str]:
    if not manifest.known_subjects:
        return [f"No comparison: {NOT_STATED} ({manifest.version})."]
    others = [summary for summary in summaries if summary.models and summary.model != manifest.version]
    sentences = []
    if len(others) < sum(1 for summary in summaries if summary.models):
        sentences.append(
            f"Known subjects: those of {LEAST_CELLS} cells or more on which {manifest.version} was measured, each by "
            "models that never saw it. Median, and lowest to highest."
        )
    if others:
        names = sorted({summary.model for summary in others if summary.model})
        more = f" and {len(names) - _MOST_MODELS} more" if len(names) > _MOST_MODELS else ""
        by = f" ({', '.join(names[:_MOST_MODELS])}{more})" if names else ""
        sentences.append(
            f"{len(others):,} of {len(summaries):,} slides were scored by another model than {manifest.version}, or by "
            f"several{by}: they do not compare with its known subjects."
        )
    return sentences
