"""Destructions, and the legal holds that stop them."""

from typing import Any, ClassVar, Final

from django.db import models
from django.db.models import F, Q
from django.urls import reverse

from p20win.audit.public import recorded
from p20win.ids import uuid7


class DestructionStatus(models.TextChoices):
    """Whether it has been done."""

    ASKED = "asked", "Being destroyed"
    DONE = "done", "Destroyed"


class Destruction(models.Model):
    """The destruction of all that one organisation has in one project: keys first, then files."""

    # Anyone asks; what was done, and the proof of it, is the vault's word alone.
    vault_writes = frozenset(
        {"id", "project", "organisation", "status", "begun_at", "keys_destroyed_at", "destroyed_at"}
        | {"snapshots_gone_at", "method", "keys", "files"}
    )
    web_adds: ClassVar[dict[str, Any]] = {
        "status": ("asked",),
        **dict.fromkeys(("begun_at", "keys_destroyed_at", "snapshots_gone_at", "destroyed_at")),
        **{"method": "", "keys": [], "files": []},
    }

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    project = models.ForeignKey("projects.Project", on_delete=models.PROTECT, related_name="destructions")
    organisation = models.ForeignKey(
        "accounts.Organisation", on_delete=models.PROTECT, related_name="destructions"
    )
    status = models.CharField(
        max_length=5, choices=DestructionStatus.choices, default=DestructionStatus.ASKED
    )
    status_since = models.DateTimeField()
    asked_at = models.DateTimeField()
    asked_by = models.ForeignKey("accounts.User", on_delete=models.PROTECT, related_name="+")
    on_done = models.CharField(max_length=80, blank=True)
    begun_at = models.DateTimeField(null=True)  # from then on nothing stops it: a key may be gone
    keys_destroyed_at = models.DateTimeField(null=True)
    snapshots_gone_at = models.DateTimeField(null=True)  # real time: when no copy of the key store has them
    destroyed_at = models.DateTimeField(null=True)
    method = models.CharField(max_length=120, blank=True)
    keys = models.JSONField(default=list)  # [{"version", "fingerprint"}]
    files = models.JSONField(default=list)  # [{"file", "class", "bytes", "root", "proof"}]

    history = recorded()

    class Meta:
        ordering: ClassVar = ["-asked_at"]
        constraints: ClassVar = [
            models.CheckConstraint(
                name="destruction_status_known", condition=Q(status__in=DestructionStatus.values)
            ),
            models.CheckConstraint(
                name="destruction_done_has_proof",
                condition=~Q(status=DestructionStatus.DONE)
                | Q(keys_destroyed_at__isnull=False, destroyed_at__isnull=False),
            ),
            models.UniqueConstraint(
                name="one_destruction_at_a_time",
                fields=["project", "organisation"],
                condition=Q(status=DestructionStatus.ASKED),
            ),
        ]

    def __str__(self) -> str:
        """Return whose data it was."""
        return f"{self.organisation}: {self.get_status_display()}"

    def unreadable(self) -> list[dict[str, Any]]:
        """Return the files that were tried after the destruction and could not be opened."""
        return [file for file in self.files if file["proof"]]


class HoldStatus(models.TextChoices):
    """Where a legal hold stands."""

    ASKED = "asked", "Waiting for a second person"
    ACTIVE = "active", "In force"
    LIFT_ASKED = "lift_asked", "In force; a second person may lift it"
    LIFTED = "lifted", "Lifted"
    LAPSED = "lapsed", "Ended on its day"
    WITHDRAWN = "withdrawn", "Never in force"


HOLDING: Final = (HoldStatus.ACTIVE, HoldStatus.LIFT_ASKED)


class LegalHold(models.Model):
    """While it is in force nothing of a project is destroyed at the hub; the clocks of that stand still."""

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    project = models.ForeignKey("projects.Project", on_delete=models.PROTECT, related_name="legal_holds")
    authority = models.CharField(max_length=200)  # who ordered it
    reason = models.CharField(max_length=1000)
    until = models.DateField()  # the last day
    status = models.CharField(max_length=10, choices=HoldStatus.choices, default=HoldStatus.ASKED)
    status_since = models.DateTimeField()
    asked_by = models.ForeignKey("accounts.User", on_delete=models.PROTECT, related_name="+")
    confirmed_by = models.ForeignKey("accounts.User", on_delete=models.PROTECT, null=True, related_name="+")
    lift_asked_by = models.ForeignKey("accounts.User", on_delete=models.PROTECT, null=True, related_name="+")
    lift_reason = models.CharField(max_length=1000, blank=True)
    lifted_by = models.ForeignKey("accounts.User", on_delete=models.PROTECT, null=True, related_name="+")

    history = recorded()

    class Meta:
        ordering: ClassVar = ["-status_since"]
        constraints: ClassVar = [
            models.CheckConstraint(name="hold_status_known", condition=Q(status__in=HoldStatus.values)),
            models.CheckConstraint(
                name="hold_confirmed_by_another",
                condition=Q(confirmed_by__isnull=True) | ~Q(confirmed_by=F("asked_by")),
            ),
            models.CheckConstraint(
                name="hold_in_force_was_confirmed",
                condition=Q(status__in=["asked", "withdrawn"]) | Q(confirmed_by__isnull=False),
            ),
            models.CheckConstraint(
                name="hold_lifted_by_another",
                condition=Q(lifted_by__isnull=True) | ~Q(lifted_by=F("lift_asked_by")),
            ),
            models.CheckConstraint(
                name="hold_lifted_was_asked",
                condition=~Q(status="lifted") | Q(lift_asked_by__isnull=False, lifted_by__isnull=False),
            ),
        ]

    def __str__(self) -> str:
        """Return which project it holds."""
        return f"Legal hold on {self.project.number}"

    def get_absolute_url(self) -> str:
        """Return its page."""
        return reverse("custody:hold", args=[self.pk])

    @property
    def is_holding(self) -> bool:
        """Say whether it is in force."""
        return self.status in HOLDING
