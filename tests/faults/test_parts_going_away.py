"""Something the portal needs goes away: nothing is lost, nothing happens twice (F03–F07, F09, F19)."""

import json
import shutil
import signal
import time

import pytest

from p20win import processes
from tests.faults.mail_server import MailServer
from tests.faults.portal import Portal, fill, small_volume
from tests.faults.visitor import Visitor

pytestmark = [pytest.mark.long, pytest.mark.timeout(900), pytest.mark.xdist_group("faults")]


@pytest.fixture(scope="module")
def post_office():
    server = MailServer()
    yield server
    server.stop()


@pytest.fixture(scope="module")
def portal(post_office):
    with Portal(
        EMAIL_BACKEND="django.core.mail.backends.smtp.EmailBackend",
        EMAIL_HOST="127.0.0.1",
        EMAIL_PORT=str(post_office.port),
        EMAIL_USE_TLS="0",
    ) as portal:
        yield portal


def settled(found):
    """All work is done and all mail is out."""
    return set(found["jobs"]) <= {"done"} and set(found["mails"]) <= {"sent"}


def once_each(post_office):
    """Return how many letters were taken; each of them once."""
    names = [letter["Message-ID"] for letter in post_office.letters]
    assert len(set(names)) == len(names)
    return len(names)


@pytest.mark.obligation("O-89")
def test_f03_without_the_broker_people_go_on_and_what_was_queued_starts_when_it_is_back(portal, post_office):
    before = portal.act("standing")
    portal.take_away("broker")
    began = time.monotonic()
    slowest = portal.act("submit", count=5)["slowest"]
    assert portal.page("/health/live/")[0] == 200
    waiting = portal.act("standing")
    assert waiting["events"] > before["events"]
    assert waiting["jobs"].get("queued", 0) >= 5
    assert slowest < 5
    time.sleep(max(0.0, 60 - (time.monotonic() - began)))

    portal.bring_back("broker")
    back = time.monotonic()
    portal.wait("standing", lambda found: found["jobs"].get("queued", 0) == 0, patience=30)
    assert time.monotonic() - back <= 30
    found = portal.wait("standing", settled)
    assert found["ledger"]
    assert found["messages"] > before["messages"]
    assert found["mails"]["sent"] == once_each(post_office)


def test_f04_everything_the_broker_held_is_forgotten_and_done_all_the_same(portal, post_office):
    portal.crew._members["worker"].process.send_signal(signal.SIGSTOP)  # the messages lie in the broker
    portal.act("submit", count=5)
    portal.broker("FLUSHALL")
    portal.crew._members["worker"].process.send_signal(signal.SIGCONT)

    found = portal.wait("standing", settled, patience=120)
    assert found["ledger"]
    assert found["mails"]["sent"] == once_each(post_office)


def test_f05_a_full_broker_refuses_jobs_and_no_person(portal):
    assert b"noeviction" in portal.broker("CONFIG", "GET", "maxmemory-policy")
    portal.broker("CONFIG", "SET", "maxmemory", "1")
    try:
        assert portal.act("submit", count=3)["slowest"] < 5
    finally:
        portal.broker("CONFIG", "SET", "maxmemory", "0")

    assert portal.wait("standing", settled, patience=60)["ledger"]


@pytest.mark.obligation("O-95")
def test_f06_every_job_delivered_three_times_at_once_and_again_later_has_one_effect(portal, post_office):
    portal.act("submit", count=3)
    portal.act("deliver_again", times=3)
    before = portal.wait("standing", settled)
    portal.act("deliver_again", times=2, late=5)
    time.sleep(5)

    after = portal.wait("standing", settled)
    assert after == before
    assert after["mails"]["sent"] == after["messages"] == once_each(post_office)


