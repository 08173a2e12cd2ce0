"""Changing the list of closed days: an act of the operating group that moves deadlines, visibly."""

import datetime as dt
from typing import TYPE_CHECKING

from django.db import transaction

from p20win import calendar
from p20win.accounts.public import is_operating_group
from p20win.audit.public import first_in_line
from p20win.deadlines.closures import state_calendar
from p20win.deadlines.models import HolidayOverride
from p20win.deadlines.services import recalculate_all
from p20win.refusal import Blocked
from p20win.workflow import amend, create

if TYPE_CHECKING:
    from p20win.accounts.models import User


@transaction.atomic
def override_day(day: dt.date, *, is_closed: bool, name: str, by: "User", at: dt.datetime) -> HolidayOverride:
    """Close a day that the law's list does not have, or open one that it has, and work out deadlines anew.

    :raises Blocked: if the person is not of the operating group, or it would change nothing
    """
    _only_operating_group(by)
    if not name.strip():
        raise Blocked("Say why: the name stands in every deadline that it moves.")
    if state_calendar().is_business_day(day) is not is_closed:
        raise Blocked("This day is closed already." if is_closed else "This day is open already.")
    if day.weekday() in calendar.WEEKEND:
        raise Blocked("Weekends are never business days.")
    row = HolidayOverride(day=day, is_closed=is_closed, name=name.strip(), entered_at=at)
    row = create(
        "closed_day.entered", row, by=by, at=at, details={"day": day.isoformat(), "closed": is_closed}
    )
    recalculate_all(cause=str(row.pk), by=by, at=at)
    return row


@transaction.atomic
def withdraw_override(row: HolidayOverride, *, by: "User", at: dt.datetime) -> HolidayOverride:
    """Go back to the law's list for this day, and work out deadlines anew.

    :raises Blocked: if the person is not of the operating group, or it was withdrawn before
    """
    _only_operating_group(by)
    first_in_line()
    row = HolidayOverride.objects.select_for_update().get(pk=row.pk)
    if row.withdrawn_at is not None:
        raise Blocked("This was withdrawn before.")
    row = amend(
        "closed_day.withdrawn", row, by=by, at=at, details={"day": row.day.isoformat()}, withdrawn_at=at
    )
    recalculate_all(cause=str(row.pk), by=by, at=at)
    return row


def _only_operating_group(by: "User") -> None:
    if why := is_operating_group(None, by):
        raise Blocked(why)
