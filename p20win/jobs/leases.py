"""Leases: who may work on a job now. All in real time, all decided by one guarded UPDATE in the database."""

import datetime as dt
import uuid
from typing import TYPE_CHECKING, Final

from django.db.models import F, Q

from p20win import clock
from p20win.audit.public import first_in_line
from p20win.jobs.models import Job, State

if TYPE_CHECKING:
    from p20win.jobs.lines import RunningJob

LEASE: Final = dt.timedelta(seconds=30)
RESEND_AFTER: Final = dt.timedelta(seconds=60)  # a queued job whose message may have been lost
RETRY_AFTER: Final = dt.timedelta(seconds=5)  # doubled with every attempt

MOST_LEASES: Final = 10  # a job whose worker died as often is given up, lest it take down every worker

WAIT: Final = dt.timedelta(seconds=60)  # for what this machine lacks; longer each time, up to:
LONGEST_WAIT: Final = dt.timedelta(minutes=10)


class LeaseLost(Exception):
    """Another worker has taken the job over; what this one computed must not be stored."""


def claim(job_id: str) -> Job | None:
    """Take the lease of a job that waits, or whose lease ran out. Return None if there is nothing to do."""
    now = clock.real_now()
    free = Q(state=State.QUEUED) | Q(state=State.RUNNING, lease_until__lt=now)
    taken = Job.objects.filter(free, pk=job_id).update(
        state=State.RUNNING,
        token=F("token") + 1,
        attempts=F("attempts") + 1,
        lease_until=now + LEASE,
        started_at=now,
        progress=0,
        message="",
    )
    return Job.objects.get(pk=job_id) if taken else None


def _mine(pk: uuid.UUID, token: int) -> Q:
    return Q(pk=pk, token=token, state=State.RUNNING)


def renew(pk: uuid.UUID, token: int, *, percent: int | None = None, message: str | None = None) -> bool:
    """Keep the lease for another while; say whether it was still ours."""
    changes: dict[str, object] = {"lease_until": clock.real_now() + LEASE}
    if percent is not None:
        changes["progress"] = max(0, min(100, percent))
    if message is not None:
        changes["message"] = message[:300]
    return bool(Job.objects.filter(_mine(pk, token)).update(**changes))


def holds(pk: uuid.UUID, token: int) -> bool:
    """Say whether this token is the latest of a running job."""
    return Job.objects.filter(_mine(pk, token)).exists()


def hold(pk: uuid.UUID, token: int) -> None:
    """Lock the row of a job we hold, until the transaction ends. :raises LeaseLost: if it is not ours"""
    first_in_line()
    if Job.objects.select_for_update().filter(_mine(pk, token)).first() is None:
        raise LeaseLost(str(pk))


def _finish(running: "RunningJob", **changes: object) -> None:
    Job.objects.filter(_mine(running.pk, running.token)).update(lease_until=None, **changes)


def finish_done(running: "RunningJob") -> None:
    """End the job well."""
    _finish(running, state=State.DONE, progress=100, finished_at=clock.real_now())


def finish_refused(running: "RunningJob", why: str) -> None:
    """End the job because a rule does not allow its work."""
    _finish(running, state=State.REFUSED, message=why[:300], finished_at=clock.real_now())


def put_back(running: "RunningJob", why: str) -> None:
    """Let the job wait and be tried again, as often as it takes: this does not count as an attempt."""
    wait = min(WAIT * running.token, LONGEST_WAIT)  # the token counts how often it was taken up
    _finish(
        running,
        state=State.QUEUED,
        attempts=F("attempts") - 1,
        sent_at=None,
        not_before=clock.real_now() + wait,
        message=why[:300],
    )


def retry(running: "RunningJob") -> None:
    """Put the job back for another attempt, later each time."""
    _finish(
        running,
        state=State.QUEUED,
        sent_at=None,
        not_before=clock.real_now() + RETRY_AFTER * 2 ** (running.attempts - 1),
        message="An attempt failed; it will be tried again.",
    )


def failure(running: "RunningJob") -> str:
    """Say that a job failed for good, without what it worked on."""
    return f"This did not work, and the operating group can look it up under reference {running.pk}."


def finish_failed(running: "RunningJob") -> None:
    """End the job because no attempt went well."""
    _finish(running, state=State.FAILED, message=failure(running), finished_at=clock.real_now())
