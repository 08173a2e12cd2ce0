"""Matches: the files expected, the runs, and what each party said of the result; see also delivery_models."""

from typing import ClassVar

from django.db import models
from django.db.models import F, Q
from django.urls import reverse

from matching.abandonment_models import Abandonment, AbandonmentStatus, Ground
from matching.delivery_models import (
    Delivery,
    DeliveryStatus,
    DeliveryTerms,
    Download,
    Fetch,
    Form,
    LinkAttestation,
    Outcome,
    Question,
    QuestionStatus,
    Topic,
)
from matching.group_models import GroupLook, GroupReading
from matching.keeping_models import Keeping, KeepingStatus, KeepingWord
from matching.list_models import JoinedList
from matching.quality_models import IssueStatus, QualityAnswer, QualityIssue, QualityQuestion
from matching.reopening_models import Reopening, SentAgain
from matching.repeat_models import Every, Repeat, RepeatStatus
from matching.review_models import Look, Reading, ReviewSample, ReviewSheet, Verdict
from matching.spec_models import LinkSpec, TryOut, TryOutStatus
from p20win.audit.public import recorded
from p20win.calendar import BusinessDays, Hours, hours_or_days
from p20win.ids import uuid7

__all__ = [
    "Abandonment",
    "AbandonmentStatus",
    "Delivery",
    "DeliveryStatus",
    "DeliveryTerms",
    "Download",
    "Every",
    "ExpectedFile",
    "Fetch",
    "Form",
    "Ground",
    "GroupLook",
    "GroupReading",
    "IssueStatus",
    "JoinedList",
    "Keeping",
    "KeepingStatus",
    "KeepingWord",
    "LinkAttestation",
    "LinkSpec",
    "Look",
    "Match",
    "MatchRun",
    "MatchSignoff",
    "MatchStatus",
    "Outcome",
    "QualityAnswer",
    "QualityIssue",
    "QualityQuestion",
    "Question",
    "QuestionStatus",
    "Reading",
    "Reopening",
    "Repeat",
    "RepeatStatus",
    "ReviewSample",
    "ReviewSheet",
    "RunStatus",
    "SentAgain",
    "Topic",
    "TryOut",
    "TryOutStatus",
    "Verdict",
]


class MatchStatus(models.TextChoices):
    """Where a match stands."""

    COLLECTING = "collecting", "Waiting for files"
    READY = "ready", "Ready to link"
    LINKING = "linking", "Linking"
    LINKED = "linked", "Linked, waiting for the parties"
    SIGNED_OFF = "signed_off", "Signed off"
    DELIVERED = "delivered", "Delivered"
    ABANDONED = "abandoned", "Abandoned, without a result"
    INPUTS_DESTROYED = "inputs_destroyed", "Inputs destroyed"


class Match(models.Model):
    """One match of a project: the files of its agencies linked into people."""

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    project = models.ForeignKey("projects.Project", on_delete=models.PROTECT, related_name="matches")
    number = models.PositiveSmallIntegerField(default=1)
    status = models.CharField(max_length=16, choices=MatchStatus.choices, default=MatchStatus.COLLECTING)
    status_since = models.DateTimeField()
    signed_off_at = models.DateTimeField(null=True)
    abandoned_at = models.DateTimeField(null=True)  # it ended without a result
    inputs_destroyed_at = models.DateTimeField(null=True)
    proposed = models.ForeignKey(  # the run that is before the parties
        "matching.MatchRun", on_delete=models.PROTECT, null=True, related_name="+"
    )
    # A stricter clock for the destruction of this match's inputs, and why (O-107).
    own_rule_hours = models.PositiveSmallIntegerField(null=True, blank=True)
    own_rule_business_days = models.PositiveSmallIntegerField(null=True, blank=True)
    own_rule_reason = models.CharField(max_length=500, blank=True)
    destruction_rules = models.JSONField(default=list)  # everybody's, as they were at the sign-off

    history = recorded()

    class Meta:
        ordering: ClassVar = ["-status_since"]
        verbose_name_plural = "matches"
        constraints: ClassVar = [
            models.CheckConstraint(name="match_status_known", condition=Q(status__in=MatchStatus.values)),
            models.UniqueConstraint(name="match_number_once", fields=["project", "number"]),
            models.UniqueConstraint(
                name="one_match_at_a_time",
                fields=["project"],
                condition=~Q(status="inputs_destroyed"),
            ),
            models.CheckConstraint(
                name="match_signed_off_since",
                condition=~Q(status__in=["signed_off", "delivered"]) | Q(signed_off_at__isnull=False),
            ),
            models.CheckConstraint(
                name="match_ended_before_its_inputs",
                condition=~Q(status="inputs_destroyed")
                | Q(signed_off_at__isnull=False)
                | Q(abandoned_at__isnull=False),
            ),
            models.CheckConstraint(
                name="match_abandoned_since",
                condition=~Q(status="abandoned") | Q(abandoned_at__isnull=False),
            ),
            models.CheckConstraint(
                name="match_inputs_destroyed_since",
                condition=~Q(status="inputs_destroyed") | Q(inputs_destroyed_at__isnull=False),
            ),
            models.CheckConstraint(
                name="match_has_one_rule_of_its_own",
                condition=Q(own_rule_hours__isnull=True) | Q(own_rule_business_days__isnull=True),
            ),
            models.CheckConstraint(
                name="match_rule_of_its_own_has_a_reason",
                condition=Q(own_rule_hours__isnull=True, own_rule_business_days__isnull=True)
                | ~Q(own_rule_reason=""),
            ),
        ]

    def __str__(self) -> str:
        """Return the project's number."""
        return f"Match of {self.project.number}"

    def get_absolute_url(self) -> str:
        """Return its page."""
        return reverse("matching:detail", args=[self.pk])

    @property
    def own_rule(self) -> Hours | BusinessDays | None:
        """Return the stricter rule that was set for this match alone, if there is one."""
        return hours_or_days(hours=self.own_rule_hours, business_days=self.own_rule_business_days)

    @property
    def delivery(self) -> Delivery:
        """Return the latest version of its extract. :raises Delivery.DoesNotExist: if there is none yet"""
        return self.deliveries.select_related("project", "match", "extract").latest("version")


