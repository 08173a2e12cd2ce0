"""Orders to destroy the inputs: two people and an hour, or the clock in good time."""

import datetime as dt

import pytest
from django.db import IntegrityError, transaction

from matching import timing
from matching.models import (
    Delivery,
    DestructionOrder,
    MatchStatus,
    OrderStatus,
)
from matching.services import ordering, signing
from p20win import health
from p20win.accounts.public import system_user
from p20win.calendar import BusinessDays, Hours, end_of_day
from p20win.custody import holds
from p20win.custody import public as custody
from p20win.deadlines import public as deadlines
from p20win.deadlines.models import Deadline
from p20win.jobs.public import Job, MustWait, State, perform
from p20win.projects.public import open_to_organisation
from p20win.refusal import Blocked
from p20win.workflow import create
from tests import factories
from tests import factories_custody as files
from tests import factories_matching as matches
from tests.factories import START

pytestmark = pytest.mark.django_db
HOUR = dt.timedelta(hours=1)


@pytest.fixture(autouse=True)
def vault(settings, tmp_path):
    settings.P20WIN_KEY_SNAPSHOTS = tmp_path / "snapshots"
    with files.own_vault(settings, tmp_path) as folder:
        yield folder


@pytest.fixture
def match():
    return matches.before_destruction()


def asked(match, *, by=None, at=START):
    return ordering.ask(match, reason="Everyone has the extract.", by=by or factories.hub_member(), at=at)


def confirmed(match, *, at=START):
    return ordering.confirm(asked(match, at=at), by=factories.hub_member(), at=at)


def a_steward(match):
    return factories.steward(match.expected_files.first().agency)


def clock_of(match):
    [clock] = deadlines.alive(signing.DESTRUCTION, match)
    return clock


def moments(match):
    clock = clock_of(match)
    return timing.timing(clock, deadlines.calendar_of(clock))


def held(match, at=START):
    factories.hub()
    until = at.date() + dt.timedelta(days=20)
    hold = holds.ask_hold(
        match.project, authority="a court", reason="Evidence.", until=until, by=factories.hub_member(), at=at
    )
    return holds.confirm_hold(hold, by=factories.hub_member(), at=at)


def lifted(hold, at=START):
    hold = holds.ask_lift(hold, reason="Over.", by=factories.hub_member(), at=at)
    return holds.lift_hold(hold, by=factories.operating_group_member(), at=at)


@pytest.mark.obligation("O-65", "O-107")
class TestTwoPeople:
    def test_one_asks_another_confirms_an_hour_passes_then_the_vault_begins(self, match):
        by = factories.hub_member()
        order = asked(match, by=by)
        with pytest.raises(Blocked, match="another person must confirm"):
            ordering.confirm(order, by=by, at=START)
        with pytest.raises(Blocked, match="ordered already"):
            asked(match)

        second = factories.hub_member()
        open_to_organisation(match.project, second.organisation, ["view_project"])
        [task] = deadlines.alive("destruction-confirmation", order)
        assert task in deadlines.waiting_for(second)
        assert task.where == f"{match.get_absolute_url()}#destruction"

        order = ordering.confirm(order, by=second, at=START)
        assert not deadlines.alive("destruction-confirmation", order)
        assert (order.status, order.acts_at) == (OrderStatus.SET, START + HOUR)
        assert ordering.carry_out(order, at=START + HOUR - dt.timedelta(minutes=1)).status == OrderStatus.SET
        assert not custody.destructions(match.project).exists()

        deadlines.tick(at=START + HOUR)
        job = Job.objects.get(name="matching.carry_out_order")
        assert job.arguments["subject_id"] == str(order.pk)
        for _ in range(2):  # delivered twice
            order = ordering.carry_out(order, at=START + HOUR)

        assert order.status == OrderStatus.BEGUN
        assert custody.destructions(match.project).count() == 3

    def test_within_the_hour_it_can_be_withdrawn_with_a_reason(self, match):
        order = confirmed(match)
        with pytest.raises(Blocked, match="Say why"):
            ordering.withdraw(order, reason="", by=factories.hub_member(), at=START)
        with pytest.raises(Blocked, match="hub's staff and the operating group"):
            ordering.withdraw(order, reason="No.", by=a_steward(match), at=START)

        order = ordering.withdraw(order, reason="A file is missing.", by=order.asked_by, at=START)

        deadlines.tick(at=START + HOUR)
        assert not Job.objects.filter(name="matching.carry_out_order").exists()
        assert ordering.carry_out(order, at=START + HOUR).status == OrderStatus.WITHDRAWN
        assert asked(match)

    def test_only_the_hub_with_a_reason_after_sign_off_and_when_the_extract_is_made(self):
        with pytest.raises(Blocked, match="not signed off"):
            asked(matches.before_destruction(MatchStatus.LINKED))
        with pytest.raises(Blocked, match="extract is not ready"):
            asked(matches.before_destruction(MatchStatus.SIGNED_OFF))
        match = matches.before_destruction()
        with pytest.raises(Blocked, match="staff of the data integration hub"):
            asked(match, by=a_steward(match))
        with pytest.raises(Blocked, match="before their time"):
            ordering.ask(match, reason=" ", by=factories.hub_member(), at=START)

    def test_the_database_takes_no_one_twice_and_no_order_set_by_one(self, match):
        order = asked(match)
        for changes in (
            {"status": "set", "acts_at": START},
            {"status": "set", "confirmed_by": factories.hub_member()},
            {"confirmed_by": order.asked_by},
            {"status": "withdrawn", "withdrawn_by": order.asked_by},
        ):
            row = DestructionOrder.objects.get(pk=order.pk)
            for name, value in changes.items():
                setattr(row, name, value)
            with pytest.raises(IntegrityError), transaction.atomic():
                row.save()


