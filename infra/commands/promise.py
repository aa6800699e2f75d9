"""``cellflag promise``: does the model keep its promised error rates in this laboratory?"""

import json
from collections.abc import Callable, Iterable, Iterator
from dataclasses import asdict, dataclass
from datetime import datetime
from pathlib import Path
from typing import Any, Final

import click
from botocore.exceptions import BotoCoreError, ClientError
from rich.console import Console
from rich.table import Table
from rich.text import Text

from infra.commands.results import Moment, read_results
from infra.deployed_stack import DeployedStack
from infra.errors import InfraError
from infra.operate import aws_errors
from infra.operate.access import on_a_stack_unless
from infra.operate.documents import Selection
from infra.promise.evidence import CLASS_OF, Evidence, LeftOut, gather
from infra.promise.labels_read import read_labels
from infra.promise.promised import promised_rates
from infra.promise.readers import agreement_of, in_words
from infra.promise.state import report_state
from lambda_fn.keys import RESULTS
from lambda_fn.labels import LabelDocument
from lambda_fn.manifest import ERROR_RATES, ErrorRate
from lambda_fn.promises import LEAST_SLIDES, MOST_AUDITS, Judgement, judge, mean_over_slides
from lambda_fn.slides import LEAST_CELLS, Interval
from lambda_fn.terminal import printable, show_failures

WORDS: Final = {"all_decided_normal": "ALL decided normal", "normal_decided_all": "normal decided ALL"}
# Exit code if --check finds a broken promise. Codes 1 and 2 mean errors.
_BROKEN: Final = 3
_STYLES: Final = {"holds": "green", "broken": "bold red", "open": "yellow"}
_LEFT_OUT: Final[dict[LeftOut, str]] = {
    "other_version": "of an image that was replaced since",
    "other_decision": "given to a result of another model, of other thresholds or of another decision",
    "not_blind": "of audited cells, given by a reviewer who saw the model's view",
    "not_drawn": "of decided cells that a person chose, not chance",
}


@dataclass(frozen=True)
class Report:
    """The answer on both promises.

    Attributes:
        evidence: what it rests on.
        others: number of results by other models or thresholds, which do not count.
        judgements: by the name of the promise.
        slides: mean over slides, its interval, and the number of slides; None if too few slides have enough labels.
    """

    evidence: Evidence
    others: int
    judgements: dict[ErrorRate, Judgement]
    slides: dict[ErrorRate, tuple[float, Interval, int] | None]


def chosen_results(command: Callable[..., Any]) -> Callable[..., Any]:
    """Add the options that choose results and define a slide to a command."""
    for option in (
        click.option(
            "--folder",
            type=click.Path(exists=True, file_okay=False, path_type=Path),
            help="Read what `cellflag score --out FOLDER` wrote, and the labels there, instead of a deployment.",
        ),
        click.option(
            "--prefix-depth", "depth", type=click.IntRange(1), help="A slide is the first N folders of a key."
        ),
        click.option(
            "--since", type=Moment(), help="Count only results written since then: 2h, 3d or 1w ago, or a date."
        ),
        click.option("--prefix", default="", help="Count only images whose keys begin with this."),
    ):
        command = option(command)
    return command


def gather_from(
    source: DeployedStack | Path,
    prefix: str,
    since: datetime | None,
    depth: int | None,
    on_labels: Callable[[Iterable[LabelDocument]], object] = lambda known: None,
) -> tuple[Evidence, int]:
    """Gather the evidence of the model and the thresholds that gave the newest result, and count the other results.

    ``on_labels`` is called with all labels.

    Raises:
        InfraError: there is no scored cell.
        ClientError, OSError: S3 or the system refuses or fails.
    """
    odd_keys: list[str] = []
    known = read_labels(source, prefix, odd_keys.append)
    on_labels(known.values())
    found = gather(read_results(source, Selection(prefix, since), odd_keys.append), known, depth)
    show_failures([f"{key}: left out, because it is no result or label" for key in odd_keys])
    if not found:
        raise InfraError("there is no scored cell: choose others with --prefix and --since.")
    return found[0], sum(one.scored for one in found[1:])


@click.command()
@chosen_results
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object, for programs.")
@click.option(
    "--check", is_flag=True, help="End with exit code 3 if a promise is broken, for a job that runs every day."
)
@on_a_stack_unless("folder")
def promise(
    stack: DeployedStack | None,
    folder: Path | None,
    prefix: str,
    since: datetime | None,
    depth: int | None,
    as_json: bool,
    check: bool,
) -> None:
    """Tell whether the model keeps its promised error rates here: "holds", "broken", or "cannot be said yet".

    It needs audits: decided cells that were drawn by chance and labelled blind, on the page of `cellflag review`. The
    errors lie among decided cells, so labels of flagged cells alone can never tell.

    The answer may be read every day. Over all days together, a promise that is kept is called broken with a chance of
    5 % at most.

    Without --prefix and --since, the answer also goes to CloudWatch: to `cellflag status`, and to an alarm if a promise
    is broken.
    """
    if folder and not (folder / RESULTS).is_dir():
        raise click.UsageError(f"{folder} holds no results: name the folder that `cellflag score --out` wrote to")
    known: list[LabelDocument] = []
    evidence, others = gather_from(stack or folder or Path(), prefix, since, depth, known.extend)
    report = make_report(evidence, others, promised_rates(evidence.model, stack))
    if stack and not prefix and since is None:
        _tell_the_alarm(stack, report)
    readers = agreement_of(known)
    if as_json:
        click.echo(json.dumps(as_fields(report) | {"readers": asdict(readers)}, indent=1))
    else:
        Console(highlight=False).print(_table(report))
        for sentence in explain(report):
            click.echo(sentence)
        if readers.cells:
            click.echo(in_words(readers))
    if check and any(judgement.verdict == "broken" for judgement in report.judgements.values()):
        click.get_current_context().exit(_BROKEN)


