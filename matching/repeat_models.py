"""When a standing project's match is done again (O-71)."""

from typing import ClassVar

from django.db import models
from django.db.models import Q

from p20win.audit.public import recorded
from p20win.ids import uuid7


class Every(models.TextChoices):
    """How often a match is done again."""

    MONTH = "month", "Every month"
    QUARTER = "quarter", "Every three months"
    HALF_YEAR = "half-year", "Every six months"
    YEAR = "year", "Every year"

    @property
    def months(self) -> int:
        """Return how many months lie between two matches."""
        return {"month": 1, "quarter": 3, "half-year": 6, "year": 12}[self.value]


class RepeatStatus(models.TextChoices):
    """Where a schedule stands."""

    RUNNING = "running", "Running"
    ENDED = "ended", "Ended"


class Repeat(models.Model):
    """The schedule by which the next matches of a project are opened, each with new files."""

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    project = models.ForeignKey("projects.Project", on_delete=models.PROTECT, related_name="repeats")
    status = models.CharField(max_length=8, choices=RepeatStatus.choices, default=RepeatStatus.RUNNING)
    status_since = models.DateTimeField()
    every = models.CharField(max_length=10, choices=Every.choices)
    first_on = models.DateField()  # later days are counted from here, so that the end of a month stays one
    next_on = models.DateField()
    agreed_in = models.CharField(max_length=300)  # where the parties agreed on it
    map_agreed_in = models.CharField(  # where the agreement allows a list of old and new link ids
        max_length=300, blank=True
    )
    waits_for = models.CharField(max_length=600, blank=True)  # why the match that is due is not open yet
    set_by = models.ForeignKey("accounts.User", on_delete=models.PROTECT, related_name="+")
    set_at = models.DateTimeField()

    history = recorded()

    class Meta:
        ordering: ClassVar = ["-set_at"]
        constraints: ClassVar = [
            models.CheckConstraint(name="repeat_status_known", condition=Q(status__in=RepeatStatus.values)),
            models.CheckConstraint(name="repeat_every_known", condition=Q(every__in=Every.values)),
            models.CheckConstraint(
                name="repeat_next_not_before_first", condition=Q(next_on__gte=models.F("first_on"))
            ),
            models.UniqueConstraint(
                name="one_repeat_at_a_time", fields=["project"], condition=Q(status="running")
            ),
        ]

    def __str__(self) -> str:
        """Return how often."""
        return f"{self.get_every_display()} from {self.first_on}"
