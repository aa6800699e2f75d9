"""Pages of ``cellflag report``, written and read."""

from html.parser import HTMLParser
from pathlib import Path

from click.testing import CliRunner, Result

from infra.commands.report import report
from tests.infra.slide_report.material import result


class Page(HTMLParser):
    """The elements of a page, their attributes, and the text outside the style sheet."""

    def __init__(self, path: Path) -> None:
        super().__init__()
        self.elements: list[tuple[str, dict[str, str | None]]] = []
        self.words: list[str] = []
        self._inside: list[str] = []
        self.feed(path.read_text("utf-8"))
        self.text = " ".join(" ".join(self.words).split())

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append((tag, dict(attrs)))
        self._inside.append(tag)

    def handle_data(self, data: str) -> None:
        if self._inside[-1:] != ["style"]:
            self.words.append(data)

    def pictures(self) -> list[str]:
        return [attributes["src"] or "" for tag, attributes in self.elements if tag == "img"]


def below(folder: Path, *options: str, out: str = "report.html") -> Result:
    return CliRunner().invoke(report, ["--folder", str(folder), "--out", str(folder / out), *options])


def page_of(folder: Path, *options: str) -> Page:
    outcome = below(folder, *options)
    assert outcome.exit_code == 0, outcome.output
    return Page(folder / "report.html")


CELLS = [result(f"p7/{number}.bmp", probability) for number, probability in enumerate((0.95, 0.9, 0.6, 0.4, 0.1))]
