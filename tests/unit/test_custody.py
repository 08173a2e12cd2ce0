"""Custody, one act at a time, on real PostgreSQL."""

import datetime as dt
import tracemalloc

import pytest

from p20win.audit.public import events_of
from p20win.custody import places, reception, sealing, services
from p20win.custody.public import (
    FileStatus,
    NotTheVault,
    SealedFile,
    SlotStatus,
    close_slot,
    open_bytes,
    receive,
)
from p20win.jobs.public import Job, LeaseLost, UnknownWork
from p20win.refusal import Blocked
from tests import factories
from tests import factories_custody as custody

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("vault")]
NOW = factories.START


@pytest.fixture
def vault(settings, tmp_path):
    with custody.own_vault(settings, tmp_path) as folder:
        yield folder


def accepted(slot=None, content=custody.GOOD):
    return custody.checked(custody.arrived(slot or custody.a_slot(), content))


def files_on_disk(vault):
    return [path for path in (vault / "media").rglob("*") if path.is_file()]


class TestSlots:
    def test_opening_writes_the_ledger(self):
        slot = custody.a_slot()
        assert slot.status == SlotStatus.OPEN
        assert [event.event for event in events_of(slot)] == ["slot.opened"]

    def test_a_spec_that_cannot_be_followed_opens_nothing(self):
        with pytest.raises(ValueError, match="NOPE"):
            custody.a_slot(spec=custody.SPEC | {"id_column": "NOPE"})

    def test_a_hook_must_be_a_line_of_work(self):
        with pytest.raises(UnknownWork):
            custody.a_slot(on_accepted="no.such_work")

    def test_closing(self):
        slot = custody.a_slot()
        with pytest.raises(Blocked):
            close_slot(slot, by=factories.steward(slot.supplier), at=NOW)
        assert close_slot(slot, by=factories.hub_member(), at=NOW).status == SlotStatus.CLOSED


@pytest.mark.obligation("O-59")
class TestWhoMaySend:
    def refused(self, slot, why, *, at=NOW, by=None, name=None):
        with pytest.raises(Blocked, match=why):
            custody.arrived(slot, at=at, by=by, name=name)
        assert not SealedFile.objects.exists()

    def test_nobody_of_another_agency(self):
        slot = custody.a_slot()
        self.refused(slot, "alone", by=factories.steward(factories.organisation()))

    def test_not_before_and_not_after_the_window(self):
        slot = custody.a_slot(opens_at=NOW + dt.timedelta(hours=1), closes_at=NOW + dt.timedelta(hours=2))
        self.refused(slot, "has not come")
        self.refused(slot, "is over", at=NOW + dt.timedelta(hours=2))

    def test_not_into_a_closed_or_filled_slot(self):
        closed = close_slot(custody.a_slot(), by=factories.hub_member(), at=NOW)
        self.refused(closed, "is over")
        filled = accepted().slot
        filled.refresh_from_db()
        with pytest.raises(Blocked, match="accepted already"):
            custody.arrived(filled)

    def test_not_while_one_is_being_checked(self):
        slot = custody.a_slot()
        custody.arrived(slot)
        with pytest.raises(Blocked, match="being checked already"):
            custody.arrived(slot)

    def test_not_under_a_wrong_name(self):
        slot = custody.a_slot()
        self.refused(slot, "neither scheme", name="900123456 students.txt")

    def test_not_against_the_access_decision(self, vault):
        slot = custody.a_slot()
        with custody.conditions_met(against=lambda ask: f"No {ask.act} of {ask.data_class}."):
            self.refused(slot, "No upload of matching")
        assert files_on_disk(vault) == []


class TestReceiving:
    @pytest.mark.obligation("O-58")
    def test_no_plaintext_reaches_the_disk_and_this_process_cannot_open_it_again(self, vault, settings):
        file = custody.arrived(custody.a_slot())

        assert file.status == FileStatus.ARRIVED
        for path in files_on_disk(vault):
            assert b"Okonkwo" not in path.read_bytes()
        settings.P20WIN_IS_VAULT = False
        with pytest.raises(NotTheVault):
            sealing.check_and_seal(file, at=NOW, progress=lambda *_: None)

    def test_memory_does_not_grow_with_the_file(self):
        slot, block = custody.a_slot(), bytes(1 << 20)
        steward, name = factories.steward(slot.supplier), custody.name_for(slot)
        tracemalloc.start()
        file = receive((block for _ in range(48)), slot, by=steward, name=name, at=NOW)
        peak = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
        assert file.received_bytes == 48 << 20
        assert peak < 12 << 20

    def test_the_vault_is_asked_to_check(self):
        file = custody.arrived(custody.a_slot())
        assert Job.objects.get(name="custody.check_file").arguments == {"file_id": str(file.pk)}

    def test_a_stream_that_breaks_leaves_nothing(self, vault):
        def breaking():
            yield custody.GOOD
            raise ConnectionError

        slot = custody.a_slot()
        with pytest.raises(ConnectionError):
            receive(
                breaking(), slot, by=factories.steward(slot.supplier), name=custody.name_for(slot), at=NOW
            )
        assert files_on_disk(vault) == []
        assert not SealedFile.objects.exists()

    def test_a_file_larger_than_agreed_leaves_nothing(self, vault):
        slot = custody.a_slot(spec=custody.SPEC | {"largest": 50})
        with pytest.raises(Blocked, match="larger than agreed"):
            custody.arrived(slot)
        assert files_on_disk(vault) == []

    @pytest.mark.obligation("O-64")
    def test_the_ledger_says_all_that_the_log_must(self):
        slot = custody.a_slot(destroy_by=dt.date(2027, 1, 1))
        file = custody.arrived(slot)
        event = events_of(file).get()
        assert event.event == "file.arrived"
        assert event.actor_id == file.sent_by_id
        assert event.details["elements"] == ["ID", "SSN", "LAST", "DOB"]
        assert event.details["destroy_by"] == "2027-01-01"
        assert event.details["request"] == slot.project.number
        assert (event.details["from"], event.details["to"]) == (slot.supplier.slug, "hub")

    def test_names_that_may_tell_something_are_not_kept(self):
        slot = custody.a_slot()
        slot.data_class = "output"
        assert reception.stored_name(slot, "Ada 900123456.xlsx") == "output.xlsx"
        assert reception.stored_name(slot, "Ada.exe") == "output"


