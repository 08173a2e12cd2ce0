"""What became of a list of a third party: told to hub and supplier, and to nobody else (O-126)."""

from typing import TYPE_CHECKING, Any

from matching import standing
from matching.engine import page_words
from matching.models import ExpectedFile, JoinedList, MatchRun
from p20win.accounts.public import Role
from p20win.custody import public as custody

if TYPE_CHECKING:
    from django.db.models import QuerySet

    from p20win.accounts.models import User
    from p20win.custody.models import UploadSlot

TITLE = "What was counted of this list"


def counts_for(run: MatchRun, person: "User") -> "QuerySet[JoinedList]":
    """Return the lists of a run whose counts this person is told: the hub all, who sent a list its own.

    Of an invited supplier that is the invited person, and nobody of the agency whose identifiers it holds. A
    list that the agency sent itself, as the portal did not know whom to ask, is that agency's own here.
    """
    rows = JoinedList.objects.filter(run=run).select_related("slot", "expected__agency")
    if person.has_role(Role.HUB_STAFF):
        return rows
    if person.organisation_id is None:
        return rows.none()
    own = custody.visible_slots(person).filter(supplier=person.organisation_id)
    return rows.filter(slot__in=own.values("pk"))


def counts(run: MatchRun, person: "User") -> list[dict[str, Any]]:
    """Return the counts of a run's lists as the report's page shows them to this person."""
    return [
        {
            "title": row.slot.title,
            "agency": row.expected.agency.short_name,
            "named": page_words.number(row.named),
            "unknown": page_words.number(row.unknown),
        }
        for row in counts_for(run, person)
    ]


def aside(slot: "UploadSlot", person: "User") -> custody.Aside | None:
    """Tell on the page of a list's slot what the last run that counts found of it."""
    row = ExpectedFile.objects.filter(slot=slot).select_related("match").first()
    run = standing.latest_result(row.match) if row else None
    told = counts_for(run, person).filter(slot=slot).first() if run else None
    if told is None:
        return None
    agency = told.expected.agency.short_name
    lines = (
        f"Identifiers in the list: {page_words.number(told.named)}.",
        f"Of these not known to {agency}: {page_words.number(told.unknown)}.",
        "Only you and the hub are told. A small count, or one that would tell a small one, is hidden."
        if not person.has_role(Role.HUB_STAFF)
        else "Only the hub and the supplier of the list are told. Small counts are hidden.",
    )
    return custody.Aside("counted", TITLE, lines)
