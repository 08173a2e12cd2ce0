"""Having an accepted file sent again before the sign-off: on the agency's request, or after a party's no.

So a consent that was revoked, or a mistake, is put right by its agency (O-51, O-70). The file is closed at
once and removed; what was linked with it counts no more, and everybody concerned is told.
"""

import datetime as dt
from typing import TYPE_CHECKING, Any

from django.db import transaction

from matching import lifecycle, reopening_checks, standing
from matching.models import ExpectedFile, Match, MatchStatus, Reopening, RunStatus, SentAgain
from matching.services import choosing, removing
from p20win import policy
from p20win.accounts.public import hub
from p20win.audit.public import events_of, first_in_line
from p20win.custody import public as custody
from p20win.deadlines import public as deadlines
from p20win.refusal import Blocked
from p20win.workflow import amend, create, take

if TYPE_CHECKING:
    from p20win.accounts.models import User

EVENT = "match.file_reopened"


@transaction.atomic
def send_again(
    expected: ExpectedFile, *, ground: str, reason: str, asked_in: str = "", by: "User", at: dt.datetime
) -> Reopening:
    """Close an accepted file and open its upload again. A match that waited for the parties waits for it.

    :raises Blocked: if the person may not, the match is signed off or links now, the ground does not hold, or
        something is not said
    """
    first_in_line()
    Match.objects.select_for_update(of=("self",)).get(pk=expected.match_id)
    expected = _whole(expected)
    match = expected.match
    reasons = reopening_checks.why_not_send_again(expected, by, at)
    if ground == SentAgain.AGENCY_ASKS and not asked_in.strip():
        reasons.append("Say where the agency’s request is kept.")
    if ground == SentAgain.REJECTED and not standing.rejections(match).exists():
        reasons.append("No party has said that a result of this match is not optimal.")
    if not reason.strip():
        reasons.append("Say why. Every party reads it.")
    if reasons:
        raise Blocked(reasons)
    if match.status == MatchStatus.LINKED:
        choosing.ask_no_more(match, by=by, at=at, note="A file is sent again.")
    accepted_at, closes_at = (
        expected.slot.status_since,
        deadlines.due(policy.TRANSMISSION_WINDOW, start=at).at,
    )
    said = reason.strip()
    file = custody.send_again(expected.slot, closes_at=closes_at, reason=said, by=by, at=at)
    row = Reopening(
        expected=expected,
        file=file,
        ground=SentAgain(ground),
        asked_in=asked_in.strip(),
        reason=said,
        opened_by=by,
        opened_at=at,
    )
    details = {"file": str(file.pk), "agency": expected.agency.slug, "class": expected.kind, "ground": ground}
    create(EVENT, row, by=by, at=at, note=said, details=details)
    _outdate(match, row, since=accepted_at, by=by, at=at)
    custody.wait_for(expected.slot, by=by, at=at)
    _go_back(match, row, by=by, at=at)
    return row


def _whole(expected: ExpectedFile) -> ExpectedFile:
    rows = ExpectedFile.objects.select_related("agency", "match__project", "slot__project", "slot__supplier")
    return rows.get(pk=expected.pk)


def _outdate(match: Match, row: Reopening, *, since: dt.datetime, by: "User", at: dt.datetime) -> None:
    """Mark every run that read the file: what it gave is removed, its report stays."""
    made_on_it = match.runs.filter(status=RunStatus.DONE, outdated_by=None, status_since__gte=since)
    for run in made_on_it.select_related("crosswalk", "pairs", "flags").order_by("number"):
        details = {"file": str(row.file_id)}
        amend("run.outdated", run, by=by, at=at, details=details, outdated_by=row)
        removing.remove_outdated(run, by=by)


def _go_back(match: Match, row: Reopening, *, by: "User", at: dt.datetime) -> None:
    """Let the match wait for the file; a list that need not come holds nothing up."""
    changes: dict[str, Any] = {"details": {"file": str(row.file_id)}, "note": row.reason, "proposed": None}
    if match.status != MatchStatus.COLLECTING and standing.missing(match):
        take(lifecycle.COLLECT_AGAIN, match, by=by, at=at, **changes)
    elif match.status == MatchStatus.LINKED:
        take(lifecycle.WITHDRAW_RESULT, match, by=by, at=at, **changes)


# --- in the vault


def is_over(file: custody.SealedFile) -> bool:
    """Say whether the ledger tells that somebody of the hub closed this file for another to be sent."""
    if file.status != custody.FileStatus.SET_ASIDE:
        return False
    own = hub().pk
    for row in Reopening.objects.filter(file=file, expected__slot=file.slot_id):
        lines = events_of(row).filter(event=EVENT, organisation_id=own)
        if any(line.details.get("file") == str(file.pk) for line in lines):
            return True
    return False
