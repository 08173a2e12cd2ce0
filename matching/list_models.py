"""Which lists of third parties a run joined, and how much of each no agency knew (O-126)."""

from typing import ClassVar

from django.db import models
from django.db.models import F, Q

from p20win.ids import uuid7


def name_of(number: int) -> str:
    """Return how the engine calls a list that a run joins."""
    return f"list_{number}"


class JoinedList(models.Model):
    """One list that a run joined: how many identifiers it named, and how many of them no agency knows.

    Hub and supplier alone are told the counts; they are no part of the run's report, which every party reads.
    Small ones are hidden in what is stored here, as in the report: null.
    """

    append_only = True

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    run = models.ForeignKey("matching.MatchRun", on_delete=models.PROTECT, related_name="joined_lists")
    number = models.PositiveSmallIntegerField()  # by which the engine calls it
    expected = models.ForeignKey("matching.ExpectedFile", on_delete=models.PROTECT, related_name="+")
    slot = models.ForeignKey("custody.UploadSlot", on_delete=models.PROTECT, related_name="+")
    named = models.PositiveIntegerField(null=True)
    unknown = models.PositiveIntegerField(null=True)

    class Meta:
        ordering: ClassVar = ["number"]
        constraints: ClassVar = [
            models.UniqueConstraint(name="list_joined_once_a_run", fields=["run", "expected"]),
            models.UniqueConstraint(name="joined_list_number_once", fields=["run", "number"]),
            models.CheckConstraint(
                name="no_more_unknown_than_named",
                condition=Q(named__isnull=True) | Q(unknown__isnull=True) | Q(unknown__lte=F("named")),
            ),
        ]

    def __str__(self) -> str:
        """Return which list it is."""
        return f"List {self.number}"

    @property
    def project_id(self) -> object:
        """Return the project, so that the ledger knows where it belongs."""
        return self.run.match.project_id
