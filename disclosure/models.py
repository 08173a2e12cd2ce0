"""Outputs from upload to release: what the check found, what each agency said, what was published."""

from typing import ClassVar, Final

from django.db import models
from django.db.models import Q
from django.urls import reverse

from disclosure.known_models import Known, KnownKind
from disclosure.offer_models import Offer
from disclosure.review_models import Material, PriorReview, Ruling
from disclosure.safe_models import SafeTable
from disclosure.submission_models import Submission
from disclosure.workbook_models import CleanWorkbook, WhyNoWorkbook
from p20win.audit.public import recorded
from p20win.ids import uuid7

__all__ = [
    "POINTS",
    "CleanTable",
    "CleanWorkbook",
    "Clearance",
    "Known",
    "KnownKind",
    "Material",
    "Offer",
    "Output",
    "OutputCheck",
    "OutputStatus",
    "PriorReview",
    "PublishedCopy",
    "Ruling",
    "SafeTable",
    "Submission",
    "Verdict",
    "WhyNoWorkbook",
]


class OutputStatus(models.TextChoices):
    """Where an output stands."""

    UPLOADED = "uploaded", "Being checked"
    CHECKED = "checked", "Checked"
    IN_REVIEW = "in_review", "With the agencies"
    RELEASED = "released", "Released"
    RETURNED = "returned", "Returned to its author"
    WITHDRAWN = "withdrawn", "Withdrawn"


class Output(models.Model):
    """Tables that a recipient wants to publish: context and state. The file itself lies sealed."""

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    project = models.ForeignKey("projects.Project", on_delete=models.PROTECT, related_name="outputs")
    author = models.ForeignKey("accounts.User", on_delete=models.PROTECT, related_name="outputs")
    planned = models.ForeignKey(
        "requests_app.PlannedOutput", on_delete=models.PROTECT, null=True, related_name="+"
    )
    title = models.CharField(max_length=200)
    material = models.CharField(max_length=12, choices=Material.choices, default=Material.REPORT)
    is_trial = models.BooleanField(default=False)  # a self-check of its author; not submitted
    population = models.CharField(max_length=200)  # who is counted: see `together`
    period = models.CharField(max_length=100)
    extracted_on = models.DateField()
    frozen_as = models.ForeignKey(  # an output made from the same data, which nobody changed since
        "self", on_delete=models.PROTECT, null=True, related_name="+"
    )
    submission = models.ForeignKey(  # the package that it belongs to, if others go with it
        Submission, on_delete=models.PROTECT, null=True, related_name="outputs"
    )
    round = models.PositiveSmallIntegerField(default=1)  # each new file begins a round: votes start again
    slot = models.OneToOneField("custody.UploadSlot", on_delete=models.PROTECT, related_name="+")
    status = models.CharField(max_length=10, choices=OutputStatus.choices, default=OutputStatus.UPLOADED)
    status_since = models.DateTimeField()
    sent_at = models.DateTimeField(null=True)
    not_before = models.DateTimeField(null=True)  # release is not possible earlier (O-77)
    released_at = models.DateTimeField(null=True)

    history = recorded()

    class Meta:
        ordering: ClassVar = ["-status_since"]
        constraints: ClassVar = [
            models.CheckConstraint(name="output_status_known", condition=Q(status__in=OutputStatus.values)),
            models.CheckConstraint(name="output_material_known", condition=Q(material__in=Material.values)),
            models.CheckConstraint(
                name="self_check_is_seen_by_nobody_else",
                condition=Q(is_trial=False)
                | Q(sent_at__isnull=True) & ~Q(status__in=["in_review", "released"]),
            ),
            models.CheckConstraint(
                name="output_in_review_has_its_clock",
                condition=~Q(status__in=["in_review", "released"])
                | Q(sent_at__isnull=False, not_before__isnull=False),
            ),
            models.CheckConstraint(
                name="output_released_not_before_its_time",
                condition=~Q(status="released") | Q(released_at__gte=models.F("not_before")),
            ),
        ]

    def __str__(self) -> str:
        """Return the title."""
        return self.title

    def get_absolute_url(self) -> str:
        """Return its page."""
        return reverse("disclosure:detail", args=[self.pk])


