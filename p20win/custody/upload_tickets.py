"""Upload tickets: a person lets a program send one slot's file for some hours, as with `curl`."""

import datetime as dt
import secrets
from hashlib import sha256
from typing import TYPE_CHECKING, Final

from django.http import HttpRequest

from p20win import clock, policy
from p20win.custody import checks
from p20win.custody.models import UploadSlot, UploadTicket
from p20win.refusal import Blocked
from p20win.workflow import amend, create

if TYPE_CHECKING:
    from p20win.accounts.models import User

PREFIX: Final = "p20t_"  # so that a ticket in the wrong place is known for what it is
_SCHEME: Final = "bearer"


def issue(
    slot: UploadSlot, *, hours: int, by: "User", at: dt.datetime, now: dt.datetime
) -> tuple[UploadTicket, str]:
    """Issue a ticket; return its row and the ticket itself, which is shown once.

    `at` is the portal's time, by which the slot is open; `now` the real one, by which the ticket lapses.

    :raises Blocked: if this person cannot send to this slot now, or asks for too long
    """
    if reasons := checks.why_not_send(slot, by, at):
        raise Blocked(reasons)
    if not 1 <= hours <= policy.UPLOAD_TICKET_HOURS:
        raise Blocked(f"A ticket holds for 1 to {policy.UPLOAD_TICKET_HOURS} hours.")
    token = PREFIX + secrets.token_urlsafe(32)
    row = UploadTicket(
        slot=slot,
        person=by,
        token_digest=_digest(token),
        issued_at=now,
        expires_at=now + dt.timedelta(hours=hours),
    )
    return create("upload_ticket.issued", row, by=by, at=at, details={"hours": hours}), token


def revoke(ticket: UploadTicket, *, by: "User", at: dt.datetime, now: dt.datetime) -> UploadTicket:
    """Let a ticket send nothing any more.

    :raises Blocked: if it was revoked before
    """
    if ticket.revoked_at:
        raise Blocked("This ticket was revoked before.")
    return amend("upload_ticket.revoked", ticket, by=by, at=at, revoked_at=now)


def good_ones(slot: UploadSlot, *, now: dt.datetime) -> list[UploadTicket]:
    """Return the tickets by which somebody's program may send to this slot now."""
    rows = slot.tickets.filter(revoked_at=None, expires_at__gt=now)
    return list(rows.select_related("person"))


def shown(request: HttpRequest) -> UploadTicket | None:
    """Return the ticket that a request shows, if it is good now."""
    scheme, _, token = request.headers.get("Authorization", "").partition(" ")
    if scheme.casefold() != _SCHEME or not token.startswith(PREFIX):
        return None
    rows = UploadTicket.objects.select_related("slot__project", "slot__supplier", "person__organisation")
    row = rows.filter(token_digest=_digest(token.strip())).first()
    return row if row and not checks.why_not_ticket(row, clock.real_now()) else None


def _digest(token: str) -> str:
    return sha256(token.encode()).hexdigest()
