"""Show names and messages of others on a terminal without letting them control it.

All three packages read this module, so it imports the standard library alone.
"""

import sys
from collections.abc import Sequence
from io import TextIOWrapper
from unicodedata import category

# General categories of characters that are not shown as they are: control, format (which has the marks that change the
# direction of text), surrogate, private use and unassigned characters, and separators of lines and paragraphs.
_ESCAPED = ("Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp")
# Python decodes a byte of a file's name that is not UTF-8 to the character of this number plus the byte (PEP 383).
_UNDECODED = 0xDC00
# The number of failures that are shown, one line each.
_MOST_FAILURES = 20


def printable(text: str) -> str:
    r"""Escape characters that control a terminal or change the direction of text.

    Anybody who may upload images chooses their keys, so a key may hold them. Letters of any language stay.

    Returns:
        The text with ``\n``, ``\x1b``, ``\u202e`` and such in place of these characters. A byte that is not UTF-8 in
        the name of a file becomes ``\xe9``.
    """
    return text if text.isascii() and text.isprintable() else "".join(map(_shown, text))


def _shown(character: str) -> str:
    if category(character) not in _ESCAPED:
        return character
    byte = ord(character) - _UNDECODED
    return rf"\x{byte:02x}" if 0x80 <= byte <= 0xFF else character.encode("unicode_escape").decode()


def escape_what_cannot_be_encoded() -> None:
    """Let standard output and standard error escape characters that their encoding lacks, instead of failing."""
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, TextIOWrapper):
            stream.reconfigure(errors="backslashreplace")


def use_utf_8() -> None:
    """Write UTF-8 to standard output, whatever the terminal's encoding, because other programs read it.

    A lone surrogate becomes its escape, which is what JSON has for it.
    """
    if isinstance(sys.stdout, TextIOWrapper):
        sys.stdout.reconfigure(encoding="utf-8", errors="backslashreplace")


def show_failures(failures: Sequence[str]) -> None:
    """Print failures to standard error, one line each; of many, the first and the number of the others."""
    for failure in failures[:_MOST_FAILURES]:
        print(printable(failure), file=sys.stderr)
    if len(failures) > _MOST_FAILURES:
        print(f"… and {len(failures) - _MOST_FAILURES:,} more", file=sys.stderr)
