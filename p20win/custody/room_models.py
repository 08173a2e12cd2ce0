"""How much of what one organisation sends may lie at the hub at a time, where it is not the usual."""

from typing import ClassVar

from django.db import models
from django.db.models import Q

from p20win.audit.public import recorded
from p20win.ids import uuid7


class Allowance(models.Model):
    """The room of one organisation, set by the operating group with a reason."""

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    organisation = models.OneToOneField(
        "accounts.Organisation", on_delete=models.PROTECT, related_name="allowance"
    )
    most_bytes = models.BigIntegerField()
    reason = models.CharField(max_length=300)
    changed_by = models.ForeignKey("accounts.User", on_delete=models.PROTECT, related_name="+")
    changed_at = models.DateTimeField()

    history = recorded()

    class Meta:
        constraints: ClassVar = [
            models.CheckConstraint(name="allowance_is_room", condition=Q(most_bytes__gt=0))
        ]

    def __str__(self) -> str:
        """Return whose it is, and how much."""
        return f"{self.organisation}: {self.most_bytes} bytes"
