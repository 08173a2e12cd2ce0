"""Inviting a supplier that is no party to send its lists (O-124). It ends with its slots, or before."""

import datetime as dt
from typing import TYPE_CHECKING

from django.db import transaction

from p20win.accounts.public import system_user
from p20win.audit.public import events_of, first_in_line
from p20win.custody import affirmation, checks, lifecycle, uploads
from p20win.custody.models import INVITED, Invitation, SlotStatus, UploadSlot
from p20win.custody.schedule import WINDOW
from p20win.deadlines import public as deadlines
from p20win.projects import public as projects
from p20win.refusal import Blocked
from p20win.workflow import create, take

if TYPE_CHECKING:
    from p20win.accounts.models import User
    from p20win.projects.models import Project

PERMISSION = "supply_list"


@transaction.atomic
def invite(project: "Project", contact: "User", *, by: "User", at: dt.datetime) -> Invitation:
    """Ask a person for their organisation's lists. The caller opens the slots, each with this invitation.

    :raises Blocked: if the person or their organisation cannot be invited here
    """
    first_in_line()
    if reasons := checks.why_not_invited(project, contact):
        raise Blocked(reasons)
    row = Invitation(
        project=project,
        supplier=contact.organisation,
        contact=contact,
        invited_by=by,
        invited_at=at,
        status_since=at,
    )
    projects.open_to_person(project, contact, [PERMISSION])
    details = {"supplier": row.supplier.slug, "contact": str(contact.pk)}
    return create("invitation.sent", row, by=by, at=at, details=details)


def affirm(invitation: Invitation, *, by: "User", at: dt.datetime) -> Invitation:
    """Say for one's organisation that it may share its lists, in the words of the present text.

    :raises Blocked: by anyone but the invited person, a second time, or when nothing is waited for
    """
    text = affirmation.text(invitation)
    details = {"text_version": affirmation.VERSION, "text": affirmation.digest(text)}
    return take(
        lifecycle.AFFIRM,
        invitation,
        by=by,
        at=at,
        details=details,
        affirmed_at=at,
        text_version=affirmation.VERSION,
        text=text,
    )


@transaction.atomic
def withdraw(invitation: Invitation, *, reason: str, by: "User", at: dt.datetime) -> Invitation:
    """Take an invitation back before a file is accepted. Its slots close, and what was on its way is dropped.

    :raises Blocked: if the person may not, a file came in on it, it is over, or no reason is given
    """
    first_in_line()
    if not reason.strip():
        raise Blocked("Say why. The supplier reads it.")
    row = take(lifecycle.WITHDRAW_INVITATION, invitation, by=by, at=at, note=reason.strip())
    for slot in _open_slots(row):
        close_slot(slot, by=by, at=at, note="The invitation was withdrawn.")
    _close_to_contact(row)
    return row


@transaction.atomic
def close_slot(slot: UploadSlot, *, by: "User", at: dt.datetime, note: str = "") -> UploadSlot:
    """Close a slot that no file has filled, and its clock. What was on its way is dropped at once.

    An invitation lapses with the last of its slots, if none was filled.

    :raises Blocked: if it is filled or closed, or the person is not of the hub or the operating group
    """
    slot = take(lifecycle.CLOSE, slot, by=by, at=at, note=note)
    uploads.give_up_all(slot, at=at)
    deadlines.cancel(WINDOW, subject=slot, at=at, by=by, note=note)
    if slot.invitation_id is not None:
        _lapse(Invitation.objects.get(pk=slot.invitation_id), at=at, note=note)
    return slot


def why_over(invitation: Invitation) -> str:
    """Return what was said when an invitation was withdrawn or lapsed; nothing while it is open."""
    ends = (lifecycle.WITHDRAW_INVITATION.event, lifecycle.LAPSE_INVITATION.event)
    line = events_of(invitation).filter(event__in=ends).last()
    return line.note if line else ""


def _lapse(invitation: Invitation, *, at: dt.datetime, note: str) -> None:
    if not invitation.is_open or invitation.slots.exclude(status=SlotStatus.CLOSED).exists():
        return
    _close_to_contact(take(lifecycle.LAPSE_INVITATION, invitation, by=system_user(), at=at, note=note))


def _close_to_contact(invitation: Invitation) -> None:
    """Take the permission back, unless the person was invited to the same project once more."""
    others = Invitation.objects.filter(
        project=invitation.project_id, contact=invitation.contact_id, status__in=INVITED
    )
    if not others.exclude(pk=invitation.pk).exists():
        projects.close_to_person(invitation.project, invitation.contact, [PERMISSION])


def _open_slots(invitation: Invitation) -> list[UploadSlot]:
    return list(invitation.slots.filter(status=SlotStatus.OPEN).order_by("pk"))
