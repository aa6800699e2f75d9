"""Which documents and lines belong to an image that is erased."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from infra.operate.erasure import ledger_lines
from infra.operate.erasure.selection import DOCUMENTS, ImageSelection

NAMES = st.text("ab./j", min_size=1, max_size=6)


@given(NAMES, NAMES, st.sampled_from([*DOCUMENTS]))
def test_one_image_has_its_own_documents_and_those_of_no_other(one: str, other: str, prefix: str) -> None:
    document = f"{prefix}{other}.json"
    assert ImageSelection(one, is_prefix=False).has_document(document, prefix) == (one == other)
    assert ImageSelection(one, is_prefix=True).has_document(document, prefix) == other.startswith(one)


@pytest.mark.parametrize("text", [b"", b"{", b"[]", b"7", b'{"image": 7}', b'{"image": {"key": null}}', b"\xff"])
def test_a_line_that_is_about_no_image_stays(text: bytes) -> None:
    assert not ledger_lines._names(text, ImageSelection("a", is_prefix=True))
