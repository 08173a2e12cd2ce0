"""Continuations and modifications: a new revision of the same number, begun from the approved one (O-14)."""

import datetime as dt
from typing import TYPE_CHECKING, Any, Final

from django.db import models, transaction

from p20win.ids import uuid7
from p20win.refusal import Blocked
from p20win.workflow import create
from requests_app import checks, outline
from requests_app.models import (
    DataElement,
    DataRequest,
    Discussion,
    ElementQuestion,
    IdentifierTable,
    NamedPerson,
    PlannedOutput,
    Population,
    RequestedAgency,
    ResearchQuestion,
)
from requests_app.services.importing import keep_all
from requests_app.services.locking import hold
from requests_app.vocabulary import EDITABLE, Kind, Status

if TYPE_CHECKING:
    from p20win.accounts.models import User

COPIED: Final[tuple[type[Any], ...]] = (
    RequestedAgency,
    Discussion,
    ResearchQuestion,
    DataElement,
    Population,
    IdentifierTable,
    PlannedOutput,
)
UNDER_WAY: Final = (*EDITABLE, Status.SUBMITTED, Status.WITH_AGENCIES)


def why_not_revise(request: DataRequest, actor: "User") -> list[str]:
    """Say why this person cannot begin a revision of this request."""
    reasons = [why] if (why := checks.is_own(request, actor)) else []
    if request.status != Status.APPROVED:
        reasons.append("Only an approved request can be continued or modified.")
    others = DataRequest.objects.filter(project=request.project_id)
    if others.filter(status__in=UNDER_WAY).exists():
        reasons.append("A revision of this request is under way already.")
    elif others.filter(status=Status.APPROVED, revision__gt=request.revision).exists():
        reasons.append("A later revision of this request has been approved.")
    return reasons


@transaction.atomic
def revise(request: DataRequest, kind: str, *, by: "User", at: dt.datetime) -> DataRequest:
    """Begin a continuation or modification with all that the approved request says; 4.b is affirmed anew.

    :raises Blocked: if the request is not approved, not theirs, or a revision is under way
    """
    old = hold(request)
    if reasons := why_not_revise(old, by):
        raise Blocked(reasons)
    if kind not in (Kind.CONTINUATION, Kind.MODIFICATION):
        raise Blocked("A revision is a continuation or a modification.")
    last = DataRequest.objects.filter(project=old.project_id).order_by("-revision").first()
    said = {name: getattr(old, name) for section in outline.SECTIONS for _, name in section.fields}
    new = DataRequest(
        project=old.project,
        requestor=old.requestor,
        recipient=old.recipient,
        kind=kind,
        revision=(last or old).revision + 1,
        based_on=old,
        created_at=at,
        status_since=at,
        **said,
    )
    create("request.drafted", new, by=by, at=at, details={"kind": kind, "based_on": str(old.pk)})
    _copy_rows(old, new, by=by, at=at)
    return new


def _copy_rows(old: DataRequest, new: DataRequest, *, by: "User", at: dt.datetime) -> None:
    copies: dict[Any, Any] = {old.pk: new}
    for model in COPIED:
        rows = list(model.objects.filter(request=old))
        copies |= {row.pk: _copy(row) for row in rows}
    for row in NamedPerson.objects.filter(request=old, removed_at__isnull=True):
        copies[row.pk] = copy = _copy(row)
        copy.named_at = at
    links = list(ElementQuestion.objects.filter(element__request=old))
    copies |= {link.pk: _copy(link) for link in links}
    for copy in copies.values():
        if copy is not new:
            _point_anew(copy, copies)
    everything: tuple[type[Any], ...] = (*COPIED, NamedPerson, ElementQuestion)
    for model in everything:
        rows = [copy for copy in copies.values() if type(copy) is model]
        keep_all(rows, model, by=by, reason="request.drafted")
    for population in Population.objects.filter(request=old).prefetch_related("not_wanted_from"):
        copies[population.pk].not_wanted_from.set(population.not_wanted_from.all())


def _copy(row: Any) -> Any:
    values = {field.attname: getattr(row, field.attname) for field in row._meta.concrete_fields}
    return type(row)(**values | {"id": uuid7()})


def _point_anew(copy: models.Model, copies: dict[Any, Any]) -> None:
    """Let a copy point to the copies of what its original points to."""
    for field in copy._meta.concrete_fields:
        if field.is_relation and getattr(copy, field.attname) in copies:
            setattr(copy, field.name, copies[getattr(copy, field.attname)])