@pytest.mark.obligation("O-65", "O-107")
class TestInTime:
    def test_ten_business_days_leave_time_for_the_copies_of_the_key_store(self, match):
        found = moments(match)  # START is Monday 5 January; 19 January is a holiday

        assert found.due_at == end_of_day(dt.date(2026, 1, 20))
        assert found.last_at == found.due_at - dt.timedelta(days=5)
        assert found.sets_at == found.last_at - 2 * HOUR
        assert found.begins_at == found.last_at - HOUR

    @pytest.mark.parametrize("rule", [Hours(24), BusinessDays(5)])
    def test_a_stricter_clock_counts_for_the_key_store_and_the_copies_still_keep_the_agreement(self, rule):
        match = matches.before_destruction(rule=rule)
        found = moments(match)

        assert found.last_at == clock_of(match).due_at
        assert found.last_at + timing.COPIES_LIVE < found.limit_at

    def test_a_date_agreed_by_all_parties_is_the_limit_too(self, match):
        [clock] = deadlines.extend(
            signing.DESTRUCTION, match, until=dt.date(2026, 3, 2), basis=deadlines.Basis.ALL_PARTIES,
            reference="paper 7", at=START, by=system_user(),
        )  # fmt: skip

        assert moments(match).sets_at == clock.due_at - dt.timedelta(days=5) - 2 * HOUR

    def test_the_clock_orders_it_alone_and_the_hour_follows(self, match):
        when = moments(match).sets_at
        deadlines.tick(at=when - dt.timedelta(seconds=1))
        assert not Job.objects.filter(name="matching.destroy_inputs").exists()
        deadlines.tick(at=when)
        assert Job.objects.filter(name="matching.destroy_inputs").count() == 1

        for _ in range(2):
            order = ordering.order_in_time(match, at=when)

        assert (order.is_automatic, order.acts_at) == (True, when + HOUR)
        with pytest.raises(Blocked, match="Only a legal hold"):
            ordering.withdraw(order, reason="No.", by=factories.hub_member(), at=when)
        assert ordering.carry_out(order, at=when + HOUR).status == OrderStatus.BEGUN

    def test_it_takes_over_from_one_who_waits_for_a_second_person(self, match):
        waiting, when = asked(match), moments(match).sets_at

        order = ordering.order_in_time(match, at=when)

        waiting.refresh_from_db()
        assert order.is_automatic
        assert (waiting.status, waiting.withdrawal) == (OrderStatus.WITHDRAWN, ordering.TOOK_OVER)

    def test_when_the_clock_has_run_out_what_two_people_ordered_is_not_withdrawn(self, match):
        when = moments(match).sets_at
        order = confirmed(match, at=when - dt.timedelta(minutes=10))
        assert ordering.order_in_time(match, at=when) == order

        with pytest.raises(Blocked, match="The clock has run out"):
            ordering.withdraw(order, reason="Wait.", by=order.confirmed_by, at=when)

    def test_no_order_before_sign_off(self):
        with pytest.raises(Blocked, match="Not possible"):
            ordering.order_in_time(matches.before_destruction(MatchStatus.LINKED), at=START)


