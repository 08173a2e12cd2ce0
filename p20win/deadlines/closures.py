"""Closed days: the law's list, with what the operating group added or took out, and due moments by them."""

import datetime as dt
from collections.abc import Iterable, Mapping

from p20win import calendar, policy
from p20win.calendar import Due, Rule, StateCalendar
from p20win.deadlines.models import HolidayOverride


def state_calendar(*, paused: Iterable[dt.date] = ()) -> StateCalendar:
    """Return the calendar as it stands, with days on which a clock was held counted as closed."""
    added = dict.fromkeys(paused, "The clock was held")
    removed = set()
    for override in HolidayOverride.objects.filter(withdrawn_at__isnull=True):
        if override.is_closed:
            added[override.day] = override.name
        else:
            removed.add(override.day)
    return StateCalendar(added=added, removed=frozenset(removed))


def due(rule: Rule | str, *, start: dt.datetime) -> Due:
    """Find the due moment of a rule, or of a policy rule by its slug, with its derivation.

    :raises KeyError: if no rule of policy.py has this slug
    """
    return calendar.due(_rule(rule), start=start, closed=state_calendar())


def strictest(rules: Mapping[str, Rule | str], *, start: dt.datetime) -> tuple[str, Due]:
    """Return the name and moment of the strictest of several rules.

    :raises ValueError: if there is none, or waiting times stand among deadlines
    """
    named = {name: _rule(rule) for name, rule in rules.items()}
    return calendar.strictest(named, start=start, closed=state_calendar())


def _rule(rule: Rule | str) -> Rule:
    return policy.RULES[rule] if isinstance(rule, str) else rule
