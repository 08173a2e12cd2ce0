"""Renewing the vault's own keys: the new one beside the old one, then alone."""

import datetime as dt
import io
import json
import threading

import pytest
from django.core.management import CommandError, call_command

from p20win import clock, policy
from p20win.audit.public import Event, record
from p20win.custody import (
    checkpoints,
    hub_keys,
    key_desk,
    key_ring,
    key_snapshots,
    renewal,
    sealing,
    vault_keys,
)
from p20win.custody.engine import age, hubkeys, pieces
from p20win.custody.engine.encoding import parse
from p20win.custody.engine.errors import Unreadable
from p20win.custody.engine.notes import verify_checkpoint
from p20win.custody.engine.trust import read_trust
from p20win.custody.engine.verify import VALID, verify_file
from p20win.custody.public import FileStatus, open_bytes
from tests import factories
from tests import factories_custody as custody

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("vault")]
NOW = factories.START
DAY = dt.timedelta(days=1)


@pytest.fixture
def vault(settings, tmp_path):
    factories.hub()
    settings.P20WIN_KEY_SNAPSHOTS = tmp_path / "apart" / "snapshots"
    with custody.own_vault(settings, tmp_path) as folder:
        yield folder


def renew(kind, *, now=None):
    return renewal.renew(kind, now=now or clock.real_now(), at=NOW)


def retired(*, after):
    return [(each.kind, each.version) for each in renewal.retire_due(now=clock.real_now() + after, at=NOW)]


def named():
    return [
        (each["purpose"], each["version"], bool(each["ends"]))
        for each in parse(vault_keys.hub_keys_list())["document"]["keys"]
    ]


class TestTheVaultsKey:
    @pytest.mark.obligation("O-58")
    def test_c14_what_was_sealed_for_the_old_one_opens_until_the_overlap_ends(self, vault):
        before, slot = custody.arrived(custody.a_slot()), custody.a_slot()
        old = vault_keys.vault_public()

        renew("vault")
        after = custody.arrived(slot)

        assert pieces.vault_public_text(vault_keys.vault_public()) != pieces.vault_public_text(old)
        assert named() == [("sign", 1, False), ("seal", 2, False), ("seal", 1, True), ("age", 1, False)]
        for file in (before, after):
            assert custody.checked(file).status == FileStatus.ACCEPTED
            assert b"".join(open_bytes(file)) == custody.GOOD

        overlap = dt.timedelta(days=policy.VAULT_KEY_OVERLAP_DAYS)
        assert retired(after=overlap - DAY) == []
        assert retired(after=overlap) == [("vault", 1)]
        assert not (vault / "vault-keys" / "vault.key").exists()
        assert named() == [("sign", 1, False), ("seal", 2, False), ("age", 1, False)]
        assert b"".join(open_bytes(after)) == custody.GOOD
        place = pieces.Place("s", "a", 0)
        late = b"".join(pieces.seal_piece([b"x"], vault=old, place=place))
        with pytest.raises(sealing.WrongKey):
            list(pieces.open_piece(io.BytesIO(late), vault=vault_keys.private_keys().vaults, place=place))

    def test_it_is_kept_while_a_file_that_may_need_it_waits(self, vault):
        waiting = custody.arrived(custody.a_slot())
        renew("vault")
        long = dt.timedelta(days=policy.VAULT_KEY_OVERLAP_DAYS + 1)
        assert retired(after=long) == []
        assert custody.checked(waiting).status == FileStatus.ACCEPTED
        assert retired(after=long) == [("vault", 1)]

    def test_every_act_stands_in_the_ledger(self):
        renew("age")
        retired(after=dt.timedelta(days=policy.VAULT_KEY_OVERLAP_DAYS))
        events = Event.objects.filter(event__startswith="vault_key.").order_by("seq")
        assert [(each.event, each.details["kind"], each.details["version"]) for each in events] == [
            ("vault_key.renewed", "age", 2),
            ("vault_key.retired", "age", 1),
        ]

    def test_with_age_both_recipients_are_good(self, vault):
        old = vault_keys.age_recipient()
        renew("age")
        assert vault_keys.age_recipient() != old
        keys = vault_keys.private_keys().ages
        assert [age.recipient(each.public_key()) for each in keys] == [vault_keys.age_recipient(), old]


