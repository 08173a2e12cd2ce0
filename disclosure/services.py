"""Acts on outputs: submit, send, clear, return, release, withdraw; and what the vault gives of them."""

import datetime as dt
import hashlib
from collections.abc import Iterable, Iterator, Mapping
from typing import TYPE_CHECKING, Any, Final

from django.db import transaction

from disclosure import (
    checks,
    lifecycle,
    package,
    people,
    standing,
    submissions,
    workbooks,
)
from disclosure.models import POINTS, Clearance, Material, Output, OutputCheck
from disclosure.standing import CHECK_JOB
from p20win.accounts.public import Role
from p20win.audit.public import first_in_line
from p20win.clock import state_date
from p20win.custody import public as custody
from p20win.deadlines import public as deadlines
from p20win.jobs import public as jobs
from p20win.projects.public import Project
from p20win.refusal import Blocked
from p20win.workflow import amend, create, take

if TYPE_CHECKING:
    from p20win.accounts.models import Organisation, User
    from p20win.custody.models import UploadSlot
    from requests_app.models import PlannedOutput

LOOK: Final = "disclosure.look"
PACKAGE: Final = "disclosure.package"
REVIEW_CLOCK: Final = "prepublication-review"
CLEARANCE_CLOCK: Final = "output-clearance"
COPY_CLOCK: Final = "published-copy"
LARGEST: Final = 5 * 1024 * 1024
_SLOT_OPEN: Final = dt.timedelta(hours=1)


@transaction.atomic
def submit(
    project: "Project",
    *,
    title: str,
    population: str,
    period: str,
    extracted_on: dt.date,
    planned: "PlannedOutput | None" = None,
    material: str = Material.REPORT,
    stands: people.Answers | None = None,
    frozen_as: Output | None = None,
    goes_with: Output | None = None,
    name: str,
    content: Iterable[bytes],
    is_trial: bool = False,
    by: "User",
    at: dt.datetime,
) -> Output:
    """Submit tables for review: sealed as they arrive, checked at once.

    :raises Blocked: if this person may not, or the file cannot be taken
    """
    output = begin(
        project,
        title=title,
        population=population,
        period=period,
        extracted_on=extracted_on,
        planned=planned,
        material=material,
        stands=stands,
        frozen_as=frozen_as,
        goes_with=goes_with,
        is_trial=is_trial,
        by=by,
        at=at,
    )
    custody.receive(content, output.slot, by=by, name=name, at=at)
    return output


def begin(
    project: "Project",
    *,
    title: str,
    population: str,
    period: str,
    extracted_on: dt.date,
    planned: "PlannedOutput | None" = None,
    material: str = Material.REPORT,
    stands: people.Answers | None = None,
    frozen_as: Output | None = None,
    goes_with: Output | None = None,
    is_trial: bool = False,
    by: "User",
    at: dt.datetime,
) -> Output:
    """Begin an output that waits for its file.

    `stands` says how a population, or a period, that is new in the project stands to those named already;
    `frozen_as` is an output made from the same data, which nobody changed since; `goes_with` one of the
    package that it belongs to.

    :raises Blocked: if this person may not submit, or the data are not extracted yet
    """
    if reasons := checks.why_not_submit(project, by, at):
        raise Blocked(reasons)
    if extracted_on > state_date(at):
        raise Blocked("The day of extraction lies ahead.")
    if any(other is not None and other.project_id != project.pk for other in (frozen_as, goes_with)):
        raise Blocked("That output is of another project.")
    people.say_of_new(project, population=population, period=period, stands=stands or {}, by=by, at=at)
    output = Output(
        project=project,
        author=by,
        planned=planned,
        title=title,
        material=material,
        is_trial=is_trial,
        population=" ".join(population.split()),
        period=" ".join(period.split()),
        extracted_on=extracted_on,
        frozen_as=frozen_as,
        submission=submissions.joined(goes_with, by=by, at=at) if goes_with else None,
        slot=_slot(project, title, by=by, at=at),
        status_since=at,
    )
    event = "output.tried" if is_trial else "output.submitted"
    details = {"extracted_on": extracted_on} | ({"frozen_as": str(frozen_as.pk)} if frozen_as else {})
    return create(event, output, by=by, at=at, details=details)


def _slot(project: "Project", title: str, *, by: "User", at: dt.datetime) -> "UploadSlot":
    if by.organisation is None:
        raise Blocked("You belong to no organisation.")
    return custody.open_slot(
        project=project,
        supplier=by.organisation,
        kind=custody.DataClass.OUTPUT,
        title=title,
        spec={"largest": LARGEST},
        closes_at=at + _SLOT_OPEN,
        on_accepted=CHECK_JOB,
        on_refused="disclosure.file_refused",
        by=by,
        at=at,
    )


