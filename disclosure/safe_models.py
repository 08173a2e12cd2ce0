"""A safe table: what an approved user asked the vault to count from the extract. Its counts lie sealed."""

from typing import ClassVar

from django.db import models

from p20win.audit.public import recorded
from p20win.ids import uuid7


class SafeTable(models.Model):
    """The definition of one table; the vault makes the file of its output. Nobody sends one in its place."""

    vault_writes = frozenset(  # what was asked for is not changed once it is asked
        {"id", "project", "output", "delivery", "counted", "dimensions", "pay", "asked_at", "refusal"}
    )

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    project = models.ForeignKey("projects.Project", on_delete=models.PROTECT, related_name="+")
    output = models.OneToOneField("disclosure.Output", on_delete=models.PROTECT, related_name="safe_table")
    delivery = models.ForeignKey("matching.Delivery", on_delete=models.PROTECT, related_name="+")
    counted = models.CharField(max_length=120)  # the file whose people are counted
    dimensions = models.JSONField()  # [{"file", "element", "codes", "name", "absent"}]; see `safe_choices`
    pay = models.JSONField(default=dict, blank=True)  # what is told besides counts; see `safe_pay`
    asked_at = models.DateTimeField()
    refusal = models.TextField(blank=True)  # why it could not be counted: no value of a record

    history = recorded()

    class Meta:
        ordering: ClassVar = ["asked_at"]

    def __str__(self) -> str:
        """Return the title of its output."""
        return str(self.output)
