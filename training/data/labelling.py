"""Labels an image by its name and by the folders on the way to it, and finds what contradicts the label."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import PurePosixPath

from lambda_fn.decisions import Label
from training.data.c_nmc import C_NMC, read_name
from training.data.class_words import classes_in
from training.data.naming import Naming

BY_PATTERN = "the --label-pattern"
BY_C_NMC = f"names as in {C_NMC}"


@dataclass(frozen=True)
class Labelling:
    """The label of an image, and where it comes from.

    Attributes:
        label: the class.
        origin: ``BY_C_NMC``, ``BY_PATTERN``, or the path of the folder that stands for the class.
        by_folder: whether that is a folder.
        contradicted: whether the image's name speaks for the other class than its folder.
        unnamed: the topmost folder below the class that names neither class nor subject; empty if there is none.
        ambiguous: a folder on the way whose name speaks for the other class; empty if there is none.
    """

    label: Label
    origin: str
    by_folder: bool = False
    contradicted: bool = False
    unnamed: str = ""
    ambiguous: str = ""


def label(name: str, naming: Naming) -> Labelling | None:
    """Label an image; None if neither its name nor a folder states a class.

    A name as in C-NMC 2019 counts first, then the ``label_pattern``, then the nearest folder that stands for a class.

    Args:
        name: path relative to the source, with forward slashes.
        naming: how names are read.
    """
    parts = PurePosixPath(name).parts[:-1]
    at = next((n for n in reversed(range(len(parts))) if parts[n].lower() in naming.classes), None)
    of_folder = None if at is None else naming.classes[parts[at].lower()]
    if named := read_name(name):
        return Labelling(named[0], BY_C_NMC, contradicted=of_folder not in (None, named[0]))
    word = naming.label_word_of(name)
    if word and (of_word := naming.label_of_word(word)):
        return Labelling(of_word, BY_PATTERN, contradicted=of_folder not in (None, of_word))
    if at is None or of_folder is None:
        return None
    stem_classes = classes_in(PurePosixPath(name).stem, naming.classes)
    return Labelling(
        of_folder,
        "/".join(parts[: at + 1]),
        by_folder=True,
        contradicted=bool(stem_classes) and of_folder not in stem_classes,
        unnamed=_unnamed_folder(name, parts, at, naming),
        ambiguous=_ambiguous_folder(parts, at, of_folder, naming),
    )


def class_words(name: str, naming: Naming) -> set[str]:
    """The words for classes that an image's folders and the ``label_pattern`` use, in lower case."""
    words = {part.lower() for part in PurePosixPath(name).parts[:-1]} & naming.classes.keys()
    word = naming.label_word_of(name)
    return words | {word} if word and word in naming.classes else words


def _unnamed_folder(name: str, parts: Sequence[str], at: int, naming: Naming) -> str:
    span = naming.subject_span(name)
    start = sum(len(part) + 1 for part in parts[: at + 1])
    for depth, part in enumerate(parts[at + 1 :], start=at + 1):
        end = start + len(part)
        if span is None or span[1] <= start or end <= span[0]:
            return "/".join(parts[: depth + 1])
        start = end + 1
    return ""


def _ambiguous_folder(parts: Sequence[str], at: int, of_folder: Label, naming: Naming) -> str:
    """A folder below the class that speaks for the other one, or a folder of normal cells above ``all``.

    ``all`` below ``normal`` may mean all of the normal cells. ``normal`` below ``ALL`` or ``leukemia`` is clear: the
    outer folder bears the name of the disease that the data set is about.
    """
    for depth, part in enumerate(parts):
        classes = classes_in(part, naming.classes)
        below_speaks_against = depth > at and bool(classes - {of_folder})
        above_is_normal = depth < at and of_folder == "ALL" and classes == {"normal"}
        if below_speaks_against or above_is_normal:
            return "/".join(parts[: depth + 1])
    return ""
