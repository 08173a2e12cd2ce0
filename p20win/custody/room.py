"""Whether there is room for what is sent: on the disk, and in what its organisation may keep here (T25).

An organisation's room is one for all its projects, as the disk is one: counted by project, who takes part in
many of them could fill it through each. Counted is what the organisation sent: a file until it is refused or
destroyed, an upload from its beginning with the length that was announced. What the hub makes is not.
"""

import datetime as dt
import shutil
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from django.conf import settings
from django.db import transaction
from django.db.models import Case, F, Q, QuerySet, Sum, When
from django.db.models.functions import Coalesce
from django.template.defaultfilters import filesizeformat

from p20win.accounts.public import Organisation, is_operating_group
from p20win.audit.public import first_in_line
from p20win.custody.models import Allowance, FileStatus, SealedFile, Upload
from p20win.refusal import Blocked
from p20win.workflow import amend, create

if TYPE_CHECKING:
    from p20win.accounts.models import User

FOR_EACH: Final = 2.2  # sealed pieces, and the container made from them, lie on the disk together
SHORT_FROM: Final = 90  # per cent of an organisation's room: from there on the health page names it
HELD: Final = (FileStatus.ARRIVED, FileStatus.ACCEPTED, FileStatus.SET_ASIDE)
_SENT: Final = Coalesce("plain_bytes", "received_bytes")
_RESERVED: Final = Case(When(is_measured=True, then=F("length")), default=F("offset"))


class NoRoom(Blocked):
    """There is no room for the file. Nothing of it was kept; the slot stays open."""

    def __init__(self, why: str = "") -> None:
        """Say so."""
        super().__init__(
            why or "The portal has no room for this file now. Tell the hub; the slot stays open."
        )


@dataclass(frozen=True)
class Room:
    """What an organisation may keep at the hub at a time, and what of it is taken; in bytes."""

    organisation: Organisation
    most: int
    taken: int

    @property
    def left(self) -> int:
        """Return what can still be sent."""
        return max(0, self.most - self.taken)

    @property
    def percent(self) -> int:
        """Return how much is taken, rounded down."""
        return 100 * self.taken // self.most

    @property
    def is_short(self) -> bool:
        """Say whether little is left."""
        return 100 * self.taken >= SHORT_FROM * self.most

    def expect(self, size: int) -> None:
        """Make sure that so many bytes more fit.

        :raises NoRoom: saying what is taken, what is allowed, and what to do
        """
        if size <= self.left:
            return
        name = self.organisation.short_name
        raise NoRoom(
            f"The portal keeps at most {said(self.most)} of what {name} sends, all requests together. "
            f"{said(self.taken)} are taken, and this takes {said(size)}: "
            f"{said(self.taken + size - self.most)} too much. Give up an upload that is not needed, wait "
            f"until older files are destroyed, or ask the operating group for more room for {name}. "
            "The slot stays open."
        )


def on_disk(size: int) -> None:
    """Make sure that the disk can take so many bytes more. :raises NoRoom: if it cannot"""
    if free_on_disk() < size:
        raise NoRoom


def free_on_disk() -> int:
    """Return how many bytes are free where files are sealed."""
    media = Path(settings.P20WIN_MEDIA)
    with suppress(FileExistsError):
        media.mkdir(mode=0o700, parents=True)
    return shutil.disk_usage(media).free


def of(organisation: Organisation) -> Room:
    """Return the room of an organisation."""
    return of_each([organisation])[0]


def of_each(organisations: Sequence[Organisation]) -> list[Room]:
    """Return the room of each of these organisations."""
    rows = Allowance.objects.filter(organisation__in=organisations)
    most = dict(rows.values_list("organisation_id", "most_bytes"))
    held = _sums(SealedFile.objects.filter(status__in=HELD), organisations, _SENT)
    coming = _sums(Upload.objects.all(), organisations, _RESERVED)
    return [
        Room(each, most.get(each.pk, usual()), held.get(each.pk, 0) + coming.get(each.pk, 0))
        for each in organisations
    ]


def usual() -> int:
    """Return the room of an organisation of which nothing else was said."""
    return int(settings.P20WIN_ORGANISATION_ROOM_GB) << 30


def _sums(rows: QuerySet[Any], organisations: Sequence[Organisation], size: Any) -> dict[Any, int]:
    sent = rows.filter(slot__supplier__in=organisations).order_by().values("slot__supplier")
    return {
        pk: int(total) for pk, total in sent.annotate(total=Sum(size)).values_list("slot__supplier", "total")
    }


def claim(organisation: Organisation, size: int) -> None:
    """Make sure that an organisation can send so many bytes more, until this transaction ends.

    Of two at once the second waits here, and counts what the first has taken.

    :raises NoRoom: saying what is taken, what is allowed, and what to do
    """
    first_in_line()
    of(organisation).expect(size)


def said(size: int) -> str:
    """Return a number of bytes in words."""
    return filesizeformat(size).replace("\xa0", " ")


@transaction.atomic
def allow(
    organisation: Organisation, gigabytes: int, *, reason: str, by: "User", at: dt.datetime
) -> Allowance:
    """Give an organisation other room than the usual. What lies there stays, if it is more than that.

    :raises Blocked: if the person may not, it is none, or no reason is given
    """
    reasons = [why for why in [is_operating_group(organisation, by)] if why]
    if gigabytes < 1:
        reasons.append("Give at least one gigabyte.")
    if not reason.strip():
        reasons.append("Say why.")
    if reasons:
        raise Blocked(reasons)
    first_in_line()
    said: dict[str, Any] = {"most_bytes": gigabytes << 30, "reason": reason.strip()}
    said |= {"changed_by": by, "changed_at": at}
    details = {"organisation": organisation.slug, "most_bytes": gigabytes << 30}
    row = Allowance.objects.filter(organisation=organisation).first()
    if row is None:
        row = Allowance(organisation=organisation, **said)
        return create("allowance.set", row, by=by, at=at, note=reason.strip(), details=details)
    return amend("allowance.set", row, by=by, at=at, note=reason.strip(), details=details, **said)


def senders() -> QuerySet[Organisation]:
    """Return the organisations that were ever asked for a file, by name."""
    asked = Q(upload_slots__isnull=False) | Q(allowance__isnull=False)
    return Organisation.objects.filter(asked).distinct().order_by("short_name")


def state() -> tuple[bool, str]:
    """Say whether every sender has room, and how much the disk has, for the health page."""
    short = [room for room in of_each(list(senders())) if room.is_short]
    disk = f"{said(free_on_disk())} free on the disk of sealed files"
    if short:
        named = ", ".join(f"{room.organisation.short_name} ({room.percent} %)" for room in short)
        return False, f"Little is left of the room of {named}; {disk}. See “Room of the senders” below."
    return True, f"{disk}; every sender has room"
