"""Why the inputs of a match cannot be kept longer: by whom, when, until which day; and what a hold does."""

import pytest

from agreements import public as agreements
from matching import keeping_checks
from matching.models import KeepingStatus
from matching.services import keeping_ends
from p20win import policy
from p20win.accounts.public import Role, people_with_role
from p20win.calendar import BusinessDays, local_date
from p20win.deadlines import public as deadlines
from p20win.refusal import Blocked
from tests import factories
from tests import factories_matching as matches
from tests.factories import START
from tests.unit.test_destruction_orders import held, lifted
from tests.unit.test_kept_longer import DAY, clock_of, moments, proposed, sign, signed, strict

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("vault")]


@pytest.fixture(autouse=True)
def snapshots(settings, tmp_path):
    settings.P20WIN_KEY_SNAPSHOTS = tmp_path / "snapshots"


@pytest.fixture
def match():
    return matches.delivered().match


@pytest.mark.obligation("O-65")
class TestWhyNot:
    def test_by_hub_or_operating_group_once_at_a_time_and_with_everything_said(self, match):
        with pytest.raises(Blocked, match="Only the hub's staff or the operating group"):
            proposed(match, by=matches.steward("SDE"))
        with pytest.raises(Blocked, match=r"Say why.*Name the part of the agreement"):
            proposed(match, reason=" ", allowed_in="")
        proposed(match)
        with pytest.raises(Blocked, match="proposed already"):
            proposed(match)

    def test_not_before_the_clock_has_started_nor_after_the_end(self):
        match = matches.linked()
        with pytest.raises(Blocked, match="clock has not started"):
            proposed(match)
        match = matches.inputs_destroyed(matches.delivered(matches.signed_off(match)).match)
        with pytest.raises(Blocked, match="The inputs are destroyed"):
            proposed(match)

    def test_a_day_that_changes_something_within_agreement_and_policy(self, match):
        clock, ends_on = clock_of(match), agreements.in_force(match.project, START).ends_on
        with pytest.raises(Blocked, match="runs out on January 20, 2026; name a later day"):
            proposed(match, until=local_date(clock.due_at))
        latest = keeping_checks.latest(clock)
        assert latest == START.date() + policy.INPUTS_KEPT_DAYS * DAY
        with pytest.raises(Blocked, match="for 180 days from the match at most"):
            proposed(match, until=latest + DAY)
        with pytest.raises(Blocked, match="The agreement ends before that day"):
            proposed(match, until=ends_on + DAY)
        assert proposed(match, until=min(latest, ends_on)).until

    def test_a_stricter_clock_needs_a_day_that_moves_the_keys(self):
        match = strict(BusinessDays(9))  # its keys go for the copies' sake, not by the clock
        found = moments(match)
        assert found.last_at < found.due_at

        with pytest.raises(Blocked, match="keeps them as long"):
            proposed(match, until=local_date(found.due_at) + DAY)

    def test_no_day_for_which_the_keys_would_go_at_once(self, match):
        late = moments(match).sets_at + 9 * DAY  # the order waits for something, or nobody minded it
        with pytest.raises(Blocked, match="would have to go at once"):
            proposed(match, until=local_date(late) + 2 * DAY, at=late)

    def test_while_it_waits_the_day_may_come_too_near(self, match):
        row = proposed(match, until=local_date(clock_of(match).due_at) + DAY)
        late = moments(match).sets_at + 2 * DAY

        with pytest.raises(Blocked, match="would have to go at once"):
            sign(row, row.words.first(), at=late)

    def test_a_party_that_nobody_may_bind_is_named(self, match):
        people_with_role(Role.SIGNATORY, matches.agency("SDE")).update(is_active=False)

        with pytest.raises(Blocked, match="Nobody is an authorised signatory of SDE"):
            proposed(match)

    def test_not_without_an_agreement_in_force(self, match):
        row = proposed(match)
        agreements.end(
            agreements.agreement_for(match.project), by=factories.operating_group_member(), at=START
        )

        with pytest.raises(Blocked, match="No data sharing agreement is in force"):
            sign(row, row.words.first())

    def test_while_a_hold_is_in_force_nobody_signs_and_after_it_the_parties_clocks_move_along(self, match):
        row, word = proposed(match), None
        word = row.words.first()
        [before] = deadlines.alive(keeping_ends.WORD, word)
        hold = held(match)
        with pytest.raises(Blocked, match="A legal hold of a court"):
            sign(row, word)

        lifted(hold, at=START + 9 * DAY)

        [after] = deadlines.alive(keeping_ends.WORD, word)
        assert before.due_at < after.due_at == moments(match).sets_at
        assert signed(row, at=START + 9 * DAY).status == KeepingStatus.AGREED

    def test_a_hold_moves_what_was_agreed_by_as_many_days(self, match):
        signed(proposed(match))
        before = moments(match).due_at
        lifted(held(match), at=START + 3 * DAY)

        assert moments(match).due_at == before + 3 * DAY
        assert moments(match).sets_at > START + 3 * DAY
