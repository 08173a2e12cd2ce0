"""The smallest true organisations, people and projects."""

import datetime as dt
import itertools

from p20win import clock
from p20win.accounts.models import DemoClock
from p20win.accounts.public import (
    Organisation,
    Role,
    User,
    add_organisation,
    add_person,
    give_role,
    system_user,
)
from p20win.projects.public import Part, Project, open_project, open_to_person, take_part

PASSWORD = "a long test password"
START = dt.datetime(2026, 1, 5, 15, 0, tzinfo=dt.UTC)
_numbers = itertools.count(1)


def clock_to_start() -> None:
    """Let every process that reads this database's clock begin a minute after START."""
    behind = START - clock.real_now()
    DemoClock.objects.update_or_create(pk=1, defaults={"ahead_seconds": int(behind.total_seconds()) + 60})


def organisation(**fields) -> Organisation:
    """Return a new organisation; by default a state agency."""
    n = next(_numbers)
    fields = {"is_agency": True, "is_state_body": True} | fields
    slug = fields.pop("slug", f"agency-{n}")
    return add_organisation(
        slug,
        legal_name=fields.pop("legal_name", f"Invented Agency {n}"),
        short_name=fields.pop("short_name", f"IA{n}"),
        by=system_user(),
        at=START,
        **fields,
    )


def hub() -> Organisation:
    """Return the hub, made on first use."""
    return Organisation.objects.filter(is_hub=True).first() or organisation(
        slug="hub", short_name="HUB", is_hub=True, is_agency=False
    )


def operating_group() -> Organisation:
    """Return the operating group, made on first use."""
    return Organisation.objects.filter(is_operating_group=True).first() or organisation(
        slug="operating-group", short_name="OG", is_operating_group=True, is_agency=False
    )


def recipient_organisation() -> Organisation:
    """Return a research organisation that is no agency."""
    return organisation(is_agency=False, is_state_body=False)


def person(*roles: str, at: Organisation | None = None, **fields) -> User:
    """Return a new person of this organisation, with these roles for it."""
    n = next(_numbers)
    home = at or recipient_organisation()
    user = add_person(
        fields.pop("email", f"person{n}@example.org"),
        name=fields.pop("name", f"Person Number {n}"),
        organisation=home,
        by=system_user(),
        at=START,
        password=fields.pop("password", PASSWORD),
        **fields,
    )
    for role in roles:
        give_role(user, role, organisation=home, by=system_user(), at=START, since=START.date())
    return user


def steward(agency: Organisation) -> User:
    """Return a data steward of this agency."""
    return person(Role.DATA_STEWARD, at=agency)


def operating_group_member() -> User:
    """Return someone of the operating group."""
    return person(Role.OPERATING_GROUP, at=operating_group())


def hub_member() -> User:
    """Return someone of the hub."""
    return person(Role.HUB_STAFF, at=hub())


def project(*suppliers: Organisation, requestor: User | None = None, title: str = "A project") -> Project:
    """Return an open project with these agencies as suppliers, the hub, and the requestor's organisation."""
    requestor = requestor or person(Role.REQUESTOR)
    row = open_project(title, by=requestor, at=START)
    open_to_person(row, requestor, ["view_project", "edit_request"])
    for agency in suppliers:
        take_part(row, agency, Part.SUPPLIER, by=system_user(), at=START)
    take_part(row, hub(), Part.HUB, by=system_user(), at=START)
    take_part(row, requestor.organisation, Part.RECIPIENT, by=system_user(), at=START)
    return row