class Verdict(models.TextChoices):
    """What the check of a file found."""

    SAFE = "safe", "Protected, and the audit is clean"
    UNREADABLE = "unreadable", "Cannot be read as tables of counts"
    NO_PATTERN = "no_pattern", "Cannot be protected beside what is released already"
    NOT_SETTLED = "not_settled", "Could not be settled"
    IN_TEXT = "in_text", "Its text says what its tables may not"


class OutputCheck(models.Model):
    """One check of one file: numbers only. What it says of single cells lies sealed in `sheet`."""

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    project = models.ForeignKey("projects.Project", on_delete=models.PROTECT, related_name="+")
    output = models.ForeignKey(Output, on_delete=models.PROTECT, related_name="checks")
    round = models.PositiveSmallIntegerField()
    number = models.PositiveSmallIntegerField()
    checked_at = models.DateTimeField()
    verdict = models.CharField(max_length=12, choices=Verdict.choices)
    policy = models.JSONField()  # the numbers in force: {"min_count", "hide_zeros", "min_pct_base"}
    compared_with = models.JSONField(default=list)  # outputs whose released tables were held against it
    compared_checks = models.JSONField(default=list)  # those of their checks that made these tables
    held = models.JSONField(default=dict)  # where they count others: the groups, and their Venn diagram
    known = models.JSONField(default=list)  # hierarchies and public tables it was made with
    headings = models.JSONField(default=list)  # digests of its tables' headings: names said later find it
    adds = models.JSONField(default=dict)  # counts known before, told anew, told again: none of their values
    cells = models.PositiveIntegerField(default=0)
    small = models.PositiveIntegerField(default=0)
    complementary = models.PositiveIntegerField(default=0)
    percentages = models.PositiveIntegerField(default=0)
    questions = models.PositiveIntegerField(default=0)  # asked by the audit
    leaks = models.PositiveIntegerField(default=0)
    warnings = models.PositiveIntegerField(default=0)
    unsettled = models.PositiveIntegerField(default=0)  # questions the audit could not settle in its limit
    numbers_said = models.PositiveIntegerField(default=0)  # numbers of people in its text
    to_rule = models.PositiveIntegerField(default=0)  # points of its reading that hang on somebody's word
    gap = models.FloatField(default=0)  # by how much fewer cells could at most do, as a share
    stopped_by_clock = models.BooleanField(default=False)
    solver = models.CharField(max_length=80, blank=True)
    sheet = models.ForeignKey("custody.SealedFile", on_delete=models.PROTECT, related_name="+")

    history = recorded()

    class Meta:
        ordering: ClassVar = ["-round", "-number"]
        verbose_name = "check of an output"
        verbose_name_plural = "checks of outputs"
        constraints: ClassVar = [
            models.UniqueConstraint(name="check_number_once", fields=["output", "round", "number"]),
            models.CheckConstraint(name="verdict_known", condition=Q(verdict__in=Verdict.values)),
            models.CheckConstraint(name="safe_has_no_leaks", condition=~Q(verdict="safe") | Q(leaks=0)),
        ]

    def __str__(self) -> str:
        """Return the verdict."""
        return self.get_verdict_display()

    @property
    def withheld(self) -> int:
        """Return how many cells are withheld."""
        return self.small + self.complementary

    @property
    def is_safe(self) -> bool:
        """Say whether it found nothing to work out, and left nothing open."""
        return self.verdict == Verdict.SAFE

    @property
    def doubts(self) -> int:
        """Return how much it left open that people must rule on."""
        return self.unsettled + self.warnings + self.to_rule


