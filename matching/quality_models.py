"""What is known of the quality of data: answers for each run, and a log of issues by source and element."""

from typing import ClassVar

from django.db import models
from django.db.models import Q

from matching.engine.questions import QUESTIONS
from p20win.audit.public import recorded
from p20win.ids import uuid7


class QualityQuestion(models.TextChoices):
    """What is answered for each match (O-112)."""

    FIELDS = "fields", QUESTIONS["fields"]
    CONFIDENCE = "confidence", QUESTIONS["confidence"]
    NULLS = "nulls", QUESTIONS["nulls"]
    UNMATCHED = "unmatched", QUESTIONS["unmatched"]
    PROXIES = "proxies", QUESTIONS["proxies"]
    BIAS = "bias", QUESTIONS["bias"]
    WEIGHED = "weighed", QUESTIONS["weighed"]


class QualityAnswer(models.Model):
    """The hub's answer to one question about a run."""

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    run = models.ForeignKey("matching.MatchRun", on_delete=models.PROTECT, related_name="answers")
    question = models.CharField(max_length=10, choices=QualityQuestion.choices)
    text = models.TextField()
    answered_by = models.ForeignKey("accounts.User", on_delete=models.PROTECT, related_name="+")
    answered_at = models.DateTimeField()

    history = recorded()

    class Meta:
        ordering: ClassVar = ["answered_at"]
        constraints: ClassVar = [
            models.CheckConstraint(
                name="quality_question_known", condition=Q(question__in=QualityQuestion.values)
            ),
            models.UniqueConstraint(name="one_answer_each", fields=["run", "question"]),
        ]

    def __str__(self) -> str:
        """Return the question."""
        return self.get_question_display()

    @property
    def project_id(self) -> object:
        """Return the project, so that the ledger knows where it belongs."""
        return self.run.match.project_id


class IssueStatus(models.TextChoices):
    """Where an issue stands."""

    OPEN = "open", "Known"
    RESOLVED = "resolved", "Resolved"


class QualityIssue(models.Model):
    """Something that is known to be wrong with an element of a source. It names no project and no person."""

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    source = models.ForeignKey("accounts.Organisation", on_delete=models.PROTECT, related_name="+")
    element = models.CharField(max_length=120)
    years = models.CharField(max_length=60, blank=True)
    title = models.CharField(max_length=160)
    description = models.TextField()
    advice = models.TextField(blank=True)  # what who uses the element should do
    status = models.CharField(max_length=8, choices=IssueStatus.choices, default=IssueStatus.OPEN)
    status_since = models.DateTimeField()
    raised_by = models.ForeignKey("accounts.User", on_delete=models.PROTECT, related_name="+")
    raised_at = models.DateTimeField()
    resolution = models.TextField(blank=True)

    history = recorded()

    class Meta:
        ordering: ClassVar = ["source__short_name", "element", "-raised_at"]
        constraints: ClassVar = [
            models.CheckConstraint(name="issue_status_known", condition=Q(status__in=IssueStatus.values)),
            models.CheckConstraint(
                name="issue_resolved_says_how", condition=~Q(status="resolved") | ~Q(resolution="")
            ),
        ]

    def __str__(self) -> str:
        """Return the title."""
        return self.title

    @property
    def tone(self) -> str:
        """Return how its state is shown."""
        return "good" if self.status == IssueStatus.RESOLVED else "action"
