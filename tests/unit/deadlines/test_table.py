"""The table of clocks fits the policy, and rules can be kept as text."""

import pytest

from p20win import calendar, policy
from p20win.calendar import BusinessDays
from p20win.deadlines import checks, rules
from p20win.deadlines.clocks import CLOCKS, Basis, clock_of


def test_every_rule_has_one_clock_and_every_clock_its_rule():
    assert set(CLOCKS) == set(policy.RULES)


@pytest.mark.parametrize("slug", policy.RULES)
def test_a_rule_survives_being_written(slug):
    rule = policy.RULES[slug]

    assert rules.read(rules.write(rule)) == rule
    assert len(rules.write(rule)) <= 40


@pytest.mark.parametrize("text", ["", "within:fortnight:2", "soon:hour:1", "within:hour:two", "within:hour"])
def test_other_text_is_no_rule(text):
    with pytest.raises(ValueError, match="No rule is written"):
        rules.read(text)


def test_only_clocks_in_business_days_can_be_held():
    held = [clock for clock in CLOCKS.values() if clock.paused_while]

    assert {clock.slug for clock in held} == {"completeness-check", "agency-decision"}
    assert all(isinstance(clock.rule, BusinessDays) for clock in held)


def test_reminders_come_in_time_order_and_deadlines_of_people_have_one():
    start = calendar.start_of_day(calendar.dt.date(2026, 3, 2))
    for clock in CLOCKS.values():
        due = calendar.due(clock.rule, start=start, closed=calendar.StateCalendar()).at
        moments = [
            calendar.due(calendar.Before(unit), start=due, closed=calendar.StateCalendar()).at
            for unit in clock.remind
        ]
        assert moments == sorted(moments), clock.slug
        assert clock.remind or clock.slug in {
            "voluntary-suspension-notice",
            "board-notice",
            "certificate-kept",
            "destruction-hour",
            "closing-hour",
        }


def test_every_basis_has_its_words():
    assert set(checks.WORDS) == set(Basis)


@pytest.mark.obligation("O-06")
def test_a_statement_is_called_back_to_mind_60_30_14_and_1_days_before():
    assert [unit.count for unit in clock_of("confidentiality-lapse").remind] == [60, 30, 14, 1]
