"""Show it anyway: an author asks that a withheld cell be shown; the check seeks others in its place."""

import datetime as dt
from collections.abc import Mapping
from typing import TYPE_CHECKING

from disclosure import checks, known_checks, known_services, standing
from disclosure.engine.wishes import MOST, read_wishes, written
from disclosure.models import Known, Output, OutputCheck, OutputStatus
from p20win.refusal import Blocked

if TYPE_CHECKING:
    from p20win.accounts.models import User


def why_not_wish(output: Output, actor: "User", at: dt.datetime) -> list[str]:
    """Say why this person cannot ask that cells be shown; an empty list means they can."""
    for check in (checks.is_author, checks.is_no_safe_table):
        if why := check(output, actor):
            return [why]
    if output.status != OutputStatus.CHECKED:
        return [f"Not possible while the status is “{output.get_status_display()}”."]
    return known_checks.why_not_load(output.project, actor, at)


def wishes_now(output: Output) -> list[dict[str, str]]:
    """Return the cells of an output's present file that its author wishes to be shown."""
    name = standing.text_of(output)
    rows = [row for row in standing.known_now(output.project) if row.is_wishes and row.name == name]
    return read_wishes(bytes(rows[0].content).decode()) if rows else []


def wish(output: Output, codes: Mapping[str, str], *, by: "User", at: dt.datetime) -> Known:
    """Ask that one more cell be shown if that is possible. A small one never is.

    :raises Blocked: if this person may not, it is asked already, or too much is asked
    """
    before = wishes_now(output)
    reasons = why_not_wish(output, by, at)
    if dict(codes) in before:
        reasons.append("It is asked for already.")
    if len(before) >= MOST:
        reasons.append(f"At most {MOST} cells can be asked for.")
    return _remember(output, [*before, dict(codes)], reasons, by=by, at=at)


def end_wishes(output: Output, *, by: "User", at: dt.datetime) -> Known:
    """Ask for no cell any more.

    :raises Blocked: if this person may not, or none was asked for
    """
    reasons = why_not_wish(output, by, at)
    if not wishes_now(output):
        reasons.append("No cell is asked for.")
    return _remember(output, [], reasons, by=by, at=at)


def _remember(
    output: Output, wishes: list[dict[str, str]], reasons: list[str], *, by: "User", at: dt.datetime
) -> Known:
    if reasons:
        raise Blocked(reasons)
    return known_services.load_wishes(
        output.project, file=standing.text_of(output), content=written(wishes), reasons=[], by=by, at=at
    )


def without_wishes(found: OutputCheck) -> OutputCheck | None:
    """Return the last check of the same file that knew of no wish: what a wish costs is told beside it."""
    mine = {str(row.pk) for row in Known.objects.filter(project=found.project_id, kind="wishes", rows__gt=0)}
    rows = OutputCheck.objects.filter(output=found.output_id, round=found.round, number__lt=found.number)
    return next((row for row in rows.order_by("-number") if not mine & set(row.known) and row.cells), None)
