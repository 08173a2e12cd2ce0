"""Checks one delimited text file while it streams past: structure, names, forms, ids.

Obligations O-60, O-61, O-103, O-104. Reading a file on is given up where the rest could not be understood.
"""

import codecs
import re
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import Final, NamedTuple

from p20win.custody.engine.cells import FORMS, Check, check_for
from p20win.custody.engine.encoded import TokenCheck
from p20win.custody.engine.identifying import NumbersInside, holds_identifier
from p20win.custody.engine.profile import ColumnProfile, Profile
from p20win.custody.engine.report import Report
from p20win.custody.engine.resemblance import IdCheck
from p20win.custody.engine.rules import Column, FileRule
from p20win.custody.engine.spill import IN_MEMORY
from p20win.custody.engine.uniqueness import TWICE, Key, Unique, number_key, person_key, row_key
from p20win.custody.engine.usedonce import Ids

LONGEST_LINE = 1 << 20
LONGEST_CELL = 1 << 16
MOST_COLUMNS = 5000
# Also what turns the direction of writing round, or cannot be seen: it makes a cell look like another.
_CONTROL = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f\u200b\u200e\u200f\u2028-\u202e\u2060-\u2069\ufeff]")
_SAFE_NAME = re.compile(r"[A-Za-z][A-Za-z0-9_ .-]{0,63}")

# How files begin that are no delimited text, and what they are.
_MARKS: Final = (
    (b"PK\x03\x04", "a ZIP archive or a workbook"),
    (b"PK\x05\x06", "an empty ZIP archive"),
    (b"\x1f\x8b", "packed with gzip"),
    (b"BZh", "packed with bzip2"),
    (b"\xfd7zXZ", "packed with xz"),
    (b"7z\xbc\xaf", "a 7-Zip archive"),
    (b"(\xb5/\xfd", "packed with Zstandard"),
    (b"Rar!", "a RAR archive"),
    (b"%PDF", "a PDF document"),
    (b"\xd0\xcf\x11\xe0", "an old Office document"),
    (b"PAR1", "a Parquet file"),
    (b"\x89HDF", "an HDF5 file"),
    (b"SQLite format 3", "a database file"),
    (b"\x80\x02", "a Python object"),
    (b"\x80\x03", "a Python object"),
    (b"\x80\x04", "a Python object"),
    (b"\x80\x05", "a Python object"),
    (b"\x7fELF", "a program"),
    (b"MZ\x90", "a program"),
    (b"\x89PNG", "a picture"),
    (b"age-encryption.org/", "encrypted with age"),
    (b"-----BEGIN", "armoured or a key"),
    (b"<?xml", "an XML document"),
    (b"<!DOCTYPE", "a web page"),
    (b"<html", "a web page"),
    (b"{\\rtf", "a text processor's document"),
    (b"\xff\xfe\0\0", "text in UTF-32, not in UTF-8"),
    (b"\xff\xfe", "text in UTF-16, not in UTF-8"),
    (b"\xfe\xff", "text in UTF-16, not in UTF-8"),
    (b"\x00\x00\xfe\xff", "text in UTF-32, not in UTF-8"),
)
LONGEST_MARK: Final = max(len(mark) for mark, _ in _MARKS)


class _Cell(NamedTuple):
    """One column as the loop over rows needs it."""

    place: int
    name: str
    required: bool
    check: Check
    form: str
    profile: ColumnProfile | None


