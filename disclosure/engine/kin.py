"""How the groups of people stand to each other that outputs count, and the cells of their Venn diagram.

What was said of the names (this one is part of that one, nobody is in both) leaves certain cells of their
Venn diagram. Each group of people is the cells inside it, so that whatever follows from two groups together
is found as it is for overlapping codes of one table. Where nothing was said, every overlap is allowed:
then nothing follows, and nothing is assumed.
"""

import csv
import io
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final

from disclosure.engine.errors import BadTable
from disclosure.engine.longform import reads_like_a_total, write

SAME, PART, WHOLE, APART = "same", "part", "whole", "apart"
UNKNOWN, TOO_MANY = "unknown", "too many"
MOST_CELLS: Final = 64  # of the diagram: beyond, the groups furthest from the output's own are left out
_LONGEST: Final = 160  # characters that say whom a cell holds
HEADER: Final = ("name", "stands", "other")

Said = tuple[str, str, str]  # one name, how it stands to the other, the other
Group = tuple[str, str]  # a population in a period


def read_said(text: str) -> list[Said]:
    """Read what was said of names.

    :raises BadTable: if a line says nothing that is known
    """
    lines = [line for line in csv.reader(io.StringIO(text.lstrip("\ufeff"), newline="")) if any(line)]
    if not lines or tuple(lines[0]) != HEADER or any(len(line) != len(HEADER) for line in lines):
        raise BadTable(f"The columns are {', '.join(HEADER)}.")
    said: list[Said] = []
    for one, how, other in lines[1:]:
        if how not in (SAME, PART, WHOLE, APART, UNKNOWN) or not one.strip() or not other.strip():
            raise BadTable(f"“{one}, {how}, {other}” says nothing of two names.")
        said.append((one, how, other))
    return said


def written(said: Iterable[Said]) -> bytes:
    """Write what was said of names."""
    return write(HEADER, said)


class Kin:
    """How names stand to each other: as it was said, and as it follows."""

    def __init__(self, said: Iterable[Said]) -> None:
        """Draw the conclusions.

        :raises BadTable: if what was said cannot all be true
        """
        told = sorted(set(said))
        names = sorted({name for one, _, other in told for name in (one, other)})
        self._wider: dict[str, set[str]] = {name: {name} for name in names}
        for one, how, other in told:
            if how in (SAME, PART):
                self._wider[one].add(other)
            if how in (SAME, WHOLE):
                self._wider[other].add(one)
        for middle in names:
            for name in names:
                if middle in self._wider[name]:
                    self._wider[name] |= self._wider[middle]
        self._apart = {(a, b) for one, how, other in told if how == APART for a, b in _both(one, other)}
        for one, other in sorted(self._apart):
            for name in names:
                if self.is_within(name, one) and self.is_within(name, other):
                    raise BadTable(
                        f"Not all of this can be true: nobody is in both “{one}” and “{other}”, and yet"
                        f" everybody in “{name}” would be in both."
                    )

    def is_within(self, one: str, other: str) -> bool:
        """Say whether everybody in the one is in the other."""
        return one == other or other in self._wider.get(one, ())

    def is_apart(self, one: str, other: str) -> bool:
        """Say whether nobody is in both."""
        wider = self._wider.get(one, {one}), self._wider.get(other, {other})
        return any((a, b) in self._apart for a in wider[0] for b in wider[1])

    def stands(self, one: str, other: str) -> str:
        """Say in a word how the one stands to the other."""
        inside, around = self.is_within(one, other), self.is_within(other, one)
        if inside or around:
            return SAME if inside and around else PART if inside else WHOLE
        return APART if self.is_apart(one, other) else UNKNOWN


def _both(one: str, other: str) -> tuple[tuple[str, str], tuple[str, str]]:
    return (one, other), (other, one)


@dataclass(frozen=True)
class Circle:
    """How the groups of people stand to each other that a project's outputs count.

    A group is part of another if its population and its period both are: of a population that moves from one
    period to the next, nothing else is sure. Nobody is in both of two groups if that was said of their
    populations, or of their periods.
    """

    populations: Kin
    periods: Kin

    def stands(self, one: Group, other: Group) -> str:
        """Say in a word how the one stands to the other."""
        said = {self.populations.stands(one[0], other[0]), self.periods.stands(one[1], other[1])}
        if said == {SAME}:
            return SAME
        if APART in said:
            return APART
        if said <= {SAME, PART}:
            return PART
        return WHOLE if said <= {SAME, WHOLE} else UNKNOWN


