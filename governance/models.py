"""The closing of a project, and what may never be false about it."""

from typing import ClassVar, Final

from django.db import models
from django.db.models import F, Q
from django.urls import reverse

from p20win.audit.public import recorded
from p20win.ids import uuid7


class ClosingStatus(models.TextChoices):
    """How far the closing of a project is."""

    ASKED = "asked", "Waits for a second person"
    SET = "set", "The hour runs"
    BEGUN = "begun", "Being destroyed"
    DONE = "done", "Closed and destroyed"
    WITHDRAWN = "withdrawn", "Withdrawn"


WITHDRAWABLE: Final = (ClosingStatus.ASKED, ClosingStatus.SET)


class Closing(models.Model):
    """The end of a project: one person asks, another confirms, an hour later it is carried out (C03)."""

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    project = models.ForeignKey("projects.Project", on_delete=models.PROTECT, related_name="closings")
    reason = models.CharField(max_length=500)  # everyone concerned reads it
    status = models.CharField(max_length=9, choices=ClosingStatus.choices, default=ClosingStatus.ASKED)
    status_since = models.DateTimeField()
    asked_at = models.DateTimeField()
    asked_by = models.ForeignKey("accounts.User", on_delete=models.PROTECT, related_name="+")
    confirmed_by = models.ForeignKey("accounts.User", on_delete=models.PROTECT, null=True, related_name="+")
    confirmed_at = models.DateTimeField(null=True)
    acts_at = models.DateTimeField(null=True)  # when the hour is over
    closed_at = models.DateTimeField(null=True)
    withdrawn_by = models.ForeignKey("accounts.User", on_delete=models.PROTECT, null=True, related_name="+")
    withdrawal = models.CharField(max_length=500, blank=True)  # why it was withdrawn

    history = recorded()

    class Meta:
        ordering: ClassVar = ["-status_since"]
        constraints: ClassVar = [
            models.CheckConstraint(name="closing_status_known", condition=Q(status__in=ClosingStatus.values)),
            models.CheckConstraint(name="closing_says_why", condition=~Q(reason="")),
            models.CheckConstraint(
                name="closing_confirmed_by_another",
                condition=Q(confirmed_by__isnull=True) | ~Q(confirmed_by=F("asked_by")),
            ),
            models.CheckConstraint(
                name="closing_of_two_people_and_an_hour",
                condition=Q(status__in=["asked", "withdrawn"])
                | Q(confirmed_by__isnull=False, confirmed_at__isnull=False, acts_at__gt=F("confirmed_at")),
            ),
            models.CheckConstraint(
                name="closing_begun_after_its_hour",
                condition=~Q(status__in=["begun", "done"]) | Q(closed_at__gte=F("acts_at")),
            ),
            models.CheckConstraint(
                name="closing_withdrawn_says_why",
                condition=~Q(status="withdrawn") | Q(withdrawn_by__isnull=False) & ~Q(withdrawal=""),
            ),
            models.UniqueConstraint(
                name="one_closing_of_a_project", fields=["project"], condition=~Q(status="withdrawn")
            ),
        ]

    def __str__(self) -> str:
        """Return where it stands."""
        return f"Closing: {self.get_status_display()}"

    def get_absolute_url(self) -> str:
        """Return its place on the page of its project."""
        return f"{reverse('project', args=[self.project_id])}#closing"
