"""Inputs kept longer: proposed by one, signed by every party, and only then the clock moves (O-65, O-107)."""

import datetime as dt
import threading

import pytest
from django.db import IntegrityError, connection, transaction

from agreements import public as agreements
from matching import keeping_checks, timing
from matching.models import KeepingStatus, KeepingWord, Match, MatchStatus, OrderStatus
from matching.services import hastening, keeping, keeping_ends, ordering, signing
from p20win import policy
from p20win.accounts.public import Role, people_with_role
from p20win.audit.public import Event, events_of
from p20win.calendar import BusinessDays, Hours, local_date
from p20win.custody import public as custody
from p20win.deadlines import public as deadlines
from p20win.deadlines.models import Mark
from p20win.jobs.public import Job, perform
from p20win.notifications.public import tell
from p20win.refusal import Blocked
from p20win.signatures.public import signatures_on
from tests import factories
from tests import factories_matching as matches
from tests.factories import PASSWORD, START
from tests.unit.test_destruction_orders import HOUR

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("vault")]
DAY = dt.timedelta(days=1)
MARCH = dt.date(2026, 3, 2)
SAID = {"reason": "A school district sends its list late.", "allowed_in": "Section III.F.3"}


@pytest.fixture(autouse=True)
def snapshots(settings, tmp_path):
    settings.P20WIN_KEY_SNAPSHOTS = tmp_path / "snapshots"


@pytest.fixture
def match():
    return matches.delivered().match


def strict(rule):
    """Return a match of which the inputs go by a stricter clock."""
    match = matches.linked()
    hastening.set_own(match, rule, reason="Asked for.", by=factories.hub_member(), at=START)
    return matches.delivered(matches.signed_off(match)).match


def proposed(match, *, until=MARCH, by=None, at=START, **changes):
    return keeping.propose(
        match, until=until, by=by or factories.operating_group_member(), at=at, **(SAID | changes)
    )


def signatory(word):
    return people_with_role(Role.SIGNATORY, word.organisation).first()


def sign(row, word, *, at=START, by=None, password=PASSWORD):
    by = by or signatory(word)
    return keeping.sign(row, by=by, typed_name=by.name, password=password, at=at)


def signed(row, *, at=START, but=0):
    """Let every party sign, all but the last few."""
    words = list(keeping_checks.words(row))
    for word in words[: len(words) - but]:
        row = row if word.signature_id else sign(row, word, at=at)
    return row


def clock_of(match):
    [clock] = deadlines.alive(signing.DESTRUCTION, match)
    return clock


def moments(match):
    clock = clock_of(match)
    return timing.timing(clock, deadlines.calendar_of(clock))


@pytest.mark.obligation("O-65", "O-107")
class TestEveryPartySigns:
    def test_the_clock_runs_on_until_the_last_one_and_then_moves_for_all_of_it(self, match):
        before = moments(match)
        row = signed(proposed(match), but=1)

        assert (row.status, moments(match)) == (KeepingStatus.PROPOSED, before)
        row = signed(row)

        assert row.status == KeepingStatus.AGREED
        after = moments(match)
        assert local_date(after.due_at) == MARCH
        assert after.limit_at == after.due_at  # no copy is left after the day that all agreed on
        assert after.last_at == after.due_at - dt.timedelta(days=policy.KEY_SNAPSHOT_DAYS)
        clock = clock_of(match)
        [was] = clock.derivation["before"]
        assert (clock.derivation["rule"], was["rule"]) == ("an agreed date", "10 business days")
        line = events_of(clock).get(event="deadline.extended")
        assert (line.details["basis"], line.details["reference"]) == ("all_parties", str(row.pk))

    def test_who_supplies_and_who_else_is_a_party_of_the_agreement(self, match):
        row = proposed(match)

        asked = {word.organisation.short_name: word.supplies for word in row.words.all()}

        party_names = {
            each.organisation.short_name for each in agreements.in_force(match.project, START).parties.all()
        }
        assert set(asked) == party_names
        assert {name for name, supplies in asked.items() if supplies} == set(matches.AGENCIES)

    def test_each_signs_the_exact_text_with_name_and_password(self, match):
        row = proposed(match)
        word = row.words.filter(supplies=True).first()
        with pytest.raises(Blocked, match="password is not right"):
            sign(row, word, password="another")
        steward = matches.steward(word.organisation.short_name)
        with pytest.raises(Blocked, match="Only an authorised signatory"):
            sign(row, word, by=steward)

        row = sign(row, word)

        [signature] = signatures_on(keeping.KIND, word.pk)
        assert signature.document_digest == row.digest
        for said in ("Mar 2, 2026", SAID["reason"], SAID["allowed_in"], word.organisation.legal_name):
            assert said in row.text
        with pytest.raises(Blocked, match="Your organisation has signed"):
            sign(row, word)

    def test_each_has_it_on_their_page_until_they_answer(self, match):
        row = proposed(match)
        word = row.words.first()
        [task] = deadlines.alive(keeping_ends.WORD, word)

        assert task in deadlines.waiting_for(signatory(word))
        assert task.due_at == moments(match).sets_at  # before the portal orders it
        assert task.where == row.get_absolute_url()
        sign(row, word)
        assert not deadlines.alive(keeping_ends.WORD, word)

    def test_everybody_is_told(self, match):
        stewards = {matches.steward(name) for name in matches.AGENCIES}
        row = proposed(match)
        signatories = {signatory(word) for word in row.words.all()}
        row = signed(row)

        for event in ("keeping.proposed", "keeping.agreed"):
            tell(events_of(row).get(event=event))

        for person in stewards | signatories:
            subjects = [each.subject for each in person.notices.all()]
            assert any("please sign or refuse" in subject for subject in subjects)
            assert any("are kept longer" in subject for subject in subjects)


