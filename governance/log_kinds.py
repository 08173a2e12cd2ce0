"""What a log is: whose rows, which columns, and how one row is told. The logs themselves are in logs.py."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final

from django.db.models import Q, QuerySet

from agreements import public as agreements
from p20win.accounts.public import Role
from p20win.clock import STATE_ZONE, state_date
from p20win.custody.public import DataClass
from p20win.deadlines import public as deadlines
from p20win.listing import Listing
from p20win.projects.public import Part, Participation

if TYPE_CHECKING:
    from p20win.accounts.models import Organisation, User

INPUTS_CLOCK: Final = "input-destruction"
READERS: Final = (Role.DATA_STEWARD, Role.HUB_STAFF, Role.OPERATING_GROUP)
Cell = dt.datetime | dt.date | str | int | list[str] | None


@dataclass(frozen=True)
class Column:
    """One column: its heading, by which name it may be sorted, and what kind of thing stands in it."""

    label: str
    sort: str = ""
    kind: str = "text"  # text, name (of a file), time, date or list


@dataclass(frozen=True)
class Log:
    """One log: where its rows are, and how they are told."""

    slug: str
    title: str
    lead: str
    empty: str
    columns: tuple[Column, ...]
    rows: Callable[[], QuerySet[Any]]
    tell: Callable[
        [Sequence[Any]], list[list[Cell]]
    ]  # some rows at once, so that each is not looked up alone
    of_agency: Callable[[Organisation], Q]
    moment: str  # the field that the dates of the filter are about
    sorts: Mapping[str, str] = field(default_factory=dict)
    searched: tuple[str, ...] = ()
    first: str = ""
    finds: Callable[[str], Q] | None = None  # a search that is no matter of fields

    @property
    def listing(self) -> Listing:
        """Return how it is searched, sorted and paged."""
        return Listing(sorts=self.sorts, searched=self.searched, first=self.first)


def sees_all(person: User) -> bool:
    """Say whether this person reads every agency's lines."""
    return person.has_role(Role.HUB_STAFF) or person.has_role(Role.OPERATING_GROUP)


def visible(log: Log, person: User) -> QuerySet[Any]:
    """Return the lines this person may read: hub and operating group all, others their own agency's."""
    rows = log.rows()
    if sees_all(person):
        return rows
    if person.organisation is None or not person.has_role(Role.DATA_STEWARD):
        return rows.none()
    return rows.filter(log.of_agency(person.organisation))


def between(log: Log, rows: QuerySet[Any], first: dt.date | None, last: dt.date | None) -> QuerySet[Any]:
    """Return the lines from the first to the last of these days in Connecticut, both included."""
    if first:
        rows = rows.filter(**{f"{log.moment}__gte": _midnight(first)})
    if last:
        rows = rows.filter(**{f"{log.moment}__lt": _midnight(last + dt.timedelta(days=1))})
    return rows


def _midnight(day: dt.date) -> dt.datetime:
    return dt.datetime.combine(day, dt.time(), STATE_ZONE)


# --- what several logs tell in the same words


def kind_name(data_class: str) -> str:
    """Return what kind of data it is."""
    return str(DataClass(data_class).label)


def who(person: User | None) -> str:
    """Return a person's name and organisation."""
    if person is None:
        return ""
    if person.is_system:
        return "The portal"
    return f"{person.name}, {person.organisation.short_name}" if person.organisation else person.name


def recipients(project_ids: Sequence[Any]) -> dict[Any, str]:
    """Return by project who receives the resultant data."""
    rows = Participation.objects.filter(project__in=project_ids, part=Part.RECIPIENT)
    return {row.project_id: row.organisation.short_name for row in rows.select_related("organisation")}


def agreed_destruction(project_ids: Sequence[Any]) -> dict[Any, dt.date]:
    """Return by project the day by which its data is destroyed, as its latest agreement says."""
    rows = agreements.Agreement.objects.filter(project__in=project_ids).order_by("version")
    return {row.project_id: row.destruction_date for row in rows}


def inputs_due(match_ids: Sequence[Any]) -> dict[Any, dt.date]:
    """Return by match the day by which its inputs are destroyed, once that clock runs (O-65, O-107)."""
    wanted = {str(pk): pk for pk in match_ids}
    clocks = deadlines.Deadline.objects.filter(
        slug=INPUTS_CLOCK, subject_type="matching.match", subject_id__in=wanted
    )
    rows = clocks.exclude(status=deadlines.Status.CANCELLED).order_by("started_at")
    return {wanted[row.subject_id]: state_date(row.due_at) for row in rows}
