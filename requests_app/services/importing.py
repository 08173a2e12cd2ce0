"""Importing data elements from a spreadsheet: all or nothing, every error named by row and column."""

import datetime as dt
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final

from django.db import transaction
from simple_history.utils import bulk_create_with_history

from p20win.accounts.public import Organisation, organisation_called
from p20win.refusal import Blocked
from p20win.workflow import amend
from requests_app.form_rows import COLUMN_NAME
from requests_app.models import DataElement, DataRequest, ElementQuestion
from requests_app.services.locking import hold_to_edit
from requests_app.services.rows import next_position
from requests_app.sheets import TITLES, CellError, read, yes_or_no
from requests_app.vocabulary import DataType

if TYPE_CHECKING:
    from p20win.accounts.models import User

SUPPLIERS: Final = frozenset({"supplier", "suppliers", "school", "schools", "district", "districts"})
TYPE_WORDS: Final = {
    **{value: value for value in DataType.values},
    **{label.casefold(): value for value, label in DataType.choices},
    "string": "text", "char": "text", "varchar": "text", "character": "text",
    "int": "integer", "number": "integer", "numeric": "decimal", "float": "decimal", "double": "decimal",
    "bool": "boolean", "yes/no": "boolean", "flag": "boolean", "datetime": "date", "categorical": "code",
}  # fmt: skip


class ImportRefused(Blocked):
    """A file of elements with errors; nothing of it was imported."""

    def __init__(self, errors: list[CellError]) -> None:
        """Keep the errors, each with its row and column."""
        self.errors = errors
        super().__init__(
            [f"Row {each.row}{f', {each.column}' if each.column else ''}: {each.message}" for each in errors]
        )


@dataclass
class _Reader:
    """Turns the cells of a row into an element, noting what does not fit."""

    request: DataRequest
    questions: Mapping[str, Any]
    taken: set[tuple[Any, str]]
    errors: list[CellError] = field(default_factory=list)
    agencies: dict[str, Organisation | None] = field(default_factory=dict)

    def note(self, row: int, name: str, message: str) -> None:
        self.errors.append(CellError(row, TITLES[name], message))

    def element(self, number: int, cells: Mapping[str, str]) -> tuple[DataElement, list[Any]]:
        """Return the element of a row and the questions it cites."""
        element = DataElement(
            request=self.request,
            name=cells["name"],
            source=self._source(number, cells["source"]),
            source_element=cells["source_element"] or cells["name"],
            category=cells.get("category", ""),
            codes=cells.get("codes", ""),
            qualifier=cells.get("qualifier", ""),
            explanation=cells.get("explanation", ""),
            format=cells.get("format", ""),
            data_type=self._type(number, cells.get("data_type", "")),
            is_matching_identifier=self._flag(number, cells, "is_matching_identifier"),
            is_uc=self._flag(number, cells, "is_uc"),
        )
        self._check_name(number, element)
        for name in ("name", "source_element", "category", "qualifier", "format"):
            column: Any = DataElement._meta.get_field(name)
            limit = column.max_length
            if len(getattr(element, name)) > limit:
                self.note(number, name, f"Longer than {limit} characters.")
        return element, self._cited(number, cells.get("questions", ""))

    def _check_name(self, number: int, element: DataElement) -> None:
        if not element.name:
            self.note(number, "name", "Give the element a name.")
        elif not re.match(COLUMN_NAME, element.name):
            self.note(number, "name", "Begin with a letter; letters, digits, spaces and _ . - may follow.")
        key = (element.source_id, element.name.casefold())
        if key in self.taken:
            self.note(number, "name", f"“{element.name}” is listed already for this source.")
        self.taken.add(key)

    def _source(self, number: int, name: str) -> Organisation | None:
        if name.casefold() in SUPPLIERS:
            return None
        if name not in self.agencies:
            self.agencies[name] = organisation_called(name) if name else None
        agency = self.agencies[name]
        if agency is None or not agency.is_agency:
            known = f"No participating agency is called “{name}”." if name else "Name the source agency."
            self.note(number, "source", known)
        return agency

    def _type(self, number: int, word: str) -> str:
        found = TYPE_WORDS.get(word.casefold()) if word else DataType.TEXT
        if found is None:
            self.note(number, "data_type", f"“{word}” is none of {', '.join(DataType.values)}.")
        return found or DataType.TEXT

    def _flag(self, number: int, cells: Mapping[str, str], name: str) -> bool:
        said = yes_or_no(cells.get(name, ""))
        if said is None:
            self.note(number, name, f"Write yes or no, not “{cells[name]}”.")
        return bool(said)

    def _cited(self, number: int, text: str) -> list[Any]:
        codes = dict.fromkeys(code.upper() for code in re.split(r"[\s,;/]+", text) if code)
        if unknown := [code for code in codes if code not in self.questions]:
            self.note(number, "questions", f"{', '.join(unknown)} is not among the research questions.")
        return [self.questions[code] for code in codes if code in self.questions]


@transaction.atomic
def import_elements(request: DataRequest, *, name: str, content: bytes, by: "User", at: dt.datetime) -> int:
    """Add the elements of a CSV or XLSX file, and return how many; nothing until the file is clean (O-21).

    :raises ImportRefused: if a row does not fit
    :raises Blocked: if the request is not in this person's hands
    """
    held = hold_to_edit(request, by)
    sheet = read(name, content)
    taken = {(pk, element.casefold()) for pk, element in held.elements.values_list("source_id", "name")}
    reader = _Reader(held, {row.code: row for row in held.questions.all()}, taken)
    read_rows = [reader.element(number, cells) for number, cells in sheet.rows]
    if errors := sheet.errors + reader.errors:
        raise ImportRefused(sorted(errors, key=lambda each: each.row))
    first = next_position(held, DataElement)
    for place, (element, _) in enumerate(read_rows):
        element.position = first + place
    links = [ElementQuestion(element=row, question=each) for row, cited in read_rows for each in cited]
    keep_all([row for row, _ in read_rows], DataElement, by=by, reason="elements.imported")
    keep_all(links, ElementQuestion, by=by, reason="elements.imported")
    amend("elements.imported", held, by=by, at=at, details={"count": len(read_rows)})
    return len(read_rows)


def keep_all(rows: list[Any], model: type[Any], *, by: "User", reason: str) -> None:
    """Store many new rows at once, each with its history."""
    if rows:
        bulk_create_with_history(rows, model, batch_size=500, default_user=by, default_change_reason=reason)
