"""Made-up tables of the kinds that the design measured, from a seed."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

SMALL = 0.12  # of the inner cells


@dataclass(frozen=True)
class Kind:
    """One kind of table, and how long the engine may look."""

    name: str
    make: Callable[[int], str]
    seeds: int
    seconds: float


def counts(shape: tuple[int, ...], seed: int, *, spread: bool) -> np.ndarray:
    """Draw counts, about 12 % below 6: scattered, or gathered in small rows and columns."""
    rng = np.random.default_rng(seed)
    drawn: np.ndarray = rng.poisson(rng.gamma(1.5, 40, shape)) + 6
    if spread:
        small = rng.random(shape) < SMALL
    else:
        weight = np.ones(shape)
        for d, size in enumerate(shape):
            side = [1] * len(shape)
            side[d] = size
            weight = weight * rng.random(size).reshape(side)
        small = weight < np.quantile(weight, SMALL)
    drawn[small] = rng.integers(0, 6, int(small.sum()))
    return drawn


def long_form(
    drawn: np.ndarray,
    groups: Mapping[int, Sequence[Sequence[int]]] | None = None,
    *,
    omit_zeros: bool = False,
) -> str:
    """Write counts with all margins, and with groups of neighbouring codes as unions."""
    choices = []
    for d, size in enumerate(drawn.shape):
        options = [(f"d{d}c{i:03}", [i]) for i in range(size)]
        wider = [("|".join(f"d{d}c{i:03}" for i in m), list(m)) for m in (groups or {}).get(d, ())]
        choices.append([*options, *wider, ("Total", list(range(size)))])
    lines = [",".join([*(f"d{d}" for d in range(drawn.ndim)), "count"])]
    for picked in itertools.product(*choices):
        number = int(drawn[np.ix_(*(index for _, index in picked))].sum())
        if number or not omit_zeros:
            lines.append(",".join([*(code for code, _ in picked), str(number)]))
    return "\n".join(lines) + "\n"


def two_way(rows: int, columns: int, *, spread: bool) -> Callable[[int], str]:
    """Return a maker of cross tables."""
    return lambda seed: long_form(counts((rows, columns), seed, spread=spread))


def grouped(seed: int) -> str:
    """Make 100 x 50 with its rows in 10 groups and its columns in 5."""
    tens = [list(range(start, start + 10)) for start in range(0, 100, 10)]
    return long_form(counts((100, 50), seed, spread=False), {0: tens, 1: tens[:5]})


def without_zeros(seed: int) -> str:
    """Make 100 x 50 with every fifth cell empty and its row left out."""
    drawn = counts((100, 50), seed, spread=True)
    drawn[np.random.default_rng(seed).random(drawn.shape) < 0.2] = 0
    return long_form(drawn, omit_zeros=True)


def cube(seed: int) -> str:
    """Make 10 x 8 x 6."""
    return long_form(counts((10, 8, 6), seed, spread=True))


KINDS = (
    *(
        Kind(f"{r}x{c} {'spread' if spread else 'skew'}", two_way(r, c, spread=spread), seeds, seconds)
        for r, c, seeds, seconds in ((10, 10, 10, 10), (20, 20, 10, 10), (50, 20, 10, 20), (100, 50, 2, 60))
        for spread in (False, True)
    ),
    Kind("100x50, empty rows left out", without_zeros, 2, 60),
    Kind("10x8x6", cube, 3, 40),
    Kind("100x50 in groups", grouped, 1, 60),
    Kind("500x50 skew", two_way(500, 50, spread=False), 1, 60),
    Kind("500x50 spread", two_way(500, 50, spread=True), 1, 60),
)
