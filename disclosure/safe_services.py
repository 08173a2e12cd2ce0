"""A safe table is asked for: an output whose file the vault makes, checked and reviewed like any other."""

import datetime as dt
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from django.db import transaction

from disclosure import safe_checks, safe_choices, safe_pay, services
from disclosure.engine.errors import BadTable
from disclosure.models import Material, SafeTable
from disclosure.standing import COUNT_JOB
from matching import public as matching
from p20win.audit.public import first_in_line
from p20win.clock import state_date
from p20win.jobs import public as jobs
from p20win.projects.public import Project
from p20win.refusal import Blocked
from p20win.workflow import create

if TYPE_CHECKING:
    from p20win.accounts.models import User
    from requests_app.models import PlannedOutput


@transaction.atomic
def define(
    project: Project,
    *,
    title: str,
    population: str,
    period: str,
    counted: str,
    dimensions: Sequence[Mapping[str, Any]],
    pay: Mapping[str, Any] | None = None,
    planned: "PlannedOutput | None" = None,
    material: str = Material.REPORT,
    by: "User",
    at: dt.datetime,
) -> SafeTable:
    """Have the vault count a table of the extract, and check what it counted. Nobody sends a file.

    `pay` names an amount by file and element, the measure, and what it is rounded to.

    :raises Blocked: if this person may not, or it is no table that is counted
    """
    first_in_line()
    Project.objects.select_for_update().get(pk=project.pk)  # so that two at once are not one too many
    if reasons := safe_checks.why_not_define(project, by, at):
        raise Blocked(reasons)
    delivery = matching.extract_for(project)
    if delivery is None or delivery.available_at is None:
        raise Blocked("No extract of this project has been delivered yet.")
    population, period = " ".join(population.split()), " ".join(period.split())
    output = services.begin(
        project,
        title=title,
        population=population,
        period=period,
        extracted_on=state_date(delivery.available_at),
        planned=planned,
        material=material,
        by=by,
        at=at,
    )
    table = SafeTable(
        project=project,
        output=output,
        delivery=delivery,
        counted=counted,
        dimensions=safe_choices.written(delivery, dimensions),
        pay=safe_pay.written(delivery, pay),
        asked_at=at,
    )
    _expect_a_cross_table(table)
    if reasons := [*safe_checks.why_not_beside_others(table), *safe_pay.why_not_told(table)]:
        raise Blocked(reasons)
    details = {"counted": counted, "dimensions": [each["name"] for each in table.dimensions]}
    details |= {"pay": table.pay} if table.pay else {}
    table = create("safe_table.asked", table, by=by, at=at, details=details)
    jobs.after_commit(COUNT_JOB, project_id=project.pk, asked_by_id=by.pk, table_id=table.pk)
    return table


def _expect_a_cross_table(table: SafeTable) -> None:
    from disclosure.engine import crosstab  # loaded where it is used, as the solvers are

    if table.counted not in safe_choices.files(table.delivery):
        raise Blocked("Choose whose people are counted: a file of the extract.")
    if len(safe_choices.chosen(table)) != len(table.dimensions):
        raise Blocked("One of the dimensions is no approved element of the extract.")
    if any(each["file"] == table.counted and not each["element"] for each in table.dimensions):
        raise Blocked("Everybody who is counted is in that file. Take another dimension.")
    try:
        identifiers = safe_choices.identifiers(table.delivery)
        crosstab.check(safe_choices.axes(table), counted=table.counted, identifiers=identifiers)
    except BadTable as problem:
        raise Blocked(str(problem)) from None
