"""``cellflag results``: lists, filters, exports and sums up the results of a deployment or of a folder."""

import re
import sys
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from datetime import UTC, datetime, timedelta
from functools import partial
from itertools import islice
from pathlib import Path
from typing import IO, get_args

import click
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn
from rich.table import Table
from rich.text import Text

from infra.commands.slide_summary import sum_up
from infra.demo.summary import STYLES
from infra.deployed_stack import DeployedStack
from infra.operate.access import on_a_stack_unless
from infra.operate.conditions import NAMES, Condition, read_condition
from infra.operate.documents import Selection, read_documents, read_documents_below
from infra.operate.exports import duckdb_module, seen, write_csv, write_jsonl, write_new, write_parquet
from lambda_fn.decisions import Decision
from lambda_fn.keys import RESULTS
from lambda_fn.results import DecisionOrRejected, ResultDocument, decision_or_rejected
from lambda_fn.terminal import printable, show_failures, use_utf_8

_ROWS = 50
# A terminal of fewer columns shows no reasons and no times, so that keys stay readable.
_WIDE = 72
# One of fewer columns shows no features.
_WIDER = 110
_WRITERS = {"csv": write_csv, "jsonl": write_jsonl}
_UNITS = {"m": "minutes", "h": "hours", "d": "days", "w": "weeks"}


class Moment(click.ParamType[datetime]):
    """A point in time, such as ``2h`` ago or a date."""

    name = "time"

    def convert(self, value: str, param: click.Parameter | None, ctx: click.Context | None) -> datetime:
        """Read the time, or fail with examples of valid times."""
        try:
            return point_in_time(value)
        except (ValueError, OverflowError):
            self.fail(f"{value!r} is neither like 90m, 2h, 3d, 1w nor like 2026-11-22 or 2026-11-22T08:00", param, ctx)


class Comparison(click.ParamType[Condition]):
    """A condition on a number, such as ``deepest_cleft>=0.1``."""

    name = "condition"

    def convert(self, value: str, param: click.Parameter | None, ctx: click.Context | None) -> Condition:
        """Read the condition, or fail with the names of all numbers."""
        try:
            return read_condition(value)
        except ValueError:
            self.fail(
                f"{value!r} is not like 'deepest_cleft>=0.1', with >=, <=, >, < or = and one of {', '.join(NAMES)}",
                param,
                ctx,
            )


def point_in_time(text: str, now: datetime | None = None) -> datetime:
    """Read a time such as ``90m``, ``2h``, ``3d`` or ``1w`` before ``now``, or an ISO 8601 date or time.

    A date or time without an offset is in UTC.

    Raises:
        ValueError: the text is none of these.
    """
    ago = re.fullmatch(r"(\d{1,6})([mhdw])", text)
    if ago:
        return (now or datetime.now(UTC)) - timedelta(**{_UNITS[ago[2]]: int(ago[1])})
    time = datetime.fromisoformat(text)
    return time if time.tzinfo else time.replace(tzinfo=UTC)


