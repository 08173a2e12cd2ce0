"""The user list: naming people, and each agency's decisions on them (O-04, O-05)."""

import datetime as dt
from collections.abc import Collection
from typing import Any

from django.db import transaction

from p20win.accounts.public import Organisation, User
from p20win.audit.public import first_in_line
from p20win.refusal import Blocked
from p20win.workflow import amend, create
from requests_app import checks
from requests_app.models import DataRequest, NamedPerson, PersonApproval
from requests_app.services import opening, review
from requests_app.services.locking import hold, refuse_unless_valid
from requests_app.vocabulary import PersonOutcome, Status


@transaction.atomic
def name(request: DataRequest, *, by: User, at: dt.datetime, **values: Any) -> NamedPerson:
    """Put a person on the user list; after approval too, when every agency then decides on them.

    :raises Blocked: if the list is not in this person's hands, or the entry does not fit
    """
    held = _hold_list(request, by)
    row = NamedPerson(request=held, named_at=at, **values)
    row.user = _account_of(row)
    refuse_unless_valid(row, exclude=("request", "user"))
    row = create("person.named", row, by=by, at=at)
    if held.status == Status.APPROVED:
        review.await_people(held, by=by, at=at)
    return row


@transaction.atomic
def change(person: NamedPerson, *, by: User, at: dt.datetime, **values: Any) -> NamedPerson:
    """Change an entry that no agency has decided on.

    :raises Blocked: if the list is not in this person's hands, or an agency has decided on the entry
    """
    _hold_list(person.request, by)
    first_in_line()
    row = NamedPerson.objects.select_for_update().get(pk=person.pk)
    if row.removed_at or row.approvals.filter(withdrawn_at__isnull=True).exists():
        raise Blocked(f"{row.name} has been decided on: take them off the list and name them again.")
    if row.is_requestor and values.get("email", row.email).casefold() != row.email.casefold():
        raise Blocked("The requestor is named under the address of their account.")
    for field, value in values.items():
        setattr(row, field, value)
    values["user"] = row.user = _account_of(row)
    refuse_unless_valid(row, exclude=("request", "user"))
    return amend("person.changed", row, by=by, at=at, **values)


@transaction.atomic
def take_off(person: NamedPerson, *, by: User, at: dt.datetime) -> NamedPerson:
    """Take a person off the user list; their access ends at once.

    :raises Blocked: if the list is not in this person's hands, or this is the requestor
    """
    held = _hold_list(person.request, by)
    first_in_line()
    row = NamedPerson.objects.select_for_update().get(pk=person.pk)
    if row.is_requestor:
        raise Blocked("The requestor stays on the user list.")
    if row.removed_at:
        raise Blocked(f"{row.name} is off the list already.")
    row = amend("person.taken_off", row, by=by, at=at, removed_at=at)
    opening.set_access(row, by=by, at=at)
    if held.status == Status.APPROVED:
        review.await_people(held, by=by, at=at)
    return row


@transaction.atomic
def approve(
    people: Collection[NamedPerson], *, agency: Organisation, by: User, at: dt.datetime, reason: str = ""
) -> list[PersonApproval]:
    """Approve people for one agency, several at once.

    :raises Blocked: if the person or the state does not allow it, or the agency has decided on one of them
    """
    return [_decide(each, PersonOutcome.APPROVED, reason, agency=agency, by=by, at=at) for each in people]


@transaction.atomic
def refuse(
    person: NamedPerson, *, agency: Organisation, reason: str, by: User, at: dt.datetime
) -> PersonApproval:
    """Refuse a person for one agency, with the reason.

    :raises Blocked: if there is no reason, the person or the state does not allow it, or it is decided
    """
    if not reason.strip():
        raise Blocked(f"Give a reason for refusing {person.name}.")
    return _decide(person, PersonOutcome.REFUSED, reason.strip(), agency=agency, by=by, at=at)


@transaction.atomic
def withdraw_approval(approval: PersonApproval, *, reason: str, by: User, at: dt.datetime) -> PersonApproval:
    """Take back an agency's decision on a person; access ends at once, and the agency may decide anew.

    :raises Blocked: if there is no reason, it is taken back already, or this person may not
    """
    request = hold(approval.person.request)
    if why := checks.why_not_decide_people(request, approval.agency, by):
        raise Blocked(why)
    if not reason.strip():
        raise Blocked("Give a reason.")
    first_in_line()
    row = PersonApproval.objects.select_for_update().get(pk=approval.pk)
    if row.withdrawn_at:
        raise Blocked("This decision has been taken back already.")
    changes: dict[str, Any] = {"withdrawn_at": at, "withdrawn_by": by, "withdrawn_reason": reason.strip()}
    details = {"agency": row.agency.slug}
    row = amend("person.approval_withdrawn", row, by=by, at=at, details=details, **changes)
    opening.set_access(row.person, by=by, at=at)
    review.await_people(request, by=by, at=at)
    return row


def _decide(
    person: NamedPerson, outcome: str, reason: str, *, agency: Organisation, by: User, at: dt.datetime
) -> PersonApproval:
    request = hold(person.request)
    whys = [checks.why_not_decide_people(request, agency, by), checks.is_not_oneself(person, by)]
    if reasons := [why for why in whys if why]:
        raise Blocked(reasons)
    first_in_line()
    row = NamedPerson.objects.select_for_update().get(pk=person.pk)
    if row.removed_at:
        raise Blocked(f"{row.name} is no longer on the list.")
    if row.approvals.filter(agency=agency, withdrawn_at__isnull=True).exists():
        raise Blocked(f"{agency.short_name} has decided on {row.name} already.")
    if row.user_id is None and (account := _account_of(row)):  # opened since they were named
        row = amend("person.account_found", row, by=by, at=at, user=account)
    approval = PersonApproval(person=row, agency=agency, outcome=outcome, reason=reason, by=by, at=at)
    event = "person.approved" if outcome == PersonOutcome.APPROVED else "person.refused"
    create(event, approval, by=by, at=at, details={"agency": agency.slug, "person": str(row.pk)})
    opening.set_access(row, by=by, at=at)
    review.await_people(request, by=by, at=at)
    return approval


def _hold_list(request: DataRequest, by: User) -> DataRequest:
    held = hold(request)
    if why := checks.why_not_name(held, by):
        raise Blocked(why)
    return held


def _account_of(person: NamedPerson) -> User | None:
    return User.objects.filter(email__iexact=person.email, is_system=False).first()
