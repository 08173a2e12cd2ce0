"""Who hears about matches."""

from collections.abc import Iterable
from typing import TYPE_CHECKING, Final

from matching.models import (
    Abandonment,
    Delivery,
    DeliveryTerms,
    DestructionOrder,
    LinkAttestation,
    Match,
    MatchSignoff,
    MatchStatus,
    Question,
    Reopening,
    Repeat,
)
from matching.standing import agencies
from p20win.accounts.public import Role, hub, operating_group, people_with_role
from p20win.notifications.public import Notice
from p20win.projects import public as projects
from requests_app import public as requests

if TYPE_CHECKING:
    from p20win.accounts.models import User
    from p20win.audit.models import Event


def _match(event: "Event") -> Match:
    if event.subject_type == "matching.matchsignoff":
        return MatchSignoff.objects.select_related("run__match__project").get(pk=event.subject_id).run.match
    if event.subject_type == "matching.delivery":
        return Delivery.objects.select_related("match__project").get(pk=event.subject_id).match
    if event.subject_type == "matching.question":
        return _question(event).delivery.match
    if event.subject_type == "matching.destructionorder":
        return _order(event).match
    if event.subject_type == "matching.abandonment":
        return _abandonment(event).match
    if event.subject_type == "matching.reopening":
        return _reopening(event).expected.match
    if event.subject_type == "matching.deliveryterms":
        return DeliveryTerms.objects.select_related("match__project").get(pk=event.subject_id).match
    if event.subject_type == "matching.repeat":
        return Match.objects.filter(project=event.project_id).select_related("project").latest("number")
    if event.subject_type == "matching.linkattestation":
        return LinkAttestation.objects.select_related("match__project").get(pk=event.subject_id).match
    return Match.objects.select_related("project").get(pk=event.subject_id)


def _question(event: "Event") -> Question:
    rows = Question.objects.select_related("delivery__match__project", "asked_by", "with_organisation")
    return rows.get(pk=event.subject_id)


def _delivery_page(event: "Event") -> str:
    if event.subject_type == "matching.question":
        return _question(event).delivery.get_absolute_url()
    return Delivery.objects.get(pk=event.subject_id).get_absolute_url()


def _order(event: "Event") -> DestructionOrder:
    rows = DestructionOrder.objects.select_related(
        "match__project", "asked_by", "confirmed_by", "withdrawn_by"
    )
    return rows.get(pk=event.subject_id)


def _abandonment(event: "Event") -> Abandonment:
    rows = Abandonment.objects.select_related("match__project", "asked_by", "confirmed_by")
    if event.subject_type == "matching.match":
        return rows.get(match__pk=event.subject_id, status="confirmed")
    return rows.get(pk=event.subject_id)


def _reopening(event: "Event") -> Reopening:
    rows = Reopening.objects.select_related(
        *("expected__match__project", "expected__agency", "opened_by"),
        *("expected__slot__supplier", "expected__slot__invitation__contact"),
    )
    return rows.get(pk=event.subject_id)


def _reopening_words(event: "Event") -> dict[str, object]:
    return {"reopening": _reopening(event)}


def _abandonment_words(event: "Event") -> dict[str, object]:
    return {"abandonment": _abandonment(event)}


def _order_words(event: "Event") -> dict[str, object]:
    return {"order": _order(event)}


def _repeat_words(event: "Event") -> dict[str, object]:
    return {"repeat": Repeat.objects.get(pk=event.subject_id)}


def _match_words(event: "Event") -> dict[str, object]:
    return {"match": _match(event)}


def _page(event: "Event") -> str:
    return _match(event).get_absolute_url()


def stewards(event: "Event") -> Iterable["User"]:
    """Those who send an agency's files."""
    project = _match(event).project
    return [person for agency in agencies(project) for person in people_with_role(Role.DATA_STEWARD, agency)]


def hub_staff(event: "Event") -> Iterable["User"]:
    """Those who run matches."""
    return people_with_role(Role.HUB_STAFF, hub())


