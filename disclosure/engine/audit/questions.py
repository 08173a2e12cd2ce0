"""What the audit asks: every withheld cell, residual, difference of populations and percentage base."""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from disclosure.engine.audit.universe import Universe, Who


@dataclass
class Cell:
    """All that the released tables say about one population."""

    who: Who
    low: float = 0.0
    high: float = float("inf")
    said: str = ""  # where the tightest statement stands
    mentioned: str = ""
    truth: int | None = None
    shares: int = 0  # percentages printed of it as a base
    truth_only: bool = True

    @property
    def exact(self) -> bool:
        """Say whether its count is printed."""
        return self.low == self.high


@dataclass(frozen=True)
class Question:
    """A sum of cells, minus a cell, that must not be known too well."""

    kind: str  # cell, residual, difference, base
    plus: tuple[int, ...]
    minus: tuple[int, ...] = ()


def ask(universe: Universe, cells: Sequence[Cell], *, min_count: int, hide_zeros: bool) -> list[Question]:
    """List the questions for a set of cells."""
    number = {cell.who: i for i, cell in enumerate(cells)}
    questions = [Question("cell", (i,)) for i, c in enumerate(cells) if not c.exact and not c.truth_only]
    questions += [Question("base", (i,)) for i, c in enumerate(cells) if c.shares]
    wider = _wider_codes(universe)
    questions += _residuals(universe, cells)
    questions += _differences(cells, number, wider, min_count=min_count, hide_zeros=hide_zeros)
    return questions


def least_people(universe: Universe, cells: Sequence[Cell]) -> list[int]:
    """Say how many people a cell counts for certain when zeros are shown: one for each withheld part."""
    least = [int(c.low) if c.said else 1 for c in cells]
    for i, cell in enumerate(cells):
        if cell.truth_only or (cell.shares and not cell.said):
            least[i] = 0
    for d in range(len(universe.names)):
        beside: dict[tuple[object, ...], list[int]] = defaultdict(list)
        for i, cell in enumerate(cells):
            beside[(*cell.who[:d], None, *cell.who[d + 1 :])].append(i)
        for there in beside.values():
            for i in sorted(there, key=lambda n: len(cells[n].who[d])):
                if cells[i].exact:
                    continue
                inside = [j for j in there if cells[j].who[d] < cells[i].who[d]]
                for family in _families(cells, d, inside):
                    least[i] = max(least[i], sum(least[j] for j in family))
    return least


def _wider_codes(universe: Universe) -> list[dict[frozenset[int], list[frozenset[int]]]]:
    out = []
    for codes in universe.codes:
        sets = sorted(set(codes.values()), key=lambda s: (len(s), sorted(s)))
        broad = [s for s in sets if len(s) > 1]
        out.append({s: [b for b in broad if s < b] for s in sets})
    return out


def _residuals(universe: Universe, cells: Sequence[Cell]) -> list[Question]:
    """For every group along one dimension: the withheld cells directly inside it, together."""
    found: dict[tuple[int, ...], Question] = {}
    for d in range(len(universe.names)):
        beside: dict[tuple[object, ...], list[int]] = defaultdict(list)
        for i, cell in enumerate(cells):
            if not cell.truth_only:
                beside[(*cell.who[:d], None, *cell.who[d + 1 :])].append(i)
        groups = [s for s in set(universe.codes[d].values()) if len(s) > 1]
        groups.sort(key=lambda s: (len(s), sorted(s)))
        for there in beside.values():
            if sum(not cells[i].exact for i in there) < 2:
                continue
            for group in groups:
                inside = [i for i in there if cells[i].who[d] < group]
                for family in _families(cells, d, inside):
                    withheld = tuple(sorted(i for i in family if not cells[i].exact))
                    if len(withheld) > 1:
                        found.setdefault(withheld, Question("residual", withheld))
    return list(found.values())


def _families(cells: Sequence[Cell], d: int, inside: Sequence[int]) -> list[list[int]]:
    """Group the widest cells inside a group into families that do not overlap."""
    singles = [i for i in inside if len(cells[i].who[d]) == 1]
    broad = sorted((i for i in inside if len(cells[i].who[d]) > 1), key=lambda i: (-len(cells[i].who[d]), i))
    top = [i for i in broad if not any(cells[i].who[d] < cells[j].who[d] for j in broad)]
    if not top:
        return [singles]
    families = []
    waiting = list(top)
    while waiting:
        taken: frozenset[int] = frozenset()
        family = []
        for i in [*waiting, *top, *broad, *singles]:
            if i not in family and not cells[i].who[d] & taken:
                family.append(i)
                taken |= cells[i].who[d]
        families.append(family)
        waiting = [i for i in waiting if i not in family]
    return families


def _differences(
    cells: Sequence[Cell],
    number: Mapping[Who, int],
    wider: Sequence[Mapping[frozenset[int], Sequence[frozenset[int]]]],
    *,
    min_count: int,
    hide_zeros: bool,
) -> list[Question]:
    """Find nested populations that may differ by few people."""
    found = []
    floor = 0 if hide_zeros else 1
    for i, cell in enumerate(cells):
        if cell.truth_only:
            continue
        for who, apart in _around(cell.who, wider):
            j = number.get(who)
            if j is None or cells[j].truth_only:
                continue
            both = cell.exact and cells[j].exact
            if both and not floor <= cells[j].low - cell.low < min_count:
                continue
            if not both and (apart > 1 or cells[j].low - cell.high >= min_count):
                continue
            if apart == 1 and _is_cell(cell.who, who, number):
                continue  # a released cell, asked on its own
            found.append(Question("difference", (j,), (i,)))
    return found


def _around(
    who: Who, wider: Sequence[Mapping[frozenset[int], Sequence[frozenset[int]]]]
) -> list[tuple[Who, int]]:
    around: list[tuple[tuple[frozenset[int], ...], int]] = [((), 0)]
    for d, atoms in enumerate(who):
        choices = [(atoms, 0), *((w, 1) for w in wider[d].get(atoms, ()))]
        around = [((*start, choice), apart + step) for start, apart in around for choice, step in choices]
    return [(w, apart) for w, apart in around if apart]


def _is_cell(narrow: Who, wide: Who, number: Mapping[Who, int]) -> bool:
    d = next(i for i, (a, b) in enumerate(zip(narrow, wide, strict=True)) if a != b)
    rest = (*narrow[:d], wide[d] - narrow[d], *narrow[d + 1 :])
    return rest in number
