"""A made-up project with many releases, from a seed: clean, or with leaks planted across its releases.

Cohorts by districts by race by outcome, and cohorts by districts by outcome by sex beside it. One release is
about one cohort in one region: four tables, later with lines for the whole State and for all cohorts, so
that everything hangs together. Every small count is withheld with three large ones at the corners of a
rectangle, in the same group of outcomes: a pattern that is safe by itself, whatever else is shown.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np

from disclosure.engine.audit.findings import Finding, Report

GROUP: Final = 4
"""So many outcomes are a group."""

FAR_APART: Final = 8
"""More of each race in the second district: else one of two neighbours is told to be a few at least."""

SEXES: Final = 2
LEAKS: Final = ("shown later", "all but one district", "percentage", "all cohorts")
"""What is planted, and where the small count of a rectangle then follows from."""

Corner = tuple[int, int, int]  # cohort, district, outcome


@dataclass(frozen=True)
class Size:
    """How large a project is."""

    cohorts: int
    regions: int
    districts: int  # of each region
    outcomes: int
    races: int = 8

    @property
    def releases(self) -> int:
        """Return how many releases there are."""
        return self.cohorts * self.regions

    @property
    def inner_cells(self) -> int:
        """Return how many cells cross what the tables tell."""
        return self.cohorts * self.regions * self.districts * self.outcomes * (self.races + SEXES)

    @property
    def every_outcome(self) -> list[tuple[int, ...]]:
        """Return each outcome, their groups, and all of them."""
        each = [(o,) for o in range(self.outcomes)]
        groups = [tuple(range(o, o + GROUP)) for o in range(0, self.outcomes, GROUP)]
        return [*each, *groups, tuple(range(self.outcomes))]

    def group_of(self, outcome: int) -> tuple[int, ...]:
        """Return the group of an outcome."""
        start = outcome // GROUP * GROUP
        return tuple(range(start, start + GROUP))


FULL: Final = Size(cohorts=10, regions=5, districts=10, outcomes=20)
"""50 releases, 200 tables, 100,000 inner cells."""


@dataclass(frozen=True)
class Who:
    """People, as a line of a table names them."""

    cohorts: tuple[int, ...]
    districts: tuple[int, ...]
    outcomes: tuple[int, ...]
    race: int | None = None
    sex: int | None = None

    @property
    def corner(self) -> Corner | None:
        """Return the cell of cohort, district and outcome that this is, if it is one."""
        one = (self.cohorts, self.districts, self.outcomes)
        if any(len(each) > 1 for each in one) or self.race is not None or self.sex is not None:
            return None
        return self.cohorts[0], self.districts[0], self.outcomes[0]

    def codes(self, size: Size) -> list[str]:
        """Write it as codes: a group by its name, what has none as a union."""
        cohort = "Total" if len(self.cohorts) > 1 else f"c{self.cohorts[0]}"
        return [
            cohort,
            _code(self.districts, size.regions * size.districts, size.districts, "d", "R"),
            "Total" if self.race is None else f"race{self.race}",
            "Total" if self.sex is None else f"sex{self.sex}",
            _code(self.outcomes, size.outcomes, GROUP, "o", "G"),
        ]


def _code(members: tuple[int, ...], everybody: int, width: int, leaf: str, group: str) -> str:
    if len(members) == everybody:
        return "Total"
    if len(members) == width:
        return f"{group}{members[0] // width}"
    return "|".join(f"{leaf}{number:02}" for number in members)


@dataclass(frozen=True)
class Line:
    """One line of a table."""

    who: Who
    anyway: bool = False  # its count is shown, withheld or not
    percentage: bool = False  # among all outcomes, and no count


@dataclass(frozen=True)
class Rectangle:
    """Four withheld counts of a cohort: two districts of one region, two outcomes of one group."""

    cohort: int
    districts: tuple[int, int]
    outcomes: tuple[int, int]

    @property
    def corners(self) -> list[Corner]:
        """Return all four; the first is the small one."""
        return [(self.cohort, d, o) for d, o in itertools.product(self.districts, self.outcomes)]


class Project:
    """All people, what was withheld of them, and the files that went out."""

    def __init__(self, size: Size, seed: int) -> None:
        self.size = size
        rng = np.random.default_rng(seed)
        self.places = size.regions * size.districts
        self.rectangles = list(self._rectangles())
        self.people = rng.poisson(10.0, (size.cohorts, self.places, size.races, size.outcomes)) + 4
        for one in self.rectangles:
            small = np.bincount(rng.integers(0, size.races, int(rng.integers(0, 6))), minlength=size.races)
            self.people[one.cohort, one.districts[0], :, one.outcomes[0]] = small
            # The neighbours differ: else one is known to be more than a few, which is worth a warning.
            self.people[one.cohort, one.districts[1], :, one.outcomes[0]] += FAR_APART
        girls = rng.binomial(self.people.sum(axis=2), 0.5)
        self.sexes = np.stack([girls, self.people.sum(axis=2) - girls], axis=3)
        self.withheld = {corner for one in self.rectangles for corner in one.corners}

    def _rectangles(self) -> Iterator[Rectangle]:
        """Withhold in every release, and in each cohort of others."""
        size = self.size
        for cohort, region in itertools.product(range(size.cohorts), range(size.regions)):
            turn = 2 * cohort % size.outcomes
            first = region * size.districts + cohort % (size.districts - 1)
            yield Rectangle(cohort, (first, first + 1), (turn, turn + 1))

    @property
    def groups(self) -> dict[str, bytes]:
        """Return the hierarchies: regions of districts, groups of outcomes."""
        size = self.size
        regions = [f"R{d // size.districts},{_district(d)}" for d in range(self.places)]
        outcomes = [f"G{o // GROUP},{_outcome(o)}" for o in range(size.outcomes)]
        return {
            name: "\n".join(["parent,child", *lines, ""]).encode()
            for name, lines in (("district", regions), ("outcome", outcomes))
        }

    def count(self, who: Who) -> int:
        """Count people."""
        where = who.cohorts, who.districts
        if who.sex is not None:
            return int(self.sexes[np.ix_(*where, who.outcomes, [who.sex])].sum())
        races = range(self.size.races) if who.race is None else [who.race]
        return int(self.people[np.ix_(*where, races, who.outcomes)].sum())

    def ledger(self, planted: Sequence[Line] = ()) -> list[tuple[str, bytes]]:
        """Return all releases, with lines that are planted in the last one."""
        size, files = self.size, []
        for number, (cohort, region) in enumerate(
            itertools.product(range(size.cohorts), range(size.regions))
        ):
            whole = region == size.regions - 1
            for table, lines in enumerate(self._tables(cohort, region, whole=whole), start=1):
                files.append(self.file(f"r{number + 1:02} table {table}.csv", lines, f"release {number + 1}"))
        if planted:
            name, _ = files[-1]
            files[-1] = self.file(name, [*lines, *planted], f"release {number + 1}")
        return files

    def _tables(self, cohort: int, region: int, *, whole: bool) -> Iterator[list[Line]]:
        """Yield the four tables of one release; the last of a cohort tells of the whole State, too."""
        size = self.size
        districts = [*range(region * size.districts, (region + 1) * size.districts)]
        places = [*((d,) for d in districts), tuple(districts)]
        everywhere = tuple(range(self.places))
        outcomes = size.every_outcome
        yield [Line(Who((cohort,), place, o)) for place in places for o in outcomes]
        races = [None, *range(size.races)]
        every = tuple(range(size.outcomes))
        yield [Line(Who((cohort,), place, every, race=race)) for place in places for race in races]
        wide: list[tuple[tuple[int, ...], tuple[int, ...]]] = [((cohort,), tuple(districts))]
        if whole:
            wide.append(((cohort,), everywhere))
        if whole and cohort == size.cohorts - 1:
            wide.append((tuple(range(size.cohorts)), everywhere))
        yield [Line(Who(*w, o, race=race)) for w in wide for race in races for o in outcomes]
        yield [Line(Who(*w, o, sex=sex)) for w in wide for sex in (None, *range(SEXES)) for o in outcomes]

    def planted(self, leak: str, *, twin: bool) -> list[Line]:
        """Return the lines that give the small count of one rectangle away, or of its twin, that do not."""
        one = self.target(leak)
        (_, district, outcome), (_, _, beside) = one.corners[:2]
        group = self.size.group_of(outcome)
        cohort = (one.cohort,)
        said = group if twin else (outcome,)
        if leak == "shown later":
            return [Line(Who(cohort, (district,), group if twin else (beside,)), anyway=True)]
        if leak == "all but one district":
            gone = one.districts if twin else (district,)
            start = district // self.size.districts * self.size.districts
            rest = tuple(d for d in range(start, start + self.size.districts) if d not in gone)
            return [Line(Who(cohort, rest, (outcome,)), anyway=True)]
        if leak == "percentage":
            return [Line(Who(cohort, (district,), said), percentage=True)]
        return [Line(Who(tuple(range(self.size.cohorts)), (district,), said), anyway=True)]

    def target(self, leak: str) -> Rectangle:
        """Return the rectangle that a leak is about: each has its own release."""
        return self.rectangles[LEAKS.index(leak) * (self.size.releases // len(LEAKS))]

    def complaints(self, report: Report, leaks: Sequence[str]) -> list[str]:
        """Say what is wrong with a verdict, if these leaks were planted and nothing else leaks."""
        said = []
        planted = {leak: self.target(leak) for leak in leaks}
        for leak, one in planted.items():
            small = one.corners[0]
            exact = float(self.people[small[0], small[1], :, small[2]].sum())
            who = self._named(small)
            found = [f for f in report.leaks if [dict(codes) for codes in f.plus] == [who] and not f.minus]
            if not any(f.low == f.high == exact for f in found):
                said.append(f"missed: {leak}")
        inside = [self._named(corner) for one in planted.values() for corner in one.corners]
        said += [f"false alarm: {f.people}" for f in report.leaks if not _is_inside(f, inside)]
        return said

    def _named(self, corner: Corner) -> dict[str, str]:
        cohort, district, outcome = corner
        return {"cohort": f"c{cohort}", "district": _district(district), "outcome": _outcome(outcome)}

    def new_file(self, planted: Sequence[Line]) -> tuple[str, bytes]:
        """Return one file more: districts of the first region by sex and group of outcomes."""
        size = self.size
        groups = [group for group in size.every_outcome if len(group) > 1]
        lines = [
            Line(Who((0,), (d,), group, sex=sex))
            for d in range(size.districts) for sex in (None, *range(SEXES)) for group in groups
        ]  # fmt: skip
        return self.file("new.csv", [*lines, *planted], "new")

    def file(self, name: str, lines: Sequence[Line], release: str) -> tuple[str, bytes]:
        """Write one table."""
        size = self.size
        text = ["cohort,district,race,sex,outcome,released,pct,pct_of,release"]
        for line in lines:
            who = line.who
            number = self.count(who)
            hidden = not line.anyway and who.corner in self.withheld
            share = ""
            if line.percentage:
                base = self.count(Who(who.cohorts, who.districts, tuple(range(size.outcomes))))
                share = f"{100 * number / base:.2f}"
            text.append(
                ",".join(
                    [
                        *who.codes(size),
                        "" if hidden or line.percentage else str(number),
                        share,
                        "outcome" if share else "",
                        release,
                    ]
                )
            )
        return name, ("\n".join(text) + "\n").encode()


def _is_inside(finding: Finding, cells: Sequence[dict[str, str]]) -> bool:
    """Say whether a finding is about these cells or parts of them."""
    about = [dict(codes) for codes in (*finding.plus, *finding.minus)]
    return bool(about) and all(any(cell.items() <= codes.items() for cell in cells) for codes in about)


def _district(number: int) -> str:
    return f"d{number:02}"


def _outcome(number: int) -> str:
    return f"o{number:02}"