@click.command()
@click.option("--prefix", default="", help="List only images whose keys begin with this.")
@click.option(
    "--decision",
    "decisions",
    multiple=True,
    type=click.Choice(get_args(Decision)),
    help="List only this decision; may be repeated.",
)
@click.option(
    "--since", type=Moment(), help="List results written since then: 90m, 2h, 3d or 1w ago, or 2026-11-22T08:00."
)
@click.option("--model", help="List results of this model: its version, or the beginning of its digest.")
@click.option(
    "--where",
    "conditions",
    multiple=True,
    type=Comparison(),
    help="List only cells whose number meets this, such as 'deepest_cleft>=0.1'; may be repeated.",
)
@click.option("--flagged", is_flag=True, help="List only images that a person should look at.")
@click.option("--rejected", is_flag=True, help="List only images that could not be scored.")
@click.option(
    "--format", "kind", default="table", show_default=True, type=click.Choice(["table", "csv", "parquet", "jsonl"])
)
@click.option(
    "--out", type=click.Path(dir_okay=False, path_type=Path), help="Write a new file instead of standard output."
)
@click.option("--limit", type=click.IntRange(1), help="Stop after this many; a table has 50 by default.")
@click.option(
    "--summary", is_flag=True, help="Sum up each slide, in any --format. A slide is the folder of an image's key."
)
@click.option(
    "--prefix-depth",
    "depth",
    type=click.IntRange(1),
    help="With --summary: a slide is the first N folders of a key, so that 1 joins p7/a/1.bmp and p7/b/1.bmp as p7/.",
)
@click.option(
    "--folder",
    type=click.Path(exists=True, file_okay=False, path_type=Path),
    help="Read what `cellflag score --out FOLDER` wrote, instead of a deployment.",
)
@on_a_stack_unless("folder")
def results(
    stack: DeployedStack | None,
    folder: Path | None,
    prefix: str,
    decisions: tuple[Decision, ...],
    since: datetime | None,
    model: str | None,
    conditions: tuple[Condition, ...],
    flagged: bool,
    rejected: bool,
    kind: str,
    out: Path | None,
    limit: int | None,
    summary: bool,
    depth: int | None,
) -> None:
    """List results, or export them, or sum up slides.

    Results must meet all conditions. --prefix, --since and --flagged save time, because the results that they leave out
    are not read.

    --summary shows the share of a slide's cells that the model takes for ALL, from five cells on, and where the known
    subjects of the model in lambda_fn/model lie. Both compare; neither is a verdict on a patient.
    """
    if depth and not summary:
        raise click.UsageError("--prefix-depth goes with --summary")
    if summary and (decisions or flagged or rejected):
        raise click.UsageError(
            "--summary goes without --decision, --flagged and --rejected: a share of selected cells says nothing of "
            "the slide"
        )
    if folder and not (folder / RESULTS).is_dir():
        raise click.UsageError(f"{folder} holds no results: name the folder that `cellflag score --out` wrote to")
    if kind == "table" and out:
        raise click.UsageError("a table goes to the terminal: choose csv, parquet or jsonl with --format for --out")
    if kind == "parquet":
        if not out:
            raise click.UsageError("name a file with --out for Parquet")
        duckdb_module()
    selection = Selection(prefix, since, decisions, model, flagged, rejected, conditions)
    counts: Counter[DecisionOrRejected] = Counter()
    limit = limit or (_ROWS if kind == "table" else None)
    odd_keys: list[str] = []
    documents = _counted(read_results(stack or folder, selection, odd_keys.append), counts)
    if summary:
        sum_up(documents, depth, kind, out, limit)
    else:
        _list(islice(documents, limit), kind, out)
    described = ", ".join(f"{count:,} {decision}" for decision, count in counts.most_common())
    first = "The first " if counts.total() == limit and not summary else ""
    click.echo(f"{first}{counts.total():,} results{': ' if described else ''}{described}.", err=True)
    show_failures([f"{key}: left out, because it is no result document" for key in odd_keys])


def _list(documents: Iterable[ResultDocument], kind: str, out: Path | None) -> None:
    if kind == "table":
        console = Console(highlight=False)
        console.print(_table(documents, wide=console.width >= _WIDE, wider=console.width >= _WIDER))
    elif out:
        write_new(out, partial(_write, kind, documents))
    else:
        use_utf_8()
        _WRITERS[kind](documents, sys.stdout)


def read_results(
    source: DeployedStack | Path | None, selection: Selection, on_odd: Callable[[str], None]
) -> Iterator[ResultDocument]:
    """Read the selected results of a deployment or a folder, with a bar of progress; see ``read_documents``."""
    columns = (TextColumn("Reading"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn())
    with Progress(*columns, console=Console(stderr=True), transient=True) as progress:
        task = progress.add_task("", total=None)

        def show(read: int, listed: int) -> None:
            progress.update(task, completed=read, total=listed)

        if isinstance(source, DeployedStack):
            yield from read_documents(source, selection, show, on_odd)
        elif source:
            yield from read_documents_below(source, selection, show, on_odd)


def _counted(documents: Iterable[ResultDocument], counts: Counter[DecisionOrRejected]) -> Iterator[ResultDocument]:
    for document in documents:
        counts[decision_or_rejected(document)] += 1
        yield document


def _write(kind: str, documents: Iterable[ResultDocument], path: Path) -> None:
    if kind == "parquet":
        write_parquet(documents, path)
        return
    out: IO[str]
    with path.open("w", encoding="utf-8", errors="backslashreplace", newline="") as out:
        _WRITERS[kind](documents, out)


def _table(documents: Iterable[ResultDocument], *, wide: bool, wider: bool) -> Table:
    table = Table(box=None, header_style="bold", pad_edge=False)
    table.add_column("image", overflow="fold", ratio=1)
    table.add_column("P(ALL)", justify="right", no_wrap=True)
    table.add_column("decision", no_wrap=True)
    if wide:
        table.add_column("why a person should look", overflow="fold")
    if wider:
        table.add_column("features seen", overflow="fold", ratio=1)
    if wide:
        table.add_column("scored at", no_wrap=True)
    for document in documents:
        prediction, decision = document["prediction"], decision_or_rejected(document)
        reasons = ", ".join(reason.replace("_", " ") for reason in document["review"]["reasons"])
        features = ["; ".join(seen(document))] if wider else []
        others = [reasons, *features, document["scored_at"][:19].replace("T", " ")] if wide else []
        table.add_row(
            Text(printable(document["image"]["key"])),
            f"{prediction['probability_all']:.3f}" if prediction else "-",
            Text(decision, STYLES[decision]),
            *(Text(printable(other)) for other in others),
        )
    return table
