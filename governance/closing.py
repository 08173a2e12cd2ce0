"""Closing a project: one person asks, another confirms, an hour passes, and all that is left is destroyed.

From the confirmation on nothing new starts in the project; withdrawn, it goes on as it was.
"""

from __future__ import annotations

import datetime as dt
import operator
from typing import TYPE_CHECKING, Any, Final

from django.conf import settings
from django.db import transaction

from agreements import public as agreements
from governance import checks, lifecycle
from governance.certifying import facts_of_the_end, method_of_the_end
from governance.models import Closing, ClosingStatus
from p20win import policy
from p20win.accounts.public import Organisation, Role, User, hub, operating_group, system_user
from p20win.audit.public import events_of, first_in_line
from p20win.custody import public as custody
from p20win.deadlines import public as deadlines
from p20win.jobs import public as jobs
from p20win.projects import public as projects
from p20win.refusal import Blocked
from p20win.workflow import create, take

if TYPE_CHECKING:
    from p20win.audit.models import Event
    from p20win.projects.models import Project

SECOND: Final = "closing-confirmation"
HOUR_CLOCK: Final = "closing-hour"
HOUR: Final = dt.timedelta(hours=policy.CLOSING_HOUR.unit.count)
# by which the vault's clock, or the ledger's, may differ from the worker's
LAG: Final = dt.timedelta(minutes=1)


def of(project: Project) -> Closing | None:
    """Return the closing that was asked for, is under way or is done, if there is one."""
    rows = project.closings.exclude(status=ClosingStatus.WITHDRAWN)
    return rows.select_related("project", "asked_by", "confirmed_by").first()


@transaction.atomic
def ask(project: Project, *, reason: str, by: User, at: dt.datetime) -> Closing:
    """Ask that a project be closed and all that is left of it destroyed. A second person must confirm it.

    :raises Blocked: if the person may not, gives no reason, or something has to be done before
    """
    project = _locked(project)
    reasons = checks.why_not_close(project, by)
    if not reason.strip():
        reasons.append("Say why the project is closed.")
    if reasons:
        raise Blocked(reasons)
    row = Closing(project=project, reason=reason.strip(), asked_by=by, asked_at=at, status_since=at)
    row = create("closing.asked", row, by=by, at=at, note=row.reason)
    for role, organisation in checks.who_sees_to_it(project):
        deadlines.start(
            SECOND,
            subject=row,
            project=project,
            at=at,
            by=by,
            waiting_on_role=role,
            waiting_on_organisation=organisation,
            where=row.get_absolute_url(),
        )
    return row


@transaction.atomic
def confirm(closing: Closing, *, by: User, at: dt.datetime) -> Closing:
    """Confirm what another person asked for: everyone is told, nothing new starts, and the hour begins.

    :raises Blocked: if it is one's own, the person may not, or something has to be done before
    """
    project = _locked(closing.project)
    acts_at = at + HOUR
    changes: dict[str, Any] = {"confirmed_by": by, "confirmed_at": at, "acts_at": acts_at}
    details = {"acts_at": acts_at.isoformat()}
    row = take(lifecycle.CONFIRM, closing, by=by, at=at, details=details, **changes)
    projects.stop_project(project, by=by, at=at)
    deadlines.meet(SECOND, subject=row, at=at, by=by)
    deadlines.start(HOUR_CLOCK, subject=row, project=project, at=at, by=by, where=row.get_absolute_url())
    return row


@transaction.atomic
def withdraw(closing: Closing, *, reason: str, by: User, at: dt.datetime) -> Closing:
    """Withdraw a closing before its hour is over; the project goes on as it was.

    :raises Blocked: if the project is closed meanwhile, the person may not, or gives no reason
    """
    if not reason.strip():
        raise Blocked("Say why it is withdrawn.")
    project = _locked(closing.project)
    said = reason.strip()
    changes: dict[str, Any] = {"withdrawn_by": by, "withdrawal": said[:500]}
    row = take(lifecycle.WITHDRAW, closing, by=by, at=at, note=said, **changes)
    for slug in (SECOND, HOUR_CLOCK):
        deadlines.cancel(slug, subject=row, at=at, by=by, note="The closing was withdrawn.")
    if projects.is_open(project):
        projects.let_project_go_on(project, by=by, at=at)
    return row


