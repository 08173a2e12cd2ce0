"""Where outputs stand: what both checks and selectors ask."""

import hashlib
from collections.abc import Sequence
from typing import TYPE_CHECKING, Final

from django.db.models import Exists, F, OuterRef, QuerySet

from disclosure import together
from disclosure.models import (
    CleanTable,
    CleanWorkbook,
    Clearance,
    Known,
    KnownKind,
    Output,
    OutputCheck,
    OutputStatus,
    PriorReview,
    Ruling,
    SafeTable,
)
from p20win.accounts.public import operating_group
from p20win.jobs import public as jobs
from p20win.once import once
from p20win.projects import public as projects

if TYPE_CHECKING:
    from p20win.accounts.models import Organisation
    from p20win.jobs.models import Job
    from p20win.projects.models import Project

CHECK_JOB: Final = "disclosure.check_output"
COUNT_JOB: Final = "disclosure.count_safe_table"


@once
def latest_check(output: Output) -> OutputCheck | None:
    """Return the last check of the output's present file."""
    return OutputCheck.objects.filter(output=output, round=output.round).order_by("-number").first()


def latest_checks(outputs: Sequence[Output]) -> dict[object, OutputCheck]:
    """Return the last check of the present file of each of these outputs that has one, by their ids."""
    rows = OutputCheck.objects.filter(output__in=outputs, round=F("output__round")).order_by("number")
    return {row.output_id: row for row in rows}


def safe_tables_of(outputs: Sequence[Output]) -> dict[object, SafeTable]:
    """Return what the vault was asked to count of these outputs, by their ids."""
    rows = SafeTable.objects.filter(output__in=outputs).select_related("delivery__project", "output")
    return {row.output_id: row for row in rows}


@once
def safe_table_of(output: Output) -> SafeTable | None:
    """Return what the vault was asked to count, if nobody sent this output's file."""
    return SafeTable.objects.filter(output=output).select_related("delivery__project", "output").first()


def beside(output: Output) -> QuerySet[Output]:
    """Return what is released or on its way and can tell something of its people: attackers will have it."""
    rows = Output.objects.filter(pk__in=[row.pk for row in together.of(output).beside])
    return rows.order_by("sent_at", "pk")


def not_comparable(output: Output) -> list[together.Apart]:
    """Return outputs that are going out and are not held against it, with why; people should look at them."""
    return [row for row in together.of(output).apart if row.matters]


@once
def expected_parties(output: Output) -> list["Organisation"]:
    """Return those who must clear it: every agency whose data the project uses, and the operating group.

    An agency that wants to read this kind of material before is asked whatever else it does in the project.
    """
    agencies = {agency.pk: agency for agency in projects.suppliers(output.project)}
    agencies |= {wish.agency_id: wish.agency for wish in wishes_about(output)}
    return [*sorted(agencies.values(), key=lambda agency: agency.short_name), operating_group()]


def wishes(project: "Project") -> QuerySet[PriorReview]:
    """Return what agencies want to read before, in this project, now."""
    rows = PriorReview.objects.filter(project=project, ended_at__isnull=True)
    return rows.select_related("agency", "asked_by")


def wishes_about(output: Output) -> QuerySet[PriorReview]:
    """Return the standing wishes that this output falls under."""
    return wishes(output.project).filter(material=output.material)


@once
def ruling_on(found: OutputCheck) -> Ruling | None:
    """Return the ruling that waits or holds on what a check left open; a declined one is over."""
    rows = found.rulings.filter(declined_at__isnull=True)
    return rows.select_related("agency", "asked_by", "asked_for", "answered_by").first()


@once
def known_now(project: "Project") -> list[Known]:
    """Return the latest version of each hierarchy and public table that was not removed."""
    rows = Known.objects.filter(project=project, removed_at__isnull=True).order_by("kind", "name", "version")
    return list({(row.kind, row.name): row for row in rows.defer("content")}.values())


def known_for(output: Output, headings: Sequence[str] | None = None) -> list[Known]:
    """Return what a check of this output knows: of its people, and of tables with such headings.

    :param headings: digests of its tables' headings once it is read; what was said of others is left out
    """
    rows = known_now(output.project)
    held = together.of(output) if any(row.is_public_table for row in rows) else None
    return [
        row
        for row in rows
        if row.kind == KnownKind.HIERARCHY
        or (row.is_of_headings and (headings is None or digest_of(row.name) in headings))
        or ((row.is_said or row.is_wishes) and row.name == text_of(output))
        or (row.is_public_table and held is not None and held.holds(row))
    ]


def text_of(output: Output) -> str:
    """Return what is remembered of an output's present file under: of another file it says nothing."""
    return f"Output …{str(output.pk)[-12:]}, file {output.round}"


def digest_of(headings: str) -> str:
    """Return what a check keeps of the headings of a table: its categories may stand in them."""
    return hashlib.sha256(headings.encode()).hexdigest()


def known_of(found: OutputCheck) -> QuerySet[Known]:
    """Return what a check was made with, whatever became of it since."""
    return Known.objects.filter(project=found.project_id, pk__in=found.known).defer("content")


def released_tables(project: "Project") -> QuerySet[CleanTable]:
    """Return every table of a project that is public: of each released output, those of its last check."""
    later = OutputCheck.objects.filter(
        output=OuterRef("found__output"), round=OuterRef("found__round"), number__gt=OuterRef("found__number")
    )
    rows = CleanTable.objects.filter(
        found__output__project=project,
        found__output__status=OutputStatus.RELEASED,
        found__round=F("found__output__round"),
    )
    return rows.filter(~Exists(later)).select_related("found__output__author")


def clearances(output: Output) -> QuerySet[Clearance]:
    """Return the clearances of the present round."""
    return Clearance.objects.filter(output=output, round=output.round)


def clean_tables(output: Output) -> QuerySet[CleanTable]:
    """Return the audited tables of the output's last check."""
    return CleanTable.objects.filter(found=latest_check(output)).select_related("file")


def workbook_of(found: OutputCheck) -> CleanWorkbook | None:
    """Return what came of marking the workbook of a check; None if its file was none."""
    return CleanWorkbook.objects.filter(found=found).select_related("file").first()


@once
def latest_job(output: Output) -> "Job | None":
    """Return the work on the present file: its intake, then its check."""
    file = output.slot.files.order_by("-status_since").first()
    if file is None:
        table = safe_table_of(output)
        return jobs.latest(COUNT_JOB, table_id=table.pk) if table else None
    return jobs.latest(CHECK_JOB, file_id=file.pk) or jobs.latest("custody.check_file", file_id=file.pk)