@dataclass(frozen=True)
class Held:
    """Groups of people that are held together: the code of each, and the cells that it stands for."""

    own: Group
    codes: Mapping[Group, str]
    cells: Mapping[str, tuple[str, ...]]
    left_out: Mapping[Group, str] = field(default_factory=dict)  # and why

    @property
    def is_of_one(self) -> bool:
        """Say whether all of them are the same people: then no dimension is needed."""
        return len(self.cells) == 1


def hold_together(own: Group, others: Sequence[Group], circle: Circle) -> Held:
    """Put together the groups that can tell something about each other, the nearest to the own first."""
    kept, left_out = [own], dict[Group, str]()
    same: dict[Group, Group] = {own: own}
    waiting = sorted(set(others) - {own})
    while near := [(w, k) for w in waiting for k in kept if circle.stands(w, k) in (SAME, PART, WHOLE)]:
        group = min(near, key=lambda pair: (circle.stands(*pair) != SAME, kept.index(pair[1]), pair[0]))[0]
        waiting.remove(group)
        twin = next((each for each in kept if circle.stands(group, each) == SAME), None)
        if twin is not None:
            same[group] = twin
        elif _diagram([*kept, group], circle) is None:
            left_out[group] = TOO_MANY
        else:
            kept.append(group)
            same[group] = group
    left_out |= {group: APART if circle.stands(own, group) == APART else UNKNOWN for group in waiting}
    codes = _codes(kept)
    cells: dict[str, list[str]] = {codes[group]: [] for group in kept}
    for number, inside in enumerate(_diagram(kept, circle) or [], start=1):
        words = _words(inside, kept, codes, circle)
        words = words if len(words) <= _LONGEST else f"{words[:_LONGEST]}… ({number})"
        for group in inside:
            cells[codes[group]].append(words)
    return Held(
        own,
        {group: codes[twin] for group, twin in same.items()},
        {code: tuple(inside) for code, inside in cells.items()},
        left_out,
    )


def _diagram(groups: Sequence[Group], circle: Circle) -> list[frozenset[Group]] | None:
    """Return which groups each cell of the Venn diagram lies in; None if there are too many cells."""
    cells: list[frozenset[Group]] = [frozenset()]
    for number, group in enumerate(groups):
        how = {each: circle.stands(group, each) for each in groups[:number]}
        wider = {each for each, word in how.items() if word == PART}
        inside = {each for each, word in how.items() if word == WHOLE}
        apart = {each for each, word in how.items() if word == APART}
        grown = [cell for cell in cells if not cell & inside]
        grown += [cell | {group} for cell in cells if wider <= cell and not cell & apart]
        if len(grown) > MOST_CELLS + 1:
            return None
        cells = grown
    return sorted(filter(None, cells), key=lambda cell: (len(cell), sorted(cell)))


def _codes(groups: Sequence[Group]) -> dict[Group, str]:
    """Name each group by what tells it from the others, as a code of a table can be written."""
    periods = {period for _, period in groups}
    populations = {population for population, _ in groups}
    codes: dict[Group, str] = {}
    for group in groups:
        told = group[0] if len(periods) == 1 else group[1] if len(populations) == 1 else ", ".join(group)
        code = " ".join(told.replace("|", "/").split()) or "No name"
        if reads_like_a_total(code):
            code = f"“{code}”"
        while code in codes.values():
            code += " (another)"
        codes[group] = code
    return codes


def _words(
    inside: frozenset[Group], groups: Sequence[Group], codes: Mapping[Group, str], circle: Circle
) -> str:
    """Say whom a cell of the diagram holds."""

    def narrowest(some: Iterable[Group]) -> list[str]:
        rest = list(some)
        return [codes[g] for g in rest if not any(circle.stands(o, g) == PART for o in rest)]

    def widest(some: Iterable[Group]) -> list[str]:
        rest = list(some)
        return [codes[g] for g in rest if not any(circle.stands(o, g) == WHOLE for o in rest)]

    out = [g for g in groups if g not in inside and all(circle.stands(g, i) != APART for i in inside)]
    told = " and in ".join(narrowest([g for g in groups if g in inside]))
    return f"those in {told}, not in {', nor in '.join(widest(out))}" if out else f"those in {told}"
