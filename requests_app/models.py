"""A request as Exhibit A has it, what was submitted, and what the agencies decided."""

from typing import ClassVar

from django.conf import settings
from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.db.models import Q
from django.urls import reverse

from p20win import policy
from p20win.audit.public import recorded
from p20win.ids import uuid7
from requests_app.form_rows import (
    Affirmation,
    ContradictionReason,
    DataElement,
    Discussion,
    ElementQuestion,
    IdentifierTable,
    PlannedOutput,
    Population,
    RequestedAgency,
    ResearchQuestion,
)
from requests_app.people_rows import NamedPerson, PersonApproval
from requests_app.vocabulary import (
    AtEnd,
    Beneficiary,
    Board,
    Kind,
    LegalBasis,
    Level,
    Outcome,
    Place,
    Protection,
    Recurrence,
    Status,
)

__all__ = [
    "Affirmation",
    "ContradictionReason",
    "DataElement",
    "DataRequest",
    "Decision",
    "Discussion",
    "ElementQuestion",
    "ElementRefusal",
    "IdentifierTable",
    "NamedPerson",
    "PersonApproval",
    "PlannedOutput",
    "Population",
    "RequestedAgency",
    "ResearchQuestion",
    "ReviewComment",
    "Submission",
]


def _several(choices: type[models.TextChoices], label: str) -> ArrayField:
    """Return a field for several of these choices."""
    return ArrayField(
        models.CharField(max_length=24, choices=choices.choices), default=list, blank=True, verbose_name=label
    )


