"""Acts of reviewers besides their vote: what they want to read before, and rulings on what is not settled."""

import datetime as dt
from typing import TYPE_CHECKING

from django.db import transaction

from disclosure import review_checks, standing
from disclosure.models import Material, Output, OutputStatus, PriorReview, Ruling
from disclosure.services import ask_party
from p20win.audit.public import first_in_line
from p20win.projects.public import Project
from p20win.refusal import Blocked
from p20win.workflow import amend, create

if TYPE_CHECKING:
    from p20win.accounts.models import Organisation, User


@transaction.atomic
def ask_prior_review(
    project: "Project", *, agency: "Organisation", material: str, reason: str, by: "User", at: dt.datetime
) -> PriorReview:
    """Ask, for an agency, to read a kind of material before it is released; that holds until ended (O-82).

    :raises Blocked: if this person does not speak for the agency, no reason is given, or it is asked already
    """
    first_in_line()
    Project.objects.select_for_update().get(pk=project.pk)  # what is sent at this moment waits, or is found
    reasons = review_checks.why_not_wish(project, by, at)
    if not reasons and agency not in review_checks.agencies_of(project, by):
        reasons.append(f"You do not speak for {agency} in this project.")
    if material not in Material.values:
        reasons.append("Choose a kind of material.")
    if not reason.strip():
        reasons.append("Say why your agency wants to read it before.")
    if standing.wishes(project).filter(agency=agency, material=material).exists():
        reasons.append("Your agency has asked for this already.")
    if reasons:
        raise Blocked(reasons)
    row = PriorReview(
        project=project, agency=agency, material=material, reason=reason.strip(), asked_by=by, asked_at=at
    )
    details = {"agency": agency.slug, "material": material}
    row = create("prior_review.asked", row, by=by, at=at, note=row.reason, details=details)
    for output in Output.objects.filter(project=project, status=OutputStatus.IN_REVIEW, material=material):
        ask_party(output, agency, by=by, at=at)
    return row


@transaction.atomic
def end_prior_review(wish: PriorReview, *, by: "User", at: dt.datetime) -> PriorReview:
    """End a wish to read a kind of material before; words that were asked for meanwhile are still asked for.

    :raises Blocked: if it has ended, or this person does not speak for the agency
    """
    first_in_line()
    wish = PriorReview.objects.select_for_update(no_key=True).get(pk=wish.pk)
    if reasons := review_checks.why_not_end_wish(wish, by):
        raise Blocked(reasons)
    details = {"agency": wish.agency.slug, "material": wish.material}
    return amend("prior_review.ended", wish, by=by, at=at, details=details, ended_at=at, ended_by=by)


@transaction.atomic
def ask_ruling(output: Output, *, agency: "Organisation", reason: str, by: "User", at: dt.datetime) -> Ruling:
    """Ask to let pass what the check left open; a second person of the other side answers.

    :raises Blocked: if a count leaks, nothing is open, this person may not, or no reason is given
    """
    first_in_line()
    output = Output.objects.select_for_update().get(pk=output.pk)
    reasons = review_checks.why_not_ask_ruling(output, by, at)
    side, found = review_checks.side_of(output, by), standing.latest_check(output)
    concerned = review_checks.agencies_of(output.project, by)
    if side is not None and not side.is_operating_group and agency not in concerned:
        reasons.append(f"You do not speak for {agency} in this project.")
    if agency not in standing.expected_parties(output) or agency.is_operating_group:
        reasons.append("Name the agency that is concerned.")
    if not reason.strip():
        reasons.append("Say why it may pass.")
    if reasons or side is None or found is None:
        raise Blocked(reasons)
    row = Ruling(found=found, agency=agency, reason=reason.strip(), asked_by=by, asked_for=side, asked_at=at)
    details = {"output": str(output.pk), "agency": agency.slug, "for": side.slug, "open": found.doubts}
    return create("ruling.asked", row, by=by, at=at, note=row.reason, details=details)


@transaction.atomic
def answer_ruling(ruling: Ruling, *, confirms: bool, answer: str, by: "User", at: dt.datetime) -> Ruling:
    """Let pass what the check left open, as the second person, or decline with a reason.

    :raises Blocked: if this person is not the second one, a count leaks, or no reason is given
    """
    first_in_line()
    output = Output.objects.select_for_update().get(pk=ruling.found.output_id)
    ruling = Ruling.objects.select_for_update(no_key=True, of=("self",)).get(pk=ruling.pk)
    reasons = review_checks.why_not_answer_ruling(ruling, by, at)
    if not answer.strip():
        reasons.append("Give your reason in writing.")
    if reasons:
        raise Blocked(reasons)
    details = {"output": str(output.pk), "agency": ruling.agency.slug}
    when = "confirmed_at" if confirms else "declined_at"
    said = {when: at, "answered_by": by, "answer": answer.strip()}
    event = "ruling.confirmed" if confirms else "ruling.declined"
    return amend(event, ruling, by=by, at=at, note=answer.strip(), details=details, **said)
