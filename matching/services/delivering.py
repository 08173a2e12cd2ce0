"""The extract: built in the vault by the form that was agreed, opened for download, closed in time."""

import datetime as dt
from typing import TYPE_CHECKING, Any, Final

from django.db import transaction

from matching import checks, lifecycle, logged, standing
from matching.engine import extract
from matching.engine.errors import BadInput
from matching.models import Delivery, DeliveryStatus, DeliveryTerms, Match, MatchStatus
from matching.services import packing, promising, removing
from matching.services.choosing import LIMITS, wait_for_the_parties
from p20win.accounts.public import Role, system_user
from p20win.audit.public import first_in_line
from p20win.custody import public as custody
from p20win.deadlines import public as deadlines
from p20win.jobs import public as jobs
from p20win.projects import public as projects
from p20win.refusal import Blocked
from p20win.workflow import amend, create, take

if TYPE_CHECKING:
    from p20win.accounts.models import User
    from p20win.custody.models import SealedFile
    from p20win.jobs.public import RunningJob

WINDOW: Final = "download"


@transaction.atomic
def describe(match: Match, *, limitations: str, by: "User", at: dt.datetime) -> DeliveryTerms:
    """Write what the recipient must know of the result's limits; nobody agrees to it before (O-76).

    So the extract can be built as soon as the last party agrees, whatever clock the inputs have (O-107).
    Where a match was signed off without, its extract is built now.

    :raises Blocked: if there is no result, the person is not of the hub, or nothing is written
    """
    if reasons := checks.why_not_describe(match, by):
        raise Blocked(reasons)
    if not limitations.strip():
        raise Blocked("Write what the recipient must know. If you know of no limits, say so.")
    terms = amend(
        "match.limitations_written", standing.terms(match), by=by, at=at, limitations=limitations.strip()
    )
    deadlines.meet(LIMITS, subject=match, at=at, by=by)
    run = standing.latest_result(match)
    if match.status == MatchStatus.LINKED and run is not None:
        wait_for_the_parties(run, by=by, at=at)
    waiting = match.deliveries.filter(status=DeliveryStatus.PREPARING).first()
    if waiting is not None:
        _ask_for_build(waiting, by=by)
    return terms


@transaction.atomic
def prepare(match: Match, *, reason: str = "", by: "User", at: dt.datetime) -> Delivery:
    """Begin a version of the extract; it is built once the hub has described the limits of the result."""
    first_in_line()
    last = Delivery.objects.filter(project=match.project).order_by("-version").first()
    terms = standing.terms(match)
    delivery = Delivery(
        match=match,
        project=match.project,
        version=last.version + 1 if last else 1,
        form=terms.form,
        reason=reason or ("The match was done again." if last else ""),
        status_since=at,
    )
    create("extract.asked", delivery, by=by, at=at, details={"version": delivery.version, "form": terms.form})
    if terms.limitations:
        _ask_for_build(delivery, by=by)
    return delivery


def _ask_for_build(delivery: Delivery, *, by: "User") -> None:
    jobs.after_commit(
        "matching.build_extract",
        project_id=delivery.project_id,
        asked_by_id=by.pk,
        delivery_id=delivery.pk,
    )


def build(delivery: Delivery, *, job: "RunningJob", at: dt.datetime) -> Delivery:
    """Build a version of the extract and open its download. In the vault alone; safe to do twice.

    :raises Blocked: if a file of the match is gone or does not fit what was approved, or an identifier was
        about to leave
    """
    if delivery.status != DeliveryStatus.PREPARING:
        return delivery
    run = standing.latest_result(delivery.match)
    if run is None or run.crosswalk is None or run.flags is None:
        raise Blocked("There is no result to deliver.")
    limitations = standing.terms(delivery.match).limitations
    if not limitations:
        raise Blocked("The hub has not described the limits of the result.")
    job.progress(5, "Opening the key")
    with custody.open_only(delivery.project_id, custody.DataClass.KEY):
        key, flags = [
            extract.read_key(b"".join(custody.open_bytes(file))) for file in (run.crosswalk, run.flags)
        ]
    job.progress(20, "Putting the files together")
    parts, counts = packing.parts(delivery, run), extract.Counts()
    by, number = system_user(), delivery.project.number
    try:
        with transaction.atomic():
            job.hold()
            sealed = custody.seal_bytes(
                project=delivery.project,
                organisation=standing.keeper(delivery.project),
                destination=projects.recipient(delivery.project),
                data_class=custody.DataClass.EXTRACT,
                name=f"extract-{number}-v{delivery.version}.zip",
                chunks=extract.stream(
                    key,
                    flags,
                    parts,
                    counts,
                    papers=lambda done: packing.papers(delivery, run, done, at=at),
                ),
                by=by,
                at=at,
                columns=sorted({column for part in parts for column in part.columns}),
            )
            return _make_available(delivery, sealed, counts, limitations=limitations, by=by, at=at)
    except BadInput as problem:
        raise Blocked(str(problem)) from None