class DataRequest(models.Model):
    """One request of a project: the initial one, or a revision under the same number."""

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    project = models.ForeignKey("projects.Project", on_delete=models.PROTECT, related_name="requests")
    revision = models.PositiveSmallIntegerField(default=0)  # 0 = initial
    based_on = models.ForeignKey(
        "self", on_delete=models.PROTECT, null=True, blank=True, related_name="revisions"
    )
    status = models.CharField(max_length=16, choices=Status.choices, default=Status.DRAFT)
    status_since = models.DateTimeField()
    round = models.PositiveSmallIntegerField(default=0)  # how often it was submitted
    created_at = models.DateTimeField()
    submitted_at = models.DateTimeField(null=True, blank=True)  # 1.a, of the first submission
    approved_at = models.DateTimeField(null=True, blank=True)

    # 1 Basic information
    kind = models.CharField("Type of request", max_length=16, choices=Kind.choices, default=Kind.INITIAL)
    title = models.CharField("Title", max_length=200)
    discussed = models.BooleanField("Talked over with programme staff of the agencies", null=True, blank=True)

    # 2 Requestor
    requestor = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="requests")
    recipient = models.ForeignKey("accounts.Organisation", on_delete=models.PROTECT, related_name="requests")
    requestor_position = models.CharField("Title or position", max_length=120, blank=True)
    requestor_address = models.TextField("Postal address", max_length=400, blank=True)
    requestor_phone = models.CharField("Telephone", max_length=40, blank=True)
    requestor_fax = models.CharField("Fax", max_length=40, blank=True)
    contact_name = models.CharField("Name", max_length=150, blank=True)
    contact_position = models.CharField("Title or position", max_length=120, blank=True)
    contact_organisation = models.CharField("Organisation", max_length=200, blank=True)
    contact_phone = models.CharField("Telephone", max_length=40, blank=True)
    contact_email = models.EmailField("E-mail", blank=True)

    # 3 Purpose and scope
    summary = models.TextField("Summary of the data, years and cohorts", blank=True)
    legal_bases = _several(LegalBasis, "Legal basis")
    legal_argument = models.TextField("Purpose, and why the law allows it", blank=True)
    beneficiaries = _several(Beneficiary, "Whom it serves")
    benefit = models.TextField("Benefit to education authorities and the State", blank=True)
    method = models.TextField("Method of analysis", blank=True)
    software = models.CharField("Software used", max_length=200, blank=True)
    protections = _several(Protection, "Methods against re-identification")
    protections_text = models.TextField("How these are used, together or why only one", blank=True)

    # 4 Confidentiality
    destruction_date = models.DateField("Destruction date of all data", null=True, blank=True)
    at_end = models.CharField("What happens to the data", max_length=8, choices=AtEnd.choices, blank=True)

    # 5 Anything else
    other_information = models.TextField("Anything else the reviewers should know", blank=True)
    review_board = models.CharField("Review board (IRB)", max_length=12, choices=Board.choices, blank=True)
    review_board_name = models.CharField("Name of the board, and its number", max_length=200, blank=True)
    review_board_expires = models.DateField("Approval expires on", null=True, blank=True)

    # What the agreements ask for beyond the form
    place = models.CharField("Kind of place", max_length=8, choices=Place.choices, blank=True)
    place_text = models.TextField("Where exactly the data is kept and analysed", blank=True)
    security_plan = models.TextField("Security controls met, partly met, not met", blank=True)
    dissemination_plan = models.TextField("Who sends what to whom, and what is published", blank=True)
    timeline = models.TextField("Timeline", blank=True)
    contacts = models.TextField("Contacts at each agency and at the requestor", blank=True)
    learning_agenda = models.TextField("Learning agenda questions served", blank=True)
    recurrence = models.CharField("How often", max_length=12, choices=Recurrence.choices, blank=True)
    level = models.CharField("What a row stands for", max_length=12, choices=Level.choices, blank=True)
    bias_handling = models.TextField("How bias is handled", blank=True)
    check_ins = models.CharField("How often the parties check in", max_length=200, blank=True)

    history = recorded()

    class Meta:
        ordering: ClassVar = ["-status_since"]
        constraints: ClassVar = [
            models.CheckConstraint(name="request_status_known", condition=Q(status__in=Status.values)),
            models.CheckConstraint(name="request_kind_known", condition=Q(kind__in=Kind.values)),
            models.CheckConstraint(
                name="request_revision_is_based",
                condition=Q(kind=Kind.INITIAL, revision=0, based_on__isnull=True)
                | Q(~Q(kind=Kind.INITIAL), revision__gt=0, based_on__isnull=False),
            ),
            models.CheckConstraint(
                name="request_submitted_has_date",
                condition=Q(status__in=[Status.DRAFT, Status.WITHDRAWN])
                | Q(submitted_at__isnull=False, round__gt=0),
            ),
            models.CheckConstraint(
                name="request_approved_is_whole",
                condition=~Q(status=Status.APPROVED)
                | Q(approved_at__isnull=False, destruction_date__isnull=False),
            ),
            models.UniqueConstraint(name="request_revision_once", fields=["project", "revision"]),
            models.UniqueConstraint(
                name="request_one_open_per_project",
                fields=["project"],
                condition=Q(
                    status__in=[
                        Status.DRAFT,
                        Status.SUBMITTED,
                        Status.RETURNED,
                        Status.WITH_AGENCIES,
                        Status.CONDITIONAL,
                    ]
                ),
            ),
        ]

    def __str__(self) -> str:
        """Return the title."""
        return self.title

    def get_absolute_url(self) -> str:
        """Return the page of the request."""
        return reverse("requests_app:home", args=[self.pk])


class Submission(models.Model):
    """The exact content that was signed and submitted in one round. Rows are only ever added."""

    append_only = True

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    request = models.ForeignKey(DataRequest, on_delete=models.PROTECT, related_name="submissions")
    round = models.PositiveSmallIntegerField()
    content = models.JSONField()
    digest = models.CharField(max_length=64)  # SHA-256, hex, of the content in canonical form
    at = models.DateTimeField()

    class Meta:
        ordering: ClassVar = ["round"]
        constraints: ClassVar = [
            models.UniqueConstraint(name="submission_once_per_round", fields=["request", "round"]),
        ]

    def __str__(self) -> str:
        """Return the round."""
        return f"Round {self.round}"

    @property
    def project_id(self) -> object:
        """Return the project, for the ledger."""
        return self.request.project_id


