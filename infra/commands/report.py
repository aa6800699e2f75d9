"""``cellflag report``: a page, or a file in FHIR, on the results of a slide, a patient or a day."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from datetime import UTC, date, datetime
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

import click

from infra.commands.results import Moment, read_results
from infra.deployed_stack import DeployedStack
from infra.errors import InfraError
from infra.operate.access import on_a_stack_unless
from infra.operate.documents import Selection
from infra.operate.exports import write_new
from infra.promise.evidence import Evidence, Gatherer
from infra.promise.labels_read import read_labels
from lambda_fn.keys import RESULTS
from lambda_fn.results import ResultDocument
from lambda_fn.terminal import printable, show_failures

if TYPE_CHECKING:
    from infra.slide_report.promise_state import PromiseState

# Cells with pictures: the default fills a page of A4 and a half.
_CELLS, _MOST_CELLS = 12, 40


@click.command()
@click.option(
    "--prefix", default="", help="Only images whose keys begin with this: the folder of a slide, such as p7/."
)
@click.option("--day", type=click.DateTime(["%Y-%m-%d"]), help="Only images that were scored on this day, in UTC.")
@click.option(
    "--since", type=Moment(), help="Only results written since then: 90m, 2h, 3d or 1w ago, or 2026-11-22T08:00."
)
@click.option(
    "--folder",
    type=click.Path(exists=True, file_okay=False, path_type=Path),
    help="Read what `cellflag score --out FOLDER` wrote, instead of a deployment.",
)
@click.option(
    "--images",
    type=click.Path(exists=True, file_okay=False, path_type=Path),
    help="With --folder: the images that were scored, to draw the most suspicious cells.",
)
@click.option(
    "--cells",
    default=_CELLS,
    show_default=True,
    type=click.IntRange(0, _MOST_CELLS),
    help="Number of the most suspicious cells that are drawn.",
)
@click.option(
    "--format",
    "kind",
    default="html",
    show_default=True,
    type=click.Choice(["html", "fhir"]),
    help="A page, or a FHIR R4 Bundle in JSON.",
)
@click.option("--out", required=True, type=click.Path(dir_okay=False, path_type=Path), help="New file for the report.")
@on_a_stack_unless("folder")
def report(
    stack: DeployedStack | None,
    prefix: str,
    day: datetime | None,
    since: datetime | None,
    folder: Path | None,
    images: Path | None,
    cells: int,
    kind: str,
    out: Path,
) -> None:
    """Write a report on a slide, a patient or a day.

    The page holds counts, scores, the most suspicious cells with what the model saw, the cells that wait for a person,
    and what people said. It is one file of at most 3 MB that needs no network, on a screen or printed in grey.

    A report compares. It is no diagnosis, and no verdict on a patient. It shows the scores of flagged cells: if you
    answer these blind, do so before you read it.
    """
    if since and day:
        raise click.UsageError("choose --day or --since")
    if images and not folder:
        raise click.UsageError("--images goes with --folder: the images of a deployment lie in its bucket")
    if folder and not (folder / RESULTS).is_dir():
        raise click.UsageError(f"{folder} holds no results: name the folder that `cellflag score --out` wrote to")
    # A result is never written before its image is scored.
    selection = Selection(prefix, day.replace(tzinfo=UTC) if day else since)
    on_day = day.date() if day else None
    source = stack or folder
    if source is None:
        raise AssertionError("without --folder there is a deployment")
    write_new(out, partial(_write, source, images, selection, on_day, cells, kind))
    click.echo(f"{printable(str(out))} is written.")


def _write(
    source: DeployedStack | Path,
    images: Path | None,
    selection: Selection,
    day: date | None,
    cells: int,
    kind: str,
    out: Path,
) -> None:
    # Here, so that `--help` does not wait for them.
    from infra.review.bucket import BucketPlace
    from infra.review.folder import FolderPlace
    from infra.review.places import Place
    from infra.review.policy import read_model_view
    from infra.slide_report.answers import answers_of
    from infra.slide_report.cards import PictureCards
    from infra.slide_report.facts import ReportFacts
    from infra.slide_report.fhir import write_fhir
    from infra.slide_report.gathering import gather
    from infra.slide_report.html_page import write_html

    stack = source if isinstance(source, DeployedStack) else None
    place: Place = FolderPlace(source, images or source) if isinstance(source, Path) else BucketPlace(source)
    odd_keys: list[str] = []
    view = read_model_view(stack)
    known = read_labels(source, selection.prefix, odd_keys.append)
    evidence = Gatherer(known)
    documents = _of_day(_counted(read_results(source, selection, odd_keys.append), evidence), day)
    gathered = gather(documents, answers_of(known, odd_keys.append), cells if kind == "html" else 0)
    if gathered is None:
        chosen = " with these options" if selection != Selection() else ""
        raise click.UsageError(f"there is no result to report on{chosen}")
    since = None if day else selection.since
    # A report is passed on, so it names the folder without its path.
    name = source.resolve().name if isinstance(source, Path) else place.name
    promise = _state_of_the_promise(evidence.evidence, stack)
    facts = ReportFacts(name, selection.prefix, since, day, datetime.now(UTC), view, promise)
    if kind == "fhir":
        write_fhir(out, gathered, facts)
    else:
        write_html(out, gathered, facts, PictureCards(place if stack or images else None, view))
    show_failures([f"{key}: left out, because it is no result document or label" for key in odd_keys])


def _counted(documents: Iterable[ResultDocument], evidence: Gatherer) -> Iterator[ResultDocument]:
    """The same documents, each of which is counted as evidence on the promise."""
    for document in documents:
        evidence.add(document)
        yield document


def _state_of_the_promise(found: Sequence[Evidence], stack: DeployedStack | None) -> PromiseState | None:
    """Judge the promise as `cellflag promise` does. None if the model of this package scored no cell lately."""
    from infra.commands.promise import WORDS, explain, make_report, verdict_in_words
    from infra.promise.promised import promised_rates
    from infra.slide_report.promise_state import PromisedRate, PromiseState

    if not found:
        return None
    evidence, *others = found
    try:
        promised = promised_rates(evidence.model, stack)
    except InfraError:
        return None
    report = make_report(evidence, sum(one.scored for one in others), promised)
    rates = (
        PromisedRate(
            name,
            WORDS[name],
            judgement.promised,
            judgement.rate,
            judgement.interval,
            evidence.of_class(name).audits,
            judgement.verdict,
            verdict_in_words(judgement),
        )
        for name, judgement in report.judgements.items()
    )
    return PromiseState(tuple(rates), tuple(explain(report)))


def _of_day(documents: Iterable[ResultDocument], day: date | None) -> Iterator[ResultDocument]:
    return (document for document in documents if day is None or document["scored_at"].startswith(day.isoformat()))