@pytest.mark.obligation("O-65", "O-107")
class TestNothingGoesAtOnce:
    @pytest.mark.parametrize(
        ("rule", "days"),
        [
            (Hours(24), 3),
            (Hours(24), 13),
            (BusinessDays(5), 9),
            (BusinessDays(5), 20),
            (None, 16),
            (None, 40),
        ],
    )
    def test_nothing_is_destroyed_before_the_agreed_day_less_the_life_of_the_copies(self, rule, days):
        match = strict(rule) if rule else matches.delivered().match
        until = START.date() + dt.timedelta(days=days)
        before = moments(match)

        signed(proposed(match, until=until))

        after = moments(match)
        lead = timing.COPIES_LIVE + timing.WORK + timing.HOUR
        assert after.sets_at >= after.due_at - lead
        assert after.sets_at > max(before.sets_at, START)
        assert after.last_at <= after.due_at <= after.limit_at
        assert after.last_at + timing.COPIES_LIVE <= after.limit_at
        moved = Mark.objects.filter(deadline=clock_of(match), job="matching.destroy_inputs", dropped_at=None)
        assert [mark.planned_at for mark in moved] == [after.sets_at]
        Job.objects.filter(name="matching.destroy_inputs").delete()
        deadlines.tick(at=after.sets_at - dt.timedelta(seconds=1))
        assert not Job.objects.filter(name="matching.destroy_inputs").exists()
        deadlines.tick(at=after.sets_at)
        assert Job.objects.filter(name="matching.destroy_inputs").count() == 1

    def test_24_hours_moved_by_two_days_keep_the_agreements_limit_for_copies(self):
        match = strict(Hours(24))
        limit = moments(match).limit_at

        signed(proposed(match, until=dt.date(2026, 1, 8)))

        assert (moments(match).limit_at, local_date(moments(match).last_at)) == (limit, dt.date(2026, 1, 8))

    def test_work_that_was_asked_for_before_the_clock_moved_orders_nothing(self, match, monkeypatch):
        row, when = proposed(match), moments(match).sets_at
        signed(row, but=1)
        deadlines.tick(at=when)
        job = Job.objects.get(name="matching.destroy_inputs")
        signed(row, at=when)
        monkeypatch.setattr("p20win.clock.now", lambda: when)

        perform(str(job.pk))

        assert ordering.order_of(match) is None
        assert ordering.order_when_due(match, at=moments(match).sets_at).is_automatic


@pytest.mark.obligation("O-65")
class TestOrders:
    def test_one_of_the_clock_that_has_not_begun_is_withdrawn(self, match):
        row, when = signed(proposed(match), but=1), moments(match).sets_at
        order = ordering.order_in_time(match, at=when)

        signed(row, at=when + HOUR / 2)

        order.refresh_from_db()
        assert (order.status, order.withdrawal) == (OrderStatus.WITHDRAWN, keeping.ALL_SIGNED)
        assert not deadlines.alive(ordering.HOUR, order)
        assert ordering.carry_out(order, at=when + HOUR).status == OrderStatus.WITHDRAWN
        assert not custody.destructions(match.project).exists()

    def test_one_that_begins_ends_the_proposal(self, match):
        row, when = signed(proposed(match), but=1), moments(match).sets_at
        order = ordering.order_in_time(match, at=when)
        assert row.status == KeepingStatus.PROPOSED

        ordering.carry_out(order, at=when + HOUR)

        row.refresh_from_db()
        assert (row.status, row.why_ended) == (KeepingStatus.LAPSED, keeping_ends.TOO_LATE)
        assert not [each for word in row.words.all() for each in deadlines.alive(keeping_ends.WORD, word)]
        with pytest.raises(Blocked, match="Lapsed"):
            signed(row, at=when + HOUR)
        with pytest.raises(Blocked, match="The destruction has begun"):
            proposed(match, at=when + HOUR)

    def test_two_people_can_still_order_it_earlier(self, match):
        signed(proposed(match))
        order = ordering.ask(match, reason="It came after all.", by=factories.hub_member(), at=START)

        order = ordering.confirm(order, by=factories.hub_member(), at=START)

        assert ordering.carry_out(order, at=START + HOUR).status == OrderStatus.BEGUN

    def test_within_the_hour_it_can_be_proposed_and_is_answered_by_then(self, match):
        when = moments(match).sets_at + HOUR / 4
        order = ordering.order_in_time(match, at=when)

        row = proposed(match, at=when)

        [task] = deadlines.alive(keeping_ends.WORD, row.words.first())
        assert task.due_at == order.acts_at


