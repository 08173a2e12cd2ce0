"""What the ledger's proofs rest on: hashes of its lines in tiles, signed checkpoints, and who keeps which."""

from typing import ClassVar

from django.db import models
from django.db.models import Q

from p20win.ids import uuid7


class LedgerTile(models.Model):
    """The hashes of 256 lines, and the root over them, so that a million lines need not be read again."""

    append_only = True
    vault_adds = True

    number = models.PositiveIntegerField(primary_key=True)  # counted from 0
    leaves = models.BinaryField()
    root = models.BinaryField(max_length=32)

    class Meta:
        ordering: ClassVar = ["number"]

    def __str__(self) -> str:
        """Return its number."""
        return str(self.number)


class Checkpoint(models.Model):
    """Where the ledger stood at one moment, signed by the hub. Its times are real."""

    append_only = True
    vault_adds = True

    id = models.BigAutoField(primary_key=True)
    size = models.PositiveBigIntegerField()
    root = models.BinaryField(max_length=32)
    note = models.TextField()  # as signed: c2sp.org/tlog-checkpoint
    signed_at = models.DateTimeField()

    class Meta:
        ordering: ClassVar = ["-id"]
        constraints: ClassVar = [
            models.CheckConstraint(name="checkpoint_holds_a_line", condition=Q(size__gt=0)),
        ]

    def __str__(self) -> str:
        """Return how many lines it holds."""
        return f"{self.size} lines"


class CheckpointPin(models.Model):
    """One agency's people or machine fetched this checkpoint, to hold the portal to it later."""

    append_only = True

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    organisation = models.ForeignKey(
        "accounts.Organisation", on_delete=models.PROTECT, related_name="checkpoint_pins"
    )
    checkpoint = models.ForeignKey(Checkpoint, on_delete=models.PROTECT, related_name="pins")
    person = models.ForeignKey("accounts.User", on_delete=models.PROTECT, related_name="+")
    key = models.ForeignKey("accounts.SigningKey", on_delete=models.PROTECT, null=True, related_name="+")
    at = models.DateTimeField()

    class Meta:
        ordering: ClassVar = ["-id"]

    def __str__(self) -> str:
        """Return who keeps what."""
        return f"{self.organisation}: {self.checkpoint}"
