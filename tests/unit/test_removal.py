"""A delivery is downloadable for a limited period, then removed (O-74); a legal hold keeps it."""

import datetime as dt

import pytest

from matching import delivery_pages
from matching.models import Delivery, DeliveryStatus, Match
from matching.services import delivering, recalling
from p20win.audit.public import events_of
from p20win.custody import holds, places, removal
from p20win.custody import public as custody
from p20win.jobs.public import Job, State, perform
from p20win.refusal import Blocked
from p20win.workflow import create
from tests import factories
from tests import factories_agreements as agreements
from tests import factories_custody as files
from tests import factories_matching as matches
from tests.factories import START
from tests.unit.test_destruction_orders import held, lifted

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("vault")]
CLOSES = START + dt.timedelta(days=14)
LATER = CLOSES + dt.timedelta(days=1)


def sealed(project, name="extract.zip", content=b"what was delivered"):
    return custody.seal_bytes(
        project=project,
        organisation=factories.hub(),
        data_class=custody.DataClass.EXTRACT,
        name=name,
        chunks=[content],
        by=factories.hub_member(),
        at=START,
    )


@pytest.fixture
def delivery():
    """Return a version that can be fetched; nothing was linked for it."""
    match = matches.before_destruction()
    row = Delivery(
        match=match,
        project=match.project,
        status=DeliveryStatus.AVAILABLE,
        status_since=START,
        extract=sealed(match.project),
        available_at=START,
        closes_at=CLOSES,
    )
    return create("extract.asked", row, by=factories.hub_member(), at=START)


def asked():
    return Job.objects.filter(name=removal.WORK)


def is_there(file):
    return places.blob(file.blob).exists()


def removed(delivery):
    """Have the vault do what it was asked, and return the extract as it is now."""
    files.run_job(removal.WORK, file_id=delivery.extract_id)
    return type(delivery.extract).objects.get(pk=delivery.extract_id)


@pytest.mark.obligation("O-74")
class TestRemoval:
    def test_when_its_time_has_passed_the_bytes_go_and_the_ledger_says_so(self, delivery):
        assert delivering.close(delivery, at=CLOSES).status == DeliveryStatus.AVAILABLE
        assert not asked().exists()
        closed = delivering.close(delivery, at=LATER)
        assert "is being removed" in delivery_pages.copy_at_the_hub(closed)

        file = removed(closed)

        assert file.status == custody.FileStatus.DESTROYED
        assert not is_there(file)
        assert not list(places.blob(file.blob).parent.iterdir())  # its manifest neither
        line = events_of(file).last()
        assert (line.event, line.details["method"]) == ("file.destroyed", removal.METHOD)
        with pytest.raises(custody.NotOpenable):
            custody.open_bytes(file)
        closed.refresh_from_db()
        assert "is removed" in delivery_pages.copy_at_the_hub(closed)

    def test_a_recalled_version_goes_at_once(self, delivery):
        recalling.recall(delivery, reason="The wrong year.", by=factories.operating_group_member(), at=START)
        assert not is_there(removed(delivery))

    def test_a_version_that_gave_way_goes_the_new_one_stays(self, delivery):
        later = sealed(delivery.project, content=b"put right")
        row = Delivery(
            match=delivery.match, project=delivery.project, version=2, reason="Put right.", status_since=START
        )
        create("extract.asked", row, by=factories.hub_member(), at=START)
        delivering._give_way(row, [], limitations="", by=factories.system_user(), at=START)
        delivery.refresh_from_db()
        assert delivery.status == DeliveryStatus.REPLACED

        assert not is_there(removed(delivery))
        assert b"".join(custody.open_bytes(later)) == b"put right"

    def test_done_twice_or_asked_twice_it_is_one_removal(self, delivery):
        closed = delivering.close(delivery, at=LATER)
        removed(closed)
        removal.remove(str(closed.extract_id), at=LATER)
        closed.extract.refresh_from_db()
        recalling.recall(closed, reason="Wrong, too.", by=factories.operating_group_member(), at=LATER)

        assert [line.event for line in events_of(closed.extract)].count("file.destroyed") == 1
        assert asked().count() == 1

    def test_after_a_crash_between_disk_and_database_it_is_finished(self, delivery):
        closed = delivering.close(delivery, at=LATER)
        custody_path = places.blob(closed.extract.blob)
        custody_path.unlink()
        assert removed(closed).status == custody.FileStatus.DESTROYED

    def test_what_is_not_over_stays_whoever_asks_for_its_removal(self, delivery):
        removal.ask_removal(delivery.extract, by=factories.system_user())
        job = asked().get()
        perform(str(job.pk))
        job.refresh_from_db()
        assert (job.state, job.message) == (State.REFUSED, removal.UNFOUNDED)
        type(delivery).objects.update(status=DeliveryStatus.CLOSED)  # as a broken-in web process could
        with pytest.raises(Blocked, match="still needed"):
            removal.remove(str(delivery.extract_id), at=LATER)
        assert is_there(delivery.extract)

    def test_what_a_run_gave_stays_while_its_match_goes_on_whatever_a_row_says(self, delivery):
        crosswalk = sealed(delivery.project, name="crosswalk.csv", content=b"a,b\n")
        run = delivery.match.runs.model(
            match=delivery.match,
            number=1,
            method=agreements.method(),
            status_since=START,
            started_at=START,
            started_by=factories.hub_member(),
            spec={},
            crosswalk=crosswalk,
        )
        create("run.started", run, by=run.started_by, at=START)
        # As a broken-in web process could:
        Match.objects.update(status="abandoned", abandoned_at=START, signed_off_at=None)
        with pytest.raises(Blocked, match="still needed"):
            removal.remove(str(crosswalk.pk), at=LATER)
        assert is_there(crosswalk)

    def test_the_other_results_still_open(self, delivery):
        key = sealed(delivery.project, name="crosswalk.csv", content=b"a,b\n")
        removed(delivering.close(delivery, at=LATER))
        assert b"".join(custody.open_bytes(key)) == b"a,b\n"

    def test_a_legal_hold_keeps_it_until_it_is_lifted(self, delivery):
        hold = held(delivery.match)
        closed = delivering.close(delivery, at=LATER)
        job = asked().get()

        perform(str(job.pk))

        job.refresh_from_db()
        assert (job.state, is_there(delivery.extract)) == (State.QUEUED, True)
        assert "legal hold" in job.message
        assert "keeps its copy for now" in delivery_pages.copy_at_the_hub(closed)

        lifted(hold)
        perform(str(job.pk))

        job.refresh_from_db()
        assert (job.state, is_there(delivery.extract)) == (State.DONE, False)
        assert not holds.holds_in_force(delivery.project).exists()


def test_only_the_vault_removes(delivery, settings):
    settings.P20WIN_IS_VAULT = False
    with pytest.raises(custody.NotTheVault):
        removal.remove(str(delivery.extract_id), at=LATER)
    assert is_there(delivery.extract)
