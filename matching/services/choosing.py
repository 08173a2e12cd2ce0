"""Which run is before the parties: the newest by itself, another when the hub chooses it."""

import datetime as dt
from typing import TYPE_CHECKING, Any, Final

from django.db import transaction
from django.urls import reverse

from matching import checks, lifecycle, standing
from matching.engine import differences, extract
from matching.models import Match, MatchRun, MatchSignoff
from p20win.accounts.public import Role, hub
from p20win.audit.public import first_in_line
from p20win.custody import public as custody
from p20win.deadlines import public as deadlines
from p20win.projects import public as projects
from p20win.refusal import Blocked
from p20win.workflow import create, take

if TYPE_CHECKING:
    from p20win.accounts.models import User

AGREEMENT: Final = "match-agreement"
LIMITS: Final = "limitations"


def ask_the_parties(run: MatchRun, *, by: "User", at: dt.datetime) -> None:
    """The hub describes the limits; every agency, and the recipient, say if it is optimal (O-70, O-169).

    A party that signed this very report before is not asked again.
    """
    project = run.match.project
    parties = [(agency, False) for agency in standing.agencies(project)]
    if recipient := projects.recipient(project):
        parties.append((recipient, True))
    known = {(row.organisation_id, row.is_recipient) for row in standing.signoffs(run)}
    for organisation, is_recipient in parties:
        if (organisation.pk, is_recipient) in known:
            continue
        row = MatchSignoff(run=run, organisation=organisation, is_recipient=is_recipient)
        create("match.word_asked", row, by=by, at=at, details={"organisation": organisation.slug})
    if standing.terms(run.match).limitations:
        wait_for_the_parties(run, by=by, at=at)
        return
    deadlines.start(
        LIMITS,
        subject=run.match,
        project=project,
        at=at,
        by=by,
        waiting_on_role=Role.HUB_STAFF,
        waiting_on_organisation=hub(),
        where=reverse("matching:limitations", args=[run.match.pk]),
    )


def wait_for_the_parties(run: MatchRun, *, by: "User", at: dt.datetime) -> None:
    """Start the clock of each party, once it can read what the limits of the result are."""
    for row in standing.signoffs(run):
        if row.signature_id is None and not deadlines.alive(AGREEMENT, row):
            deadlines.start(
                AGREEMENT,
                subject=row,
                project=run.match.project,
                at=at,
                by=by,
                waiting_on_role=Role.REQUESTOR if row.is_recipient else Role.DATA_STEWARD,
                waiting_on_organisation=row.organisation,
                where=run.match.get_absolute_url(),
            )


def ask_no_more(match: Match, *, by: "User", at: dt.datetime, note: str) -> None:
    """Stop the clocks of the run that is before the parties, and that of its limits."""
    run = standing.latest_result(match)
    deadlines.cancel(LIMITS, subject=match, at=at, by=by, note=note)
    for row in standing.signoffs(run) if run else ():
        deadlines.cancel(AGREEMENT, subject=row, at=at, by=by, note=note)


@transaction.atomic
def choose(run: MatchRun, *, by: "User", at: dt.datetime) -> Match:
    """Put another run before the parties. What they signed of the one before does not count for this one.

    :raises Blocked: if the person may not match, it is before them, or a party has said no to it
    """
    first_in_line()
    match = Match.objects.select_for_update().select_related("project").get(pk=run.match_id)
    if reasons := checks.why_not_choose(run, match):
        raise Blocked(reasons)
    if match.status == "linked":
        ask_no_more(match, by=by, at=at, note=f"Run {run.number} is before the parties now.")
    details = {"run": str(run.pk), "report": run.report_digest}
    match = take(lifecycle.CHOOSE, match, by=by, at=at, details=details, proposed=run)
    run.match = match
    ask_the_parties(run, by=by, at=at)
    return match


def differences_from(run: MatchRun, crosswalk: bytes, least: int) -> dict[str, Any]:
    """Return how a new key differs from that of each earlier run, by its number. In the vault alone.

    Where one count is small, the counts it could be had from by subtraction are hidden with it.
    """
    found: dict[str, Any] = {}
    after = extract.read_key(crosswalk)
    for earlier in standing.results(run.match):
        if earlier.crosswalk is None or earlier.crosswalk.status != custody.FileStatus.ACCEPTED:
            continue
        before = extract.read_key(b"".join(custody.open_bytes(earlier.crosswalk)))
        found[str(earlier.number)] = [_hidden(entry, least) for entry in differences.between(before, after)]
    return found


def _hidden(entry: dict[str, Any], least: int) -> dict[str, Any]:
    counts = ("both", "before", "after")
    if any(0 < entry[name]["count"] < least for name in counts):
        shown = {name: {"count": None if entry[name]["count"] else 0} for name in counts}
        return entry | shown
    return entry
