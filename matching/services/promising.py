"""The corrected version that an answer promised: whom it waits for, until when, when it is there (O-75)."""

import datetime as dt
from typing import TYPE_CHECKING, Final

from django.urls import reverse

from matching import keeping_checks, timing
from matching.models import Delivery, Match, Outcome, Question
from p20win import policy
from p20win.accounts.public import Role, hub, system_user
from p20win.calendar import Hours, Rule
from p20win.deadlines import public as deadlines

if TYPE_CHECKING:
    from django.db.models import QuerySet

    from p20win.accounts.models import User

CLOCK: Final = "corrected-version"
GONE: Final = "The input files are destroyed; no version can be made of them any more."


def promise(question: Question, *, by: "User", at: dt.datetime) -> None:
    """Start the clock of a version that was promised; where the inputs go sooner, it ends before they do."""
    match = question.delivery.match
    deadlines.start(
        CLOCK,
        subject=question,
        project=match.project,
        at=at,
        by=by,
        rule=_within(match, at),
        waiting_on_role=Role.HUB_STAFF,
        waiting_on_organisation=hub(),
        where=reverse("matching:replace", args=[match.pk]),
    )


def _within(match: Match, at: dt.datetime) -> Rule:
    clock = keeping_checks.clock_of(match)
    if clock is not None:
        left = timing.sets_at(clock, deadlines.calendar_of(clock)) - at
        if at + left < deadlines.due(policy.CORRECTED_VERSION, start=at).at:
            return Hours(max(1, left // dt.timedelta(hours=1)))
    return policy.CORRECTED_VERSION


def keep(delivery: Delivery, *, by: "User", at: dt.datetime) -> None:
    """Note that what was promised for earlier versions is there."""
    for question in _promised(delivery.match).filter(delivery__version__lt=delivery.version):
        deadlines.meet(CLOCK, subject=question, at=at, by=by)


def give_up(match: Match, *, at: dt.datetime) -> None:
    """Wait no more for a version of inputs that are destroyed."""
    for question in _promised(match):
        deadlines.cancel(CLOCK, subject=question, at=at, by=system_user(), note=GONE)


def _promised(match: Match) -> "QuerySet[Question]":
    return Question.objects.filter(delivery__match=match, outcome=Outcome.REPLACEMENT)