def hub_and_operating_group(event: "Event") -> Iterable["User"]:
    """Those who run matches, and those who run the process."""
    return [*hub_staff(event), *people_with_role(Role.OPERATING_GROUP, operating_group())]


def representatives(event: "Event") -> Iterable["User"]:
    """Those who say for their party whether a match is optimal."""
    recipient = projects.recipient(_match(event).project)
    requestors = people_with_role(Role.REQUESTOR, recipient) if recipient else []
    return [*stewards(event), *requestors]


def concerned_by_reopening(event: "Event") -> Iterable["User"]:
    """Everyone concerned; of an invited supplier's list its contact, its agency, and who runs the process."""
    expected = _reopening(event).expected
    if expected.slot.invitation is None:
        return everyone_concerned(event)
    stewards_of_it = people_with_role(Role.DATA_STEWARD, expected.agency)
    return [*stewards_of_it, *hub_and_operating_group(event)]


def who_can_agree_now(event: "Event") -> Iterable["User"]:
    """The parties' representatives, while they are asked."""
    return representatives(event) if _match(event).status == MatchStatus.LINKED else []


def representatives_and_hub(event: "Event") -> Iterable["User"]:
    """Those who say whether a match is optimal, and those who describe its limits before."""
    return [*representatives(event), *hub_staff(event)]


def recipients(event: "Event") -> Iterable["User"]:
    """Those of the user list whom every agency approved."""
    approved = requests.approved_people(_match(event).project)
    return [person.user for person in approved if person.user is not None]


def who_may_have_copies(event: "Event") -> Iterable["User"]:
    """The recipient's people, and whoever began a download, approved still or not."""
    delivery = Delivery.objects.get(pk=event.subject_id)
    return [*recipients(event), *(row.person for row in delivery.downloads.select_related("person"))]


def coordinators(event: "Event") -> Iterable["User"]:
    """Those who run the process."""
    return people_with_role(Role.OPERATING_GROUP, operating_group())


def who_is_asked(event: "Event") -> Iterable["User"]:
    """Those who can reply to a forwarded question."""
    asked = _question(event).with_organisation
    if asked is None:
        return []
    hubs = people_with_role(Role.HUB_STAFF, asked) if asked.is_hub else []
    return [*people_with_role(Role.DATA_STEWARD, asked), *hubs]


def who_asked(event: "Event") -> Iterable["User"]:
    """The person who asked, and the hub, which acts on the answer."""
    return [_question(event).asked_by, *hub_staff(event)]


def everyone_concerned(event: "Event") -> Iterable["User"]:
    """The parties' representatives, the hub and the operating group."""
    return people_of_a_match(_match(event))


def people_of_a_match(match: Match) -> list["User"]:
    """Return the agencies' stewards, the recipient's requestors, the hub's staff and the operating group."""
    recipient = projects.recipient(match.project)
    return [
        *(p for agency in agencies(match.project) for p in people_with_role(Role.DATA_STEWARD, agency)),
        *(people_with_role(Role.REQUESTOR, recipient) if recipient else []),
        *people_with_role(Role.HUB_STAFF, hub()),
        *people_with_role(Role.OPERATING_GROUP, operating_group()),
    ]


