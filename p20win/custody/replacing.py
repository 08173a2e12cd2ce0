"""Taking an accepted file out of its slot, so that its sender can send another in its place (O-51, O-70).

From that moment nothing opens it any more. The vault removes what lies of it; a legal hold makes it wait.
"""

import datetime as dt
from typing import TYPE_CHECKING

from django.db import transaction

from p20win.audit.public import events_of, first_in_line
from p20win.custody import lifecycle, removal
from p20win.custody.models import FileStatus, SealedFile, UploadSlot
from p20win.refusal import Blocked
from p20win.workflow import take

if TYPE_CHECKING:
    from p20win.accounts.models import User
    from p20win.audit.models import Event

REOPENED = lifecycle.REOPEN.event


@transaction.atomic
def send_again(
    slot: UploadSlot, *, closes_at: dt.datetime, reason: str, by: "User", at: dt.datetime
) -> SealedFile:
    """Close the file that a slot holds for good, and open the slot for another; return the file.

    The caller has decided that it may be done, and gives the vault the ground to remove it.

    :raises Blocked: if the slot holds no file, or the person is not of the hub or the operating group
    """
    first_in_line()
    file = slot.files.filter(status=FileStatus.ACCEPTED).first()
    if file is None:
        raise Blocked("No file was accepted here.")
    file = take(lifecycle.SET_ASIDE, file, by=by, at=at, note=reason)
    details = {"file": str(file.pk), "closes_at": closes_at.isoformat()}
    take(
        lifecycle.REOPEN,
        slot,
        by=by,
        at=at,
        note=reason,
        details=details,
        opens_at=at,
        closes_at=closes_at,
        opening_told_at=at,  # its desk tells of it
        lateness_told_at=None,
    )
    removal.ask_removal(file, by=by)
    return file


def reopened(slot: UploadSlot) -> "list[Event]":
    """Return when a slot was opened again, by whom and why."""
    return list(events_of(slot).filter(event=REOPENED))
