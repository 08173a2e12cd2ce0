"""Why a cell is withheld that is not small itself: its lines, and what they would give away."""

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

TOTAL: Final = "Total"
_TOLD: Final = 6  # terms of a sum written one by one

Row = Mapping[str, Any]
Children = Mapping[str, Mapping[str, Sequence[str]]]


@dataclass(frozen=True)
class Line:
    """A whole and its parts along one dimension, by the numbers of their rows."""

    dimension: str
    whole: int
    parts: tuple[int, ...]


class Lines:
    """The lines of one table that add up."""

    def __init__(self, table: Mapping[str, Any], children: Children, *, min_count: int) -> None:
        """Note how they run: by a dimension's hierarchy, or else as all codes below Total."""
        self.rows: Sequence[Row] = table["rows"]
        self.dimensions: Sequence[str] = table["dimensions"]
        self.min_count = min_count
        self._kin = [_below(children.get(dimension)) for dimension in self.dimensions]
        self._along: dict[int, dict[tuple[str, ...], dict[str, int]]] = {}
        self._of: dict[int, list[Line]] = {}

    def of(self, number: int) -> list[Line]:
        """Return the lines a cell stands in; found when they are asked for, as few cells of a table are."""
        if number not in self._of:
            self._of[number] = [line for d in range(len(self.dimensions)) for line in self._lines(d, number)]
        return self._of[number]

    def _lines(self, d: int, number: int) -> Iterator[Line]:
        codes = self.rows[number]["codes"]
        there = self._beside(d)[(*codes[:d], *codes[d + 1 :])]
        kin = self._kin[d] or {TOTAL: [code for code in there if code != TOTAL]}
        for parent, kids in kin.items():
            if parent in there and len(kids) > 1 and all(kid in there for kid in kids):
                line = Line(self.dimensions[d], there[parent], tuple(there[kid] for kid in kids))
                if number == line.whole or number in line.parts:
                    yield line

    def _beside(self, d: int) -> dict[tuple[str, ...], dict[str, int]]:
        """Return the rows by all codes but this dimension's, and then by that."""
        if d not in self._along:
            beside: dict[tuple[str, ...], dict[str, int]] = defaultdict(dict)
            for number, row in enumerate(self.rows):
                codes = row["codes"]
                beside[(*codes[:d], *codes[d + 1 :])][codes[d]] = number
            self._along[d] = beside
        return self._along[d]

    def is_residual(self, number: int) -> bool:
        """Say whether a withheld cell only keeps a small sum of other withheld cells from being known."""
        sums = [self._needs(line, number) for line in self.of(number)]
        return "residual" in sums and "single" not in sums

    def _needs(self, line: Line, number: int) -> str:
        """Say what the line would give away if the cell were shown: a small cell, a small sum, or neither."""
        others = self._hidden(line, number)
        if len(others) == 1 and _is_small(self.rows[others[0]]):
            return "single"
        told = sum(self.rows[each]["count"] or 0 for each in others)
        if len(others) > 1 and line.whole not in others and 1 <= told < self.min_count:
            return "residual"
        return ""

    def _hidden(self, line: Line, number: int) -> list[int]:
        return [each for each in (line.whole, *line.parts) if each != number and not self.rows[each]["shown"]]

    def why(self, number: int) -> list[str]:
        """Say in sentences for whose sake a cell is withheld."""
        said: list[str] = []
        near: dict[int, bool] = {}
        for line in self.of(number):
            others = self._hidden(line, number)
            match self._needs(line, number):
                case "single":
                    said.append(
                        f"If it were shown, {self.name(others[0])} could be worked out along"
                        f" {line.dimension}: {self._sum(line, others[0])}."
                    )
                case "residual":
                    names = " and ".join(self.name(each) for each in others)
                    told = sum(self.rows[each]["count"] or 0 for each in others)
                    said.append(
                        f"If it were shown, {names} would be known to be {told} together, along"
                        f" {line.dimension}."
                    )
                case _:
                    near |= {each: True for each in others if _is_small(self.rows[each])}
        if said:
            return said
        if near:
            names = "; ".join(self.name(each) for each in list(near)[:_TOLD])
            return [f"No line alone needs it. With others it covers the small cells in its lines: {names}."]
        return [
            "No small cell stands in its lines. It covers other withheld cells, so that small ones further"
            " off cannot be worked out step by step."
        ]

    def name(self, number: int) -> str:
        """Name a cell by its codes, Total left out."""
        codes = zip(self.dimensions, self.rows[number]["codes"], strict=True)
        return ", ".join(code for _, code in codes if code != TOTAL) or "everybody"

    def _sum(self, line: Line, goal: int) -> str:
        """Write how a cell follows from the others of its line."""
        counts = {each: self.rows[each]["count"] or 0 for each in (line.whole, *line.parts)}
        others = [each for each in line.parts if each != goal]
        if goal == line.whole:
            terms, sign = [counts[each] for each in others], " + "
        else:
            terms, sign = [counts[line.whole], *(counts[each] for each in others)], " − "
        if len(terms) > _TOLD:
            rest = f"(the {len(terms) - 1} others, {sum(terms[1:])} together)"
            return f"{terms[0]}{sign}{rest} = {counts[goal]}"
        return f"{sign.join(map(str, terms))} = {counts[goal]}"


def _below(known: Mapping[str, Sequence[str]] | None) -> dict[str, list[str]]:
    """Return each group of a hierarchy with what it consists of; Total with whatever lies below no other."""
    if not known:
        return {}
    kin = {parent: list(kids) for parent, kids in known.items()}
    if TOTAL not in kin:
        inside = {kid for kids in kin.values() for kid in kids}
        kin[TOTAL] = [parent for parent in kin if parent not in inside]
    return kin


def _is_small(row: Row) -> bool:
    return not row["shown"] and not row["reason"].startswith("complementary")


def averted_by(said: Mapping[str, Any], table: str, line: int) -> list[dict[str, Any]]:
    """Return what withholding a cell keeps from being worked out about other people."""
    place = f"{table} (to be released), line {line})"
    return [each for each in said.get("averted", []) if place in each["derivation"]]
