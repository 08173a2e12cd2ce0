"""Lines of work, all in the vault, and what beat tells custody."""

import datetime as dt
import logging
from contextlib import suppress

from celery import shared_task

from p20win import clock
from p20win.custody import checkpoints, comparing, destruction, holds, removal, rereading, schedule, services
from p20win.custody.models import Destruction, LegalHold
from p20win.deadlines import public as deadlines
from p20win.jobs.public import RunningJob, line_of_work

logger = logging.getLogger(__name__)


@line_of_work("custody.check_file", queue="vault")
def check_file(job: RunningJob, *, file_id: str) -> None:
    """Check what arrived and seal it."""
    services.check_file(file_id, job=job, at=clock.now())


@line_of_work(destruction.WORK, queue="vault", attempts=50)
def destroy(job: RunningJob, *, destruction_id: str) -> None:
    """Destroy keys and sealed bytes, if something stands behind it."""
    destruction.carry_out_asked(Destruction.objects.get(pk=destruction_id), at=clock.now(), job=job)


@line_of_work(removal.WORK, queue="vault", attempts=50)
def remove_file(job: RunningJob, *, file_id: str) -> None:
    """Delete one sealed file that nobody may open any more."""
    removal.remove(file_id, at=clock.now(), job=job)


@line_of_work(checkpoints.WORK, queue="vault")
def publish_checkpoint(job: RunningJob) -> None:
    """Sign where the ledger stands. If it is not what was signed before, the health page says so.

    And compare the rows that the logs show with what the ledger tells of them.
    """
    with suppress(checkpoints.LedgerDiffers):
        checkpoints.publish(now=clock.real_now())
    if found := comparing.look():
        logger.error("vault: %s rows are not as the ledger tells: %s", len(found), found[0])


@line_of_work(rereading.WORK, queue="vault")
def reread(job: RunningJob) -> None:
    """Read sealed files again, the one first that was not read for longest. No key is used."""
    rereading.read_some(now=clock.real_now(), told=job.progress)


@shared_task(name="custody.reread_when_due", ignore_result=True)
def reread_when_due() -> None:
    """Ask every hour that some sealed files be read again; told by beat."""
    rereading.ask_if_due(now=clock.real_now())


@shared_task(name="custody.checkpoint_when_due", ignore_result=True)
def checkpoint_when_due() -> None:
    """Ask for the hourly checkpoint; told by beat."""
    checkpoints.ask_if_due(now=clock.real_now())


@shared_task(name="custody.tell_of_windows", ignore_result=True)
def tell_of_windows() -> None:
    """Tell senders of windows that opened, or ended without a file, up to the portal's now."""
    schedule.tell(at=clock.now())


@deadlines.due_work("custody.lapse_hold")
def lapse_hold(subject_id: str, *, at: dt.datetime) -> None:
    """End a legal hold whose day has passed."""
    holds.lapse(LegalHold.objects.select_related("project").get(pk=subject_id), at=at)