class IntakeCheck:
    """Takes a file in chunks of any size; `finish` gives the report.

    What must be compared across rows is kept as keyed digests, in memory that does not grow; more of them
    than fit lie in nameless files in `spill`. With `smallest`, the report has a profile of the file, in which
    no smaller count is shown. The ids of the file are put down in `used`.
    """

    def __init__(
        self, rule: FileRule, *, spill: Path | None = None, smallest: int = 0, used: Ids | None = None
    ) -> None:
        self.report, self._used = Report(), used
        self._rule, self._spill, self._smallest = rule, spill, smallest
        self._profile: Profile | None = None
        self._decode = codecs.getincrementaldecoder("utf-8")("strict").decode
        self._rest = ""
        self._row = 0
        self._beginning: bytes | None = b""  # until enough has come to tell what the file is
        self._stopped = False
        self._header: list[str] = []
        self._separator = ""
        self._cells: list[_Cell] = []
        self._uniques: list[Unique] = []
        self._filled: list[int] = []
        self._values_are_free: list[int] = []
        self._numbers: list[NumbersInside] = []
        self._look_at_id: Callable[[int, list[str]], None] | None = None
        self._ids: IdCheck | None = None
        self._id_at = 0
        self._tokens: TokenCheck | None = None

    def update(self, chunk: bytes) -> None:
        """This will check the lines that the chunk completes."""
        if self._beginning is not None:
            self._beginning += chunk
            if len(self._beginning) < LONGEST_MARK:
                return
            chunk = self._begin()
        if not self._stopped:
            self._decoded(chunk, final=False)

    def _begin(self) -> bytes:
        beginning, self._beginning = self._beginning or b"", None
        if what := what_it_is(beginning):
            self._stop("not_text", hint=f"This is {what}. Send the text file itself.")
        return beginning

    def finish(self) -> Report:
        """This will check the last line and what only the whole file can show."""
        rest = self._begin() if self._beginning is not None else b""
        if not self._stopped:
            self._decoded(rest, final=True)
        if not self._stopped and self._rest:
            self._line(self._rest)
        if not self._stopped:
            self._judge()
        if self._ids:
            self._ids.close()
        for unique in self._uniques:
            unique.finish(self.report)
        for numbers in self._numbers:
            numbers.finish(self.report)
        self.report.columns = [cell.name for cell in self._cells]
        self.report.filled = {cell.name: self._filled[cell.place] for cell in self._cells}
        return self.report

    def _judge(self) -> None:
        """This will judge what only the whole of a file that was read to its end can show."""
        if not self.report.rows:
            self.report.add("empty")
        if self._profile:
            self.report.profile = self._profile.told(self.report.rows)
        if self._ids:
            self._ids.finish()
        if self._tokens:
            self._tokens.finish()

    def _decoded(self, chunk: bytes, *, final: bool) -> None:
        try:
            text = self._decode(chunk, final)
        except UnicodeDecodeError as broken:
            self._lines(broken.object[: broken.start].decode("utf-8"))
            if not self._stopped:
                self._stop("encoding", row=self._row + 1, hint="Save the file as UTF-8.")
            return
        self._lines(text)

    def _lines(self, text: str) -> None:
        if "\r" in text:
            text = text.replace("\r\n", "\n")  # a pair split between chunks is mended in _line
        lines = text.split("\n")
        if len(lines) == 1:
            self._rest += text
            if len(self._rest) > LONGEST_LINE:
                self._stop("line_length", row=self._row + 1)
            return None
        lines[0] = self._rest + lines[0]
        self._rest = lines.pop()
        for line in lines:
            self._line(line)
            if self._stopped:
                return None
        if len(self._rest) > LONGEST_LINE:
            self._stop("line_length", row=self._row + 1)
        return None

    def _stop(self, rule: str, *, row: int | None = None, hint: str = "") -> None:
        """This will note something that makes reading on pointless."""
        self.report.add(rule, row=row, hint=hint)
        self._stopped, self._rest = True, ""

    def _line(self, line: str) -> None:
        self._row += 1
        if line.endswith("\r"):
            line = line[:-1]
        if self._row == 1:
            line = line.removeprefix("\ufeff")
        if len(line) > LONGEST_LINE:
            return self._stop("line_length", row=self._row)
        if _CONTROL.search(line):
            return self._stop("control", row=self._row)
        if self._row == 1:
            return self._read_header(line)
        if not line:
            return self.report.add("columns_in_row", row=self._row, hint="The row is empty.")
        return self._read_row(line.split(self._separator))

    def _read_header(self, line: str) -> None:
        separators = [mark for mark in self._rule.separators if mark in line]
        self._separator = separators[0] if separators else self._rule.separators[0]
        names = [name.strip() for name in line.split(self._separator)]
        if len(names) > MOST_COLUMNS:
            return self._stop("header", row=1, hint=f"More than {MOST_COLUMNS} columns.")
        known = {column.name.casefold(): column for column in self._rule.columns}
        if '"' in line:
            return self._stop("quotes", row=1)
        if not any(name.casefold() in known for name in names):
            if not separators and any(mark in line for mark in "\t,;|"):
                return self._stop("separator", row=1, hint=f"Use {_spelled(self._rule.separators)}.")
            return self._stop("header", row=1, hint="None of the agreed columns is named in the first row.")
        self._header = names
        self._filled = [0] * len(names)
        seen: set[str] = set()
        for place, name in enumerate(names):
            folded = name.casefold()
            if folded not in known:
                self.report.add("column_unknown", row=1, column=_shown(name, place))
            elif folded in seen:
                self.report.add("column_twice", row=1, column=known[folded].name)
            else:
                self._cells.append(self._cell(known[folded], place))
            seen.add(folded)
        self._describe()
        for folded, column in known.items():
            if folded not in seen:
                self.report.add("column_missing", row=1, column=column.name)
        return self._prepare()

    def _cell(self, column: Column, place: int) -> _Cell:
        check = check_for(column.form, codes=column.codes, demo_ssn=self._rule.demo_ssn)
        form = "one of the agreed codes" if column.codes else FORMS[column.form]
        return _Cell(place, column.name, column.required, check, form, None)

    def _describe(self) -> None:
        """This will begin a profile of the columns that are there, if one is wanted."""
        if self._smallest:
            columns = {column.name: column for column in self._rule.columns}
            self._profile = Profile([columns[cell.name] for cell in self._cells], smallest=self._smallest)
            described = zip(self._cells, self._profile.columns, strict=True)
            self._cells = [cell._replace(profile=profile) for cell, profile in described]

    def _prepare(self) -> None:
        """This will settle, once the header is known, what is looked at in every row."""
        place = {cell.name: cell.place for cell in self._cells}
        columns = {column.name: column for column in self._rule.columns}
        self._uniques = list(self._what_is_unique(columns, place))
        if not self._rule.identifiers_allowed:
            self._values_are_free = [
                cell.place
                for cell in self._cells
                if columns[cell.name].form in ("text", "name", "synthetic_id")
            ]
            self._numbers = [
                NumbersInside(cell.name, cell.place)
                for cell in self._cells
                if columns[cell.name].form in ("integer", "decimal") and not columns[cell.name].codes
            ]
        if self._rule.encoded:
            self._tokens = TokenCheck(self.report, self._rule, place)
        identifiers = [name for name in place if columns[name].identifier]
        if self._rule.id_column in place:
            at, others = place[self._rule.id_column], [place[name] for name in identifiers]
            ids = IdCheck(
                self.report,
                self._rule.id_column,
                self._rule.id_prefix,
                identifiers,
                public=_public_words(self._rule),
                folder=self._spill,
                encoded=self._rule.encoded,
            )
            self._ids = ids
            self._look_at_id = lambda row, cells: ids.look(row, cells[at], [cells[other] for other in others])
            self._id_at = at

    def _what_is_unique(self, columns: dict[str, Column], place: dict[str, int]) -> Iterator[Unique]:
        """This will compare rows by id, persons by all that is held of them and by each number alone."""
        rule = self._rule
        in_memory = IN_MEMORY * 2 // max(2, len(rule.one_row_per) + len(rule.one_person_per))

        def unique(name: str, names: tuple[str, ...], key: Key, hint: str = "") -> Unique:
            at = [place[column] for column in names]
            return Unique(name, names, at, self._spill, key=key, hint=hint, in_memory=in_memory)

        for names in (names for names in rule.one_row_per if place.keys() >= set(names)):
            yield unique("one_row", names, row_key)
        for names in (names for names in rule.one_person_per if place.keys() >= set(names)):
            if len(names) == 1:
                yield unique("one_person", names, number_key(columns[names[0]].form), TWICE)
            else:
                yield unique("one_person", names, person_key)

    def _read_row(self, cells: list[str]) -> None:
        report, row = self.report, self._row
        report.rows += 1
        if len(cells) != len(self._header):
            hint = f"{len(cells)} cells where the header has {len(self._header)}."
            return report.add("columns_in_row", row=row, hint=hint)
        for cell in self._cells:
            if value := cells[cell.place]:
                self._filled[cell.place] += 1
                fits = cell.check(value) and '"' not in value and len(value) <= LONGEST_CELL
                if not fits:
                    self._not_of_form(value, row=row, cell=cell)
                if cell.profile:
                    cell.profile.look(value, fits=fits)
            elif cell.required:
                report.add("required", row=row, column=cell.name)
        self._compare(cells)
        return None

    def _compare(self, cells: list[str]) -> None:
        """This will compare a row with the header and the rows before it, and its id with its other cells."""
        report, row = self.report, self._row
        if cells[0].casefold() == self._header[0].casefold() and self._is_header(cells):
            report.add("header_again", row=row)
        for unique in self._uniques:
            unique.look(row, cells)
        for index in self._values_are_free:
            if cells[index] and holds_identifier(cells[index]):
                report.add("identifier_inside", row=row, column=self._name_at(index))
        for numbers in self._numbers:
            numbers.look(cells)
        if self._tokens:
            self._tokens.look(row, cells)
        if self._look_at_id:
            self._look_at_id(row, cells)
            if self._used is not None:
                self._used.look(row, self._rule.id_column, cells[self._id_at])

    def _not_of_form(self, value: str, *, row: int, cell: _Cell) -> None:
        if '"' in value:
            self.report.add("quotes", row=row, column=cell.name)
        elif len(value) > LONGEST_CELL:
            self.report.add("line_length", row=row, column=cell.name)
        else:
            self.report.add("form", row=row, column=cell.name, hint=f"Expected {cell.form}.")

    def _is_header(self, cells: list[str]) -> bool:
        return [cell.strip().casefold() for cell in cells] == [name.casefold() for name in self._header]

    def _name_at(self, index: int) -> str:
        return next(cell.name for cell in self._cells if cell.place == index)


