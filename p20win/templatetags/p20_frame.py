"""What the frame of every page shows: the places one may go to, and how far the demo's clock is ahead."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass
from typing import Any, Final

from django import template
from django.template.context import RequestContext
from django.urls import NoReverseMatch, reverse

from p20win.accounts.public import Role

register = template.Library()

EVERYONE: Final = frozenset(Role.values)


@dataclass(frozen=True)
class Place:
    """One entry of the main navigation, who has something to do there, and what else belongs to it."""

    label: str
    url_name: str
    roles: frozenset[str] = EVERYONE
    also: tuple[str, ...] = ()  # addresses of pages that one reaches from there, though they begin otherwise


INBOX: Final = Place("Inbox", "notifications:inbox")
PLACES: Final = (
    Place("Home", "home", also=("/deadlines/",)),
    Place("Requests", "requests_app:index", also=("/projects/",)),
    Place("Agreements", "agreements:index", also=("/organisations/",)),
    Place("Files", "custody:slots"),
    Place(
        "Matching",
        "matching:index",
        frozenset({Role.REQUESTOR, Role.DATA_STEWARD, Role.HUB_STAFF, Role.OPERATING_GROUP}),
    ),
    Place("Outputs", "disclosure:index", EVERYONE - {Role.SIGNATORY}),
    INBOX,
    Place(
        "Logs", "logs", frozenset({Role.DATA_STEWARD, Role.HUB_STAFF, Role.OPERATING_GROUP}), ("/ledger/",)
    ),
    Place("Legal holds", "custody:holds", frozenset({Role.HUB_STAFF, Role.OPERATING_GROUP})),
    Place(
        "Health",
        "health",
        frozenset({Role.HUB_STAFF, Role.OPERATING_GROUP}),
        ("/jobs/", "/files/keys/", "/files/room/"),
    ),
)


@register.simple_tag(takes_context=True)
def places(context: RequestContext) -> list[dict[str, Any]]:
    """Return the entries of the navigation for the person who is looking; none before they signed in."""
    if "roles" not in context:
        return []
    current, shown = _place_of(context.request.path), []
    for place in PLACES:
        url = _address(place.url_name)
        if url and (place.roles == EVERYONE or context["roles"] & place.roles):
            count = context.get("unread", 0) if place is INBOX else 0
            shown.append({"label": place.label, "url": url, "here": place is current, "count": count})
    return shown


def _place_of(path: str) -> Place | None:
    """Return the one place that a page belongs to: that with the longest beginning of its address."""
    found: tuple[int, Place | None] = (0, None)
    for place in PLACES:
        for beginning in filter(None, (_address(place.url_name), *place.also)):
            fits = path == "/" if beginning == "/" else path.startswith(beginning)
            if fits and len(beginning) > found[0]:
                found = len(beginning), place
    return found[1]


def _address(name: str) -> str:
    try:
        return reverse(name)
    except NoReverseMatch:
        return ""  # a house test names every entry whose page does not exist


@register.filter
def in_days(ahead: dt.timedelta | None) -> str:
    """Write how far the demo clock is ahead, in days; nothing if it shows the real time."""
    days = round((ahead or dt.timedelta()) / dt.timedelta(days=1), 1)
    if not days:
        return ""
    return f"{days:g} day{'' if days == 1 else 's'} ahead"
