"""Operations on masks: connected pieces, growing and shrinking.

A mask is a boolean array of shape (height, width).
"""

from typing import Any

import numpy as np
from numpy.typing import NDArray


def label(mask: NDArray[np.bool_]) -> tuple[NDArray[np.intp], int]:
    """Number the pieces of a mask from 1, and count them. Diagonal neighbours belong to one piece.

    A run of set pixels joins the pieces of the runs that it touches in the row above (Rosenfeld & Pfaltz 1966).

    Returns:
        An array of the mask's shape, 0 outside all pieces, and the number of pieces.
    """
    padded = np.pad(mask, ((0, 0), (1, 1)))
    rows, columns = (edge.tolist() for edge in np.nonzero(padded[:, 1:] != padded[:, :-1]))
    runs = list(zip(rows[::2], columns[::2], columns[1::2], strict=True))
    parents = list(range(len(runs)))

    def root(run: int) -> int:
        while parents[run] != run:
            parents[run] = run = parents[parents[run]]  # halves the way for the next call
        return run

    above = 0  # the first run that may touch this run or one after it
    for number, (row, start, end) in enumerate(runs):
        while runs[above][0] < row - 1 or (runs[above][0] == row - 1 and runs[above][2] < start):
            above += 1
        for other in range(above, number):
            row_above, first, _ = runs[other]
            if row_above == row or first > end:
                break
            parents[root(number)] = root(other)
    pieces = {top: label for label, top in enumerate(sorted({root(run) for run in parents}), start=1)}
    labels = np.zeros(mask.shape, np.intp)
    for number, (row, start, end) in enumerate(runs):
        labels[row, start:end] = pieces[root(number)]
    return labels, len(pieces)


def largest_piece(mask: NDArray[np.bool_]) -> NDArray[np.bool_]:
    """Return the largest piece of a mask; an empty mask stays empty."""
    labels, count = label(mask)
    if count < 2:
        return mask
    return np.asarray(labels == np.bincount(labels.ravel())[1:].argmax() + 1)


def count_in_fields(mask: NDArray[np.bool_], field: int) -> NDArray[np.intp]:
    """Count the set pixels of each square of ``field`` pixels; those at the far edges may lie partly beyond."""
    counts: NDArray[Any] = np.pad(mask, [(0, -length % field) for length in mask.shape])
    for _ in range(2):  # rows, then columns; numpy takes many times as long for both at once
        sums = np.zeros((len(counts) // field, counts.shape[1]), np.intp)
        for offset in range(field):
            sums += counts[offset::field]
        counts = sums.T
    return counts


def framed(mask: NDArray[np.bool_], width: int) -> NDArray[np.bool_]:
    """Put ``width`` unset pixels around a mask. ``numpy.pad`` takes several times as long for arrays of this size."""
    wider = np.zeros((mask.shape[0] + 2 * width, mask.shape[1] + 2 * width), np.bool_)
    wider[width : width + mask.shape[0], width : width + mask.shape[1]] = mask
    return wider


def grow(mask: NDArray[np.bool_], steps: int) -> NDArray[np.bool_]:
    """Grow a mask by an octagon of radius ``steps``, which is close to a disc. Nothing grows beyond the array.

    Steps to four and to eight neighbours alternate (Rosenfeld & Pfaltz 1968, Pattern Recognition 1).
    """
    grown = framed(mask, 1)
    middle = (slice(1, -1), slice(1, -1))
    for step in range(steps):
        wider = grown[1:-1, :-2] | grown[1:-1, 1:-1] | grown[1:-1, 2:]
        if step % 2:
            source = grown.copy()
            source[middle] = wider
            grown[middle] = source[:-2, 1:-1] | wider | source[2:, 1:-1]
        else:
            grown[middle] = wider | grown[:-2, 1:-1] | grown[2:, 1:-1]
    return grown[middle]


def shrink(mask: NDArray[np.bool_], steps: int) -> NDArray[np.bool_]:
    """Shrink a mask by an octagon of radius ``steps``; pixels beyond the array count as outside."""
    padded = framed(mask, steps)
    shrunk = ~grow(~padded, steps)
    return shrunk[steps : steps + mask.shape[0], steps : steps + mask.shape[1]]
