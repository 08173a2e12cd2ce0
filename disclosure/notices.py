"""Who hears about outputs."""

from collections.abc import Iterable
from typing import TYPE_CHECKING, Final

from django.urls import reverse

from disclosure import standing
from disclosure.checks import REVIEWERS
from disclosure.models import Output
from p20win.accounts.public import Role, operating_group, people_with_role
from p20win.notifications.public import Notice

if TYPE_CHECKING:
    from p20win.accounts.models import User
    from p20win.audit.public import Event


def _output(event: "Event") -> Output:
    return Output.objects.select_related("project", "author").get(pk=event.subject_id)


def _page(event: "Event") -> str:
    return reverse("disclosure:detail", args=[event.subject_id])


def author(event: "Event") -> Iterable["User"]:
    """Whoever wrote it."""
    return [_output(event).author]


def reviewers(event: "Event") -> Iterable["User"]:
    """Those who speak for the agencies and the operating group."""
    output = _output(event)
    found: dict[object, User] = {}
    for party in standing.expected_parties(output):
        roles = (Role.OPERATING_GROUP,) if party.is_operating_group else REVIEWERS
        for role in roles:
            found |= {person.pk: person for person in people_with_role(role, party)}
    found.pop(output.author_id, None)
    return found.values()


def everyone_concerned(event: "Event") -> Iterable["User"]:
    """Author and reviewers."""
    return [*author(event), *reviewers(event)]


def administrators(event: "Event") -> Iterable["User"]:
    """The operating group."""
    return people_with_role(Role.OPERATING_GROUP, operating_group())


NOTICES: Final = {
    "output.checked": Notice(
        "emails/output_checked.txt", author, "{number}: your output is checked", where=_page
    ),
    "output.refused": Notice(
        "emails/output_refused.txt", author, "{number}: your output needs another file", where=_page
    ),
    "output.sent": Notice("emails/output_sent.txt", reviewers, "{number}: an output to review", where=_page),
    "output.returned": Notice(
        "emails/output_returned.txt", author, "{number}: your output was returned", where=_page
    ),
    "output.may_be_released": Notice(
        "emails/output_may_be_released.txt",
        administrators,
        "{number}: an output can be released",
        where=_page,
    ),
    "output.released": Notice(
        "emails/output_released.txt", everyone_concerned, "{number}: an output is released", where=_page
    ),
}
