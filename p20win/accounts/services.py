"""Acts on people and organisations."""

import datetime as dt
from collections.abc import Iterable
from hashlib import sha256
from typing import Any

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from django.contrib.auth.hashers import make_password
from django.contrib.auth.models import Group
from django.db import transaction

from p20win import policy
from p20win.accounts import checks
from p20win.accounts.models import (
    DemoClock,
    Organisation,
    OrganisationAlias,
    Role,
    RoleHolding,
    SigningKey,
    User,
)
from p20win.calendar import BusinessDays, Hours
from p20win.refusal import Blocked
from p20win.workflow import amend, create

SYSTEM_EMAIL = "portal@p20win.example.org"


def system_user() -> User:
    """Return the actor of what the portal does by itself."""
    user, _ = User.objects.get_or_create(
        is_system=True, defaults={"email": SYSTEM_EMAIL, "name": "The portal", "is_active": False}
    )
    return user


@transaction.atomic
def add_organisation(
    slug: str,
    *,
    legal_name: str,
    short_name: str,
    by: User,
    at: dt.datetime,
    aliases: Iterable[str] = (),
    **terms: Any,
) -> Organisation:
    """Add an organisation with its aliases (O-02, O-123)."""
    group, _ = Group.objects.get_or_create(name=f"organisation:{slug}")
    organisation = create(
        "organisation.added",
        Organisation(slug=slug, legal_name=legal_name, short_name=short_name, group=group, **terms),
        by=by,
        at=at,
    )
    for name in aliases:
        OrganisationAlias.objects.create(organisation=organisation, name=name)
    return organisation


@transaction.atomic
def set_input_rule(
    organisation: Organisation, rule: Hours | BusinessDays | None, *, reason: str, by: User, at: dt.datetime
) -> Organisation:
    """Set within what an organisation's inputs are destroyed; None leaves it to the agreements (O-107).

    Clocks that run already keep the rule with which they started.

    :raises Blocked: by anyone but the operating group, without a reason, or if agreements ask for less time
    """
    refused = [why] if (why := checks.is_operating_group(organisation, by)) else []
    if rule is not None and (why := checks.why_not_input_rule(rule)):
        refused.append(why)
    if not reason.strip():
        refused.append("Say why, or where the organisation asked for it.")
    if refused:
        raise Blocked(refused)
    before = organisation.input_rule
    return amend(
        "organisation.input_rule_set",
        organisation,
        by=by,
        at=at,
        note=reason.strip(),
        details={"before": str(before or ""), "after": str(rule or "")},
        destroys_inputs_within_hours=rule.count if isinstance(rule, Hours) else None,
        destroys_inputs_within_business_days=rule.count if isinstance(rule, BusinessDays) else None,
    )


@transaction.atomic
def add_person(
    email: str, *, name: str, organisation: Organisation | None, by: User, at: dt.datetime, **fields: Any
) -> User:
    """Add a person, and let them share what their organisation sees.

    `password` is hashed here; who adds many people with one password gives its hash as `password_hash`.
    """
    password, password_hash = fields.pop("password", None), fields.pop("password_hash", "")
    user = User(email=User.objects.normalize_email(email), name=name, organisation=organisation, **fields)
    user.password = password_hash or make_password(password)
    user = create("person.added", user, by=by, at=at)
    if organisation is not None:
        user.groups.add(organisation.group)
    return user


@transaction.atomic
def give_role(
    user: User, role: str, *, organisation: Organisation, by: User, at: dt.datetime, since: dt.date
) -> RoleHolding:
    """Let a person hold a role for an organisation."""
    holding = RoleHolding(user=user, role=Role(role), organisation=organisation, since=since)
    user.__dict__.pop("_roles_by_day", None)
    return create(
        "role.given", holding, by=by, at=at, details={"role": role, "organisation": organisation.slug}
    )


@transaction.atomic
def enrol_key(
    organisation: Organisation,
    *,
    public_key: bytes,
    label: str,
    by: User,
    at: dt.datetime,
    replaces: SigningKey | None = None,
) -> SigningKey:
    """Enrol an agency machine's signing key; it can be used after the cooling-off. One it replaces soon ends.

    :raises Blocked: if the person is no steward of the agency, or the key is none or known already
    """
    if why := checks.why_not_role(by, Role.DATA_STEWARD, organisation):
        raise Blocked(why)
    try:
        Ed25519PublicKey.from_public_bytes(public_key)
    except ValueError:
        raise Blocked("This is not an Ed25519 public key of 32 bytes.") from None
    fingerprint = sha256(public_key).hexdigest()
    if SigningKey.objects.filter(fingerprint=fingerprint).exists():
        raise Blocked("This key is enrolled already. Make a new one: a key that was revoked stays so.")
    if replaces and (replaces.organisation_id != organisation.pk or replaces.revoked_at or replaces.ends_at):
        raise Blocked("The key to be replaced is not in use any more.")
    usable_from = at + dt.timedelta(hours=policy.SIGNING_KEY_COOLING_HOURS)
    key = SigningKey(
        organisation=organisation,
        public_key=public_key,
        fingerprint=fingerprint,
        label=label,
        enrolled_by=by,
        enrolled_at=at,
        usable_from=usable_from,
        replaces=replaces,
    )
    details = {"fingerprint": fingerprint, "usable_from": usable_from.isoformat()}
    if replaces:
        ends_at = usable_from + dt.timedelta(days=policy.SIGNING_KEY_OVERLAP_DAYS)
        old = {"fingerprint": replaces.fingerprint, "ends_at": ends_at.isoformat()}
        amend("signing_key.replaced", replaces, by=by, at=at, details=old, ends_at=ends_at)
        details["replaces"] = replaces.fingerprint
    return create("signing_key.enrolled", key, by=by, at=at, details=details)


def revoke_key(key: SigningKey, *, by: User, at: dt.datetime, note: str = "") -> SigningKey:
    """End a key's use from now on.

    :raises Blocked: if the person is no steward of the agency, or it has ended
    """
    if why := checks.why_not_role(by, Role.DATA_STEWARD, key.organisation):
        raise Blocked(why)
    if key.revoked_at:
        raise Blocked("This key was revoked before.")
    details = {"fingerprint": key.fingerprint}
    return amend(
        "signing_key.revoked", key, by=by, at=at, note=note, details=details, revoked_at=at, revoked_by=by
    )


def demo_offset() -> dt.timedelta:
    """Return how far the demo clock is ahead."""
    ahead = DemoClock.objects.filter(pk=1).values_list("ahead_seconds", flat=True).first()
    return dt.timedelta(seconds=ahead or 0)


@transaction.atomic
def move_demo_clock(by: dt.timedelta) -> dt.timedelta:
    """Move the demo clock forward, and return how far it is ahead.

    :raises Blocked: if it would go back; deadlines that passed would come to life again
    """
    if by < dt.timedelta():
        raise Blocked("The demo clock only goes forward.")
    DemoClock.objects.get_or_create(pk=1)
    row = DemoClock.objects.select_for_update().get(pk=1)
    row.ahead_seconds += int(by.total_seconds())
    row.save(update_fields=["ahead_seconds"])
    return dt.timedelta(seconds=row.ahead_seconds)