class CleanTable(models.Model):
    """The bytes of one protected table as they were audited: these, and no others, are handed on."""

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    found = models.ForeignKey(OutputCheck, on_delete=models.PROTECT, related_name="tables")
    number = models.PositiveSmallIntegerField()
    file = models.OneToOneField("custody.SealedFile", on_delete=models.PROTECT, related_name="+")
    digest = models.CharField(max_length=64)  # SHA-256 of the released bytes; never of the uploaded ones
    rows = models.PositiveIntegerField()
    facts = models.PositiveIntegerField(null=True)  # numbers it shows
    of_text = models.BooleanField(default=False)  # what the text says, and somebody confirmed

    history = recorded()

    class Meta:
        ordering: ClassVar = ["number"]
        constraints: ClassVar = [
            models.UniqueConstraint(name="table_number_once", fields=["found", "number"]),
            models.CheckConstraint(name="table_digest_form", condition=Q(digest__regex=r"^[0-9a-f]{64}$")),
        ]

    def __str__(self) -> str:
        """Return its name in the package."""
        return self.name

    @property
    def name(self) -> str:
        """Return its name in the package."""
        return f"{'sentences' if self.of_text else 'table'}-{self.number}.csv"

    @property
    def project_id(self) -> object:
        """Return the project, so that the ledger knows where it belongs."""
        return self.found.output.project_id


POINTS: Final = {  # what every agency confirms in writing (O-82)
    "is_aggregated": "The data are properly aggregated.",
    "is_labelled": "Tables and figures are labelled correctly.",
    "has_no_confidential_data": "No confidential data is in it.",
    "follows_policy": "It is consistent with the disclosure policy.",
    "keeps_purpose": "It keeps to the purpose that was approved.",
}


class Clearance(models.Model):
    """What one agency, or the operating group, says of an output in one round."""

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    output = models.ForeignKey(Output, on_delete=models.PROTECT, related_name="clearances")
    round = models.PositiveSmallIntegerField()
    organisation = models.ForeignKey("accounts.Organisation", on_delete=models.PROTECT, related_name="+")
    found = models.ForeignKey(OutputCheck, on_delete=models.PROTECT, related_name="+")
    is_aggregated = models.BooleanField(default=False)
    is_labelled = models.BooleanField(default=False)
    has_no_confidential_data = models.BooleanField(default=False)
    follows_policy = models.BooleanField(default=False)
    keeps_purpose = models.BooleanField(default=False)
    cleared_at = models.DateTimeField(null=True)
    returned_at = models.DateTimeField(null=True)
    decided_by = models.ForeignKey("accounts.User", on_delete=models.PROTECT, null=True, related_name="+")
    comment = models.TextField(blank=True)

    history = recorded()

    class Meta:
        ordering: ClassVar = ["organisation__is_operating_group", "organisation__short_name"]
        constraints: ClassVar = [
            models.UniqueConstraint(name="one_clearance_of_each", fields=["output", "round", "organisation"]),
            models.CheckConstraint(
                name="cleared_on_all_points_by_somebody",
                condition=Q(cleared_at__isnull=True)
                | Q(decided_by__isnull=False, returned_at__isnull=True, **dict.fromkeys(POINTS, True)),
            ),
            models.CheckConstraint(
                name="returned_with_a_comment",
                condition=Q(returned_at__isnull=True) | Q(decided_by__isnull=False) & ~Q(comment=""),
            ),
        ]

    def __str__(self) -> str:
        """Return whose word it is."""
        return f"{self.organisation} on {self.output}"

    @property
    def project_id(self) -> object:
        """Return the project, so that the ledger knows where it belongs."""
        return self.output.project_id


class PublishedCopy(models.Model):
    """The electronic copy of what was published (O-84). It is public."""

    append_only = True

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    output = models.ForeignKey(Output, on_delete=models.PROTECT, related_name="copies")
    name = models.CharField(max_length=200)
    content = models.BinaryField()
    digest = models.CharField(max_length=64)
    where = models.CharField(max_length=300)  # where it was published
    received_at = models.DateTimeField()
    by = models.ForeignKey("accounts.User", on_delete=models.PROTECT, related_name="+")

    class Meta:
        ordering: ClassVar = ["received_at"]
        verbose_name_plural = "published copies"

    def __str__(self) -> str:
        """Return its name."""
        return self.name

    @property
    def project_id(self) -> object:
        """Return the project, so that the ledger knows where it belongs."""
        return self.output.project_id
