"""Outputs that belong together: each a file of its own, sent to the agencies at once."""

from typing import ClassVar

from django.db import models

from p20win.audit.public import recorded
from p20win.ids import uuid7


class Submission(models.Model):
    """A package of outputs. It has no state of its own: that is the state of its outputs."""

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    project = models.ForeignKey("projects.Project", on_delete=models.PROTECT, related_name="+")
    author = models.ForeignKey("accounts.User", on_delete=models.PROTECT, related_name="+")
    begun_at = models.DateTimeField()

    history = recorded()

    class Meta:
        ordering: ClassVar = ["begun_at"]

    def __str__(self) -> str:
        """Return what it is."""
        return f"Package begun {self.begun_at:%Y-%m-%d}"
