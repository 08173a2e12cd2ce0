"""The key that was pinned once is what `p20 receive`, `verify`, `pin` and `verify-ledger` believe, too."""

import datetime as dt
import json

import httpx
import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from client import config, main, trust
from p20win import clock
from p20win.custody import renewal
from p20win.custody.engine import manifest, signing
from tests import factories
from tests import factories_custody as custody
from tests.senders import pinned

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.xdist_group("receiving")]


@pytest.fixture(autouse=True)
def vault(settings, tmp_path):
    factories.hub()
    with custody.own_vault(settings, tmp_path / "vault") as folder:
        yield folder


@pytest.fixture
def machine(live_server, tmp_path, monkeypatch):
    """Return the machine's folder; nothing is pinned."""
    monkeypatch.setenv("P20_HOME", str(tmp_path / "machine"))
    config.write_config(config.Config(portal=live_server.url))
    return tmp_path / "machine"


@pytest.fixture
def cut_off(monkeypatch):
    """Nothing can be asked over the net."""

    def refused(*_, **__):
        raise AssertionError("The portal was asked.")

    monkeypatch.setattr(httpx.Client, "request", refused)
    monkeypatch.setattr(httpx.Client, "stream", refused)


def receipt(tmp_path, *, signed_by=None, name="receipt.json"):
    """Return the file of a receipt: the hub's, or the same words signed by another."""
    told = custody.checked(custody.arrived(custody.a_slot())).receipt
    if signed_by:
        told = signing.sign(told["document"], key=signed_by, role=signing.HUB, at="2026")
    path = tmp_path / name
    path.write_text(json.dumps(told))
    return str(path)


@pytest.mark.obligation("O-58", "O-64")
def test_a_paper_is_verified_by_the_pinned_key_without_asking_anybody(machine, tmp_path, capsys, request):
    pinned()
    assert main.main(["keys"]) == 0
    good = receipt(tmp_path)
    forged = receipt(tmp_path, signed_by=Ed25519PrivateKey.generate(), name="forged.json")
    request.getfixturevalue("cut_off")
    capsys.readouterr()

    assert main.main(["verify", good]) == 0
    said = capsys.readouterr().out
    assert "trusted: True" in said
    assert trust.BY_THE_PIN in said
    assert main.main(["verify", forged]) == 1
    assert "key you trust" in capsys.readouterr().out
    assert main.main(["verify", good, "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["trusted"] is True


@pytest.mark.obligation("O-58")
def test_former_and_next_keys_of_the_hub_are_known_once_the_list_was_seen(machine, tmp_path, capsys):
    pinned()
    before = receipt(tmp_path)
    renewal.renew("hub", now=clock.real_now(), at=factories.START)
    after = receipt(tmp_path, name="after.json")

    assert main.main(["verify", after]) == 1  # the next key was never seen here
    assert trust.BY_THE_PIN in capsys.readouterr().out
    assert main.main(["keys"]) == 0

    assert [main.main(["verify", paper]) for paper in (before, after)] == [0, 0]
    assert len(trust.read_pin().signs) == 2


def test_a_senders_own_statement_is_not_judged_by_the_hubs_key(machine, tmp_path, capsys):
    pinned()
    file = custody.checked(custody.arrived(custody.a_slot()))
    now = clock.real_now()
    stated = {
        "slot": str(file.slot_id),
        "project": str(file.project_id),
        "source": file.owner.legal_name,
        "destination": file.destination.legal_name,
        "data_class": file.data_class,
        "name": file.name,
        "plain_bytes": 3,
        "plain_sha256": "0" * 64,
        "nonce": "0" * 32,
        "created": now.isoformat(),
        "expires": (now + dt.timedelta(days=1)).isoformat(),
    }
    key = Ed25519PrivateKey.generate()
    signed = signing.sign(manifest.statement(**stated), key=key, role=signing.SOURCE, at=now.isoformat())
    (tmp_path / "statement.json").write_text(json.dumps(signed))

    assert main.main(["verify", str(tmp_path / "statement.json")]) == 0
    assert trust.BEYOND_THE_PIN in capsys.readouterr().out


@pytest.mark.obligation("O-58", "O-73")
@pytest.mark.usefixtures("cut_off")
def test_where_nothing_is_pinned_nothing_is_fetched(machine, tmp_path, monkeypatch, capsys):
    monkeypatch.setenv("P20_TICKET", "0" * 32)
    config.new_key()
    for command in (["receive", "https://portal.example.org/x/", "--to", str(tmp_path)], ["pin"]):
        assert main.main(command) == trust.UNTRUSTED
        said = capsys.readouterr().err
        assert "p20 trust" in said
        assert "--trust" in said
    assert main.main(["verify", receipt(tmp_path)]) == 0
    assert trust.NOT_CHECKED in capsys.readouterr().out


@pytest.mark.usefixtures("cut_off")
def test_a_damaged_pin_verifies_nothing(machine, tmp_path, capsys):
    trust.path().write_text('{"key": "x", "pinned": "", "seen": null, "signs": ["y"]}')
    assert main.main(["verify", receipt(tmp_path)]) == trust.UNTRUSTED
    assert "damaged" in capsys.readouterr().err


def test_a_pin_of_before_knows_its_one_key(machine, tmp_path):
    key = pinned()
    held = json.loads(trust.path().read_text())
    del held["signs"]
    trust.path().write_text(json.dumps(held))
    assert trust.read_pin() == trust.Pin(key, held["pinned"])
    assert main.main(["verify", receipt(tmp_path)]) == 0
