"""What must stand behind a destruction before the vault begins: a row asking for it is not enough (T34)."""

import datetime as dt

import pytest

from governance.models import Closing
from matching import timing
from matching.models import DestructionOrder, MatchStatus, OrderStatus
from matching.services import ordering
from p20win.accounts.public import system_user
from p20win.audit.public import events_of
from p20win.custody import destruction
from p20win.custody import public as custody
from p20win.custody.models import Destruction, DestructionStatus
from p20win.deadlines import public as deadlines
from p20win.jobs import public as jobs
from p20win.jobs.public import MustWait, State
from p20win.notifications.public import Message, tell
from p20win.workflow import amend, create
from tests import factories
from tests import factories_custody as files
from tests import factories_governance as ends
from tests import factories_matching as matches
from tests.factories import START

pytestmark = [pytest.mark.django_db, pytest.mark.obligation("O-65")]
AN_HOUR_AGO = START - timing.HOUR


@pytest.fixture(autouse=True)
def vault(settings, tmp_path, monkeypatch):
    monkeypatch.setattr("p20win.clock.now", lambda: START)
    with files.own_vault(settings, tmp_path) as folder:
        yield folder


@pytest.fixture
def match():
    return matches.before_destruction()


@pytest.fixture
def file(match):
    expected = match.expected_files.first()
    return files.checked(files.arrived(expected.slot))


@pytest.fixture
def unprevented(monkeypatch):
    """Let a project be closed whose match has not come to its end."""
    monkeypatch.setattr("governance.checks.what_prevents", lambda project: [])


def written(file, **fields):
    """Write the row and the job by hand, as whoever took over the web process can."""
    row = Destruction.objects.create(
        project=file.project, organisation=file.owner, asked_at=START, asked_by=factories.hub_member(),
        status_since=START, **fields,
    )  # fmt: skip
    jobs.after_commit(destruction.WORK, destruction_id=row.pk)
    return carried_out(row)


def carried_out(row):
    """Let the vault take up the newest job of this destruction."""
    job = jobs.latest(destruction.WORK, destruction_id=row.pk)
    jobs.perform(str(job.pk))
    row.refresh_from_db()
    job.refresh_from_db()
    return row, job


def opens(file):
    file.refresh_from_db()
    return file.status == custody.FileStatus.ACCEPTED and b"".join(custody.open_bytes(file)) == files.GOOD


def ordered(match, *, at=AN_HOUR_AGO):
    order = ordering.ask(match, reason="Not needed any more.", by=factories.hub_member(), at=at)
    order = ordering.confirm(order, by=factories.hub_member(), at=at)
    return ordering.carry_out(order, at=START)


def an_order(match, **fields):
    """Write an order by hand: nobody asked for it on a page."""
    said = {
        "asked_by": factories.hub_member(), "confirmed_by": factories.hub_member(),
        "status": OrderStatus.BEGUN, "status_since": START, "acts_at": START,
    } | fields  # fmt: skip
    return DestructionOrder(match=match, **said)


def test_a_row_and_a_job_destroy_nothing_and_the_operating_group_hears_of_it(file):
    group = factories.operating_group_member()

    row, job = written(file)

    assert (job.state, job.message) == (State.REFUSED, destruction.UNFOUNDED[:300])
    assert row.status == DestructionStatus.ASKED
    assert opens(file)
    line = events_of(row).last()
    assert line.event == "destruction.refused"
    tell(line)
    assert Message.objects.filter(person=group, subject__contains="nobody ordered").exists()


def test_saying_that_it_was_begun_does_not_help(file):
    _, job = written(file, begun_at=START)
    assert job.state == State.REFUSED
    assert opens(file)


def test_an_order_of_two_people_whose_hour_is_over_stands_behind_it(match, file):
    ordered(match)
    row, job = carried_out(Destruction.objects.get(organisation=file.owner))
    assert (row.status, job.state) == (DestructionStatus.DONE, State.DONE)
    assert not opens(file)


def test_what_was_asked_for_by_nobody_does_not_stand_in_the_way_of_an_order(match, file):
    row, _ = written(file)
    ordered(match)
    again, job = carried_out(row)
    assert (again.pk, again.status, job.state) == (row.pk, DestructionStatus.DONE, State.DONE)
    assert again.on_done == "matching.inputs_gone"


def test_an_order_that_the_ledger_does_not_know_stands_behind_nothing(match, file):
    an_order(match).save()
    assert written(file)[1].state == State.REFUSED
    assert opens(file)


def test_nor_one_that_the_ledger_says_one_person_gave(match, file):
    order, by = an_order(match), factories.hub_member()
    create("destruction_order.asked", order, by=by, at=AN_HOUR_AGO)
    amend("destruction_order.set", order, by=by, at=AN_HOUR_AGO)
    assert written(file)[1].state == State.REFUSED
    assert opens(file)


