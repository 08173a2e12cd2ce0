"""Downloads: one person's leave, fetched in ranges, counted, confirmed, and deleted again after a recall."""

import datetime as dt
import hmac
from collections.abc import Iterator
from typing import TYPE_CHECKING, Final

from django.db import transaction

from matching import checks, standing
from matching.models import Delivery, DeliveryStatus, Download, Fetch
from p20win import access, policy
from p20win.accounts.public import Role, system_user
from p20win.audit.public import first_in_line
from p20win.clock import state_date
from p20win.custody import public as custody
from p20win.deadlines import public as deadlines
from p20win.projects import public as projects
from p20win.refusal import Blocked
from p20win.workflow import amend, create
from requests_app import public as requests

if TYPE_CHECKING:
    from p20win.accounts.models import User

OPENING: Final = "matching.download_extract"
PATIENCE: Final = 45.0  # seconds for the first byte: what stands between vault and recipient waits sixty
RECEIPT: Final = "receipt-confirmation"
RECALL: Final = "recall-deletion"
STORAGE_RULE: Final = (
    "I will keep these files only where the agreement says, encrypted, and never on a portable device;"
    " a notebook computer counts as one."
)
OWN_LINK_RULE: Final = (
    "My organisation’s own link from real to synthetic ids is destroyed, as it has attested."
)
WHOLE: Final = "received whole"
DELETED: Final = (
    "Every copy of this version that I or a program of mine downloaded is deleted, and so is what was made of"
    " it, from every place where it lay."
)


def rules_for(delivery: Delivery, person: "User") -> list[str]:
    """Return what this person must acknowledge before each download (O-108, O-177)."""
    return [STORAGE_RULE, *([OWN_LINK_RULE] if checks.must_attest(delivery.match, person) else [])]


@transaction.atomic
def begin(delivery: Delivery, *, by: "User", acknowledges: bool, at: dt.datetime) -> Download:
    """Give a person leave to fetch a version, for a day at most (O-74).

    With the first download the recipient has data and key, and its clock to destroy them starts (O-26).

    :raises Blocked: if the window is over, the person may not, or acknowledges not
    """
    first_in_line()
    delivery = Delivery.objects.select_for_update(of=("self",)).select_related("extract").get(pk=delivery.pk)
    if reasons := why_not_begin(delivery, by, at):
        raise Blocked(reasons)
    if not acknowledges:
        raise Blocked("Acknowledge how the files must be kept.")
    ends = at + dt.timedelta(hours=policy.DOWNLOAD_HOURS)
    row = Download(
        delivery=delivery,
        person=by,
        acknowledged="\n".join(rules_for(delivery, by)),
        at=at,
        expires_at=min(ends, (delivery.closes_at or ends) + dt.timedelta(seconds=1)),
        size=_size(delivery),
    )
    is_first = not Download.objects.filter(delivery__project=delivery.project).exists()
    create("extract.downloaded", row, by=by, at=at, details={"first": is_first, "version": delivery.version})
    if is_first:
        _start_destruction(delivery, at=at)
    return row


def why_not_begin(delivery: Delivery, person: "User", at: dt.datetime) -> list[str]:
    """Say why this person cannot begin a download now; an empty list means they can."""
    return [
        *checks.why_not_fetch(delivery, person, at),
        *access.why_not(person, "download", delivery.project, "extract", at),
    ]


def _size(delivery: Delivery) -> int:
    if delivery.extract is None:
        raise Blocked("The extract is not ready.")
    return delivery.extract.plain_bytes or 0


def _start_destruction(delivery: Delivery, *, at: dt.datetime) -> None:
    project = delivery.project
    if deadlines.of_subject(project, "data-destruction").exists():
        return
    deadlines.start(
        "data-destruction",
        subject=project,
        project=project,
        at=at,
        on=requests.destruction_date(project, received_on=state_date(at)),
        waiting_on_role=Role.REQUESTOR,
        waiting_on_organisation=projects.recipient(project),
        where=delivery.match.get_absolute_url(),
    )
    custody.hold_clocks(project, by=system_user(), at=at)


@transaction.atomic
def open_range(download: Download, start: int, stop: int, *, by: "User", at: dt.datetime) -> str:
    """Write down that a range is asked for, and return the token that opens it once, within a minute.

    :raises Blocked: if the download has expired, the version was recalled, or the person may no longer
    """
    row = Fetch(
        download=download, project_id=download.delivery.project_id, start=start, stop=stop, asked_at=at
    )
    create("extract.range_asked", row, by=by, at=at, details={"start": start, "stop": stop})
    return custody.capability(by, OPENING, row, at)


