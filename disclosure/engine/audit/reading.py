"""Read released tables for the audit. Shares no code with the side that protects them, on purpose."""

import csv
import io
import math
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction

from disclosure.engine.audit.rounding import Reach, reach_of
from disclosure.engine.errors import BadTable

EVERYBODY = "Total"
_NOT_DIMENSIONS = {"count", "released", "reason", "pct", "pct_of", "pct_n", "release"}
_NUMBER = r"[0-9]+(?:,[0-9]{3})*"
_DIGITS = 15  # a count with more digits is no count of people
_DECIMALS = 17  # of a percentage, as a program writes it in full; ...
_CLOSEST = Fraction(1, 2 * 10**9)  # ... it is heard to nine, as finer ones are lost in sums of fractions
_LEVELS = 200  # of a hierarchy
# What the reviewer's file (true count, released, reason) says of a percentage that the public file has blank.
_BLANK_IN_PUBLIC = re.compile(r"percentage .+")


@dataclass(frozen=True)
class Share:
    """A printed percentage: somewhere between low and high, of a wider population."""

    low: Fraction
    high: Fraction
    text: str


@dataclass(frozen=True)
class Line:
    """One released line: who is meant, what was printed, and the truth where the file carries it."""

    file: str
    number: int
    people: Mapping[str, str]
    counted: bool  # the table has a column for counts; a blank there is a withheld count
    printed: tuple[int, float] | None  # from, to
    hidden: bool  # the count is left blank, or marked as small
    share: Share | None
    share_base: int | None  # pct_n: a count of the wider population, with a percentage or without
    share_of: frozenset[str]  # dimensions of which the wider population has everybody
    share_withheld: bool  # the reviewer's file says so; the public file must have it blank
    truth: int | None
    release: str
    ours: bool = True  # else it was public before, and not through us

    @property
    def place(self) -> str:
        """Say where the line stands."""
        where = f"{self.file}, line {self.number}"
        return f"{where}, release {self.release}" if self.release else where


def rows_of(name: str, content: bytes) -> list[list[str]]:
    """Cut the bytes of a CSV into rows.

    :raises BadTable: if they are no text, or no CSV
    """
    try:
        text = content.decode("utf-8-sig")
    except UnicodeDecodeError:
        raise BadTable(f"{name}: not UTF-8 text. Save the table as CSV UTF-8.") from None
    try:
        return list(csv.reader(io.StringIO(text, newline=""), strict=True))
    except csv.Error as error:
        raise BadTable(f"{name}: not a CSV ({error}). Check the quotation marks.") from None


def read(name: str, content: bytes, *, ours: bool = True, wide: bool = False) -> list[Line]:
    """Read the bytes of one released table; `wide` takes rounded counts at their widest.

    :raises BadTable: naming file, line and remedy
    """
    table = rows_of(name, content)
    if not table:
        raise BadTable(f"{name}: the file is empty.")
    header = [h.strip() for h in table[0]]
    _refuse_header(name, header)
    rows = []
    for number, row in enumerate(table[1:], start=2):
        if any(value.strip() for value in row):
            if len(row) != len(header):
                raise BadTable(f"{name}, line {number}: expected {len(header)} values, found {len(row)}.")
            rows.append((number, dict(zip(header, (v.strip() for v in row), strict=True))))
    if not rows:
        raise BadTable(f"{name}: no lines below the header.")
    if set(header) <= _NOT_DIMENSIONS:
        _expect_one_number(name, header, [row for _, row in rows])
    reach = reach_of([row.get("released", "") for _, row in rows])
    return [_line(name, number, row, reach, ours=ours, wide=wide) for number, row in rows]


def _expect_one_number(name: str, header: Sequence[str], rows: Sequence[Mapping[str, str]]) -> None:
    """Make sure that a table without dimensions tells one number: that of everybody."""
    numbers = {text for row in rows for text in (row.get("count"), row.get("released")) if text}
    if {"pct", "pct_n"} & set(header) or len({each for each in numbers if each.isdecimal()}) > 1:
        raise BadTable(
            f"{name}: no column says whom the numbers count; there is only {', '.join(header)}. Add one for "
            f"each thing that tells the lines apart, such as school, and write {EVERYBODY} in it for all."
        )


def _refuse_header(name: str, header: Sequence[str]) -> None:
    if not any(header):
        raise BadTable(f"{name}: the file is empty, or its first line is.")
    if len(set(header)) < len(header) or "" in header:
        raise BadTable(f"{name}: two columns share a name, or one has none.")
    if not {"released", "count", "pct"} & set(header):
        raise BadTable(
            f"{name}: needs a column released (or count, or pct). The columns are {', '.join(header)}."
        )
    for column in header:
        if column not in _NOT_DIMENSIONS and column.casefold() in _NOT_DIMENSIONS:
            raise BadTable(f"{name}: the column “{column}” must be written {column.casefold()}.")


