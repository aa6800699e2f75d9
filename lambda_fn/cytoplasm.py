"""The cell around a nucleus on a smear: what of the stained part belongs to it, and what to red cells beside it."""

import math
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from lambda_fn.masks import grow, label, largest_piece, shrink
from lambda_fn.nuclei import Nucleus
from lambda_fn.smear_light import Light
from lambda_fn.star_outline import best_outline, inside_of, rays_from

Mask = NDArray[np.bool_]

# Optical density from which on a square is stained: so many deviations of the background's, within these limits.
DEVIATIONS, FAINTEST, DARKEST = 2.5, 0.025, 0.08
# Weight of green against the mean of all colours: eosin absorbs green alone.
GREEN = 0.7
# Squares at the rim of a cell that may only have light from it.
HALO_SQUARES = 1
# Light of the nucleus reaches so many squares beyond it.
HALO = 3
# Radii of the nucleus: within the first, stain rather belongs to the cell, beyond it to others; the second is where
# cytoplasm is looked for first; the outline lies within the third.
NEAR, FIRST, REACH = 0.6, 0.15, 4.5
# Logarithm of the odds that a stained square belongs to the cell, near the nucleus; its negative farther away.
PLACE = 2.0
# Share of the image that red cells must have, if their colour is to count.
MIN_RED_CELLS = 0.02
# Squares of cytoplasm and of red cells from which their colours can be known.
FEWEST_CYTOPLASM, FEWEST_RED = 15, 40
# Haemoglobin absorbs blue, the dyes of cytoplasm absorb red: least difference between both, as a share of the density.
MIN_CONTRAST = 0.05
# Squares whose colours are compared, at most.
MOST_COMPARED = 4000
# Votes for the cell, -1 to 1: of a stained square without a colour of its own, of a colour, and of a place beyond the
# image.
STAINED, COLOUR, BEYOND = 0.2, 0.9, -0.5
# Weight of all votes along a ray, of the edge on which the outline lies, of its density, and of parts of the nucleus
# that stay outside.
VOTES, EDGE, EDGE_DENSITY, NUCLEUS_LOST = 20.0, 2.0, 0.1, 3.0


class _Colours(NamedTuple):
    """The normal distribution of colours: mean, inverse covariance, and the logarithm of its determinant."""

    mean: NDArray[np.float64]
    inverse: NDArray[np.float64]
    log_determinant: float

    @classmethod
    def of(cls, colours: NDArray[np.float32]) -> "_Colours":
        mean = colours.mean(axis=0, dtype=np.float64)
        away = colours - mean
        covariance = away.T @ away / max(len(away) - 1, 1) + np.diag([9e-4, 9e-4, 1e-4])
        return cls(mean, np.linalg.inv(covariance), math.log(np.linalg.det(covariance)))

    def log_likelihood(self, colours: NDArray[np.float32]) -> NDArray[np.float64]:
        away = colours - self.mean
        return np.asarray(-0.5 * (((away @ self.inverse) * away).sum(axis=-1) + self.log_determinant))


class _Classes(NamedTuple):
    """The colours of the cell's cytoplasm and of red cells, and how well they are told apart, 0 to 1."""

    cytoplasm: _Colours
    red: _Colours
    weight: float

    def log_odds(self, colours: NDArray[np.float32]) -> NDArray[np.float64]:
        return self.cytoplasm.log_likelihood(colours) - self.red.log_likelihood(colours)


def cell_around(nucleus: Nucleus, light: Light) -> Mask:
    """Return the whole cell of a nucleus on the grid.

    The outline is the star-shaped one that holds most of the stained squares of the cell's colours and fewest others
    (Zheng et al. 2018, Micron 107, separate touching cells by their outline too).
    """
    total = light.total
    threshold = min(max(DEVIATIONS * light.noise, FAINTEST), DARKEST)
    stained = np.maximum(total, GREEN * light.green) > threshold
    stained = filled(grow(shrink(stained, 1), 1))
    rows, columns = np.nonzero(nucleus.mask)
    centre = float(rows.mean()), float(columns.mean())
    rays = rays_from(centre, total.shape, REACH * nucleus.radius + 6)
    at = rays.rows, rays.columns
    votes = np.where(stained[at], STAINED, -1.0)
    colours = _colours(light)
    classes = _classes(nucleus, stained, colours)
    if classes:
        odds = np.clip(classes.log_odds(colours[at]) / 3, -1, 1)
        votes = np.where(stained[at], np.clip(STAINED + COLOUR * classes.weight * odds, -1, 1), votes)
    of_nucleus = np.asarray(nucleus.mask[at] & ~rays.outside)
    votes[of_nucleus] = 1
    votes[rays.outside] = BEYOND
    step = rays.radii[1] - rays.radii[0]
    gain: NDArray[np.float64] = np.cumsum(votes * rays.radii, axis=1) * (step * VOTES / nucleus.radius**2)
    along = total[at].astype(np.float64)
    gain[:, 1:-1] += EDGE * np.clip((along[:, :-2] - along[:, 2:]) / EDGE_DENSITY, -1, 1)
    outermost = of_nucleus.shape[1] - 1 - of_nucleus[:, ::-1].argmax(axis=1)
    lost = (np.arange(of_nucleus.shape[1]) < outermost[:, None]) & of_nucleus.any(axis=1, keepdims=True)
    gain -= NUCLEUS_LOST * lost
    outline = inside_of(rays, best_outline(gain), total.shape)
    cell = filled(largest_piece(outline & (stained | nucleus.mask)) | (nucleus.mask & outline))
    return _without_halo(cell, total)


