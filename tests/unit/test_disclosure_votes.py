"""Who says what of an output: one vote of each, a second thought, and rules that grow stricter meanwhile."""

import datetime as dt

import pytest

from disclosure import checks, pages, services, standing
from disclosure.models import OutputStatus
from p20win import clock
from p20win.accounts.public import Role, give_role, operating_group, system_user
from p20win.audit.public import events_of
from p20win.projects import public as projects
from p20win.refusal import Blocked
from tests import factories
from tests import factories_agreements as agreements
from tests import factories_disclosure as outputs
from tests.factories import START

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("vault")]
LONG_AFTER = START + dt.timedelta(days=60)


@pytest.fixture
def later(monkeypatch):
    """It is long after the review began."""
    monkeypatch.setattr(clock, "now", lambda: LONG_AFTER)


def steward_of_two(output):
    """Return a data steward of one agency who speaks for a second one as well."""
    first, second = projects.suppliers(output.project)[:2]
    person = factories.steward(first)
    give_role(person, Role.DATA_STEWARD, organisation=second, by=system_user(), at=START, since=START.date())
    agreements.acknowledged(person)
    return person, first, second


def clear(output, by, at=START):
    return services.clear(output, points=outputs.CONFIRMED, by=by, at=at)


def cleared_by(output):
    rows = standing.clearances(output).filter(cleared_at__isnull=False)
    return {row.organisation for row in rows}


def ask_for_more(output, count=12):
    agency = projects.suppliers(output.project).first()
    agency.min_cell_count = count
    agency.save()


class TestOneVoteOfEach:
    @pytest.mark.obligation("O-82")
    def test_who_speaks_for_two_parties_gives_the_word_of_one(self):
        output = outputs.sent()
        person, first, second = steward_of_two(output)
        clear(output, person)
        assert cleared_by(output) == {first}
        with pytest.raises(Blocked, match="has cleared it"):
            clear(output, person)
        clear(output, agreements_steward(second))
        assert cleared_by(output) == {first, second}

    def test_where_ones_own_party_has_spoken_it_is_the_others(self):
        output = outputs.sent()
        person, first, second = steward_of_two(output)
        clear(output, agreements_steward(first))
        clear(output, person)
        assert cleared_by(output) == {first, second}


def agreements_steward(agency):
    person = factories.steward(agency)
    agreements.acknowledged(person)
    return person


class TestOnSecondThoughts:
    def test_who_has_cleared_it_may_return_it_until_it_is_released(self, later):
        output = outputs.cleared()
        steward = agreements_steward(projects.suppliers(output.project).first())
        output = services.return_to_author(output, comment="A label is wrong.", by=steward, at=LONG_AFTER)
        assert output.status == OutputStatus.RETURNED
        row = standing.clearances(output).get(organisation=steward.organisation)
        assert (row.cleared_at, row.returned_at, row.is_labelled) == (None, LONG_AFTER, False)
        assert [event.event for event in events_of(row)][-1] == "clearance.refused"

    def test_not_afterwards(self, later):
        output = outputs.released()
        steward = agreements_steward(projects.suppliers(output.project).first())
        with pytest.raises(Blocked, match="Not possible while"):
            services.return_to_author(output, comment="Too late.", by=steward, at=LONG_AFTER)


def author_at(output, organisation):
    """Let the author have moved to this organisation."""
    type(output.author).objects.filter(pk=output.author_id).update(organisation=organisation)
    return type(output).objects.get(pk=output.pk)


class TestOnesOwn:
    @pytest.mark.obligation("O-82")
    def test_nobody_reviews_what_their_own_organisation_wrote(self):
        output = outputs.sent()
        agency = projects.suppliers(output.project).first()
        steward = agreements_steward(agency)
        output = author_at(output, agency)
        with pytest.raises(Blocked, match=f"It was written at {agency}, where you are too"):
            clear(output, steward)
        with pytest.raises(Blocked, match="where you are too"):
            services.return_to_author(output, comment="No.", by=steward, at=START)
        assert cleared_by(output) == set()

    @pytest.mark.obligation("O-82")
    def test_nor_for_another_party_but_somebody_from_elsewhere_does_for_theirs(self):
        output = outputs.sent()
        person, first, second = steward_of_two(output)
        output = author_at(output, first)
        clear(output, agreements_steward(second))
        with pytest.raises(Blocked, match="where you are too"):
            clear(output, person)
        elsewhere = agreements_steward(second)
        give_role(
            elsewhere,
            Role.DATA_STEWARD,
            organisation=first,
            by=system_user(),
            at=START,
            since=START.date(),
        )
        clear(output, type(elsewhere).objects.get(pk=elsewhere.pk))
        assert cleared_by(output) == {first, second}


