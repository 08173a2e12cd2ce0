"""How a match stands: whose files it joins, which are there, what its runs gave, what the parties said.

Rules and questions both read it; it knows neither.
"""

import datetime as dt
from collections.abc import Iterable
from typing import TYPE_CHECKING, Final

from django.db.models import Case, QuerySet, When

from agreements import public as agreements
from matching.engine import defaults
from matching.models import (
    Delivery,
    DeliveryStatus,
    DeliveryTerms,
    ExpectedFile,
    Match,
    MatchRun,
    MatchSignoff,
    MatchStatus,
    Reopening,
    RunStatus,
)
from p20win.accounts.public import Organisation, hub, operating_group
from p20win.custody import public as custody
from p20win.deadlines import public as deadlines
from p20win.refusal import Blocked
from requests_app import public as requests

if TYPE_CHECKING:
    from p20win.deadlines.models import Deadline
    from p20win.projects.models import Project

QUESTIONS: Final = "completeness-questions"
TOKENS: Final = "tokens"
CLK: Final = "clk"
ENCODINGS: Final = (TOKENS, CLK)
AFTER_SIGN_OFF: Final = frozenset(
    {MatchStatus.SIGNED_OFF, MatchStatus.DELIVERED, MatchStatus.INPUTS_DESTROYED}
)


DESTROYABLE: Final = frozenset({MatchStatus.SIGNED_OFF, MatchStatus.DELIVERED, MatchStatus.ABANDONED})
"""In these a match has come to its end, and what was sent for it waits for its destruction."""


def agencies(project: "Project") -> list[Organisation]:
    """Return the agencies whose files are linked: those whose data the approved request asks for."""
    request = requests.approved_request(project)
    return list(requests.expected_agencies(request)) if request else []


def recurs(project: "Project") -> bool:
    """Say whether the approved request asks for the data again and again (O-71)."""
    request = requests.approved_request(project)
    return request is not None and request.recurrence == requests.Recurrence.RECURRING


def missing(match: Match) -> list[ExpectedFile]:
    """Return the required files that have not been accepted."""
    rows = match.expected_files.filter(is_required=True).select_related("slot", "agency")
    return [row for row in rows if row.slot.status != custody.SlotStatus.FILLED]


def accepted(match: Match, kind: str) -> list[tuple[ExpectedFile, custody.SealedFile]]:
    """Return the accepted files of one kind, each with what was expected of it, in a fixed order."""
    return _accepted(match, kind, is_consent=False)


def consents(match: Match) -> list[tuple[ExpectedFile, custody.SealedFile]]:
    """Return the accepted lists of consents, each with what was expected of it."""
    return _accepted(match, custody.DataClass.IDENTIFIER_LIST, is_consent=True)


def consenting(match: Match) -> "QuerySet[ExpectedFile]":
    """Return the lists of consents that a match asks for, whether they came or not."""
    return match.expected_files.filter(is_consent=True).select_related("agency")


def invited(match: Match) -> "QuerySet[custody.Invitation]":
    """Return on what invitations suppliers send lists for a match (O-124)."""
    return custody.invitations(match.project).filter(slots__expected_by__match=match).distinct()


def ever_invited(match: Match) -> "QuerySet[custody.Invitation]":
    """Return on what invitations suppliers send lists for a match, or were to: withdrawn ones, too.

    Who is asked afterwards has another slot; the history of what was expected knows the former one.
    """
    slots = ExpectedFile.history.filter(match=match).values("slot")
    return custody.invitations(match.project).filter(slots__in=slots).distinct()


def _accepted(match: Match, kind: str, *, is_consent: bool) -> list[tuple[ExpectedFile, custody.SealedFile]]:
    rows = match.expected_files.filter(kind=kind, is_consent=is_consent)
    rows = rows.select_related("slot", "agency").order_by("agency__slug", "id")
    files = {
        file.slot_id: file
        for file in custody.accepted_files(match.project, kind).filter(slot__expected_by__match=match)
    }
    return [(row, files[row.slot_id]) for row in rows if row.slot_id in files]


def encoding(match: Match) -> str:
    """Return what the agencies send in place of identifiers: tokens, clk, or nothing (O-72)."""
    specs = [row.slot.spec for row in match.expected_files.filter(kind=custody.DataClass.MATCHING)]
    if not any(spec.get("encoded") for spec in specs):
        return ""
    return CLK if any(c["form"] == "bloom" for spec in specs for c in spec["columns"]) else TOKENS


