"""What a rounded count may stand for: the step it was rounded to is read off all of them together."""

import re
from collections.abc import Sequence
from dataclasses import dataclass

_ROUNDED = re.compile(r"~\s*([0-9]{1,15})")


@dataclass(frozen=True)
class Reach:
    """How far the truth may lie from a rounded count."""

    narrow: int  # by the finest usual step that fits: finds most
    wide: int  # by the coarsest: contradicts least


def reach_of(printed: Sequence[str]) -> Reach:
    """Return how far counts were moved, by the steps that all rounded counts of a table have in common."""
    numbers = [int(found[1]) for text in printed if (found := _ROUNDED.fullmatch(text))]
    fitting = [step for step in (3, 5, 10, 50, 100, 1000) if all(n % step == 0 for n in numbers)]
    if not numbers or not fitting:
        return Reach(1, 5)  # no usual step: taken as close
    coarse = max(fitting)
    fine = 5 if 5 in fitting else 3
    if fitting == [3]:
        return Reach(1, 2)
    return Reach(fine // 2, max(coarse // 2, fine // 2))
