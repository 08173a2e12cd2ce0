"""How a match is linked, version by version, and what a try-out of a version gave."""

from typing import ClassVar

from django.db import models
from django.db.models import Q

from p20win.audit.public import recorded
from p20win.ids import uuid7


class LinkSpec(models.Model):
    """One version of a match's specification: an approved method with its settings. It never changes."""

    append_only = True

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    match = models.ForeignKey("matching.Match", on_delete=models.PROTECT, related_name="specs")
    number = models.PositiveSmallIntegerField()
    method = models.ForeignKey("agreements.MatchMethod", on_delete=models.PROTECT, related_name="+")
    spec = models.JSONField()  # as matching.engine.spec writes it: no value of any record
    digest = models.CharField(max_length=64)
    note = models.CharField(max_length=500, blank=True)  # what is different, and why
    made_by = models.ForeignKey("accounts.User", on_delete=models.PROTECT, related_name="+")
    made_at = models.DateTimeField()

    class Meta:
        ordering: ClassVar = ["-number"]
        constraints: ClassVar = [
            models.UniqueConstraint(name="spec_number_once", fields=["match", "number"]),
            models.UniqueConstraint(name="spec_digest_once", fields=["match", "method", "digest"]),
        ]

    def __str__(self) -> str:
        """Return its number."""
        return f"Version {self.number}"

    @property
    def project_id(self) -> object:
        """Return the project, so that the ledger knows where it belongs."""
        return self.match.project_id


class TryOutStatus(models.TextChoices):
    """Where a try-out stands."""

    RUNNING = "running", "Running"
    DONE = "done", "Done"
    FAILED = "failed", "Did not work"


class TryOut(models.Model):
    """A version tried on a share of the rows: its report, and no result that anybody could use."""

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    link_spec = models.ForeignKey(LinkSpec, on_delete=models.PROTECT, related_name="try_outs")
    status = models.CharField(max_length=8, choices=TryOutStatus.choices, default=TryOutStatus.RUNNING)
    status_since = models.DateTimeField()
    started_by = models.ForeignKey("accounts.User", on_delete=models.PROTECT, related_name="+")
    started_at = models.DateTimeField()
    report = models.JSONField(null=True)
    failure = models.CharField(max_length=400, blank=True)

    history = recorded()

    class Meta:
        ordering: ClassVar = ["-started_at"]
        constraints: ClassVar = [
            models.CheckConstraint(name="try_out_status_known", condition=Q(status__in=TryOutStatus.values)),
            models.UniqueConstraint(
                name="one_try_out_at_a_time", fields=["link_spec"], condition=Q(status="running")
            ),
            models.CheckConstraint(
                name="try_out_done_has_report", condition=~Q(status="done") | Q(report__isnull=False)
            ),
        ]

    def __str__(self) -> str:
        """Return of what."""
        return f"Try-out of {self.link_spec}"

    @property
    def project_id(self) -> object:
        """Return the project, so that the ledger knows where it belongs."""
        return self.link_spec.match.project_id
