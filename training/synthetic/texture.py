"""Textures, blurs and blends of drawn cells."""

from __future__ import annotations

import numpy as np
from PIL import Image, ImageFilter

from training.synthetic.outline import FloatArray

# Sigmas, in px, of the Gaussians whose differences are the bands of texture.
_BANDS = 0.7 * 2.0 ** np.arange(8)


def texture(size: int, bands: FloatArray, stretch: float, generator: np.random.Generator) -> FloatArray:
    """Draw Gaussian noise with a mean near 0 and a standard deviation of 1: shape (size, size), float32.

    Args:
        size: px, height and width.
        bands: shape (7,), how strong each octave is, from 0.7-1.4 px to 45-90 px.
        stretch: how much longer than wide its grains are, in a random direction.
        generator: source of all randomness.
    """
    rows, columns = np.fft.fftfreq(size)[:, None], np.fft.rfftfreq(size)[None, :]
    turn = generator.uniform(0, np.pi)
    along = (np.cos(turn) * columns + np.sin(turn) * rows) * stretch**0.5
    across = (np.cos(turn) * rows - np.sin(turn) * columns) / stretch**0.5
    exponent = (-2 * np.pi**2 * (along**2 + across**2)).astype(np.float32)
    low_passes = [np.exp(exponent * np.float32(sigma**2)) for sigma in _BANDS]
    spectrum = np.zeros_like(exponent)
    for strength, sigma, finer, coarser in zip(bands, _BANDS, low_passes, low_passes[1:], strict=False):
        if strength:
            spectrum += np.float32(strength * sigma) * (finer - coarser)
    real, imaginary = generator.standard_normal((2, *spectrum.shape), dtype=np.float32)
    noise = np.fft.irfft2((real + 1j * imaginary) * spectrum, s=(size, size))
    return np.asarray(noise / noise.std(), np.float32)


def skewed(noise: FloatArray, strength: float) -> FloatArray:
    """Stretch the high values of Gaussian noise (mean 0, standard deviation 1) and press the low ones together."""
    return np.asarray((np.exp(strength * noise) - np.exp(strength**2 / 2)) / strength, np.float32)


def blur(mask: FloatArray, sigma: float) -> FloatArray:
    """Gaussian blur of values from 0 to 1."""
    image = Image.fromarray(np.rint(mask * 255).astype(np.uint8))
    return np.asarray(image.filter(ImageFilter.GaussianBlur(sigma)), np.float32) / 255


def blend(pixels: FloatArray, colour: tuple[float, ...] | FloatArray, inside: FloatArray) -> FloatArray:
    """Keep pixels inside a region, and show a colour with a trace of their texture outside.

    Args:
        pixels: shape (size, size, 3).
        colour: RGB.
        inside: shape (size, size), 1 inside and 0 outside.
    """
    plain = np.array(colour, np.float32) + 0.35 * (pixels - pixels.mean((0, 1)))
    return np.asarray(plain + (pixels - plain) * inside[..., None])
