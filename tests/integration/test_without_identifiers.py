"""A project whose agencies send keyed tokens: real `p20`, upload, check, match, delivery (O-72)."""

import datetime as dt
import io
import json
import zipfile

import httpx
import pyarrow.csv as pacsv
import pytest
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from django.core.signals import request_finished, request_started
from django.db import close_old_connections
from django.urls import reverse

from agreements.public import MatchMethod
from client import config, main, portal
from fixtures import quality
from matching import standing
from matching.models import Match, MatchStatus
from matching.services import opening, running
from p20win import clock
from p20win.accounts.public import enrol_key
from p20win.custody import public as custody
from p20win.refusal import Blocked
from p20win.wsgi import application
from tests import factories
from tests import factories_agreements as agreements
from tests import factories_custody as files
from tests import factories_matching as matches
from tests.factories import START
from tests.senders import pinned

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("vault", "at_start")]


@pytest.fixture
def p20(tmp_path, monkeypatch):
    """The machines of the agencies; the client of each talks to the portal in this process."""
    transport = httpx.WSGITransport(app=application)
    original = portal.Portal.__init__

    def connected(self, address, signing_key, **_):
        original(self, address, signing_key, transport=transport)

    monkeypatch.setattr(portal.Portal, "__init__", connected)
    for signal in (request_started, request_finished):  # as Django's own test client does
        signal.disconnect(close_old_connections)

    def machine(name):
        monkeypatch.setenv("P20_HOME", str(tmp_path / f"home-{name}"))
        if not config.key_path().exists():
            config.write_config(config.Config(portal="http://localhost"))
            pinned()
            raw = config.new_key().public_key().public_bytes(Encoding.Raw, PublicFormat.Raw)
            before = START - dt.timedelta(days=3)
            enrol_key(
                matches.agency(name), public_key=raw, label="Server", by=matches.steward(name), at=before
            )
        return lambda *said: main.main([str(word) for word in said])

    yield machine
    for signal in (request_started, request_finished):
        signal.connect(close_old_connections)


def key_of(project, folder, p20):
    path = folder / "shared" / "key.txt"
    assert p20("SDE")("encode", "--new-key", "--key", path, "--project", project.number) == 0
    return path


def encoded(name, slot, key, folder, p20):
    """Return the file that an agency made with `p20 encode`, by the rules of its slot."""
    plain, rules = folder / f"{name}-plain.tsv", folder / f"{name}-rules.json"
    plain.write_bytes(matches.contents(name, "matching"))
    rules.write_text(json.dumps(slot.spec))
    out = folder / files.name_for(slot)
    number = slot.project.number
    assert p20(name)("encode", plain, "--key", key, "--project", number, "--out", out, "--rules", rules) == 0
    return out


@pytest.mark.long
@pytest.mark.obligation("O-72", "O-67", "O-73")
@pytest.mark.parametrize("encoding", ["tokens", "clk"])
def test_a_project_is_matched_and_delivered_without_identifiers(
    encoding, p20, tmp_path, signed_in, capsys, monkeypatch
):
    match = matches.collecting(encoding=encoding)
    key = key_of(match.project, tmp_path, p20)
    for name in matches.AGENCIES:
        slot = matches.slot(match, name, "matching")
        path = encoded(name, slot, key, tmp_path, p20)
        assert p20(name)("check", path, "--slot", slot.pk) == 0
        assert p20(name)("send", path, "--slot", slot.pk) == 0
        file = slot.files.get()
        files.run_job("custody.check_file", file_id=file.pk)
        file.refresh_from_db()
        assert file.status == custody.FileStatus.ACCEPTED, file.report
        files.run_job("matching.file_accepted", file_id=file.pk)
        matches.send(match, name, "analytical")
        sent = b"".join(custody.open_bytes(file))
        names = matches.people().agencies[name].matching.table["LastName"].to_pylist()
        assert not any(last.encode() in sent for last in names if len(last) > 5)
    match.refresh_from_db()
    assert match.status == MatchStatus.READY

    run = running.start_run(
        match, MatchMethod.objects.get(), by=matches.hub_member(match.project), at=clock.now()
    )
    files.run_job("matching.run_match", run_id=run.pk)
    run.refresh_from_db()

    assert run.report["engine"] == encoding
    assert run.report["encoded"]["label"] == "pseudonymised, not anonymous"
    made = pacsv.read_csv(io.BytesIO(b"".join(custody.open_bytes(run.crosswalk))))
    reached = quality.measure(matches.people().truth, made)
    assert reached.precision > 0.98
    assert reached.recall > 0.9
    shown = signed_in(matches.steward("SDE")).get(reverse("matching:report", args=[run.pk])).text
    assert "Pseudonymised, not anonymous" in shown
    assert "Clerical review is impossible" in shown
    match.refresh_from_db()
    content = _extract(match)
    with zipfile.ZipFile(io.BytesIO(content)) as delivered:
        manifest = json.loads(delivered.read("manifest.json"))["document"]
        assert manifest["matched_by"] == "keyed encodings: pseudonymised, not anonymous"
        heads = {name: delivered.read(name).split(b"\n", 1)[0] for name in delivered.namelist()}
    assert not any(b"T_" in head or b"EncodedWith" in head for head in heads.values())


def _extract(match):
    delivery = matches.delivered(matches.signed_off(match))
    return b"".join(custody.open_bytes(delivery.extract))


class TestOpening:
    def test_the_slot_asks_for_tokens_alone_and_says_what_they_are(self, signed_in):
        match = matches.collecting(encoding="tokens")

        slot = matches.slot(match, "SDE", "matching")

        names = [column["name"] for column in slot.spec["columns"]]
        assert names[:3] == ["SyntheticID", "EncodedWith", "T_SASID"]
        assert not {"SASID", "LastName", "CLK"} & set(names)
        client = signed_in(matches.steward("SDE"))
        assert "Pseudonymised, not anonymous" in client.get(reverse("custody:slot", args=[slot.pk])).text
        assert "Clerical review is impossible" in client.get(match.get_absolute_url()).text

    def test_needs_a_method_that_the_board_approved_and_no_lists(self):
        row = matches.request(with_list=True)
        matches.in_force(row)
        agreements.method()

        with pytest.raises(Blocked, match="no method that matches these") as refusal:
            opening.open_match(
                row.project, by=factories.operating_group_member(), at=START, encoding="tokens"
            )

        assert "lists of identifiers" in str(refusal.value)
        assert not Match.objects.exists()

    @pytest.mark.obligation("O-72", "O-61")
    def test_identifiers_are_refused_where_tokens_were_agreed(self):
        match = matches.collecting(encoding="tokens")

        file = matches.send(match, "SDE", "matching")

        assert file.status == custody.FileStatus.REFUSED
        assert "column_unknown" in {entry["rule"] for entry in file.report["counts"]}

    def test_the_page_offers_it(self, signed_in):
        row = matches.request()
        matches.in_force(row)
        agreements.method("tokens")
        client = signed_in(factories.operating_group_member())

        client.post(
            reverse("matching:open", args=[row.project.pk]),
            {"form": "key", "basis": "II", "encoding": "tokens"},
        )

        assert standing.encoding(Match.objects.get()) == "tokens"


def test_methods_for_tokens_and_for_identifiers_are_not_mixed_up(signed_in):
    match = matches.collecting()
    tokens = agreements.method("tokens")
    by = matches.hub_member(match.project)

    with pytest.raises(Blocked, match="they are not encoded"):
        running.start_run(match, tokens, by=by, at=START)
    assert [each.engine for each in standing.methods(match, START)] == ["hybrid"]
