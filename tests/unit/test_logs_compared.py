"""O-64: what the logs show is compared with the ledger, so no row of them is changed unnoticed."""

import datetime as dt

import pytest
from django.db import connection

from matching import logged
from matching.models import Download, MatchRun
from p20win import health
from p20win.audit import guards
from p20win.audit.public import record
from p20win.custody import comparing
from p20win.custody.models import SealedFile
from p20win.custody.public import seal_bytes, shred
from p20win.workflow import create
from tests import factories
from tests import factories_agreements as agreements
from tests import factories_custody as custody
from tests import factories_matching as matches
from tests.factories import START

pytestmark = [pytest.mark.django_db, pytest.mark.obligation("O-64")]


@pytest.fixture(autouse=True)
def vault(settings, tmp_path):
    with custody.own_vault(settings, tmp_path) as folder:
        yield folder


@pytest.fixture
def file():
    return custody.checked(custody.arrived(custody.a_slot(destroy_by=dt.date(2027, 1, 1))))


def as_web(statement, *values):
    """Do what the web's database role may do."""
    guards.apply(connection)
    with connection.cursor() as cursor:
        cursor.execute("SET LOCAL ROLE p20_web")
        cursor.execute(statement, values)
        changed = cursor.rowcount
        cursor.execute("RESET ROLE")
    assert changed == 1


def hour_comes():
    """Do what the vault does every hour."""
    custody.line("custody.publish_checkpoint").work(None)


def test_whatever_becomes_of_files_row_and_ledger_agree(file):
    custody.checked(custody.arrived(custody.a_slot(), custody.BAD))
    custody.arrived(custody.a_slot())
    other = custody.checked(custody.arrived(custody.a_slot()))
    seal_bytes(
        project=other.project, organisation=factories.hub(), data_class="key", name="key.csv", chunks=[b"x"],
        by=other.sent_by, at=START, columns=["a"],
    )  # fmt: skip
    shred(other.project, other.owner, by=factories.hub_member(), at=START)

    assert SealedFile.objects.count() == 5
    assert comparing.differences() == []


@pytest.mark.parametrize(
    ("column", "value", "named"),
    [
        ("name", "P20_DR9999_DOL_match_v1", "name"),
        ("received_at", START + dt.timedelta(days=1), "time received"),
        ("columns", '["ID"]', "columns"),
        ("status", "refused", "state"),
        ("status_since", START + dt.timedelta(days=1), "time of the state"),
    ],
)
def test_what_the_web_process_changes_in_a_file_is_located(file, column, value, named):
    as_web(f'UPDATE custody_sealedfile SET "{column}" = %s WHERE id = %s', value, file.pk)
    line = comparing.lines_about(SealedFile, "file.arrived")[str(file.pk)].all[0].seq

    assert comparing.differences() == [f"File {file.pk}: {named} (line {line})."]


def test_who_sent_it_and_by_when_it_goes_are_compared_too(file):
    as_web("UPDATE custody_sealedfile SET sent_by_id = %s WHERE id = %s", factories.person().pk, file.pk)
    as_web("UPDATE custody_uploadslot SET destroy_by = '2031-01-01' WHERE id = %s", file.slot_id)

    [sentence] = comparing.differences()
    assert f"File {file.pk}: sent_by, destroy_by (line" in sentence


def test_the_hour_raises_the_alarm_health_names_the_row_and_it_ends_when_they_agree(file, caplog):
    hour_comes()
    assert health._ledger() == "signed every hour"
    as_web("UPDATE custody_sealedfile SET name = 'x' WHERE id = %s", file.pk)

    hour_comes()

    with pytest.raises(RuntimeError, match=f"File {file.pk}: name .line"):
        health._ledger()
    assert "not as the ledger tells" in caplog.text
    as_web("UPDATE custody_sealedfile SET name = %s WHERE id = %s", file.name, file.pk)
    hour_comes()
    assert health._ledger() == "signed every hour"


def test_a_row_that_no_line_tells_of_one_that_is_gone_and_a_line_that_is_told_again(file):
    SealedFile.objects.filter(pk=file.pk).update(name=file.name)
    invented = SealedFile(
        project=file.project, owner=file.owner, destination=file.destination, data_class="matching", name="x",
        status="refused", status_since=START, sent_by=file.sent_by, received_at=START,
    )  # fmt: skip
    SealedFile.objects.bulk_create([invented])
    gone = custody.arrived(custody.a_slot())
    record("file.arrived", file, by=file.sent_by, at=START, details={"name": "another"})
    with connection.cursor() as cursor:
        cursor.execute("SET CONSTRAINTS ALL IMMEDIATE")
        cursor.execute("DELETE FROM custody_sealedfile WHERE id = %s", [gone.pk])

    found = " ".join(comparing.differences())

    assert f"File {invented.pk}: it came from nowhere (no line of the ledger tells of it)." in found
    assert f"File {gone.pk}: its row is gone (line" in found
    assert "file.arrived told twice" in found


@pytest.fixture
def run():
    match = matches.before_destruction()
    by = factories.hub_member()
    row = MatchRun(
        match=match, number=1, method=agreements.method(), started_at=START, status_since=START, spec={},
        started_by=by,
    )  # fmt: skip
    return create("run.started", row, by=by, at=START, details=logged.described(row))


@pytest.mark.parametrize(
    ("statement", "named"),
    [
        ("UPDATE matching_matchrun SET started_at = started_at - interval '1 day'", "started"),
        ("UPDATE matching_matchrun SET started_by_id = (SELECT id FROM accounts_user LIMIT 1)", "started by"),
        ("UPDATE matching_matchrun SET report_digest = repeat('a', 64)", "report"),
        ("UPDATE matching_matchrun SET status_since = now()", "finished"),
        ("UPDATE matching_expectedfile SET agency_id = (SELECT min(id::text)::uuid FROM accounts_organisation"
         " WHERE is_hub) WHERE id = (SELECT min(id::text)::uuid FROM matching_expectedfile)", "agencies"),
    ],
)  # fmt: skip
def test_what_is_changed_in_a_match_is_located(run, statement, named):
    assert comparing.differences() == []
    as_web(statement)
    [sentence] = comparing.differences()
    assert f"Run {run.pk}: {named} (line" in sentence


def test_what_is_changed_in_a_download_or_in_when_inputs_went_is_located(run):
    from matching.models import Delivery

    match, by = run.match, factories.person()
    delivery = Delivery(match=match, project=match.project, status_since=START)
    create("extract.asked", delivery, by=by, at=START)
    download = Download(
        delivery=delivery, person=by, acknowledged="x", at=START, expires_at=START + dt.timedelta(days=1)
    )
    create("extract.downloaded", download, by=by, at=START)
    assert comparing.differences() == []

    as_web("UPDATE matching_download SET person_id = %s", factories.person().pk)
    as_web("UPDATE matching_match SET inputs_destroyed_at = now()")

    assert [sentence.partition(" (")[0] for sentence in comparing.differences()] == [
        f"Match {match.pk}: inputs destroyed",
        f"Download {download.pk}: when, or by whom",
    ]
