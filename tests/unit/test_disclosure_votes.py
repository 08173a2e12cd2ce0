"""Who says what of an output: one vote of each, a second thought, and rules that grow stricter meanwhile."""

import datetime as dt

import pytest

from disclosure import services, standing
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
