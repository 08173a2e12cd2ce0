"""Jobs: the row is the truth, one holder at a time, nothing lost and nothing done twice."""

import datetime as dt
import sys
import threading
from dataclasses import replace

import pytest
from django.db import connection, transaction
from kombu.exceptions import OperationalError
from redis.exceptions import OutOfMemoryError

from p20win import clock
from p20win.audit.public import events_of
from p20win.jobs import leases, lines, services
from p20win.jobs.public import (
    Job,
    LeaseLost,
    MustWait,
    State,
    UnknownWork,
    after_commit,
    line_of_work,
    perform,
    sweep,
)
from p20win.refusal import Blocked
from tests import factories

done: list[str] = []
whys: list[Exception] = []


@line_of_work("tests.note", attempts=2)
def note(job, *, word):
    """Keep the word, or fail as asked."""
    if whys:
        raise whys[-1]
    done.append(word)


@pytest.fixture(autouse=True)
def _fresh(monkeypatch):
    done.clear()
    whys.clear()
    monkeypatch.setattr(services.current_app, "send_task", lambda *a, **k: None)


def _asked(word="hello") -> Job:
    return after_commit("tests.note", word=word)


@pytest.mark.django_db
class TestAsking:
    def test_an_unknown_name_fails_where_it_is_written(self):
        with pytest.raises(UnknownWork, match=r"tests\.misspelt"):
            after_commit("tests.misspelt")

    def test_a_broker_that_is_down_loses_nothing(self, monkeypatch, django_capture_on_commit_callbacks):
        def down(*args, **kwargs):
            raise OperationalError

        monkeypatch.setattr(services, "_broker", services._Broker())
        monkeypatch.setattr(services.current_app, "send_task", down)
        with django_capture_on_commit_callbacks(execute=True):
            job = _asked()

        job.refresh_from_db()
        assert (job.state, job.sent_at) == (State.QUEUED, None)
        assert sweep() == 1

    def test_a_broker_that_is_down_is_asked_once_and_then_left_alone_for_a_while(
        self, monkeypatch, django_capture_on_commit_callbacks
    ):
        asked = []

        def full(*args, **kwargs):
            asked.append(args)
            raise OutOfMemoryError

        monkeypatch.setattr(services, "_broker", broker := services._Broker())
        monkeypatch.setattr(services.current_app, "send_task", full)
        with django_capture_on_commit_callbacks(execute=True):
            jobs = [_asked() for _ in range(5)]
        assert len(asked) == 1
        assert {Job.objects.get(pk=job.pk).sent_at for job in jobs} == {None}

        broker._until = 0.0
        monkeypatch.setattr(services.current_app, "send_task", lambda *args, **kwargs: asked.append(args))
        with django_capture_on_commit_callbacks(execute=True):
            assert sweep() == 5
        assert len(asked) == 6


