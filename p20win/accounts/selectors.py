"""Questions about people and organisations."""

from django.db.models import Q, QuerySet

from p20win import clock
from p20win.accounts.models import Organisation, OrganisationAlias, Standing, User
from p20win.once import once


def agencies() -> QuerySet[Organisation]:
    """Return the participating agencies that take part now."""
    return Organisation.objects.filter(is_agency=True, standing=Standing.ACTIVE)


def hub() -> Organisation:
    """Return the data integration hub."""
    return Organisation.objects.get(is_hub=True)


@once
def operating_group() -> Organisation:
    """Return the operating group."""
    return Organisation.objects.get(is_operating_group=True)


def organisation_called(name: str) -> Organisation | None:
    """Return the organisation with this legal name, short name, slug or alias, whatever its case (O-123)."""
    name = " ".join(name.split())
    found = Organisation.objects.filter(
        Q(legal_name__iexact=name) | Q(short_name__iexact=name) | Q(slug__iexact=name)
    ).first()
    if found:
        return found
    alias = OrganisationAlias.objects.select_related("organisation").filter(name__iexact=name).first()
    return alias.organisation if alias else None


def people_with_role(role: str, organisation: Organisation | None = None) -> QuerySet[User]:
    """Return those who hold a role now, for this organisation if one is given."""
    today = clock.state_date(clock.now())
    holds = Q(role_holdings__role=role, role_holdings__since__lte=today) & (
        Q(role_holdings__until__isnull=True) | Q(role_holdings__until__gte=today)
    )
    if organisation is not None:
        holds &= Q(role_holdings__organisation=organisation)
    return User.objects.filter(holds, is_active=True, standing=Standing.ACTIVE).distinct()
