"""``cellflag recalibrate``: thresholds of this laboratory, from its own labels."""

from datetime import datetime
from functools import partial
from pathlib import Path
from typing import Final

import click
from rich.console import Console
from rich.table import Table

from infra.commands.promise import WORDS, chosen_results, gather_from
from infra.deployed_stack import DeployedStack
from infra.operate.access import on_a_stack_unless
from infra.operate.exports import write_new
from infra.promise.evidence import CLASS_OF
from infra.promise.promised import promised_rates
from infra.promise.recalibration import Effects, NotOffered, Recalibration
from infra.promise.recalibration import recalibrate as choose
from lambda_fn.decisions import NOTHING_DECIDED_ALL
from lambda_fn.keys import RESULTS
from lambda_fn.manifest import ERROR_RATES, Manifest

_WHY: Final[dict[NotOffered, str]] = {
    "slides": "too few slides have {label} cells with a label",
    "labels": "too few {label} cells have a label",
}
_RATE = click.FloatRange(0, 1, min_open=True, max_open=True)


@click.command()
@chosen_results
@click.option(
    "--all-decided-normal", type=_RATE, help="Share of ALL cells to decide normal at most; else the promised."
)
@click.option(
    "--normal-decided-all", type=_RATE, help="Share of normal cells to decide ALL at most; else the promised."
)
@click.option("--out", type=click.Path(dir_okay=False, path_type=Path), help="Write them to a new file.")
@on_a_stack_unless("folder")
def recalibrate(
    stack: DeployedStack | None,
    folder: Path | None,
    prefix: str,
    since: datetime | None,
    depth: int | None,
    all_decided_normal: float | None,
    normal_decided_all: float | None,
    out: Path | None,
) -> None:
    """Choose thresholds from this laboratory's own labels, and show them beside the model's.

    Slides are counted as the model's own thresholds count subjects: with a confidence of 90 %, the mean over slides
    keeps the rate. A rate that the labels do not carry is not offered, and its threshold stays the model's.

    Nothing changes until `cdk deploy -c thresholds_file=FILE`. A deployment without that setting goes back to the
    model's own thresholds.
    """
    if folder and not (folder / RESULTS).is_dir():
        raise click.UsageError(f"{folder} holds no results: name the folder that `cellflag score --out` wrote to")
    evidence, _ = gather_from(stack or folder or Path(), prefix, since, depth)
    chosen = {"all_decided_normal": all_decided_normal, "normal_decided_all": normal_decided_all}
    promised = promised_rates(evidence.model, stack)
    recalibration = choose(evidence, Manifest.read(), {name: chosen[name] or promised[name] for name in ERROR_RATES})
    Console(highlight=False).print(_table(recalibration))
    own = recalibration.own
    made_from = own.made_from
    click.echo(
        f"{own.version}, from {made_from.labels_all:,} labels of ALL on {made_from.slides_all:,} slides and "
        f"{made_from.labels_normal:,} of normal on {made_from.slides_normal:,}."
    )
    for name, reason in recalibration.not_offered.items():
        why = _WHY[reason].format(label=CLASS_OF[name])
        click.echo(f"{WORDS[name]}: not offered, because {why}. The model's threshold stays.")
    if out:
        write_new(out, partial(_write, own.to_json(indent=1)))
        click.echo(f"Written to {out}. Put them in force with: cdk deploy -c thresholds_file={out}")


def _write(text: str, path: Path) -> None:
    path.write_text(f"{text}\n", "utf-8")


def _table(recalibration: Recalibration) -> Table:
    shipped, own = Manifest.read().thresholds, recalibration.own
    table = Table(box=None, header_style="bold", pad_edge=False)
    for name in ("", "the model's", "this laboratory's"):
        table.add_column(name)
    table.add_row("decided normal below", _threshold(shipped.normal_below), _threshold(own.normal_below))
    table.add_row("decided ALL from", _threshold(shipped.all_from), _threshold(own.all_from))
    for name in ERROR_RATES:
        promised = own.chosen_for.get(name)
        aim = "not offered" if promised is None else f"at most {promised:.1%}"
        table.add_row(f"{WORDS[name]}, {aim}", *(f"{one.rates[name]:.1%}" for one in _both(recalibration)))
    table.add_row("to review", *(f"{one.review_share:.1%}" for one in _both(recalibration)))
    return table


def _both(recalibration: Recalibration) -> tuple[Effects, Effects]:
    return recalibration.shipped, recalibration.recalibrated


def _threshold(value: float) -> str:
    return {0.0: "never", NOTHING_DECIDED_ALL: "never"}.get(value, f"{value:.4f}")