@pytest.mark.obligation("O-95")
def test_f07_the_database_restarts_while_people_submit_and_nothing_is_half_kept(portal):
    people = portal.begin("submit_for", seconds=20)
    time.sleep(8)
    portal.take_away("postgres")
    status, said = portal.page("/health/live/")
    assert (status, "no database" in said) == (503, True)
    status, said = portal.page("/accounts/login/")
    assert status == 503
    assert "try again" in said
    portal.bring_back("postgres")
    told = json.loads(people.communicate(timeout=120)[0].splitlines()[-1])

    assert told["through"]
    assert told["troubles"]
    portal.wait("standing", settled, patience=120)
    rows = portal.act("submissions")
    assert all(events == (status == "submitted") for status, events in rows.values())
    assert all(rows[row] == ["submitted", 1] for row in told["through"])
    assert portal.act("standing")["ledger"]
    assert portal.page("/health/live/")[0] == 200


def test_f19_the_mail_server_is_gone_then_busy_then_back_and_each_letter_goes_out_once(portal, post_office):
    before = once_each(post_office)
    post_office.stop()
    portal.act("submit", count=2)
    portal.wait("standing", lambda found: set(found["jobs"]) <= {"done"})
    portal.wait("troubles", lambda found: "ConnectionRefusedError" in found)
    assert portal.act("standing")["mails"].get("queued", 0) >= 2

    post_office.answer = b"451 come back later"
    post_office.start(post_office.port)
    asked = post_office.asked
    portal.wait("troubles", lambda found: "SMTPDataError" in found, patience=120)
    assert once_each(post_office) == before
    waited = post_office.asked - asked
    time.sleep(10)
    assert post_office.asked - asked <= waited + 4  # no hot loop

    post_office.answer = b"250 taken"
    found = portal.wait("standing", settled, patience=240)
    assert found["mails"]["sent"] == once_each(post_office) > before


@pytest.fixture
def ledgers_volume(portal):
    """Let the ledger lie on a volume of its own that has little room; give what fills it."""
    place = portal.data / "small"
    place.mkdir()
    with small_volume(place, 16):
        try:
            if account := processes.account_for_servers():
                account.give(place)
            portal.query(f"CREATE TABLESPACE small LOCATION '{place}'")
            portal.query("ALTER TABLE audit_event SET TABLESPACE small")
            portal.query("VACUUM FULL audit_event")  # no room is left between its lines
            yield place / "filler"
        finally:
            (place / "filler").unlink(missing_ok=True)
            portal.query("ALTER TABLE audit_event SET TABLESPACE pg_default")
            portal.query("DROP TABLESPACE IF EXISTS small")
    place.rmdir()


@pytest.mark.obligation("O-95")
def test_f09_c18_the_ledgers_volume_is_full_and_nothing_is_done_until_there_is_room(portal, ledgers_volume):
    sessions = portal.act("visitors")
    fill(ledgers_volume)
    assert shutil.disk_usage(ledgers_volume.parent).free < 8192

    told = portal.act("submit_for", seconds=8)

    assert "NotRecorded" in told["troubles"]
    rows = portal.act("submissions")
    assert all(events == (status != "draft") for status, events in rows.values())
    with Visitor(portal, sessions["requestor"]) as person, Visitor(portal, sessions["office"]) as office:
        begun = [person.post("/requests/new/", data={"title": f"Request {n}"}) for n in range(3)]
        assert begun[-1].status_code == 503
        assert "cannot write down in its ledger" in begun[-1].text
        assert [person.get(path).status_code for path in ("/", "/requests/")] == [200, 200]
        assert "It takes no line (the database says 53100)" in office.words("/health/")
        log = (portal.data / "logs" / "web.log").read_text()
        assert '"level": "CRITICAL"' in log
        assert "THE LEDGER TAKES NO LINE (53100)" in log

        ledgers_volume.unlink()

        assert person.post("/requests/new/", data={"title": "With room"}).status_code == 302
        assert "takes no line" not in office.words("/health/")
    assert not portal.act("submit_for", seconds=3)["troubles"]
    found = portal.act("standing")
    assert found["ledger"]
    assert "failed" not in found["jobs"]  # those that met a full volume wait
