"""People and organisations, and what each may be."""

import datetime as dt
from typing import Any, ClassVar

from django.contrib.auth.models import AbstractBaseUser, BaseUserManager, Group, PermissionsMixin
from django.core.validators import MinValueValidator
from django.db import models
from django.db.models import Q
from django.db.models.functions import Lower

from p20win import clock, policy
from p20win.audit.public import recorded
from p20win.calendar import BusinessDays, Hours, hours_or_days
from p20win.ids import uuid7


class Standing(models.TextChoices):
    """Whether an organisation or a person takes part now."""

    ACTIVE = "active", "Active"
    SUSPENDED = "suspended", "Suspended"
    LEFT = "left", "Left"


class Role(models.TextChoices):
    """What a person does in the process; held for an organisation, from a day, until a day."""

    REQUESTOR = "requestor", "Requestor"
    DATA_STEWARD = "data_steward", "Data steward"
    SIGNATORY = "signatory", "Authorised signatory"
    BOARD_MEMBER = "board_member", "Data governing board member"
    HUB_STAFF = "hub_staff", "Data integration hub staff"
    OPERATING_GROUP = "operating_group", "Operating group staff"


class Organisation(models.Model):
    """An agency, the hub, the operating group or a recipient; one may be several of these (O-01).

    Terms that differ between agencies stand here; `policy` is only the floor.
    """

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    slug = models.SlugField(max_length=40, unique=True)
    legal_name = models.CharField(max_length=200, unique=True)
    short_name = models.CharField(max_length=40, unique=True)
    is_state_body = models.BooleanField(default=False)
    is_agency = models.BooleanField("participating agency", default=False)
    is_hub = models.BooleanField("data integration hub", default=False)
    is_operating_group = models.BooleanField(default=False)
    standing = models.CharField(max_length=12, choices=Standing.choices, default=Standing.ACTIVE)
    group = models.OneToOneField(Group, on_delete=models.PROTECT, related_name="organisation")
    min_cell_count = models.PositiveSmallIntegerField(
        default=policy.MIN_CELL_COUNT, validators=[MinValueValidator(policy.MIN_CELL_COUNT)]
    )
    hides_zeros = models.BooleanField(default=True)
    destroys_inputs_within_hours = models.PositiveSmallIntegerField(
        null=True, blank=True
    )  # O-107: stricter clocks
    destroys_inputs_within_business_days = models.PositiveSmallIntegerField(null=True, blank=True)
    notice_email = models.EmailField(blank=True)

    history = recorded()

    class Meta:
        ordering: ClassVar = ["short_name"]
        constraints: ClassVar = [
            models.CheckConstraint(
                name="organisation_standing_known", condition=Q(standing__in=Standing.values)
            ),
            models.CheckConstraint(
                name="organisation_cell_floor", condition=Q(min_cell_count__gte=policy.MIN_CELL_COUNT)
            ),
            models.UniqueConstraint(name="one_hub", fields=["is_hub"], condition=Q(is_hub=True)),
            models.UniqueConstraint(
                name="one_operating_group",
                fields=["is_operating_group"],
                condition=Q(is_operating_group=True),
            ),
        ]

    def __str__(self) -> str:
        """Return the short name."""
        return self.short_name

    @property
    def input_rule(self) -> Hours | BusinessDays | None:
        """Return within what its inputs are destroyed after a match; None if it set nothing of its own."""
        return hours_or_days(
            hours=self.destroys_inputs_within_hours, business_days=self.destroys_inputs_within_business_days
        )


class OrganisationAlias(models.Model):
    """Another name under which forms, agreements and workbooks know an organisation (O-123)."""

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    organisation = models.ForeignKey(Organisation, on_delete=models.PROTECT, related_name="aliases")
    name = models.CharField(max_length=200)

    history = recorded()

    class Meta:
        constraints: ClassVar = [models.UniqueConstraint(Lower("name"), name="alias_names_one_organisation")]

    def __str__(self) -> str:
        """Return the alias."""
        return self.name


class UserManager(BaseUserManager["User"]):
    """People by e-mail address."""

    def get_by_natural_key(self, username: str | None) -> "User":
        """Find a person by address, whatever its case."""
        return self.get(email__iexact=username or "")

    def create_user(self, email: str, password: str | None = None, **fields: Any) -> "User":
        """Make a person; without a password they cannot sign in by one."""
        user = self.model(email=self.normalize_email(email), **fields)
        user.set_password(password)
        user.save(using=self._db)
        return user


