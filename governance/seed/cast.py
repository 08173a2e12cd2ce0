"""Who plays which part in a project of the demo."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

from p20win.accounts.public import Organisation, Role, User, hub, operating_group


@dataclass(frozen=True)
class Cast:
    """A recipient and some agencies, and their people, found by role."""

    recipient_slug: str
    agency_slugs: tuple[str, ...]

    @cached_property
    def recipient(self) -> Organisation:
        """Return who asks for the data."""
        return Organisation.objects.get(slug=self.recipient_slug)

    @cached_property
    def agencies(self) -> list[Organisation]:
        """Return the agencies asked, in the order given."""
        known = {o.slug: o for o in Organisation.objects.filter(slug__in=self.agency_slugs)}
        return [known[slug] for slug in self.agency_slugs]

    @cached_property
    def team(self) -> list[User]:
        """Return the recipient's researchers; the first of them is the requestor."""
        return _holders(Role.REQUESTOR, self.recipient)

    @property
    def requestor(self) -> User:
        """Return who writes the request."""
        return self.team[0]

    @cached_property
    def hub_staff(self) -> User:
        """Return who runs the match."""
        return _holders(Role.HUB_STAFF, hub())[-1]

    @cached_property
    def hub_colleague(self) -> User:
        """Return the second person at the hub, without whom nothing is destroyed before its time."""
        return next(person for person in _holders(Role.HUB_STAFF, hub()) if person != self.hub_staff)

    @cached_property
    def coordinator(self) -> User:
        """Return who runs the process at the operating group."""
        return _holders(Role.OPERATING_GROUP, operating_group())[0]

    def board_member(self, agency: Organisation) -> User:
        """Return who decides for an agency."""
        return _holders(Role.BOARD_MEMBER, agency)[0]

    def steward(self, agency: Organisation) -> User:
        """Return who sends an agency's files and agrees to its match."""
        return _holders(Role.DATA_STEWARD, agency)[0]

    def signatory(self, organisation: Organisation) -> User:
        """Return who signs agreements for an organisation."""
        return _holders(Role.SIGNATORY, organisation)[0]

    def contact(self, supplier: Organisation) -> User:
        """Return who sends a supplier's lists."""
        return supplier.people.order_by("email")[0]


def _holders(role: str, organisation: Organisation) -> list[User]:
    """Return who holds a role for an organisation, those with fewer roles first.

    :raises LookupError: if nobody does
    """
    rows = User.objects.filter(
        role_holdings__role=role, role_holdings__organisation=organisation, is_active=True
    )
    found = sorted(rows.distinct(), key=lambda user: (len(user.roles()), user.email))
    if not found:
        raise LookupError(f"Nobody is {Role(role).label.lower()} of {organisation.short_name}.")
    return found