class TestEnds:
    def test_one_refusal_with_a_reason_ends_it_for_all(self, match):
        row = signed(proposed(match), but=1)
        before = moments(match)
        last = row.words.get(signature=None)
        with pytest.raises(Blocked, match="Say why"):
            keeping.refuse(row, reason=" ", by=signatory(last), at=START)
        with pytest.raises(Blocked, match="Only an authorised signatory"):
            keeping.refuse(row, reason="No.", by=factories.hub_member(), at=START)
        first = row.words.exclude(signature=None).first()
        with pytest.raises(Blocked, match="has signed"):
            keeping.refuse(row, reason="No.", by=signatory(first), at=START)

        row = keeping.refuse(row, reason="Our counsel objects.", by=signatory(last), at=START)

        last.refresh_from_db()
        assert (row.status, row.why_ended) == (KeepingStatus.REFUSED, "Our counsel objects.")
        assert (last.refused_by, last.reason) == (signatory(last), "Our counsel objects.")
        assert moments(match) == before
        with pytest.raises(Blocked, match="Refused"):
            sign(row, last)
        tell(events_of(row).get(event="keeping.refused"))
        assert "not kept longer" in signatory(first).notices.latest("at").subject
        assert proposed(match).status == KeepingStatus.PROPOSED

    def test_who_proposed_it_withdraws_it(self, match):
        by = factories.hub_member()
        row = proposed(match, by=by)
        with pytest.raises(Blocked, match="Only who proposed it"):
            keeping.withdraw(row, reason="No.", by=factories.operating_group_member(), at=START)
        with pytest.raises(Blocked, match="Say why"):
            keeping.withdraw(row, reason="", by=by, at=START)

        row = keeping.withdraw(row, reason="The list came.", by=by, at=START)

        assert row.status == KeepingStatus.WITHDRAWN
        assert not [each for word in row.words.all() for each in deadlines.alive(keeping_ends.WORD, word)]

    def test_the_database_takes_no_second_one_and_no_word_that_is_both(self, match):
        row = proposed(match)
        word = row.words.first()
        sign(row, word)
        word.refresh_from_db()
        word.refused_at, word.refused_by, word.reason = START, signatory(word), "No."
        with pytest.raises(IntegrityError), transaction.atomic():
            word.save()
        copy = KeepingWord(keeping=row, organisation=word.organisation)
        with pytest.raises(IntegrityError), transaction.atomic():
            copy.save()
        row.pk = None
        row._state.adding = True
        with pytest.raises(IntegrityError), transaction.atomic():
            row.save(force_insert=True)


@pytest.mark.obligation("O-65")
def test_an_abandoned_matchs_inputs_can_be_kept_too(match):
    Match.objects.filter(pk=match.pk).update(status=MatchStatus.ABANDONED, abandoned_at=START)

    row = signed(proposed(Match.objects.get(pk=match.pk)))

    assert row.status == KeepingStatus.AGREED


@pytest.mark.django_db(transaction=True)
@pytest.mark.obligation("O-65")
def test_two_parties_sign_at_once_and_the_clock_moves_once():
    match = matches.delivered().match
    row = signed(proposed(match), but=2)
    last, results = list(row.words.filter(signature=None)), []
    ready = threading.Barrier(len(last))

    def run(word):
        try:
            ready.wait()
            results.append(sign(row, word).status)
        finally:
            connection.close()

    threads = [threading.Thread(target=run, args=(word,)) for word in last]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert sorted(results) == [KeepingStatus.AGREED, KeepingStatus.PROPOSED]
    assert Event.objects.filter(event="keeping.agreed").count() == 1
    assert Event.objects.filter(event="deadline.extended").count() == 1
    assert local_date(clock_of(match).due_at) == MARCH
