"""Words in the names of folders and files that speak for a class."""

import re
from collections.abc import Mapping

from lambda_fn.decisions import Label

# Words of the field beside the ones that stand for a class by themselves; in lower case.
_WORDS: dict[str, Label] = {
    **dict.fromkeys(
        ("benign", "healthy", "control", "controls", "hematogone", "hematogones", "haematogones"), "normal"
    ),
    **dict.fromkeys(("blast", "blasts", "lymphoblast", "lymphoblasts", "malignant", "leukemia", "leukaemia"), "ALL"),
    **dict.fromkeys(("leukemic", "leukaemic"), "ALL"),
}
_OTHER: dict[Label, Label] = {"ALL": "normal", "normal": "ALL"}
_WORD = re.compile(r"[A-Z]?[a-z]+|[A-Z]+(?![a-z])|\d+")
_NEGATION = ("non", "not", "no", "without")


def classes_in(name: str, classes: Mapping[str, Label]) -> set[Label]:
    """The classes that the words of a name speak for: none, one or both.

    ``all_benign`` speaks for both, ``Non-Blasts`` and ``nonleukemic`` for normal cells, ``p17`` for none.

    Args:
        name: of a folder, or of a file without its suffix.
        classes: words that stand for a class, in lower case.
    """
    words = {**_WORDS, **classes}
    labels: set[Label] = set()
    negated = False
    for word in (part.lower() for part in _WORD.findall(name)):
        if word in words:
            labels.add(_OTHER[words[word]] if negated else words[word])
        elif word.startswith("non") and word[3:] in words:
            labels.add(_OTHER[words[word[3:]]])
        negated = word in _NEGATION
    return labels
