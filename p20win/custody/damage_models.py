"""Sealed files that were found damaged."""

from typing import ClassVar

from django.db import models
from django.db.models import Q

from p20win.audit.public import recorded
from p20win.ids import uuid7


class DamageStatus(models.TextChoices):
    """Where it stands."""

    FOUND = "found", "Found damaged, kept closed"
    SOUND = "sound", "Opens whole again"
    OVER = "over", "The evidence is erased"


class Damage(models.Model):
    """A file that was not as it was signed for when it was opened, or not as it was sealed on arrival.

    While it stands nobody opens the file, whole or in part. What arrived so is kept as evidence for a while.
    """

    # The vault alone finds damage; nobody else may say so, nor that a file is sound again.
    vault_adds = True
    vault_writes = frozenset({"id", "file", "status", "status_since", "found_at", "what", "kept_until"})

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    file = models.ForeignKey("custody.SealedFile", on_delete=models.PROTECT, related_name="damages")
    status = models.CharField(max_length=5, choices=DamageStatus.choices, default=DamageStatus.FOUND)
    status_since = models.DateTimeField()
    found_at = models.DateTimeField()
    what = models.CharField(max_length=200)  # never contents
    kept_until = models.DateTimeField(null=True)  # of what arrived: as evidence, in real time

    history = recorded()

    class Meta:
        ordering: ClassVar = ["-found_at"]
        constraints: ClassVar = [
            models.CheckConstraint(name="damage_status_known", condition=Q(status__in=DamageStatus.values)),
            models.UniqueConstraint(name="damage_found_once", fields=["file"], condition=Q(status="found")),
        ]

    def __str__(self) -> str:
        """Return where it stands."""
        return self.get_status_display()

    @property
    def project_id(self) -> object:
        """Return the project, so that the ledger knows where it belongs."""
        return self.file.project_id


class Reread(models.Model):
    """When a sealed file was last read again, without a key, and how far that is under way."""

    bookkeeping = True
    vault_adds = True
    vault_writes = frozenset({"file", "ended_at", "segments", "subtrees"})

    file = models.OneToOneField(
        "custody.SealedFile", on_delete=models.PROTECT, primary_key=True, related_name="reread"
    )
    ended_at = models.DateTimeField(null=True)  # in real time
    segments = models.PositiveBigIntegerField(default=0)  # of the reading under way
    subtrees = models.BinaryField(default=bytes)

    def __str__(self) -> str:
        """Return when."""
        return self.ended_at.isoformat() if self.ended_at else "not yet"
