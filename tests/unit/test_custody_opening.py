"""Opening, capabilities, destruction and what the hub signs, on real PostgreSQL."""

import datetime as dt
import io

import pytest
from django.db import IntegrityError, connection, transaction

from p20win import clock
from p20win.audit.public import Event, events_of
from p20win.custody import (
    capabilities,
    key_snapshots,
    ledger_export,
    places,
    sealing,
    services,
    vault_keys,
)
from p20win.custody import (
    opening as unsealing,
)
from p20win.custody.engine import pieces
from p20win.custody.engine.errors import Broken, KeyDestroyed, NoKey
from p20win.custody.engine.trust import read_trust
from p20win.custody.engine.verify import verify_file
from p20win.custody.models import Capability
from p20win.custody.public import (
    Destruction,
    FileStatus,
    NotOpenable,
    NotTheVault,
    SealedFile,
    StillReadable,
    ask_destruction,
    capability,
    open_bytes,
    open_slot,
    register_opening,
    seal_bytes,
    shred,
    tidy,
    why_unreadable,
)
from p20win.jobs.public import Job
from p20win.notifications.public import Message, tell
from p20win.refusal import Blocked
from tests import factories
from tests import factories_custody as custody
from tests import factories_governance as ends

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


class TestOpening:
    def test_the_hubs_own_files(self):
        slot = custody.a_slot()
        file = seal_bytes(
            project=slot.project, organisation=factories.hub(), data_class="key", name="key",
            chunks=[b"a\t", b"b"], by=factories.hub_member(), at=NOW, rows=1, meta={"run": "x"},
        )  # fmt: skip
        assert b"".join(open_bytes(file)) == b"a\tb"
        assert [event.event for event in events_of(file)] == ["file.sealed"]

    def test_nothing_is_opened_outside_the_vault(self, settings):
        file = accepted()
        settings.P20WIN_IS_VAULT = False
        with pytest.raises(NotTheVault):
            open_bytes(file)

    def test_nothing_that_was_not_accepted(self):
        with pytest.raises(NotOpenable):
            open_bytes(custody.arrived(custody.a_slot()))

    def test_an_altered_file_gives_nothing(self):
        file = accepted()
        path = places.blob(file.blob)
        raw = bytearray(path.read_bytes())
        raw[-1] ^= 1
        path.write_bytes(raw)
        with pytest.raises(Broken, match="altered"):
            open_bytes(file)

    @pytest.mark.obligation("O-63")
    def test_rows_swapped_in_the_database_open_nothing(self):
        one, other = accepted(), accepted()
        for fields in (
            ["blob"],
            ["manifest", "blob"],
            ["wrapped_key"],
            ["manifest", "blob", "wrapped_key", "key_version"],
        ):
            mixed = SealedFile.objects.get(pk=one.pk)
            for field in fields:
                setattr(mixed, field, getattr(other, field))
            assert why_unreadable(mixed) in ("Broken", "WrongKey"), fields

    @pytest.mark.obligation("O-58", "O-63")
    @pytest.mark.parametrize("field", ["destination", "data_class"])
    def test_a_file_is_opened_for_nothing_else_than_its_manifest_says(self, field):
        file = accepted()
        setattr(file, field, {"destination": factories.organisation(), "data_class": "key"}[field])

        with pytest.raises(Broken, match=f"of another {field.replace('_', ' ')}"):
            open_bytes(file)

    @pytest.mark.obligation("O-58", "O-63")
    def test_nor_for_another_project_or_owner_with_their_key_or_without(self):
        other = accepted()
        for fields in ({"owner"}, {"project"}, {"key_version"}):
            file = accepted()
            for field in fields:
                setattr(file, field, 7 if field == "key_version" else getattr(other, field))
            with pytest.raises(NoKey):
                open_bytes(file)

        file = accepted()
        file.owner, file.project = other.owner, other.project
        with pytest.raises(Broken, match="of another project, source"):
            open_bytes(file)

    def test_a_manifest_signed_by_somebody_else_is_not_believed(self):
        from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

        from p20win.custody.engine import signing

        file = accepted()
        file.manifest = signing.sign(
            file.manifest["document"], key=Ed25519PrivateKey.generate(), role="hub", at="2026"
        )
        with pytest.raises(Broken, match="key you trust"):
            open_bytes(file)


def opens_file(subject, person):
    return open_bytes(subject)


@pytest.fixture
def opening():
    register_opening("test.read", opens_file, access_act="download")
    yield "test.read"
    capabilities._openings.pop("test.read")


def refusals():
    """Return why the only capability there is was refused, each time."""
    lines = events_of(Capability.objects.get()).filter(event="capability.refused")
    return [line.details["why"] for line in lines]


