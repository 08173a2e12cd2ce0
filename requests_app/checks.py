"""Why not: who may do what to a request, and whether it is ready."""

from typing import TYPE_CHECKING

from p20win.accounts.public import Organisation, Role
from requests_app import completeness
from requests_app.models import DataRequest, Decision, NamedPerson
from requests_app.vocabulary import EDITABLE, Outcome, Status

if TYPE_CHECKING:
    from p20win.accounts.models import User

REASONS_SHOWN = 3


def is_own(request: DataRequest, actor: "User") -> str | None:
    """Only the requestor does this."""
    if actor.pk == request.requestor_id and actor.has_good_standing:
        return None
    return "Only the requestor can do this."


def is_not_own(request: DataRequest, actor: "User") -> str | None:
    """Nobody decides on their own request."""
    if actor.pk != request.requestor_id:
        return None
    return "You are the requestor: somebody else checks and decides on it."


def why_not_edit(request: DataRequest, actor: "User") -> str | None:
    """Say why this person cannot change the request now."""
    if request.status not in EDITABLE:
        return f"The request cannot be changed while its status is “{request.get_status_display()}”."
    return is_own(request, actor)


def is_complete(request: DataRequest, actor: "User") -> str | None:
    """Nothing is missing, and no contradiction is left without a reason."""
    found = completeness.problems(request)
    if not found:
        return None
    more = len(found) - REASONS_SHOWN
    words = " ".join(problem.message for problem in found[:REASONS_SHOWN])
    return f"{words} And {more} more." if more > 0 else words


def is_commented(request: DataRequest, actor: "User") -> str | None:
    """A request is sent back with words on what should change."""
    if request.comments.filter(round=request.round).exists():
        return None
    return "Write at least one comment, so that the requestor knows what to change."


def drops_what_was_refused(request: DataRequest, actor: "User") -> str | None:
    """After a refusal the request goes on without what was refused (O-34)."""
    last = Decision.objects.filter(request=request, round=request.round).select_related("agency")
    asked = set(request.requested_agencies.values_list("agency_id", flat=True))
    reasons = [
        f"{row.agency.short_name} disapproved: take it off the request (1.e)."
        for row in last
        if row.outcome == Outcome.DISAPPROVAL and row.agency_id in asked
    ]
    for row in last.prefetch_related("refusals"):
        refused = {refusal.element_name for refusal in row.refusals.all()}
        left = request.elements.filter(source=row.agency_id, name__in=refused)
        if names := sorted(left.values_list("name", flat=True)):
            reasons.append(f"{row.agency.short_name} does not give {', '.join(names)}: remove them.")
    return " ".join(reasons) or None


# ------------------------------------------------------------------ decisions


def deciding_agency(request: DataRequest, actor: "User") -> Organisation | None:
    """Return the agency for which this person decides on the request, if there is one."""
    for row in request.requested_agencies.select_related("agency"):
        if actor.has_role(Role.BOARD_MEMBER, row.agency):
            return row.agency
    return None


def decides_for_an_agency(request: DataRequest, actor: "User") -> str | None:
    """A governing board member of an agency that was asked decides (O-130)."""
    if deciding_agency(request, actor):
        return None
    return "Only a data governing board member of an agency named in the request can decide."


def has_not_decided(request: DataRequest, actor: "User") -> str | None:
    """An agency decides once in a round."""
    agency = deciding_agency(request, actor)
    if agency and request.decisions.filter(agency=agency, round=request.round).exists():
        return f"{agency.short_name} has decided already."
    return None


def undecided(request: DataRequest) -> list[str]:
    """Return the agencies that were asked and have not decided in this round."""
    decided = request.decisions.filter(round=request.round).values("agency_id")
    waiting = request.requested_agencies.exclude(agency_id__in=decided)
    return sorted(waiting.values_list("agency__short_name", flat=True))


def every_agency_decided(request: DataRequest, actor: "User") -> str | None:
    """Every agency that was asked has decided; no agency at all is not a decision."""
    if not request.requested_agencies.exists():
        return "Waiting for the agencies to be named."
    waiting = undecided(request)
    return f"Waiting for {', '.join(waiting)}." if waiting else None


def every_agency_approved(request: DataRequest, actor: "User") -> str | None:
    """Every agency that was asked approved without conditions."""
    expected = set(request.requested_agencies.values_list("agency__short_name", flat=True))
    rows = request.decisions.filter(round=request.round, outcome=Outcome.APPROVAL)
    given = set(rows.values_list("agency__short_name", flat=True))
    if expected and given >= expected:
        return None
    return f"Waiting for the approval of {', '.join(sorted(expected - given)) or 'the agencies'}."


# ------------------------------------------------------------------ people


def why_not_name(request: DataRequest, actor: "User") -> str | None:
    """Say why this person cannot change the user list now: it may also change after approval (O-04)."""
    if request.status == Status.APPROVED:
        return is_own(request, actor)
    return why_not_edit(request, actor)


def approving_agencies(request: DataRequest, actor: "User") -> list[Organisation]:
    """Return the agencies for which this person decides on named people."""
    return [
        row.agency
        for row in request.requested_agencies.select_related("agency").order_by("agency__short_name")
        if actor.has_role(Role.BOARD_MEMBER, row.agency) or actor.has_role(Role.DATA_STEWARD, row.agency)
    ]


def why_not_decide_people(request: DataRequest, agency: Organisation, actor: "User") -> str | None:
    """Say why this person cannot decide on the user list for this agency."""
    if request.status not in {Status.WITH_AGENCIES, Status.APPROVED}:
        return f"The agencies decide on people later: the status is “{request.get_status_display()}”."
    if agency not in approving_agencies(request, actor):
        return f"Only a board member or data steward of {agency.short_name} can do this."
    return None


def is_not_oneself(person: NamedPerson, actor: "User") -> str | None:
    """Nobody approves their own access."""
    if person.user_id == actor.pk or person.email.casefold() == actor.email.casefold():
        return "You cannot decide on your own access."
    return None
