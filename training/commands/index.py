"""``cellflag train index``."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, cast

import click
from rich.console import Console
from rich.progress import Progress
from rich.table import Table
from rich.text import Text

from lambda_fn.terminal import printable
from training.commands.shell import one_line_errors

if TYPE_CHECKING:
    from lambda_fn.decisions import Label
    from training.data.indexing import Finding
    from training.data.labelled_cell import LabelledCell
    from training.data.naming import Naming, Unknown

# Cases of each finding that are shown.
MOST_SHOWN = 3


@click.command()
@click.argument("sources", metavar="SOURCE...", nargs=-1, type=click.Path(exists=True, path_type=Path))
@click.option("--out", required=True, type=click.Path(dir_okay=False, path_type=Path), help="New file for the index.")
@click.option(
    "--reviewed",
    metavar="RESULTS IMAGES",
    nargs=2,
    multiple=True,
    help="Add cells that people reviewed. RESULTS holds labels/<key>.json, IMAGES the images: folders or s3://BUCKET.",
)
@click.option("--subject-pattern", metavar="REGEX", help="Find the subject in a path, e.g. '([^/]+)_[0-9]+[.]'.")
@click.option(
    "--unknown-subjects",
    default="refuse",
    show_default=True,
    type=click.Choice(("refuse", "one", "each")),
    help="If subjects are unknown: refuse the cells, take them all for one subject, or give each its own.",
)
@click.option(
    "--class",
    "classes",
    metavar="FOLDER=ALL|normal",
    multiple=True,
    help="Class of the images in folders of this name.",
)
def index(
    sources: tuple[Path, ...],
    out: Path,
    reviewed: tuple[tuple[str, str], ...],
    subject_pattern: str | None,
    unknown_subjects: str,
    classes: tuple[str, ...],
) -> None:
    """List the usable cells of each SOURCE, and show what is wrong with the others.

    A SOURCE is one of:

    \b
      a folder of images named as in C-NMC 2019, at any depth
      a folder with C-NMC's preliminary set and its table
      a folder with a labels.csv (path,label,subject)
      such a table, or an index
      a folder of <class>/<image>, with a --subject-pattern

    The index holds path, label, subject, group, digest of the pixels and size of every usable image. Other commands
    take it in place of a folder of cells. No image is copied.
    """  # noqa: D301 - the backspace tells click to keep the lines as they are
    naming = _naming(subject_pattern, unknown_subjects, classes)
    if not sources and not reviewed:
        raise click.UsageError("Name a source: a folder of labelled cells, a table, or --reviewed.")
    if out.exists():
        raise click.UsageError(f"{out} exists already: name a new file.")
    console = Console(stderr=True)
    with one_line_errors():
        from training.data.index import write_index
        from training.data.indexing import Finding, build

        cells, undecided = _find_cells(sources, reviewed, naming)
        passed_over = _describe_passed_over(sources, cells)
        with Progress(console=console) as bars:
            task = bars.add_task("Reading cells", total=len(cells))
            entries, findings = build(cells, lambda done, total: bars.update(task, completed=done))
        write_index(out, entries)
    if undecided:
        findings.append(Finding("reviewed, but neither ALL nor normal", tuple(undecided), "left out"))
    if findings:
        console.print(_table_of(findings))
    for label in ("ALL", "normal"):
        of_class = [entry for entry in entries if entry.cell.label == label]
        subjects = len({entry.cell.subject for entry in of_class})
        click.echo(f"{label}: {len(of_class):,} cells of {subjects} subjects")
    groups = len({entry.group for entry in entries})
    click.echo(f"{out}: {len(entries):,} of {len(cells):,} cells, in {groups} groups.{passed_over}")


def _find_cells(
    sources: Sequence[Path], reviewed: Sequence[tuple[str, str]], naming: Naming
) -> tuple[list[LabelledCell], list[str]]:
    """The cells of all sources; and key and label of each reviewed cell that is neither ALL nor normal."""
    from training.data.reviewed import reviewed_cells
    from training.data.sources import cells_of

    cells = [cell for source in sources for cell in sorted(cells_of(source, naming), key=lambda cell: cell.name)]
    undecided: list[str] = []
    for results, images in reviewed:
        new_cells, other_keys = reviewed_cells(results, images, naming)
        cells += new_cells
        undecided += other_keys
    return cells, undecided


def _describe_passed_over(sources: Sequence[Path], cells: Sequence[LabelledCell]) -> str:
    from lambda_fn.folders import FolderListing
    from training.data.sources import count_passed_over

    counts = (count_passed_over(source, cells) for source in sources if source.is_dir())
    return FolderListing((), sum(counts, Counter())).describe_passed_over()


def _table_of(findings: Sequence[Finding]) -> Table:
    table = Table("found", "cases", "what was done", "for example")
    for finding in findings:
        examples = "\n".join(map(printable, finding.cases[:MOST_SHOWN]))
        table.add_row(finding.problem, f"{len(finding.cases):,}", finding.remedy, Text(examples))
    return table


def _naming(pattern: str | None, unknown: str, classes: tuple[str, ...]) -> Naming:
    from training.data.labelled_cell import LABEL_OF_WORD
    from training.data.naming import Naming

    classes_by_folder = dict(LABEL_OF_WORD)
    for wish in classes:
        folder, _, label = wish.partition("=")
        if label not in ("ALL", "normal") or not folder:
            raise click.UsageError(f"--class {wish}: say for instance --class blasts=ALL or --class controls=normal.")
        classes_by_folder[folder.lower()] = cast("Label", label)
    try:
        compiled = re.compile(pattern) if pattern else None
    except re.error as error:
        raise click.UsageError(f"--subject-pattern {pattern}: {error}.") from error
    return Naming(classes_by_folder, compiled, cast("Unknown", unknown))
