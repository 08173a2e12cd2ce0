"""How a pair stands after what readers said of it: pure, and the same for pages, estimates and reruns."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

LINK: Final = "link"
NOT: Final = "not"
UNSURE: Final = "unsure"


@dataclass(frozen=True)
class State:
    """The final verdict, or which reading it waits for: 1, 2 or 3. In conflict the first two differ."""

    verdict: str
    waits_for: int
    in_conflict: bool


def state(verdicts: Sequence[str], *, twice: bool) -> State:
    """Say how a pair stands.

    A second person reads what was drawn to be read twice and what the first was unsure of; where two differ
    a third decides, and three different words leave the pair open to doubt for good.
    """
    if not verdicts:
        return State("", 1, in_conflict=False)
    if len(verdicts) == 1:
        needs_another = twice or verdicts[0] == UNSURE
        return State("" if needs_another else verdicts[0], 2 if needs_another else 0, in_conflict=False)
    if verdicts[0] == verdicts[1]:
        return State(verdicts[0], 0, in_conflict=False)
    if len(verdicts) == 2:
        return State("", 3, in_conflict=True)
    said, times = Counter(verdicts[:3]).most_common(1)[0]
    return State(said if times > 1 else UNSURE, 0, in_conflict=True)
