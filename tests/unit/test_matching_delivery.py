"""After the match: how a version of the extract is made, and the destruction of the inputs."""

import csv
import hashlib
import io
import json
import zipfile

import pytest
from django.urls import reverse

from matching import standing
from matching.models import DeliveryStatus, Match, MatchStatus
from matching.services import delivering, destroying, hastening, opening, packing
from p20win.accounts.public import Role, system_user
from p20win.audit.public import Event, events_of
from p20win.custody import public as custody
from p20win.custody import vault_keys
from p20win.custody.engine.trust import read_trust
from p20win.custody.engine.verify import verify_file
from p20win.deadlines import public as deadlines
from p20win.jobs.public import Job
from p20win.notifications.public import Message, tell
from p20win.refusal import Blocked
from p20win.workflow import amend
from requests_app.public import approved_request
from tests import factories
from tests import factories_agreements as agreements
from tests import factories_custody as files
from tests import factories_matching as matches
from tests.factories import START

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("vault")]
PAPERS = {"dictionary.csv", "match-report.html", "limitations.txt", "manifest.json"}


def opened(content):
    """Return the files of an archive as texts."""
    with zipfile.ZipFile(io.BytesIO(content)) as archive:
        return {name: archive.read(name).decode() for name in archive.namelist()}


@pytest.mark.obligation("O-107")
class TestTheStrictestClock:
    @pytest.mark.parametrize(
        ("terms", "whose"),
        [
            ({}, "the agreement"),
            ({"destroys_inputs_within_business_days": 5}, "CSCU"),
            ({"destroys_inputs_within_business_days": 12}, "the agreement"),
            ({"destroys_inputs_within_hours": 24}, "CSCU"),
        ],
    )
    def test_wins_for_all_inputs(self, terms, whose):
        factories.organisation(slug="cscu", short_name="CSCU", legal_name="Invented CSCU", **terms)
        row = matches.request()
        match = Match(project=row.project, status_since=START, signed_off_at=START)

        name, _ = hastening.destruction_rule(match)

        assert name == whose


def test_what_the_requestor_wrote_runs_in_nobodys_spreadsheet():
    row = dict.fromkeys(packing.COLUMNS, "") | {
        "column": "=HYPERLINK(1)",
        "qualifier": "-1+cmd|' /C calc'!A0",
        "values": "1 = yes; 0 = no",
    }

    [told] = csv.DictReader(io.StringIO(packing._as_csv([row]).decode()))

    assert told["column"] == "'=HYPERLINK(1)"
    assert told["qualifier"].startswith("'-1+cmd")
    assert told["values"] == "1 = yes; 0 = no"


