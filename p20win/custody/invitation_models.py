"""Invitations: who supplies a list of identifiers, is no party, and sends it for one request (O-124)."""

from typing import ClassVar, Final

from django.db import models
from django.db.models import Q

from p20win.audit.public import recorded
from p20win.ids import uuid7


class InvitationStatus(models.TextChoices):
    """Where an invitation stands."""

    SENT = "sent", "Waiting for the affirmation"
    AFFIRMED = "affirmed", "Affirmed"
    WITHDRAWN = "withdrawn", "Withdrawn"
    LAPSED = "lapsed", "Lapsed"


INVITED: Final = (InvitationStatus.SENT, InvitationStatus.AFFIRMED)
"""In these it opens the upload, or can still open it."""


class Invitation(models.Model):
    """One person of a supplier is asked for its lists in one request: its slots name the invitation.

    They see these slots and what they sent, and nothing else of the project.
    """

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    project = models.ForeignKey("projects.Project", on_delete=models.PROTECT, related_name="invitations")
    supplier = models.ForeignKey(
        "accounts.Organisation", on_delete=models.PROTECT, related_name="invitations"
    )
    contact = models.ForeignKey("accounts.User", on_delete=models.PROTECT, related_name="invitations")
    invited_by = models.ForeignKey("accounts.User", on_delete=models.PROTECT, related_name="+")
    invited_at = models.DateTimeField()
    affirmed_at = models.DateTimeField(null=True)
    text_version = models.CharField(max_length=8, blank=True)
    text = models.TextField(blank=True)  # word for word what was affirmed
    status = models.CharField(max_length=9, choices=InvitationStatus.choices, default=InvitationStatus.SENT)
    status_since = models.DateTimeField()

    history = recorded()

    class Meta:
        ordering: ClassVar = ["-invited_at", "id"]
        constraints: ClassVar = [
            models.CheckConstraint(
                name="invitation_status_known", condition=Q(status__in=InvitationStatus.values)
            ),
            models.CheckConstraint(
                name="invitation_affirmed_says_what",
                condition=~Q(status=InvitationStatus.AFFIRMED)
                | Q(affirmed_at__isnull=False) & ~Q(text_version="") & ~Q(text=""),
            ),
        ]

    def __str__(self) -> str:
        """Return whom it invites."""
        return f"{self.supplier}, for {self.project.number}"

    @property
    def is_open(self) -> bool:
        """Say whether something can still be sent on it, or could once it is affirmed."""
        return self.status in INVITED

    @property
    def is_affirmed(self) -> bool:
        """Say whether the supplier said that it may share what it sends."""
        return self.status == InvitationStatus.AFFIRMED