def _tell_the_alarm(stack: DeployedStack, report: Report) -> None:
    """Send what was found to CloudWatch. Who may not do that reads it all the same."""
    try:
        report_state(stack, report.evidence.model, report.judgements.values())
    except (BotoCoreError, ClientError) as error:
        click.echo(f"CloudWatch did not get this: {aws_errors.explain(error)}", err=True)


def make_report(evidence: Evidence, others: int, rates: dict[ErrorRate, float]) -> Report:
    """Judge both promises."""
    names = [name for name in ERROR_RATES if name in rates]
    return Report(
        evidence,
        others,
        {name: judge(evidence.of_class(name), rates[name]) for name in names},
        {name: mean_over_slides(evidence.of_slides(name)) for name in names},
    )


def as_fields(report: Report) -> dict[str, Any]:
    """The report as plain values for JSON."""
    evidence = report.evidence
    return {
        "model": evidence.model,
        "scored": evidence.scored,
        "scored_by_others": report.others,
        "audits": len(evidence.audits),
        "audits_cannot_say": sum(cell.answer == "cannot_say" for cell in evidence.audits),
        "audits_changed": evidence.changed,
        "labels_left_out": dict(evidence.left_out),
        "promises": {
            name: {
                **asdict(judgement),
                "evidence": asdict(evidence.of_class(name)),
                "over_slides": _slides_as_fields(report.slides[name]),
            }
            for name, judgement in report.judgements.items()
        },
    }


def verdict_in_words(judgement: Judgement) -> str:
    """The verdict on a promise, and what is missing if there is none."""
    match judgement:
        case Judgement(verdict="holds" | "broken" as verdict):
            return verdict
        case Judgement(why_open="no_audits"):
            return "cannot be said: no decided cell was audited"
        case Judgement(why_open="nothing_decided"):
            return "nothing to test: no cell gets this decision"
        case Judgement(audits_more=None):
            return f"cannot be said yet, not even after {MOST_AUDITS:,} audits more like those so far"
    return f"cannot be said yet: about {judgement.audits_more:,} audits more"


def explain(report: Report) -> Iterator[str]:
    """Yield the sentences that belong beside the table."""
    evidence = report.evidence
    known = evidence.of_class("all_decided_normal")
    cannot_say = sum(cell.answer == "cannot_say" for cell in evidence.audits)
    yield (
        f"{known.audits:,} of {known.decided:,} decided cells were audited blind"
        f"{f', {cannot_say:,} of them with the answer cannot_say' if cannot_say else ''}; "
        f"{known.flagged_labelled:,} of {known.flagged:,} flagged cells have a label."
    )
    if known.flagged_labelled < known.flagged:
        yield "Flags without a label may be of either class: they widen the interval. Answer them all."
    for reason, count in evidence.left_out.items():
        yield f"{count:,} labels do not count: {_LEFT_OUT[reason]}."
    if evidence.changed:
        yield (
            f"{evidence.changed:,} answers were changed after the model's view was shown: the first, blind ones count."
        )
    if report.others:
        yield f"{report.others:,} results of other models or thresholds do not count."
    for name, slides in report.slides.items():
        if slides is None:
            yield (
                f"{WORDS[name]}, slide by slide: cannot be said, because that takes {LEAST_SLIDES} slides with "
                f"{LEAST_CELLS} labelled {CLASS_OF[name]} cells each."
            )


def _slides_as_fields(slides: tuple[float, Interval, int] | None) -> dict[str, Any] | None:
    return {"rate": slides[0], "low": slides[1].low, "high": slides[1].high, "slides": slides[2]} if slides else None


def _table(report: Report) -> Table:
    table = Table(box=None, header_style="bold", pad_edge=False)
    for name in ("share of", "promised", "here", "interval", "mean over slides"):
        table.add_column(name, no_wrap=name != "mean over slides")
    table.add_column("verdict", overflow="fold")
    for name, judgement in report.judgements.items():
        slides = report.slides[name]
        table.add_row(
            WORDS[name],
            f"{judgement.promised:.1%}",
            "-" if judgement.rate is None else f"{judgement.rate:.1%}",
            _interval(judgement.interval),
            f"{slides[0]:.1%} ({_interval(slides[1])}) of {slides[2]}" if slides else "-",
            Text(verdict_in_words(judgement), _STYLES[judgement.verdict]),
        )
    model = report.evidence.model
    table.caption = printable(f"{model['version']}, thresholds: {model.get('thresholds', 'not stated')}")
    table.caption_justify = "left"
    return table


def _interval(interval: Interval | None) -> str:
    return f"{interval.low:.1%} to {interval.high:.1%}" if interval else "-"
