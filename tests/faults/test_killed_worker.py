"""F01, F18: the vault's worker killed at random points of intake, match, delivery, shred and certificate."""

import datetime as dt
import io
import json
import os
import random
import subprocess
import sys
import time
import zipfile
from pathlib import Path

import pytest
from django.conf import settings as django_settings
from django.db import connection, transaction

from agreements import certificates, seal
from matching.engine import extract
from matching.models import MatchStatus
from matching.services import delivering, ordering, running, signing
from p20win import clock
from p20win.accounts.public import system_user
from p20win.audit.public import Event, events_of, record, verify_chain
from p20win.custody import checkpoints, places
from p20win.custody.public import (
    Destruction,
    FileStatus,
    SealedFile,
    ask_destruction,
    ledger_leaf,
    ledger_name,
    open_bytes,
    tidy,
    why_unreadable,
)
from p20win.jobs.public import Job, State
from tests import factories
from tests import factories_agreements as agreements
from tests import factories_custody as custody
from tests import factories_governance as ends
from tests import factories_matching as matches

pytestmark = [
    pytest.mark.django_db(transaction=True),
    pytest.mark.long,
    pytest.mark.timeout(1500),
]
POINTS = 20
DRAWS = 8
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

    def does(self, job: Job, *, until: int = 0, after: float = 0.0) -> int:
        """Let it take the job up, as after the lease of the one before has run out.

        Say how many lines that took, or -1 if it was killed: at line `until`, or `after` so many seconds.
        """
        Job.objects.filter(pk=job.pk, state=State.RUNNING).update(lease_until=clock.real_now(), attempts=0)
        self._process.stdin.write(f"{job.pk} {until} {after}\n")
        self._process.stdin.flush()
        return int(self._process.stdout.readline())

    def is_killed(self, job: Job, **when: float) -> bool:
        """Say whether a kill hit it in the midst of this job: taken up, and not over."""
        if self.does(job, **when) != -1:
            return False
        job.refresh_from_db()
        return job.state == State.RUNNING

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