def _without_halo(cell: Mask, total: NDArray[np.float32]) -> Mask:
    """Take away the squares at the rim that have less than half the density of a square beside them: blurred light."""
    padded = np.pad(total, 1)
    lines = np.maximum(np.maximum(padded[:, :-2], padded[:, 1:-1]), padded[:, 2:])
    densest = np.maximum(np.maximum(lines[:-2], lines[1:-1]), lines[2:])
    for _ in range(HALO_SQUARES):
        cell = shrink(cell, 1) | cell & (total >= densest / 2)
    return cell


def filled(mask: Mask) -> Mask:
    """Fill the holes of a mask."""
    rows, columns = (np.flatnonzero(mask.any(axis=axis)) for axis in (1, 0))
    if not rows.size:
        return mask
    box = slice(int(rows[0]), int(rows[-1]) + 1), slice(int(columns[0]), int(columns[-1]) + 1)
    labels, count = label(~mask[box])
    outer = np.zeros(count + 1, np.bool_)
    outer[np.concatenate([labels[0], labels[-1], labels[:, 0], labels[:, -1]])] = True
    outer[0] = False
    full = mask.copy()
    full[box] = ~outer[labels]
    return full


def _colours(light: Light) -> NDArray[np.float32]:
    """Return of each square: red less blue and green less red as shares of its density, and the density."""
    total = light.total
    parts = total + np.float32(0.02)
    return np.stack([(light.red - light.blue) / parts, (light.green - light.red) / parts, total], axis=-1)


def _classes(nucleus: Nucleus, stained: Mask, colours: NDArray[np.float32]) -> _Classes | None:
    """Tell the cytoplasm's colours from those of red cells; None if there are none, or if both look alike.

    Stained pieces apart from the nucleus, and stain at the frame, are red cells. Classes of normal distributions are
    then improved three times, with odds for each place.
    """
    around = grow(nucleus.mask, HALO)
    clear = stained & ~around
    near = grow(around, max(0, round(NEAR * nucleus.radius) - HALO))
    pieces, count = label(shrink(stained, 1))
    own = np.zeros(count + 1, np.bool_)
    own[pieces[nucleus.mask]] = True
    own[0] = False
    beside = own[pieces]
    at_frame = np.ones_like(stained)
    margin = max(2, stained.shape[0] // 16)
    at_frame[margin:-margin, margin:-margin] = False
    elsewhere = clear & (~grow(beside, 1) | at_frame & ~near)
    if np.count_nonzero(elsewhere) <= MIN_RED_CELLS * stained.size:
        return None
    thinned = max(1, np.count_nonzero(clear) // MOST_COMPARED)
    some = np.flatnonzero(clear)[::thinned]
    values, place = colours.reshape(-1, 3)[some], np.where(near.ravel()[some], PLACE, -PLACE)
    red = elsewhere.ravel()[some]
    cytoplasm = (near & beside).ravel()[some]
    first = cytoplasm & grow(around, max(2, round(FIRST * nucleus.radius))).ravel()[some]
    classes = None
    for repeat in range(3):
        if np.count_nonzero(cytoplasm) < FEWEST_CYTOPLASM or np.count_nonzero(red) < FEWEST_RED:
            break
        of_red, of_cytoplasm = _Colours.of(values[red]), _Colours.of(values[cytoplasm])
        if not repeat:  # red cells may surround the nucleus: begin with the squares that are least like them
            sure = first if np.count_nonzero(first) >= FEWEST_CYTOPLASM else cytoplasm
            hues = np.sort(values[sure, 0])
            unlike = cytoplasm & (values[:, 0] > (of_red.mean[0] + hues[int(0.9 * len(hues))]) / 2)
            if np.count_nonzero(unlike) >= FEWEST_CYTOPLASM:
                of_cytoplasm = _Colours.of(values[unlike])
        away = of_cytoplasm.mean - of_red.mean
        spread = np.linalg.inv(of_red.inverse) + np.linalg.inv(of_cytoplasm.inverse)
        distance = float(away @ np.linalg.solve(spread / 2, away))
        classes = _Classes(of_cytoplasm, of_red, min(1.0, distance / 9))
        cytoplasm = classes.log_odds(values) + place >= 0
        red = ~cytoplasm
    if classes is None or classes.cytoplasm.mean[0] - classes.red.mean[0] <= MIN_CONTRAST:
        return None
    return classes
