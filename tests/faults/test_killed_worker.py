"""F01, F18: the vault's worker killed at random points of intake, shred, match and certificate."""

import datetime as dt
import os
import random
import subprocess
import sys
from pathlib import Path

import pytest
from django.conf import settings as django_settings
from django.db import connection

from matching.models import MatchRun, MatchStatus
from matching.services import ordering, running, signing
from p20win import clock
from p20win.audit.public import Event, events_of, verify_chain
from p20win.custody import places
from p20win.custody.public import (
    Destruction,
    FileStatus,
    ask_destruction,
    open_bytes,
    tidy,
    why_unreadable,
)
from p20win.jobs.public import Job, State
from tests import factories
from tests import factories_custody as custody
from tests import factories_matching as matches

pytestmark = [
    pytest.mark.django_db(transaction=True),
    pytest.mark.long,
    pytest.mark.timeout(1500),
]
POINTS = 20
MARK = b"Zqkilledwhileworking"
CONTENT = custody.GOOD.replace(b"Okonkwo", MARK)


class Worker:
    """The program that is killed again and again."""

    def __init__(self, data: Path) -> None:
        name = connection.settings_dict["NAME"]
        urls = {key: os.environ[key] for key in ("DATABASE_URL", "OWNER_DATABASE_URL") if key in os.environ}
        env = os.environ | {key: f"{url.rpartition('/')[0]}/{name}" for key, url in urls.items()}
        self.temporary = data / "tmp"
        self.temporary.mkdir()
        env |= {
            "P20WIN_DATA": str(data),
            "P20WIN_VAULT_PUBLIC": str(data / "public"),
            "P20WIN_IS_VAULT": "1",
            "TMPDIR": str(self.temporary),
        }
        self._process = subprocess.Popen(
            [sys.executable, "-W", "ignore", "-m", "tests.faults.killing"],
            cwd=django_settings.BASE_DIR, env=env, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True,
        )  # fmt: skip

    def does(self, job: Job, *, until: int = 0) -> int:
        """Let it take the job up, as after the lease of the one before has run out."""
        Job.objects.filter(pk=job.pk, state=State.RUNNING).update(lease_until=clock.real_now(), attempts=0)
        self._process.stdin.write(f"{job.pk} {until}\n")
        self._process.stdin.flush()
        return int(self._process.stdout.readline())

    def ends(self) -> None:
        self._process.communicate(timeout=30)


@pytest.fixture
def vault(settings, tmp_path):
    settings.P20WIN_KEY_SNAPSHOTS = tmp_path / "key-snapshots"
    with custody.own_vault(settings, tmp_path) as folder:
        yield folder


@pytest.fixture
def worker(vault):
    program = Worker(vault)
    yield program
    program.ends()


def points(lines, *, seed):
    """Return places spread over the whole work, none twice."""
    return sorted(random.Random(seed).sample(range(1, lines), POINTS))


def newest(name, **ids):
    wanted = {key: str(value) for key, value in ids.items()}
    return Job.objects.filter(name=name, arguments__contains=wanted).latest("created_at")


def holds_plaintext(folder, mark=MARK):
    """Return the files in which the mark stands in the clear."""
    return [path for path in folder.rglob("*") if path.is_file() and mark in path.read_bytes()]


def times(row, event):
    return events_of(row).filter(event=event).count()


def sealed_bytes(vault):
    return {path: path.read_bytes() for path in (vault / "media").rglob("*") if path.is_file()}


@pytest.mark.obligation("O-58", "O-63")
def test_f01_intake_killed_at_twenty_points(vault, worker):
    def waiting():
        file = custody.arrived(custody.a_slot(), CONTENT)
        return file, newest("custody.check_file", file_id=file.pk)

    file, job = waiting()
    lines = worker.does(job)
    assert lines > 1000
    for point in points(lines, seed=1):
        file, job = waiting()

        assert worker.does(job, until=point) == -1
        assert not holds_plaintext(vault), f"killed at {point}"
        worker.does(job)

        file.refresh_from_db()
        job.refresh_from_db()
        assert (job.state, file.status) == (State.DONE, FileStatus.ACCEPTED), f"killed at {point}"
        assert times(file, "file.accepted") == 1, f"killed at {point}"
        assert b"".join(open_bytes(file)) == CONTENT
        assert not places.incoming(file.pieces[0]).exists()
    tidy(now=clock.real_now() + dt.timedelta(hours=2))
    blobs = list((vault / "media" / "sealed").rglob("*.p20"))
    assert len(blobs) == POINTS + 1  # what a killed one left half done is gone
    assert not holds_plaintext(vault)
    assert verify_chain().ok


