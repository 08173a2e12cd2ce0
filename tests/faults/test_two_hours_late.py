"""F06: a worker that was away for two hours, and a message that comes two hours late, change nothing."""

import datetime as dt

import pytest

from p20win import clock
from p20win.audit.public import events_of, verify_chain
from p20win.custody.engine.intake import IntakeCheck
from p20win.custody.public import FileStatus, open_bytes, tidy
from p20win.jobs.public import Job, State, perform
from tests import factories_custody as custody

pytestmark = pytest.mark.django_db(transaction=True)
AWAY = dt.timedelta(hours=2)


@pytest.fixture
def vault(settings, tmp_path):
    with custody.own_vault(settings, tmp_path) as folder:
        yield folder


@pytest.fixture
def later(monkeypatch):
    """Let so much time pass for everybody."""
    now, passed = clock.real_now, []
    monkeypatch.setattr(clock, "real_now", lambda: now() + sum(passed, dt.timedelta()))
    return passed.append


def blobs(vault):
    return sorted(path for path in (vault / "media").rglob("*") if path.is_file())


def told(file):
    return sorted(event.event for event in events_of(file))


@pytest.mark.obligation("O-58", "O-95")
def test_f06_a_worker_that_comes_back_after_two_hours_has_lost_its_file(vault, later, monkeypatch):
    file = custody.arrived(custody.a_slot())
    job = Job.objects.get(name="custody.check_file")
    finish, workers = IntakeCheck.finish, []

    def sleeps(check):
        workers.append(len(workers))
        if workers == [0]:
            later(AWAY)
            perform(str(job.pk))  # another worker takes it up meanwhile, and ends it
            job.refresh_from_db()
            meanwhile.append((job.state, job.token, told(file), blobs(vault)))
        return finish(check)

    meanwhile = []
    monkeypatch.setattr(IntakeCheck, "finish", sleeps)
    perform(str(job.pk))

    assert workers == [0, 1]
    [(state, token, events, lying)] = meanwhile
    job.refresh_from_db()
    assert (state, token) == (job.state, job.token) == (State.DONE, 2)
    assert told(file) == events
    assert events.count("file.accepted") == 1
    file.refresh_from_db()
    assert file.status == FileStatus.ACCEPTED
    assert b"".join(open_bytes(file)) == custody.GOOD
    tidy(now=clock.real_now() + AWAY)
    assert [path.suffix for path in blobs(vault)].count(".p20") == 1
    assert set(blobs(vault)) <= set(lying)  # of the late one nothing is left
    assert verify_chain().ok


@pytest.mark.obligation("O-95")
def test_f06_a_message_two_hours_late_and_a_third_one_do_nothing(vault, later):
    file = custody.checked(custody.arrived(custody.a_slot()))
    job = Job.objects.get(name="custody.check_file")
    before, lying, jobs = told(file), blobs(vault), Job.objects.count()
    later(AWAY)
    for _ in range(2):
        perform(str(job.pk))
    job.refresh_from_db()
    assert (job.state, job.token) == (State.DONE, 1)
    assert (told(file), blobs(vault), Job.objects.count()) == (before, lying, jobs)
