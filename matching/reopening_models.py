"""Accepted files that are sent again before the sign-off: which, on what ground, and why (O-51, O-70)."""

from typing import ClassVar

from django.db import models
from django.db.models import Q

from p20win.ids import uuid7


class SentAgain(models.TextChoices):
    """On what an accepted file is closed and another sent."""

    AGENCY_ASKS = "agency_asks", "The agency asks for it"
    REJECTED = "rejected", "A party said that the match is not optimal"


class Reopening(models.Model):
    """One accepted file that was closed so that its agency sends another; runs made on it count no more."""

    append_only = True

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    expected = models.ForeignKey("matching.ExpectedFile", on_delete=models.PROTECT, related_name="reopenings")
    file = models.OneToOneField("custody.SealedFile", on_delete=models.PROTECT, related_name="+")
    ground = models.CharField(max_length=12, choices=SentAgain.choices)
    asked_in = models.CharField(max_length=300, blank=True)  # where the agency's request is kept
    reason = models.CharField(max_length=500)  # every party reads it
    opened_by = models.ForeignKey("accounts.User", on_delete=models.PROTECT, related_name="+")
    opened_at = models.DateTimeField()

    class Meta:
        ordering: ClassVar = ["-opened_at"]
        constraints: ClassVar = [
            models.CheckConstraint(name="reopening_ground_known", condition=Q(ground__in=SentAgain.values)),
            models.CheckConstraint(name="reopening_says_why", condition=~Q(reason="")),
            models.CheckConstraint(
                name="reopening_asked_somewhere", condition=~Q(ground="agency_asks") | ~Q(asked_in="")
            ),
        ]

    def __str__(self) -> str:
        """Return which file."""
        return f"{self.expected}, sent again"

    @property
    def project_id(self) -> object:
        """Return the project, so that the ledger knows where it belongs."""
        return self.expected.match.project_id