class ReviewComment(models.Model):
    """What the operating group asks to be changed, about one field (O-31)."""

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    request = models.ForeignKey(DataRequest, on_delete=models.PROTECT, related_name="comments")
    round = models.PositiveSmallIntegerField()
    about = models.SlugField("Which part", max_length=40)  # a slug of requests_app.outline
    text = models.TextField("What should change", max_length=2000)
    by = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="+")
    at = models.DateTimeField()

    history = recorded()

    class Meta:
        ordering: ClassVar = ["at"]
        constraints: ClassVar = [
            models.CheckConstraint(name="comment_says_something", condition=~Q(text="")),
        ]

    def __str__(self) -> str:
        """Return what it is about."""
        return self.about

    @property
    def project_id(self) -> object:
        """Return the project, for the ledger."""
        return self.request.project_id


class Decision(models.Model):
    """What one agency decided on a request in one round, signed by its board member (O-32, O-130)."""

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    request = models.ForeignKey(DataRequest, on_delete=models.PROTECT, related_name="decisions")
    agency = models.ForeignKey("accounts.Organisation", on_delete=models.PROTECT, related_name="decisions")
    round = models.PositiveSmallIntegerField()
    outcome = models.CharField("Decision", max_length=12, choices=Outcome.choices)
    reasons = models.TextField("Reasons", blank=True)
    conditions = models.TextField("What more is needed", blank=True)
    data_available = models.BooleanField("The data is available and may be shared for this purpose")  # O-33
    destruction_limit = models.DateField("Latest destruction date", null=True, blank=True)  # O-100
    min_cell_count = models.PositiveSmallIntegerField("Smallest count shown", null=True, blank=True)
    privacy_requirements = models.TextField("Privacy requirements", blank=True)  # O-129
    dissemination_limits = models.TextField("Limits on dissemination", blank=True)  # O-129
    transmission_terms = models.TextField("Terms of transmission", blank=True)  # O-100
    known_limitations = models.TextField("Known limitations of the data", blank=True)  # O-37
    signature = models.OneToOneField("signatures.Signature", on_delete=models.PROTECT, related_name="+")
    by = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="+")
    at = models.DateTimeField()

    history = recorded()

    class Meta:
        ordering: ClassVar = ["at"]
        constraints: ClassVar = [
            models.UniqueConstraint(name="decision_once_per_round", fields=["request", "agency", "round"]),
            models.CheckConstraint(name="decision_outcome_known", condition=Q(outcome__in=Outcome.values)),
            models.CheckConstraint(
                name="decision_disapproval_has_reasons",
                condition=~Q(outcome=Outcome.DISAPPROVAL) | ~Q(reasons=""),
            ),
            models.CheckConstraint(
                name="decision_conditional_has_conditions",
                condition=~Q(outcome=Outcome.CONDITIONAL) | ~Q(conditions=""),
            ),
            models.CheckConstraint(
                name="decision_approval_confirms_data",
                condition=~Q(outcome=Outcome.APPROVAL) | Q(data_available=True),
            ),
            models.CheckConstraint(
                name="decision_cell_floor",
                condition=Q(min_cell_count__isnull=True) | Q(min_cell_count__gte=policy.MIN_CELL_COUNT),
            ),
        ]

    def __str__(self) -> str:
        """Return the outcome."""
        return self.get_outcome_display()

    @property
    def project_id(self) -> object:
        """Return the project, for the ledger."""
        return self.request.project_id


class ElementRefusal(models.Model):
    """A single element that an agency does not give, and why (O-34). It names the element, which may go."""

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    decision = models.ForeignKey(Decision, on_delete=models.PROTECT, related_name="refusals")
    element_name = models.CharField(max_length=120)
    reason = models.TextField("Reason")

    history = recorded()

    class Meta:
        constraints: ClassVar = [
            models.UniqueConstraint(name="refusal_once", fields=["decision", "element_name"]),
            models.CheckConstraint(name="refusal_has_reason", condition=~Q(reason="")),
        ]

    def __str__(self) -> str:
        """Return the element's name."""
        return self.element_name
