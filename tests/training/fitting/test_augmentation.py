import numpy as np
import pytest
import tensorflow as tf
from numpy.typing import NDArray

from training.fitting.augmentation import (
    BRIGHTNESS,
    CHANNEL,
    FREE_ROTATION_SHARE,
    augment,
    flip,
    recolour,
    rotate,
    rotate_quarters,
)

SEED = tf.constant([7, 11])
Images = NDArray[np.float32]


@pytest.fixture
def images() -> Images:
    """200 copies of one image without any symmetry: noise in one half of a disc, shade in the other."""
    row, column = np.mgrid[:32, :32] - 15.5
    disc = row**2 + column**2 < 14**2
    shade = 90 + 3 * row + np.where(column > 0, np.random.default_rng(0).integers(-20, 20, (32, 32)), 0)
    image = np.where(disc, shade, 0)[..., None] * np.array([1.0, 0.7, 0.9])
    return np.repeat(image[None].astype(np.float32), 200, axis=0)


def test_flips_and_quarter_turns_give_all_eight_views_with_the_same_pixels(images: Images) -> None:
    views = rotate_quarters(flip(images, SEED), SEED + 1).numpy()
    different = np.unique(views, axis=0)
    assert len(different) == 8
    orientations = [np.rot90(mirrored, quarter) for mirrored in (images[0], images[0][::-1]) for quarter in range(4)]
    assert (different == np.unique(np.stack(orientations), axis=0)).all()


def test_free_rotation_turns_its_share_of_images_around_the_centre(images: Images) -> None:
    rotated = rotate(images, SEED).numpy()
    same = (rotated == images).all(axis=(1, 2, 3))
    assert 1 - same.mean() == pytest.approx(FREE_ROTATION_SHARE, abs=0.1)
    lit = rotated.max(axis=-1) > 12
    rows, columns = (np.array([np.flatnonzero(image.any(axis=axis)).mean() for image in lit]) for axis in (1, 0))
    assert np.abs(np.concatenate([rows, columns]) - 15.5).max() <= 1


def test_recolouring_keeps_the_background_black_and_stays_within_its_bounds(images: Images) -> None:
    recoloured = recolour(images, SEED).numpy()
    assert (recoloured[images == 0] == 0).all()
    assert recoloured.min() >= 0
    assert recoloured.max() <= 255
    cell = images[0].max(axis=-1) > 12
    gain = recoloured[:, cell].mean(axis=1) / images[:, cell].mean(axis=1)
    most = (1 + BRIGHTNESS) * (1 + CHANNEL)
    assert gain.max() < most * 1.1
    assert gain.min() > 1 / (most * 1.1) / 1.2
    assert gain.std(axis=0).min() > 0.1, "images are recoloured alike"
    assert (gain / gain.mean(axis=1, keepdims=True)).std(axis=0).min() > 0.03, "channels are recoloured alike"


def test_the_same_seed_makes_the_same_changes_and_another_makes_others(images: Images) -> None:
    batch = images.astype(np.uint8)
    first, second, other = (augment(batch, seed).numpy() for seed in (SEED, SEED, SEED + 1))
    assert (first == second).all()
    assert (first != other).any()


def test_every_image_of_a_batch_is_changed_in_its_own_way(images: Images) -> None:
    assert len(np.unique(augment(images.astype(np.uint8), SEED).numpy(), axis=0)) == len(images)