def ticket(download: Download, *, by: "User", at: dt.datetime) -> str:
    """Return a ticket with which a program of this person fetches this one download.

    :raises Blocked: if the download has expired, or the person may no longer
    """
    if reasons := checks.why_not_continue(download, by, at):
        raise Blocked(reasons)
    lasts = min(download.expires_at - at, dt.timedelta(hours=policy.DOWNLOAD_HOURS))
    amend("extract.ticket_given", download, by=by, at=at)
    return custody.ticket(by, OPENING, download, lasts=lasts)


# --- in the vault


def give(fetch: Fetch, person: "User") -> Iterator[bytes]:
    """Give the bytes of a range. In the vault alone, for a capability.

    The whole file is verified before the first byte of a download; a range that follows it is not held up by
    that again, and each segment of it still proves itself before it is given.

    :raises Blocked: if there is no extract
    """
    file = fetch.download.delivery.extract
    if file is None:
        raise Blocked("The extract is not ready.")
    return custody.open_range(file, fetch.start, fetch.stop, within=fetch.download_id, patience=PATIENCE)


@transaction.atomic
def note_given(fetch: Fetch, sent: int, at: dt.datetime) -> None:
    """Write down how much of a range was given; with the last byte the download is complete."""
    first_in_line()
    download = (
        Download.objects.select_for_update(of=("self",))
        .select_related("delivery__project", "delivery__match", "person")
        .get(pk=fetch.download_id)
    )
    by = download.person
    amend("extract.range_given", fetch, by=by, at=at, details={"bytes": sent}, sent=sent, ended_at=at)
    given = [(row.start, row.start + row.sent) for row in download.fetches.all()]
    if download.complete_at is not None or not standing.covers(given, download.size):
        return
    amend("extract.received", download, by=by, at=at, details={"bytes": download.size}, complete_at=at)
    _wait_for_receipt(download, at=at)


def _wait_for_receipt(download: Download, *, at: dt.datetime) -> None:
    """Start the clocks of who received all of a version: to confirm it, and to ask about it (O-75)."""
    delivery = download.delivery
    deadlines.start(
        RECEIPT,
        subject=download,
        project=delivery.project,
        at=at,
        by=download.person,
        waiting_on_person=download.person,
        where=delivery.get_absolute_url(),
    )
    if standing.questions_window(delivery) is None:
        deadlines.start(
            standing.QUESTIONS,
            subject=delivery,
            project=delivery.project,
            at=at,
            by=download.person,
            waiting_on_role=Role.REQUESTOR,
            waiting_on_organisation=projects.recipient(delivery.project),
            where=delivery.get_absolute_url(),
        )


# --- what the recipient says


@transaction.atomic
def confirm_receipt(download: Download, *, digest: str, by: "User", at: dt.datetime) -> Download:
    """Confirm what was received: by the hash one computed, or in words that it is whole.

    :raises Blocked: if it is another's download, not all was given, or the hash is not that of the extract
    """
    if download.person_id != by.pk:
        raise Blocked("Only who downloaded it confirms it.")
    if download.received_at is not None:
        raise Blocked("You have confirmed this download.")
    if download.complete_at is None:
        raise Blocked("Not all of it was fetched yet. Resume the download first.")
    said = "".join(digest.split()).casefold()
    if said and not hmac.compare_digest(said.encode(), download.delivery.digest.encode()):
        raise Blocked(
            "This is not the SHA-256 of the extract, so your file is not whole. Delete it and download again."
        )
    words = f"SHA-256 {said}" if said else WHOLE
    row = amend("extract.receipt_confirmed", download, by=by, at=at, received_at=at, received_as=words)
    deadlines.meet(RECEIPT, subject=download, at=at, by=by)
    return row


@transaction.atomic
def confirm_deletion(delivery: Delivery, *, by: "User", at: dt.datetime) -> list[Download]:
    """Confirm that every copy of a recalled version that one downloaded is deleted.

    :raises Blocked: if it was not recalled, or there is nothing of this person's to delete
    """
    if delivery.status != DeliveryStatus.RECALLED:
        raise Blocked("This version was not recalled.")
    mine = list(delivery.downloads.filter(person=by, deleted_at=None))
    if not mine:
        raise Blocked("You have no copy of this version whose deletion is open.")
    done = [
        amend("extract.copy_deleted", row, by=by, at=at, deleted_at=at, deleted_as=DELETED) for row in mine
    ]
    deadlines.meet(RECALL, subject=delivery, at=at, by=by, person=by)
    return done