class TestDelivery:
    @pytest.mark.obligation("O-73", "O-76")
    def test_the_package_holds_approved_columns_under_link_ids_and_its_papers(self):
        delivery = matches.delivered()

        texts = opened(matches.fetched(delivery)[1])

        assert set(texts) == {"cscu.csv", "dol.csv", "sde.csv", *PAPERS}
        assert texts["dol.csv"].splitlines()[0] == "link_id,Year,Quarter,Wage"
        assert "GradeLevelCode" in texts["dictionary.csv"]
        assert "SASID" not in texts["dictionary.csv"]
        assert texts["limitations.txt"] == f"{matches.LIMITS}\n"
        everything = "".join(texts.values())
        for name in matches.AGENCIES:
            table = matches.people().agencies[name].matching.table
            for column in {"SyntheticID", "SSN", "SASID"} & set(table.column_names):
                assert not any(v in everything for v in table[column].to_pylist() if v)
        assert delivery.match.status == MatchStatus.DELIVERED
        assert delivery.version == 1

    @pytest.mark.obligation("O-76", "O-64")
    def test_the_signed_manifest_reconciles_the_rows_of_every_file(self, tmp_path):
        delivery = matches.delivered()
        _, content = matches.fetched(delivery)
        texts = opened(content)

        document = json.loads(texts["manifest.json"])["document"]

        assert hashlib.sha256(content).hexdigest() == delivery.digest
        assert (document["version"], document["form"]) == (1, "package")
        for entry in document["files"]:
            assert entry["rows_in"] == entry["rows_out"] + sum(entry["without_link"].values())
            assert entry["rows_out"] == len(texts[entry["name"]].splitlines()) - 1
            assert entry["sha256"] == hashlib.sha256(texts[entry["name"]].encode()).hexdigest()
        for name, digest in document["papers"].items():
            assert digest == hashlib.sha256(texts[name].encode()).hexdigest()
        paper = tmp_path / "manifest.json"
        paper.write_text(texts["manifest.json"])
        (tmp_path / "hub.pem").write_bytes(vault_keys.hub_public_pem())
        verdict = verify_file(paper, read_trust(tmp_path / "hub.pem"))
        assert (verdict.kind, verdict.state) == ("manifest of a delivery", "valid")
        paper.write_text(texts["manifest.json"].replace('"version": 1', '"version": 2'))
        assert verify_file(paper).state == "broken"

    @pytest.mark.obligation("O-73", "O-126")
    def test_the_key_alone_where_the_agreement_says_so(self):
        match = matches.collecting(form="key", with_list=True)
        assert not match.expected_files.filter(kind="analytical").exists()
        for name in matches.AGENCIES:
            matches.send(match, name, "matching")
        named = matches.people().agencies["SDE"].matching.table["SASID"].to_pylist()[:9]
        text = f"SASID\t{matches.FLAG}\n" + "".join(f"{each}\t1\n" for each in named)
        matches.send(match, "SDE", "identifier_list", text.encode())
        match.refresh_from_db()

        delivery = matches.delivered(matches.signed_off(matches.linked(match)))

        texts = opened(matches.fetched(delivery)[1])
        assert set(texts) == {"cscu-key.csv", "dol-key.csv", "sde-key.csv", *PAPERS}
        lines = [line.split(",") for line in texts["sde-key.csv"].splitlines()]
        assert lines[0] == ["link_id", "synthetic_id", matches.FLAG]
        ids = matches.people().agencies["SDE"].matching.table["SyntheticID"].to_pylist()
        assert {line[1] for line in lines[1:]} == set(ids)
        assert {line[1] for line in lines if line[2] == "1"} == set(ids[:9])
        assert delivery.file_name.startswith("key-")

    def test_the_key_alone_needs_the_agreements_words(self):
        row = matches.request()
        matches.in_force(row)
        with pytest.raises(Blocked, match="Name where the agreement says"):
            opening.open_match(row.project, by=factories.operating_group_member(), at=START, form="key")

    @pytest.mark.obligation("O-76")
    def test_nobody_agrees_before_the_limits_are_described_so_nothing_waits_for_them_after(self):
        match = matches.linked()
        [clock] = deadlines.alive("limitations", match)
        assert (clock.waiting_on_role, clock.where) == (
            Role.HUB_STAFF,
            reverse("matching:limitations", args=[match.pk]),
        )
        assert clock in deadlines.waiting_for(factories.hub_member())
        assert not deadlines.open_of_project(match.project).filter(slug="match-agreement").exists()
        with pytest.raises(Blocked, match="staff of the data integration hub"):
            delivering.describe(match, limitations="None known.", by=matches.steward("SDE"), at=START)
        with pytest.raises(Blocked, match="what the recipient must know"):
            delivering.describe(match, limitations=" ", by=factories.hub_member(), at=START)
        with pytest.raises(Blocked, match="You read them before you agree"):
            matches.agree(match, standing.signoffs(standing.latest_result(match))[0])

        matches.described(match)
        asked = deadlines.open_of_project(match.project).filter(slug="match-agreement")
        assert {row.waiting_on_role for row in asked} == {Role.DATA_STEWARD, Role.REQUESTOR}
        tell(events_of(match.terms).last())
        told = {message.person for message in Message.objects.all()}
        assert approved_request(match.project).requestor in told
        match = matches.signed_off(match)

        assert not deadlines.alive("limitations", match)
        assert Job.objects.filter(name="matching.build_extract").count() == 1
        assert matches.delivered(match).limitations == matches.LIMITS

    @pytest.mark.long
    def test_nothing_is_built_without_them(self):
        match = matches.signed_off()
        amend("match.limitations_written", match.terms, by=system_user(), at=START, limitations="")

        with pytest.raises(Blocked, match="not described"):
            delivering.build(match.delivery, job=agreements.NoJob(), at=START)

    @pytest.mark.long
    def test_built_twice_there_is_one_extract(self):
        delivery = matches.delivered()

        delivering.build(delivery, job=agreements.NoJob(), at=START)

        assert custody.accepted_files(delivery.project, "extract").count() == 1

    @pytest.mark.obligation("O-73")
    def test_an_identifier_on_its_way_out_stops_the_build_and_leaves_nothing(self, monkeypatch):
        match = matches.signed_off()
        secret = matches.people().agencies["SDE"].matching.table["SASID"].to_pylist()[3]
        names = ["SyntheticID", *matches.ANALYTICAL["SDE"]]
        ids = matches.people().agencies["SDE"].matching.table["SyntheticID"].to_pylist()
        rows = "".join(f"{ids[3]}\t{secret}\t1\n" for _ in range(150))
        really = custody.open_bytes

        def swapped(file):
            is_it = file.data_class == "analytical" and file.owner.short_name == "SDE"
            return iter([("\t".join(names) + "\n" + rows).encode()]) if is_it else really(file)

        monkeypatch.setattr(custody, "open_bytes", swapped)
        with pytest.raises(Blocked, match=r"holds a SASID\. Nothing was delivered") as refused:
            delivering.build(match.delivery, job=agreements.NoJob(), at=START)

        assert secret not in str(refused.value)
        assert match.delivery.status == DeliveryStatus.PREPARING
        assert not custody.accepted_files(match.project, "extract").exists()

    def test_the_key_of_another_project_is_not_opened_whatever_the_row_of_the_run_says(self):
        match, elsewhere = matches.signed_off(), matches.before_destruction()
        other = custody.seal_bytes(
            project=elsewhere.project, organisation=factories.hub(), data_class="key", name="key.csv",
            chunks=[b"x"], by=system_user(), at=START,
        )  # fmt: skip
        type(match.proposed).objects.filter(match=match).update(crosswalk=other)

        with pytest.raises(custody.CustodyError, match="not of the project and class"):
            files.run_job("matching.build_extract", delivery_id=match.delivery.pk)
        assert match.delivery.status == DeliveryStatus.PREPARING

    @pytest.mark.long
    def test_rows_that_got_lost_since_they_were_accepted_stop_the_build(self, monkeypatch):
        match = matches.signed_off()
        really = custody.open_bytes

        def shorter(file):
            content = b"".join(really(file))
            is_it = file.data_class == "analytical" and file.owner.short_name == "DOL"
            return iter([content[: content.rstrip(b"\n").rindex(b"\n") + 1] if is_it else content])

        monkeypatch.setattr(custody, "open_bytes", shorter)
        with pytest.raises(Blocked, match=r"dol.csv: \d+ rows were accepted and \d+ were read"):
            delivering.build(match.delivery, job=agreements.NoJob(), at=START)

    def test_it_closes_when_its_time_has_passed(self):
        delivery = matches.delivered()

        assert delivering.close(delivery, at=START).status == DeliveryStatus.AVAILABLE
        closed = delivering.close(delivery, at=delivery.closes_at + matches.a_day(1))

        assert closed.status == DeliveryStatus.CLOSED
        assert (
            delivering.close(closed, at=closed.closes_at + matches.a_day(99)).status == DeliveryStatus.CLOSED
        )