NOTICES: Final = {
    "match.opened": Notice(
        "emails/match_opened.txt", stewards, "{number}: please send your files", where=_page
    ),
    "repeat.set": Notice(
        "emails/repeat_set.txt",
        everyone_concerned,
        "{number}: the match will be repeated",
        where=_page,
        context=_repeat_words,
    ),
    "repeat.waits": Notice(
        "emails/repeat_waits.txt",
        hub_and_operating_group,
        "{number}: the next match cannot be opened yet",
        where=_page,
        context=_repeat_words,
    ),
    "repeat.ended": Notice(
        "emails/repeat_ended.txt",
        everyone_concerned,
        "{number}: the match is not repeated any more",
        where=_page,
        context=_repeat_words,
    ),
    "match.destruction_rule_set": Notice(
        "emails/match_destruction_rule.txt",
        everyone_concerned,
        "{number}: the clock for destroying the inputs was set",
        where=_page,
        context=_match_words,
    ),
    "match.files_complete": Notice(
        "emails/match_files_complete.txt", hub_staff, "{number}: all files are there", where=_page
    ),
    "match.file_reopened": Notice(
        "emails/match_file_reopened.txt",
        concerned_by_reopening,
        "{number}: a file is sent again",
        where=_page,
        context=_reopening_words,
    ),
    "match.linked": Notice(
        "emails/match_linked.txt", representatives_and_hub, "{number}: the match report is ready", where=_page
    ),
    "match.limitations_written": Notice(
        "emails/match_limits.txt",
        who_can_agree_now,
        "{number}: please say whether the match is optimal",
        where=_page,
    ),
    "match.run_chosen": Notice(
        "emails/match_linked.txt", representatives, "{number}: another match report is ready", where=_page
    ),
    "match.failed": Notice(
        "emails/match_failed.txt", hub_staff, "{number}: the match did not work", where=_page
    ),
    "match.rejected": Notice(
        "emails/match_rejected.txt",
        hub_and_operating_group,
        "{number}: the match is to be done again",
        where=_page,
    ),
    "match.signed_off": Notice(
        "emails/match_signed_off.txt", everyone_concerned, "{number}: the match is complete", where=_page
    ),
    "extract.available": Notice(
        "emails/extract_available.txt", recipients, "{number}: your data is ready", where=_delivery_page
    ),
    "extract.recalled": Notice(
        "emails/extract_recalled.txt",
        who_may_have_copies,
        "{number}: a delivery is recalled; delete your copies",
        where=_delivery_page,
    ),
    "extract.replaced": Notice(
        "emails/extract_replaced.txt",
        who_may_have_copies,
        "{number}: a later version replaces a delivery",
        where=_delivery_page,
    ),
    "link.attested": Notice(
        "emails/link_attested.txt", stewards, "{number}: a link is attested to be destroyed", where=_page
    ),
    "question.asked": Notice(
        "emails/question_asked.txt",
        coordinators,
        "{number}: a question about the delivered data",
        where=_delivery_page,
    ),
    "question.forwarded": Notice(
        "emails/question_forwarded.txt",
        who_is_asked,
        "{number}: please reply to a question about the data",
        where=_delivery_page,
    ),
    "question.replied": Notice(
        "emails/question_replied.txt",
        coordinators,
        "{number}: a question has its reply",
        where=_delivery_page,
    ),
    "question.answered": Notice(
        "emails/question_answered.txt",
        who_asked,
        "{number}: your question is answered",
        where=_delivery_page,
    ),
    "destruction_order.asked": Notice(
        "emails/destruction_asked.txt",
        hub_staff,
        "{number}: a destruction waits for a second person",
        where=_page,
        context=_order_words,
    ),
    "destruction_order.set": Notice(
        "emails/destruction_set.txt",
        everyone_concerned,
        "{number}: the input files will be destroyed in an hour",
        where=_page,
        context=_order_words,
    ),
    "destruction_order.withdrawn": Notice(
        "emails/destruction_withdrawn.txt",
        everyone_concerned,
        "{number}: the destruction was withdrawn",
        where=_page,
        context=_order_words,
    ),
    "abandonment.asked": Notice(
        "emails/abandonment_asked.txt",
        hub_and_operating_group,
        "{number}: the end of a match waits for a second person",
        where=_page,
        context=_abandonment_words,
    ),
    "abandonment.withdrawn": Notice(
        "emails/abandonment_withdrawn.txt",
        hub_and_operating_group,
        "{number}: the match is not abandoned",
        where=_page,
    ),
    "match.abandoned": Notice(
        "emails/match_abandoned.txt",
        everyone_concerned,
        "{number}: the match has ended without a result",
        where=_page,
        context=_abandonment_words,
    ),
    "match.inputs_destroyed": Notice(
        "emails/match_inputs_destroyed.txt",
        everyone_concerned,
        "{number}: the inputs are destroyed",
        where=_page,
    ),
}
