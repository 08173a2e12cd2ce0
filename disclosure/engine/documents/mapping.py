"""Turn what was read of a document into tables for the checker, and findings for people.

What cannot be mapped with certainty is a hurdle; it is never passed over.
"""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from itertools import groupby, pairwise
from typing import Any

from disclosure.engine.byhand import ByHand, signature, table_by_hand
from disclosure.engine.documents.content import PDF, PPTX, Document, Passage
from disclosure.engine.documents.numbers import SMALL, Finding, find_small
from disclosure.engine.errors import BadTable
from disclosure.engine.longform import Table, whole_number
from disclosure.engine.policy import CellPolicy
from disclosure.engine.reading import Grid, table_of
from disclosure.engine.said import Said, said_in

_LIKE_A_COUNT = re.compile(r"[~<≤>≥(\[]*\s*\d[\d,. ]*\s*%?[^\w]*(?:\^?\w{1,3})?(?:\s*[(\[].{0,20}[)\]])?\W*")
_WHOLE_NUMBER = re.compile(r"(?<![\d.,])(?:\d{1,3}(?:,\d{3})+|\d+)(?![\d]|[.,]\d)")
_CROWDED = re.compile(r"(?:^|\s)\d[\d,]*\s+\d[\d,]*(?:\s|$)")
_SENTENCE = 8  # words
_YEARS = range(1900, 2101)
_SEAM = 12  # words on either side of the end of a page
_LONGEST_COUNT = 40  # characters, with what stands around it
_MOST_TABLES = 200
_MOST_TEXT = 600_000  # characters
_MOST_FINDINGS = 500


@dataclass
class Mapped:
    """What a document holds: tables for the checker, and what stops it."""

    tables: list[Table] = field(default_factory=list)
    hurdles: list[str] = field(default_factory=list)
    findings: list[Finding] = field(default_factory=list)
    for_eyes: list[str] = field(default_factory=list)
    said: list[Said] = field(default_factory=list)  # numbers of people in the text
    to_rule: list[Finding] = field(default_factory=list)  # what was said of it by hand and may hide numbers

    @property
    def numbers_said(self) -> int:
        """Return how many numbers of people its text tells, without the mark of small counts."""
        return sum(not each.is_mark for each in self.said)

    def take(self, table: Table | None, to_rule: list[Finding]) -> None:
        """Take in what was read by hand."""
        self.tables += [table] if table else []
        self.to_rule += to_rule

    def as_json(self) -> dict[str, Any]:
        """Return what people read of it, in JSON's own types."""
        return {
            "hurdles": self.hurdles,
            "findings": [finding.as_json() for finding in self.findings[:_MOST_FINDINGS]],
            "for_eyes": self.for_eyes,
            "to_rule": [finding.as_json() for finding in self.to_rule[:_MOST_FINDINGS]],
        }


def mapped(
    name: str, document: Document, policy: CellPolicy, by_hand: Mapping[str, ByHand] | None = None
) -> Mapped:
    """Map each table of a document, by hand where that was said, and look through its text."""
    found = Mapped(hurdles=[f"{name}: {hurdle}" for hurdle in document.hurdles], for_eyes=document.for_eyes)
    if len(document.grids) > _MOST_TABLES:
        found.hurdles.append(f"{name}: more than {_MOST_TABLES} tables. Send a part at a time.")
        return found
    if sum(map(len, _all_text(document))) > _MOST_TEXT:
        found.hurdles.append(f"{name}: more text than is read at once. Send a part at a time.")
        return found
    for place, grid in document.grids:
        _map(f"{name}, {place}", grid, found, policy, (by_hand or {}).get(signature(grid)))
    for passage in (p for p in document.passages if not p.again):
        found.findings += find_small(passage.place, passage.text, policy)
    if document.kind in (PDF, PPTX):
        found.findings += _over_seams(document.passages, policy)
    found.findings += _in_another_order(document.passages, found.findings, policy)
    found.findings = list(dict.fromkeys(found.findings))
    cells = (
        Passage(f"{place}, a cell", cell)
        for place, grid in document.grids
        for cell in dict.fromkeys(cell for row in grid for cell in row)
        if not _is_like_a_count(cell)
    )
    found.said = said_in([*document.passages, *cells], policy)
    return found


