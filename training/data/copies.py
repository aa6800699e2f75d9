"""Recognises images that are named as copies of others: augmented images, and duplicates with a number."""

import re
from collections.abc import Iterable
from pathlib import Path

from training.data.c_nmc import read_name

AUGMENTED = "augmented copy"
DUPLICATE = "copy beside its original"

_SIDE = "h|v|x|y|hv|lr|ud|horizontal|vertical"
_CHANGE = (
    rf"(?:r(?=90|180|270)|rot(?:at(?:ed?|ion))?|(?:{_SIDE})?[_-]?flip(?:ped)?[_-]?(?:{_SIDE})?|mirror(?:ed)?"
    r"|transposed?|aug(?:mented|mentation)?|bright(?:ness|er)?|contrast|blur(?:red)?|nois[ey]|zoom(?:ed)?"
    r"|shear(?:ed)?|shift(?:ed)?|cropped|jitter(?:ed)?)"
    r"[ _-]?[\d.]*(?:deg(?:rees)?)?"
)
_CHANGE_AT_END = re.compile(rf"(?:[ _.-]+{_CHANGE})+$", re.IGNORECASE)
_CHANGE_AT_START = re.compile(rf"^(?:{_CHANGE}[ _-]+)+", re.IGNORECASE)
# As file managers name a duplicate: "x (1)", "x - Copy", "x copy 2", "Copy of x".
_NUMBERED = re.compile(r"(?:[ _]?\(\d+\)|[ _]+(?:- )?copy(?:[ _]?\(?\d+\)?)?)$|^copy of ", re.IGNORECASE)


def copies_among(images: Iterable[Path]) -> tuple[dict[Path, str], list[Path]]:
    """Find the images that are named as copies.

    An augmented copy bears the name of its original and a change, as ``x_rot90.png``. The original lies in the same
    folder, in the folder above, or in another folder of the same name. A numbered duplicate, as ``x (1).png``, lies
    beside its original.

    Args:
        images: of one source.

    Returns:
        For each copy, ``AUGMENTED`` or ``DUPLICATE``; and images that are named as augmented but have no original here.
    """
    images = list(images)
    beside = {(path.parent, path.stem.lower()) for path in images}
    by_folder_name = {(path.parent.name, path.stem.lower()) for path in images}
    copies: dict[Path, str] = {}
    without_original: list[Path] = []
    for path in images:
        stem = path.stem.lower()
        if (duplicated := _NUMBERED.sub("", stem)) != stem and (path.parent, duplicated) in beside:
            copies[path] = DUPLICATE
            continue
        changed = _CHANGE_AT_START.sub("", _CHANGE_AT_END.sub("", duplicated))
        if changed in ("", duplicated):
            continue
        places = ((path.parent, changed) in beside, (path.parent.parent, changed) in beside)
        if any(places) or (path.parent.name, changed) in by_folder_name or read_name(changed):
            copies[path] = AUGMENTED
        else:
            without_original.append(path)
    return copies, without_original
