"""``cellflag review``: the page on which a person answers the flags."""

import getpass
import sys
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

import click
from botocore.exceptions import BotoCoreError, ClientError

from infra.deployed_stack import DeployedStack
from infra.errors import InfraError
from infra.operate import aws_errors
from infra.operate.access import on_a_stack_unless
from infra.promise.state import judge_deployment
from infra.promise.watch import PromiseWatch
from lambda_fn.keys import RESULTS
from lambda_fn.terminal import printable

if TYPE_CHECKING:
    from infra.review.places import Place


@click.command()
@click.argument("out", required=False, type=click.Path(exists=True, file_okay=False, path_type=Path))
@click.option(
    "--images",
    type=click.Path(exists=True, file_okay=False, path_type=Path),
    help="Folder of the images whose documents `cellflag score` wrote to OUT.",
)
@click.option("--reviewer", help="Name under which answers are written; your user name by default.")
@click.option(
    "--blind", is_flag=True, help="Show nothing of the model's view before an answer. Audits are always blind."
)
@click.option(
    "--reviewers",
    type=click.IntRange(1, 5),
    help="People who are to answer each cell, blind to each other; the deployment's setting by default.",
)
@click.option(
    "--reopen",
    metavar="PREFIX",
    help='First bring back the flags of answered cells whose keys begin with PREFIX; "" for all.',
)
@click.option("--yes", is_flag=True, help="With --reopen: do not ask.")
@click.option("--port", type=click.IntRange(0, 65535), default=0, help="Port of 127.0.0.1; any free one by default.")
@click.option("--no-browser", is_flag=True, help="Do not open the browser; print the address alone.")
@on_a_stack_unless("out", "images")
def review(
    stack: DeployedStack | None,
    out: Path | None,
    images: Path | None,
    reviewer: str | None,
    blind: bool,
    reviewers: int | None,
    reopen: str | None,
    yes: bool,
    port: int,
    no_browser: bool,
) -> None:
    """Look at the flagged cells in the browser, and answer each with one key.

    Without OUT it is about the flags of a deployment. With OUT and --images it is about a folder that `cellflag score`
    scored without a cloud.

    The page is served to this machine alone, and only to who has the address that is printed. Ctrl-C ends it. Every
    answer is a document below labels/, which keeps all that was said before.

    After answers to audited cells, it judges the promised error rates when nobody has answered for ten minutes, and at
    the end; `cellflag status` and an alarm of the deployment show what it found.

    With --reviewers 2, a cell waits for a second person after the first has answered. Neither sees what the other said
    before both have.

    An answered cell gets no flag again if a new model or a backfill scores the same pixels. --reopen asks for new
    answers: to cells whose result asks for a person. What was said stays in the history.
    """
    from infra.review.bucket import BucketPlace
    from infra.review.desk import Desk
    from infra.review.folder import FolderPlace
    from infra.review.policy import read_model_view
    from infra.review.serving import serve

    place: Place
    if stack:
        place = BucketPlace(stack)
    elif out and images:
        place = FolderPlace(_scored(out), images)
    else:
        raise click.UsageError("a folder needs both: OUT, with the documents, and --images FOLDER")
    name = (reviewer or getpass.getuser()).strip()
    if not name:
        raise click.UsageError("a reviewer needs a name: give it with --reviewer")
    if reopen is not None and not _reopen(place, reopen, name, asking=not yes):
        return
    view = read_model_view(stack)
    desk = Desk(place, name, view, blind=blind, reviewers=reviewers or view.reviewers)
    watch = PromiseWatch(lambda: desk.audits_answered, partial(judge_deployment, stack)) if stack else None
    if watch:
        watch.start()
    try:
        serve(desk, port, _announce, browse=not no_browser)
    finally:
        if watch:
            _judge_at_the_end(watch)


def _judge_at_the_end(watch: PromiseWatch) -> None:
    """Judge the promise if audits were answered since the last judgement. Report an error; all answers stay."""
    watch.stop()
    if not watch.is_due:
        return
    click.echo("Judging the promised error rates, for `cellflag status` and the alarm. Ctrl-C leaves it out.", err=True)
    try:
        watch.judge_now()
    except KeyboardInterrupt:
        why = "it was interrupted"
    except InfraError as error:
        why = error.message
    except (BotoCoreError, ClientError) as error:
        why = aws_errors.explain(error)
    else:
        return
    click.echo(f"The promise was not judged: {why}. All answers are saved; `cellflag promise` judges it.", err=True)


def _reopen(place: "Place", prefix: str, reviewer: str, *, asking: bool) -> bool:
    """Bring back flags, if the user agrees; returns whether to go on."""
    from infra.review.reopening import find_answered, reopen_all

    found = find_answered(place, prefix)
    click.echo(
        f"{len(found.keys):,} answered cells can be asked about again; {found.decided:,} others ask for nobody now.",
        err=True,
    )
    if not found.keys:
        return True
    if asking and not (sys.stdin.isatty() and click.confirm("Bring their flags back?", err=True)):
        click.echo("Nothing was changed. To bring them back without a question, add --yes.", err=True)
        return False
    opened = sum(reopen_all(place, found.keys, reviewer))
    click.echo(f"{opened:,} flags are open again. What was said stays in the history of each label.", err=True)
    return True


def _scored(out: Path) -> Path:
    if not (out / RESULTS).is_dir():
        raise click.UsageError(f"{printable(str(out))} holds no results: name the folder that `cellflag score` wrote")
    return out


def _announce(address: str) -> None:
    click.echo(f"Review page: {address}")
    click.echo("Whoever has this address can answer in your name. Ctrl-C ends it.", err=True)
