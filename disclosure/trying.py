"""A self-check: the same check as of an output, before anything is submitted; seen by its author alone."""

import datetime as dt
from collections.abc import Iterable
from typing import TYPE_CHECKING

from django.db import transaction

from disclosure import checks, people, services
from disclosure.models import Material, Output, OutputStatus
from p20win.audit.public import first_in_line
from p20win.clock import state_date
from p20win.refusal import Blocked
from p20win.workflow import amend

if TYPE_CHECKING:
    from p20win.accounts.models import User
    from p20win.projects.models import Project
    from requests_app.models import PlannedOutput


def try_out(
    project: "Project",
    *,
    population: str,
    period: str,
    extracted_on: dt.date,
    stands: people.Answers | None = None,
    frozen_as: Output | None = None,
    name: str,
    content: Iterable[bytes],
    by: "User",
    at: dt.datetime,
) -> Output:
    """Have tables checked as they would be if they were submitted. Nobody is asked or told anything.

    :raises Blocked: if this person may not submit, or the file cannot be taken
    """
    day = state_date(at)
    return services.submit(
        project,
        title=f"Self-check of {day:%b} {day.day}, {day.year}",
        population=population,
        period=period,
        extracted_on=extracted_on,
        stands=stands,
        frozen_as=frozen_as,
        name=name,
        content=content,
        is_trial=True,
        by=by,
        at=at,
    )


def why_not_submit_tried(output: Output, actor: "User", at: dt.datetime) -> list[str]:
    """Say why this person cannot submit what they had checked; an empty list means they can."""
    if not output.is_trial:
        return ["It is submitted already."]
    if output.status != OutputStatus.CHECKED:
        return [f"Not possible while the status is “{output.get_status_display()}”."]
    if why := checks.is_author(output, actor):
        return [why]
    return checks.why_not_submit(output.project, actor, at)


@transaction.atomic
def submit_tried(
    output: Output,
    *,
    title: str,
    material: str = Material.REPORT,
    planned: "PlannedOutput | None" = None,
    by: "User",
    at: dt.datetime,
) -> Output:
    """Make an output of what was checked: the same file, with the same check.

    :raises Blocked: if it is no self-check that went well, or this person may not submit
    """
    first_in_line()
    output = Output.objects.select_for_update(no_key=True, of=("self",)).get(pk=output.pk)
    if reasons := why_not_submit_tried(output, by, at):
        raise Blocked(reasons)
    return amend(
        "output.submitted",
        output,
        by=by,
        at=at,
        details={"extracted_on": output.extracted_on},
        title=title,
        material=material,
        planned=planned,
        is_trial=False,
    )
