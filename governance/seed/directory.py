"""The demo's organisations, people, memorandum signatures and matching methods, each made once."""

from __future__ import annotations

import datetime as dt
from collections.abc import Collection
from typing import Final

from django.contrib.auth.hashers import make_password

from agreements import public as agreements
from fixtures import directory
from p20win import clock
from p20win.accounts.public import (
    Organisation,
    Role,
    User,
    add_organisation,
    add_person,
    give_role,
    system_user,
)

# Shown on the demo's sign-in page: demo people sign documents with it. It exists in demo mode alone.
DEMO_PASSWORD: Final = "bluebird at the landing"  # noqa: S105
METHODS: Final = (
    (
        "hybrid",
        "The hub's engine",
        "Certain agreement first, then probabilities learnt in each run, families kept apart; on DuckDB.",
    ),
    ("cascade", "Exact passes", "Records that agree exactly on one of a dozen combinations; on DuckDB."),
    ("splink", "Splink", "Probabilistic linkage with term frequencies and calibrated thresholds, on DuckDB."),
    (
        "toolkit",
        "Record Linkage Toolkit",
        "Rule-based comparison of blocked pairs; the reference for small files.",
    ),
    ("tokens", "Keyed tokens", "For files without identifiers: tokens made by the agencies, joined exactly."),
    (
        "clk",
        "Keyed tokens and Bloom filters",
        "For files without identifiers: tokens first, then likeness of hardened Bloom filters.",
    ),
)


def organisations(at: dt.datetime, *, only: Collection[str] | None = None) -> dict[str, Organisation]:
    """Add the demo's organisations that are missing, and return all by slug."""
    have = {row.slug: row for row in Organisation.objects.all()}
    for entry in directory.organisations():
        if entry.slug in have or (only is not None and entry.slug not in only):
            continue
        have[entry.slug] = add_organisation(
            entry.slug,
            legal_name=entry.legal_name,
            short_name=entry.short_name,
            aliases=entry.aliases,
            by=system_user(),
            at=at,
            is_agency=entry.is_agency,
            is_hub=entry.is_hub,
            is_operating_group=entry.is_operating_group,
            is_state_body=entry.is_state_body,
            hides_zeros=entry.hides_zeros,
            min_cell_count=entry.min_cell_count,
            destroys_inputs_within_hours=entry.destroys_inputs_within_hours,
            destroys_inputs_within_business_days=entry.destroys_inputs_within_business_days,
            notice_email=f"notices@{entry.slug}.example.org",
        )
    return have


def people(known: dict[str, Organisation], at: dt.datetime) -> list[User]:
    """Add the people of these organisations that are missing, with their roles, and return the new ones."""
    have = set(User.objects.values_list("email", flat=True))
    password_hash = make_password(DEMO_PASSWORD)  # hashing is slow on purpose, and all have the same
    added = []
    for entry in directory.people():
        organisation = known.get(entry.organisation)
        if organisation is None or entry.email in have:
            continue
        person = add_person(
            entry.email,
            name=entry.name,
            organisation=organisation,
            by=system_user(),
            at=at,
            position=entry.position,
            phone=entry.phone,
            is_state_employee=entry.is_state_employee,
            password_hash=password_hash,
        )
        for role in entry.roles:
            since = clock.state_date(at)
            give_role(person, role, organisation=organisation, by=system_user(), at=at, since=since)
        added.append(person)
    return added


def papers(known: dict[str, Organisation], at: dt.datetime) -> None:
    """Record the memorandum's signatures and the approved matching methods, where they are missing."""
    by = User.objects.filter(role_holdings__role=Role.OPERATING_GROUP).order_by("email")[0]
    today = clock.state_date(at)
    for organisation in known.values():
        bound = organisation.is_agency or organisation.is_hub or organisation.is_operating_group
        if bound and not agreements.emou_in_force(organisation, today):
            ends_on = today.replace(year=today.year + 3, day=min(today.day, 28))
            agreements.record_emou(organisation, starts_on=today, ends_on=ends_on, by=by, at=at)
    on_record = {method.slug for method in agreements.approved_methods(at)}
    for slug, name, description in METHODS:
        if slug not in on_record:
            agreements.record_method(
                slug,
                version=1,
                name=name,
                engine=slug,
                description=description,
                approved_on=today,
                reference="Minutes of the demo's first day",
                by=by,
                at=at,
            )
