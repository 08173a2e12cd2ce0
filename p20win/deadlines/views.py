"""Pages about deadlines: what waits for me, how a date came about, closed days, the calendar address."""

import datetime as dt
import uuid

from django.conf import settings
from django.contrib import messages
from django.http import Http404, HttpResponse
from django.http.request import HttpRequest
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_GET, require_POST

from p20win import calendar, clock
from p20win.access import SignedInRequest, members_only, public, roles_only
from p20win.accounts.public import Role, is_operating_group
from p20win.audit.public import events_of
from p20win.deadlines import feeds, lifecycle, overrides, selectors
from p20win.deadlines.clocks import CLOCKS
from p20win.deadlines.forms import ClosedDayForm, YearForm
from p20win.deadlines.models import Deadline, HolidayOverride
from p20win.refusal import Blocked

SOON = dt.timedelta(days=7)
LABELS = {step.event: step.label for step in lifecycle.STEPS} | {
    "deadline.started": "Clock started",
    "deadline.reminder": "Reminder sent",
    "deadline.escalated": "Operating group told",
    "deadline.recalculated": "Worked out anew, as the closed days changed",
    "deadline.excused": "Reason of force majeure recorded",
}


@members_only
@require_GET
@never_cache
def mine(request: SignedInRequest) -> HttpResponse:
    """Show what waits for the person, due next first."""
    now = clock.now()
    rows = list(selectors.waiting_for(request.user, at=now))
    groups = [
        {"title": "Overdue", "rows": [row for row in rows if row.is_late]},
        {"title": "In the next seven days", "rows": [row for row in rows if _is_soon(row, now)]},
        {"title": "Later", "rows": [row for row in rows if not row.is_late and not _is_soon(row, now)]},
    ]
    context = {"groups": groups, "count": len(rows), "feed": feeds.has_feed(request.user)}
    return render(request, "deadlines/mine.html", context)


def _is_soon(row: Deadline, now: dt.datetime) -> bool:
    return not row.is_late and row.due_at <= now + SOON


@members_only
@require_GET
@never_cache
def detail(request: SignedInRequest, pk: uuid.UUID) -> HttpResponse:
    """Show one deadline: how its date came about, what is planned, and what happened."""
    row = get_object_or_404(selectors.visible_to(request.user), pk=pk)
    entries = [
        {"at": event.at, "title": LABELS.get(event.event, "Changed"), "note": event.note}
        for event in events_of(row).reverse()
    ]
    marks = row.marks.filter(reached_at__isnull=True, dropped_at__isnull=True)
    context = {"row": row, "clock": CLOCKS.get(row.slug), "entries": entries, "marks": marks}
    return render(request, "deadlines/detail.html", context)


@members_only
@require_GET
def closed_days(request: SignedInRequest) -> HttpResponse:
    """Show the days that do not count, of one year."""
    year = YearForm(request.GET).chosen(calendar.local_date(clock.now()))
    context = {
        "year": year,
        "holidays": [
            (day, name)
            for day, name in calendar.legal_holidays(year).items()
            if day.weekday() not in calendar.WEEKEND
        ],
        "overrides": HolidayOverride.objects.filter(day__year=year, withdrawn_at__isnull=True),
        "may_change": is_operating_group(None, request.user) is None,
    }
    return render(request, "deadlines/closed_days.html", context)


@roles_only(Role.OPERATING_GROUP)
def enter_closed_day(request: SignedInRequest) -> HttpResponse:
    """Close a day or open one, against the law's list."""
    form = ClosedDayForm(request.POST or None)
    if request.method == "POST" and form.is_valid():
        try:
            row = overrides.override_day(**form.cleaned_data, by=request.user, at=clock.now())
        except Blocked as refusal:
            form.add_error(None, " ".join(refusal.reasons))
        else:
            messages.success(request, "Entered. Deadlines that it moves were worked out anew.")
            return redirect(f"{reverse('deadlines:closed_days')}?year={row.day.year}")
    return render(request, "deadlines/enter_closed_day.html", {"form": form})


@roles_only(Role.OPERATING_GROUP)
@require_POST
def withdraw_closed_day(request: SignedInRequest, pk: uuid.UUID) -> HttpResponse:
    """Go back to the law's list for a day."""
    row = get_object_or_404(HolidayOverride, pk=pk)
    try:
        overrides.withdraw_override(row, by=request.user, at=clock.now())
    except Blocked as refusal:
        messages.error(request, " ".join(refusal.reasons))
    else:
        messages.success(request, "Withdrawn. Deadlines that it moves were worked out anew.")
    return redirect(f"{reverse('deadlines:closed_days')}?year={row.day.year}")


@members_only
@require_POST
@never_cache
def make_feed(request: SignedInRequest) -> HttpResponse:
    """Make the person's calendar address and show it, this once."""
    secret = feeds.make_feed(request.user, at=clock.real_now())
    address = settings.PORTAL_ADDRESS.rstrip("/") + reverse("deadlines:feed", args=[secret])
    return render(request, "deadlines/feed_made.html", {"address": address})


@members_only
@require_POST
def revoke_feed(request: SignedInRequest) -> HttpResponse:
    """End the person's calendar address."""
    ended = feeds.revoke_feed(request.user, at=clock.real_now())
    messages.success(request, "The calendar address no longer works." if ended else "There was none in use.")
    return redirect("deadlines:mine")


@public
@require_GET
@never_cache
def feed(request: HttpRequest, secret: str) -> HttpResponse:
    """Answer a calendar program that knows a person's secret address; to all others there is nothing here."""
    person = feeds.owner_of(secret)
    if person is None:
        raise Http404
    file = feeds.calendar_of(person, at=clock.now())
    return HttpResponse(file, content_type="text/calendar; charset=utf-8")