@pytest.mark.obligation("O-65")
class TestDestruction:
    def test_the_inputs_are_gone_the_results_stay_and_the_hub_certifies_it(self):
        delivery = matches.delivered()
        sent = list(custody.accepted_files(delivery.project).filter(slot__isnull=False))
        assert len(sent) == 6

        match = matches.inputs_destroyed(delivery.match)

        assert match.status == MatchStatus.INPUTS_DESTROYED
        for file in sent:
            file.refresh_from_db()
            with pytest.raises(custody.NotOpenable):
                b"".join(custody.open_bytes(file))
            assert custody.why_unreadable(file)
        assert b"".join(custody.open_bytes(delivery.extract))
        facts = match.project.certificates.get(kind="hub_destruction").facts
        named = {entry["file"]: entry["root"] for entry in facts["files"]}
        sheets = custody.SealedFile.objects.filter(pk__in=set(named) - {str(file.pk) for file in sent})
        assert {sheet.name.startswith("review") for sheet in sheets} == {True}  # they hold agencies' records
        assert named == {str(file.pk): file.manifest["document"]["root"] for file in [*sent, *sheets]}
        assert {entry["proof"] for entry in facts["files"]} == {"KeyDestroyed"}
        assert {entry["organisation"] for entry in facts["keys"]} == {"sde", "cscu", "dol"}
        assert all(entry["fingerprint"] and entry["destroyed_at"] for entry in facts["keys"])
        assert facts["snapshots_gone_at"] is None  # there is no backup key, so there are no copies
        lines = Event.objects.filter(event="data.destroyed")
        assert {(entry["line"], entry["leaf"]) for entry in facts["ledger"]} == {
            (line.seq, custody.ledger_leaf(line)) for line in lines
        }
        assert facts["ledger_name"] == custody.ledger_name()
        assert not deadlines.open_of_project(match.project).filter(slug="input-destruction").exists()

    @pytest.mark.long
    def test_asking_twice_asks_once(self):
        match = matches.delivered().match
        for _ in range(2):
            destroying.destroy_inputs(match, by=system_user(), at=START)

        assert custody.destructions(match.project).count() == 3

    @pytest.mark.long
    def test_a_hub_that_supplies_data_itself_does_not_lose_the_results(self):
        factories.organisation(slug="dol", short_name="DOL", legal_name="Invented DOL", is_hub=True)

        delivery = matches.delivered()

        assert delivery.extract.owner == factories.operating_group()
        matches.inputs_destroyed(delivery.match)
        assert b"".join(custody.open_bytes(delivery.extract))
