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

from disclosure.models import CleanTable, Output, OutputCheck
from matching.models import Delivery, DeliveryTerms, Match, MatchRun
from p20win import clock
from p20win.audit import guards
from p20win.audit.public import Event, events_of
from p20win.custody import capabilities, vault_server
from p20win.custody.models import Capability
from p20win.custody.public import capability, open_bytes, register_opening, seal_bytes
from p20win.processes import wait_until
from p20win.refusal import Blocked
from tests import factories
from tests import factories_agreements as agreements
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
        "run a program", "take a statement away", "put another key in", "a destruction that was done",
        "a destruction that was begun", "a destruction with its proof", "insert custody_damage",
        "write an accepted file", "read which ids were used", "read custody_usedids",
    ):  # fmt: skip
        assert outcome[act] == "InsufficientPrivilege", act
    assert outcome["a destruction that is asked for"] == "done (1)"  # anyone asks: the vault looks what for
    if IS_ROOT:
        assert {outcome["private keystore"], outcome["private vault-keys"]} == {"PermissionError"}
    assert b"".join(open_bytes(file)) == custody.GOOD  # and it broke nothing


@pytest.mark.obligation("O-64")
def test_t34_who_forges_a_session_gets_what_that_person_may_have_no_more_and_the_vault_writes_it_down(served):
    """What ADR 0010 admits: the web process signs sessions, so code that stays in it can be anybody."""
    if "@/" not in os.environ["DATABASE_URL"]:
        pytest.skip("the database given is not ours: its roles may be others")
    file, theirs = (custody.checked(custody.arrived(custody.a_slot())) for _ in range(2))
    approved = factories.person()
    open_to_the_web(served)

    with custody.conditions_met(
        against=lambda ask: None if ask.project == file.project else "No part in it."
    ):
        found = hostile(
            served,
            person=str(approved.pk), file=str(file.pk), project=str(file.project_id), act="test.read",
            their_file=str(theirs.pk), their_project=str(theirs.project_id),
            secret_key=django_settings.SECRET_KEY,
        )  # fmt: skip

    assert found["plaintext"] == {"socket: forged session, their file": sum(map(len, CANARIES))}
    outcome = found["outcome"]
    assert outcome["forge a session"] == "done (1)"
    assert outcome["socket: forged session, file of another project"] == "refused"
    assert outcome["socket: forged session, the same as if of theirs"] == "refused"
    assert outcome["take back that it was used"] == "InsufficientPrivilege"
    assert outcome["take back the line of it"] == "InsufficientPrivilege"
    used = Event.objects.get(event="capability.used")
    assert (used.actor_id, used.project_id) == (approved.pk, file.project_id)
    granted = Capability.objects.get(pk=used.subject_id)
    assert not events_of(granted).filter(event="capability.issued").exists()  # no page issued it: a trace
    assert wait_until(lambda: events_of(granted).last().event == "capability.served", 5)


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


RECORD = json.dumps({"last_name": "Lindqvist", "first_name": "Okonkwo"}).encode()
A_DAY = dt.timedelta(days=1)


def in_use(by, method):
    """Return a project with an extract, records to review, and a released table that `by` wrote."""
    slot = custody.a_slot()
    project, now = slot.project, clock.real_now()
    made = {"project": project, "input": custody.checked(custody.arrived(slot))}
    since = {"status_since": now}

    def sealed(kind, content):
        return seal_bytes(
            project=project, organisation=factories.hub(), data_class=kind, name=f"{kind}.csv",
            chunks=[content], by=by, at=now,
        )  # fmt: skip

    match = Match.objects.create(project=project, status="ready", **since)
    DeliveryTerms.objects.create(match=match, form="package", limitations="None known.")
    made["delivery"] = Delivery.objects.create(
        match=match, project=project, status="available", extract=sealed("extract", custody.GOOD),
        available_at=now, closes_at=now + A_DAY, **since,
    )  # fmt: skip
    made["run"] = MatchRun.objects.create(
        match=match, number=1, method=method, started_at=now, started_by=by,
        spec={}, **since,
    )  # fmt: skip
    made["records"] = sealed("matching", RECORD)
    output = made["output"] = Output.objects.create(
        project=project, author=by, title="Graduates", population="All", period="2021", status="released",
        extracted_on=now.date(), slot=custody.a_slot(slot.supplier, project=project),
        sent_at=now, not_before=now, released_at=now, **since,
    )  # fmt: skip
    made["check"] = OutputCheck.objects.create(
        project=project, output=output, round=1, number=1, checked_at=now, verdict="safe", policy={},
        sheet=sealed("output", custody.GOOD),
    )  # fmt: skip
    CleanTable.objects.create(
        found=made["check"], number=1, file=sealed("output", custody.GOOD), rows=2,
        digest=custody.digest_of(custody.GOOD),
    )  # fmt: skip
    return made


@pytest.mark.obligation("O-58")
def test_t34_people_approved_in_one_project_open_nothing_of_another_whatever_rows_are_written(served):
    if "@/" not in os.environ["DATABASE_URL"]:
        pytest.skip("the database given is not ours: its roles may be others")
    reader, reviewer = factories.person(), factories.hub_member()
    method = agreements.method()
    own, other = in_use(reader, method), in_use(reader, method)
    open_to_the_web(served)

    def approved_in_their_own(ask):
        return None if ask.project.pk == own["project"].pk else "You have no part in this project."

    with custody.conditions_met(against=approved_in_their_own):
        found = hostile(
            served,
            person=str(reader.pk), other="", file="", project=str(own["project"].pk), act="",
            across={
                "own": str(own["project"].pk), "own_delivery": str(own["delivery"].pk),
                "own_check": str(own["check"].pk), "own_run": str(own["run"].pk),
                "input": str(own["input"].pk), "project": str(other["project"].pk),
                "delivery": str(other["delivery"].pk), "extract": str(other["delivery"].extract_id),
                "size": len(custody.GOOD), "check": str(other["check"].pk),
                "sheet": str(other["check"].sheet_id), "output": str(other["output"].pk),
                "records": str(other["records"].pk), "record": len(RECORD),
                "reader": {"person": str(reader.pk), "session": custody.session_of(reader)},
                "reviewer": {"person": str(reviewer.pk), "session": custody.session_of(reviewer)},
            },
        )  # fmt: skip

    asked = {name: came for name, came in found["outcome"].items() if name.startswith("socket: ")}
    assert asked.pop("socket: own extract") != "refused"  # so what they may have, they do get
    assert len(asked) == 8
    assert set(asked.values()) == {"refused"}
    assert found["plaintext"] == {"socket: own extract": sum(map(len, CANARIES))}
    written = [name for name in found["outcome"] if name.startswith("insert ")]
    assert {found["outcome"][name] for name in (*written, "lead a delivery elsewhere")} == {"done (1)"}
    refused = Event.objects.filter(event="capability.refused")
    assert wait_until(lambda: refused.count() == 8, 5)  # and each try is in the ledger