class TestTheHubsKey:
    @pytest.mark.obligation("O-58", "O-64")
    def test_c14_what_the_old_one_signed_stays_good_and_opens(self, vault, tmp_path):
        file = custody.checked(custody.arrived(custody.a_slot()))
        receipt = tmp_path / "receipt.json"
        receipt.write_text(json.dumps(file.receipt))
        renew("hub")
        retired(after=dt.timedelta(days=policy.HUB_KEY_OVERLAP_DAYS))

        assert not (vault / "vault-keys" / "hub-signing.pem").exists()
        assert b"".join(open_bytes(file)) == custody.GOOD
        (tmp_path / "trust.pem").write_bytes(vault_keys.hub_public_pem())
        trust = read_trust(tmp_path / "trust.pem")
        assert verify_file(receipt, trust).state == VALID
        fresh = custody.checked(custody.arrived(custody.a_slot()))
        assert fresh.receipt["signatures"][0]["key"] == vault_keys.private_keys().hubs_public[0]
        assert fresh.receipt["signatures"][0]["key"] != file.receipt["signatures"][0]["key"]

    @pytest.mark.obligation("O-64")
    def test_in_the_overlap_both_sign_the_ledgers_checkpoints(self):
        old = vault_keys.private_keys().hubs_public
        record("thing.happened", factories.hub(), by=factories.hub_member(), at=NOW, details={})
        checkpoints.publish(now=clock.real_now())
        renew("hub")
        new = vault_keys.private_keys().hubs_public[:1]
        both = checkpoints.publish(now=clock.real_now()).note
        assert verify_checkpoint(both, old).signed_at == verify_checkpoint(both, new).signed_at
        retired(after=dt.timedelta(days=policy.HUB_KEY_OVERLAP_DAYS))
        alone = checkpoints.publish(now=clock.real_now()).note
        assert verify_checkpoint(alone, new).trusted
        with pytest.raises(checkpoints.CustodyError):
            verify_checkpoint(alone, old)

    def test_the_pin_follows_while_the_overlap_lasts_and_not_longer(self):
        pinned = vault_keys.private_keys().hubs_public[0]
        renew("hub")
        renew("hub")
        third = vault_keys.private_keys().hubs_public[0]
        now = clock.real_now()

        def read(at, pinned=pinned):
            return hubkeys.read_list(parse(vault_keys.hub_keys_list()), pinned=pinned, at=at, seen=None)

        assert read(now).signer == third
        later = now + dt.timedelta(days=policy.HUB_KEY_OVERLAP_DAYS)
        vault_keys.publish_list(now=later)
        with pytest.raises(hubkeys.NotOfTheHub):
            read(later)
        assert read(later, pinned=third).signer == third
        until = {each.version: each.ends for each in read(later, pinned=third).keys if each.purpose == "sign"}
        assert [version for version, ends in until.items() if not ends] == [3]