class TestCapabilities:
    def test_opens_once(self, opening):
        file, person = accepted(), factories.person()
        granted = capabilities.use_up(capability(person, opening, file, NOW))

        assert b"".join(capabilities.opened_bytes(granted)) == custody.GOOD
        assert events_of(granted).get().event == "capability.issued"

    def test_a_second_time_is_refused(self, opening):
        token = capability(factories.person(), opening, accepted(), NOW)
        capabilities.use_up(token)
        with pytest.raises(Blocked, match="opened before"):
            capabilities.use_up(token)
        assert refusals() == ["used before"]

    def test_a_token_that_was_never_issued_is_refused(self):
        with pytest.raises(Blocked):
            capabilities.use_up("nothing")
        assert not Event.objects.filter(event="capability.refused").exists()

    def test_after_a_minute_it_is_refused(self, opening, monkeypatch):
        token = capability(factories.person(), opening, accepted(), NOW)
        later = clock.real_now() + dt.timedelta(seconds=60)
        monkeypatch.setattr(clock, "real_now", lambda: later)
        with pytest.raises(Blocked, match="waited too long"):
            capabilities.use_up(token)
        assert refusals() == ["expired"]

    def test_no_database_row_may_live_longer(self, opening):
        capability(factories.person(), opening, accepted(), NOW)
        row = Capability.objects.get()
        row.expires_at = row.issued_at + dt.timedelta(seconds=61)
        with pytest.raises(IntegrityError), transaction.atomic():
            row.save()

    def test_the_token_itself_is_not_stored(self, opening):
        token = capability(factories.person(), opening, accepted(), NOW)
        with connection.cursor() as cursor:
            cursor.execute("SELECT capability::text FROM custody_capability AS capability")
            assert token not in cursor.fetchone()[0]

    def test_none_is_issued_against_the_access_decision(self, opening):
        file = accepted()
        with custody.conditions_met(against=lambda ask: f"No {ask.act} of {ask.data_class}."):
            with pytest.raises(Blocked, match="No download of matching"):
                capability(factories.person(), opening, file, NOW)
        assert not Capability.objects.exists()

    def test_access_withdrawn_in_between_is_noticed_and_the_token_is_spent(self, opening):
        token = capability(factories.person(), opening, accepted(), NOW)
        with (
            custody.conditions_met(against=lambda ask: "No longer."),
            pytest.raises(Blocked, match="No longer"),
        ):
            capabilities.use_up(token)
        with pytest.raises(Blocked, match="opened before"):
            capabilities.use_up(token)
        assert refusals() == ["no access", "used before"]

    def test_the_desks_own_condition_counts(self):
        register_opening(
            "test.shut", opens_file, access_act="download", why_not=lambda *_: ["The window is over."]
        )
        with pytest.raises(Blocked, match="window is over"):
            capability(factories.person(), "test.shut", accepted(), NOW)
        capabilities._openings.pop("test.shut")

    def test_unknown_and_doubled_openings_are_programming_errors(self, opening):
        with pytest.raises(LookupError):
            capability(factories.person(), "no.such", accepted(), NOW)
        with pytest.raises(ValueError, match="Two openings"):
            register_opening(opening, lambda subject, person: iter([]), access_act="download")


