"""The extract: built in the vault from analytical files and key, fetched by approved people in time."""

import csv
import datetime as dt
import io
from collections.abc import Iterator
from typing import TYPE_CHECKING, Final

from django.db import transaction

from matching import checks, layouts, lifecycle, standing
from matching.engine import extract, page
from matching.models import Delivery, DeliveryStatus, Download
from p20win.accounts.public import Role, system_user
from p20win.audit.public import first_in_line
from p20win.clock import state_date
from p20win.custody import public as custody
from p20win.deadlines import public as deadlines
from p20win.projects import public as projects
from p20win.refusal import Blocked
from p20win.workflow import create, take
from requests_app import public as requests

if TYPE_CHECKING:
    from p20win.accounts.models import User
    from p20win.custody.models import SealedFile
    from p20win.jobs.public import RunningJob

OPENING: Final = "matching.download_extract"
WINDOW: Final = "download"
STORAGE_RULE: Final = (
    "I will keep these files only where the agreement says, encrypted, and never on a portable device;"
    " a notebook computer counts as one."
)
OWN_LINK_RULE: Final = (
    "My organisation supplied data to this match. Its own link from real to synthetic ids is destroyed."
)


def build(delivery: Delivery, *, job: "RunningJob", at: dt.datetime) -> Delivery:
    """Build the extract of a match and open its download. In the vault alone; safe to do twice.

    :raises Blocked: if a file of the match is gone or does not fit what was approved
    """
    if delivery.status != DeliveryStatus.PREPARING:
        return delivery
    run = standing.latest_result(delivery.match)
    if run is None or run.crosswalk is None or run.flags is None:
        raise Blocked("There is no result to deliver.")
    job.progress(5, "Opening the key")
    key, flags = (extract.read_key(b"".join(custody.open_bytes(file))) for file in (run.crosswalk, run.flags))
    parts, counts = _parts(delivery), extract.Counts()
    documents = {
        "dictionary.csv": _dictionary(delivery),
        "match-report.html": page.html(run.report or {}).encode(),
    }
    project, by = delivery.project, system_user()
    with transaction.atomic():
        job.hold()
        sealed = custody.seal_bytes(
            project=project,
            organisation=standing.keeper(project),
            destination=projects.recipient(project),
            data_class=custody.DataClass.EXTRACT,
            name=f"extract-{project.number}.zip",
            chunks=extract.stream(key, flags, parts, counts, documents=documents),
            by=by,
            at=at,
            columns=sorted({column for part in parts for column in part.columns}),
        )
        return _make_available(delivery, sealed, parts, counts, by=by, at=at)


def _parts(delivery: Delivery) -> list[extract.Part]:
    parts = []
    for row, file in standing.accepted(delivery.match, custody.DataClass.ANALYTICAL):
        elements = requests.approved_elements(delivery.project, row.agency)
        parts.append(
            extract.Part(
                file=layouts.file_name(row.agency),
                name=f"{row.agency.slug}.csv",
                id_column=layouts.ID_COLUMN,
                columns=tuple(layouts.delivered_columns(elements)),
                pieces=lambda file=file: custody.open_bytes(file),  # type: ignore[misc]
            )
        )
    return parts


def _dictionary(delivery: Delivery) -> bytes:
    """Return what each column of the extract is (O-76)."""
    text = io.StringIO()
    lines = csv.writer(text)
    lines.writerow(["file", "column", "source element", "type", "format", "values", "qualifier"])
    for agency in standing.agencies(delivery.project):
        lines.writerow(
            [f"{agency.slug}.csv", extract.LINK_ID, "made by the hub for this project", "text", "", "", ""]
        )
        for element in requests.approved_elements(delivery.project, agency):
            if not element.is_matching_identifier:
                about = [
                    element.source_element,
                    element.data_type,
                    element.format,
                    element.codes,
                    element.qualifier,
                ]
                lines.writerow([f"{agency.slug}.csv", element.name, *about])
    for row in delivery.match.expected_files.filter(kind=custody.DataClass.IDENTIFIER_LIST):
        lines.writerow([f"{row.agency.slug}.csv", row.flag, "list of a supplier", "boolean", "", "1, 0", ""])
    return text.getvalue().encode()


def _make_available(
    delivery: Delivery,
    sealed: "SealedFile",
    parts: list[extract.Part],
    counts: extract.Counts,
    *,
    by: "User",
    at: dt.datetime,
) -> Delivery:
    contents = [
        {
            "file": part.name,
            "columns": list(part.columns),
            "rows_in": counts.rows[part.file][0],
            "rows_out": counts.rows[part.file][1],
        }
        for part in parts
    ]
    window = deadlines.start(
        WINDOW,
        subject=delivery,
        project=delivery.project,
        at=at,
        by=by,
        waiting_on_role=Role.REQUESTOR,
        waiting_on_organisation=projects.recipient(delivery.project),
        where=delivery.match.get_absolute_url(),
    )
    delivery = take(
        lifecycle.MAKE_AVAILABLE,
        delivery,
        by=by,
        at=at,
        details={"file": str(sealed.pk), "bytes": sealed.plain_bytes},
        extract=sealed,
        contents=contents,
        available_at=at,
        closes_at=window.due_at,
    )
    take(lifecycle.DELIVER, delivery.match, by=by, at=at)
    return delivery


def give(delivery: Delivery, person: "User") -> Iterator[bytes]:
    """Give the extract's bytes. In the vault alone, for a capability.

    :raises Blocked: if there is no extract
    """
    if delivery.extract is None:
        raise Blocked("The extract is not ready.")
    return custody.open_bytes(delivery.extract)


def rules_for(delivery: Delivery, person: "User") -> list[str]:
    """Return what this person must acknowledge before each download (O-108, O-177)."""
    rules = [STORAGE_RULE]
    if checks.supplies_data(delivery.project, person):
        rules.append(OWN_LINK_RULE)
    return rules


@transaction.atomic
def fetch(delivery: Delivery, *, by: "User", acknowledges: bool, at: dt.datetime) -> str:
    """Write a download down and return the token that opens the extract once, within a minute (O-74).

    With the first download the recipient has data and key, and its clock to destroy them starts (O-26).

    :raises Blocked: if the window is over, the person may not, or acknowledges not
    """
    first_in_line()
    delivery = Delivery.objects.select_for_update().get(pk=delivery.pk)
    if not acknowledges:
        raise Blocked("Acknowledge how the files must be kept.")
    token = custody.capability(by, OPENING, delivery, at)
    row = Download(delivery=delivery, person=by, acknowledged="\n".join(rules_for(delivery, by)), at=at)
    is_first = not delivery.downloads.exists()
    create("extract.downloaded", row, by=by, at=at, details={"first": is_first})
    if is_first:
        _start_destruction(delivery, at=at)
    return token


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


def close(delivery: Delivery, *, at: dt.datetime) -> Delivery:
    """Close the download when its time has passed; safe to do twice."""
    if delivery.status != DeliveryStatus.AVAILABLE or standing.is_within_window(delivery, at):
        return delivery
    return take(lifecycle.CLOSE_DELIVERY, delivery, by=system_user(), at=at)
