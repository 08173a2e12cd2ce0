"""What the portal does when a deadline falls due, or a while before. Desks register it when Django starts."""

import datetime as dt
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from functools import wraps
from typing import TYPE_CHECKING, Any

from django.core import checks

from p20win import clock
from p20win.calendar import StateCalendar, Unit
from p20win.deadlines.clocks import clock_of
from p20win.jobs.public import RunningJob, line_of_work, registered

if TYPE_CHECKING:
    from p20win.accounts.models import User
    from p20win.deadlines.models import Deadline

Moment = Callable[["Deadline", StateCalendar], dt.datetime]


@dataclass(frozen=True)
class Action:
    """A line of work, and when it is asked for: so long before the deadline, or at a moment worked out by its
    desk; without either, when the deadline has passed.
    """

    job: str
    ahead: Unit | None = None
    moment: Moment | None = None


_actions: dict[str, list[Action]] = {}


def register_due_action(
    slug: str, job_name: str, *, ahead: Unit | None = None, moment: Moment | None = None
) -> None:
    """Ask for this work once whenever a deadline of this clock falls due, or before that.

    `ahead`: so long before. `moment`: gets the deadline and its calendar, anew whenever the deadline moves.
    The job is registered by `due_work`. It gets project_id, and as text deadline_id, subject_id and asked_at:
    when it was due, on the clock of the process that found it so.

    :raises LookupError: if there is no such clock
    """
    known = _actions.setdefault(clock_of(slug).slug, [])
    if (action := Action(job_name, ahead, moment)) not in known:
        known.append(action)


DueWork = Callable[..., None]


def due_work(name: str, *, queue: str = "default", attempts: int = 5) -> Callable[[DueWork], DueWork]:
    """Register work that a due action asks for. Its function gets the subject's id as text, and `at`.

    `at` is never before the moment that was due: another process read that on its own clock, and this one's
    may lag a little; what was due there would else be passed over here for good.
    """

    def register(work: DueWork) -> DueWork:
        @line_of_work(name, queue=queue, attempts=attempts)
        @wraps(work)
        def run(job: RunningJob, *, subject_id: str, asked_at: str = "", **_: str) -> None:
            work(subject_id, at=clock.no_earlier(asked_at))

        return work

    return register


Follower = Callable[["Deadline", "User", dt.datetime], None]
_followers: dict[str, Follower] = {}


def register_follower(slug: str, follower: Follower) -> None:
    """Have this done in the same transaction whenever a deadline of this clock is moved: by an extension, by
    the list of closed days, or because it stood still. So what its desk stores of the moment moves along.

    The follower gets the deadline as it is now, who moved it, and when.

    :raises LookupError: if there is no such clock
    """
    _followers[clock_of(slug).slug] = follower


def follow(deadline: "Deadline", *, by: "User", at: dt.datetime) -> None:
    """Let what hangs on this deadline move along."""
    if follower := _followers.get(deadline.slug):
        follower(deadline, by, at)


def actions_ahead(slug: str) -> Iterable[tuple[str, Unit]]:
    """Return what is done before a deadline of this clock falls due, and how long before."""
    return [(action.job, action.ahead) for action in _actions.get(slug, ()) if action.ahead is not None]


def actions_at_moments(slug: str) -> Iterable[tuple[str, Moment]]:
    """Return what is done at a moment that its desk works out."""
    return [(action.job, action.moment) for action in _actions.get(slug, ()) if action.moment is not None]


def actions_at_due(slug: str) -> Iterable[str]:
    """Return what is done when a deadline of this clock has passed."""
    return [a.job for a in _actions.get(slug, ()) if a.ahead is None and a.moment is None]


def unknown_work(**_: Any) -> list[checks.CheckMessage]:
    """Find actions whose line of work nobody registered."""
    return [
        checks.Error(
            f"The clock {slug!r} asks for work that is unknown: {action.job!r}.", id="deadlines.E001"
        )
        for slug, actions in _actions.items()
        for action in actions
        if action.job not in registered()
    ]
