"""The vault signs where the ledger stands, and only what goes on from what it signed before."""

import base64
import datetime as dt
from pathlib import Path

import pytest
from django.db import ProgrammingError, connection, transaction

from p20win import clock, health
from p20win.audit.public import Event, events_of, verify_chain
from p20win.custody import checkpoints, vault_keys
from p20win.custody.engine import ledger_proof, signing
from p20win.custody.engine.merkle import leaf_hash
from p20win.custody.engine.notes import verify_checkpoint
from p20win.custody.engine.proofs import TILE, check_consistency, tile_root
from p20win.custody.models import Checkpoint, LedgerTile
from p20win.custody.public import ledger_proof as proof_of
from p20win.jobs.public import Job
from p20win.refusal import Blocked
from tests import factories
from tests import factories_custody as custody
from tests import factories_ledger as ledger

pytestmark = pytest.mark.django_db
NOW = dt.datetime(2026, 3, 2, 15, 0, tzinfo=dt.UTC)


@pytest.fixture
def vault(settings, tmp_path):
    with custody.own_vault(settings, tmp_path):
        yield tmp_path


def trusted():
    return frozenset([signing.public_text(signing.load_public(vault_keys.hub_public_pem()))])


def all_leaves():
    with connection.cursor() as cursor:
        cursor.execute("SELECT audit_canonical(audit_event) FROM audit_event ORDER BY seq")
        return [leaf_hash(text.encode()) for (text,) in cursor.fetchall()]


class TestPublish:
    @pytest.mark.obligation("O-64")
    def test_signs_the_root_over_every_line(self, vault):
        size = ledger.past_a_tile()

        row = checkpoints.publish(now=NOW)

        found = verify_checkpoint(row.note, trusted())
        assert (found.size, found.origin) == (size, "p20win.example.org/ledger")
        assert found.signed_at == int(NOW.timestamp())
        assert found.root == bytes(row.root) == tile_root(all_leaves())

    def test_reads_no_line_of_a_full_tile_again(self, vault, django_assert_num_queries):
        ledger.past_a_tile()
        checkpoints.publish(now=NOW)
        stored = LedgerTile.objects.count()
        size = ledger.lines(3)

        row = checkpoints.publish(now=NOW)

        assert stored == LedgerTile.objects.count() == size // TILE
        assert bytes(row.root) == tile_root(all_leaves())

    def test_each_goes_on_from_the_one_before(self, vault):
        ledger.lines(7)
        one = checkpoints.publish(now=NOW)
        ledger.past_a_tile()
        other = checkpoints.publish(now=NOW)

        path = checkpoints.tree_of(other.size).consistency(one.size, other.size)

        check_consistency(
            old=one.size, new=other.size, old_root=bytes(one.root), new_root=bytes(other.root), path=path
        )

    def test_signs_in_the_vault_alone(self, vault, settings):
        ledger.lines(1)
        settings.P20WIN_IS_VAULT = False

        with pytest.raises(vault_keys.NotTheVault):
            checkpoints.publish(now=NOW)

    def test_only_the_vault_adds_and_nobody_changes(self, vault):
        ledger.past_a_tile()
        checkpoints.publish(now=NOW)
        for table, column in (("custody_checkpoint", "size"), ("custody_ledgertile", "number")):
            for statement in (f"UPDATE {table} SET {column} = 1", f"DELETE FROM {table}"):
                with pytest.raises(ProgrammingError, match="it only grows"), transaction.atomic():
                    with connection.cursor() as cursor:
                        cursor.execute(statement)
            with pytest.raises(ProgrammingError, match="permission denied"), transaction.atomic():
                with connection.cursor() as cursor:
                    cursor.execute("SET LOCAL ROLE p20_web")
                    cursor.execute(f"INSERT INTO {table} SELECT * FROM {table}")


