"""Projects: number, title, standing, and who takes part."""

from typing import ClassVar

from django.db import models
from django.db.models import Q

from p20win.audit.public import recorded
from p20win.ids import uuid7


class ProjectStanding(models.TextChoices):
    """Whether a project's data may still move."""

    OPEN = "open", "Open"
    CLOSING = "closing", "Being closed"
    CLOSED = "closed", "Closed"


class Part(models.TextChoices):
    """What an organisation does in a project."""

    SUPPLIER = "supplier", "Participating agency"
    HUB = "hub", "Data integration hub"
    RECIPIENT = "recipient", "Data recipient"
    OPERATING_GROUP = "operating_group", "Operating group"


class Project(models.Model):
    """One request with all its continuations, modifications and repeats of the same number (O-175)."""

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    number = models.CharField(max_length=12, blank=True)  # DR-NNNN, from the first submission on (O-15)
    title = models.CharField(max_length=200)
    status = models.CharField(
        "standing", max_length=8, choices=ProjectStanding.choices, default=ProjectStanding.OPEN
    )
    status_since = models.DateTimeField()
    opened_at = models.DateTimeField()

    history = recorded()

    class Meta:
        ordering: ClassVar = ["-opened_at"]
        default_permissions: ClassVar = []
        permissions: ClassVar = [
            ("view_project", "See the project"),
            ("edit_request", "Write its request"),
            ("decide_request", "Decide on its request"),
            ("manage_project", "Run its process"),
            ("send_files", "Send its files"),
            ("supply_list", "Send a list to it as an invited supplier"),
            ("run_match", "Match its files"),
            ("sign_off_match", "Agree to its match"),
            ("download_extract", "Download its extract"),
            ("submit_output", "Submit its outputs"),
            ("review_output", "Review its outputs"),
        ]
        constraints: ClassVar = [
            models.UniqueConstraint(name="project_number_once", fields=["number"], condition=~Q(number="")),
            models.CheckConstraint(
                name="project_number_form", condition=Q(number="") | Q(number__regex=r"^DR-[0-9]{4,}$")
            ),
            models.CheckConstraint(
                name="project_standing_known", condition=Q(status__in=ProjectStanding.values)
            ),
        ]

    def __str__(self) -> str:
        """Return number and title."""
        return f"{self.number} {self.title}".strip()


class Participation(models.Model):
    """An organisation's part in a project."""

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    project = models.ForeignKey(Project, on_delete=models.PROTECT, related_name="participations")
    organisation = models.ForeignKey(
        "accounts.Organisation", on_delete=models.PROTECT, related_name="participations"
    )
    part = models.CharField(max_length=16, choices=Part.choices)

    history = recorded()

    class Meta:
        constraints: ClassVar = [
            models.UniqueConstraint(name="part_once", fields=["project", "organisation", "part"]),
            models.CheckConstraint(name="part_known", condition=Q(part__in=Part.values)),
        ]

    def __str__(self) -> str:
        """Return organisation and part."""
        return f"{self.organisation} ({self.get_part_display()})"


class RequestCounter(models.Model):
    """The last number given. A locked row, as a sequence would leave gaps (O-15)."""

    bookkeeping = True  # the ledger tells when each number was given

    id = models.SmallIntegerField(primary_key=True, default=1)
    last = models.PositiveIntegerField(default=0)

    class Meta:
        constraints: ClassVar = [models.CheckConstraint(name="one_request_counter", condition=Q(id=1))]

    def __str__(self) -> str:
        """Return the last number."""
        return str(self.last)