class User(AbstractBaseUser, PermissionsMixin):
    """A person with an account, or the system itself."""

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    email = models.EmailField(unique=True)
    name = models.CharField(max_length=150)
    organisation = models.ForeignKey(Organisation, on_delete=models.PROTECT, null=True, related_name="people")
    position = models.CharField(max_length=120, blank=True)
    phone = models.CharField(max_length=40, blank=True)
    # Read narrowly: federal, municipal and other public staff are not (O-173).
    is_state_employee = models.BooleanField("state employee or official", default=False)
    standing = models.CharField(max_length=12, choices=Standing.choices, default=Standing.ACTIVE)
    is_active = models.BooleanField(default=True)  # Django's own gate for sign-in
    is_system = models.BooleanField(default=False)

    objects = UserManager()
    history = recorded(excluded_fields=["password", "last_login"])

    USERNAME_FIELD = "email"
    REQUIRED_FIELDS: ClassVar = ["name"]

    class Meta:
        ordering: ClassVar = ["name"]
        constraints: ClassVar = [
            models.UniqueConstraint(Lower("email"), name="user_email_once"),
            models.CheckConstraint(name="user_standing_known", condition=Q(standing__in=Standing.values)),
            models.UniqueConstraint(
                name="one_system_user", fields=["is_system"], condition=Q(is_system=True)
            ),
        ]

    def __str__(self) -> str:
        """Return the name."""
        return self.name

    @property
    def has_good_standing(self) -> bool:
        """Say whether the person and their organisation take part now."""
        if not self.is_active or self.standing != Standing.ACTIVE:
            return False
        return self.organisation is None or self.organisation.standing == Standing.ACTIVE

    def roles(self, at: dt.datetime | None = None) -> set[tuple[str, Any]]:
        """Return the roles held now, each with the organisation it is held for."""
        today = clock.state_date(at or clock.now())
        cached: dict[dt.date, set[tuple[str, Any]]] = self.__dict__.setdefault("_roles_by_day", {})
        if today not in cached:
            held = self.role_holdings.filter(since__lte=today).filter(
                Q(until__isnull=True) | Q(until__gte=today)
            )
            cached[today] = set(held.values_list("role", "organisation_id"))
        return cached[today]

    def has_role(self, role: str, organisation: Organisation | None = None) -> bool:
        """Say whether this person holds the role now, for this organisation if one is given."""
        if not self.has_good_standing:
            return False
        held = self.roles()
        return any(r == role and (organisation is None or o == organisation.pk) for r, o in held)


class RoleHolding(models.Model):
    """A person's role for an organisation, from a day until a day."""

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    user = models.ForeignKey(User, on_delete=models.PROTECT, related_name="role_holdings")
    role = models.CharField(max_length=20, choices=Role.choices)
    organisation = models.ForeignKey(Organisation, on_delete=models.PROTECT, related_name="role_holdings")
    since = models.DateField()
    until = models.DateField(null=True, blank=True)

    history = recorded()

    class Meta:
        constraints: ClassVar = [
            models.CheckConstraint(name="role_known", condition=Q(role__in=Role.values)),
            models.CheckConstraint(
                name="role_ends_after_start",
                condition=Q(until__isnull=True) | Q(until__gte=models.F("since")),
            ),
            models.UniqueConstraint(
                name="role_held_once",
                fields=["user", "role", "organisation"],
                condition=Q(until__isnull=True),
            ),
        ]

    def __str__(self) -> str:
        """Return the role's label."""
        return self.get_role_display()


class SigningKey(models.Model):
    """An agency machine's Ed25519 public key. Kept for ever, so that old signatures stay verifiable."""

    # Whose it is and what it checks stays as enrolled; the web's role can end a key and no more.
    vault_writes = frozenset(
        {"id", "organisation", "public_key", "fingerprint", "enrolled_by", "enrolled_at", "usable_from"}
    )

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    organisation = models.ForeignKey(Organisation, on_delete=models.PROTECT, related_name="signing_keys")
    public_key = models.BinaryField(max_length=32)  # raw, 32 bytes
    fingerprint = models.CharField(max_length=64, unique=True)  # SHA-256 of the raw key, hex
    label = models.CharField(max_length=80)
    enrolled_by = models.ForeignKey(User, on_delete=models.PROTECT, related_name="+")
    enrolled_at = models.DateTimeField()
    usable_from = models.DateTimeField()  # the other stewards have time to object
    replaces = models.ForeignKey("self", on_delete=models.PROTECT, null=True, blank=True, related_name="+")
    ends_at = models.DateTimeField(null=True, blank=True)  # set when another key takes its place
    revoked_at = models.DateTimeField(null=True, blank=True)
    revoked_by = models.ForeignKey(User, on_delete=models.PROTECT, null=True, blank=True, related_name="+")

    history = recorded()

    class Meta:
        ordering: ClassVar = ["-enrolled_at"]

    def __str__(self) -> str:
        """Return the label."""
        return self.label


class MachineNonce(models.Model):
    """A nonce that a signed request used up; it is refused a second time."""

    bookkeeping = True  # no history: it says nothing about a person or a project

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    key = models.ForeignKey(SigningKey, on_delete=models.CASCADE)
    nonce = models.CharField(max_length=64)
    seen_at = models.DateTimeField(db_index=True)

    class Meta:
        constraints: ClassVar = [models.UniqueConstraint(name="nonce_once", fields=["key", "nonce"])]

    def __str__(self) -> str:
        """Return the nonce."""
        return self.nonce


class DemoClock(models.Model):
    """How far the demo clock is ahead of real time; one row, read in demo and test mode alone."""

    bookkeeping = True

    id = models.SmallIntegerField(primary_key=True, default=1)
    ahead_seconds = models.BigIntegerField(default=0)

    class Meta:
        constraints: ClassVar = [models.CheckConstraint(name="one_demo_clock", condition=Q(id=1))]

    def __str__(self) -> str:
        """Return the offset."""
        return f"{self.ahead_seconds} s ahead"
