"""Steps on terminals of all kinds."""

import io

import pytest
from rich.console import Console

from infra.tools.steps import Steps


def shown(encoding: str, width: int) -> str:
    out = io.TextIOWrapper(io.BytesIO(), encoding)
    console = Console(file=out, width=width, force_terminal=True)
    with pytest.raises(ZeroDivisionError), Steps(console) as steps:
        with steps.step("bootstrap", "cdk bootstrap") as step:
            step.note("http://127.0.0.1:4566")
        with steps.step("deploy", "cdk deploy"):
            raise ZeroDivisionError
    out.flush()
    assert isinstance(out.buffer, io.BytesIO)
    return out.buffer.getvalue().decode(encoding)


@pytest.mark.parametrize(("encoding", "marks"), [("utf-8", "✔✘"), ("ascii", "+x"), ("latin-1", "+x")])
def test_marks_are_of_the_terminals_encoding(encoding: str, marks: str) -> None:
    lines = shown(encoding, 80)
    assert all(mark in lines for mark in marks)


def test_names_and_times_fit_into_40_columns() -> None:
    lines = shown("utf-8", 40)
    assert "bootstrap" in lines
    assert "cdk bootstrap" in lines
    assert "0.0 s" in lines
