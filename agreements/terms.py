"""What an agreement says, taken once from the approved request: number, title, parties and dates of all
exhibits come from this one record (O-52, O-128, O-138)."""

import datetime as dt
from typing import TYPE_CHECKING, Any

from p20win import policy
from p20win.accounts.public import hub, operating_group
from p20win.calendar import BusinessDays, Hours
from p20win.projects import public as projects
from p20win.refusal import Blocked
from requests_app import public as requests

if TYPE_CHECKING:
    from agreements.models import Agreement
    from p20win.accounts.models import Organisation
    from p20win.projects.models import Project


def from_request(project: "Project") -> dict[str, Any]:
    """Return the terms of the project's approved request, ready to be stored.

    :raises Blocked: if the request is not approved
    """
    request = requests.approved_request(project)
    destruction_date = requests.destruction_date(project)
    if request is None or destruction_date is None:
        raise Blocked(
            "The request is not approved. An agreement is drawn up when every agency has approved it."
        )
    decisions = list(requests.decisions(request))
    agencies = list(projects.suppliers(project))
    recipient = projects.recipient(project)
    return {
        "number": project.number,
        "title": project.title,
        "agencies": [_party(agency) for agency in agencies],
        "hub": _party(hub()),
        "operating_group": _party(operating_group()),
        "recipient": _party(recipient) if recipient else None,
        "legal_basis": "; ".join(str(requests.LegalBasis(basis).label) for basis in request.legal_bases),
        "purpose": request.legal_argument,
        "benefit": request.benefit,
        "storage": request.place_text,
        "safeguards": request.security_plan,
        "destruction_date": destruction_date.isoformat(),
        "elements": [
            {
                "agency": element.source.short_name if element.source else "third-party supplier",
                "name": element.name,
                "source": element.source_element,
                "is_matching_identifier": element.is_matching_identifier,
                "questions": [question.code for question in element.questions.all()],
                "explanation": element.explanation,
            }
            for element in requests.elements(project)
        ],
        "questions": [{"code": q.code, "text": q.text} for q in requests.research_questions(project)],
        "outputs": [
            {"document": o.document, "audience": o.audience, "measures": o.measures}
            for o in requests.planned_outputs(project)
        ],
        "people": [
            {"name": p.name, "organisation": p.organisation, "position": p.position, "role": p.project_role}
            for p in requests.named_people(project)
        ],
        "min_cell": requests.min_cell_count(project),
        "limits": [
            {
                "agency": d.agency.short_name,
                "privacy": d.privacy_requirements,
                "dissemination": d.dissemination_limits,
            }
            for d in decisions
            if d.privacy_requirements or d.dissemination_limits
        ],
        "approved_on": str(requests.last_approved_on(request)),
        **_inputs_within([*agencies, *requests.list_suppliers(project)]),
    }


def _party(organisation: "Organisation") -> dict[str, str]:
    return {"slug": organisation.slug, "name": organisation.legal_name, "short_name": organisation.short_name}


def _inputs_within(suppliers: list["Organisation"]) -> dict[str, Any]:
    """Say the strictest clock for the destruction of inputs, in words and as numbers (O-107).

    Hours and business days are both said where it depends on the weekday which of them end first.
    """
    rules: list[Hours | BusinessDays | None] = [policy.INPUT_DESTRUCTION]
    rules += [row.input_rule for row in suppliers]
    hours = min((rule.count for rule in rules if isinstance(rule, Hours)), default=None)
    days = min(rule.count for rule in rules if isinstance(rule, BusinessDays))
    if hours is None:
        return _within(str(BusinessDays(days)), days=days)
    if hours <= 24 * days:  # so few hours always end before the last of so many days does
        return _within(str(Hours(hours)), hours=hours)
    return _within(f"the earlier of {Hours(hours)} and {BusinessDays(days)}", hours=hours, days=days)


def _within(words: str, *, hours: int | None = None, days: int | None = None) -> dict[str, Any]:
    return {"input_destruction": words, "input_rules": {"hours": hours, "business_days": days}}


def input_rules(agreement: "Agreement | None") -> list[Hours | BusinessDays]:
    """Return within what an agreement says that inputs are destroyed; without one, the general rule."""
    said = agreement.terms.get("input_rules", {}) if agreement else {}
    hours, days = said.get("hours"), said.get("business_days")
    found: list[Hours | BusinessDays] = [Hours(hours)] if hours else []
    found += [BusinessDays(days)] if days else []
    return found or [policy.INPUT_DESTRUCTION]


def placeholders(agreement: "Agreement") -> dict[str, str]:
    """Return the values that the agreement's text is filled with."""
    terms = agreement.terms
    return {
        "number": terms["number"],
        "title": terms["title"],
        "agencies": _listed([agency["name"] for agency in terms["agencies"]]),
        "hub": terms["hub"]["name"],
        "recipient": terms["recipient"]["name"],
        "operating_group": terms["operating_group"]["name"],
        "purpose": terms["purpose"],
        "legal_basis": terms["legal_basis"],
        "benefit": terms["benefit"],
        "storage": terms["storage"],
        "safeguards": terms["safeguards"],
        "input_destruction": terms["input_destruction"],
        "completeness_questions": str(policy.COMPLETENESS_QUESTIONS.unit),
        "min_cell": str(terms["min_cell"]),
        "min_base": str(policy.MIN_PERCENT_BASE),
        "review": str(policy.PREPUBLICATION_REVIEW.unit),
        "breach": str(policy.BREACH_REPORT),
        "destruction_date": _long(agreement.destruction_date),
        "certificate": str(policy.DESTRUCTION_CERTIFICATE),
        "ends_on": _long(agreement.ends_on),
        "termination": str(policy.TERMINATION_NOTICE.unit),
    }


def _listed(names: list[str]) -> str:
    return names[0] if len(names) == 1 else f"{', '.join(names[:-1])} and {names[-1]}"


def _long(day: dt.date) -> str:
    return f"{day:%B} {day.day}, {day.year}"
