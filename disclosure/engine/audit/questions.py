"""What the audit asks: every withheld cell, every cell nobody listed, residuals, differences, bases."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np

from disclosure.engine.audit.closure import Sum, contexts, packings
from disclosure.engine.audit.universe import Universe, Who
from disclosure.engine.policy import CellPolicy

_PACKINGS = 48  # ways to take shown groups that overlap out of one group


@dataclass
class Cell:
    """All that the released tables say about one population."""

    who: Who
    low: float = 0.0
    high: float = float("inf")
    said: str = ""  # where the tightest statement stands
    said_low: str = ""  # where the one that it counts so many at least
    mentioned: str = ""
    truth: int | None = None
    shares: int = 0  # percentages printed of it as a base
    listed: bool = False  # a table has a line for its count
    ours: bool = False  # a line of ours speaks of it
    known: float = float("nan")  # its count, where printed counts add up to it
    blank: bool = False  # a line leaves its count out altogether
    hidden: bool = False  # a line of ours leaves it out, or marks it as small
    printed_in: set[tuple[str, str]] = field(default_factory=set)
    blank_in: dict[tuple[str, str], str] = field(default_factory=dict)
    public_low: float = 0.0  # what was known before, and not through us
    public_high: float = float("inf")

    @property
    def where(self) -> tuple[str, ...]:
        """Say where it stands what is known of it: in two places, if each says one end."""
        return tuple(dict.fromkeys(place for place in (self.said or self.mentioned, self.said_low) if place))

    @property
    def exact(self) -> bool:
        """Say whether its count is printed."""
        return self.low == self.high

    @property
    def withheld(self) -> bool:
        """Say whether a line leaves its count blank or blurred."""
        return self.listed and not self.exact


@dataclass(frozen=True)
class Question:
    """A sum of cells, minus others, that must not be known too well."""

    kind: str  # cell, unlisted, residual, difference, base
    plus: tuple[int, ...]
    minus: tuple[int, ...] = ()


def ask(universe: Universe, cells: Sequence[Cell], policy: CellPolicy) -> list[Question]:
    """List the questions for a set of cells; cells that no table lists are among them."""
    number = {cell.who: i for i, cell in enumerate(cells)}
    questions = [Question("cell", (i,)) for i, c in enumerate(cells) if c.withheld]
    questions += [Question("unlisted", (i,)) for i in _unlisted(cells, policy)]
    questions += [Question("base", (i,)) for i, c in enumerate(cells) if c.shares]
    residuals = _residuals(universe, cells, number)
    questions += residuals.values()
    wider = _wider_codes(universe)
    questions += _differences(cells, number, wider, set(residuals), policy)
    return questions


def _unlisted(cells: Sequence[Cell], policy: CellPolicy) -> list[int]:
    found = []
    for i, cell in enumerate(cells):
        if cell.listed or cell.exact:
            continue
        if cell.truth is not None:
            asked = policy.is_small(cell.truth)
        else:
            asked = not cell.known >= policy.min_count and cell.low < policy.min_count
        if asked:
            found.append(i)
    return found


def least_people(cells: Sequence[Cell], along: Sequence[Sum], nobody: np.ndarray) -> np.ndarray:
    """Say how many people a cell counts for certain when zeros are shown: one for each withheld part.

    A part whose neighbours are all shown as 0 counts as many as the whole. A range that was released is no
    excuse: it counts as somebody, whatever it says.
    """
    alone = [1.0 if (c.withheld and c.hidden) or c.low >= 1 else 0.0 for c in cells]
    least = np.where(nobody, 0.0, alone)
    empty = nobody | np.array([c.high == 0 for c in cells])
    while True:
        before = least.copy()
        for line in along:
            least[line.whole] = max(least[line.whole], least[line.parts].sum())
            some = line.parts[~empty[line.parts]]
            if len(some) == 1:
                least[some] = np.maximum(least[some], least[line.whole])
        if (before == least).all():
            return least


def _wider_codes(universe: Universe) -> list[dict[frozenset[int], list[frozenset[int]]]]:
    out = []
    for named in universe.sets:
        sets = sorted(named, key=lambda s: (len(s), sorted(s)))
        broad = [s for s in sets if len(s) > 1]
        out.append({s: [b for b in broad if s < b] for s in sets})
    return out


def _residuals(universe: Universe, cells: Sequence[Cell], number: Mapping[Who, int]) -> dict[Who, Question]:
    """For every group along one dimension: whoever is left when all that is known inside is taken out."""
    found: dict[Who, Question] = {}
    where = [cell.who for cell in cells]
    for d in range(len(universe.names)):
        groups = sorted((s for s in universe.sets[d] if len(s) > 1), key=lambda s: (len(s), sorted(s)))
        for there in contexts(where, d):
            certain = [s for s, i in there.items() if _certain(cells[i])]
            if len(there) < 3 or len(certain) == len(there):
                continue
            certain.sort(key=lambda s: (-len(s), sorted(s)))
            for group in groups:
                if group not in there:
                    continue
                inside = _widest([s for s in certain if s < group])
                for family in packings(inside, _PACKINGS):
                    left = group - frozenset().union(*family)
                    whole = where[there[group]]
                    who = (*whole[:d], left, *whole[d + 1 :])
                    if len(left) < 2 or who in number or not family:
                        continue
                    minus = tuple(sorted(there[s] for s in family))
                    found.setdefault(who, Question("residual", (there[group],), minus))
    return found


def _certain(cell: Cell) -> bool:
    return cell.exact or (not cell.withheld and not np.isnan(cell.known))


def _widest(sets: Sequence[frozenset[int]]) -> list[frozenset[int]]:
    broad = [s for s in sets if len(s) > 1]
    return [s for s in sets if not any(s < t for t in broad)]


def _differences(
    cells: Sequence[Cell],
    number: Mapping[Who, int],
    wider: Sequence[Mapping[frozenset[int], Sequence[frozenset[int]]]],
    asked: set[Who],
    policy: CellPolicy,
) -> list[Question]:
    """Find nested populations that may differ by few people."""
    found: dict[Who, Question] = {}
    several = []
    floor, few = policy.smallest_hidden, policy.min_count
    for i, cell in enumerate(cells):
        if not cell.listed and not cell.shares:
            continue
        for who, apart in _around(cell.who, wider):
            j = number.get(who)
            if j is None or not (cells[j].listed or cells[j].shares):
                continue
            both = cell.exact and cells[j].exact
            if both and not floor <= cells[j].low - cell.low < few:
                continue
            if not both and (apart > 1 or cells[j].low - cell.high >= few):
                continue
            if apart > 1:
                several.append(Question("difference", (j,), (i,)))
                continue
            d = next(d for d, (a, b) in enumerate(zip(cell.who, who, strict=True)) if a != b)
            rest = (*who[:d], who[d] - cell.who[d], *who[d + 1 :])
            if rest not in number and rest not in asked:  # else asked on its own
                found.setdefault(rest, Question("difference", (j,), (i,)))
    return [*found.values(), *several]


def _around(
    who: Who, wider: Sequence[Mapping[frozenset[int], Sequence[frozenset[int]]]]
) -> list[tuple[Who, int]]:
    around: list[tuple[tuple[frozenset[int], ...], int]] = [((), 0)]
    for d, atoms in enumerate(who):
        choices = [(atoms, 0), *((w, 1) for w in wider[d].get(atoms, ()))]
        around = [((*start, choice), apart + step) for start, apart in around for choice, step in choices]
    return [(w, apart) for w, apart in around if apart]
