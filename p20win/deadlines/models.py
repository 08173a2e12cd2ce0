"""Deadlines, the moments planned for each, closed days, and calendar feeds."""

from typing import ClassVar

from django.db import models
from django.db.models import Q
from django.urls import reverse

from p20win.accounts.public import Role
from p20win.audit.public import recorded
from p20win.calendar import Kind
from p20win.deadlines.clocks import CLOCKS, clock_of
from p20win.ids import uuid7


class Status(models.TextChoices):
    """Where a deadline stands."""

    RUNNING = "running", "Running"
    PAUSED = "paused", "Paused"
    MET = "met", "Met"
    PASSED = "passed", "Over"  # a waiting time or a term that came to its end, as it should
    MISSED = "missed", "Missed"
    CANCELLED = "cancelled", "Cancelled"


class KindChoice(models.TextChoices):
    """What happens when it has passed."""

    BY = Kind.BY.value, "Due"
    FROM = Kind.FROM.value, "Possible from"
    UNTIL = Kind.UNTIL.value, "Until"


ALIVE = (Status.RUNNING, Status.PAUSED, Status.MISSED)


class Deadline(models.Model):
    """One clock that was started for one thing, and whom it waits for."""

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    slug = models.CharField(max_length=40)
    rule = models.CharField(
        max_length=40, blank=True
    )  # as when started, see rules.py; empty for an agreed date
    kind = models.CharField(max_length=5, choices=KindChoice.choices)
    subject_type = models.CharField(max_length=60)
    subject_id = models.CharField(max_length=40)
    where = models.CharField(max_length=300, blank=True)  # path of the page on which it is met
    project = models.ForeignKey(
        "projects.Project", on_delete=models.PROTECT, null=True, related_name="deadlines"
    )
    started_at = models.DateTimeField()  # when the clock was started
    counted_from = (
        models.DateTimeField()
    )  # the event it counts from, which may lie before or, counting back, after
    due_at = models.DateTimeField()  # the last moment in time; of a waiting time the first one possible
    derivation = models.JSONField()
    pauses = models.JSONField(default=list, blank=True)
    waiting_on_role = models.CharField(max_length=20, choices=Role.choices, blank=True)
    waiting_on_organisation = models.ForeignKey(
        "accounts.Organisation", on_delete=models.PROTECT, null=True, related_name="+"
    )
    waiting_on_person = models.ForeignKey(
        "accounts.User", on_delete=models.PROTECT, null=True, related_name="+"
    )
    status = models.CharField(max_length=10, choices=Status.choices, default=Status.RUNNING)
    status_since = models.DateTimeField()
    met_at = models.DateTimeField(null=True, blank=True)
    force_majeure = models.CharField(max_length=1000, blank=True)  # why it was missed (O-157)

    history = recorded()

    class Meta:
        ordering: ClassVar = ["due_at"]
        constraints: ClassVar = [
            models.CheckConstraint(name="deadline_status_known", condition=Q(status__in=Status.values)),
            models.CheckConstraint(name="deadline_kind_known", condition=Q(kind__in=KindChoice.values)),
            models.CheckConstraint(
                name="deadline_met_has_moment", condition=~Q(status=Status.MET) | Q(met_at__isnull=False)
            ),
            models.UniqueConstraint(
                name="deadline_once_at_a_time",
                fields=["slug", "subject_type", "subject_id", "waiting_on_organisation", "waiting_on_person"],
                condition=Q(status__in=ALIVE),
                nulls_distinct=False,
            ),
        ]
        indexes: ClassVar = [
            models.Index(name="deadline_of_subject", fields=["subject_type", "subject_id"]),
            models.Index(name="deadline_alive", fields=["due_at"], condition=Q(status__in=ALIVE)),
        ]

    def __str__(self) -> str:
        """Return the title and state."""
        return f"{self.title} ({self.get_status_display()})"

    def get_absolute_url(self) -> str:
        """Return the page that shows how the date came about."""
        return reverse("deadlines:detail", args=[self.pk])

    @property
    def title(self) -> str:
        """Return what it is for, in words; a clock that no longer exists keeps its slug."""
        return clock_of(self.slug).title if self.slug in CLOCKS else self.slug

    @property
    def is_late(self) -> bool:
        """Say whether it was missed, or met too late."""
        if self.met_at is not None:
            return self.met_at > self.due_at
        return self.status == Status.MISSED

    @property
    def waits_for(self) -> str:
        """Return who is waited for, in words."""
        if self.waiting_on_person:
            return self.waiting_on_person.name
        who = [self.waiting_on_organisation.short_name] if self.waiting_on_organisation else []
        return ", ".join([*who, self.get_waiting_on_role_display().lower()] if self.waiting_on_role else who)