def kills(worker, waiting, *, lines, seed):
    """Kill the work in each twentieth of its lines; give the place, and the job with what it is about.

    Every kill hit the work while it ran: where it was not begun yet, or over already (how many lines it has
    differs a little from time to time), another place of that twentieth is drawn, for fresh work.
    """
    chance = random.Random(seed)
    for part in range(POINTS):
        for _ in range(DRAWS):
            point = chance.randint(1 + lines * part // POINTS, lines * (part + 1) // POINTS)
            *about, job = waiting()
            if worker.is_killed(job, until=point):
                break
            worker.does(job)
        else:
            pytest.fail(f"No place of twentieth {part} was hit in {DRAWS} draws; the work has {lines} lines.")
        yield point, job, *about


def newest(name, **ids):
    wanted = {key: str(value) for key, value in ids.items()}
    return Job.objects.filter(name=name, arguments__contains=wanted).latest("created_at")


def holds_plaintext(folder, *wanted):
    """Return the files in which a mark stands in the clear; nobody else writes there meanwhile."""
    files = {path: path.read_bytes() for path in folder.rglob("*") if path.is_file()}
    return [path for path, content in files.items() if any(mark in content for mark in wanted or (MARK,))]


def times(row, event):
    return events_of(row).filter(event=event).count()


def sealed_bytes(vault):
    return {path: path.read_bytes() for path in (vault / "media").rglob("*") if path.is_file()}


@pytest.mark.obligation("O-58", "O-63")
def test_f01_intake_killed_at_twenty_points(vault, worker):
    def waiting():
        file = custody.arrived(custody.a_slot(), CONTENT)
        return file, newest("custody.check_file", file_id=file.pk)

    planted = worker.temporary / "planted"
    planted.write_bytes(CONTENT)
    assert holds_plaintext(vault) == [planted]  # what looks for it sees it
    planted.unlink()
    file, job = waiting()
    lines = worker.does(job)
    assert lines > 1000
    drawn = 0
    for point, job, file in kills(worker, waiting, lines=lines, seed=1):
        drawn += 1
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
    assert drawn == POINTS
    accepted = SealedFile.objects.filter(status=FileStatus.ACCEPTED)
    assert {path.name for path in blobs} == {Path(file.blob).name for file in accepted}  # no half of one
    assert not holds_plaintext(vault)
    assert verify_chain().ok


@pytest.mark.obligation("O-65", "O-117")
def test_f01_shred_killed_at_twenty_points(vault, worker):
    def asked():
        slot = custody.a_slot()
        file = custody.checked(custody.arrived(slot, CONTENT))
        waiting = custody.arrived(custody.a_slot(slot.supplier, project=slot.project), CONTENT)
        ends.on_record(file.project)
        row = ask_destruction(file.project, file.owner, by=factories.hub_member(), at=factories.START)
        return row, [file, waiting], sealed_bytes(vault), newest("custody.destroy", destruction_id=row.pk)

    *_, job = asked()
    lines = worker.does(job)
    assert lines > 500
    for point, job, row, files, before in kills(worker, asked, lines=lines, seed=2):
        assert not holds_plaintext(vault), f"killed at {point}"
        assert times(row, "data.destroyed") <= 1
        worker.does(job)

        row.refresh_from_db()
        job.refresh_from_db()
        assert (job.state, row.status) == (State.DONE, "done"), f"killed at {point}"
        assert times(row, "data.destroyed") == 1, f"killed at {point}"
        assert times(row, "keys.destroyed") == 1, f"killed at {point}"
        assert {entry["file"] for entry in row.files} == {str(file.pk) for file in files}
        assert (sealed_bytes(vault), holds_plaintext(vault)) == ({}, []), f"killed at {point}"
        for path, raw in before.items():  # a copy of the sealed bytes turns up again
            path.write_bytes(raw)
        for file in files:
            assert times(file, "file.destroyed") == 1, f"killed at {point}"
        assert why_unreadable(files[0]) == "KeyDestroyed", f"killed at {point}"
        for path in before:
            path.unlink()
    assert Destruction.objects.filter(status="done").count() >= POINTS + 1
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


@pytest.mark.obligation("O-64", "O-65")
def test_f18_the_paper_of_the_certificate_killed_at_twenty_points_is_made_once(vault, worker):
    (vault / "seal").mkdir()
    seal.make_key(vault / "seal" / "key.pem", vault / "seal" / "certificate.pem", now=clock.real_now())
    agreement = agreements.in_force()
    with transaction.atomic():
        line = record("data.destroyed", agreement.project, by=system_user(), at=factories.START)
    told = [{"organisation": "sde", "line": line.seq, "leaf": ledger_leaf(line)}]
    facts = {"files": [], "ledger": told, "ledger_name": ledger_name()}
    checkpoints.publish(now=clock.real_now())

    def issued():
        row = certificates.issue_hub_certificate(
            agreement.project, method="Cryptographic erase", facts=facts, by=system_user(), at=factories.START
        )
        Job.objects.filter(name="agreements.make_certificate").update(not_before=clock.real_now())
        return row, newest("agreements.make_certificate", certificate_id=row.pk)

    papers = agreement.project.documents.filter(kind="certificate")
    _, job = issued()
    lines = worker.does(job)
    assert (lines > 100, papers.count()) == (True, 1)
    for made, (point, job, row) in enumerate(kills(worker, issued, lines=lines, seed=5), papers.count()):
        row.refresh_from_db()
        assert times(row, "certificate.made") == bool(row.document_id), f"killed at {point}"
        worker.does(job)
        worker.does(job)  # delivered once more

        row.refresh_from_db()
        job.refresh_from_db()
        assert job.state == State.DONE, f"killed at {point}"
        assert (times(row, "certificate.issued"), times(row, "certificate.made")) == (1, 1), f"at {point}"
        assert bytes(row.document.content).startswith(b"%PDF"), f"killed at {point}"
        assert papers.count() == row.project.certificates.filter(document__isnull=False).count() > made
    assert papers.count() == row.project.certificates.count() > POINTS
    assert verify_chain().ok


@pytest.mark.obligation("O-67")
def test_f01_match_killed_at_twenty_points(vault, worker):
    match, by = matches.linked(), None
    method = match.runs.get().method
    by = matches.hub_member(match.project)

    def again():
        signing.reject(match, reasons="Once more.", by=matches.steward("SDE"), at=factories.START)
        match.refresh_from_db()
        run = running.start_run(match, method, by=by, at=factories.START, reason="Once more.")
        return run, newest("matching.run_match", run_id=run.pk)

    undisturbed, job = again()
    began = time.monotonic()
    lines = worker.does(job)
    took = time.monotonic() - began
    undisturbed.refresh_from_db()
    assert undisturbed.status == "done"
    chance, hits, while_linking = random.Random(3), 0, 0
    run, job = again()
    for _ in range(POINTS * DRAWS):
        half = POINTS // 2  # the first half by our lines, the second by the clock: most of that is linking
        when = {"until": chance.randint(1, lines)} if hits < half else {"after": chance.uniform(0.1, took)}
        if worker.is_killed(job, **when):
            hits += 1
            while_linking += 5 < job.progress < 96
        run.refresh_from_db()
        assert times(run, "run.finished") == (run.status == "done") == bool(run.crosswalk), when
        assert not holds_plaintext(vault, *marks()), when
        if hits == POINTS:
            break
        if run.status == "done":  # that one came too late: killed after the end, or not at all
            same_people(run, undisturbed)
            run, job = again()
    assert (hits, while_linking >= 5) == (POINTS, True)

    worker.does(job)

    run.refresh_from_db()
    job.refresh_from_db()
    assert (job.state, run.status) == (State.DONE, "done")
    same_people(run, undisturbed)
    assert not Event.objects.filter(event="run.failed").exists()
    tidy(now=clock.real_now() + dt.timedelta(hours=2))
    assert not holds_plaintext(vault, *marks())
    assert verify_chain().ok


def marks():
    """Return some long names that stand in the files of a match."""
    someone = matches.people().agencies["SDE"].matching.table.column("LastName").to_pylist()
    return [name.encode() for name in someone if name and len(name) > 8][:5]


def same_people(run, other):
    """Make sure that two runs found the same people (link ids are drawn anew) and report the same."""
    assert groups(run) == groups(other)
    for told in ("match_rates", "people", "estimates"):
        assert run.report[told] == other.report[told], told
    assert times(run, "run.finished") == 1


def groups(run):
    """Return which ids of which files are one person's."""
    key = extract.read_key(b"".join(open_bytes(run.crosswalk))).to_pylist()
    found = {}
    for row in key:
        found.setdefault(row.pop("link_id"), set()).add(tuple(row.values()))
    return {frozenset(one) for one in found.values()}


@pytest.mark.obligation("O-73", "O-76")
def test_f01_delivery_killed_at_twenty_points(vault, worker):
    first = matches.delivered()
    match, by = first.match, matches.hub_member(first.project)

    def asked():
        delivery = delivering.replace(match, reason="Packed again.", by=by, at=factories.START)
        return delivery, newest("matching.build_extract", delivery_id=delivery.pk)

    delivery, job = asked()
    lines = worker.does(job)
    delivery.refresh_from_db()
    undisturbed = packed(delivery)
    assert lines > 1000
    for point, job, delivery in kills(worker, asked, lines=lines, seed=4):
        delivery.refresh_from_db()
        assert bool(delivery.extract) == (delivery.status == "available"), f"killed at {point}"
        assert not holds_plaintext(vault, *rows_of(undisturbed)), f"killed at {point}"
        worker.does(job)

        delivery.refresh_from_db()
        job.refresh_from_db()
        assert (job.state, delivery.status) == (State.DONE, "available"), f"killed at {point}"
        assert times(delivery, "extract.available") == 1, f"killed at {point}"
        assert packed(delivery) == undisturbed, f"killed at {point}"
    tidy(now=clock.real_now() + dt.timedelta(hours=2))
    blobs = (vault / "media" / "sealed").rglob("*.p20")
    assert {path.name for path in blobs} == {Path(file.blob).name for file in SealedFile.objects.all()}
    assert not holds_plaintext(vault, *rows_of(undisturbed))
    assert verify_chain().ok


def packed(delivery):
    """Return what lies in a delivery, but for the manifest, which names its version and moment."""
    with zipfile.ZipFile(io.BytesIO(b"".join(open_bytes(delivery.extract)))) as package:
        found = {name: package.read(name) for name in package.namelist()}
    signed = json.loads(found.pop("manifest.json"))["document"]
    return found | {"files": signed["files"], "papers": signed["papers"]}


def rows_of(package):
    """Return some rows as they were delivered; none of them may lie on a disk in the clear."""
    return [line for name in ("sde.csv", "dol.csv") for line in package[name].splitlines()[1:6]]
