"""Who hears about what happens above the desks."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING, Final

from django.urls import reverse

from governance import checks
from governance.models import Closing
from p20win.accounts.public import Organisation, Role, people_with_role
from p20win.notifications.public import Notice
from p20win.projects.public import Part, Participation, Project
from requests_app import public as requests

if TYPE_CHECKING:
    from p20win.accounts.models import User
    from p20win.audit.public import Event

CONCERNED: Final = {
    Part.SUPPLIER: (Role.DATA_STEWARD, Role.BOARD_MEMBER),
    Part.HUB: (Role.HUB_STAFF,),
    Part.RECIPIENT: (Role.REQUESTOR,),
    Part.OPERATING_GROUP: (Role.OPERATING_GROUP,),
}


def everyone_concerned(event: Event) -> Iterable[User]:
    """Those who worked for a party of the project."""
    found: dict[object, User] = {}
    if event.project_id is None:
        return ()
    for row in Participation.objects.filter(project=event.project_id).select_related("organisation"):
        for role in CONCERNED[Part(row.part)]:
            found |= {person.pk: person for person in people_with_role(role, row.organisation)}
    return found.values()


def _page(event: Event) -> str:
    return reverse("project", args=[event.project_id])


def _closing(event: Event) -> Closing:
    rows = Closing.objects.select_related("project", "asked_by", "confirmed_by", "withdrawn_by")
    return rows.get(pk=event.subject_id)


def _closing_words(event: Event) -> dict[str, object]:
    return {"closing": _closing(event)}


def who_can_confirm(event: Event) -> Iterable[User]:
    """The operating group, and the hub's staff where they see the project."""
    found: dict[object, User] = {}
    if event.project_id is None:
        return ()
    for role, organisation in checks.who_sees_to_it(Project.objects.get(pk=event.project_id)):
        found |= {person.pk: person for person in people_with_role(role, organisation)}
    return found.values()


def everyone_at_the_end(event: Event) -> Iterable[User]:
    """Everyone concerned, with the requestor and who can confirm it, whatever their part."""
    found = {person.pk: person for person in everyone_concerned(event)}
    for row in requests.DataRequest.objects.filter(project=event.project_id).select_related("requestor"):
        found[row.requestor.pk] = row.requestor
    return (found | {person.pk: person for person in who_can_confirm(event)}).values()


def who_heard_of_it(event: Event) -> Iterable[User]:
    """All of them once a second person had confirmed it; before, those who could."""
    return everyone_at_the_end(event) if _closing(event).confirmed_at else who_can_confirm(event)


def its_stewards(event: Event) -> Iterable[User]:
    """The data stewards of the organisation that an event is about."""
    return people_with_role(Role.DATA_STEWARD, Organisation.objects.get(pk=event.subject_id))


def _organisation_words(event: Event) -> dict[str, object]:
    return {"organisation": Organisation.objects.get(pk=event.subject_id)}


NOTICES: Final = {
    "organisation.input_rule_set": Notice(
        "emails/input_rule_set.txt",
        its_stewards,
        "Your agency’s clock for the destruction of inputs was set",
        context=_organisation_words,
    ),
    "closing.asked": Notice(
        "emails/closing_asked.txt",
        who_can_confirm,
        "{number}: the closing waits for a second person",
        where=_page,
        context=_closing_words,
    ),
    "closing.set": Notice(
        "emails/closing_set.txt",
        everyone_at_the_end,
        "{number} will be closed in an hour, and what is left of it destroyed",
        where=_page,
        context=_closing_words,
    ),
    "closing.withdrawn": Notice(
        "emails/closing_withdrawn.txt",
        who_heard_of_it,
        "{number}: the closing was withdrawn",
        where=_page,
        context=_closing_words,
    ),
    "project.closed": Notice(
        "emails/project_closed.txt", everyone_at_the_end, "{number} is closed", where=_page, optional=True
    ),
    "closing.done": Notice(
        "emails/closing_done.txt",
        everyone_at_the_end,
        "{number}: all that was left is destroyed",
        where=_page,
        context=_closing_words,
        optional=True,
    ),
}