@transaction.atomic
def send_new_file(
    output: Output, *, name: str, content: Iterable[bytes], by: "User", at: dt.datetime
) -> Output:
    """Send a corrected file: a new round, with all votes open again.

    :raises Blocked: if it is not the author, or the output is not theirs to change now
    """
    slot = _slot(output.project, output.title, by=by, at=at)
    output = take(
        lifecycle.SEND_NEW_FILE,
        output,
        by=by,
        at=at,
        slot=slot,
        round=output.round + 1,
        sent_at=None,
        not_before=None,
    )
    custody.receive(content, slot, by=by, name=name, at=at)
    return output


@transaction.atomic
def check_again(output: Output, *, by: "User", at: dt.datetime) -> Output:
    """Have the same file checked again, beside what went ahead meanwhile.

    :raises Blocked: if it is not the author, or the output is not checked
    """
    output = take(lifecycle.CHECK_AGAIN, output, by=by, at=at)
    file = output.slot.files.get(status=custody.FileStatus.ACCEPTED)
    jobs.after_commit(CHECK_JOB, project_id=output.project_id, asked_by_id=by.pk, file_id=file.pk)
    return output


@transaction.atomic
def send_to_agencies(output: Output, *, by: "User", at: dt.datetime) -> Output:
    """Start the agencies' review and its clocks (O-77, O-82), of all that goes with the output.

    :raises Blocked: if it is not the author's, not protected, or another output went ahead meanwhile
    """
    first_in_line()
    Project.objects.select_for_update().get(
        pk=output.project_id
    )  # one package at a time, each seen by the next
    return {each.pk: _send(each, by=by, at=at) for each in submissions.not_sent(output)}[output.pk]


def _send(output: Output, *, by: "User", at: dt.datetime) -> Output:
    not_before = deadlines.due(deadlines.clock_of(REVIEW_CLOCK).rule, start=at).at
    output = take(lifecycle.SEND, output, by=by, at=at, sent_at=at, not_before=not_before)
    deadlines.start(REVIEW_CLOCK, subject=output, project=output.project, at=at, by=by)
    for party in standing.expected_parties(output):
        ask_party(output, party, by=by, at=at)
    return output


def ask_party(output: Output, party: "Organisation", *, by: "User", at: dt.datetime) -> None:
    """Ask a party for its word on an output, unless it is asked already, and start its clock."""
    if standing.clearances(output).filter(organisation=party).exists():
        return
    found = standing.latest_check(output)
    row = Clearance(output=output, round=output.round, organisation=party, found=found)
    create("clearance.asked", row, by=by, at=at, details={"organisation": party.slug})
    deadlines.start(
        CLEARANCE_CLOCK,
        subject=output,
        project=output.project,
        at=at,
        by=by,
        waiting_on_role=Role.OPERATING_GROUP if party.is_operating_group else Role.DATA_STEWARD,
        waiting_on_organisation=party,
    )


@transaction.atomic
def clear(
    output: Output, *, points: Mapping[str, bool], by: "User", at: dt.datetime, comment: str = ""
) -> Output:
    """Confirm an output in writing for one's organisation, on all five points (O-82); each has one vote.

    :raises Blocked: if a point is missing, or this person may not speak now
    """
    first_in_line()
    output = Output.objects.select_for_update().get(pk=output.pk)
    reasons = checks.why_not_clear(output, by, at)
    if any(points.get(point) is not True for point in POINTS):
        reasons.append("Confirm all five points, or return the output with a comment.")
    if reasons:
        raise Blocked(reasons)
    row = checks.vote_of(output, by)
    said: dict[str, Any] = dict.fromkeys(POINTS, True)
    said |= {"cleared_at": at, "decided_by": by, "comment": comment}
    details = {"organisation": row.organisation.slug, "points": sorted(POINTS)}
    amend("clearance.given", row, by=by, at=at, details=details, **said)
    deadlines.meet(CLEARANCE_CLOCK, output, at=at, by=by, organisation=row.organisation)
    return output


@transaction.atomic
def clear_all(
    outputs: Iterable[Output], *, points: Mapping[str, bool], by: "User", at: dt.datetime, comment: str = ""
) -> None:
    """Confirm several outputs that one read together, each on all five points (O-82).

    :raises Blocked: if one of them cannot be; then none is
    """
    for output in outputs:
        clear(output, points=points, comment=comment, by=by, at=at)