class MarkKind(models.TextChoices):
    """What is done at a planned moment."""

    REMIND = "remind", "Reminder"
    ACT = "act", "The portal acts"
    DUE = "due", "Falls due"
    MISS = "miss", "Missed"
    ESCALATE = "escalate", "Told to the operating group"


class Mark(models.Model):
    """One moment planned for a deadline; what it stands for is done once, when the clock has reached it."""

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    deadline = models.ForeignKey(Deadline, on_delete=models.PROTECT, related_name="marks")
    kind = models.CharField(max_length=8, choices=MarkKind.choices)
    planned_at = models.DateTimeField()
    words = models.CharField(max_length=80, blank=True)  # such as "5 business days before"
    job = models.CharField(max_length=80, blank=True)  # the line of work, where the portal acts
    reached_at = models.DateTimeField(null=True, blank=True)
    dropped_at = models.DateTimeField(null=True, blank=True)  # the deadline was met, moved or cancelled first

    class Meta:
        ordering: ClassVar = ["planned_at", "kind"]
        constraints: ClassVar = [
            models.CheckConstraint(name="mark_kind_known", condition=Q(kind__in=MarkKind.values)),
            models.CheckConstraint(name="mark_acts_by_a_job", condition=Q(kind=MarkKind.ACT) ^ Q(job="")),
            models.CheckConstraint(
                name="mark_reached_or_dropped",
                condition=Q(reached_at__isnull=True) | Q(dropped_at__isnull=True),
            ),
            models.UniqueConstraint(
                name="mark_once",
                fields=["deadline", "kind", "planned_at", "job"],
                condition=Q(dropped_at__isnull=True),
            ),
        ]
        indexes: ClassVar = [
            models.Index(
                name="mark_open",
                fields=["planned_at"],
                condition=Q(reached_at__isnull=True, dropped_at__isnull=True),
            )
        ]

    def __str__(self) -> str:
        """Return the kind's label."""
        return self.get_kind_display()


class HolidayOverride(models.Model):
    """A day that is closed though the law's list does not have it, or open though it does."""

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    day = models.DateField()
    is_closed = models.BooleanField(default=True)
    name = models.CharField(max_length=120)  # such as "Offices closed by the Governor: snow"
    entered_at = models.DateTimeField()
    withdrawn_at = models.DateTimeField(null=True, blank=True)

    history = recorded()

    class Meta:
        ordering: ClassVar = ["day"]
        constraints: ClassVar = [
            models.UniqueConstraint(
                name="one_override_a_day", fields=["day"], condition=Q(withdrawn_at__isnull=True)
            )
        ]

    def __str__(self) -> str:
        """Return day and name."""
        return f"{self.day} {self.name}"


class Feed(models.Model):
    """A person's calendar address. Only the token's digest is kept; the address is shown once."""

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    person = models.ForeignKey("accounts.User", on_delete=models.PROTECT, related_name="calendar_feeds")
    digest = models.CharField(max_length=64, unique=True)
    made_at = models.DateTimeField()
    revoked_at = models.DateTimeField(null=True, blank=True)

    history = recorded(excluded_fields=["digest"])

    class Meta:
        constraints: ClassVar = [
            models.UniqueConstraint(
                name="one_feed_a_person", fields=["person"], condition=Q(revoked_at__isnull=True)
            )
        ]

    def __str__(self) -> str:
        """Return whether it still works."""
        return "revoked" if self.revoked_at else "in use"
