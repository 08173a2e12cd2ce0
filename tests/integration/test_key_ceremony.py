"""Split, drill and recovery of the master key: three of five shares, two people, and nothing left behind."""

import builtins
import getpass
import io

import pytest
from django.core.management import CommandError, call_command
from django.urls import reverse

from p20win import clock
from p20win.accounts.public import hub
from p20win.audit.public import events_of
from p20win.custody import ceremony, vault_keys
from p20win.custody.ceremony import Purpose
from p20win.custody.public import NotTheVault, open_bytes
from p20win.refusal import Blocked
from tests import factories
from tests import factories_custody as custody

pytestmark = pytest.mark.django_db
NOW = factories.START


@pytest.fixture
def vault(settings, tmp_path):
    with custody.own_vault(settings, tmp_path) as folder:
        factories.hub()
        yield folder


def agreed(purpose):
    opened = ceremony.agree(purpose, **signed_by(factories.hub_member()))
    ceremony.agree(purpose, ceremony=opened, **signed_by(factories.operating_group_member()))
    return ceremony.expect_agreed(purpose, now=clock.real_now())


def signed_by(person):
    return {"typed_name": person.name, "password": factories.PASSWORD, "by": person, "at": NOW}


class Terminal(io.StringIO):
    def isatty(self):
        return True


class TestTwoPeople:
    def test_c03_one_alone_or_two_of_one_side_do_nothing(self, vault):
        with pytest.raises(Blocked, match="Nobody, or only one"):
            ceremony.expect_agreed(Purpose.SPLIT, now=clock.real_now())
        opened = ceremony.agree(Purpose.SPLIT, **signed_by(factories.hub_member()))
        ceremony.agree(Purpose.SPLIT, ceremony=opened, **signed_by(factories.hub_member()))
        with pytest.raises(Blocked, match="Nobody, or only one"):
            ceremony.expect_agreed(Purpose.SPLIT, now=clock.real_now())
        with pytest.raises(Blocked, match="Only the hub's staff"):
            ceremony.agree(Purpose.SPLIT, **signed_by(factories.person()))

    def test_an_agreement_is_for_one_purpose_one_time_and_a_few_hours(self, vault):
        held = agreed(Purpose.SPLIT)
        with pytest.raises(Blocked):
            ceremony.expect_agreed(Purpose.RECOVER, now=clock.real_now())
        with pytest.raises(Blocked):
            ceremony.expect_agreed(Purpose.SPLIT, now=clock.real_now() + ceremony.OPEN_FOR)
        ceremony.shares(held, at=NOW)
        with pytest.raises(Blocked):
            ceremony.expect_agreed(Purpose.SPLIT, now=clock.real_now())
        with pytest.raises(Blocked, match="not open any more"):
            ceremony.agree(Purpose.SPLIT, ceremony=held.id, **signed_by(factories.hub_member()))

    def test_on_the_page_each_signs_with_name_and_password(self, vault, signed_in):
        address = reverse("custody:key-ceremonies")
        first, second = factories.hub_member(), factories.operating_group_member()
        client = signed_in(first)
        form = {"what": "drill:", "typed_name": first.name, "password": "not it"}
        assert "The password is not right" in client.post(address, form).text
        page = client.post(address, form | {"password": factories.PASSWORD}, follow=True).text
        assert "Waits for the other side" in page
        (held,) = ceremony.open_ceremonies(now=clock.real_now())
        form = {"what": f"drill:{held.id}", "typed_name": second.name, "password": factories.PASSWORD}
        page = signed_in(second).post(address, form, follow=True).text
        assert "manage.py key_ceremony drill" in page
        assert signed_in(factories.person()).get(address).status_code == 404


