"""After the match: the extract, its download, and the destruction of the inputs."""

import io
import zipfile

import pytest

from matching.models import DeliveryStatus, Match, MatchStatus
from matching.services import delivering, destroying, signing
from p20win.accounts.public import system_user
from p20win.audit.public import Event
from p20win.custody import public as custody
from p20win.custody import vault_keys
from p20win.deadlines import public as deadlines
from p20win.refusal import Blocked
from tests import factories
from tests import factories_agreements as agreements
from tests import factories_custody as files
from tests import factories_matching as matches
from tests.factories import START

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("vault")]


@pytest.fixture
def vault(settings, tmp_path):
    settings.P20WIN_MEDIA = tmp_path / "media"
    settings.P20WIN_KEYSTORE = tmp_path / "keystore"
    settings.P20WIN_VAULT_KEYS = tmp_path / "vault-keys"
    settings.P20WIN_VAULT_PUBLIC = tmp_path / "public"
    settings.P20WIN_IS_VAULT = True
    vault_keys.make_keys()
    return tmp_path


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

        name, _ = signing.destruction_rule(match)

        assert name == whose


class TestDelivery:
    @pytest.mark.obligation("O-73", "O-76")
    def test_the_extract_holds_approved_columns_under_link_ids_and_its_papers(self):
        delivery = matches.delivered()

        content = b"".join(delivering.give(delivery, matches.downloader(delivery)))

        with zipfile.ZipFile(io.BytesIO(content)) as archive:
            assert set(archive.namelist()) == {
                "cscu.csv", "dol.csv", "sde.csv", "dictionary.csv", "match-report.html",
            }  # fmt: skip
            texts = {name: archive.read(name).decode() for name in archive.namelist()}
        assert texts["dol.csv"].splitlines()[0] == "link_id,Year,Quarter,Wage"
        assert "GradeLevelCode" in texts["dictionary.csv"]
        assert "SASID" not in texts["dictionary.csv"]
        everything = "".join(texts.values())
        for name in matches.AGENCIES:
            table = matches.people().agencies[name].matching.table
            for column in {"SyntheticID", "SSN", "SASID"} & set(table.column_names):
                assert not any(v in everything for v in table[column].to_pylist() if v)
        rows = {entry["file"]: (entry["rows_in"], entry["rows_out"]) for entry in delivery.contents}
        assert rows["sde.csv"] == (150, 150)
        assert delivery.match.status == MatchStatus.DELIVERED

    def test_built_twice_there_is_one_extract(self):
        delivery = matches.delivered()

        delivering.build(delivery, job=agreements.NoJob(), at=START)

        assert custody.accepted_files(delivery.project, "extract").count() == 1

    @pytest.mark.obligation("O-74", "O-177")
    def test_it_is_fetched_by_approved_people_in_time_who_acknowledge(self):
        delivery = matches.delivered()
        by = matches.downloader(delivery)

        with pytest.raises(Blocked, match="Acknowledge"):
            delivering.fetch(delivery, by=by, acknowledges=False, at=START)
        with pytest.raises(Blocked, match="no part in this project"):
            delivering.fetch(delivery, by=factories.hub_member(), acknowledges=True, at=START)
        with pytest.raises(Blocked, match="time to download the extract is over"):
            delivering.fetch(delivery, by=by, acknowledges=True, at=delivery.closes_at + matches.a_day(1))
        assert not delivery.downloads.exists()

        token = delivering.fetch(delivery, by=by, acknowledges=True, at=START)

        assert len(token) > 30
        assert delivering.STORAGE_RULE in delivery.downloads.get().acknowledged
        assert deadlines.open_of_project(delivery.project).filter(slug="data-destruction").count() == 1
        delivering.fetch(delivery, by=by, acknowledges=True, at=START)
        assert deadlines.open_of_project(delivery.project).filter(slug="data-destruction").count() == 1

    @pytest.mark.obligation("O-108")
    def test_a_recipient_that_supplied_data_attests_that_its_own_link_is_gone(self):
        delivery = matches.delivered()

        assert delivering.rules_for(delivery, matches.downloader(delivery)) == [delivering.STORAGE_RULE]
        assert delivering.OWN_LINK_RULE in delivering.rules_for(delivery, matches.steward("SDE"))

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
    def destroyed(self, match):
        destroying.destroy_inputs(match, by=system_user(), at=START)
        for name in matches.AGENCIES:
            row = custody.destructions(match.project).get(organisation__short_name=name)
            files.run_job("custody.destroy", destruction_id=row.pk)
            files.run_job("matching.inputs_gone", destruction_id=row.pk)
        match.refresh_from_db()
        return match

    def test_the_inputs_are_gone_the_results_stay_and_the_hub_certifies_it(self):
        delivery = matches.delivered()
        sent = list(custody.accepted_files(delivery.project).filter(slot__isnull=False))
        assert len(sent) == 6

        match = self.destroyed(delivery.match)

        assert match.status == MatchStatus.INPUTS_DESTROYED
        for file in sent:
            file.refresh_from_db()
            with pytest.raises(custody.NotOpenable):
                b"".join(custody.open_bytes(file))
            assert custody.why_unreadable(file)
        assert b"".join(custody.open_bytes(delivery.extract))
        facts = match.project.certificates.get(kind="hub_destruction").facts
        assert {entry["file"]: entry["root"] for entry in facts["files"]} == {
            str(file.pk): file.manifest["document"]["root"] for file in sent
        }
        assert {entry["proof"] for entry in facts["files"]} == {"KeyDestroyed"}
        assert {entry["organisation"] for entry in facts["keys"]} == {"sde", "cscu", "dol"}
        assert all(entry["fingerprint"] and entry["destroyed_at"] for entry in facts["keys"])
        assert facts["snapshots_gone_at"] is None  # there is no backup key, so there are no copies
        lines = Event.objects.filter(event="data.destroyed")
        assert {(entry["line"], entry["hash"]) for entry in facts["ledger"]} == {
            (line.seq, bytes(line.hash).hex()) for line in lines
        }
        assert not deadlines.open_of_project(match.project).filter(slug="input-destruction").exists()

    def test_asking_twice_asks_once(self):
        match = matches.delivered().match
        for _ in range(2):
            destroying.destroy_inputs(match, by=system_user(), at=START)

        assert custody.destructions(match.project).count() == 3

    def test_a_hub_that_supplies_data_itself_does_not_lose_the_results(self):
        factories.organisation(slug="dol", short_name="DOL", legal_name="Invented DOL", is_hub=True)

        delivery = matches.delivered()

        assert delivery.extract.owner == factories.operating_group()
        self.destroyed(delivery.match)
        assert b"".join(custody.open_bytes(delivery.extract))