class ExpectedFile(models.Model):
    """One file that a match waits for: its upload slot, and what its columns mean."""

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    match = models.ForeignKey(Match, on_delete=models.PROTECT, related_name="expected_files")
    slot = models.OneToOneField("custody.UploadSlot", on_delete=models.PROTECT, related_name="expected_by")
    agency = models.ForeignKey("accounts.Organisation", on_delete=models.PROTECT, related_name="+")
    kind = models.CharField(max_length=16)  # as custody calls it
    is_required = models.BooleanField(default=True)
    flag = models.CharField(max_length=60, blank=True)  # of an identifier list: its flag column
    identifier = models.CharField(max_length=60, blank=True)  # likewise: its column of identifiers
    place = models.CharField(max_length=12, blank=True)  # likewise: the school whose people it is about
    population = models.CharField(max_length=200, blank=True)  # likewise: whom the request calls so
    is_consent = models.BooleanField(default=False)  # a list of consents, by generic id

    history = recorded()

    class Meta:
        ordering: ClassVar = ["agency__short_name", "-kind", "id"]
        constraints: ClassVar = [
            models.UniqueConstraint(
                name="one_file_of_a_kind",
                fields=["match", "agency", "kind"],
                condition=Q(is_required=True),
            ),
            models.CheckConstraint(
                name="list_names_its_columns",
                condition=~Q(kind="identifier_list") | Q(is_consent=True) | ~Q(flag="") & ~Q(identifier=""),
            ),
        ]

    def __str__(self) -> str:
        """Return whose file it is."""
        return f"{self.agency}: {self.kind}"

    @property
    def project_id(self) -> object:
        """Return the project, so that the ledger knows where it belongs."""
        return self.match.project_id


class RunStatus(models.TextChoices):
    """Where a run stands."""

    RUNNING = "running", "Running"
    DONE = "done", "Done"
    FAILED = "failed", "Did not work"


class MatchRun(models.Model):
    """One run of an approved method, with its report. Small counts are hidden in what is stored here."""

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    match = models.ForeignKey(Match, on_delete=models.PROTECT, related_name="runs")
    number = models.PositiveSmallIntegerField()
    method = models.ForeignKey("agreements.MatchMethod", on_delete=models.PROTECT, related_name="+")
    status = models.CharField(max_length=8, choices=RunStatus.choices, default=RunStatus.RUNNING)
    status_since = models.DateTimeField()
    started_at = models.DateTimeField()
    started_by = models.ForeignKey("accounts.User", on_delete=models.PROTECT, related_name="+")
    link_spec = models.ForeignKey(LinkSpec, on_delete=models.PROTECT, null=True, related_name="runs")
    reason = models.CharField(max_length=500, blank=True)  # why it was linked again
    spec = models.JSONField()  # as matching.engine.spec writes it: no value of any record
    report = models.JSONField(null=True)
    report_digest = models.CharField(max_length=64, blank=True)
    differences = models.JSONField(default=dict)  # in links from each earlier run, as counts
    failure = models.CharField(max_length=400, blank=True)
    crosswalk = models.ForeignKey("custody.SealedFile", on_delete=models.PROTECT, null=True, related_name="+")
    pairs = models.ForeignKey("custody.SealedFile", on_delete=models.PROTECT, null=True, related_name="+")
    flags = models.ForeignKey("custody.SealedFile", on_delete=models.PROTECT, null=True, related_name="+")
    outdated_by = models.ForeignKey(  # a file it was made of was closed, and another asked for
        "matching.Reopening", on_delete=models.PROTECT, null=True, related_name="outdated_runs"
    )

    history = recorded()

    class Meta:
        ordering: ClassVar = ["-number"]
        constraints: ClassVar = [
            models.CheckConstraint(name="run_status_known", condition=Q(status__in=RunStatus.values)),
            models.UniqueConstraint(name="run_number_once", fields=["match", "number"]),
            models.UniqueConstraint(
                name="one_run_at_a_time", fields=["match"], condition=Q(status="running")
            ),
            models.CheckConstraint(
                name="run_done_has_results",
                condition=~Q(status="done")
                | Q(report__isnull=False, crosswalk__isnull=False, pairs__isnull=False, flags__isnull=False)
                & ~Q(report_digest=""),
            ),
            models.CheckConstraint(
                name="run_failed_says_why", condition=~Q(status="failed") | ~Q(failure="")
            ),
        ]

    def __str__(self) -> str:
        """Return its number."""
        return f"Run {self.number}"

    @property
    def project_id(self) -> object:
        """Return the project, so that the ledger knows where it belongs."""
        return self.match.project_id


