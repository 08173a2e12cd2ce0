"""Who hears about what happens above the desks."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING, Final

from django.urls import reverse

from p20win.accounts.public import Organisation, Role, people_with_role
from p20win.notifications.public import Notice
from p20win.projects.public import Part, Participation

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
    "project.closed": Notice(
        "emails/project_closed.txt", everyone_concerned, "{number} is closed", where=_page, optional=True
    ),
}