class TestBlindness:
    @pytest.mark.obligation("O-82")
    def test_who_has_not_decided_does_not_learn_who_has(self, later):
        output = outputs.sent()
        first, second = projects.suppliers(output.project)[:2]
        group = factories.operating_group_member()
        agreements.acknowledged(group)
        clear(output, agreements_steward(first))
        undecided = pages.detail(output, agreements_steward(second), START)
        told = {party["row"].organisation: party for party in undecided["parties"]}
        assert not told[first]["is_open"]
        assert told[second]["is_open"]
        assert "have cleared it" not in undecided["lead"]
        assert {row.waiting_on_organisation for row in undecided["clocks"]} <= {None, second}
        assert checks.every_party_clears(output, group) == "Waiting for the parties."

    def test_who_has_decided_learns_who_has_but_not_what_they_say(self, later):
        output = outputs.sent()
        first, second = projects.suppliers(output.project)[:2]
        steward = agreements_steward(second)
        clear(output, agreements_steward(first))
        clear(output, steward)
        shown = pages.detail(output, steward, START)
        told = {party["row"].organisation: party for party in shown["parties"]}
        assert told[first]["is_open"]
        assert not told[first]["told"]
        assert "2 of 3 have cleared it" in shown["lead"]

    @pytest.mark.obligation("O-82")
    def test_a_changed_file_begins_with_no_vote(self):
        output = outputs.sent()
        first, second = projects.suppliers(output.project)[:2]
        clear(output, agreements_steward(first))
        output = services.return_to_author(
            output, comment="A label is wrong.", by=agreements_steward(second), at=START
        )
        output = services.send_new_file(
            output, name="t.csv", content=[outputs.TABLE], by=output.author, at=START
        )
        output = services.send_to_agencies(outputs.judged(output), by=output.author, at=START)
        assert output.round == 2
        assert cleared_by(output) == set()

    @pytest.mark.obligation("O-82")
    def test_to_return_takes_a_comment(self):
        output = outputs.sent()
        steward = agreements_steward(projects.suppliers(output.project).first())
        with pytest.raises(Blocked, match="Say what must change"):
            services.return_to_author(output, comment="  ", by=steward, at=START)


class TestStricterRules:
    @pytest.mark.obligation("O-78", "O-79")
    def test_what_was_checked_by_milder_ones_is_checked_again_before_it_is_sent(self):
        output = outputs.checked()
        ask_for_more(output)
        with pytest.raises(Blocked, match="Check it again"):
            services.send_to_agencies(output, by=output.author, at=START)
        output = services.check_again(output, by=output.author, at=START)
        outputs.files.run_job(standing.CHECK_JOB, file_id=output.slot.files.get().pk)
        output.refresh_from_db()
        assert standing.latest_check(output).policy["min_count"] == 12
        services.send_to_agencies(output, by=output.author, at=START)

    @pytest.mark.obligation("O-78")
    def test_and_is_not_released_though_all_have_cleared_it(self, later):
        output = outputs.cleared()
        ask_for_more(output)
        by = factories.person(Role.OPERATING_GROUP, at=operating_group())
        agreements.acknowledged(by)
        with pytest.raises(Blocked, match="Return it, so that"):
            services.release(output, by=by, at=LONG_AFTER)
        output = services.return_to_author(output, comment="Stricter now.", by=by, at=LONG_AFTER)
        assert output.status == OutputStatus.RETURNED

    def test_milder_ones_are_no_reason(self, later):
        output = outputs.project()
        ask_for = projects.suppliers(output).first()
        ask_for.min_cell_count = 12
        ask_for.save()
        output = outputs.cleared(outputs.sent(output))
        ask_for.min_cell_count = 6
        ask_for.save()
        services.release(output, by=factories.operating_group_member(), at=LONG_AFTER)
