from pathlib import Path

import pytest

from training.data.copies import AUGMENTED, DUPLICATE, copies_among


@pytest.mark.parametrize(
    ("original", "copy", "reason"),
    [
        ("UID_1_2_3_all.bmp", "UID_1_2_3_all_rot90.bmp", AUGMENTED),
        ("x.png", "x_rot_90.png", AUGMENTED),
        ("x.png", "x_rotated180deg.png", AUGMENTED),
        ("x.png", "x_r270.png", AUGMENTED),
        ("x.png", "x-hflip.jpg", AUGMENTED),
        ("x.png", "x_flipped_horizontal.png", AUGMENTED),
        ("x.png", "x_aug_3.png", AUGMENTED),
        ("x.png", "x_rot90_flip.png", AUGMENTED),
        ("x.png", "x_rot90 (1).png", AUGMENTED),
        ("x.png", "aug_2_x.png", AUGMENTED),
        ("x.png", "augmented/x_noise.png", AUGMENTED),
        ("original/hem/x.png", "augmented/hem/x_bright.png", AUGMENTED),
        ("x.bmp", "x (1).bmp", DUPLICATE),
        ("x.bmp", "x(2).BMP", DUPLICATE),
        ("x.bmp", "x - Copy.bmp", DUPLICATE),
        ("x.bmp", "x - Copy (2).bmp", DUPLICATE),
        ("x.bmp", "x copy 2.bmp", DUPLICATE),
        ("x.bmp", "Copy of x.bmp", DUPLICATE),
    ],
)
def test_an_image_that_is_named_as_a_copy_of_another_is_one(original: str, copy: str, reason: str) -> None:
    assert copies_among([Path(original), Path(copy)]) == ({Path(copy): reason}, [])


@pytest.mark.parametrize(
    "names",
    [
        ("cell (1).png", "cell (2).png"),
        ("all/1.png", "hem/1_copy.png"),
        ("x.png", "x_1.png"),
        ("x.png", "x_90.png"),
        ("rotor.png", "parrot90.png"),
        ("p1.png", "p1_r2.png"),
    ],
)
def test_an_image_with_another_name_or_without_an_original_beside_it_is_no_copy(names: tuple[str, ...]) -> None:
    assert copies_among(map(Path, names)) == ({}, [])


def test_an_augmented_image_without_its_original_is_named() -> None:
    images = [Path("all/1.png"), Path("hem/1_rot90.png")]
    assert copies_among(images) == ({}, [Path("hem/1_rot90.png")])


def test_an_augmented_image_named_as_in_c_nmc_is_a_copy_even_without_its_original() -> None:
    image = Path("all/UID_1_2_3_all_rot90.bmp")
    assert copies_among([image]) == ({image: AUGMENTED}, [])
