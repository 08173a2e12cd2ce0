"""Who hears about outputs."""

from collections.abc import Iterable
from typing import TYPE_CHECKING, Final

from django.db.models import Q
from django.urls import reverse

from disclosure import standing, submissions
from disclosure.checks import REVIEWERS
from disclosure.models import Output, Ruling
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
    """Whoever wrote it; of a self-check its page tells."""
    output = _output(event)
    return [] if output.is_trial else [output.author]


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


def reviewers_once(event: "Event") -> Iterable["User"]:
    """Those who speak for the parties, once for all that was sent together."""
    output = _output(event)
    return [] if submissions.others(output).filter(_sent_with(output), pk__lt=output.pk) else reviewers(event)


def _sent_with(output: Output) -> Q:
    return Q(sent_at=output.sent_at)


def _others_sent(event: "Event") -> dict[str, object]:
    output = _output(event)
    return {"others": submissions.others(output).filter(_sent_with(output)).exists()}


def everyone_concerned(event: "Event") -> Iterable["User"]:
    """Author and reviewers."""
    return [*author(event), *reviewers(event)]


def second_to_rule(event: "Event") -> Iterable["User"]:
    """Those of the other side, of whom one answers."""
    ruling = Ruling.objects.select_related("found__output", "agency", "asked_for").get(pk=event.subject_id)
    if not ruling.asked_for.is_operating_group:
        return people_with_role(Role.OPERATING_GROUP, operating_group())
    return [person for role in REVIEWERS for person in people_with_role(role, ruling.agency)]


def _ruled(event: "Event") -> str:
    return (
        Ruling.objects.select_related("found__output")
        .get(pk=event.subject_id)
        .found.output.get_absolute_url()
    )


def administrators(event: "Event") -> Iterable["User"]:
    """The operating group."""
    return people_with_role(Role.OPERATING_GROUP, operating_group())


NOTICES: Final = {
    "output.checked": Notice(
        "emails/output_checked.txt", author, "{number}: your output is checked", where=_page
    ),
    "output.in_doubt": Notice(
        "emails/output_in_doubt.txt", author, "{number}: your output is not settled", where=_page
    ),
    "ruling.asked": Notice(
        "emails/ruling_asked.txt", second_to_rule, "{number}: a second word is asked for", where=_ruled
    ),
    "output.refused": Notice(
        "emails/output_refused.txt", author, "{number}: your output needs another file", where=_page
    ),
    "output.sent": Notice(
        "emails/output_sent.txt",
        reviewers_once,
        "{number}: an output to review",
        where=_page,
        context=_others_sent,
    ),
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
