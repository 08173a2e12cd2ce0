"""When and how a request's files are sent: windows moved with a reason, what was agreed, who is told."""

import datetime as dt
from typing import TYPE_CHECKING, Any, Final

from django.db import transaction
from django.urls import reverse

from p20win import policy
from p20win.accounts.public import Role, any_of, is_operating_group, system_user
from p20win.audit.public import events_of
from p20win.calendar import local_date
from p20win.custody import checks
from p20win.custody.models import DataClass, Encryption, FileStatus, SendingTerms, SlotStatus, UploadSlot
from p20win.deadlines import public as deadlines
from p20win.refusal import Blocked
from p20win.workflow import amend, create

if TYPE_CHECKING:
    from django.db.models import QuerySet

    from p20win.accounts.models import User
    from p20win.audit.models import Event
    from p20win.projects.models import Project

WINDOW: Final = "transmission-window"
MOVED: Final = "slot.rescheduled"
_may_arrange = any_of(is_operating_group, checks.is_of_the_hub)


def why_not_arrange(slot: UploadSlot, person: "User") -> list[str]:
    """Say why this person does not set when and how this file is sent."""
    if why := _may_arrange(slot, person):
        return [why]
    if slot.status == SlotStatus.OPEN:
        return []
    return [f"Not possible while the status is “{slot.get_status_display()}”."]


@transaction.atomic
def reschedule(
    slot: UploadSlot,
    *,
    opens_at: dt.datetime,
    closes_at: dt.datetime,
    reason: str,
    by: "User",
    at: dt.datetime,
) -> UploadSlot:
    """Move the window in which a file can be sent; its clock moves along, and the senders are told.

    :raises Blocked: if the person may not, the file is there, the window is none, or no reason is given
    """
    reasons = why_not_arrange(slot, by)
    if closes_at <= max(opens_at, at):
        reasons.append("The window must end after it opens, and not in the past.")
    if not reason.strip():
        reasons.append("Say why. The senders read it.")
    if reasons:
        raise Blocked(reasons)
    details = {
        "opens_at": opens_at.isoformat(),
        "closes_at": closes_at.isoformat(),
        "opened_at": slot.opens_at.isoformat(),
        "closed_at": slot.closes_at.isoformat(),
    }
    told = at if opens_at <= at else None
    slot = amend(
        MOVED,
        slot,
        by=by,
        at=at,
        note=reason.strip(),
        details=details,
        opens_at=opens_at,
        closes_at=closes_at,
        opening_told_at=told,
        lateness_told_at=None,
    )
    _move_clock(slot, reason=reason.strip(), by=by, at=at)
    return slot


def wait_for(slot: UploadSlot, *, by: "User", at: dt.datetime, on: dt.date | None = None) -> None:
    """Start the clock by which a file is sent: for the stewards of its agency, or for who was invited.

    That of an invited person belongs to no project, as they see none.
    """
    invitation = slot.invitation
    whom: dict[str, Any] = {"waiting_on_role": Role.DATA_STEWARD, "waiting_on_organisation": slot.supplier}
    if invitation is not None:
        whom = {"waiting_on_person": invitation.contact}
    deadlines.start(
        WINDOW,
        subject=slot,
        project=None if invitation else slot.project,
        at=at,
        by=by,
        on=on,
        where=reverse("custody:slot", args=[slot.pk]),
        **whom,
    )


def _move_clock(slot: UploadSlot, *, reason: str, by: "User", at: dt.datetime) -> None:
    if not deadlines.of_subject(slot, WINDOW).exists():  # this file never had one
        return
    running = deadlines.alive(WINDOW, slot)
    if not running or slot.closes_at <= running[0].due_at:
        deadlines.cancel(WINDOW, slot, at=at, by=by, note=reason)
        longest = deadlines.due(policy.TRANSMISSION_WINDOW, start=at).at
        wait_for(slot, by=by, at=at, on=local_date(min(slot.closes_at, longest)))
        running = deadlines.alive(WINDOW, slot)
    if slot.closes_at > running[0].due_at:
        deadlines.extend(
            WINDOW,
            slot,
            until=slot.closes_at,
            basis=deadlines.Basis.OPERATING_GROUP,
            reference=reason,
            at=at,
            by=by,
        )


def follow_window(deadline: deadlines.Deadline, by: "User", at: dt.datetime) -> None:
    """Close the window on the day to which its clock was moved from elsewhere, as by a new closed day."""
    slot = UploadSlot.objects.get(pk=deadline.subject_id)
    if local_date(slot.closes_at) == local_date(deadline.due_at) or deadline.due_at <= slot.opens_at:
        return  # a window moved by hand keeps its hour; its clock runs to the end of that day
    details = {"opens_at": slot.opens_at.isoformat(), "opened_at": slot.opens_at.isoformat()}
    details |= {"closes_at": deadline.due_at.isoformat(), "closed_at": slot.closes_at.isoformat()}
    amend(
        MOVED,
        slot,
        by=by,
        at=at,
        note="The clock of the window was moved.",
        details=details,
        closes_at=deadline.due_at,
        lateness_told_at=None,
    )


def moves(slot: UploadSlot) -> "list[Event]":
    """Return how a slot's window came to be what it is: each move, with who and why."""
    return list(events_of(slot).filter(event=MOVED))


@transaction.atomic
def agree_encryption(
    project: "Project", encryption: str, *, reason: str, by: "User", at: dt.datetime
) -> SendingTerms:
    """Write down where the files of a request are encrypted, as its parties agreed (O-58).

    :raises Blocked: if the person may not, or does not say where it was agreed
    """
    if why := _may_arrange(project, by):
        raise Blocked(why)
    if not reason.strip():
        raise Blocked("Say where the parties agreed on it.")
    said: dict[str, Any] = {"encryption": Encryption(encryption), "reason": reason.strip()}
    said |= {"changed_by": by, "changed_at": at}
    details = {"encryption": encryption}
    row = SendingTerms.objects.filter(project=project).first()
    if row is None:
        row = SendingTerms(project=project, **said)
        return create("sending_terms.agreed", row, by=by, at=at, note=reason.strip(), details=details)
    return amend("sending_terms.agreed", row, by=by, at=at, note=reason.strip(), details=details, **said)


def tell(*, at: dt.datetime) -> int:
    """Tell senders that a window is open, or over without a file. Say how many; safe to repeat."""
    return _tell_of_opening(at) + _tell_of_lateness(at)


def _tell_of_opening(at: dt.datetime) -> int:
    rows = _expected().filter(opening_told_at=None, opens_at__lte=at, closes_at__gt=at)
    for slot in rows:
        amend("slot.window_opened", slot, by=system_user(), at=at, opening_told_at=at)
    return len(rows)


def _tell_of_lateness(at: dt.datetime) -> int:
    rows = _expected().filter(lateness_told_at=None, closes_at__lte=at)
    late = rows.exclude(files__status__in=[FileStatus.ARRIVED, FileStatus.ACCEPTED])
    for slot in late:
        details = {"closes_at": slot.closes_at.isoformat(), "supplier": slot.supplier.slug}
        amend("slot.late", slot, by=system_user(), at=at, details=details, lateness_told_at=at)
    return len(late)


def _expected() -> "QuerySet[UploadSlot]":
    """Return the slots whose file somebody waits for: outputs come when their authors like."""
    rows = UploadSlot.objects.filter(status=SlotStatus.OPEN).exclude(data_class=DataClass.OUTPUT)
    return rows.select_related("project", "supplier")
