from pathlib import Path

import pytest

from training.data.tables import read_rows
from training.errors import DatasetError

TEXT = "path,label,subject\nplate 7/é.png,all,1\n"


@pytest.mark.parametrize("delimiter", [",", ";", "\t"])
@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "utf-16-le", "utf-16-be"])
@pytest.mark.parametrize("line_end", ["\n", "\r\n"])
@pytest.mark.parametrize("first_line", ["", "sep={}\n"])
def test_tables_are_read_as_spreadsheets_write_them(
    delimiter: str, encoding: str, line_end: str, first_line: str, tmp_path: Path
) -> None:
    text = first_line.format(delimiter) + TEXT.replace(",", delimiter)
    (tmp_path / "labels.csv").write_bytes(text.replace("\n", line_end).encode(encoding))
    columns, rows = read_rows(tmp_path / "labels.csv", ("path",))
    assert columns == ("path", "label", "subject")
    line = 3 if first_line else 2
    assert rows == [(line, {"path": "plate 7/é.png", "label": "all", "subject": "1"})]


def test_a_delimiter_within_a_value_does_not_decide(tmp_path: Path) -> None:
    (tmp_path / "labels.csv").write_text("path,label,subject\na;b;c;d.png,all,1\n", "utf-8")
    assert read_rows(tmp_path / "labels.csv", ("path",))[1][0][1]["path"] == "a;b;c;d.png"


def test_a_table_in_another_encoding_is_refused_with_advice(tmp_path: Path) -> None:
    (tmp_path / "labels.csv").write_bytes(TEXT.encode("latin-1"))
    with pytest.raises(DatasetError, match=r"labels\.csv cannot be read as a table: .*Save it as CSV in UTF-8"):
        read_rows(tmp_path / "labels.csv", ("path",))
