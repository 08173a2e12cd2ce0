"""What the pages of a delivery show, gathered for one person."""

import datetime as dt
from typing import TYPE_CHECKING, Any

from matching import checks, lifecycle, pages, selectors, standing
from matching.engine import page_words
from matching.models import Delivery, DeliveryStatus, Form, Question, QuestionStatus
from matching.services import fetching, packing, promising
from p20win.accounts.public import Role
from p20win.custody import public as custody
from p20win.deadlines import public as deadlines
from p20win.workflow import blockers

if TYPE_CHECKING:
    from p20win.accounts.models import User


def delivery(row: Delivery, person: "User", at: dt.datetime) -> dict[str, Any]:
    """Return what the page of a version shows."""
    mine = list(row.downloads.filter(person=person).prefetch_related("fetches"))
    sees_all = person.has_role(Role.HUB_STAFF) or person.has_role(Role.OPERATING_GROUP)
    window = standing.questions_window(row)
    return {
        "delivery": row,
        "match": row.match,
        "lead": lead(row),
        "copy": copy_at_the_hub(row),
        "versions": selectors.versions(row.project),
        "clocks": _clocks(row, mine),
        "window": window,
        "may_download": person.has_perm("projects.download_extract", row.project),
        "why_not_download": fetching.why_not_begin(row, person, at),
        "may_attest": not checks.why_not_attest(row.match, person, at),
        "mine": [told(download) for download in mine],
        "to_delete": row.status == DeliveryStatus.RECALLED and any(d.deleted_at is None for d in mine),
        "everyone": [told(d) for d in row.downloads.select_related("person")] if sees_all else [],
        "is_hub_or_group": sees_all,
        "may_recall": sees_all and not blockers(lifecycle.RECALL, row, person),
        "may_give_time": not checks.why_not_more_time(row, person),
        "may_replace": not checks.why_not_replace(row.match, person),
        "questions": [
            _question(each, person) for each in selectors.questions_for(person).filter(delivery=row)
        ],
        "why_not_ask": checks.why_not_ask(row, person, at),
        "is_recipient": person.has_perm("projects.download_extract", row.project),
    }


def copy_at_the_hub(row: Delivery) -> str:
    """Say whether the hub still has the bytes of a version that nobody can fetch any more (O-74)."""
    if row.extract is None or row.status in (DeliveryStatus.PREPARING, DeliveryStatus.AVAILABLE):
        return ""
    if row.extract.status == custody.FileStatus.DESTROYED:
        return "The hub’s copy of this version is removed."
    if why := custody.why_held(row.project):
        return f"The hub keeps its copy for now. {why}"
    return "The hub’s copy of this version is being removed."


def lead(row: Delivery) -> str:
    """Say in one sentence where a version stands."""
    match row.status:
        case DeliveryStatus.PREPARING if not standing.terms(row.match).limitations:
            return "It waits for the hub to describe the limits of the result."
        case DeliveryStatus.PREPARING:
            return "The vault puts it together."
        case DeliveryStatus.AVAILABLE:
            return "Approved people of the recipient can fetch it, each for themselves."
        case DeliveryStatus.GIVEN_UP:
            return "It was never made: the match was abandoned."
        case DeliveryStatus.RECALLED:
            return "It was recalled. Who has a copy deletes it and confirms that here."
        case DeliveryStatus.REPLACED:
            return "A later version replaces it. Work with that one."
        case _:
            return "The time to fetch it is over."


def _clocks(row: Delivery, mine: list[Any]) -> list[Any]:
    subjects = {str(row.pk), *(str(download.pk) for download in mine)}
    slugs = ["download", fetching.RECEIPT, fetching.RECALL]
    return list(deadlines.open_of_project(row.project).filter(slug__in=slugs, subject_id__in=subjects))


def told(download: Any) -> dict[str, Any]:
    """Return what is shown of one download: who, when, how much, and what they say of it."""
    fetches = list(download.fetches.all())
    return {
        "row": download,
        "bytes": sum(each.sent for each in fetches),
        "parts": len(fetches),
        "last": max((each.ended_at or each.asked_at for each in fetches), default=None),
    }


def _question(row: Question, person: "User") -> dict[str, Any]:
    is_group = person.has_role(Role.OPERATING_GROUP) and row.status != QuestionStatus.ANSWERED
    return {
        "row": row,
        "clock": deadlines.of_subject(row, "question-answer").first(),
        "promise": deadlines.of_subject(row, promising.CLOCK).first(),
        "may_forward": is_group and not blockers(lifecycle.FORWARD, row, person),
        "may_answer": is_group and not blockers(lifecycle.ANSWER, row, person),
        "may_reply": not blockers(lifecycle.REPLY, row, person),
        "may_replace": not checks.why_not_replace(row.delivery.match, person),
        "may_open": not checks.runs_deliveries(row, person),
    }


def papers(row: Delivery) -> dict[str, Any]:
    """Return what explains a version: dictionary, grain, counts, quality by agency, and limits (O-76)."""
    run = standing.latest_result(row.match)
    report = (run.report if run else None) or {}
    return {
        "delivery": row,
        "match": row.match,
        "run": run,
        "grain": packing.GRAIN[Form(row.form)],
        "columns": [
            {key.replace(" ", "_"): value for key, value in each.items()} for each in packing.dictionary(row)
        ],
        "rates": [pages.rate(entry) for entry in report.get("match_rates", [])],
        "estimates": {
            name: page_words.percent(report["estimates"][name]) for name in ("precision", "recall") if report
        },
        "limitations": row.limitations or standing.terms(row.match).limitations,
    }