@pytest.mark.obligation("O-65", "O-73")
class TestExtractFirst:
    def test_the_inputs_wait_for_the_extract_and_it_is_asked_for_again(self):
        match = matches.before_destruction(MatchStatus.SIGNED_OFF)
        Job.objects.filter(name="matching.build_extract").update(state=State.FAILED)
        order = ordering.order_in_time(match, at=START)

        for _ in range(2):
            with pytest.raises(MustWait, match="extract is not ready"):
                ordering.carry_out(order, at=START + HOUR)

        assert Job.objects.filter(name="matching.build_extract", state=State.QUEUED).count() == 1
        assert not custody.destructions(match.project).exists()
        [stuck] = deadlines.stuck_destructions()
        assert (stuck.slug, stuck.project) == ("destruction-waits", match.project)
        open_to_organisation(match.project, factories.hub(), ["view_project"])
        assert stuck in deadlines.waiting_for(factories.hub_member())
        with pytest.raises(RuntimeError, match=match.project.number):
            health._destructions()
        match.status = MatchStatus.DELIVERED
        match.save()
        match.deliveries.all().delete()
        assert ordering.carry_out(order, at=START + HOUR).status == OrderStatus.BEGUN
        assert health._destructions() == "none is late or stuck"

    def test_one_that_is_late_shows_on_health(self):
        match = matches.before_destruction()

        deadlines.tick(at=clock_of(match).due_at + HOUR)

        with pytest.raises(RuntimeError, match=match.project.number):
            health._destructions()

    def test_while_its_limits_are_not_written_nothing_is_asked_for(self):
        match = matches.before_destruction(MatchStatus.SIGNED_OFF)
        match.terms.limitations = ""
        match.terms.save()
        Job.objects.all().delete()
        order = ordering.order_in_time(match, at=START)

        with pytest.raises(MustWait, match="has not written its limits"):
            ordering.carry_out(order, at=START + HOUR)

        assert not Job.objects.filter(name="matching.build_extract").exists()

    def test_a_new_version_under_way_is_waited_for_too(self):
        match = matches.before_destruction()
        delivery = Delivery(
            match=match, project=match.project, version=2, reason="Late wages.", status_since=START
        )
        create("extract.asked", delivery, by=system_user(), at=START)
        with pytest.raises(Blocked, match="extract is not ready"):
            asked(match)

    def test_a_worker_whose_clock_lags_does_what_was_due_to_the_one_that_asked(self, monkeypatch):
        order = ordering.order_in_time(matches.before_destruction(), at=START)
        deadlines.tick(at=START + HOUR)
        job = Job.objects.get(name="matching.carry_out_order")
        monkeypatch.setattr("p20win.clock.now", lambda: START + HOUR - dt.timedelta(seconds=1))

        perform(str(job.pk))

        order.refresh_from_db()
        assert order.status == OrderStatus.BEGUN

    def test_the_job_waits_with_the_reason_on_it(self, demo_clock):
        match = matches.before_destruction(MatchStatus.SIGNED_OFF)
        order = ordering.order_in_time(match, at=START)
        deadlines.tick(at=START + HOUR)
        job = Job.objects.get(name="matching.carry_out_order")

        perform(str(job.pk))

        job.refresh_from_db()
        order.refresh_from_db()
        assert (job.state, order.status) == (State.QUEUED, OrderStatus.SET)
        assert "extract is not ready" in job.message


@pytest.mark.obligation("O-65")
class TestHold:
    def test_it_withdraws_the_order_and_after_it_the_clock_orders_anew(self, match):
        when = moments(match).sets_at
        order = ordering.order_in_time(match, at=when)
        hold = held(match, at=when)

        order = ordering.carry_out(order, at=when + HOUR)
        assert order.status == OrderStatus.WITHDRAWN
        assert "A legal hold of a court" in order.withdrawal
        for attempt in (
            lambda: asked(match, at=when),
            lambda: ordering.order_in_time(match, at=when),
        ):
            with pytest.raises(Blocked, match="A legal hold of a court"):
                attempt()
        assert clock_of(match).status == deadlines.Status.PAUSED

        later = when + dt.timedelta(days=9)
        lifted(hold, at=later)
        again = moments(match).sets_at
        assert again > when
        Job.objects.filter(name="matching.destroy_inputs").delete()
        deadlines.tick(at=max(again, later))
        assert Job.objects.filter(name="matching.destroy_inputs").count() == 1

    def test_a_second_person_cannot_confirm_meanwhile(self, match):
        order = asked(match)
        held(match)
        with pytest.raises(Blocked, match="A legal hold"):
            ordering.confirm(order, by=factories.hub_member(), at=START)

    def test_a_clock_that_starts_meanwhile_stands_still(self):
        match = matches.linked()
        held(match)
        match = matches.signed_off(match)
        assert Deadline.objects.get(slug=signing.DESTRUCTION).status == deadlines.Status.PAUSED
