"""Writing a request: a new one, its sections, its agencies, the statements affirmed."""

import datetime as dt
from collections.abc import Collection
from typing import TYPE_CHECKING, Any

from django.db import transaction

from p20win import policy
from p20win.accounts.public import Organisation, Role
from p20win.projects.public import open_project, open_to_person, rename
from p20win.refusal import Blocked
from p20win.workflow import amend, create
from requests_app import outline, texts
from requests_app.models import Affirmation, ContradictionReason, DataRequest, NamedPerson, RequestedAgency
from requests_app.services.locking import hold_to_edit, refuse_unless_valid, remove
from requests_app.vocabulary import Kind, Side

if TYPE_CHECKING:
    from p20win.accounts.models import User


def why_not_draft(actor: "User") -> list[str]:
    """Say why this person cannot begin a request."""
    if actor.organisation is None or not actor.has_role(Role.REQUESTOR):
        return ["Only a requestor of a registered organisation can begin a request."]
    return []


@transaction.atomic
def create_draft(title: str, *, by: "User", at: dt.datetime) -> DataRequest:
    """Begin a request, with a project of its own and the requestor on its user list.

    :raises Blocked: if this person is no requestor, or there is no title
    """
    if reasons := why_not_draft(by):
        raise Blocked(reasons)
    title = " ".join(title.split())
    if not title:
        raise Blocked("Give the request a title.")
    project = open_project(title, by=by, at=at)
    open_to_person(project, by, ["view_project", "edit_request"])
    row = DataRequest(
        project=project,
        title=title,
        requestor=by,
        recipient=by.organisation,
        requestor_position=by.position,
        requestor_phone=by.phone,
        kind=Kind.INITIAL,
        created_at=at,
        status_since=at,
    )
    refuse_unless_valid(row, exclude=("project", "requestor", "recipient"))
    request = create("request.drafted", row, by=by, at=at)
    name_requestor(request, by=by, at=at)
    return request


def name_requestor(request: DataRequest, *, by: "User", at: dt.datetime) -> NamedPerson:
    """Put the requestor on the user list: 2.a is part of it."""
    requestor = request.requestor
    row = NamedPerson(
        request=request,
        side=Side.RECIPIENT,
        user=requestor,
        is_requestor=True,
        name=requestor.name,
        organisation=request.recipient.legal_name,
        email=requestor.email,
        phone=requestor.phone,
        position=requestor.position,
        project_role="Requestor",
        is_state_employee=requestor.is_state_employee,
        named_at=at,
    )
    return create("person.named", row, by=by, at=at)


@transaction.atomic
def save_section(
    request: DataRequest, section: str, *, by: "User", at: dt.datetime, **values: Any
) -> DataRequest:
    """Save fields of one section; fields not given stay as they are.

    :raises Blocked: if the request is not in this person's hands, or a value does not fit
    :raises LookupError: if there is no such section, or a field is not of it
    """
    held = hold_to_edit(request, by)
    own = {name for _, name in outline.BY_SLUG[section].fields}
    if strangers := set(values) - own:
        raise LookupError(f"Section {section!r} has no field {', '.join(sorted(strangers))}.")
    changes = {name: value for name, value in values.items() if getattr(held, name) != value}
    if not changes:
        return held
    for name, value in changes.items():
        setattr(held, name, value)
    others = tuple(field.name for field in DataRequest._meta.concrete_fields if field.name not in changes)
    refuse_unless_valid(held, exclude=others)
    if "title" in changes and held.kind == Kind.INITIAL:
        rename(held.project, changes["title"], by=by, at=at)
    details = {"section": section, "fields": sorted(changes)}
    return amend("request.saved", held, by=by, at=at, details=details, **changes)


@transaction.atomic
def ask_agencies(
    request: DataRequest, agencies: Collection[Organisation], *, by: "User", at: dt.datetime
) -> None:
    """Set whose data the request asks for (1.e).

    :raises Blocked: if the request is not in this person's hands, or one is no participating agency
    """
    held = hold_to_edit(request, by)
    if strangers := [agency.short_name for agency in agencies if not agency.is_agency]:
        raise Blocked(f"{', '.join(strangers)} is no participating agency.")
    wanted = {agency.pk: agency for agency in agencies}
    rows = {row.agency_id: row for row in held.requested_agencies.select_related("agency")}
    for pk, row in rows.items():
        if pk not in wanted:
            remove("agency.taken_off", row, by=by, at=at)
    for pk, agency in wanted.items():
        if pk not in rows:
            row = RequestedAgency(request=held, agency=agency)
            create("agency.asked", row, by=by, at=at, details={"agency": agency.slug})


@transaction.atomic
def affirm(request: DataRequest, numbers: Collection[int], *, by: "User", at: dt.datetime) -> None:
    """Set which of the twelve statements of 4.b the requestor stands by, in the text that holds now (O-27).

    :raises Blocked: if the request is not in this person's hands, or there is no such statement
    """
    held = hold_to_edit(request, by)
    version = texts.CURRENT["confidentiality"]
    wanted = set(numbers)
    if strangers := wanted - set(range(1, policy.CONFIDENTIALITY_STATEMENTS + 1)):
        raise Blocked(f"There is no statement {', '.join(str(number) for number in sorted(strangers))}.")
    rows = {row.number: row for row in held.affirmations.filter(text_version=version)}
    for number, row in rows.items():
        if number not in wanted:
            remove("statement.taken_back", row, by=by, at=at)
    for number in sorted(wanted - set(rows)):
        row = Affirmation(request=held, number=number, text_version=version, by=by, at=at)
        create("statement.affirmed", row, by=by, at=at, details={"number": number, "version": version})


@transaction.atomic
def explain_contradiction(
    request: DataRequest, key: str, reason: str, *, by: "User", at: dt.datetime
) -> ContradictionReason:
    """Write why a contradiction is left as it is (O-127).

    :raises Blocked: if the request is not in this person's hands, or there is no reason
    """
    held = hold_to_edit(request, by)
    reason = reason.strip()
    if not reason:
        raise Blocked("Write a reason, or mend the contradiction.")
    row = held.contradiction_reasons.filter(key=key).first()
    if row is not None:
        return amend("contradiction.explained", row, by=by, at=at, reason=reason)
    row = ContradictionReason(request=held, key=key, reason=reason, by=by, at=at)
    refuse_unless_valid(row, exclude=("request", "by"))
    return create("contradiction.explained", row, by=by, at=at, details={"key": key})
