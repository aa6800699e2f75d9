"""``cellflag redrive``: shows why messages failed, then sends them back to the queue."""

import time
from collections import defaultdict

import click
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn
from rich.table import Table
from rich.text import Text

from infra import names
from infra.deployed_stack import DeployedStack
from infra.operate.access import on_a_stack
from infra.operate.dead_letters import UNKNOWN_REASON, DeadLetter, depth, failure_reasons, peek
from infra.operate.redrive import send_back

_MOST_SHOWN = 500
_MOST_KEYS = 3
_POLL_SECONDS = 1.0


@click.command()
@click.option("--yes", is_flag=True, help="Do not ask for confirmation.")
@on_a_stack
def redrive(stack: DeployedStack, yes: bool) -> None:
    """Send dead letters back to the queue: messages about images whose scoring failed on every try.

    First shows why they failed. Remove the cause, then confirm. Each message is tried as often as a new one.
    """
    count = sum(depth(stack, names.DEAD_LETTER_QUEUE_OUTPUT).values())
    if not count:
        click.echo("There are no dead letters.")
        return
    with peek(stack, _MOST_SHOWN) as letters:
        reasons = failure_reasons(stack, letters)
    Console(highlight=False).print(_table(letters, reasons))
    if len(letters) < count:
        click.echo(f"{len(letters)} of about {count:,} dead letters are shown.")
    if not yes:
        click.confirm(f"Send {'all ' if count > 1 else ''}{count:,} back to the queue?", abort=True)
    columns = (TextColumn("Sending back"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn())
    with Progress(*columns, console=Console(stderr=True)) as progress:
        task = progress.add_task("", total=count)
        moved = send_back(stack, lambda done: progress.update(task, completed=done), lambda: time.sleep(_POLL_SECONDS))
    click.echo(f"{moved:,} back in the queue; `cellflag status` shows their progress.")


def _table(letters: list[DeadLetter], reasons: dict[str, str]) -> Table:
    by_reason: defaultdict[str, list[DeadLetter]] = defaultdict(list)
    for letter in letters:
        by_reason[reasons.get(letter.id, UNKNOWN_REASON)].append(letter)
    table = Table(box=None, header_style="bold", pad_edge=False)
    table.add_column("messages", justify="right")
    table.add_column("why they failed", overflow="fold", ratio=2)
    table.add_column("images", overflow="fold", ratio=1)
    for reason, same in sorted(by_reason.items(), key=lambda item: -len(item[1])):
        keys = [key for letter in same for key in letter.keys or ("a message of no known shape",)]
        more = f"\n... and {len(keys) - _MOST_KEYS:,} more" if len(keys) > _MOST_KEYS else ""
        table.add_row(f"{len(same):,}", Text(reason), Text("\n".join(keys[:_MOST_KEYS]) + more))
    return table