@transaction.atomic
def return_to_author(output: Output, *, comment: str, by: "User", at: dt.datetime) -> Output:
    """Return an output with a comment, also after clearing it; its clocks stop.

    :raises Blocked: if there is no comment, or this person may not speak now
    """
    first_in_line()
    output = Output.objects.select_for_update().get(pk=output.pk)
    reasons = checks.why_not_return(output, by, at)
    if not comment.strip():
        reasons.append("Say what must change.")
    if reasons:
        raise Blocked(reasons)
    row = checks.vote_of(output, by)
    details = {"organisation": row.organisation.slug}
    said: dict[str, Any] = dict.fromkeys(POINTS, False)
    said |= {"cleared_at": None, "returned_at": at, "decided_by": by, "comment": comment}
    amend("clearance.refused", row, by=by, at=at, details=details, **said)
    output = take(lifecycle.RETURN, output, by=by, at=at, details=details)
    _stop_clocks(output, by=by, at=at)
    return output


@transaction.atomic
def withdraw(output: Output, *, by: "User", at: dt.datetime, note: str = "") -> Output:
    """Withdraw an output that is not released.

    :raises Blocked: if it is, or by anyone but the author and the operating group
    """
    output = take(lifecycle.WITHDRAW, output, by=by, at=at, note=note)
    _stop_clocks(output, by=by, at=at)
    return output


def _stop_clocks(output: Output, *, by: "User", at: dt.datetime) -> None:
    for slug in (REVIEW_CLOCK, CLEARANCE_CLOCK):
        deadlines.cancel(slug, output, at=at, by=by)


@transaction.atomic
def release(output: Output, *, by: "User", at: dt.datetime) -> Output:
    """Release the audited tables: every party cleared, and the business days are over (O-77, O-82).

    :raises Blocked: naming who or what is missing
    """
    tables = standing.clean_tables(output)
    details: dict[str, Any] = {"tables": {table.name: table.digest for table in tables}}
    found = standing.latest_check(output)
    if (workbook := standing.workbook_of(found) if found else None) and workbook.digest:
        details["workbook"] = workbook.digest
    output = take(lifecycle.RELEASE, output, by=by, at=at, details=details, released_at=at)
    deadlines.meet(REVIEW_CLOCK, output, at=at, by=by)
    deadlines.start(
        COPY_CLOCK, subject=output, project=output.project, at=at, by=by, waiting_on_person=output.author
    )
    return output


@transaction.atomic
def note_review_time_over(output: Output, *, by: "User", at: dt.datetime) -> Output:
    """Tell the operating group that an output may be released, if nothing else is in its way."""
    first_in_line()
    still = Output.objects.select_for_update().get(pk=output.pk)
    if still.status not in lifecycle.RELEASE.sources or checks.every_party_clears(still, by):
        return still
    return amend("output.may_be_released", still, by=by, at=at)


# --- what the vault gives


def give_sheet(found: OutputCheck, person: "User") -> Iterator[bytes]:
    """Give what a check says of single cells. In the vault alone."""
    return custody.open_bytes(found.sheet)


def give_package(output: Output, person: "User") -> Iterator[bytes]:
    """Give the release package: the audited bytes, the audit record, the acknowledgement. In the vault alone.

    :raises Broken: if the bytes are not those that were audited
    """
    found = standing.latest_check(output)
    tables = []
    for table in standing.clean_tables(output):
        content = b"".join(custody.open_bytes(table.file))
        if hashlib.sha256(content).hexdigest() != table.digest:
            raise custody.Broken("The table is not the one that was audited.")
        tables.append((table, content))
    if found is None or not tables:
        raise custody.NotOpenable("There is nothing to hand out.")
    return iter([package.build(output, found, tables, workbooks.opened(standing.workbook_of(found)))])


def look(found: OutputCheck, *, by: "User", at: dt.datetime) -> bytes:
    """Fetch a check's sheet through the vault, for one page; it is kept nowhere.

    :raises Blocked: if this person may not see it, or the vault does not answer
    """
    return b"".join(custody.relay(custody.capability(by, LOOK, found, at)))


def fetch_package(output: Output, *, by: "User", at: dt.datetime) -> Iterator[bytes]:
    """Fetch the release package through the vault.

    :raises Blocked: if it is not released, or this person may not have it
    """
    return custody.relay(custody.capability(by, PACKAGE, output, at))
