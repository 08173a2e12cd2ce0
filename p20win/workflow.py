"""The one way a status changes: lock, ask again why not, change, write the ledger, tell those concerned."""

import datetime as dt
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, TypeVar

from django.db import models, transaction

from p20win.audit.public import first_in_line, record
from p20win.jobs import public as jobs
from p20win.refusal import Blocked

if TYPE_CHECKING:
    from p20win.accounts.models import User

Subject = TypeVar("Subject", bound=models.Model)
Check = Callable[[Any, Any], str | None]

__all__ = ["Blocked", "Check", "Step", "amend", "blockers", "create", "take", "tell_only"]


@dataclass(frozen=True)
class Step:
    """One arrow of a lifecycle.

    From which statuses to which, under which checks, and the name of its event.
    """

    event: str
    sources: frozenset[str]
    target: str
    checks: tuple[Check, ...] = field(default=())
    label: str = ""


def blockers(step: Step, subject: Any, actor: "User") -> list[str]:
    """Say why the step may not be taken now; an empty list means it may."""
    if subject.status not in step.sources:
        return [f"Not possible while the status is “{subject.get_status_display()}”."]
    return [why for check in step.checks if (why := check(subject, actor))]


_is_heard: Callable[[str], bool] = lambda event: True  # noqa: E731 - replaced when Django starts


def tell_only(is_heard: Callable[[str], bool]) -> None:
    """Set what says whether anybody hears of an event; of others no work is asked for."""
    global _is_heard
    _is_heard = is_heard


@transaction.atomic
def take(
    step: Step,
    subject: Subject,
    *,
    by: "User",
    at: dt.datetime,
    note: str = "",
    details: Mapping[str, Any] | None = None,
    **changes: Any,
) -> Subject:
    """Move the subject one step, write it in the ledger, and tell those concerned.

    :raises Blocked: if the state, the person or the paperwork does not allow it
    """
    # A second click waits here for the first, then finds the status already moved. Keys never change, so who
    # only refers to the row (as a new row of another table does) need not wait.
    first_in_line()
    row: Any = type(subject)._default_manager.select_for_update(no_key=True).get(pk=subject.pk)
    if reasons := blockers(step, row, by):
        raise Blocked(reasons)
    changes |= {"status": step.target, "status_since": at}
    return _keep(step.event, row, changes, by=by, at=at, note=note, details=details)


@transaction.atomic
def amend(
    event: str,
    subject: Subject,
    *,
    by: "User",
    at: dt.datetime,
    note: str = "",
    details: Mapping[str, Any] | None = None,
    **changes: Any,
) -> Subject:
    """Change fields of a row that move no status, and write it in the ledger. The caller has checked."""
    first_in_line()
    row: Any = type(subject)._default_manager.select_for_update(no_key=True).get(pk=subject.pk)
    if "status" in changes:
        raise ValueError("A status moves by a Step.")
    return _keep(event, row, dict(changes), by=by, at=at, note=note, details=details)


@transaction.atomic
def create(
    event: str,
    row: Subject,
    *,
    by: "User",
    at: dt.datetime,
    note: str = "",
    details: Mapping[str, Any] | None = None,
) -> Subject:
    """Save a new row and write its birth in the ledger."""
    first_in_line()
    _sign_history(row, event, by)
    row.save(force_insert=True)
    _tell(event, row, by=by, at=at, note=note, details=details)
    return row


def _keep(
    event: str,
    row: Any,
    changes: dict[str, Any],
    *,
    by: "User",
    at: dt.datetime,
    note: str,
    details: Mapping[str, Any] | None,
) -> Any:
    for name, value in changes.items():
        setattr(row, name, value)
    _sign_history(row, event, by)
    if changes:
        row.save(update_fields=list(changes))
    _tell(event, row, by=by, at=at, note=note, details=details)
    return row


def _sign_history(row: Any, event: str, by: "User") -> None:
    row._history_user = by
    row._change_reason = event


def _tell(
    event: str, row: Any, *, by: "User", at: dt.datetime, note: str, details: Mapping[str, Any] | None
) -> None:
    line = record(event, row, by=by, at=at, note=note, details=details)
    if _is_heard(event):
        jobs.after_commit("notifications.announce", event_id=line.pk)
