"""Names and messages that others chose, on a terminal."""

import io
import sys
import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lambda_fn.terminal import escape_what_cannot_be_encoded, printable, show_failures


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("plate 7/cell-12.bmp", "plate 7/cell-12.bmp"),
        ("日本/ü +1/患者.bmp", "日本/ü +1/患者.bmp"),
        ("\x1b[2J\x1b]0;owned\x07.bmp", r"\x1b[2J\x1b]0;owned\x07.bmp"),
        ("a\r\nb\tc\0", r"a\r\nb\tc\x00"),
        ("\x9b31m.bmp", r"\x9b31m.bmp"),
        ("\u202egpj.exe", r"\u202egpj.exe"),
        ("\u2066a\u2069\u200b\ufeff", r"\u2066a\u2069\u200b\ufeff"),
        ("a\u2028b\u2029c\x85", r"a\u2028b\u2029c\x85"),
        ("caf\udce9.bmp", r"caf\xe9.bmp"),
        ("\ud800", r"\ud800"),
        ("\U000e0041", r"\U000e0041"),
    ],
)
def test_what_controls_a_terminal_or_turns_text_around_is_shown_escaped(text: str, shown: str) -> None:
    assert printable(text) == shown


@given(st.text())
def test_no_text_is_shown_with_a_character_that_is_not_visible_and_most_stay(text: str) -> None:
    shown = printable(text)
    assert not [character for character in shown if unicodedata.category(character) in ("Cc", "Cf", "Cs", "Zl", "Zp")]
    assert printable(shown) == shown
    if text.isprintable():
        assert shown == text


@pytest.mark.parametrize("encoding", ["ascii", "latin-1"])
def test_a_character_that_the_output_lacks_is_escaped_and_ends_no_command(
    encoding: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    out = io.TextIOWrapper(io.BytesIO(), encoding)
    monkeypatch.setattr(sys, "stdout", out)
    escape_what_cannot_be_encoded()
    out.write("患.bmp")
    out.flush()
    assert out.buffer.getvalue() == rb"\u60a3.bmp"


@pytest.mark.parametrize("stream", [None, io.StringIO()])
def test_an_output_that_is_closed_or_has_no_encoding_is_left_alone(
    stream: object, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sys, "stdout", stream)
    escape_what_cannot_be_encoded()
    assert sys.stdout is stream


def test_of_many_failures_the_first_are_shown_and_the_others_counted(capsys: pytest.CaptureFixture[str]) -> None:
    show_failures([f"{number}\x1b.bmp: torn" for number in range(1022)])
    lines = capsys.readouterr().err.splitlines()
    assert lines[0] == r"0\x1b.bmp: torn"
    assert lines[19:] == [r"19\x1b.bmp: torn", "… and 1,002 more"]
