"""What a source holds: its cells, every other file with the reason, and what is odd about the labels."""

import os
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

from lambda_fn.decisions import Label
from training.data.c_nmc import C_NMC
from training.data.copies import AUGMENTED, DUPLICATE, copies_among
from training.data.findings import Finding
from training.data.labelled_cell import LabelledCell
from training.data.labelling import BY_C_NMC, BY_PATTERN, Labelling, class_words, label
from training.data.listing import BROKEN_LINK, LINK_TO_FOLDER, NOT_UTF8, UNREADABLE, OtherFile
from training.data.naming import Naming
from training.errors import DatasetError

NO_LABEL = "without a label"
CONTRADICTED = "name contradicts its folder"
NO_SUBJECT = "subject unknown"
# Folders that a message names at most.
_FOLDERS_NAMED = 8
# What a user can do about files that are not used; others are not images.
_REMEDIES = {
    NO_LABEL: "left out; name the class with --class, --label-pattern or a table",
    CONTRADICTED: "left out; move or rename it",
    NO_SUBJECT: "left out; name a --subject-pattern, or say --unknown-subjects",
    AUGMENTED: "left out; training augments by itself",
    DUPLICATE: "left out",
    LINK_TO_FOLDER: "not followed; name its target as a SOURCE",
    BROKEN_LINK: "left out; mend or remove it",
    UNREADABLE: "left out; check its permissions",
    NOT_UTF8: "left out; rename it",
}


@dataclass(frozen=True)
class Survey:
    """What a source holds.

    Attributes:
        cells: in any order.
        origins: number of cells by what gave them their label (a folder, a table, names) and by the label.
        others: every other file of the source, with the reason.
        findings: what is odd about the labels, and was decided in some way.
        class_words: the words for classes that occur, in lower case.
    """

    cells: tuple[LabelledCell, ...]
    origins: Mapping[tuple[str, Label], int]
    others: tuple[OtherFile, ...] = ()
    findings: tuple[Finding, ...] = ()
    class_words: frozenset[str] = frozenset()

    def counts(self) -> Counter[str]:
        """How many files are not used, by reason."""
        return Counter(other.reason for other in self.others)


def combine(surveys: Sequence[Survey]) -> Survey:
    """Several sources as one; a file that one of them uses is no other file.

    Returns:
        The cells of each source in the order of their names, one source after the other.
    """
    used = {os.path.normpath(cell.location) for each in surveys for cell in each.cells}
    others = {os.path.normpath(other.path): other for each in surveys for other in each.others}
    return Survey(
        cells=tuple(cell for each in surveys for cell in sorted(each.cells, key=lambda cell: cell.name)),
        origins=sum((Counter(each.origins) for each in surveys), Counter()),
        others=tuple(other for path, other in others.items() if path not in used),
        findings=tuple(finding for each in surveys for finding in each.findings),
        class_words=frozenset().union(*(each.class_words for each in surveys)),
    )


def require_matches(words: Iterable[str], surveyed: Survey) -> None:
    """Check that the words of a user's rules for classes occur.

    Raises:
        DatasetError: one occurs neither as a folder's name nor in a label pattern.
    """
    for word in words:
        if word.lower() not in surveyed.class_words:
            folders = sorted({folder for cell in surveyed.cells for folder in PurePosixPath(cell.name).parts[:-1]})
            names = f"; the folders are {', '.join(folders[:_FOLDERS_NAMED])}" if folders else ""
            raise DatasetError(f"--class {word}: no folder of images is named so{names}.")


def survey_findings(surveyed: Survey) -> list[Finding]:
    """The findings of a source, and one for each kind of file that is not used."""
    paths: dict[str, list[str]] = {}
    for other in sorted(surveyed.others, key=lambda other: other.path):
        paths.setdefault(other.reason, []).append(str(other.path))
    unused = (Finding(reason, tuple(cases), _REMEDIES.get(reason, "passed over")) for reason, cases in paths.items())
    return [*surveyed.findings, *unused]