@pytest.mark.django_db(transaction=True)
class TestPerforming:
    def test_does_the_work_once_however_often_it_is_delivered(self):
        job = _asked()

        perform(str(job.pk))
        perform(str(job.pk))

        job.refresh_from_db()
        assert done == ["hello"]
        assert (job.state, job.progress) == (State.DONE, 100)

    def test_a_refusal_ends_it_with_words_fit_to_show(self):
        whys.append(Blocked("The file is gone."))
        job = _asked()

        perform(str(job.pk))

        job.refresh_from_db()
        assert (job.state, job.message) == (State.REFUSED, "The file is gone.")

    def test_what_this_machine_lacks_is_waited_for_as_long_as_it_takes(self):
        whys.append(MustWait("Papers wait."))
        job = _asked()

        for _ in range(5):  # more than its attempts
            perform(str(job.pk))

        job.refresh_from_db()
        assert (job.state, job.attempts, job.message) == (State.QUEUED, 0, "Papers wait.")
        assert job.not_before > clock.real_now()
        whys.clear()
        perform(str(job.pk))
        job.refresh_from_db()
        assert (job.state, done) == (State.DONE, ["hello"])

    def test_a_job_whose_worker_always_dies_is_given_up_and_can_be_tried_again(self):
        job = _asked()
        for _ in range(leases.MOST_LEASES):  # each worker takes the lease and is never heard of again
            assert leases.claim(str(job.pk))
            Job.objects.update(lease_until=clock.real_now() - dt.timedelta(seconds=1))
        assert sweep() == 1

        perform(str(job.pk))

        job.refresh_from_db()
        assert (job.state, done) == (State.FAILED, [])
        assert str(job.pk) in job.message
        assert sweep() == 0

        somebody = factories.operating_group_member()
        services.try_again(job, by=somebody, at=clock.now())
        perform(str(job.pk))
        job.refresh_from_db()
        assert (job.state, job.attempts, done) == (State.DONE, 1, ["hello"])
        assert events_of(job).get().event == "job.retried"
        with pytest.raises(Blocked, match="has not failed"):
            services.try_again(job, by=somebody, at=clock.now())

    def test_what_it_was_for_is_ended_before_it_is_given_up(self, monkeypatch):
        ended = []

        def end(job, *, why, word):
            with transaction.atomic():
                job.hold()
            if not ended:
                ended.append("not now")
                raise OSError
            ended.append((why, word))

        monkeypatch.setitem(lines._lines, "tests.note", replace(lines.line("tests.note"), given_up=end))
        whys.append(Blocked("The slot is closed."))
        job = _asked()
        perform(str(job.pk))
        job.refresh_from_db()
        assert (job.state, job.attempts) == (State.QUEUED, 0)  # its end failed, and waits

        perform(str(job.pk))
        job.refresh_from_db()
        assert (job.state, ended) == (State.REFUSED, ["not now", ("The slot is closed.", "hello")])

        whys.append(ValueError("Ada Invented 901-00-0001"))
        failing = _asked("again")
        perform(str(failing.pk))
        assert len(ended) == 2  # there is another attempt
        perform(str(failing.pk))
        failing.refresh_from_db()
        assert (failing.state, ended[2]) == (State.FAILED, (failing.message, "again"))
        with pytest.raises(Blocked, match="Begin it anew"):
            services.try_again(failing, by=factories.operating_group_member(), at=clock.now())

    def test_a_failure_is_tried_again_later_and_then_ends_without_quoting_a_record(self, caplog):
        whys.append(ValueError("Ada Invented 901-00-0001"))
        job = _asked()

        perform(str(job.pk))
        job.refresh_from_db()
        assert job.state == State.QUEUED
        assert job.not_before > clock.real_now()
        perform(str(job.pk))

        job.refresh_from_db()
        assert job.state == State.FAILED
        assert "901-00" not in job.message + caplog.text
        assert str(job.pk) in job.message


@pytest.mark.django_db(transaction=True)
class TestLeases:
    def test_two_workers_at_once_one_lease(self):
        job = _asked()
        barrier, taken = threading.Barrier(2), []

        def worker():
            barrier.wait()
            taken.append(leases.claim(str(job.pk)))
            connection.close()

        threads = [threading.Thread(target=worker) for _ in range(2)]
        [t.start() for t in threads]
        [t.join() for t in threads]

        assert sorted(claimed is None for claimed in taken) == [False, True]

    def test_a_dead_workers_job_is_sent_again_and_its_late_results_are_refused(self):
        job = _asked()
        first = lines.RunningJob(leases.claim(str(job.pk)))
        Job.objects.filter(pk=job.pk).update(lease_until=clock.real_now() - dt.timedelta(seconds=1))

        assert sweep() == 1
        second = lines.RunningJob(leases.claim(str(job.pk)))

        assert second.token == first.token + 1
        assert second.still_mine()
        assert not first.still_mine()
        with pytest.raises(LeaseLost):
            first.progress(50, "late")
        with pytest.raises(LeaseLost), transaction.atomic():
            first.hold()

    def test_the_sweeper_leaves_alone_what_runs(self):
        job = _asked()
        Job.objects.filter(pk=job.pk).update(sent_at=clock.real_now())
        leases.claim(str(job.pk))

        assert sweep() == 0

    def test_the_heartbeat_keeps_a_long_job(self, monkeypatch):
        monkeypatch.setattr(leases, "LEASE", dt.timedelta(seconds=0.3))
        job = _asked()
        running = lines.RunningJob(leases.claim(str(job.pk)))

        stop = lines._keep_alive(running)
        threading.Event().wait(0.8)
        kept = running.still_mine() and sweep() == 0
        stop()

        assert kept


@line_of_work("tests.sealed", queue="vault", needs=("colorsys",))
def sealed(job):
    """Do nothing, with what the vault loads beforehand."""


@line_of_work("tests.open", needs=("chunk",))
def opened(job):
    """Do nothing, elsewhere."""


def test_a_queues_worker_loads_what_its_lines_need(monkeypatch):
    """A child of the vault's worker does one job: what that needs is there before the child is."""
    for module in ("colorsys", "chunk"):
        monkeypatch.delitem(sys.modules, module, raising=False)

    lines.load_for("vault")

    assert "colorsys" in sys.modules
    assert "chunk" not in sys.modules
    assert "disclosure.engine.examine" in sys.modules
