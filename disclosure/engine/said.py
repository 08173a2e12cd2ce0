"""Numbers of people in a text: those that somebody confirmed are facts like those of any released table.

A fact says which cell a number of the text is about. What is confirmed is audited together with the file's
own tables, and released as a table of its own, so that later releases are held against it. The number
itself stands in no list of what was confirmed: it is read from the file.
"""

import csv
import io
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Final

from disclosure.engine.codes import TOTAL
from disclosure.engine.documents.content import Passage
from disclosure.engine.documents.numbers import Finding
from disclosure.engine.documents.telling import Told, find_bounds, find_counts
from disclosure.engine.errors import BadTable
from disclosure.engine.longform import Table, write
from disclosure.engine.policy import CellPolicy

HEADER: Final = ("number", "dimension", "code")
OF: Final = "of"  # in the place of a code: the percentage is of all in this dimension
UNCONFIRMED: Final = "said"
THE_TEXT: Final = "the text"
MOST: Final = 200
_LONGEST: Final = 90  # characters of a sentence that a release repeats
File = tuple[str, bytes]


@dataclass(frozen=True)
class Said:
    """A number of people in a text."""

    place: str
    quote: str
    number: str
    is_share: bool
    bound: str = ""  # the counts that are meant, if not that number, as a column `released` tells them
    is_open: bool = False  # its words leave open how much they tell: people rule on it
    is_mark: bool = False  # “fewer than 6”: it tells no more than the mark of a small count

    @property
    def in_words(self) -> str:
        """Return what it tells, as people read it."""
        if self.is_open:
            return "A share that its words leave open"
        if not self.bound:
            return f"{self.number} %" if self.is_share else self.number
        low, high = self.counts()
        if high is None:
            return f"{low} or more"
        if low == high:
            return str(low)
        return f"{low} to {high}" if low else f"{high} or fewer"

    def counts(self) -> tuple[int, int | None]:
        """Return the counts that a bound allows."""
        if self.bound.startswith(">"):
            return int(self.bound[1:]) + 1, None
        low, _, high = self.bound.partition("-")
        return int(low), int(high or low)

    @property
    def told(self) -> str:
        """Return where it stands, with the words around it."""
        return f"{self.place}: “{self.quote[:_LONGEST]}”"


@dataclass(frozen=True)
class Fact:
    """What somebody confirmed: which cell a number is about."""

    codes: Mapping[str, str]
    of: tuple[str, ...] = ()


def said_in(passages: Iterable[Passage], policy: CellPolicy | None = None) -> list[Said]:
    """Return the numbers of people in a text, in its order; a passage that is read twice counts once.

    Bounds and shares in words stand behind all others, so that these keep their places. Which of them is the
    mark of a small count, the policy says.
    """
    read = [passage for passage in passages if not passage.again]
    found = [_said(passage, told) for passage in read for told in find_counts(passage.text)]
    found += [_said(passage, told) for passage in read for told in find_bounds(passage.text)]
    found = list(dict.fromkeys(found))
    mark = f"0-{policy.min_count - 1}" if policy else ""
    return [replace(each, is_mark=bool(mark) and each.bound == mark) for each in found]


def _said(passage: Passage, told: Told) -> Said:
    return Said(passage.place, told.quote, told.number, told.is_share, told.bound, told.is_open)


def read_facts(text: str) -> dict[int, Fact]:
    """Read what was confirmed of the numbers of a text, by their place in its order.

    :raises BadTable: if a line is none, or says two things of one number
    """
    lines = [line for line in csv.reader(io.StringIO(text.lstrip("\ufeff"), newline="")) if any(line)]
    if not lines or tuple(lines[0]) != HEADER or any(len(line) != len(HEADER) for line in lines):
        raise BadTable(f"The columns are {', '.join(HEADER)}.")
    codes: dict[int, dict[str, str]] = {}
    of: dict[int, list[str]] = {}
    for number, dim, code in lines[1:]:
        if not number.isdecimal() or not 1 <= int(number) <= MOST or (dim == "") != (code == ""):
            raise BadTable(f"“{number}, {dim}” cannot be said of a number.")
        there = codes.setdefault(int(number), {})
        if code == OF and dim in there:
            of.setdefault(int(number), []).append(dim)
        elif dim in there:
            raise BadTable(f"“{dim}” is said twice of number {number}.")
        elif dim:
            there[dim] = code
    return {number: Fact(there, tuple(of.get(number, ()))) for number, there in codes.items()}