class TestTheRing:
    def test_c14_the_inventory_shows_versions_ages_and_which_only_opens(self, vault):
        renew("hub")
        renew("vault")
        retired(after=dt.timedelta(days=policy.VAULT_KEY_OVERLAP_DAYS))
        told = [(key.purpose, key.version, key.state) for key in key_desk.listed()]
        assert told[1:6] == [
            ("Signs for the hub", 2, "current"),
            ("Signs for the hub", 1, "readable"),
            ("Opens what arrives", 2, "current"),
            ("Opens what arrives", 1, "retired"),
            ("Opens what is encrypted with age", 1, "current"),
        ]
        first = next(key for key in key_desk.listed() if key.purpose == "Signs for the hub")
        assert "T" in first.created
        assert first.renew_by > first.created
        mark = hubkeys.fingerprint(vault_keys.private_keys().hubs_public[0])
        assert first.fingerprint.replace(" ", "") == mark

    def test_the_command_renews_and_refuses_what_is_no_key(self, capsys):
        call_command("custody_keys", "renew", "vault")
        assert "Version 2 of the key “vault” is in use" in capsys.readouterr().out
        with pytest.raises(CommandError):
            call_command("custody_keys", "renew", "master")

    def test_without_a_key_there_is_nothing_to_renew(self, vault):
        with pytest.raises(key_ring.NotThere, match="init"):
            key_ring.renew(vault, "age", now=clock.real_now(), overlap=DAY)

    def test_an_installation_from_before_has_one_version_of_each(self, vault):
        (vault / "vault-keys" / key_ring.RING).unlink()
        ring = key_ring.read(vault / "vault-keys")
        assert [(each.kind, each.version) for each in ring] == [("hub", 1), ("vault", 1), ("age", 1)]
        renew("vault")
        assert (vault / "vault-keys" / "vault.v2.key").exists()
        assert b"".join(open_bytes(custody.checked(custody.arrived(custody.a_slot())))) == custody.GOOD

    def test_a_damaged_ring_is_no_reason_to_make_new_keys(self, vault):
        (vault / "vault-keys" / key_ring.RING).write_text("{")
        with pytest.raises(Unreadable, match="snapshot"):
            vault_keys.make_keys()
        assert len(list((vault / "vault-keys").glob("hub-signing*"))) == 1

    def test_cut_short_it_is_done_again(self, vault, monkeypatch):
        old = vault_keys.vault_public()
        with monkeypatch.context() as crash:
            crash.setattr(key_ring, "write", lambda *_: 1 / 0)
            with pytest.raises(ZeroDivisionError):
                renew("vault")
        assert pieces.vault_public_text(vault_keys.vault_public()) == pieces.vault_public_text(old)
        assert renew("vault").version == 2
        with monkeypatch.context() as crash:
            crash.setattr(key_ring, "destroy_file", lambda _: 1 / 0)
            with pytest.raises(ZeroDivisionError):
                retired(after=DAY * 400)
        assert (vault / "vault-keys" / "vault.key").exists()
        assert retired(after=DAY * 400) == []
        assert not (vault / "vault-keys" / "vault.key").exists()

    def test_two_at_once_make_two_versions(self, vault):
        folder = vault / "vault-keys"
        threads = [
            threading.Thread(
                target=key_ring.renew, args=(folder, "age"), kwargs={"now": clock.real_now(), "overlap": DAY}
            )
            for _ in range(4)
        ]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        versions = [each for each in key_ring.read(folder) if each.kind == "age"]
        assert [each.version for each in versions] == [5, 4, 3, 2, 1]
        assert [each.state for each in versions] == ["current", *["readable"] * 4]

    @pytest.mark.obligation("O-58")
    def test_a_snapshot_brings_every_version_back_but_no_retired_one(self, vault):
        vault_keys.make_backup_key(vault / "offline.key")
        backup = key_snapshots.read_backup_key(vault / "offline.key")
        early = key_snapshots.take(now=clock.real_now())
        renew("vault")
        renew("hub")
        late = key_snapshots.take(now=clock.real_now())
        keys = {path.name: path.read_bytes() for path in (vault / "vault-keys").iterdir()}
        for name in keys.keys() - {"master.key"}:
            (vault / "vault-keys" / name).unlink()
        key_snapshots.restore(late.path, backup=backup, now=clock.real_now())
        assert {path.name: path.read_bytes() for path in (vault / "vault-keys").iterdir()} == keys

        retired(after=dt.timedelta(days=policy.VAULT_KEY_OVERLAP_DAYS))
        key_snapshots.restore(early.path, backup=backup, now=clock.real_now())
        assert not (vault / "vault-keys" / "vault.key").exists()
        assert not key_ring.may_come_back(vault / "vault-keys", "../elsewhere.key")

    def test_the_lists_number_grows_across_a_renewal_in_the_same_second(self):
        now = clock.real_now()
        vault_keys.publish_list(now=now + DAY)
        first = parse(vault_keys.hub_keys_list())["document"]["version"]
        renew("hub", now=now + DAY)
        vault_keys.publish_list(now=now + DAY)
        assert parse(vault_keys.hub_keys_list())["document"]["version"] > first
        assert dt.timedelta(days=policy.HUB_KEYS_DAYS) == hub_keys.HOLDS