@pytest.mark.obligation("O-65")
class TestDestruction:
    def test_what_was_destroyed_can_no_longer_be_opened(self, vault):
        file, other = accepted(), accepted()
        copy = {path: path.read_bytes() for path in files_on_disk(vault)}

        done = shred(file.project, file.owner, by=factories.hub_member(), at=NOW)

        assert done.status == "done"
        assert [entry["proof"] for entry in done.unreadable()] == ["KeyDestroyed"]
        assert len(done.keys) == 1
        assert not places.blob(file.blob).exists()
        for path, raw in copy.items():  # a copy of the sealed bytes turns up again, with the row as it was
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(raw)
        with pytest.raises(KeyDestroyed):
            open_bytes(file)
        assert b"".join(open_bytes(other)) == custody.GOOD
        file.refresh_from_db()
        assert file.status == FileStatus.DESTROYED
        assert events_of(done).last().event == "data.destroyed"

    def test_it_is_noted_when_the_last_copy_of_the_key_is_gone(self, vault, settings):
        settings.P20WIN_KEY_SNAPSHOTS = vault / "snapshots"
        vault_keys.make_backup_key(vault / "backup.key")
        file = accepted()
        copy = key_snapshots.take(now=clock.real_now())

        done = shred(file.project, file.owner, by=factories.hub_member(), at=NOW)

        assert done.snapshots_gone_at == copy.expires
        assert done.begun_at == done.keys_destroyed_at == NOW

    def test_what_waits_to_be_checked_is_destroyed_too(self, vault):
        file = custody.arrived(custody.a_slot())
        path = places.incoming(file.pieces[0])
        second_name = vault / "second-name"
        second_name.hardlink_to(path)

        done = shred(file.project, file.owner, by=factories.hub_member(), at=NOW)

        assert done.files[0]["proof"] == "never sealed"
        assert not path.exists()
        with pytest.raises(Exception, match="not a sealed piece"):
            list(pieces.open_piece(io.BytesIO(second_name.read_bytes()), vault=None, place=None))
        services.check_file(str(file.pk), job=None, at=NOW)

    def test_asking_twice_destroys_once(self):
        file, by = accepted(), factories.hub_member()
        ends.on_record(file.project)
        first = ask_destruction(file.project, file.owner, by=by, at=NOW, on_done="custody.check_file")
        assert ask_destruction(file.project, file.owner, by=by, at=NOW) == first
        custody.run_job("custody.destroy", destruction_id=first.pk)
        first.refresh_from_db()
        assert first.status == "done"
        assert Job.objects.filter(arguments={"destruction_id": str(first.pk)}).count() == 2

    @pytest.mark.parametrize(("where", "moment"), [(sealing, "remove_blob"), (unsealing, "why_unreadable")])
    def test_a_crash_in_the_middle_is_finished_by_the_next_attempt(self, where, moment, monkeypatch):
        file = accepted()

        def crash(*_):
            raise KeyboardInterrupt

        with monkeypatch.context() as crashing, pytest.raises(KeyboardInterrupt):
            crashing.setattr(where, moment, crash)
            shred(file.project, file.owner, by=factories.hub_member(), at=NOW)

        done = shred(file.project, file.owner, by=factories.hub_member(), at=NOW)
        assert Destruction.objects.count() == 1
        assert [entry["proof"] for entry in done.files] == ["KeyDestroyed"]

    def test_a_key_that_would_not_die_is_reported(self, monkeypatch):
        file = accepted()
        monkeypatch.setattr("p20win.custody.engine.keys.KeyStore.destroy", lambda *_: [])
        with pytest.raises(StillReadable):
            shred(file.project, file.owner, by=factories.hub_member(), at=NOW)
        file.refresh_from_db()
        assert file.status == FileStatus.ACCEPTED

    def test_only_the_vault_destroys(self, settings):
        file = accepted()
        settings.P20WIN_IS_VAULT = False
        with pytest.raises(NotTheVault):
            shred(file.project, file.owner, by=factories.hub_member(), at=NOW)

    def test_files_after_a_destruction_get_a_new_key(self):
        file = accepted()
        shred(file.project, file.owner, by=factories.hub_member(), at=NOW)
        again = accepted(custody.a_slot(file.owner, project=file.project))
        assert again.key_version == file.key_version + 1
        assert b"".join(open_bytes(again)) == custody.GOOD


class TestNotices:
    def test_the_sender_and_the_agencys_stewards_hear_what_became_of_a_file(self):
        slot = custody.a_slot()
        other, stranger = factories.steward(slot.supplier), factories.steward(factories.organisation())
        file = accepted(slot, custody.BAD)
        tell(events_of(file).last())

        assert {message.person for message in Message.objects.all()} == {file.sent_by, other}
        message = Message.objects.filter(person=other).get()
        assert "not accepted" in message.subject
        assert str(slot.pk) in message.where
        assert stranger.pk != message.person_id


class TestLedgerExport:
    def test_the_export_verifies_offline_and_a_change_shows(self, tmp_path):
        accepted()
        path = tmp_path / "ledger.jsonl"
        path.write_bytes(b"".join(ledger_export.export(at=clock.real_now())))
        (tmp_path / "trust.pem").write_bytes(vault_keys.hub_public_pem())
        trust = read_trust(tmp_path / "trust.pem")

        verdict = verify_file(path, trust)
        assert (verdict.kind, verdict.state, verdict.details["trusted"]) == ("ledger", "valid", True)
        path.write_bytes(path.read_bytes().replace(b"file.accepted", b"file.refused", 1))
        assert verify_file(path, trust).state == "broken"


class TestTidying:
    def test_only_what_no_row_knows_goes(self, vault):
        file, waiting = accepted(), custody.arrived(custody.a_slot())
        places.incoming("0192aaaa-0000-7000-8000-000000000000.0a.piece").write_bytes(b"x" * 200)
        orphan = places.blob("aa/left.p20")
        places.make_room(orphan)
        orphan.write_bytes(b"x")

        assert tidy(now=clock.real_now()) == 0
        assert tidy(now=clock.real_now() + dt.timedelta(hours=2)) == 2
        assert b"".join(open_bytes(file)) == custody.GOOD
        assert places.incoming(waiting.pieces[0]).exists()


class TestKeys:
    def test_keys_are_made_once(self):
        before = vault_keys.hub_public_pem()
        assert vault_keys.make_keys() == []
        assert vault_keys.hub_public_pem() == before

    def test_a_slot_kind_that_does_not_exist(self):
        slot = custody.a_slot()
        with pytest.raises(ValueError, match="kind"):
            open_slot(
                project=slot.project, supplier=slot.supplier, kind="other", title="x", spec={}, closes_at=NOW,
                by=slot.project, at=NOW,
            )  # fmt: skip

    def test_without_keys_the_remedy_is_named(self, settings, tmp_path):
        settings.P20WIN_VAULT_PUBLIC = tmp_path / "nowhere"
        with pytest.raises(vault_keys.NoKeys, match="custody_keys init"):
            vault_keys.vault_public()