class MatchSignoff(models.Model):
    """What one party's representative says of a run: optimal, or not and why (O-70, O-169)."""

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    run = models.ForeignKey(MatchRun, on_delete=models.PROTECT, related_name="signoffs")
    organisation = models.ForeignKey("accounts.Organisation", on_delete=models.PROTECT, related_name="+")
    is_recipient = models.BooleanField(default=False)
    signature = models.OneToOneField(
        "signatures.Signature", on_delete=models.PROTECT, null=True, related_name="+"
    )
    rejected_at = models.DateTimeField(null=True)
    rejected_by = models.ForeignKey("accounts.User", on_delete=models.PROTECT, null=True, related_name="+")
    reasons = models.TextField(blank=True)

    history = recorded()

    class Meta:
        ordering: ClassVar = ["is_recipient", "organisation__short_name"]
        constraints: ClassVar = [
            models.UniqueConstraint(
                name="one_word_of_a_party", fields=["run", "organisation", "is_recipient"]
            ),
            models.CheckConstraint(
                name="signoff_agrees_or_rejects",
                condition=Q(signature__isnull=True) | Q(rejected_at__isnull=True),
            ),
            models.CheckConstraint(
                name="rejection_has_reasons",
                condition=Q(rejected_at__isnull=True) | Q(rejected_by__isnull=False) & ~Q(reasons=""),
            ),
        ]

    def __str__(self) -> str:
        """Return whose word it is."""
        return f"{self.organisation} on {self.run}"

    @property
    def project_id(self) -> object:
        """Return the project, so that the ledger knows where it belongs."""
        return self.run.match.project_id


class OrderStatus(models.TextChoices):
    """Where an order to destroy the inputs stands."""

    ASKED = "asked", "Waiting for a second person"
    SET = "set", "Set: the hour runs"
    BEGUN = "begun", "Begun"
    WITHDRAWN = "withdrawn", "Withdrawn"


class DestructionOrder(models.Model):
    """The order to destroy the inputs of a match: by two people of the hub, or by the portal in time (C03).

    Once it is set an hour passes, with notice to everyone, before the vault begins.
    """

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    match = models.ForeignKey(Match, on_delete=models.PROTECT, related_name="destruction_orders")
    is_automatic = models.BooleanField(default=False)
    reason = models.CharField(max_length=500, blank=True)  # why before the clock has run out
    status = models.CharField(max_length=9, choices=OrderStatus.choices, default=OrderStatus.ASKED)
    status_since = models.DateTimeField()
    asked_by = models.ForeignKey("accounts.User", on_delete=models.PROTECT, related_name="+")
    confirmed_by = models.ForeignKey("accounts.User", on_delete=models.PROTECT, null=True, related_name="+")
    acts_at = models.DateTimeField(null=True)  # when the hour is over
    withdrawn_by = models.ForeignKey("accounts.User", on_delete=models.PROTECT, null=True, related_name="+")
    withdrawal = models.CharField(max_length=500, blank=True)  # why it was withdrawn

    history = recorded()

    class Meta:
        ordering: ClassVar = ["-status_since"]
        constraints: ClassVar = [
            models.CheckConstraint(name="order_status_known", condition=Q(status__in=OrderStatus.values)),
            models.CheckConstraint(
                name="order_confirmed_by_another",
                condition=Q(confirmed_by__isnull=True) | ~Q(confirmed_by=F("asked_by")),
            ),
            models.CheckConstraint(
                name="order_set_by_two_or_the_portal",
                condition=Q(status__in=["asked", "withdrawn"])
                | Q(acts_at__isnull=False) & (Q(is_automatic=True) | Q(confirmed_by__isnull=False)),
            ),
            models.CheckConstraint(
                name="order_withdrawn_says_why",
                condition=~Q(status="withdrawn") | Q(withdrawn_by__isnull=False) & ~Q(withdrawal=""),
            ),
            models.UniqueConstraint(
                name="one_order_at_a_time", fields=["match"], condition=~Q(status="withdrawn")
            ),
        ]

    def __str__(self) -> str:
        """Return where it stands."""
        return f"Destruction of the inputs: {self.get_status_display()}"

    @property
    def project_id(self) -> object:
        """Return the project, so that the ledger knows where it belongs."""
        return self.match.project_id