@pytest.mark.obligation("O-65", "O-117")
def test_f01_shred_killed_at_twenty_points(vault, worker):
    def asked():
        slot = custody.a_slot()
        file = custody.checked(custody.arrived(slot, CONTENT))
        waiting = custody.arrived(custody.a_slot(slot.supplier, project=slot.project), CONTENT)
        row = ask_destruction(file.project, file.owner, by=factories.hub_member(), at=factories.START)
        return row, [file, waiting], newest("custody.destroy", destruction_id=row.pk)

    row, files, job = asked()
    lines = worker.does(job)
    assert lines > 500
    for point in points(lines, seed=2):
        row, files, job = asked()
        before = sealed_bytes(vault)

        assert worker.does(job, until=point) == -1
        assert not holds_plaintext(vault), f"killed at {point}"
        assert times(row, "data.destroyed") <= 1
        worker.does(job)

        row.refresh_from_db()
        job.refresh_from_db()
        assert (job.state, row.status) == (State.DONE, "done"), f"killed at {point}"
        assert times(row, "data.destroyed") == 1, f"killed at {point}"
        assert times(row, "keys.destroyed") == 1, f"killed at {point}"
        assert {entry["file"] for entry in row.files} == {str(file.pk) for file in files}
        assert not sealed_bytes(vault), f"killed at {point}"
        for path, raw in before.items():  # a copy of the sealed bytes turns up again
            path.write_bytes(raw)
        for file in files:
            assert times(file, "file.destroyed") == 1, f"killed at {point}"
        assert why_unreadable(files[0]) == "KeyDestroyed", f"killed at {point}"
        for path in before:
            path.unlink()
    assert Destruction.objects.filter(status="done").count() == POINTS + 1
    assert verify_chain().ok


@pytest.mark.obligation("O-65", "O-85")
def test_f18_killed_between_key_and_certificate_there_is_one_certificate(vault, worker):
    match = matches.delivered().match
    order = ordering.order_in_time(match, at=factories.START)
    ordering.carry_out(order, at=order.acts_at)
    for row in Destruction.objects.all():
        worker.does(newest("custody.destroy", destruction_id=row.pk))
    *others, last = Job.objects.filter(name="matching.inputs_gone").order_by("created_at")
    for job in others:
        worker.does(job)
    match.refresh_from_db()
    assert match.status == MatchStatus.DELIVERED or match.project.certificates.exists()
    for point in range(5, 400, 400 // POINTS):
        if worker.does(last, until=point) != -1:
            break
    worker.does(last)

    match.refresh_from_db()
    assert match.status == MatchStatus.INPUTS_DESTROYED
    assert match.project.certificates.filter(kind="hub_destruction").count() == 1
    assert times(match, "match.inputs_destroyed") == 1
    assert Job.objects.filter(name="agreements.make_certificate").count() == 1
    assert verify_chain().ok


@pytest.mark.obligation("O-67")
def test_f01_match_killed_at_twenty_points(vault, worker):
    match = matches.linked()
    first = match.runs.get()
    match = signing.reject(match, reasons="Once more.", by=matches.steward("SDE"), at=factories.START)
    run = running.start_run(match, first.method, by=matches.hub_member(match.project), at=factories.START)
    job = newest("matching.run_match", run_id=run.pk)
    killed = 0
    for point in random.Random(3).sample(range(50, 3000), POINTS):
        killed += worker.does(job, until=point) == -1
        assert not Event.objects.filter(event="run.failed").exists()
    worker.does(job)

    run = MatchRun.objects.get(pk=run.pk)
    assert killed
    assert run.status == "done"
    assert times(run, "run.finished") == 1
    for told in ("match_rates", "people", "estimates"):
        assert run.report[told] == first.report[told], told
    someone = matches.people().agencies["SDE"].matching.table.column("LastName").to_pylist()
    marks = [name.encode() for name in someone if name and len(name) > 8][:5]
    assert not [path for mark in marks for path in holds_plaintext(vault, mark)]
    assert verify_chain().ok
