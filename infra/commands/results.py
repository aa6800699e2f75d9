"""`cellflag results`: lists, filters and exports what the deployment found."""

import sys
from collections import Counter
from collections.abc import Iterable, Iterator
from datetime import datetime
from functools import partial
from itertools import islice
from pathlib import Path
from typing import IO

import click
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn
from rich.table import Table
from rich.text import Text

from infra.demo.summary import STYLES
from infra.deployed_stack import DeployedStack
from infra.operate.access import on_a_stack
from infra.operate.documents import Document, Selection, moment, read_documents
from infra.operate.exports import duckdb_module, write_csv, write_jsonl, write_new, write_parquet

_ROWS = 50
_WRITERS = {"csv": write_csv, "jsonl": write_jsonl}


class Moment(click.ParamType[datetime]):
    """A point in time, `2h` ago or by date."""

    name = "time"

    def convert(self, value: str, param: click.Parameter | None, ctx: click.Context | None) -> datetime:
        """Read it, or tell what may stand there."""
        try:
            return moment(value)
        except (ValueError, OverflowError):
            self.fail(f"{value!r} is neither like 90m, 2h, 3d, 1w nor like 2026-11-22 or 2026-11-22T08:00", param, ctx)


@click.command()
@click.option("--prefix", default="", help="Only images whose keys begin with it.")
@click.option("--decision", "decisions", multiple=True, type=click.Choice(["ALL", "normal", "review"]))
@click.option("--since", type=Moment(), help="Written since: 90m, 2h, 3d, 1w ago, or 2026-11-22T08:00.")
@click.option("--model", help="Made by this model: its version, or the beginning of its digest.")
@click.option("--flagged", is_flag=True, help="Only those that a person should look at.")
@click.option("--rejected", is_flag=True, help="Only images that could not be scored.")
@click.option(
    "--format", "kind", default="table", show_default=True, type=click.Choice(["table", "csv", "parquet", "jsonl"])
)
@click.option(
    "--out", type=click.Path(dir_okay=False, path_type=Path), help="A new file; standard output if not given."
)
@click.option("--limit", type=click.IntRange(1), help="At most so many; 50 in a table if not given.")
@on_a_stack
def results(
    stack: DeployedStack,
    prefix: str,
    decisions: tuple[str, ...],
    since: datetime | None,
    model: str | None,
    flagged: bool,
    rejected: bool,
    kind: str,
    out: Path | None,
    limit: int | None,
) -> None:
    """List results, or export them.

    Conditions add up. Options that leave out by key or time are quick: what they leave out is not read.
    """
    if kind == "table" and out:
        raise click.UsageError("a table goes to the terminal: choose csv, parquet or jsonl with --format for --out")
    if kind == "parquet":
        if not out:
            raise click.UsageError("name a file with --out for Parquet")
        duckdb_module()
    selection = Selection(prefix, since, decisions, model, flagged, rejected)
    outcomes: Counter[str] = Counter()
    limit = limit or (_ROWS if kind == "table" else None)
    documents = islice(_counted(_read(stack, selection), outcomes), limit)
    if kind == "table":
        Console(highlight=False).print(_table(documents))
    elif out:
        write_new(out, partial(_write, kind, documents))
    else:
        _WRITERS[kind](documents, sys.stdout)
    found = ", ".join(f"{count:,} {outcome}" for outcome, count in outcomes.most_common())
    first = "The first " if outcomes.total() == limit else ""
    click.echo(f"{first}{outcomes.total():,} results{': ' if found else ''}{found}.", err=True)


def _read(stack: DeployedStack, selection: Selection) -> Iterator[Document]:
    columns = (TextColumn("Reading"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn())
    with Progress(*columns, console=Console(stderr=True), transient=True) as progress:
        task = progress.add_task("", total=None)
        yield from read_documents(
            stack, selection, lambda read, listed: progress.update(task, completed=read, total=listed)
        )


def _counted(documents: Iterable[Document], outcomes: Counter[str]) -> Iterator[Document]:
    for document in documents:
        outcomes[_outcome(document)] += 1
        yield document


def _outcome(document: Document) -> str:
    return "rejected" if document["status"] == "rejected" else str(document["decision"])


def _write(kind: str, documents: Iterable[Document], path: Path) -> None:
    if kind == "parquet":
        write_parquet(documents, path)
        return
    out: IO[str]
    with path.open("w", encoding="utf-8", newline="") as out:
        _WRITERS[kind](documents, out)


def _table(documents: Iterable[Document]) -> Table:
    table = Table(box=None, header_style="bold", pad_edge=False)
    table.add_column("image", overflow="fold", ratio=1)
    table.add_column("P(ALL)", justify="right", no_wrap=True)
    table.add_column("decision", no_wrap=True)
    table.add_column("why a person should look", overflow="fold")
    table.add_column("scored at", no_wrap=True)
    for document in documents:
        prediction = document["prediction"]
        table.add_row(
            Text(document["image"]["key"]),
            f"{prediction['probability_all']:.3f}" if prediction else "-",
            Text(_outcome(document), STYLES[_outcome(document)]),
            ", ".join(reason.replace("_", " ") for reason in document["review"]["reasons"]),
            document["scored_at"][:19].replace("T", " "),
        )
    return table
