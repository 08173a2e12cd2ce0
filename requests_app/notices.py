"""Who hears about requests."""

from collections.abc import Iterable
from typing import TYPE_CHECKING, Any, Final

from p20win.accounts.public import Role, operating_group, people_with_role
from p20win.notifications.public import Notice
from requests_app import selectors
from requests_app.models import DataRequest, Decision, NamedPerson, PersonApproval

if TYPE_CHECKING:
    from p20win.accounts.models import User
    from p20win.audit.public import Event


def _subject(event: "Event") -> Any:
    models = {
        "requests_app.datarequest": DataRequest,
        "requests_app.decision": Decision,
        "requests_app.namedperson": NamedPerson,
        "requests_app.personapproval": PersonApproval,
    }
    model: Any = models[event.subject_type]
    return model.objects.get(pk=event.subject_id)


def _request(event: "Event") -> DataRequest:
    row = _subject(event)
    if isinstance(row, PersonApproval):
        row = row.person
    request: DataRequest = row if isinstance(row, DataRequest) else row.request
    return request


def _page(event: "Event") -> str:
    return _request(event).get_absolute_url()


def _people_page(event: "Event") -> str:
    return f"{_page(event)}people/"


def requestor(event: "Event") -> Iterable["User"]:
    """The requestor."""
    return [_request(event).requestor]


def checkers(event: "Event") -> Iterable["User"]:
    """The operating group."""
    return people_with_role(Role.OPERATING_GROUP, operating_group())


def deciders(event: "Event") -> Iterable["User"]:
    """The board members and stewards of the agencies asked."""
    found: dict[object, User] = {}
    for agency in selectors.expected_agencies(_request(event)):
        for role in (Role.BOARD_MEMBER, Role.DATA_STEWARD):
            found |= {person.pk: person for person in people_with_role(role, agency)}
    return found.values()


def requestor_and_checkers(event: "Event") -> Iterable["User"]:
    """The requestor and the operating group."""
    return [*requestor(event), *checkers(event)]


def everyone(event: "Event") -> Iterable["User"]:
    """The requestor, the operating group, and the agencies asked."""
    found = {person.pk: person for person in [*requestor_and_checkers(event), *deciders(event)]}
    return found.values()


def informed_of_withdrawal(event: "Event") -> Iterable["User"]:
    """Those who had seen the request: nobody, if it was a draft."""
    return everyone(event) if _request(event).round else ()


def person_and_requestor(event: "Event") -> Iterable["User"]:
    """The named person, if they have an account, and the requestor."""
    person = _subject(event).person
    return [row for row in (person.user, person.request.requestor) if row is not None]


NOTICES: Final = {
    "request.submitted": Notice(
        "emails/request_submitted.txt", checkers, "{number} was submitted: check it", where=_page
    ),
    "request.resubmitted": Notice(
        "emails/request_submitted.txt", checkers, "{number} was submitted again: check it", where=_page
    ),
    "request.returned": Notice(
        "emails/request_returned.txt", requestor, "{number} comes back with comments", where=_page
    ),
    "request.sent_to_agencies": Notice(
        "emails/request_to_decide.txt", deciders, "{number}: your agency’s decision is asked for", where=_page
    ),
    "decision.made": Notice(
        "emails/request_decision.txt",
        requestor_and_checkers,
        "{number}: an agency decided",
        where=_page,
        optional=True,
    ),
    "request.approved": Notice("emails/request_approved.txt", everyone, "{number} is approved", where=_page),
    "request.conditional": Notice(
        "emails/request_conditional.txt", requestor_and_checkers, "{number}: more is needed", where=_page
    ),
    "request.disapproved": Notice(
        "emails/request_disapproved.txt", requestor_and_checkers, "{number} is disapproved", where=_page
    ),
    "request.withdrawn": Notice(
        "emails/request_withdrawn.txt", informed_of_withdrawal, "{number} is withdrawn", where=_page
    ),
    "person.refused": Notice(
        "emails/person_refused.txt", requestor, "{number}: an agency refused a person", where=_people_page
    ),
    "person.approval_withdrawn": Notice(
        "emails/person_withdrawn.txt",
        person_and_requestor,
        "{number}: an agency took its approval of a person back",
        where=_people_page,
    ),
}