class TestShares:
    def test_f17_any_three_of_five_bring_a_lost_master_back_and_two_do_not(self, vault):
        file = custody.checked(custody.arrived(custody.a_slot()))
        shares = ceremony.shares(agreed(Purpose.SPLIT), at=NOW)
        assert len(set(shares)) == 5
        (vault / "vault-keys" / "master.key").unlink()
        vault_keys._read_private.cache_clear()

        for few in (shares[:2], shares[:1] * 3, []):
            with pytest.raises(Blocked, match="do not bring the key back"):
                ceremony.recover(agreed(Purpose.RECOVER), few, version=1, at=NOW)
        mark = ceremony.recover(agreed(Purpose.RECOVER), shares[2:], version=1, at=NOW)
        assert b"".join(open_bytes(file)) == custody.GOOD
        held = events_of(hub()).filter(event__startswith="ceremony.")
        told = [(event.event, event.details["purpose"]) for event in held]
        assert told == [
            (ceremony.DONE, "split"), *[(ceremony.FAILED, "recover")] * 3, (ceremony.DONE, "recover"),
        ]  # fmt: skip
        assert events_of(hub()).last().details["key"] == mark
        assert len(events_of(hub()).last().details["people"]) == 2

    def test_no_share_is_stored_or_told_anywhere(self, vault):
        shares = ceremony.shares(agreed(Purpose.SPLIT), at=NOW)
        kept = "".join(str(event.details) + event.note for event in events_of(hub()))
        kept += "".join(p.read_text(errors="replace") for p in vault.rglob("*") if p.is_file())
        for share in shares:
            assert share not in kept
            assert " ".join(share.split()[4:8]) not in kept

    def test_shares_of_another_key_are_not_taken_and_change_nothing(self, vault):
        custody.checked(custody.arrived(custody.a_slot()))
        path = vault / "vault-keys" / "master.key"
        own = path.read_bytes()
        path.unlink()
        vault_keys.MasterKeyFile.create(path)
        vault_keys._read_private.cache_clear()
        foreign = ceremony.shares(agreed(Purpose.SPLIT), at=NOW)
        path.unlink()
        with pytest.raises(Blocked, match="not of the key that wraps"):
            ceremony.recover(agreed(Purpose.RECOVER), foreign[:3], version=1, at=NOW)
        assert not path.exists()
        path.write_bytes(own)
        path.chmod(0o600)
        vault_keys._read_private.cache_clear()
        with pytest.raises(Blocked, match="another master key"):
            ceremony.drill(agreed(Purpose.DRILL), foreign[:3], at=NOW)

    def test_only_the_vault_and_only_with_a_master_in_a_file(self, vault, settings):
        held = agreed(Purpose.SPLIT)
        settings.P20WIN_IS_VAULT = False
        for act in (
            lambda: ceremony.shares(held, at=NOW),
            lambda: ceremony.recover(held, ["a"] * 3, version=1, at=NOW),
        ):
            with pytest.raises(NotTheVault):
                act()
        settings.P20WIN_IS_VAULT, settings.P20WIN_KEY_SERVICE = True, "vault"
        vault_keys._read_private.cache_clear()
        with pytest.raises(Blocked, match="held by a key service"):
            ceremony.shares(held, at=NOW)
        vault_keys._read_private.cache_clear()


def test_t22_at_the_terminal_from_the_split_to_the_drill_and_the_recovery(vault, monkeypatch):
    agreed(Purpose.SPLIT)
    with pytest.raises(CommandError, match="on a terminal alone"):
        call_command("key_ceremony", "split", stdout=io.StringIO())
    screen = Terminal()
    monkeypatch.setattr(builtins, "input", lambda *_: "")
    call_command("key_ceremony", "split", stdout=screen)
    shares = [part.strip().splitlines()[0] for part in screen.getvalue().split("on paper:")[1:]]
    assert len(shares) == 5
    assert screen.getvalue().count("\x1b[2J") == 5

    typed = iter([*shares[1:4], *shares[:3]])
    monkeypatch.setattr(getpass, "getpass", lambda *_: next(typed))
    agreed(Purpose.DRILL)
    said = io.StringIO()
    call_command("key_ceremony", "drill", stdout=said)
    assert "bring back version 1" in said.getvalue()
    master = vault / "vault-keys" / "master.key"
    before = master.read_bytes()
    master.unlink()
    vault_keys._read_private.cache_clear()
    agreed(Purpose.RECOVER)
    call_command("key_ceremony", "recover", stdout=said)
    assert master.read_bytes() == before
    for act in ("drill", "recover"):
        with pytest.raises(CommandError, match="Nobody, or only one"):
            call_command("key_ceremony", act, stdout=said)
