"""Why not: who may have a safe table made, of what, and how many."""

import datetime as dt
from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

from django.db.models import QuerySet

from disclosure import checks, safe_choices
from disclosure.models import OutputStatus, SafeTable
from matching import public as matching
from p20win import access, policy

if TYPE_CHECKING:
    from matching.models import Delivery
    from p20win.accounts.models import User
    from p20win.projects.models import Project


def why_not_define(project: "Project", actor: "User", at: dt.datetime) -> list[str]:
    """Say why this person may not have a table of this project counted now; an empty list means they may."""
    reasons = why_not_count(project, matching.extract_for(project), actor, at)
    return reasons or [why for why in (_waits_for_others(project, at),) if why]


def why_not_count(
    project: "Project", delivery: "Delivery | None", actor: "User", at: dt.datetime
) -> list[str]:
    """Say why the vault may not count from this extract for this person: who may not fetch it may not."""
    reasons = checks.why_not_submit(project, actor, at)
    reasons += access.why_not(actor, "download", project, "extract", at)
    if delivery is None:
        reasons.append("No extract of this project has been delivered yet.")
    elif delivery.project_id != project.pk:
        reasons.append("This extract is of another project.")
    elif delivery.form != matching.Form.PACKAGE:
        reasons.append("The agreement has the key alone delivered: the vault holds no files to count from.")
    else:
        reasons += matching.why_not_fetch(delivery, actor, at)
    return list(dict.fromkeys(reasons))


def _waits_for_others(project: "Project", at: dt.datetime) -> str | None:
    """Each table tells its author a little, so few wait at a time; a withdrawn one still counts."""
    since = at - dt.timedelta(days=policy.SAFE_TABLE_DAYS)
    rows = SafeTable.objects.filter(project=project, asked_at__gt=since)
    if rows.exclude(output__status=OutputStatus.RELEASED).count() < policy.SAFE_TABLES_UNRELEASED:
        return None
    return (
        f"{policy.SAFE_TABLES_UNRELEASED} tables of this project were asked for in the last"
        f" {policy.SAFE_TABLE_DAYS} days and are not released. Have those reviewed first."
    )


def standing_tables(delivery: "Delivery") -> QuerySet[SafeTable]:
    """Return the tables of an extract that still stand, the first one first."""
    gone = (OutputStatus.WITHDRAWN, OutputStatus.RETURNED)
    rows = SafeTable.objects.filter(delivery=delivery).exclude(output__status__in=gone)
    return rows.select_related("output").order_by("asked_at", "id")


def why_not_beside_others(table: SafeTable) -> list[str]:
    """Say why a table does not hang together with those that stand, so that all can be checked together.

    All count the same people. Of a file with other people in it they tell one element: by a second one
    everybody would know which crossings are empty, and the checks would not.
    """
    rows = list(standing_tables(table.delivery).exclude(pk=table.pk))
    return [
        why
        for why in (
            _counts_others(table, rows),
            *_tells_other_elements(table, rows),
            *_bands_otherwise(table, rows),
        )
        if why
    ]


def _counts_others(table: SafeTable, rows: list[SafeTable]) -> str | None:
    if not rows or _people(table) == _people(rows[0]):
        return None
    first = rows[0]
    return (
        "The tables counted from one extract count the same people:"
        f" “{first.output.population}”, “{first.output.period}”, those of {first.counted}. To count others,"
        " withdraw the tables that stand."
    )


def _people(table: SafeTable) -> tuple[str, str, str]:
    return table.output.population.casefold(), table.output.period.casefold(), table.counted


def _tells_other_elements(table: SafeTable, rows: list[SafeTable]) -> list[str]:
    told = told_of_others(rows)
    return [
        f"Of {each['file']} the tables counted from this extract tell one thing: “{before['name']}”."
        " Take that, or withdraw the tables that stand."
        for each in table.dimensions
        if (before := told.get(each["file"])) and before["element"] != each["element"]
    ]


def _bands_otherwise(table: SafeTable, rows: list[SafeTable]) -> list[str]:
    """Bands that differ overlap, and no ledger could connect them: an element has the same in all tables."""
    told = {each["name"]: safe_choices.bands_of(each) for row in rows for each in row.dimensions}
    return [
        f"{each['name']} is told {_in_bands(told[each['name']])} in the tables counted from this extract."
        " Take the same, or withdraw the tables that stand."
        for each in table.dimensions
        if each["name"] in told and told[each["name"]] != safe_choices.bands_of(each)
    ]


def _in_bands(bands: list[int]) -> str:
    return f"in bands from {', '.join(map(str, bands))}" if bands else "by its values"


def told_of_others(rows: Iterable[SafeTable]) -> dict[str, dict[str, Any]]:
    """Return for each file with other people in it the dimension that these tables tell of it."""
    return {each["file"]: each for row in rows for each in row.dimensions if each["file"] != row.counted}


def is_hidden_from(table: SafeTable | None, actor: "User") -> bool:
    """Say whether this person is told no more than the verdict and how many cells are withheld.

    Before it is released, that is everybody but its reviewers.
    """
    if table is None or table.output.status == OutputStatus.RELEASED:
        return False
    return table.output.author_id == actor.pk or checks.is_reviewer(table.output, actor) is not None
