"""What reviewers say besides their vote: what they want to see before, and rulings on what is not settled."""

from typing import ClassVar

from django.db import models
from django.db.models import F, Q

from p20win.audit.public import recorded
from p20win.ids import uuid7


class Material(models.TextChoices):
    """What an output will appear in."""

    REPORT = "report", "Report or brief"
    ARTICLE = "article", "Article in a journal, or a thesis"
    PRESENTATION = "presentation", "Presentation"
    WEB = "web", "Web page or dashboard"
    PRESS = "press", "Press release or social media"
    OTHER = "other", "Something else"


class PriorReview(models.Model):
    """An agency's standing wish to read a kind of material of a project before it is released (O-82)."""

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    project = models.ForeignKey("projects.Project", on_delete=models.PROTECT, related_name="+")
    agency = models.ForeignKey("accounts.Organisation", on_delete=models.PROTECT, related_name="+")
    material = models.CharField(max_length=12, choices=Material.choices)
    reason = models.CharField(max_length=500)
    asked_by = models.ForeignKey("accounts.User", on_delete=models.PROTECT, related_name="+")
    asked_at = models.DateTimeField()
    ended_by = models.ForeignKey("accounts.User", on_delete=models.PROTECT, null=True, related_name="+")
    ended_at = models.DateTimeField(null=True)

    history = recorded()

    class Meta:
        ordering: ClassVar = ["agency__short_name", "material"]
        constraints: ClassVar = [
            models.UniqueConstraint(
                name="one_wish_for_each_material",
                fields=["project", "agency", "material"],
                condition=Q(ended_at__isnull=True),
            ),
            models.CheckConstraint(name="wish_material_known", condition=Q(material__in=Material.values)),
            models.CheckConstraint(name="wish_says_why", condition=~Q(reason="")),
            models.CheckConstraint(
                name="wish_ended_by_somebody", condition=Q(ended_at__isnull=True) | Q(ended_by__isnull=False)
            ),
        ]

    def __str__(self) -> str:
        """Return who wants to see what."""
        return f"{self.agency}: {self.get_material_display()}"


class Ruling(models.Model):
    """Two people let an output go on though its check left something open. Never where a count leaks."""

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    found = models.ForeignKey("disclosure.OutputCheck", on_delete=models.PROTECT, related_name="rulings")
    agency = models.ForeignKey("accounts.Organisation", on_delete=models.PROTECT, related_name="+")
    reason = models.TextField()
    asked_by = models.ForeignKey("accounts.User", on_delete=models.PROTECT, related_name="+")
    asked_for = models.ForeignKey("accounts.Organisation", on_delete=models.PROTECT, related_name="+")
    asked_at = models.DateTimeField()
    answered_by = models.ForeignKey("accounts.User", on_delete=models.PROTECT, null=True, related_name="+")
    confirmed_at = models.DateTimeField(null=True)
    declined_at = models.DateTimeField(null=True)
    answer = models.TextField(blank=True)

    history = recorded()

    class Meta:
        ordering: ClassVar = ["-asked_at"]
        constraints: ClassVar = [
            models.UniqueConstraint(
                name="one_ruling_at_a_time", fields=["found"], condition=Q(declined_at__isnull=True)
            ),
            models.CheckConstraint(name="ruling_says_why", condition=~Q(reason="")),
            models.CheckConstraint(
                name="ruling_takes_two",
                condition=Q(answered_by__isnull=True) | ~Q(answered_by=F("asked_by")),
            ),
            models.CheckConstraint(
                name="ruling_answered_once_by_somebody",
                condition=Q(confirmed_at__isnull=True, declined_at__isnull=True)
                | Q(answered_by__isnull=False) & ~Q(confirmed_at__isnull=False, declined_at__isnull=False),
            ),
            models.CheckConstraint(
                name="ruling_declined_says_why", condition=Q(declined_at__isnull=True) | ~Q(answer="")
            ),
        ]

    def __str__(self) -> str:
        """Return where it stands."""
        if self.confirmed_at:
            return "Confirmed by two"
        return "Declined" if self.declined_at else "Waiting for a second person"

    @property
    def project_id(self) -> object:
        """Return the project, so that the ledger knows where it belongs."""
        return self.found.project_id
