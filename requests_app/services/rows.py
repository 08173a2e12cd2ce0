"""Adding, changing and removing the rows of a request's lists."""

import datetime as dt
from collections.abc import Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from django.db import models, transaction
from django.db.models import Max

from p20win.audit.public import first_in_line
from p20win.refusal import Blocked
from p20win.workflow import amend, create
from requests_app.models import (
    DataElement,
    DataRequest,
    Discussion,
    ElementQuestion,
    IdentifierTable,
    PlannedOutput,
    Population,
    ResearchQuestion,
)
from requests_app.services.locking import hold_to_edit, refuse_unless_valid, remove

if TYPE_CHECKING:
    from p20win.accounts.models import User


@dataclass(frozen=True)
class RowKind:
    """One list of the form: its rows' model, their name in the ledger, their fields of several rows."""

    model: type[Any]
    event: str
    several: tuple[str, ...] = ()


KINDS: Final[dict[str, RowKind]] = {
    "discussions": RowKind(Discussion, "discussion"),
    "populations": RowKind(Population, "population", ("not_wanted_from",)),
    "tables": RowKind(IdentifierTable, "identifier_table"),
    "outputs": RowKind(PlannedOutput, "planned_output"),
    "questions": RowKind(ResearchQuestion, "question"),
    "elements": RowKind(DataElement, "element", ("questions",)),
}


@transaction.atomic
def add(request: DataRequest, kind: str, /, *, by: "User", at: dt.datetime, **values: Any) -> Any:
    """Add a row to a list of the request.

    :raises Blocked: if the request is not in this person's hands, or the row does not fit
    """
    held = hold_to_edit(request, by)
    what = KINDS[kind]
    several = {name: values.pop(name, ()) for name in what.several}
    row = what.model(request=held, position=next_position(held, what.model), **values)
    _refuse_strangers(held, row, several)
    refuse_unless_valid(row, exclude=("request",))
    row = create(f"{what.event}.added", row, by=by, at=at)
    for name, chosen in several.items():
        _set_several(row, name, chosen, by=by)
    return row


@transaction.atomic
def change(row: Any, *, by: "User", at: dt.datetime, **values: Any) -> Any:
    """Change a row of a list.

    :raises Blocked: if the request is not in this person's hands, or the row would not fit
    """
    held = hold_to_edit(row.request, by)
    what = kind_of(row)
    several = {name: values.pop(name) for name in what.several if name in values}
    first_in_line()
    row = what.model.objects.select_for_update().get(pk=row.pk)
    for name, value in values.items():
        setattr(row, name, value)
    _refuse_strangers(held, row, several)
    refuse_unless_valid(row, exclude=("request",))
    row = amend(f"{what.event}.changed", row, by=by, at=at, **values)
    for name, chosen in several.items():
        _set_several(row, name, chosen, by=by)
    return row


@transaction.atomic
def take_out(row: Any, *, by: "User", at: dt.datetime) -> None:
    """Remove a row from a list; its history stays.

    :raises Blocked: if the request is not in this person's hands, or other rows lean on this one
    """
    hold_to_edit(row.request, by)
    if why := _leant_on(row):
        raise Blocked(why)
    if isinstance(row, DataElement):
        for link in row.question_links.all():
            _quietly_remove(link, by)
    remove(f"{kind_of(row).event}.removed", row, by=by, at=at)


def kind_of(row: models.Model) -> RowKind:
    """Return the list that a row belongs to."""
    return next(kind for kind in KINDS.values() if isinstance(row, kind.model))


def next_position(request: DataRequest, model: type[Any]) -> int:
    """Return the place after the last row of a list."""
    last = model.objects.filter(request=request).aggregate(last=Max("position"))["last"]
    return 0 if last is None else last + 1


def _refuse_strangers(request: DataRequest, row: Any, several: dict[str, Iterable[Any]]) -> None:
    """What a row points to within the form is of the same request."""
    pointed: list[Any] = [
        getattr(row, name, None) for name in ("parent", "population") if getattr(row, f"{name}_id", None)
    ]
    pointed += [each for name in ("questions",) for each in several.get(name, ())]
    if any(each.request_id != request.pk for each in pointed):
        raise Blocked("A row can only point to rows of the same request.")


def _set_several(row: Any, name: str, chosen: Iterable[Any], *, by: "User") -> None:
    if name == "questions":
        _set_questions(row, {question.pk: question for question in chosen}, by)
    else:
        getattr(row, name).set(chosen)


def _set_questions(element: DataElement, wanted: dict[Any, ResearchQuestion], by: "User") -> None:
    links = {link.question_id: link for link in element.question_links.all()}
    for pk, link in links.items():
        if pk not in wanted:
            _quietly_remove(link, by)
    for pk, question in wanted.items():
        if pk not in links:
            link = ElementQuestion(element=element, question=question)
            link._history_user = by  # type: ignore[attr-defined]
            link.save(force_insert=True)


def _quietly_remove(link: ElementQuestion, by: "User") -> None:
    """Delete a link; the ledger's line is that of its element."""
    link._history_user = by  # type: ignore[attr-defined]
    link.delete()


def _leant_on(row: Any) -> str | None:
    if isinstance(row, ResearchQuestion):
        if count := row.element_links.count():
            return (
                f"{row.code} is cited by {count} data element{'' if count == 1 else 's'}: change them first."
            )
        if row.children.exists():
            return f"Other questions are part of {row.code}: remove or move them first."
    if isinstance(row, Population) and row.tables.exists():
        return "Files of identifiers are listed for this population: remove them first."
    return None
