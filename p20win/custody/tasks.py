"""Lines of work, all in the vault."""

from p20win import clock
from p20win.custody import destruction, holds, services
from p20win.custody.models import Destruction, LegalHold
from p20win.jobs.public import RunningJob, line_of_work


@line_of_work("custody.check_file", queue="vault")
def check_file(job: RunningJob, *, file_id: str) -> None:
    """Check what arrived and seal it."""
    services.check_file(file_id, job=job, at=clock.now())


@line_of_work("custody.destroy", queue="vault", attempts=50)
def destroy(job: RunningJob, *, destruction_id: str) -> None:
    """Destroy keys and sealed bytes."""
    destruction.carry_out(Destruction.objects.get(pk=destruction_id), at=clock.now(), job=job)


@line_of_work("custody.lapse_hold")
def lapse_hold(job: RunningJob, *, subject_id: str, deadline_id: str = "") -> None:
    """End a legal hold whose day has passed."""
    holds.lapse(LegalHold.objects.select_related("project").get(pk=subject_id), at=clock.now())
