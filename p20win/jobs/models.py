"""Jobs: the row is the truth, the broker only carries its id."""

from typing import ClassVar

from django.db import models
from django.db.models import Q

from p20win.ids import uuid7


class State(models.TextChoices):
    """Where a job stands."""

    QUEUED = "queued", "Waiting for a worker"
    RUNNING = "running", "Running"
    DONE = "done", "Done"
    REFUSED = "refused", "Not possible"
    FAILED = "failed", "Failed"


class Job(models.Model):
    """One piece of long work, with its lease. Whoever holds the lease's latest token may store results."""

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    name = models.CharField(max_length=80)
    queue = models.CharField(max_length=20)
    arguments = models.JSONField(default=dict)  # ids only
    project_id = models.UUIDField(null=True, db_index=True)
    asked_by_id = models.UUIDField(null=True)
    state = models.CharField(max_length=10, choices=State.choices, default=State.QUEUED)
    token = models.PositiveIntegerField(default=0)  # fencing: grows with every lease
    attempts = models.PositiveSmallIntegerField(default=0)
    lease_until = models.DateTimeField(null=True)
    not_before = models.DateTimeField()
    sent_at = models.DateTimeField(null=True)
    progress = models.PositiveSmallIntegerField(default=0)
    message = models.CharField(max_length=300, blank=True)
    created_at = models.DateTimeField()
    started_at = models.DateTimeField(null=True)
    finished_at = models.DateTimeField(null=True)

    class Meta:
        constraints: ClassVar = [
            models.CheckConstraint(name="job_state_known", condition=Q(state__in=State.values)),
            models.CheckConstraint(name="job_progress_percent", condition=Q(progress__lte=100)),
            models.CheckConstraint(
                name="job_running_has_lease", condition=~Q(state=State.RUNNING) | Q(lease_until__isnull=False)
            ),
        ]
        indexes: ClassVar = [
            models.Index(
                name="job_open", fields=["not_before"], condition=Q(state__in=[State.QUEUED, State.RUNNING])
            )
        ]

    def __str__(self) -> str:
        """Return the name and state."""
        return f"{self.name} ({self.state})"

    @property
    def is_over(self) -> bool:
        """Say whether nothing more will happen."""
        return self.state in (State.DONE, State.REFUSED, State.FAILED)
