"""Why not: rules about wishes to read materials before, and about rulings on what a check left open."""

import datetime as dt
from typing import TYPE_CHECKING

from disclosure import checks, standing
from disclosure.models import Output, OutputCheck, OutputStatus, PriorReview, Ruling
from p20win import access
from p20win.accounts.public import Organisation, Role, operating_group
from p20win.once import once
from p20win.projects import public as projects

if TYPE_CHECKING:
    from p20win.accounts.models import User
    from p20win.projects.models import Project

LEAKS = "A count can be worked out. Nobody can let that pass: the author sends another table."


@once
def agencies_of(project: "Project", actor: "User") -> list[Organisation]:
    """Return the participating agencies for which this person speaks in this project."""
    return [
        agency
        for agency in projects.suppliers(project)
        if any(actor.has_role(role, agency) for role in checks.REVIEWERS)
    ]


def why_not_wish(project: "Project", actor: "User", at: dt.datetime) -> list[str]:
    """Say why this person may not ask for prior review in this project; an empty list means they may."""
    if not agencies_of(project, actor):
        return ["Only a data steward or board member of a participating agency can do this."]
    return access.why_not(actor, "review_output", project, "output", at)


def why_not_end_wish(wish: PriorReview, actor: "User") -> list[str]:
    """Say why this person may not end a wish; an empty list means they may."""
    if wish.ended_at is not None:
        return ["It has ended already."]
    if wish.agency not in agencies_of(wish.project, actor):
        return [f"Only a data steward or board member of {wish.agency} can do this."]
    return []


def why_not_open_to_ruling(output: Output, found: OutputCheck | None) -> str | None:
    """Say why nobody can rule on what this output's check left open now."""
    if output.status != OutputStatus.IN_REVIEW:
        return f"Not possible while the status is “{output.get_status_display()}”."
    if found is None or found.leaks:
        return LEAKS
    if not checks.is_open_to_ruling(found):
        return "The check left nothing open."
    return None


def side_of(output: Output, actor: "User") -> Organisation | None:
    """Return the party for which this person rules: the operating group, or their agency."""
    group = operating_group()
    if actor.has_role(Role.OPERATING_GROUP, group):
        return group
    return next(iter(agencies_of(output.project, actor)), None)


def why_not_ask_ruling(output: Output, actor: "User", at: dt.datetime) -> list[str]:
    """Say why this person cannot ask to let pass what the check left open; an empty list means they can."""
    found = standing.latest_check(output)
    if why := checks.why_not_judge(output, actor) or why_not_open_to_ruling(output, found):
        return [why]
    if found is not None and standing.ruling_on(found):
        return ["It is asked for already."]
    return access.why_not(actor, "review_output", output.project, "output", at)


def why_not_answer_ruling(ruling: Ruling, actor: "User", at: dt.datetime) -> list[str]:
    """Say why this person cannot be the second to rule; an empty list means they can."""
    output = ruling.found.output
    if ruling.confirmed_at or ruling.declined_at:
        return ["It is answered already."]
    if ruling.found != standing.latest_check(output):
        return ["The file was checked again since."]
    if why := checks.why_not_judge(output, actor) or why_not_open_to_ruling(output, ruling.found):
        return [why]
    if ruling.asked_by_id == actor.pk:
        return ["You asked for it: another person answers."]
    if ruling.asked_for.is_operating_group:
        if ruling.agency not in agencies_of(output.project, actor):
            return [f"A data steward or board member of {ruling.agency} answers."]
    elif not actor.has_role(Role.OPERATING_GROUP, operating_group()):
        return ["Somebody of the operating group answers."]
    return access.why_not(actor, "review_output", output.project, "output", at)
