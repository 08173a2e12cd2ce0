"""How a table is read: said by its author or a reviewer, remembered under its headings for the project."""

import datetime as dt
from collections.abc import Sequence
from typing import TYPE_CHECKING

from disclosure import checks, known_checks, known_services, standing
from disclosure.engine.byhand import ByHand, read_by_hand, written
from disclosure.models import Known, Output, OutputStatus
from p20win import access
from p20win.refusal import Blocked

if TYPE_CHECKING:
    from p20win.accounts.models import User
    from p20win.projects.models import Project

Line = tuple[str, str, str]  # what, which, is


def why_not_say(output: Output, actor: "User", at: dt.datetime) -> list[str]:
    """Say why this person cannot say how a file's tables are read; an empty list means they can."""
    if why := checks.is_no_safe_table(output, actor):
        return [why]
    if output.status == OutputStatus.IN_REVIEW:
        if why := checks.why_not_judge(output, actor):
            return [why]
        return access.why_not(actor, "review_output", output.project, "output", at)
    if why := checks.is_author(output, actor):
        return [why]
    if output.status not in (OutputStatus.CHECKED, OutputStatus.RETURNED):
        return [f"Not possible while the status is “{output.get_status_display()}”."]
    return known_checks.why_not_load(output.project, actor, at)


def said_now(project: "Project") -> dict[str, ByHand]:
    """Return how tables of this project are read, by what they are remembered under."""
    rows = [row for row in standing.known_now(project) if row.is_by_hand]
    return {row.name: read_by_hand(bytes(row.content).decode()) for row in rows}


def say(output: Output, signature: str, lines: Sequence[Line], *, by: "User", at: dt.datetime) -> Known:
    """Remember how tables with these headings are read: a fact with an author, known to every later check.

    :raises Blocked: if this person may not, nothing is new, or what is said cannot be
    """
    reasons = why_not_say(output, by, at)
    content = written(sorted(lines))
    rows = [row for row in standing.known_now(output.project) if row.is_by_hand and row.name == signature]
    if not reasons and any(bytes(row.content) == content for row in rows):
        raise Blocked("Nothing was changed.")
    return known_services.load_by_hand(
        output.project, signature=signature, content=content, reasons=reasons, by=by, at=at
    )