def _line(name: str, number: int, row: dict[str, str], reach: Reach, *, ours: bool, wide: bool) -> Line:
    place = f"{name}, line {number}"
    people = {key: value for key, value in row.items() if key not in _NOT_DIMENSIONS}
    if empty := [key for key, value in people.items() if not value]:
        raise BadTable(f"{place}: no code for {empty[0]}. Write {EVERYBODY} for all.")
    for key, value in people.items():
        if value != EVERYBODY and value.casefold() == EVERYBODY.casefold():
            raise BadTable(f"{place}: “{value}” for {key} must be written {EVERYBODY}.")
    truth = _integer(place, "count", row.get("count", ""))
    text = row.get("released", "")
    if "released" not in row and truth is not None:
        text = str(truth)  # a table of plain counts shows them
    share, base = _share(place, row), _integer(place, "pct_n", row.get("pct_n", ""))
    reviewers = {"count", "released", "reason"} <= set(row)
    reasons = [part.strip() for part in row.get("reason", "").split(";")]
    withheld = share is not None and reviewers and any(_BLANK_IN_PUBLIC.fullmatch(r) for r in reasons)
    if share is None and reviewers:
        base = None  # the public file has no pct_n without its percentage
    told = share is not None or base is not None
    return Line(
        file=name,
        number=number,
        people=people,
        counted="released" in row or "count" in row,
        printed=_printed(place, text, reach.wide if wide else reach.narrow),
        hidden=("released" in row or "count" in row) and (not text or text.startswith("<")),
        share=share,
        share_base=base,
        share_of=_of(place, row, people) if told else frozenset(),
        share_withheld=withheld,
        truth=truth,
        release=row.get("release", ""),
        ours=ours,
    )


def _whole(place: str, text: str) -> int:
    digits = text.replace(",", "")
    if len(digits) > _DIGITS:
        raise BadTable(f"{place}: a number of {len(digits)} digits counts no people.")
    return int(digits)


def _integer(place: str, column: str, text: str) -> int | None:
    if not text:
        return None
    if not re.fullmatch(_NUMBER, text):
        raise BadTable(f"{place}: {column} must be a whole number of 0 or more.")
    return _whole(place, text)


def _printed(place: str, text: str, reach: int) -> tuple[int, float] | None:
    if not text:
        return None
    if re.fullmatch(_NUMBER, text):
        exact = _whole(place, text)
        return exact, exact
    if match := re.fullmatch(r"<\s*([1-9][0-9]*)", text):
        return 0, _whole(place, match.group(1)) - 1
    if match := re.fullmatch(r"([0-9]+)\s*[-–]\s*([0-9]+)", text):
        low, high = _whole(place, match.group(1)), _whole(place, match.group(2))
        if low <= high:
            return low, high
    if match := re.fullmatch(r">\s*([0-9]+)", text):
        return _whole(place, match.group(1)) + 1, math.inf
    if match := re.fullmatch(r"~\s*([0-9]+)", text):
        middle = _whole(place, match.group(1))
        return max(middle - reach, 0), middle + reach
    raise BadTable(f"{place}: released is neither blank, nor a number, <6, 5-9, >11 or ~15.")


def _of(place: str, row: dict[str, str], people: Mapping[str, str]) -> frozenset[str]:
    of = frozenset(part.strip() for part in row.get("pct_of", "").split(";")) - {""}
    if not of:
        raise BadTable(
            f"{place}: pct or pct_n without pct_of. Name the dimensions that are Total in its base."
        )
    if strange := sorted(of - set(people)):
        raise BadTable(f"{place}: pct_of names {strange[0]}, which the table does not have.")
    return of


def _share(place: str, row: dict[str, str]) -> Share | None:
    text = row.get("pct", "").removesuffix("%").strip()
    if not text:
        return None
    if not re.fullmatch(r"[0-9]{1,9}(\.[0-9]+)?", text) or Fraction(text) > 100:
        raise BadTable(f"{place}: pct must be a number from 0 to 100, in digits and with a decimal point.")
    digits = len(text.partition(".")[2])
    if digits > _DECIMALS:
        raise BadTable(f"{place}: pct has {digits} decimals. Round it to {_DECIMALS} or fewer.")
    half = max(Fraction(1, 2 * 10**digits), _CLOSEST)
    value = Fraction(text)
    return Share(value - half, value + half, text)


def read_groups(dimension: str, content: bytes) -> dict[str, set[str]]:
    """Read a hierarchy: for every code, its leaves.

    :raises BadTable: if a line is incomplete or a group lies below itself
    """
    rows = rows_of(f"Hierarchy of {dimension}", content)
    if not rows or [v.strip().casefold() for v in rows[0]] != ["parent", "child"]:
        raise BadTable(f"Hierarchy of {dimension}: the header must be parent,child.")
    below = _children(dimension, rows[1:])
    if _circle(dimension, below):
        raise BadTable(f"Hierarchy of {dimension}: a group lies below itself.")
    names = set(below).union(*below.values())
    leaves: dict[str, set[str]] = {n: set() if n in below else {n} for n in names}
    waiting = {n: set(kids) for n, kids in below.items()}
    while waiting:  # from the leaves upwards
        ready = [n for n, kids in waiting.items() if not kids & set(waiting)]
        for n in ready:
            leaves[n] = set().union(*(leaves[k] for k in below[n]))
        for n in ready:
            del waiting[n]
    leaves.pop(EVERYBODY, None)
    return leaves


def _children(dimension: str, rows: list[list[str]]) -> dict[str, set[str]]:
    below: dict[str, set[str]] = {}
    for number, row in enumerate(rows, start=2):
        values = [v.strip() for v in row]
        if not any(values):
            continue
        if len(values) != 2 or "" in values or values[1] == EVERYBODY:
            raise BadTable(f"Hierarchy of {dimension}, line {number}: give a parent and a child below Total.")
        below.setdefault(values[0], set()).add(values[1])
    return below


def _circle(dimension: str, below: Mapping[str, set[str]]) -> bool:
    waiting = {parent: set(kids) & set(below) for parent, kids in below.items()}
    levels = 0
    while free := [parent for parent, kids in waiting.items() if not kids]:
        levels += 1
        if levels > _LEVELS:
            raise BadTable(f"Hierarchy of {dimension}: more than {_LEVELS} levels of groups.")
        for parent in free:
            del waiting[parent]
        for kids in waiting.values():
            kids.difference_update(free)
    return bool(waiting)
