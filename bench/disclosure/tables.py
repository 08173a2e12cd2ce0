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
    make: Callable[[int], Sequence[str]]
    seeds: int
    seconds: float
    peer: bool = False  # a cross table that ACRO is asked for, too


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


def two_way(rows: int, columns: int, *, spread: bool) -> Callable[[int], Sequence[str]]:
    """Return a maker of cross tables."""
    return lambda seed: [long_form(counts((rows, columns), seed, spread=spread))]


def grouped(seed: int) -> Sequence[str]:
    """Make 100 x 50 with its rows in 10 groups and its columns in 5."""
    tens = [list(range(start, start + 10)) for start in range(0, 100, 10)]
    return [long_form(counts((100, 50), seed, spread=False), {0: tens, 1: tens[:5]})]


def without_zeros(seed: int) -> Sequence[str]:
    """Make 100 x 50 with every fifth cell empty and its row left out."""
    drawn = counts((100, 50), seed, spread=True)
    drawn[np.random.default_rng(seed).random(drawn.shape) < 0.2] = 0
    return [long_form(drawn, omit_zeros=True)]


def cube(spread: bool) -> Callable[[int], Sequence[str]]:
    """Return a maker of 10 x 8 x 6."""
    return lambda seed: [long_form(counts((10, 8, 6), seed, spread=spread))]


def linked(number: int) -> Callable[[int], Sequence[str]]:
    """Return a maker of so many two- and three-way margins of one table of 8 x 6 x 5 x 4."""
    shape = (8, 6, 5, 4)
    margins = [dims for size in (2, 3) for dims in itertools.combinations(range(4), size)]

    def make(seed: int) -> Sequence[str]:
        rng = np.random.default_rng(1000 * number + seed)
        weight = rng.gamma(1.5, 1, shape)
        for d, size in enumerate(shape):
            side = [1] * len(shape)
            side[d] = size
            weight = weight * rng.gamma(2, 1, size).reshape(side)
        joint = rng.poisson(8 * weight / weight.mean())
        chosen = sorted(rng.permutation(len(margins))[:number])
        return [_margin(joint, margins[i]) for i in chosen]

    return make


def _margin(joint: np.ndarray, kept: Sequence[int]) -> str:
    """Write one margin, its columns under the names that they have in the whole."""
    text = long_form(joint.sum(axis=tuple(d for d in range(joint.ndim) if d not in kept)))
    for place in reversed(range(len(kept))):
        text = text.replace(f"d{place}", f"x{kept[place]}")
    return text.replace("x", "d")


KINDS = (
    *(
        Kind(
            f"{r}x{c} {'spread' if spread else 'skew'}",
            two_way(r, c, spread=spread),
            seeds,
            seconds,
            peer=True,
        )
        for r, c, seeds, seconds in ((10, 10, 5, 5), (20, 20, 5, 10), (50, 20, 5, 10), (100, 50, 1, 30))
        for spread in (False, True)
    ),
    Kind("100x50, empty rows left out", without_zeros, 1, 30),
    Kind("10x8x6 skew", cube(spread=False), 1, 20),
    Kind("10x8x6 spread", cube(spread=True), 1, 20),
    Kind("100x50 in groups", grouped, 1, 30),
    Kind("500x50 skew", two_way(500, 50, spread=False), 1, 60),
    Kind("500x50 spread", two_way(500, 50, spread=True), 1, 60),
    *(Kind(f"{number} linked tables", linked(number), 1, 10) for number in range(3, 8)),
)
