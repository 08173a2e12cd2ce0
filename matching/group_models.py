"""Clerical review of whole groups: who looked at which, and what was said of each of its pairs.

As with pairs, no value of a record and no id lies here.
"""

from typing import ClassVar

from django.db import models
from django.db.models import Q

from matching.review_models import Verdict
from p20win.audit.public import recorded
from p20win.ids import uuid7


class GroupReading(models.Model):
    """What one person said of one pair of a group; taken back, it does not count and stays on record."""

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    sample = models.ForeignKey(
        "matching.ReviewSample", on_delete=models.PROTECT, related_name="group_readings"
    )
    group = models.PositiveSmallIntegerField()  # its place in the sample
    pair = models.PositiveSmallIntegerField()  # the place of the pair in the group
    reader = models.ForeignKey("accounts.User", on_delete=models.PROTECT, related_name="+")
    verdict = models.CharField(max_length=6, choices=Verdict.choices)
    at = models.DateTimeField()
    taken_back_at = models.DateTimeField(null=True)

    history = recorded()

    class Meta:
        ordering: ClassVar = ["at", "id"]
        constraints: ClassVar = [
            models.CheckConstraint(
                name="group_reading_verdict_known", condition=Q(verdict__in=Verdict.values)
            ),
            models.UniqueConstraint(
                name="one_group_reading_each",
                fields=["sample", "group", "pair", "reader"],
                condition=Q(taken_back_at__isnull=True),
            ),
        ]

    def __str__(self) -> str:
        """Return the verdict."""
        return f"Group {self.group + 1}, pair {self.pair + 1}: {self.get_verdict_display()}"

    @property
    def project_id(self) -> object:
        """Return the project, so that the ledger knows where it belongs."""
        return self.sample.project_id


class GroupLook(models.Model):
    """One person's look at the records of one group: behind dots, or with what identifies people."""

    append_only = True

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    sample = models.ForeignKey("matching.ReviewSample", on_delete=models.PROTECT, related_name="group_looks")
    project = models.ForeignKey("projects.Project", on_delete=models.PROTECT, related_name="+")
    group = models.PositiveSmallIntegerField()
    person = models.ForeignKey("accounts.User", on_delete=models.PROTECT, related_name="+")
    revealed = models.BooleanField()
    at = models.DateTimeField()

    class Meta:
        ordering: ClassVar = ["at", "id"]

    def __str__(self) -> str:
        """Return what was looked at."""
        return f"Group {self.group + 1}"
