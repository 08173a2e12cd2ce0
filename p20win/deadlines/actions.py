"""What the portal does when a deadline falls due, or a while before. Desks register it when Django starts."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from django.core import checks

from p20win.calendar import Unit
from p20win.deadlines.clocks import clock_of


@dataclass(frozen=True)
class Action:
    """A line of work, and how long before the deadline it is asked for; without that, when it has passed."""

    job: str
    ahead: Unit | None = None


_actions: dict[str, list[Action]] = {}


def register_due_action(slug: str, job_name: str, *, ahead: Unit | None = None) -> None:
    """Ask for this work once whenever a deadline of this clock falls due, or so long ahead of it.

    The job gets project_id, and as text deadline_id and subject_id.

    :raises LookupError: if there is no such clock
    """
    known = _actions.setdefault(clock_of(slug).slug, [])
    if (action := Action(job_name, ahead)) not in known:
        known.append(action)


def actions_ahead(slug: str) -> Iterable[tuple[str, Unit]]:
    """Return what is done before a deadline of this clock falls due, and how long before."""
    return [(action.job, action.ahead) for action in _actions.get(slug, ()) if action.ahead is not None]


def actions_at_due(slug: str) -> Iterable[str]:
    """Return what is done when a deadline of this clock has passed."""
    return [action.job for action in _actions.get(slug, ()) if action.ahead is None]


def unknown_work(**_: Any) -> list[checks.CheckMessage]:
    """Find actions whose line of work nobody registered."""
    from p20win.jobs.public import registered

    return [
        checks.Error(
            f"The clock {slug!r} asks for work that is unknown: {action.job!r}.", id="deadlines.E001"
        )
        for slug, actions in _actions.items()
        for action in actions
        if action.job not in registered()
    ]
