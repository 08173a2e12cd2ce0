"""Who hears about agreements."""

from collections.abc import Iterable
from typing import TYPE_CHECKING, Final

from django.urls import reverse

from agreements.models import Agreement, MatchMethod, Party
from p20win.accounts.public import Role, hub, operating_group, people_with_role
from p20win.notifications.public import Notice

if TYPE_CHECKING:
    from p20win.accounts.models import User
    from p20win.audit.public import Event


def _agreement(event: "Event") -> Agreement:
    if event.subject_type == "agreements.party":
        return Party.objects.select_related("agreement").get(pk=event.subject_id).agreement
    return Agreement.objects.get(pk=event.subject_id)


def _page(event: "Event") -> str:
    return reverse("agreements:detail", args=[_agreement(event).pk])


def signatories(event: "Event") -> Iterable["User"]:
    """Those who may sign for a party."""
    found: dict[object, User] = {}
    for party in _agreement(event).parties.select_related("organisation"):
        found |= {person.pk: person for person in people_with_role(Role.SIGNATORY, party.organisation)}
    return found.values()


def everyone_concerned(event: "Event") -> Iterable["User"]:
    """The signatories, the operating group, and the requestor's organisation's requestors."""
    found = {person.pk: person for person in signatories(event)}
    found |= {p.pk: p for p in people_with_role(Role.OPERATING_GROUP, operating_group())}
    for party in _agreement(event).parties.filter(capacity="recipient").select_related("organisation"):
        found |= {p.pk: p for p in people_with_role(Role.REQUESTOR, party.organisation)}
    return found.values()


def administrators(event: "Event") -> Iterable["User"]:
    """The operating group."""
    return people_with_role(Role.OPERATING_GROUP, operating_group())


def hub_staff(event: "Event") -> Iterable["User"]:
    """Those who run matches."""
    return people_with_role(Role.HUB_STAFF, hub())


def _methods(event: "Event") -> str:
    return reverse("agreements:methods")


def _method_words(event: "Event") -> dict[str, object]:
    return {"method": MatchMethod.objects.get(pk=event.subject_id)}


NOTICES: Final = {
    "agreement.issued": Notice(
        "emails/agreement_issued.txt",
        signatories,
        "Agreement on {number}: your signature is asked for",
        where=_page,
    ),
    "agreement.signed": Notice(
        "emails/agreement_signed.txt",
        administrators,
        "Agreement on {number}: a party signed",
        where=_page,
        optional=True,
    ),
    "agreement.in_force": Notice(
        "emails/agreement_in_force.txt", everyone_concerned, "Agreement on {number} is in force", where=_page
    ),
    "agreement.ended": Notice(
        "emails/agreement_ended.txt", everyone_concerned, "Agreement on {number} has ended", where=_page
    ),
    "method.approved": Notice(
        "emails/method_approved.txt",
        hub_staff,
        "A matching method was approved",
        where=_methods,
        context=_method_words,
        optional=True,
    ),
    "method.retired": Notice(
        "emails/method_retired.txt",
        hub_staff,
        "A matching method is retired",
        where=_methods,
        context=_method_words,
    ),
    "certificate.filed": Notice(
        "emails/certificate_filed.txt", administrators, "{number}: certificate of destruction filed"
    ),
}
