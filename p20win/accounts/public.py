"""The door of accounts."""

from p20win.accounts.checks import (
    any_of,
    is_hub_staff,
    is_operating_group,
    is_system,
    why_not_input_rule,
    why_not_key,
    why_not_role,
)
from p20win.accounts.models import (
    Organisation,
    OrganisationAlias,
    Role,
    RoleHolding,
    SigningKey,
    Standing,
    User,
)
from p20win.accounts.selectors import agencies, hub, operating_group, organisation_called, people_with_role
from p20win.accounts.services import (
    add_organisation,
    add_person,
    demo_offset,
    enrol_key,
    give_role,
    move_demo_clock,
    revoke_key,
    set_input_rule,
    system_user,
)

__all__ = [
    "Organisation",
    "OrganisationAlias",
    "Role",
    "RoleHolding",
    "SigningKey",
    "Standing",
    "User",
    "add_organisation",
    "add_person",
    "agencies",
    "any_of",
    "demo_offset",
    "enrol_key",
    "give_role",
    "hub",
    "is_hub_staff",
    "is_operating_group",
    "is_system",
    "move_demo_clock",
    "operating_group",
    "organisation_called",
    "people_with_role",
    "revoke_key",
    "set_input_rule",
    "system_user",
    "why_not_input_rule",
    "why_not_key",
    "why_not_role",
]