class TestRefusesToSign:
    def test_what_was_put_back_to_yesterday(self, vault):
        """The database's own checkpoints are gone with it; the vault remembers what it signed."""
        size = ledger.lines(9)
        with transaction.atomic():
            yesterday = transaction.savepoint()
            ledger.lines(4)
            checkpoints.publish(now=NOW)
            transaction.savepoint_rollback(yesterday)
        assert not Checkpoint.objects.filter(size__gt=size).exists()

        with pytest.raises(checkpoints.LedgerDiffers, match=f"ends after line {size}, but"):
            checkpoints.publish(now=NOW)

        assert "earlier state" in checkpoints.alarm()

    @pytest.mark.obligation("O-95", "O-64")
    @pytest.mark.parametrize("statement", ["DELETE FROM audit_event", "TRUNCATE audit_event"])
    def test_an_emptied_ledger_and_the_health_page_says_so(self, vault, statement):
        size = ledger.past_a_tile()
        checkpoints.publish(now=NOW)
        with ledger.superuser() as cursor:
            cursor.execute(statement)

        with pytest.raises(checkpoints.LedgerDiffers, match=f"Lines 1 to {size} are missing"):
            checkpoints.publish(now=NOW)

        assert "emptied" in checkpoints.alarm()
        with pytest.raises(RuntimeError, match="it was emptied"):
            health._ledger()
        with pytest.raises(checkpoints.LedgerDiffers, match="Line 1 of the ledger was changed or deleted"):
            checkpoints.expect_tiles()

    def test_what_never_held_a_line_is_no_emptied_one(self, vault):
        with ledger.superuser() as cursor:
            cursor.execute("TRUNCATE audit_event")
        assert checkpoints.publish(now=NOW) is None
        assert checkpoints.alarm() == ""

    def test_another_history(self, vault):
        size = ledger.lines(9)
        checkpoints.publish(now=NOW)
        ledger.rewritten(f"UPDATE audit_event SET note = 'never' WHERE seq = {size}")

        with pytest.raises(checkpoints.LedgerDiffers, match=f"first {size} lines"):
            checkpoints.publish(now=NOW)

        assert verify_chain().ok  # the chain alone would not have told

    @pytest.mark.obligation("O-95", "O-64")
    @pytest.mark.parametrize(
        "statement",
        ["UPDATE audit_event SET note = 'x' WHERE seq = 3", "DELETE FROM audit_event WHERE seq = 3"],
    )
    def test_a_change_in_an_old_tile_is_named_by_the_daily_look(self, vault, statement):
        ledger.past_a_tile()
        checkpoints.publish(now=NOW)
        checkpoints.expect_tiles()
        with ledger.superuser() as cursor:
            cursor.execute(statement)

        with pytest.raises(checkpoints.LedgerDiffers, match="Line 3 of the ledger was changed or deleted"):
            checkpoints.expect_tiles()

    def test_a_ledger_with_a_line_missing(self, vault):
        size = ledger.lines(9)
        with ledger.superuser() as cursor:
            cursor.execute("DELETE FROM audit_event WHERE seq = %s", [size - 2])
        if LedgerTile.objects.count() == size // TILE:
            with pytest.raises(checkpoints.LedgerDiffers, match=f"Line {size - 2} of the ledger is missing"):
                checkpoints.publish(now=NOW)

    def test_until_the_loss_is_owned_up_to(self, vault):
        with transaction.atomic():
            factories.hub()
            yesterday = transaction.savepoint()
            ledger.lines(9)
            lost = checkpoints.publish(now=NOW).size
            transaction.savepoint_rollback(yesterday)
        with pytest.raises(checkpoints.LedgerDiffers):
            checkpoints.publish(now=NOW)

        checkpoints.go_on_after_loss("Restored after a fire.", now=NOW, at=factories.START)

        told = Event.objects.get(event="ledger.lines_lost")
        assert told.details["signed_before"] == lost
        assert checkpoints.alarm() == ""
        assert (Path(vault) / "public" / checkpoints.LATEST).exists()


class TestEveryHour:
    def asked(self):
        return Job.objects.filter(name=checkpoints.WORK).count()

    def test_is_asked_for_once_and_again_after_an_hour(self, vault):
        ledger.lines(2)
        now = clock.real_now()
        assert checkpoints.ask_if_due(now=now)
        assert not checkpoints.ask_if_due(now=now)
        custody.run_job(checkpoints.WORK)

        assert Checkpoint.objects.count() == 1
        assert not checkpoints.ask_if_due(now=now + dt.timedelta(minutes=59))
        assert checkpoints.ask_if_due(now=now + dt.timedelta(minutes=61))
        assert self.asked() == 2

    def test_a_refusal_is_shown_and_asked_again_later(self, vault):
        size = ledger.lines(9)
        checkpoints.publish(now=clock.real_now() - dt.timedelta(hours=2))
        ledger.rewritten(f"UPDATE audit_event SET note = 'never' WHERE seq = {size}")
        assert checkpoints.ask_if_due(now=clock.real_now())

        custody.run_job(checkpoints.WORK)

        assert checkpoints.alarm()
        assert not checkpoints.ask_if_due(now=clock.real_now())
        assert checkpoints.ask_if_due(now=clock.real_now() + dt.timedelta(minutes=11))


class TestProof:
    @pytest.mark.obligation("O-64")
    def test_leads_from_the_line_to_the_first_checkpoint_over_it(self, vault):
        row = factories.project()
        event = events_of(row).first()
        ledger.past_a_tile()
        first = checkpoints.publish(now=NOW)
        ledger.lines(3)
        checkpoints.publish(now=NOW)

        document = proof_of(event)

        proven = ledger_proof.verify(document, trusted())
        assert (proven.seq, proven.line[1]) == (event.seq, "project.opened")
        assert proven.checkpoint.size == first.size

    def test_of_a_line_that_is_in_no_checkpoint_yet(self, vault):
        ledger.lines(2)
        checkpoints.publish(now=NOW)
        event = events_of(factories.project()).first()

        with pytest.raises(Blocked, match="every hour"):
            proof_of(event)

    def test_does_not_hold_for_another_line(self, vault):
        event = events_of(factories.project()).first()
        checkpoints.publish(now=NOW)
        document = proof_of(event)

        changed = document | {"line": document["line"].replace("project.opened", "project.closed")}
        with pytest.raises(ledger_proof.Broken, match="not in the ledger"):
            ledger_proof.verify(changed, trusted())
        stranger = base64.b64encode(bytes(32)).decode()
        assert document["path"] != [stranger]
