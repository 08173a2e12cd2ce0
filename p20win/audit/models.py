"""The ledger's one table. It has no foreign keys, and nobody may change or remove a line."""

from typing import ClassVar

from django.db import models


class Event(models.Model):
    """One thing that happened: who, what, to which row, when (by the portal's clock and in real time).

    The table is made by SQL (migration 0001): a trigger assigns `seq` without gaps, `recorded_at` and the
    hash chain, and refuses every update, delete and truncate. `subject_id` and `details` hold identifiers,
    slugs, counts and digests only, never contents of a record.
    """

    seq = models.BigAutoField(primary_key=True)
    event = models.TextField()
    subject_type = models.TextField()
    subject_id = models.TextField()
    project_id = models.UUIDField(null=True)
    actor_id = models.UUIDField(null=True)
    organisation_id = models.UUIDField(null=True)
    at = models.DateTimeField()
    recorded_at = models.DateTimeField()
    note = models.TextField()
    details = models.JSONField()
    prev_hash = models.BinaryField()
    hash = models.BinaryField()

    class Meta:
        managed = False
        db_table = "audit_event"
        ordering: ClassVar = ["seq"]

    def __str__(self) -> str:
        """Return the line's number and name."""
        return f"{self.seq} {self.event}"
