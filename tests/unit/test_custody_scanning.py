"""Every file passes the malware scanner before anybody can use it; without a verdict it waits (O-62)."""

import datetime as dt

import pytest
from django.db import IntegrityError, transaction

from p20win import clock, policy
from p20win.audit.public import events_of
from p20win.custody import scanning
from p20win.custody.engine.clamd import Version
from p20win.custody.models import ScanState
from p20win.custody.public import FileStatus, NotOpenable, SealedFile, open_bytes
from p20win.jobs.public import Job, MustWait, State, perform
from tests import clamd, factories
from tests import factories_custody as custody

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("vault"), pytest.mark.xdist_group("clamd")]
INFECTED = custody.GOOD.replace(b"Okonkwo", clamd.EICAR)


@pytest.fixture
def vault(settings, tmp_path):
    with custody.own_vault(settings, tmp_path) as folder:
        yield folder


@pytest.fixture(scope="module")
def clamd_of_module():
    with clamd.running() as running:
        yield running


@pytest.fixture
def scanner(settings, clamd_of_module):
    settings.CLAMD_ADDRESS = clamd_of_module.address
    return clamd_of_module


@clamd.needs_clamd
class TestTheVerdict:
    @pytest.mark.obligation("O-62")
    def test_malware_is_refused_by_name_and_nothing_of_it_is_kept(self, scanner, vault):
        file = custody.checked(custody.arrived(custody.a_slot(), INFECTED))

        assert (file.status, file.scan) == (FileStatus.REFUSED, ScanState.INFECTED)
        assert {found["rule"] for found in file.report["counts"]} == {"malware"}
        assert "Test.Eicar.UNOFFICIAL" in file.report["findings"][0]["hint"]
        assert [path for path in (vault / "media").rglob("*") if path.is_file()] == []
        assert events_of(file).last().details["scan"] == "infected"

    def test_a_clean_file_says_what_scanned_it(self, scanner):
        file = custody.checked(custody.arrived(custody.a_slot()))

        assert (file.status, file.scan) == (FileStatus.ACCEPTED, ScanState.CLEAN)
        assert file.report["scan"]["by"].startswith("ClamAV ")
        assert b"".join(open_bytes(file)) == custody.GOOD

    def test_a_table_is_scanned_too(self, scanner):
        slot = custody.a_slot(kind="output", spec={})
        file = custody.arrived(slot, b"sex,count\n" + clamd.EICAR + b",12\n", name="t.csv")
        assert custody.checked(file).scan == ScanState.INFECTED


@clamd.needs_clamd
@pytest.mark.obligation("O-62")
def test_while_the_scanner_is_down_a_file_waits_unusable_and_is_scanned_when_it_is_back(scanner, signed_in):
    scanner.stop()
    slot = custody.a_slot()
    steward = factories.steward(slot.supplier)
    file = custody.arrived(slot, by=steward)
    job = Job.objects.get(name="custody.check_file")
    for _ in range(12):  # more often than any job may fail
        Job.objects.filter(pk=job.pk).update(not_before=clock.real_now())
        perform(str(job.pk))

    file.refresh_from_db()
    job.refresh_from_db()
    assert (file.status, file.scan, job.state) == (FileStatus.ARRIVED, ScanState.UNSCANNED, State.QUEUED)
    with pytest.raises(NotOpenable):
        open_bytes(file)
    page = signed_in(steward).get(f"/files/slots/{slot.pk}/").text
    assert "unscanned and not usable" in page
    assert "Not scanned for malware yet" in page

    scanner.start()
    perform(str(job.pk))
    file.refresh_from_db()
    assert (file.status, file.scan) == (FileStatus.ACCEPTED, ScanState.CLEAN)


@clamd.needs_clamd
def test_a_scanner_that_dies_in_the_middle_leaves_the_file_as_it_arrived(scanner, vault, monkeypatch):
    file = custody.arrived(custody.a_slot())
    through = scanning.Scanning.update

    def dying(self, chunk):
        through(self, chunk)
        scanner.stop()

    monkeypatch.setattr(scanning.Scanning, "update", dying)
    try:
        with pytest.raises(MustWait, match="unscanned"):
            custody.run_job("custody.check_file", file_id=file.pk)
    finally:
        scanner.stop()
        scanner.start()
    file.refresh_from_db()
    assert (file.status, file.scan) == (FileStatus.ARRIVED, ScanState.UNSCANNED)
    assert list((vault / "media" / "sealed").rglob("*.p20")) == []
    assert list((vault / "media" / "incoming").iterdir())


class TestWithoutAScanner:
    def test_the_demo_takes_files_and_says_so(self, signed_in):
        slot = custody.a_slot()
        steward = factories.steward(slot.supplier)
        file = custody.checked(custody.arrived(slot, by=steward))

        assert (file.status, file.scan) == (FileStatus.ACCEPTED, ScanState.NO_SCANNER)
        assert file.report["scan"]["by"] == "no scanner configured"
        assert "no scanner configured" in signed_in(steward).get(f"/files/slots/{slot.pk}/").text

    @pytest.mark.obligation("O-62")
    def test_production_accepts_nothing(self, settings):
        settings.PRODUCTION = True
        file = custody.arrived(custody.a_slot())
        with pytest.raises(MustWait, match="no scanner configured"):
            custody.run_job("custody.check_file", file_id=file.pk)
        assert scanning.state() == (
            False,
            "No scanner configured: no file is accepted. Set CLAMD_ADDRESS for the vault.",
        )

    def test_the_database_refuses_an_accepted_file_without_a_verdict(self):
        file = custody.checked(custody.arrived(custody.a_slot()))
        with pytest.raises(IntegrityError, match="file_accepted_was_scanned"), transaction.atomic():
            SealedFile.objects.filter(pk=file.pk).update(scan=ScanState.UNSCANNED)


class TestHealth:
    def test_no_scanner_is_said_plainly(self):
        assert scanning.state() == (
            False,
            "No scanner configured: files are accepted unscanned, in the demo alone. "
            "Set CLAMD_ADDRESS for the vault.",
        )

    def test_an_address_that_cannot_be_read(self, settings):
        settings.CLAMD_ADDRESS = "clamd"
        assert "CLAMD_ADDRESS cannot be read" in scanning.state()[1]

    def test_one_that_is_away(self, settings):
        settings.CLAMD_ADDRESS = "unix:/nowhere/clamd.sock"
        fine, says = scanning.state()
        assert not fine
        assert "unscanned and not usable" in says

    @clamd.needs_clamd
    def test_one_whose_definitions_have_no_date(self, scanner):
        fine, says = scanning.state()
        assert not fine
        assert "no date" in says

    @pytest.mark.parametrize(
        ("days", "fine"), [(0, True), (policy.MALWARE_DEFINITIONS_DAYS, True), (4, False)]
    )
    def test_old_definitions_need_attention(self, settings, monkeypatch, days, fine):
        settings.CLAMD_ADDRESS = "tcp:scanner:3310"
        built = clock.real_now().date() - dt.timedelta(days=days)
        monkeypatch.setattr(scanning, "ask_version", lambda _: Version("ClamAV 1.4.6", "27500", built))
        found, says = scanning.state()
        assert found is fine
        assert "27500" in says
        assert fine or f"{days} days old" in says
