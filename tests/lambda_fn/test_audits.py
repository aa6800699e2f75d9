"""The draw of decided cells for the audit."""

import hashlib
import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lambda_fn.audits import is_drawn

DIGESTS = [hashlib.sha256(str(number).encode()).hexdigest() for number in range(20_000)]
shares = st.floats(0, 1)
digests = st.binary(min_size=32, max_size=32).map(bytes.hex)


@pytest.mark.parametrize("share", [0.02, 0.3])
def test_the_share_that_was_asked_for_is_drawn(share: float) -> None:
    drawn = sum(is_drawn(digest, share, "salt") for digest in DIGESTS)
    deviation = math.sqrt(len(DIGESTS) * share * (1 - share))
    assert abs(drawn - len(DIGESTS) * share) < 4 * deviation


def test_two_deployments_draw_independently_of_each_other() -> None:
    both = sum(is_drawn(digest, 0.3, "one") and is_drawn(digest, 0.3, "two") for digest in DIGESTS)
    assert both / len(DIGESTS) == pytest.approx(0.09, abs=0.01)


@given(digests, st.text(), shares, shares)
def test_a_larger_share_keeps_what_a_smaller_one_draws(digest: str, salt: str, one: float, other: float) -> None:
    low, high = sorted((one, other))
    assert not is_drawn(digest, low, salt) or is_drawn(digest, high, salt)


@given(digests, st.text())
def test_all_or_nothing_is_drawn_if_that_is_asked_for(digest: str, salt: str) -> None:
    assert is_drawn(digest, 1.0, salt)
    assert not is_drawn(digest, 0.0, salt)


def test_an_image_that_was_not_read_is_never_drawn() -> None:
    assert not is_drawn(None, 1.0, "salt")


def test_the_draw_stays_as_it_is_from_version_to_version() -> None:
    """Another draw would have people label other cells after an update, in the middle of an audit."""
    assert [number for number, digest in enumerate(DIGESTS[:200]) if is_drawn(digest, 0.02, "salt")] == [
        65,
        124,
        162,
        183,
        195,
    ]
