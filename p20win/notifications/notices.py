"""Who hears about deadlines."""

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, Final

from p20win.deadlines.public import Deadline, people_told_when_missed, people_waited_for
from p20win.notifications.registry import Notice

if TYPE_CHECKING:
    from django.db.models import QuerySet

    from p20win.accounts.models import User
    from p20win.audit.models import Event


def _deadline(event: "Event") -> Deadline:
    rows = Deadline.objects.select_related("waiting_on_organisation", "waiting_on_person", "project")
    return rows.get(pk=event.subject_id)


def _those_waited_for(event: "Event") -> "QuerySet[User]":
    return people_waited_for(_deadline(event)).select_related("organisation")


def _those_who_watch(event: "Event") -> "QuerySet[User]":
    return people_told_when_missed(_deadline(event)).select_related("organisation")


def _page(event: "Event") -> str:
    row = _deadline(event)
    return row.where or row.get_absolute_url()


def _words(event: "Event") -> Mapping[str, Any]:
    return {"deadline": _deadline(event)}


def _about(template: str, subject: str, *, watched: bool = False) -> Notice:
    audience = _those_who_watch if watched else _those_waited_for
    return Notice(f"emails/{template}.txt", audience, subject, where=_page, context=_words)


NOTICES: Final = {
    "deadline.reminder": _about("deadline_reminder", "{number}: due soon: {deadline.title}"),
    "deadline.missed": _about("deadline_missed", "{number}: overdue: {deadline.title}", watched=True),
    "deadline.escalated": _about(
        "deadline_escalated", "{number}: still not done: {deadline.title}", watched=True
    ),
    "deadline.extended": _about("deadline_moved", "{number}: new date: {deadline.title}"),
    "deadline.recalculated": _about("deadline_moved", "{number}: new date: {deadline.title}"),
}