def written(lines: Iterable[Sequence[str]]) -> bytes:
    """Write what was confirmed."""
    return write(HEADER, lines)


def unconfirmed(said: Sequence[Said], facts: Mapping[int, Fact]) -> list[Finding]:
    """Return the numbers of a text that nobody confirmed; the mark of a small count needs nobody."""
    return [
        Finding(each.place, each.quote, UNCONFIRMED)
        for number, each in enumerate(said, start=1)
        if number not in facts and not each.is_mark
    ]


def tables_of(said: Sequence[Said], facts: Mapping[int, Fact], tables: Sequence[Table]) -> list[File]:
    """Return what was confirmed as released tables: of counts, and of percentages.

    :raises BadTable: if something else was confirmed than the file holds now
    """
    known: dict[str, set[str]] = {}
    for table in tables:
        for dim in table.dimensions:
            known.setdefault(dim, {TOTAL}).update(row.codes[dim] for row in table.rows)
    counts, shares = [], []
    for number, fact in sorted(facts.items()):
        strange = [dim for dim, code in fact.codes.items() if code not in known.get(dim, ())]
        fits = number <= len(said) and not said[number - 1].is_open
        if not fits or strange or said[number - 1].is_share != bool(fact.of):
            raise BadTable(
                f"What was said of number {number} of the text does not fit the tables any more. Say it anew."
            )
        each = said[number - 1]
        codes = [fact.codes.get(dim, TOTAL) for dim in known]
        if each.is_share:
            shares.append([*codes, each.number, ";".join(fact.of), each.told])
        else:
            counts.append([*codes, each.bound or each.number, each.told])
    told = [
        (THE_TEXT, write([*known, "released", "release"], counts)) if counts else None,
        (f"{THE_TEXT}, percentages", write([*known, "pct", "pct_of", "release"], shares)) if shares else None,
    ]
    return [file for file in told if file]


def proposals(each: Said, tables: Sequence[Table]) -> Mapping[str, str]:
    """Return the cell that a number most likely is about: one of its size whose categories are near it."""
    if each.is_share or each.is_open:
        return {}
    near = each.quote.casefold()
    fits: list[tuple[int, Mapping[str, str]]] = []
    for table in tables:
        for row in table.rows:
            named = {code.casefold() for code in row.codes.values() if code != TOTAL}
            if _is_size(each, row.count, named) and all(code in near for code in named):
                fits.append((len(named), row.codes))
    return max(fits, key=lambda fit: fit[0])[1] if fits else {}


def _is_size(each: Said, count: int | None, named: Collection[str]) -> bool:
    """Say whether a count is the one told; of those that a bound allows, only such as the words name."""
    if count is None or not each.bound:
        return str(count) == each.number
    low, high = each.counts()
    return bool(named) and low <= count and (high is None or count <= high)


def as_json(said: Sequence[Said], facts: Mapping[int, Fact], tables: Sequence[Table]) -> list[dict[str, Any]]:
    """Return what people read of it, in JSON's own types."""
    return [
        {
            "number": number,
            "place": each.place,
            "quote": each.quote,
            "says": each.number,
            "is_share": each.is_share,
            "told": each.in_words,
            "is_open": each.is_open,
            "codes": dict(facts[number].codes) if number in facts else None,
            "of": list(facts[number].of) if number in facts else [],
            "proposed": dict(proposals(each, tables)),
        }
        for number, each in enumerate(said[:MOST], start=1)
        if number in facts or not each.is_mark
    ]
