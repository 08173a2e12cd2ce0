"""Lines of work of the disclosure desk."""

import datetime as dt

from disclosure import checking, offering, services, tabulating
from disclosure.models import Output, OutputCheck, SafeTable
from disclosure.standing import CHECK_JOB, COUNT_JOB
from p20win import clock
from p20win.accounts.public import system_user
from p20win.custody import public as custody
from p20win.deadlines import public as deadlines
from p20win.jobs.public import RunningJob, line_of_work


@line_of_work(CHECK_JOB, queue="vault", attempts=3, needs=("disclosure.engine.examine",))
def check_output(job: RunningJob, *, file_id: str) -> None:
    """Check the file of an output."""
    file = custody.SealedFile.objects.select_related("slot", "project", "owner").get(pk=file_id)
    with custody.damage_noted():
        checking.check_output(file, job=job, at=clock.now())


@line_of_work(COUNT_JOB, queue="vault", attempts=3, needs=("disclosure.engine.crosstab",))
def count_safe_table(job: RunningJob, *, table_id: str) -> None:
    """Count a table that somebody asked for."""
    table = SafeTable.objects.select_related("delivery__project", "delivery__extract").get(pk=table_id)
    with custody.damage_noted():
        tabulating.count(table, job=job, at=clock.now())


@line_of_work(offering.JOB, queue="vault", attempts=2, needs=("disclosure.engine.alternatives",))
def other_ways(job: RunningJob, *, found_id: str) -> None:
    """Try other ways to tell the tables of an output."""
    found = OutputCheck.objects.select_related("output__project", "output__slot").get(pk=found_id)
    with custody.damage_noted():
        offering.make(found, job=job, at=clock.now())


@line_of_work("disclosure.file_refused")
def file_refused(job: RunningJob, *, file_id: str) -> None:
    """Return an output whose file was refused on arrival."""
    checking.note_refused(custody.SealedFile.objects.get(pk=file_id), at=clock.now())


@deadlines.due_work("disclosure.review_time_over")
def review_time_over(subject_id: str, *, at: dt.datetime) -> None:
    """Say that the agencies have had their time."""
    output = Output.objects.get(pk=subject_id)
    services.note_review_time_over(output, by=system_user(), at=at)
