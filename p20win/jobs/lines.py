"""Lines of work: what a job's name means. A desk's tasks.py registers its lines when Django starts."""

import importlib
import logging
import threading
import traceback
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Final

from celery import shared_task
from django.db import close_old_connections, connection

from p20win.audit.public import NotRecorded
from p20win.jobs import leases
from p20win.jobs.leases import LeaseLost
from p20win.jobs.models import Job
from p20win.refusal import Blocked

logger = logging.getLogger(__name__)

QUEUES: Final = ("default", "vault")

Work = Callable[..., None]


@dataclass(frozen=True)
class Line:
    """One line of work: its name, the queue whose worker may do it, and how often it is tried.

    `given_up` ends what the work was for when no more is done about it, so that nothing waits for ever.
    `needs` names modules that nothing else needs: the vault loads them before it makes a child for the job.
    """

    name: str
    queue: str
    work: Work
    attempts: int
    given_up: Work | None = None
    needs: tuple[str, ...] = ()


_lines: dict[str, Line] = {}


class MustWait(Exception):
    """The work cannot be done here yet, through no fault of its own; the message says why, fit to show."""


class UnknownWork(LookupError):
    """No line of work has this name: it is misspelt, or its app is not installed."""


class RunningJob:
    """A job in the hands of this process, for as long as its lease is the latest."""

    def __init__(self, job: Job) -> None:
        """Hold the lease that was just taken."""
        self.pk = job.pk
        self.token = job.token
        self.attempts = job.attempts
        self._lost = threading.Event()

    def progress(self, percent: int, message: str) -> None:
        """Show how far the work is. :raises LeaseLost: if another worker has taken over"""
        if self._lost.is_set() or not leases.renew(self.pk, self.token, percent=percent, message=message):
            raise LeaseLost(str(self.pk))

    def still_mine(self) -> bool:
        """Say whether this process still holds the latest lease."""
        return not self._lost.is_set() and leases.holds(self.pk, self.token)

    def hold(self) -> None:
        """Lock the job's row until the transaction ends, so that results are stored by one holder only.

        :raises LeaseLost: if another worker has taken over
        """
        leases.hold(self.pk, self.token)


def line_of_work(
    name: str,
    *,
    queue: str = "default",
    attempts: int = 5,
    given_up: Work | None = None,
    needs: tuple[str, ...] = (),
) -> Callable[[Work], Work]:
    """Register a line of work under this name. Its function gets the running job, then the ids as text.

    `given_up` gets the same, and `why`, once the work was refused or failed for good; it must be safe to
    repeat.
    """
    if queue not in QUEUES:
        raise ValueError(f"No queue is called {queue!r}.")

    def register(work: Work) -> Work:
        if name in _lines and _lines[name].work.__qualname__ != work.__qualname__:
            raise ValueError(f"Two lines of work are called {name!r}.")
        _lines[name] = Line(name, queue, work, attempts, given_up, needs)

        @shared_task(name=name, acks_late=True, reject_on_worker_lost=True, ignore_result=True)
        def run(*, job_id: str) -> None:
            perform(job_id)

        return work

    return register


def line(name: str) -> Line:
    """Return the line of work of this name. :raises UnknownWork: if there is none"""
    try:
        return _lines[name]
    except KeyError:
        raise UnknownWork(f"No line of work is called {name!r}.") from None


def perform(job_id: str) -> None:
    """Take the job's lease and do its work.

    A job that another worker holds, or that is over, is left alone.
    """
    job = leases.claim(job_id)
    if job is None:
        return
    running = RunningJob(job)
    what = line(job.name)
    if job.attempts > max(what.attempts, leases.MOST_LEASES):  # its worker died each time, perhaps of the job
        logger.error("job %s %s given up after %s leases", job.name, job.pk, job.attempts - 1)
        _fail(what, running, job)
        return
    stop = _keep_alive(running)
    try:
        what.work(running, **job.arguments)
    except LeaseLost:
        logger.warning("job %s %s: lease lost, results dropped", job.name, job.pk)
    except MustWait as reason:
        leases.put_back(running, str(reason))
    except NotRecorded:
        leases.put_back(running, "The ledger takes no line; this waits until it does.")
    except Blocked as refusal:
        why = " ".join(refusal.reasons)
        if _ended(what, running, job, why):
            leases.finish_refused(running, why)
    except Exception as error:  # noqa: BLE001  # its message may quote a record: only type and place are kept
        place = traceback.extract_tb(error.__traceback__)[-1]
        logger.error(
            "job %s %s failed: %s at %s:%s",
            job.name,
            job.pk,
            type(error).__name__,
            place.filename,
            place.lineno,
        )
        _fail(what, running, job)
    else:
        leases.finish_done(running)
    finally:
        stop()


def _fail(what: Line, running: RunningJob, job: Job) -> None:
    if job.attempts < what.attempts:
        leases.retry(running)
    elif _ended(what, running, job, leases.failure(running)):
        leases.finish_failed(running)


def _ended(what: Line, running: RunningJob, job: Job, why: str) -> bool:
    """End what the work was for. If that does not work now, the job waits for it."""
    if what.given_up is None:
        return True
    try:
        what.given_up(running, why=why, **job.arguments)
    except Exception as error:  # noqa: BLE001  # its message may quote a record
        logger.error("job %s %s: its end failed: %s", job.name, job.pk, type(error).__name__)
        leases.put_back(running, "This did not work, and its end waits.")
        return False
    return True


def _keep_alive(running: RunningJob) -> Callable[[], None]:
    """Renew the lease in the background until told to stop."""
    over = threading.Event()

    def beat() -> None:
        try:
            while not over.wait(leases.LEASE.total_seconds() / 3):
                close_old_connections()
                if not leases.renew(running.pk, running.token):
                    running._lost.set()
                    return
        except Exception as error:  # noqa: BLE001  # the lease then runs out, and another worker takes over
            logger.warning("job %s: heartbeat failed (%s)", running.pk, type(error).__name__)
        finally:
            connection.close()

    thread = threading.Thread(target=beat, name=f"lease-{running.pk}", daemon=True)
    thread.start()

    def stop() -> None:
        over.set()
        thread.join(timeout=5)

    return stop


def load_for(queue: str) -> None:
    """Load what the lines of this queue need, so that children have it from the start."""
    for each in _lines.values():
        if each.queue == queue:
            for module in each.needs:
                importlib.import_module(module)


def begins_anew() -> frozenset[str]:
    """Return the lines whose failed jobs are not tried again, as what they were for was ended with them."""
    return frozenset(name for name, each in _lines.items() if each.given_up)


def registered() -> dict[str, Any]:
    """Return all lines of work by name."""
    return dict(_lines)
