"""An agency's extract instruction as pages show it: beside the slots of its files, and as a paper (O-125)."""

import datetime as dt
from typing import TYPE_CHECKING, Any, Final

from django.urls import reverse

from agreements import public as agreements
from matching import standing
from matching.models import ExpectedFile, Form, Match
from p20win.accounts.public import Role
from p20win.custody import public as custody
from requests_app import public as requests

if TYPE_CHECKING:
    from p20win.accounts.models import Organisation, User
    from p20win.custody.models import UploadSlot

TITLE: Final = "What to take from your records"
_ENCODED: Final = (
    "Identifiers are sent as keyed encodings: make them with “p20 encode”; none leaves the agency."
)
_KEY: Final = (
    "The match is delivered as a key alone: no analytical file is sent to the hub. What is not wanted"
    " is left out wherever you give them."
)


def agencies_for(match: Match, person: "User") -> "list[Organisation]":
    """Return whose instructions a person reads: hub and operating group everybody's, an agency its own."""
    everybody = standing.agencies(match.project)
    if person.has_role(Role.HUB_STAFF) or person.has_role(Role.OPERATING_GROUP):
        return everybody
    return [agency for agency in everybody if agency.pk == person.organisation_id]


def shown(match: Match, agency: "Organisation", revision: int | None = None) -> dict[str, Any] | None:
    """Return what page and paper tell of an agency's instruction, by one revision or the newest one."""
    versions = requests.instructions(match.project, agency)
    chosen = next((each for each in versions if revision in (None, each.revision)), None)
    if chosen is None:
        return None
    return {
        "match": match,
        "agency": agency,
        "instruction": chosen,
        "said": chosen.as_dict(),
        "versions": versions,
        "is_newest": chosen == versions[0],
        "notes": notes(match, agency),
    }


def notes(match: Match, agency: "Organisation") -> list[str]:
    """Return in what the files of this match differ from what was approved."""
    rows = match.expected_files.filter(agency=agency, kind=custody.DataClass.MATCHING).select_related("slot")
    told = []
    for row in rows:
        if left_out := row.slot.spec.get("not_asked"):
            told.append(
                f"Approved and not asked for: {', '.join(left_out)}. No link to wage records needs it."
            )
        if row.slot.spec.get("encoded"):
            told.append(_ENCODED)
    return told + ([_KEY] if standing.terms(match).form == Form.KEY else [])


def paper(told: dict[str, Any], at: dt.datetime) -> bytes:
    """Return as a paper what `shown` gives.

    :raises MustWait: if the system libraries for papers are missing
    """
    return agreements.make_paper("documents/extract_instruction.html", told | {"at": at})


def for_machine(slot: "UploadSlot", agency: "Organisation") -> dict[str, Any] | None:
    """Return for the agency's own machine what the file of a slot is made from, and what differs from it."""
    row = _expected(slot)
    if row is None or row.agency_id != agency.pk:
        return None
    told = shown(row.match, agency)
    return None if told is None else {"instruction": told["said"], "notes": told["notes"]}


def _expected(slot: "UploadSlot") -> ExpectedFile | None:
    kinds = (custody.DataClass.MATCHING, custody.DataClass.ANALYTICAL)
    rows = ExpectedFile.objects.filter(slot=slot, kind__in=kinds)
    return rows.select_related("match__project", "agency").first()


def aside(slot: "UploadSlot", person: "User") -> custody.Aside | None:
    """Lead who sends an agency's file to what it is made from."""
    row = _expected(slot)
    if row is None or row.agency not in agencies_for(row.match, person):
        return None
    versions = requests.instructions(row.match.project, row.agency)
    if not versions:
        return None
    refused = [people.name for people in versions[0].populations if not people.wanted]
    lines = ["The extract instruction says which people, which years and which elements were approved."]
    if refused:
        lines.append(f"Nothing is wanted from {row.agency.short_name} on: {', '.join(refused)}.")
    where = [row.match_id, row.agency.slug]
    return custody.Aside(
        "extract",
        TITLE,
        tuple(lines),
        (
            ("The extract instruction", reverse("matching:instruction", args=where)),
            ("As a paper (PDF)", reverse("matching:instruction-pdf", args=where)),
            ("For programs (JSON)", reverse("matching:instruction-json", args=where)),
        ),
    )