def survey_names(folder: Path, images: Sequence[Path], naming: Naming) -> Survey:
    """Label images of a folder by their names and folders.

    Copies of other images are left out, and so are images whose name contradicts their folder and, as long as other
    cells are of known subjects, images of unknown ones.

    Args:
        folder: the source; names are relative to it.
        images: below the folder.
        naming: how names are read.

    Raises:
        DatasetError: a folder may stand for either class, or no subject is known.
    """
    copies, without_original = copies_among(images)
    names = {path: path.relative_to(folder).as_posix() for path in images}
    labellings = {path: label(name, naming) for path, name in names.items() if path not in copies}
    _refuse_ambiguous(folder, labellings.values())
    outcomes: dict[Path, LabelledCell | str] = {
        path: _cell_or_reason(path, names[path], folder, labelling, naming) for path, labelling in labellings.items()
    }
    cells = {path: outcome for path, outcome in outcomes.items() if isinstance(outcome, LabelledCell)}
    reasons = copies | {path: outcome for path, outcome in outcomes.items() if isinstance(outcome, str)}
    if not cells and NO_SUBJECT in reasons.values():
        naming.subject_of(min(names[path] for path, reason in reasons.items() if reason == NO_SUBJECT))
    used = {path: labelling for path, labelling in labellings.items() if labelling is not None and path in cells}
    return Survey(
        cells=tuple(cells.values()),
        origins=Counter((labelling.origin, labelling.label) for labelling in used.values()),
        others=tuple(OtherFile(path, reason) for path, reason in reasons.items()),
        findings=_findings(names, used, [path for path in without_original if path in used]),
        class_words=frozenset().union(*(class_words(name, naming) for name in names.values())),
    )


def _cell_or_reason(
    path: Path, name: str, folder: Path, labelling: Labelling | None, naming: Naming
) -> LabelledCell | str:
    """The cell of an image, or the reason why it is left out."""
    if labelling is None:
        return NO_LABEL
    if labelling.contradicted and labelling.origin != BY_PATTERN:
        return CONTRADICTED
    try:
        subject = naming.subject_of(name)
    except DatasetError:
        return NO_SUBJECT
    data_set = C_NMC if labelling.origin == BY_C_NMC else folder.resolve().name
    return LabelledCell(name, str(path), labelling.label, subject, data_set)


def _refuse_ambiguous(folder: Path, labellings: Iterable[Labelling | None]) -> None:
    """Refuse folders that may stand for either class.

    Raises:
        DatasetError: there is one.
    """
    images = Counter((each.ambiguous, each.label) for each in labellings if each and each.ambiguous)
    if not images:
        return
    (ambiguous, by_folder), count = min(images.items())
    more = f" There are {len(images) - 1} other such folders." if len(images) > 1 else ""
    name = ambiguous.rpartition("/")[2]
    raise DatasetError(
        f"{folder / ambiguous}: {count:,} images below it would be labelled {by_folder}, but its name speaks for the "
        f"other class; say --class '{name}=normal' or --class '{name}=ALL' with `cellflag train index`, or rename "
        f"it.{more}"
    )


def _findings(
    names: Mapping[Path, str], used: Mapping[Path, Labelling], without_original: Iterable[Path]
) -> tuple[Finding, ...]:
    unnamed = Counter((each.unnamed, each.label) for each in used.values() if each.unnamed)
    findings = (
        Finding(
            "folder below a class that names neither class nor subject",
            tuple(
                f"{name}: {count:,} {'images' if count > 1 else 'image'}, {label_of}"
                for (name, label_of), count in sorted(unnamed.items())
            ),
            "taken for its class; name it with --class or --subject-pattern",
        ),
        Finding(
            "label in the name contradicts the folder",
            tuple(names[path] for path, each in used.items() if each.contradicted),
            f"{BY_PATTERN} counts",
        ),
        Finding(
            "named as an augmented copy, without its original",
            tuple(names[path] for path in without_original),
            "kept",
        ),
    )
    return tuple(finding for finding in findings if finding.cases)
