import numpy as np
import pytest
from numpy.typing import NDArray

from training.evaluation.deletion import SHARES, baseline_orders, deletion_score, deletions, field_means, mask_of

Pixels = NDArray[np.uint8]


@pytest.fixture
def cell() -> Pixels:
    """A square of noise on black, 64 of 96 px wide, so that it has 16 fields."""
    pixels = np.zeros((96, 96, 3), np.uint8)
    pixels[16:80, 16:80] = np.random.default_rng(0).integers(60, 200, (64, 64, 3))
    pixels[32:48, 48:64] = 250
    return pixels


def bright(images: Pixels) -> NDArray[np.float64]:
    """A model of which the right explanation is known: its logit counts the brightest pixels."""
    return np.asarray((images == 250).all(axis=3).sum(axis=(1, 2)) / 100.0)


def test_deleted_fields_get_the_mean_colour_and_the_background_stays_black(cell: Pixels) -> None:
    relevance = field_means(np.arange(96 * 96).reshape(96, 96))
    mean = cell[mask_of(cell)].mean(axis=0).round()
    images = list(deletions(cell, relevance))
    assert len(images) == 2 * len(SHARES)
    for share, most, least in zip(SHARES, images[::2], images[1::2], strict=True):
        for image in (most, least):
            changed = (image != cell).any(axis=2)
            assert (image[changed] == mean).all()
            assert not image[~mask_of(cell)].any()
            assert (field_means(changed) > 0).sum() == round(share * 16)
    assert (images[-2] != cell)[64:80].any()
    assert not (images[-2] != cell)[16:48].any()


def test_the_right_order_scores_highest_and_the_reverse_lowest(cell: Pixels) -> None:
    right = field_means((cell == 250).all(axis=2))
    assert deletion_score(cell, right, bright) == pytest.approx(2.56)
    assert deletion_score(cell, -right, bright) == pytest.approx(-2.56)


def test_a_random_order_scores_about_nothing(cell: Pixels) -> None:
    random = np.random.default_rng(0)
    scores = [deletion_score(cell, baseline_orders(cell, random)["random"], bright) for _ in range(60)]
    assert abs(np.mean(scores)) < 0.5


def test_the_baselines_order_by_what_their_names_say(cell: Pixels) -> None:
    orders = baseline_orders(cell, np.random.default_rng(0))
    assert orders["centre_first"].argmax() in (14, 15, 20, 21)  # the four fields in the middle of 6 x 6
    lit = field_means(mask_of(cell)) > 0
    brightest = np.flatnonzero(lit)[orders["dark_first"][lit].argmin()]
    assert brightest == 2 * 6 + 3
    spread = {name: np.abs(np.diff(orders[name], axis=0)).mean() / orders[name].std() for name in orders}
    assert spread["smooth_random"] < spread["random"]
