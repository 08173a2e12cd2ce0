"""A peer of our own writing: the hypercube method, as long known, for the cross of two dimensions.

Every small cell becomes the corner of a rectangle of withheld cells with room enough for the small one to be
0 or 5; the cheapest rectangle is taken, and what is withheld already costs nothing. It minds one cell at
a time and no sums, so the audit says whether what it shows meets the criterion that ours does.
"""

from __future__ import annotations

import csv
import io

import numpy as np

MIN_COUNT = 6


def hypercube(text: str) -> str | None:
    """Return what is shown of a table of two dimensions with all margins; None if a margin is small."""
    head, *rows = list(csv.reader(io.StringIO(text)))
    numbers = {(row[0], row[1]): int(row[2]) for row in rows}
    sides = [sorted({row[d] for row in rows} - {"Total"}) for d in (0, 1)]
    if any(count < MIN_COUNT for codes, count in numbers.items() if "Total" in codes):
        return None
    counts = np.array([[numbers[r, c] for c in sides[1]] for r in sides[0]])
    withheld = pattern(counts)
    if withheld is None:
        return None
    place = {(r, c): withheld[i, j] for i, r in enumerate(sides[0]) for j, c in enumerate(sides[1])}
    lines = [",".join([*head[:2], "released"])]
    lines += [f"{row[0]},{row[1]},{'' if place.get((row[0], row[1])) else row[2]}" for row in rows]
    return "\n".join(lines) + "\n"


def pattern(counts: np.ndarray) -> np.ndarray | None:
    """Say which inner cells are withheld; None if a small cell has no rectangle."""
    small = counts < MIN_COUNT
    withheld = small.copy()
    cost = np.log2(2.0 + counts)
    order = sorted(zip(*np.nonzero(small), strict=True), key=lambda at: (-counts[at], at))
    for row, column in order:
        own = int(counts[row, column])
        price = np.where(withheld, 0.0, cost)
        whole = price + price[row][None, :] + price[:, column][:, None]
        room = (counts[row] >= MIN_COUNT - 1 - own)[None, :] & (counts[:, column] >= MIN_COUNT - 1 - own)[
            :, None
        ]
        fits = room & (counts >= own)
        fits[row, :] = fits[:, column] = False
        if not fits.any():
            return None
        other, beside = np.unravel_index(int(np.where(fits, whole, np.inf).argmin()), counts.shape)
        withheld[other, beside] = withheld[row, beside] = withheld[other, column] = True
    return withheld
