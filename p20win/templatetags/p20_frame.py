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
    """One entry of the main navigation, and who has something to do there."""

    label: str
    url_name: str
    roles: frozenset[str] = EVERYONE


INBOX: Final = Place("Inbox", "notifications:inbox")
PLACES: Final = (
    Place("Home", "home"),
    Place("Requests", "requests_app:index"),
    Place("Agreements", "agreements:index"),
    Place("Files", "custody:slots"),
    Place(
        "Matching",
        "matching:index",
        frozenset({Role.REQUESTOR, Role.DATA_STEWARD, Role.HUB_STAFF, Role.OPERATING_GROUP}),
    ),
    Place("Outputs", "disclosure:index", EVERYONE - {Role.SIGNATORY}),
    INBOX,
    Place("Logs", "logs", frozenset({Role.DATA_STEWARD, Role.HUB_STAFF, Role.OPERATING_GROUP})),
    Place("Legal holds", "custody:holds", frozenset({Role.HUB_STAFF, Role.OPERATING_GROUP})),
    Place("Health", "health", frozenset({Role.HUB_STAFF, Role.OPERATING_GROUP})),
)


@register.simple_tag(takes_context=True)
def places(context: RequestContext) -> list[dict[str, Any]]:
    """Return the entries of the navigation for the person who is looking; none before they signed in."""
    if "roles" not in context:
        return []
    path = context.request.path
    shown = []
    for place in PLACES:
        url = _address(place.url_name)
        if url and (place.roles == EVERYONE or context["roles"] & place.roles):
            here = path == url if url == "/" else path.startswith(url)
            count = context.get("unread", 0) if place is INBOX else 0
            shown.append({"label": place.label, "url": url, "here": here, "count": count})
    return shown


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
