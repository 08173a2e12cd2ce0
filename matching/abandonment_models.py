"""How a match ends without a result: on which ground, why, and by which two people."""

from typing import ClassVar

from django.db import models
from django.db.models import F, Q

from p20win.audit.public import recorded
from p20win.ids import uuid7


class Ground(models.TextChoices):
    """On what a match may be abandoned."""

    AGREEMENT_ENDED = "agreement_ended", "The agreement is not in force any more"
    ALL_AGENCIES = "all_agencies", "Every agency agreed to it in writing"
    OPERATING_GROUP = "operating_group", "The operating group decides it"


class AbandonmentStatus(models.TextChoices):
    """Where it stands."""

    ASKED = "asked", "Waiting for a second person"
    CONFIRMED = "confirmed", "Confirmed"
    WITHDRAWN = "withdrawn", "Withdrawn"


class Abandonment(models.Model):
    """The end of a match that will have no result, so that what was sent for it can be destroyed (O-65)."""

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    match = models.ForeignKey("matching.Match", on_delete=models.PROTECT, related_name="abandonments")
    ground = models.CharField(max_length=16, choices=Ground.choices)
    agreed_in = models.CharField(max_length=300, blank=True)  # where the agencies' writing is kept
    reason = models.CharField(max_length=500)  # every party reads it
    status = models.CharField(
        max_length=9, choices=AbandonmentStatus.choices, default=AbandonmentStatus.ASKED
    )
    status_since = models.DateTimeField()
    asked_by = models.ForeignKey("accounts.User", on_delete=models.PROTECT, related_name="+")
    confirmed_by = models.ForeignKey("accounts.User", on_delete=models.PROTECT, null=True, related_name="+")

    history = recorded()

    class Meta:
        ordering: ClassVar = ["-status_since"]
        constraints: ClassVar = [
            models.CheckConstraint(
                name="abandonment_status_known", condition=Q(status__in=AbandonmentStatus.values)
            ),
            models.CheckConstraint(name="abandonment_ground_known", condition=Q(ground__in=Ground.values)),
            models.CheckConstraint(name="abandonment_says_why", condition=~Q(reason="")),
            models.CheckConstraint(
                name="abandonment_agreed_somewhere", condition=~Q(ground="all_agencies") | ~Q(agreed_in="")
            ),
            models.CheckConstraint(
                name="abandonment_of_two_people",
                condition=Q(status="confirmed", confirmed_by__isnull=False) & ~Q(confirmed_by=F("asked_by"))
                | ~Q(status="confirmed") & Q(confirmed_by__isnull=True),
            ),
            models.UniqueConstraint(
                name="one_abandonment_of_a_match", fields=["match"], condition=~Q(status="withdrawn")
            ),
        ]

    def __str__(self) -> str:
        """Return where it stands."""
        return f"Match without a result: {self.get_status_display()}"

    @property
    def project_id(self) -> object:
        """Return the project, so that the ledger knows where it belongs."""
        return self.match.project_id