def test_nor_one_by_people_who_are_not_of_the_hub(match, file):
    one, other = factories.person(), factories.person()
    order = create(
        "destruction_order.asked", an_order(match, asked_by=one, confirmed_by=other), by=one, at=AN_HOUR_AGO
    )
    amend("destruction_order.set", order, by=other, at=AN_HOUR_AGO)
    assert written(file)[1].state == State.REFUSED
    assert opens(file)


def test_where_no_clock_is_moved_the_database_says_when_the_order_was_set(match, file, settings):
    ordered(match)  # by its own word an hour ago; the database wrote it down just now
    settings.DEMO_CLOCK = False
    recorded = events_of(DestructionOrder.objects.get()).get(event="destruction_order.set").recorded_at
    row = Destruction.objects.get(organisation=file.owner)

    with pytest.raises(MustWait, match="hour of the order"):
        ordering.stands_behind(row, recorded + timing.HOUR - ordering.LAG - dt.timedelta(seconds=1))
    assert ordering.stands_behind(row, recorded + timing.HOUR - ordering.LAG)


def test_the_vault_waits_for_the_end_of_the_hour_and_then_destroys(match, file, monkeypatch):
    ordered(match)
    row = Destruction.objects.get(organisation=file.owner)
    monkeypatch.setattr("p20win.clock.now", lambda: START - dt.timedelta(minutes=2))  # its clock lags

    _, job = carried_out(row)
    assert (job.state, job.message) == (State.QUEUED, "The hour of the order is not over yet.")
    assert opens(file)

    monkeypatch.setattr("p20win.clock.now", lambda: START)
    assert carried_out(row)[0].status == DestructionStatus.DONE


def test_an_order_of_the_clock_waits_until_it_has_run_out(match, file):
    order = an_order(match, is_automatic=True, asked_by=system_user(), confirmed_by=None)
    create("destruction_order.set", order, by=system_user(), at=AN_HOUR_AGO)
    row, job = written(file)
    assert (job.state, job.message) == (State.QUEUED, "The clock has not run out yet.")
    assert opens(file)
    assert ordering.stands_behind(row, ordering.orders_itself_at(match))


def test_an_order_said_to_be_the_clocks_where_none_runs_stands_behind_nothing(match, file):
    deadlines.cancel_all(deadlines.open_of_project(match.project), by=system_user(), at=START, note="x")
    order = an_order(match, is_automatic=True, asked_by=system_user(), confirmed_by=None)
    create("destruction_order.set", order, by=system_user(), at=AN_HOUR_AGO)
    assert written(file)[1].state == State.REFUSED
    assert opens(file)


def test_the_order_for_one_match_does_not_cover_the_files_of_the_next(match, file):
    ordered(match)
    type(match).objects.filter(pk=match.pk).update(
        status=MatchStatus.INPUTS_DESTROYED, inputs_destroyed_at=START
    )
    _, job = carried_out(Destruction.objects.get(organisation=file.owner))
    assert job.state == State.REFUSED
    assert opens(file)


def test_of_a_project_that_two_people_closed_everything_goes(file, unprevented):
    ends.closed(file.project)
    row, _ = carried_out(Destruction.objects.get(organisation=file.owner))
    assert row.status == DestructionStatus.DONE
    assert not opens(file)


def test_but_not_if_the_ledger_knows_nothing_of_its_closing(file):
    type(file.project).objects.filter(pk=file.project_id).update(status="closed")
    assert written(file)[1].state == State.REFUSED
    assert opens(file)


def test_nor_by_two_of_the_hub_without_the_operating_group(file):
    ends.on_record(file.project, asks=factories.hub_member(), confirms=factories.hub_member())
    assert written(file)[1].state == State.REFUSED
    assert opens(file)


def test_nor_by_people_of_neither(file):
    ends.on_record(file.project, asks=factories.operating_group_member(), confirms=factories.person())
    assert written(file)[1].state == State.REFUSED
    assert opens(file)


def test_nor_where_the_ledger_says_that_one_person_did_both(file):
    one, other = factories.operating_group_member(), factories.operating_group_member()
    ends.on_record(file.project, asks=one, confirms=other)
    Closing.objects.update(asked_by=other, confirmed_by=one)
    assert written(file)[1].state == State.REFUSED
    assert opens(file)


def test_and_the_vault_waits_until_the_hour_is_over_by_the_ledgers_time(file):
    ends.on_record(
        file.project, asks=factories.operating_group_member(), confirms=factories.hub_member(), at=START
    )
    _, job = written(file)
    assert (job.state, job.message) == (State.QUEUED, "The hour of the closing is not over yet.")
    assert opens(file)