def _make_available(
    delivery: Delivery,
    sealed: "SealedFile",
    counts: extract.Counts,
    *,
    limitations: str,
    by: "User",
    at: dt.datetime,
) -> Delivery:
    contents = packing.contents(delivery, counts)
    changes = _give_way(delivery, contents, limitations=limitations, by=by, at=at)
    window = deadlines.start(
        WINDOW,
        subject=delivery,
        project=delivery.project,
        at=at,
        by=by,
        waiting_on_role=Role.REQUESTOR,
        waiting_on_organisation=projects.recipient(delivery.project),
    )
    delivery.contents = contents
    details = {"file": str(sealed.pk), "bytes": sealed.plain_bytes, "version": delivery.version}
    delivery = take(
        lifecycle.MAKE_AVAILABLE,
        delivery,
        by=by,
        at=at,
        details=details | {"elements": logged.elements(delivery)},
        extract=sealed,
        digest=packing.digest_of(sealed),
        contents=contents,
        limitations=limitations,
        changes=changes,
        available_at=at,
        closes_at=window.due_at,
    )
    if delivery.match.status == MatchStatus.SIGNED_OFF:
        take(lifecycle.DELIVER, delivery.match, by=by, at=at)
    promising.keep(delivery, by=by, at=at)
    return delivery


def give_up(match: Match, *, at: dt.datetime) -> None:
    """Make no extract of a match that was abandoned after its parties had agreed."""
    for row in match.deliveries.filter(status=DeliveryStatus.PREPARING):
        take(lifecycle.GIVE_UP_EXTRACT, row, by=system_user(), at=at)


def _give_way(
    delivery: Delivery, contents: list[dict[str, Any]], *, limitations: str, by: "User", at: dt.datetime
) -> list[str]:
    """Let earlier versions give way to this one; return what differs from the last of them."""
    before = Delivery.objects.filter(project=delivery.project, version__lt=delivery.version)
    earlier = list(before.exclude(status=DeliveryStatus.GIVEN_UP))
    for row in earlier:
        if row.status in lifecycle.GIVE_WAY.sources:
            take(lifecycle.GIVE_WAY, row, by=by, at=at, details={"by_version": delivery.version})
            removing.remove_extract(row, by=by)
        deadlines.cancel(WINDOW, subject=row, at=at, by=by, note="A later version replaces it.")
    return packing.differences(earlier[0], contents, limitations=limitations) if earlier else []


@transaction.atomic
def replace(match: Match, *, reason: str, by: "User", at: dt.datetime) -> Delivery:
    """Have a new version made from the same match; it replaces the earlier ones when it is ready.

    :raises Blocked: if the inputs are destroyed, nothing was delivered, or no reason is given
    """
    first_in_line()
    match = Match.objects.select_for_update().get(pk=match.pk)
    if reasons := checks.why_not_replace(match, by):
        raise Blocked(reasons)
    if not reason.strip():
        raise Blocked("Say what is put right.")
    return prepare(match, reason=reason.strip(), by=by, at=at)


@transaction.atomic
def close(delivery: Delivery, *, at: dt.datetime) -> Delivery:
    """Close the download when its time has passed, and have its bytes removed; safe to do twice (O-74)."""
    if delivery.status != DeliveryStatus.AVAILABLE or standing.is_within_window(delivery, at):
        return delivery
    delivery = take(lifecycle.CLOSE_DELIVERY, delivery, by=system_user(), at=at)
    removing.remove_extract(delivery, by=system_user())
    return delivery


@transaction.atomic
def give_more_time(
    delivery: Delivery, *, until: dt.date, reason: str, by: "User", at: dt.datetime
) -> Delivery:
    """Let a version be fetched until the end of a later day. Its clock moves, and its closing with it.

    :raises Blocked: if it cannot be fetched now, the person is not of the operating group or gives no reason,
        or the day is not later
    """
    first_in_line()
    if reasons := checks.why_not_more_time(delivery, by):
        raise Blocked(reasons)
    if not reason.strip():
        raise Blocked("Say why. The recipient and the agencies can read it.")
    basis, reference = deadlines.Basis.OPERATING_GROUP, reason.strip()
    deadlines.extend(WINDOW, delivery, until=until, basis=basis, reference=reference, at=at, by=by)
    return Delivery.objects.select_related("match", "project").get(pk=delivery.pk)


def follow_window(deadline: deadlines.Deadline, by: "User", at: dt.datetime) -> None:
    """Close the download when its clock says, wherever that was moved from: there is one closing moment."""
    delivery = Delivery.objects.get(pk=deadline.subject_id)
    if delivery.closes_at == deadline.due_at:
        return
    before = delivery.closes_at.isoformat() if delivery.closes_at else ""
    details = {"closes_at": deadline.due_at.isoformat(), "closed_at": before}
    amend("extract.window_moved", delivery, by=by, at=at, details=details, closes_at=deadline.due_at)