def what_it_is(beginning: bytes) -> str:
    """This will say what a file is that does not begin like text; nothing if it may be text."""
    return next((what for mark, what in _MARKS if beginning.startswith(mark)), "")


def check_stream(chunks: Iterable[bytes], rule: FileRule) -> Report:
    """This will check a whole file."""
    check = IntakeCheck(rule)
    for chunk in chunks:
        check.update(chunk)
    return check.finish()


def _public_words(rule: FileRule) -> list[str]:
    """What all know of a request, and so is no key when somebody hashes it along."""
    digits = "".join(character for character in rule.number if character.isdigit())
    words = (rule.id_prefix, rule.id_prefix.strip("-_"), *rule.agencies, rule.number, digits)
    return list(dict.fromkeys(word for word in words if word))


def _shown(name: str, place: int) -> str:
    """A column's name if it can be nothing else; its place if it might be somebody's data."""
    plain_name = _SAFE_NAME.fullmatch(name) and not re.search(r"[0-9]{5}", name)
    return name if plain_name else f"column {place + 1}"


def _spelled(separators: tuple[str, ...]) -> str:
    words = {"\t": "tabs", ",": "commas", "|": "bars", ";": "semicolons"}
    return " or ".join(words.get(mark, "the agreed mark") for mark in separators)
