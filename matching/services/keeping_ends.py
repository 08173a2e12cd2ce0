"""The clocks of those who are asked to keep inputs longer, and the end of a proposal that came too late.

Below ordering.py, which says when the destruction begins; keeping.py has the parties' acts.
"""

import datetime as dt
from typing import TYPE_CHECKING, Final

from matching import keeping_checks, lifecycle, timing
from matching.models import Keeping, Match, OrderStatus
from p20win.accounts.public import Role, system_user
from p20win.deadlines import public as deadlines
from p20win.workflow import take

if TYPE_CHECKING:
    from p20win.accounts.models import User
    from p20win.deadlines.models import Deadline

WORD: Final = "keeping-word"
TOO_LATE: Final = "The destruction began before every party had signed."


def ask_for_words(keeping: Keeping, *, by: "User", at: dt.datetime) -> None:
    """Start the clock of each party that has not signed: it answers before the vault would begin."""
    counted_from = _answer_by(keeping.match, at) + timing.HOUR
    for word in keeping_checks.words(keeping):
        if word.signature_id is None:
            deadlines.start(
                WORD,
                subject=word,
                project=keeping.match.project,
                at=at,
                by=by,
                counted_from=counted_from,
                waiting_on_role=Role.SIGNATORY,
                waiting_on_organisation=word.organisation,
                where=keeping.get_absolute_url(),
            )


def _answer_by(match: Match, at: dt.datetime) -> dt.datetime:
    """Return until when an answer is in time: before the order is set, or before its hour is over."""
    clock = keeping_checks.clock_of(match)
    sets_at = timing.sets_at(clock, deadlines.calendar_of(clock)) if clock else at
    order = match.destruction_orders.filter(status=OrderStatus.SET).first()
    moments = [sets_at, order.acts_at if order else None]
    return min((each for each in moments if each is not None and each > at), default=at + timing.HOUR)


def ask_no_more(keeping: Keeping, *, by: "User", at: dt.datetime, note: str) -> None:
    """Stop the clocks of the parties that have not answered."""
    for word in keeping_checks.words(keeping):
        deadlines.cancel(WORD, subject=word, at=at, by=by, note=note)


def lapse(match: Match, *, at: dt.datetime) -> None:
    """End what was proposed: a proposal stops no clock, and the destruction begins. Safe to do twice."""
    row = keeping_checks.proposed(match)
    if row is not None:
        row = take(lifecycle.LAPSE_KEEPING, row, by=system_user(), at=at, note=TOO_LATE, why_ended=TOO_LATE)
        ask_no_more(row, by=system_user(), at=at, note=TOO_LATE)


def follow_clock(deadline: "Deadline", by: "User", at: dt.datetime) -> None:
    """Move the parties' clocks along when that of the inputs was moved, as by a legal hold that ended."""
    match = Match.objects.filter(pk=deadline.subject_id).first()
    row = keeping_checks.proposed(match) if match else None
    if row is not None:
        ask_no_more(row, by=by, at=at, note="The clock of the inputs was moved.")
        ask_for_words(row, by=by, at=at)
