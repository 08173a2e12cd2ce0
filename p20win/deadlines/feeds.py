"""Calendar feeds: a secret address for each person, revocable, with dates and tasks and no personal data."""

import datetime as dt
import secrets
from hashlib import sha256
from typing import TYPE_CHECKING

from django.conf import settings
from django.db import transaction
from icalendar import Calendar, Event

from p20win import calendar
from p20win.deadlines import selectors
from p20win.deadlines.models import Deadline, Feed
from p20win.workflow import amend, create

if TYPE_CHECKING:
    from p20win.accounts.models import User


@transaction.atomic
def make_feed(person: "User", *, at: dt.datetime) -> str:
    """Make a new secret for the person's calendar address, end the old one, and return it to show once."""
    _end(person, at=at)
    secret = secrets.token_urlsafe(32)
    create("calendar_feed.made", Feed(person=person, digest=_digest(secret), made_at=at), by=person, at=at)
    return secret


@transaction.atomic
def revoke_feed(person: "User", *, at: dt.datetime) -> bool:
    """End the person's calendar address at once; say whether there was one."""
    return _end(person, at=at)


def _end(person: "User", *, at: dt.datetime) -> bool:
    feed = Feed.objects.select_for_update().filter(person=person, revoked_at__isnull=True).first()
    if feed is None:
        return False
    amend("calendar_feed.revoked", feed, by=person, at=at, revoked_at=at)
    return True


def has_feed(person: "User") -> Feed | None:
    """Return the address in use, without its secret; None if there is none."""
    return Feed.objects.filter(person=person, revoked_at__isnull=True).first()


def owner_of(secret: str) -> "User | None":
    """Return whose calendar this secret opens; None if it opens none, or they take no part any more."""
    found = Feed.objects.filter(digest=_digest(secret), revoked_at__isnull=True)
    feed = found.select_related("person__organisation").first()
    return feed.person if feed and feed.person.has_good_standing else None


def _digest(secret: str) -> str:
    return sha256(secret.encode()).hexdigest()


def calendar_of(person: "User", *, at: dt.datetime) -> bytes:
    """Return what waits for this person as an iCalendar file: request number, task and date, no names."""
    file = Calendar()
    file.add("prodid", "-//P20 WIN//Deadlines//EN")
    file.add("version", "2.0")
    file.add("method", "PUBLISH")
    file.add("x-wr-calname", "P20 WIN deadlines")
    file.add("refresh-interval", dt.timedelta(hours=1), parameters={"value": "DURATION"})
    for deadline in selectors.waiting_for(person, at=at):
        file.add_component(_entry(deadline, at=at))
    return bytes(file.to_ical())


def _entry(deadline: Deadline, *, at: dt.datetime) -> Event:
    entry = Event()
    number = deadline.project.number if deadline.project else ""
    entry.add("uid", f"{deadline.pk}@p20win")
    entry.add("summary", " – ".join(filter(None, [number, _said(deadline)])))
    entry.add("dtstamp", at.replace(microsecond=0))
    day = calendar.local_date(deadline.due_at)
    if deadline.due_at == calendar.end_of_day(day):
        entry.add("dtstart", day)  # a whole day: it falls due when the day ends
        entry.add("dtend", day + calendar.DAY)
    else:
        entry.add("dtstart", deadline.due_at.astimezone(dt.UTC).replace(microsecond=0))
    entry.add("description", f"{deadline.get_kind_display()}. Rule: {deadline.derivation['rule']}.")
    entry.add("url", settings.PORTAL_ADDRESS.rstrip("/") + deadline.get_absolute_url())
    entry.add("transp", "TRANSPARENT")
    return entry


def _said(deadline: Deadline) -> str:
    return f"Overdue: {deadline.title}" if deadline.is_late else deadline.title