def _all_text(document: Document) -> Iterator[str]:
    yield from (passage.text for passage in document.passages)
    yield from (cell for _, grid in document.grids for row in grid for cell in row)


def _is_like_a_count(cell: str) -> bool:
    return len(cell) <= _LONGEST_COUNT and _LIKE_A_COUNT.fullmatch(cell) is not None


def _in_another_order(passages: list[Passage], known: list[Finding], policy: CellPolicy) -> Iterator[Finding]:
    """Yield what only the second reading of a page finds; a sentence cut off there is whole in the first."""
    seen = {(finding.place, finding.core) for finding in known}
    for passage in (p for p in passages if p.again):
        for finding in find_small(passage.place, passage.text, policy):
            if not finding.at_end and (finding.place, finding.core) not in seen:
                yield finding


def _map(place: str, grid: Grid, found: Mapped, policy: CellPolicy, said: ByHand | None) -> None:
    own = place.partition(", ")[2]
    for cell in dict.fromkeys(cell for row in grid for cell in row):
        if not _is_like_a_count(cell):
            found.findings += find_small(own, cell, policy)
    crowded = any(_CROWDED.search(cell) and len(cell.split()) < _SENTENCE for row in grid for cell in row)
    if not crowded and not any(_is_like_a_count(cell) for row in grid for cell in row):
        return  # a table of words
    try:
        if said is not None:
            found.take(*table_by_hand(place, grid, said, policy))
            return
        if crowded:
            raise BadTable(f"{place}: several numbers in one cell. Give each its own, or draw the lines.")
        _refuse_numbers_on_top(place, grid)
        found.tables.append(table_of(place, _with_one_corner(grid)))
    except BadTable as problem:
        found.hurdles.append(str(problem))
        found.findings += _small_cells(own, grid, policy)


def _with_one_corner(grid: Grid) -> Grid:
    """Leave the name of the row labels in the last line of a header alone, if it was merged over several."""
    grid = [list(row) for row in grid]
    for above, below in pairwise(grid):
        if any(whole_number(cell) is not None for cell in below[1:]):
            break
        if above and below and above[0] == below[0]:
            above[0] = ""
    return grid


def _refuse_numbers_on_top(place: str, grid: Grid) -> None:
    """Take no table whose first row may be its first counts: a header is words, or years.

    :raises BadTable: naming the remedy
    """
    first = next((row for row in grid if sum(1 for cell in row if cell.strip()) > 1), [])
    numbers = [whole_number(cell) for cell in first[1:]]
    said = [
        number for number, _ in groupby(numbers) if number is not None
    ]  # a merged year speaks for several
    if any(number not in _YEARS for number in said) or len(set(said)) < len(said):
        raise BadTable(
            f"{place}: begins with a row of numbers. Name each column in words, such as Grade 9; if it "
            "goes on from the page before, repeat its header."
        )


def _small_cells(place: str, grid: Grid, policy: CellPolicy) -> Iterator[Finding]:
    """Yield the cells of a table that could not be mapped, where a small number may stand for people."""
    for r, row in enumerate(grid):
        for c, cell in enumerate(row):
            said = _WHOLE_NUMBER.findall(cell) if len(cell.split()) < _SENTENCE else []
            said = said[:1] if _is_like_a_count(cell) else said if _CROWDED.search(cell) else []
            if any(policy.is_small(int(number.replace(",", ""))) for number in said):
                label = next((other for other in row if any(x.isalpha() for x in other)), "")
                yield Finding(f"{place}, row {r + 1}, column {c + 1}", f"{label}: {cell}".strip(": "), SMALL)


def _over_seams(passages: list[Passage], policy: CellPolicy) -> Iterator[Finding]:
    """Look where a sentence goes on in the next box of text, or on the next page."""
    for above, below in pairwise(p for p in passages if p.shown and not p.again):
        left, right = above.text.split()[-_SEAM:], below.text.split()[:_SEAM]
        if not left or left[-1][-1:] in ".!?:":
            continue
        alone = [*find_small("", " ".join(left), policy), *find_small("", " ".join(right), policy)]
        over = find_small(f"{above.place} to {below.place}", " ".join(left) + "\n" + " ".join(right), policy)
        if len(over) > len(alone):
            yield from over
