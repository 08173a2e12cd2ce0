"""T34: whoever takes over the web process gets no byte of any file without a person who is opening it."""

import datetime as dt
import json
import os
import pwd
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

import pytest
from django.conf import settings as django_settings
from django.contrib.sessions.backends.db import SessionStore
from django.db import connection

from p20win import clock
from p20win.audit import guards
from p20win.audit.public import events_of
from p20win.custody import capabilities, vault_server
from p20win.custody.models import Capability
from p20win.custody.public import capability, open_bytes, register_opening
from p20win.refusal import Blocked
from tests import factories
from tests import factories_custody as custody

pytestmark = pytest.mark.django_db(transaction=True)
CANARIES = ["Okonkwo", "Lindqvist", "900123456", "k3v9q2xw7z"]
IS_ROOT = os.geteuid() == 0


@pytest.fixture
def folder():
    """A folder that the web's account may enter; only the vault's is closed to it."""
    place = Path(tempfile.mkdtemp(prefix="p20-web-"))
    place.chmod(0o755)
    yield place
    shutil.rmtree(place)


@pytest.fixture
def served(settings, folder):
    with custody.own_vault(settings, folder):
        guards.apply(connection)
        register_opening("test.read", lambda subject, person: open_bytes(subject), access_act="download")
        server = vault_server.VaultServer(settings.P20WIN_VAULT_SOCKET)
        thread = server.start()
        yield folder
        server.stop()
        thread.join()
        capabilities._openings.pop("test.read")


def open_to_the_web(folder):
    """Let the web's account read what it reads in production, and nothing of the vault's."""
    for path in (folder / "media", folder / "public", folder / "line"):
        for each in (path, *path.rglob("*")):
            each.chmod(0o777 if each.is_dir() or each.is_socket() else 0o644)


def hostile(folder, **given):
    """Run the hostile program as the web would run: its role, and an account of its own where we are root."""
    name = connection.settings_dict["NAME"]
    # Tests connect as the owner; what the supervisor hands to the web process is this address.
    database = f"{os.environ['DATABASE_URL'].rpartition('/')[0]}/{name}"
    role, host = database.removeprefix("postgres://").rsplit("@/", 1)
    user, _, password = role.partition(":")
    sockets, _, _ = host.rpartition("/")
    account = pwd.getpwnam("nobody") if IS_ROOT else None
    told = {
        "database": f"host=/{sockets.lstrip('/')} dbname={name} user={user} password={password}",
        "socket": str(folder / "line" / "vault.sock"),
        "data": str(folder),
        "private": [str(folder / "keystore"), str(folder / "vault-keys")],
        "account": [account.pw_uid, account.pw_gid] if account else None,
        "canaries": CANARIES,
        **given,
    }
    done = subprocess.run(
        [sys.executable, str(django_settings.BASE_DIR / "tests" / "hostile_web.py")],
        input=json.dumps(told), capture_output=True, text=True, check=False, cwd="/", timeout=120,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


@pytest.mark.obligation("O-58")
def test_t34_hostile_code_in_the_web_process_obtains_no_byte_of_plaintext(served):
    if "@/" not in os.environ["DATABASE_URL"]:
        pytest.skip("the database given is not ours: its roles may be others")
    file = custody.checked(custody.arrived(custody.a_slot()))
    approved, other = factories.person(), factories.person()
    theirs, others = custody.session_of(approved), custody.session_of(other)
    used = capability(approved, "test.read", file, factories.START)
    assert b"".join(custody.relayed(used, theirs)) == custody.GOOD  # so it does open, for who is there
    expired = capability(approved, "test.read", file, factories.START)
    past = clock.real_now() - dt.timedelta(minutes=5)
    Capability.objects.filter(used_at=None).update(issued_at=past, expires_at=past + dt.timedelta(seconds=50))
    SessionStore(theirs).delete()  # the approved person has gone home
    open_to_the_web(served)

    found = hostile(
        served,
        person=str(approved.pk),
        other=str(other.organisation_id),
        file=str(file.pk),
        project=str(file.project_id),
        act="test.read",
        used=used,
        expired=expired,
        session=others,
    )

    assert found["plaintext"] == {}
    outcome = found["outcome"]
    asked = {name: came for name, came in outcome.items() if name.startswith("socket: ")}
    assert len(asked) == 7
    assert set(asked.values()) == {"refused"}
    assert Capability.objects.count() == 2 + 3  # three written by hand lay there, and opened nothing
    assert outcome["read custody_sealedfile"] == "done (1)"  # it did read what there is
    assert outcome["files read"] >= 3
    for act in (
        "make a used one fresh", "lengthen one", "remove one", "move a file to another owner",
        "change a manifest", "change a wrapped key", "remove a file", "become the vault", "become the owner",
        "give itself rights", "take the guards away", "rewrite the ledger", "read the server's files",
        "run a program",
    ):  # fmt: skip
        assert outcome[act] == "InsufficientPrivilege", act
    if IS_ROOT:
        assert {outcome["private keystore"], outcome["private vault-keys"]} == {"PermissionError"}
    assert b"".join(open_bytes(file)) == custody.GOOD  # and it broke nothing


def test_t34_a_capability_opens_in_the_session_of_its_person_alone_and_a_try_is_in_the_ledger(served):
    file = custody.checked(custody.arrived(custody.a_slot()))
    person = factories.person()
    for session in ("", "x" * 32, custody.session_of(factories.person())):
        token = capability(person, "test.read", file, factories.START)
        with pytest.raises(Blocked, match="not signed in"):
            custody.relayed(token, session)
        granted = Capability.objects.order_by("-pk").first()
        assert [event.event for event in events_of(granted)][-1] == "capability.refused"
    token = capability(person, "test.read", file, factories.START)
    assert b"".join(custody.relayed(token, custody.session_of(person))) == custody.GOOD