class TestChecking:
    @pytest.mark.obligation("O-60", "O-58")
    def test_a_good_file_is_sealed_again_and_receipted(self, vault):
        file = accepted()

        assert (file.status, file.rows, file.columns) == (
            FileStatus.ACCEPTED,
            2,
            ["ID", "SSN", "LAST", "DOB"],
        )
        assert b"".join(open_bytes(file)) == custody.GOOD
        assert file.receipt["document"]["plain_bytes"] == len(custody.GOOD)
        assert "carries no signature of its agency" in file.receipt["document"]["source_shown_by"]
        assert not places.incoming(file.pieces[0]).exists()
        assert file.slot.status == SlotStatus.FILLED
        assert all(b"Okonkwo" not in path.read_bytes() for path in files_on_disk(vault))
        assert [event.event for event in events_of(file)] == ["file.arrived", "file.accepted"]

    @pytest.mark.obligation("O-62")
    def test_a_bad_file_is_refused_with_places_and_nothing_of_it_is_kept(self, vault):
        slot = custody.a_slot()
        file = accepted(slot, custody.BAD)

        assert file.status == FileStatus.REFUSED
        places_named = {(f["row"], f["column"], f["rule"]) for f in file.report["findings"]}
        assert places_named == {(2, "LAST", "required"), (2, "DOB", "form")}
        assert files_on_disk(vault) == []
        assert accepted(slot).status == FileStatus.ACCEPTED

    def test_a_damaged_piece_is_refused(self, vault):
        file = custody.arrived(custody.a_slot())
        path = places.incoming(file.pieces[0])
        path.write_bytes(path.read_bytes()[:-1])

        assert custody.checked(file).status == FileStatus.REFUSED
        assert file.report["findings"][0]["rule"] == "damaged"
        assert files_on_disk(vault) == [path]  # as evidence, sealed as it came

    def test_a_piece_of_another_file_is_refused(self):
        one, other = custody.arrived(custody.a_slot()), custody.arrived(custody.a_slot())
        mine, theirs = (places.incoming(file.pieces[0]) for file in (one, other))
        mine.write_bytes(theirs.read_bytes())
        assert custody.checked(one).status == FileStatus.REFUSED

    def test_checked_twice_is_judged_once(self):
        file = accepted()
        job = Job.objects.get(name="custody.check_file")
        services.check_file(str(file.pk), job=job, at=NOW)
        assert events_of(file).count() == 2

    def test_a_worker_that_lost_its_lease_stores_nothing(self, vault):
        file = custody.arrived(custody.a_slot())

        class Lost:
            def progress(self, *_):
                pass

            def hold(self):
                raise LeaseLost

        with pytest.raises(LeaseLost):
            services.check_file(str(file.pk), job=Lost(), at=NOW)
        file.refresh_from_db()
        assert file.status == FileStatus.ARRIVED
        assert [path.suffix for path in files_on_disk(vault)] == [".piece"]
        assert custody.checked(file).status == FileStatus.ACCEPTED

    def test_hooks_are_called_with_the_file(self):
        slot = custody.a_slot(on_accepted="custody.check_file")
        file = accepted(slot)
        hook = Job.objects.filter(name="custody.check_file").latest("created_at")
        assert hook.arguments == {"file_id": str(file.pk)}
        assert Job.objects.filter(name="custody.check_file").count() == 2


class TestTables:
    def test_an_output_is_checked_as_a_table(self):
        slot = custody.a_slot(kind="output", spec={})
        file = custody.checked(custody.arrived(slot, b"sex,count\nF,12\n", name="Table one.csv"))
        assert (file.status, file.name) == (FileStatus.ACCEPTED, "output.csv")
        assert b"".join(open_bytes(file)) == b"sex,count\nF,12\n"

    def test_a_formula_is_refused(self):
        slot = custody.a_slot(kind="output", spec={})
        file = custody.checked(custody.arrived(slot, b"sex,=1+1\n", name="t.csv"))
        assert file.status == FileStatus.REFUSED