@transaction.atomic
def carry_out(closing: Closing, *, at: dt.datetime) -> Closing:
    """Close the project as the hour is over, and have the vault destroy what is left; safe to do twice.

    Its clocks stop. A legal hold, or whatever else has come in between, withdraws it.
    """
    project, by = _locked(closing.project), system_user()  # nothing is sealed for it while this looks
    row = Closing.objects.select_related("project", "asked_by").get(pk=closing.pk)
    if row.status != ClosingStatus.SET or row.acts_at is None or at < row.acts_at:
        return row
    if reasons := checks.what_prevents(project):
        return withdraw(row, reason=" ".join(reasons), by=by, at=at)
    row = take(lifecycle.BEGIN, row, by=by, at=at, closed_at=at)
    deadlines.cancel_all(deadlines.open_of_project(project), by=by, at=at, note="The project is closed.")
    custody.ask_destruction_of_all(project, by=by, at=at, on_done=checks.DESTROYED)
    projects.close_project(project, by=by, at=at, note=row.reason)
    return _finish(row, at=at)


@transaction.atomic
def note_destroyed(project: Project, *, at: dt.datetime) -> Closing | None:
    """Note that somebody's part of a closed project is gone; with the last the hub certifies the end.

    Safe to do twice.
    """
    _locked(project)
    row = of(project)
    return _finish(row, at=at) if row else None


def _finish(closing: Closing, *, at: dt.datetime) -> Closing:
    by = system_user()
    if closing.status != ClosingStatus.BEGUN or checks.nothing_is_left(closing, by):
        return closing
    row = take(lifecycle.FINISH, closing, by=by, at=at)
    agreements.issue_hub_certificate(
        row.project,
        kind=agreements.TextKind.PROJECT_END,
        method=method_of_the_end(row),
        facts=facts_of_the_end(row),
        by=by,
        at=at,
    )
    return row


def _locked(project: Project) -> Project:
    first_in_line()
    return projects.Project.objects.select_for_update(no_key=True).get(pk=project.pk)


# --- in the vault


def stands_behind(destruction: custody.Destruction, at: dt.datetime) -> bool:
    """Say whether a closing of two people covers this destruction: what the vault asks before it begins.

    The ledger must tell that the project is closed, who asked for it and who else confirmed it, and that an
    hour has passed since.

    :raises MustWait: while the hour is not over by the ledger's time
    """
    closing = of(destruction.project)
    if closing is None or closing.status != ClosingStatus.BEGUN:
        return False
    if destruction.project.status != projects.ProjectStanding.CLOSED:
        return False
    if not events_of(destruction.project).filter(event="project.closed").exists():
        return False
    lines = events_of(closing)
    asked = lines.filter(event="closing.asked").first()
    was_set = lines.filter(event="closing.set").first()
    if asked is None or was_set is None or not _is_of_two(closing, asked, was_set):
        return False
    if at < _written(was_set) + HOUR - LAG:
        raise jobs.MustWait("The hour of the closing is not over yet.")
    return True


def _is_of_two(closing: Closing, asked: Event, was_set: Event) -> bool:
    given = ((asked, closing.asked_by), (was_set, closing.confirmed_by))
    if asked.actor_id == was_set.actor_id:
        return False
    if any(person is None or line.actor_id != person.pk for line, person in given):
        return False
    of_the_group = [_is_of(line, operating_group(), Role.OPERATING_GROUP) for line in (asked, was_set)]
    of_the_hub = [_is_of(line, hub(), Role.HUB_STAFF) for line in (asked, was_set)]
    return any(of_the_group) and all(map(operator.or_, of_the_group, of_the_hub))


def _is_of(line: Event, organisation: Organisation, role: str) -> bool:
    """Say whether somebody was of it then, or is: whoever leaves meanwhile stops nothing."""
    if line.organisation_id == organisation.pk:
        return True
    return any(person.has_role(role) for person in User.objects.filter(pk__in=[line.actor_id]))


def _written(line: Event) -> dt.datetime:
    """Return when a line was written: by the database's word. The demo's hour is measured by its clock."""
    return line.at if settings.DEMO_CLOCK else line.recorded_at
