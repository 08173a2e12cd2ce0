"""Clerical review: the pairs drawn of a run, what people said of them, and who looked at which record.

No value of a record and no id lies in these tables. What a pair's records say is sealed, one sheet for each
agency under that agency's own key, so that it goes when the agency's inputs go (docs/adr/0020).
"""

from typing import ClassVar

from django.db import models
from django.db.models import Q

from p20win.audit.public import recorded
from p20win.ids import uuid7


class ReviewSample(models.Model):
    """The pairs that were drawn of a run, stratum by stratum, and how the engine came to its view of each."""

    append_only = True

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    run = models.OneToOneField("matching.MatchRun", on_delete=models.PROTECT, related_name="sample")
    strata = models.JSONField()
    pairs = models.JSONField()  # weights and places in the sheets; no id, no value
    groups = models.JSONField(default=list)  # likewise of contested groups: their records and pairs
    index = models.ForeignKey("custody.SealedFile", on_delete=models.PROTECT, related_name="+")
    drawn_at = models.DateTimeField()

    class Meta:
        ordering: ClassVar = ["-drawn_at"]

    def __str__(self) -> str:
        """Return of which run."""
        return f"Pairs of {self.run}"

    @property
    def project_id(self) -> object:
        """Return the project, so that the ledger knows where it belongs."""
        return self.run.match.project_id


class ReviewSheet(models.Model):
    """What the drawn records of one agency's file say: sealed under that agency's key."""

    append_only = True

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    sample = models.ForeignKey(ReviewSample, on_delete=models.PROTECT, related_name="sheets")
    name = models.CharField(max_length=60)  # as the engine calls the file
    file = models.OneToOneField("custody.SealedFile", on_delete=models.PROTECT, related_name="+")

    class Meta:
        ordering: ClassVar = ["name"]
        constraints: ClassVar = [
            models.UniqueConstraint(name="one_sheet_of_a_file", fields=["sample", "name"])
        ]

    def __str__(self) -> str:
        """Return the file's name."""
        return self.name

    @property
    def project_id(self) -> object:
        """Return the project, so that the ledger knows where it belongs."""
        return self.sample.project_id


class Verdict(models.TextChoices):
    """What a reader says of a pair."""

    LINK = "link", "One person"
    NOT = "not", "Two people"
    UNSURE = "unsure", "Cannot tell"


class Reading(models.Model):
    """What one person said of one pair; taken back, it does not count and stays on record."""

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    sample = models.ForeignKey(ReviewSample, on_delete=models.PROTECT, related_name="readings")
    pair = models.PositiveSmallIntegerField()  # its place in the sample
    reader = models.ForeignKey("accounts.User", on_delete=models.PROTECT, related_name="+")
    verdict = models.CharField(max_length=6, choices=Verdict.choices)
    at = models.DateTimeField()
    taken_back_at = models.DateTimeField(null=True)

    history = recorded()

    class Meta:
        ordering: ClassVar = ["at", "id"]
        constraints: ClassVar = [
            models.CheckConstraint(name="reading_verdict_known", condition=Q(verdict__in=Verdict.values)),
            models.UniqueConstraint(
                name="one_reading_each",
                fields=["sample", "pair", "reader"],
                condition=Q(taken_back_at__isnull=True),
            ),
        ]

    def __str__(self) -> str:
        """Return the verdict."""
        return f"Pair {self.pair + 1}: {self.get_verdict_display()}"

    @property
    def project_id(self) -> object:
        """Return the project, so that the ledger knows where it belongs."""
        return self.sample.project_id


class Look(models.Model):
    """One person's look at the records of one pair: behind dots, or with what identifies people."""

    append_only = True

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    sample = models.ForeignKey(ReviewSample, on_delete=models.PROTECT, related_name="looks")
    project = models.ForeignKey("projects.Project", on_delete=models.PROTECT, related_name="+")
    pair = models.PositiveSmallIntegerField()
    person = models.ForeignKey("accounts.User", on_delete=models.PROTECT, related_name="+")
    revealed = models.BooleanField()
    at = models.DateTimeField()

    class Meta:
        ordering: ClassVar = ["at", "id"]

    def __str__(self) -> str:
        """Return what was looked at."""
        return f"Pair {self.pair + 1}"
