"""Where outputs stand: what both checks and selectors ask."""

from typing import TYPE_CHECKING, Final

from django.db.models import QuerySet

from disclosure.models import CleanTable, Clearance, Output, OutputCheck, OutputStatus
from p20win.accounts.public import operating_group
from p20win.jobs import public as jobs
from p20win.projects import public as projects

if TYPE_CHECKING:
    from p20win.accounts.models import Organisation
    from p20win.jobs.models import Job


CHECK_JOB: Final = "disclosure.check_output"
GOING_OUT = (OutputStatus.IN_REVIEW, OutputStatus.RELEASED)


def latest_check(output: Output) -> OutputCheck | None:
    """Return the last check of the output's present file."""
    return OutputCheck.objects.filter(output=output, round=output.round).order_by("-number").first()


def same_people(output: Output) -> QuerySet[Output]:
    """Return the other outputs of the project that count the same people from the same extraction."""
    return Output.objects.filter(
        project=output.project,
        population__iexact=output.population,
        period__iexact=output.period,
        extracted_on=output.extracted_on,
    ).exclude(pk=output.pk)


def beside(output: Output) -> QuerySet[Output]:
    """Return those of them that are released or on their way: an attacker will have them all."""
    return same_people(output).filter(status__in=GOING_OUT).order_by("sent_at")


def not_comparable(output: Output) -> QuerySet[Output]:
    """Return outputs of the project that are going out and count other people, or from another extraction."""
    going_out = Output.objects.filter(project=output.project, status__in=GOING_OUT).exclude(pk=output.pk)
    return going_out.exclude(pk__in=same_people(output))


def expected_parties(output: Output) -> list["Organisation"]:
    """Return those who must clear it: every agency whose data the project uses, and the operating group."""
    return [*projects.suppliers(output.project), operating_group()]


def clearances(output: Output) -> QuerySet[Clearance]:
    """Return the clearances of the present round."""
    return Clearance.objects.filter(output=output, round=output.round)


def clean_tables(output: Output) -> QuerySet[CleanTable]:
    """Return the audited tables of the output's last check."""
    return CleanTable.objects.filter(found=latest_check(output)).select_related("file")


def latest_job(output: Output) -> "Job | None":
    """Return the work on the present file: its intake, then its check."""
    file = output.slot.files.order_by("-status_since").first()
    if file is None:
        return None
    return jobs.latest(CHECK_JOB, file_id=file.pk) or jobs.latest("custody.check_file", file_id=file.pk)
