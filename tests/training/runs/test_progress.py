import io

from rich.console import Console

from training.runs.progress import RunProgress


def test_a_log_file_gets_a_line_for_each_tenth() -> None:
    console = Console(file=io.StringIO(), width=80)
    with RunProgress(console).step("Training fold-1") as advance:
        for step in range(1, 41):
            advance(step / 40, 1 / step)
    assert isinstance(console.file, io.StringIO)
    lines = console.file.getvalue().splitlines()
    assert lines[:2] == ["Training fold-1", "Training fold-1: 10 %, loss 0.250"]
    assert lines[-1] == "Training fold-1: 100 %, loss 0.025"
    assert len(lines) == 11


def test_a_terminal_gets_a_bar() -> None:
    console = Console(file=io.StringIO(), force_terminal=True, width=80)
    with RunProgress(console).step("Reading cells") as advance:
        advance(0.5)
    assert isinstance(console.file, io.StringIO)
    assert "━" in console.file.getvalue()
