"""``cellflag train index``."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, cast

import click
from rich.console import Console
from rich.progress import Progress
from rich.table import Table
from rich.text import Text

from lambda_fn.folders import FolderListing
from lambda_fn.terminal import printable
from training.commands.shell import one_line_errors

if TYPE_CHECKING:
    from lambda_fn.decisions import Label
    from training.data.findings import Finding
    from training.data.index import Entry
    from training.data.labelled_cell import Use
    from training.data.naming import Naming, Unknown

# Cases of each finding that are shown.
MOST_SHOWN = 3
# Folders that gave their cells a class, of which a line is shown.
MOST_ORIGINS = 20
_MEANINGS: Mapping[Use, str] = {
    "fitting": "to learn from alone",
    "thresholds": "to learn from and to choose thresholds: audits, answered blind",
    "all": "with a label of a data set besides: used as the others",
}


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
    help="Class of the images in folders of this name, or with this word in a --label-pattern.",
)
@click.option(
    "--label-pattern",
    metavar="REGEX",
    help="Find the class in a path: a word of --class, or 1 for ALL and 0 for normal. '_([01])[.]' reads Im001_1.tif.",
)
@click.option(
    "--left-out",
    type=click.Path(dir_okay=False, path_type=Path),
    help="New CSV of every file that is not used, and of every other finding, with the reason.",
)
def index(
    sources: tuple[Path, ...],
    out: Path,
    reviewed: tuple[tuple[str, str], ...],
    subject_pattern: str | None,
    unknown_subjects: str,
    classes: tuple[str, ...],
    label_pattern: str | None,
    left_out: Path | None,
) -> None:
    """List the usable cells of each SOURCE, and show what is wrong with the others.

    Every file of a SOURCE is used, or counted and named with the reason.

    A SOURCE is one of:

    \b
      a folder of images named as in C-NMC 2019, at any depth
      a folder with C-NMC's preliminary set and its table
      a folder with a labels.csv (path,label,subject)
      such a table, or an index
      a folder of <class>/<image>, with a --subject-pattern; the folder nearest to an image counts

    The index holds path, label, subject, group, digest of the pixels and size of every usable image. Other commands
    take it in place of a folder of cells. No image is copied.

    Models learn from all reviewed cells. Audits that were answered blind choose thresholds, too. No figure, and no
    promotion, rests on a reviewed cell, unless a label of a data set says the same.
    """  # noqa: D301 - the backspace tells click to keep the lines as they are
    naming = _naming(subject_pattern, unknown_subjects, classes, label_pattern)
    if not sources and not reviewed:
        raise click.UsageError("Name a source: a folder of labelled cells, a table, or --reviewed.")
    for new in filter(None, (out, left_out)):
        if new.exists():
            raise click.UsageError(f"{new} exists already: name a new file.")
    console = Console(stderr=True, markup=False, highlight=False)
    with one_line_errors():
        from training.data.findings import write_findings
        from training.data.index import write_index
        from training.data.indexing import build
        from training.data.reviewed import Reviewed, reviewed_cells
        from training.data.sources import survey
        from training.data.survey import combine, require_matches, survey_findings

        surveyed = combine([survey(source, naming) for source in sources])
        require_matches([rule.rpartition("=")[0] for rule in classes], surveyed)
        of_people = Reviewed()
        for results, images in reviewed:
            of_people.add(reviewed_cells(results, images, naming))
        cells = [*surveyed.cells, *of_people.cells]
        _show_origins(surveyed.origins, console)
        findings = survey_findings(surveyed)
        _show(findings, console)
        with Progress(console=console) as bars:
            task = bars.add_task("Reading cells", total=len(cells))
            entries, of_images = build(cells, lambda done, total: bars.update(task, completed=done))
        write_index(out, entries)
        of_images += of_people.findings()
        if left_out:
            write_findings(left_out, [*findings, *of_images])
    _show(of_images, console)
    _echo_summary(entries)
    groups = len({entry.group for entry in entries})
    passed_over = FolderListing((), surveyed.counts()).describe_passed_over()
    click.echo(f"{out}: {len(entries):,} of {len(cells):,} cells, in {groups} groups.{passed_over}")


def _echo_summary(entries: Sequence[Entry]) -> None:
    """Print a line for each class: its cells and subjects. And one for each use of reviewed cells."""
    for label in ("ALL", "normal"):
        of_class = [entry for entry in entries if entry.cell.label == label]
        subjects = len({entry.cell.subject for entry in of_class})
        click.echo(f"{label}: {len(of_class):,} cells of {subjects} subjects")
    uses = Counter(entry.cell.use for entry in entries if entry.cell.labelled_at)
    for use, meaning in _MEANINGS.items():
        if uses[use]:
            click.echo(f"reviewed: {uses[use]:,} {'cells' if uses[use] > 1 else 'cell'} {meaning}")


def _show_origins(origins: Mapping[tuple[str, Label], int], console: Console) -> None:
    """Print a line for each folder, table or kind of names that gave cells their class."""
    lines = [
        f"{printable(origin)}: {label}, {count:,} {'cells' if count > 1 else 'cell'}"
        for (origin, label), count in sorted(origins.items())
    ]
    for line in lines[:MOST_ORIGINS]:
        console.print(line, soft_wrap=True)
    if len(lines) > MOST_ORIGINS:
        console.print(f"… and {len(lines) - MOST_ORIGINS:,} other folders")


def _show(findings: Sequence[Finding], console: Console) -> None:
    """Print a table of findings, if there are any."""
    if not findings:
        return
    table = Table("found", "cases", "what was done")
    table.add_column("for example", overflow="fold")
    for finding in findings:
        examples = "\n".join(map(printable, finding.cases[:MOST_SHOWN]))
        table.add_row(printable(finding.problem), f"{len(finding.cases):,}", finding.remedy, Text(examples))
    console.print(table)


def _naming(subject_pattern: str | None, unknown: str, classes: tuple[str, ...], label_pattern: str | None) -> Naming:
    from training.data.labelled_cell import LABEL_OF_WORD
    from training.data.naming import Naming

    rules: dict[str, Label] = {}
    for rule in classes:
        folder, _, label = rule.rpartition("=")
        if label not in ("ALL", "normal") or not folder:
            raise click.UsageError(f"--class {rule}: say for instance --class blasts=ALL or --class controls=normal.")
        if rules.setdefault(folder.lower(), cast("Label", label)) != label:
            raise click.UsageError(f"--class {rule}: {folder} is named for both classes.")
    return Naming(
        LABEL_OF_WORD | rules,
        _compiled("--subject-pattern", subject_pattern),
        cast("Unknown", unknown),
        _compiled("--label-pattern", label_pattern),
    )


def _compiled(option: str, pattern: str | None) -> re.Pattern[str] | None:
    try:
        return re.compile(pattern) if pattern else None
    except re.error as error:
        raise click.UsageError(f"{option} {pattern}: {error}.") from error
