"""What all parties sign to keep the inputs of a match longer: the proposal, and each party's word on it."""

from typing import ClassVar

from django.db import models
from django.db.models import Q
from django.urls import reverse

from p20win.audit.public import recorded
from p20win.ids import uuid7


class KeepingStatus(models.TextChoices):
    """Where it stands."""

    PROPOSED = "proposed", "Waiting for the parties"
    AGREED = "agreed", "Agreed by every party"
    REFUSED = "refused", "Refused"
    WITHDRAWN = "withdrawn", "Withdrawn"
    LAPSED = "lapsed", "Lapsed: the destruction began"


class Keeping(models.Model):
    """A proposal to keep the inputs of a match until a later day, and the exact text to sign (O-65)."""

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    match = models.ForeignKey("matching.Match", on_delete=models.PROTECT, related_name="keepings")
    until = models.DateField()
    reason = models.CharField(max_length=500)  # every party reads it
    allowed_in = models.CharField(max_length=300)  # by which part of the agreement
    text = models.TextField()  # what the parties read and sign, byte for byte
    digest = models.CharField(max_length=64)  # SHA-256 of the text, hex
    was_due_at = models.DateTimeField()  # the clock as it was when this was proposed
    status = models.CharField(max_length=9, choices=KeepingStatus.choices, default=KeepingStatus.PROPOSED)
    status_since = models.DateTimeField()
    proposed_by = models.ForeignKey("accounts.User", on_delete=models.PROTECT, related_name="+")
    proposed_at = models.DateTimeField()
    why_ended = models.CharField(max_length=500, blank=True)  # refused, withdrawn or lapsed: why

    history = recorded()

    class Meta:
        ordering: ClassVar = ["-proposed_at"]
        constraints: ClassVar = [
            models.CheckConstraint(name="keeping_status_known", condition=Q(status__in=KeepingStatus.values)),
            models.CheckConstraint(
                name="keeping_says_why", condition=~Q(reason="") & ~Q(allowed_in="") & ~Q(text="")
            ),
            models.CheckConstraint(name="keeping_digest_form", condition=Q(digest__regex=r"^[0-9a-f]{64}$")),
            models.CheckConstraint(
                name="keeping_ended_says_why",
                condition=Q(status__in=["proposed", "agreed"]) | ~Q(why_ended=""),
            ),
            models.UniqueConstraint(
                name="one_keeping_at_a_time", fields=["match"], condition=Q(status="proposed")
            ),
        ]

    def __str__(self) -> str:
        """Return where it stands."""
        return f"Inputs kept longer: {self.get_status_display()}"

    def get_absolute_url(self) -> str:
        """Return the page on which it is read and answered."""
        return reverse("matching:keeping", args=[self.match_id])

    @property
    def project_id(self) -> object:
        """Return the project, so that the ledger knows where it belongs."""
        return self.match.project_id


class KeepingWord(models.Model):
    """One party's word: signed, refused and why, or not said yet."""

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    keeping = models.ForeignKey(Keeping, on_delete=models.PROTECT, related_name="words")
    organisation = models.ForeignKey("accounts.Organisation", on_delete=models.PROTECT, related_name="+")
    supplies = models.BooleanField(default=True)  # inputs of this match; else a party of the agreement only
    signature = models.OneToOneField(
        "signatures.Signature", on_delete=models.PROTECT, null=True, related_name="+"
    )
    refused_at = models.DateTimeField(null=True)
    refused_by = models.ForeignKey("accounts.User", on_delete=models.PROTECT, null=True, related_name="+")
    reason = models.CharField(max_length=500, blank=True)  # why it refuses

    history = recorded()

    class Meta:
        ordering: ClassVar = ["-supplies", "organisation__short_name"]
        constraints: ClassVar = [
            models.UniqueConstraint(name="one_word_on_keeping", fields=["keeping", "organisation"]),
            models.CheckConstraint(
                name="keeping_signed_or_refused",
                condition=Q(signature__isnull=True) | Q(refused_at__isnull=True),
            ),
            models.CheckConstraint(
                name="keeping_refused_says_why",
                condition=Q(refused_at__isnull=True) | Q(refused_by__isnull=False) & ~Q(reason=""),
            ),
        ]

    def __str__(self) -> str:
        """Return whose word it is."""
        return f"{self.organisation} on keeping inputs longer"

    @property
    def project_id(self) -> object:
        """Return the project, so that the ledger knows where it belongs."""
        return self.keeping.match.project_id