def takes_commas(match: Match) -> bool:
    """Say whether the files of a match may have commas between their columns in place of tabs (O-104)."""
    return any("comma" in row.slot.spec.get("separators", ()) for row in match.expected_files.all())


def methods(match: Match, at: dt.datetime) -> "QuerySet[agreements.MatchMethod]":
    """Return the approved methods that can link this match's files, those of the default engine first."""
    approved, sent = agreements.approved_methods(at), encoding(match)
    fitting = approved.filter(engine=sent) if sent else approved.exclude(engine__in=ENCODINGS)
    return fitting.order_by(Case(When(engine=defaults.ENGINE, then=0), default=1), "name", "-version")


def latest_run(match: Match) -> MatchRun | None:
    """Return the latest run."""
    return match.runs.select_related("method", "started_by").order_by("-number").first()


def latest_result(match: Match) -> MatchRun | None:
    """Return the result that counts: the run before the parties, else the latest of the present files."""
    if match.proposed_id:
        return match.runs.select_related("method", "started_by").get(pk=match.proposed_id)
    rows = match.runs.filter(status=RunStatus.DONE, outdated_by=None)
    return rows.select_related("method", "started_by").order_by("-number").first()


def results(match: Match) -> QuerySet[MatchRun]:
    """Return every run that came to a result, newest first."""
    rows = match.runs.filter(status=RunStatus.DONE).select_related("method", "started_by", "link_spec")
    return rows.order_by("-number")


def rejections(match: Match) -> QuerySet[MatchSignoff]:
    """Return why parties said that a run was not optimal, latest first."""
    rows = MatchSignoff.objects.filter(run__match=match, rejected_at__isnull=False)
    return rows.select_related("organisation", "rejected_by", "run").order_by("-rejected_at")


def reopenings(match: Match) -> QuerySet[Reopening]:
    """Return which files were asked for again, latest first."""
    rows = Reopening.objects.filter(expected__match=match)
    return rows.select_related("expected__agency", "expected__slot", "opened_by").order_by("-opened_at")


def signoffs(run: MatchRun) -> QuerySet[MatchSignoff]:
    """Return every party's word on a run."""
    return run.signoffs.select_related(
        "organisation", "signature", "signature__signer", "rejected_by", "run", "run__match"
    )


def keeper(project: "Project") -> Organisation:
    """Return the organisation under whose key the hub's results lie: one that supplies nothing itself.

    Destroying an agency's inputs destroys its key in the project, and the hub may be an agency too.

    :raises Blocked: if hub and operating group both supply data
    """
    supplying = {agency.pk for agency in agencies(project)}
    for organisation in (hub(), operating_group()):
        if organisation.pk not in supplying:
            return organisation
    raise Blocked("Hub and operating group both supply data here; nobody can keep the results apart.")


def min_cell_count(project: "Project") -> int:
    """Return below which count nothing is shown of this project."""
    return requests.min_cell_count(project)


def is_within_window(delivery: Delivery, at: dt.datetime) -> bool:
    """Say whether the extract can be fetched at this time."""
    return (
        delivery.status == DeliveryStatus.AVAILABLE
        and delivery.closes_at is not None
        and at <= delivery.closes_at
    )


def terms(match: Match) -> DeliveryTerms:
    """Return in which form a match is delivered, and what the hub says of its limits."""
    return DeliveryTerms.objects.get(match=match)


def told_of_before(match: Match) -> MatchRun | None:
    """Return the run of the last delivered match whose link ids are told with this one's, if they may be."""
    if not terms(match).map_basis:
        return None
    earlier = Match.objects.filter(
        project=match.project_id, number__lt=match.number, deliveries__available_at__isnull=False
    )
    last = earlier.order_by("-number").first()
    return latest_result(last) if last else None


def questions_window(delivery: Delivery) -> "Deadline | None":
    """Return the time in which the recipient may ask about a version, once all of it was received (O-75)."""
    return deadlines.of_subject(delivery, QUESTIONS).first()


def covers(ranges: Iterable[tuple[int, int]], size: int) -> bool:
    """Say whether these ranges together are the whole of something of this size."""
    reached = 0
    for start, stop in sorted(ranges):
        if start > reached:
            return False
        reached = max(reached, stop)
    return reached >= size > 0
