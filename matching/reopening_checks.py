"""Why not: rules about an accepted file that is to be sent again before the sign-off."""

import datetime as dt
from typing import TYPE_CHECKING, Final

from agreements import public as agreements
from matching import checks, standing
from matching.models import ExpectedFile, Match, MatchStatus, TryOut, TryOutStatus
from p20win.custody import public as custody

if TYPE_CHECKING:
    from p20win.accounts.models import User

WHILE: Final = frozenset({MatchStatus.COLLECTING, MatchStatus.READY, MatchStatus.LINKED})
"""In these an accepted file can be closed: nobody reads it now, and no result is signed off."""


def a_file_is_missing(match: Match, actor: "User") -> str | None:
    """A match waits for files while one of them is not there."""
    return None if standing.missing(match) else "All files are there."


def why_not_send_again(row: ExpectedFile, actor: "User", at: dt.datetime) -> list[str]:
    """Say why this person cannot have this file sent again now; an empty list means they can."""
    match = row.match
    reasons = [why] if (why := checks.runs_matches(match, actor)) else []
    if match.status == MatchStatus.LINKING:
        reasons.append("The vault links the files now. Wait until the run has ended.")
    elif match.status not in WHILE:
        reasons.append("The match has come to its end. Files are sent again in another match.")
    elif row.slot.status != custody.SlotStatus.FILLED:
        reasons.append("No file was accepted here yet; the agency can send it.")
    if TryOut.objects.filter(link_spec__match=match, status=TryOutStatus.RUNNING).exists():
        reasons.append("Settings are being tried on the files now. Wait until that has ended.")
    if agreements.in_force(match.project, at) is None:
        reasons.append("No data sharing agreement is in force, so nothing can be sent.")
    return reasons
