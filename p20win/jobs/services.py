"""Asking for work, and picking up what was dropped."""

import datetime as dt
import logging
import time
import uuid
from typing import TYPE_CHECKING, Any, Final

from celery import current_app
from django.db import transaction
from django.db.models import Q
from kombu.exceptions import KombuError
from redis.exceptions import RedisError

from p20win import clock
from p20win.audit.public import first_in_line, record
from p20win.jobs import leases
from p20win.jobs.lines import line
from p20win.jobs.models import Job, State
from p20win.refusal import Blocked

if TYPE_CHECKING:
    from p20win.accounts.models import User

logger = logging.getLogger(__name__)

LEFT_ALONE: Final = 5.0  # seconds for which a broker that failed is not asked again


def after_commit(
    name: str,
    *,
    project_id: uuid.UUID | None = None,
    asked_by_id: uuid.UUID | None = None,
    not_before: dt.datetime | None = None,
    **ids: Any,
) -> Job:
    """Ask for work by name; it is stored with the current transaction and sent when that commits.

    Only ids travel. :raises UnknownWork: if no line of work has this name
    """
    now = clock.real_now()
    job = Job.objects.create(
        name=name,
        queue=line(name).queue,
        arguments={key: str(value) for key, value in ids.items()},
        project_id=project_id,
        asked_by_id=asked_by_id,
        not_before=not_before or now,
        created_at=now,
    )
    if not_before is None or not_before <= now:
        transaction.on_commit(lambda: send(job))
    return job


def send(job: Job) -> None:
    """Hand the job's id to the broker. If that fails nothing is lost: the sweeper sends it again.

    While the broker is away nobody waits for it: after one failure this process leaves its jobs to the
    sweeper for a moment.
    """
    waiting = Job.objects.filter(pk=job.pk, state=State.QUEUED)
    if _broker.is_away():
        waiting.update(sent_at=None)
        return
    try:
        current_app.send_task(job.name, kwargs={"job_id": str(job.pk)}, queue=job.queue, retry=False)
    except (KombuError, RedisError, OSError) as error:
        _broker.note_away()
        logger.warning("job %s not sent: %s", job.pk, type(error).__name__)
        waiting.update(sent_at=None)
    else:
        waiting.update(sent_at=clock.real_now())


class _Broker:
    """Whether the broker failed this process a moment ago."""

    def __init__(self) -> None:
        self._until = 0.0

    def is_away(self) -> bool:
        return time.monotonic() < self._until

    def note_away(self) -> None:
        self._until = time.monotonic() + LEFT_ALONE


_broker = _Broker()


@transaction.atomic
def try_again(job: Job, *, by: "User", at: dt.datetime) -> Job:
    """Put a failed job back in the queue, with all its attempts, and write down who did.

    :raises Blocked: if it has not failed, somebody was quicker, or what it was for was ended with it
    """
    first_in_line()
    found = Job.objects.select_for_update().get(pk=job.pk)
    if found.state != State.FAILED:
        raise Blocked(f"This job has not failed: {found.get_state_display().lower()}.")
    if line(found.name).given_up:
        raise Blocked("What this job was for was ended with it. Begin it anew on its own page.")
    now = clock.real_now()
    found.state, found.attempts, found.message = State.QUEUED, 0, ""
    found.not_before, found.sent_at, found.finished_at = now, None, None
    found.save(update_fields=["state", "attempts", "message", "not_before", "sent_at", "finished_at"])
    record("job.retried", found, by=by, at=at, details={"job": found.name})
    transaction.on_commit(lambda: send(found))
    return found


@transaction.atomic
def sweep(*, limit: int = 200) -> int:
    """Send again what waits without a message, or was dropped by a worker that died. Return how many."""
    now = clock.real_now()
    unsent = Q(state=State.QUEUED, not_before__lte=now) & (
        Q(sent_at__isnull=True) | Q(sent_at__lt=now - leases.RESEND_AFTER)
    )
    dropped = Q(state=State.RUNNING, lease_until__lt=now)
    jobs = list(
        Job.objects.select_for_update(skip_locked=True)
        .filter(unsent | dropped)
        .order_by("not_before")[:limit]
    )
    for job in jobs:
        # The lease stays as it is: only claim() hands out a new token, and only once.
        Job.objects.filter(pk=job.pk).update(sent_at=now)  # another sweeper leaves it alone meanwhile
        transaction.on_commit(lambda job=job: send(job))  # type: ignore[misc]
    return len(jobs)
