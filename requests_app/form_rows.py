"""The rows of the form: agencies, questions, data elements, populations, documents, statements."""

from typing import ClassVar

from django.conf import settings
from django.db import models
from django.db.models import F, Q
from django.db.models.functions import Lower

from p20win import policy
from p20win.audit.public import recorded
from p20win.ids import uuid7
from requests_app.vocabulary import DataType, Membership, PopulationKind

QUESTION_CODE = r"^RQ[0-9]{1,3}[A-Z]{0,2}$"
COLUMN_NAME = r"^[A-Za-z][A-Za-z0-9_ .-]*$"


class RequestRow(models.Model):
    """A row that belongs to one request."""

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    request = models.ForeignKey(
        "requests_app.DataRequest", on_delete=models.PROTECT, related_name="%(class)ss"
    )
    position = models.PositiveIntegerField(default=0, editable=False)

    class Meta:
        abstract = True
        ordering: ClassVar = ["position", "id"]

    @property
    def project_id(self) -> object:
        """Return the project, for the ledger."""
        return self.request.project_id


class RequestedAgency(RequestRow):
    """An agency whose data is asked for (1.e)."""

    request = models.ForeignKey(
        "requests_app.DataRequest", on_delete=models.PROTECT, related_name="requested_agencies"
    )
    agency = models.ForeignKey("accounts.Organisation", on_delete=models.PROTECT, related_name="+")

    history = recorded()

    class Meta(RequestRow.Meta):
        constraints: ClassVar = [
            models.UniqueConstraint(name="agency_asked_once", fields=["request", "agency"])
        ]

    def __str__(self) -> str:
        """Return the agency."""
        return str(self.agency)


class Discussion(RequestRow):
    """Somebody of an agency with whom the request was talked over (1.f)."""

    request = models.ForeignKey(
        "requests_app.DataRequest", on_delete=models.PROTECT, related_name="discussions"
    )
    agency = models.ForeignKey("accounts.Organisation", on_delete=models.PROTECT, related_name="+")
    person_name = models.CharField("Name", max_length=150)

    history = recorded()

    class Meta(RequestRow.Meta):
        constraints: ClassVar = [
            models.UniqueConstraint(
                name="discussion_once",
                fields=["request", "agency", "person_name"],
                violation_error_message="This person is listed already.",
            )
        ]

    def __str__(self) -> str:
        """Return the agency."""
        return str(self.agency)


class ResearchQuestion(RequestRow):
    """A research question, like RQ1A under RQ1 (3.b, O-20)."""

    request = models.ForeignKey(
        "requests_app.DataRequest", on_delete=models.PROTECT, related_name="questions"
    )
    code = models.CharField("Number", max_length=8)
    parent = models.ForeignKey(
        "self",
        on_delete=models.PROTECT,
        null=True,
        blank=True,
        related_name="children",
        verbose_name="Part of",
    )
    text = models.TextField("Question")

    history = recorded()

    class Meta(RequestRow.Meta):
        ordering: ClassVar = ["position", "code"]
        constraints: ClassVar = [
            models.UniqueConstraint(
                name="question_code_once",
                fields=["request", "code"],
                violation_error_message="A question has this number already.",
            ),
            models.CheckConstraint(
                name="question_code_form",
                condition=Q(code__regex=QUESTION_CODE),
                violation_error_message="Write the number as RQ, digits, and letters for a part: RQ1, RQ1A.",
            ),
            models.CheckConstraint(name="question_says_something", condition=~Q(text="")),
            models.CheckConstraint(
                name="question_not_its_own_parent",
                condition=Q(parent__isnull=True) | ~Q(parent=F("id")),
                violation_error_message="A question cannot be part of itself.",
            ),
        ]

    def __str__(self) -> str:
        """Return the number."""
        return self.code


class DataElement(RequestRow):
    """A column wanted, or used to match only (O-21, O-22). No source: the files of suppliers (O-126)."""

    request = models.ForeignKey("requests_app.DataRequest", on_delete=models.PROTECT, related_name="elements")
    name = models.CharField("Data element", max_length=120)
    source = models.ForeignKey(
        "accounts.Organisation",
        on_delete=models.PROTECT,
        null=True,
        blank=True,
        related_name="+",
        verbose_name="Source agency",
    )
    source_element = models.CharField("Name at the source", max_length=200)
    is_matching_identifier = models.BooleanField("Matching identifier", default=False)
    is_uc = models.BooleanField("Unemployment-compensation record", default=False)  # O-134
    category = models.CharField("Category of data", max_length=80, blank=True)  # O-125
    codes = models.TextField("Values to include", blank=True)
    qualifier = models.CharField("Other qualifier", max_length=400, blank=True)
    questions = models.ManyToManyField(ResearchQuestion, through="ElementQuestion", related_name="elements")
    explanation = models.TextField("How it serves the question", blank=True)
    data_type = models.CharField("Data type", max_length=8, choices=DataType.choices, default=DataType.TEXT)
    format = models.CharField("Format", max_length=80, blank=True)

    history = recorded()

    class Meta(RequestRow.Meta):
        constraints: ClassVar = [
            models.UniqueConstraint(
                "request",
                "source",
                Lower("name"),
                name="element_once_per_source",
                nulls_distinct=False,
                violation_error_message="This source gives an element of this name already.",
            ),
            models.CheckConstraint(
                name="element_name_form",
                condition=Q(name__regex=COLUMN_NAME),
                violation_error_message="Begin with a letter; letters, digits, spaces and _ . - may follow.",
            ),
            models.CheckConstraint(name="element_names_source", condition=~Q(source_element="")),
            models.CheckConstraint(name="element_type_known", condition=Q(data_type__in=DataType.values)),
        ]

    def __str__(self) -> str:
        """Return the name."""
        return self.name


class ElementQuestion(models.Model):
    """A question that an element serves."""

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    element = models.ForeignKey(DataElement, on_delete=models.CASCADE, related_name="question_links")
    question = models.ForeignKey(ResearchQuestion, on_delete=models.PROTECT, related_name="element_links")

    history = recorded()

    class Meta:
        constraints: ClassVar = [
            models.UniqueConstraint(name="element_serves_question_once", fields=["element", "question"])
        ]

    def __str__(self) -> str:
        """Return the pair."""
        return f"{self.element_id} {self.question_id}"


class Population(RequestRow):
    """Whom the data is about: a school or programme, its years, and what is not wanted (3.a, O-23, O-125)."""

    request = models.ForeignKey(
        "requests_app.DataRequest", on_delete=models.PROTECT, related_name="populations"
    )
    name = models.CharField("Population", max_length=200)
    kind = models.CharField("Kind", max_length=16, choices=PopulationKind.choices)
    school = models.CharField("School or programme", max_length=200, blank=True)
    school_code = models.CharField("School id (NCES)", max_length=12, blank=True)
    start_year = models.CharField("Starts", max_length=9, blank=True)
    end_year = models.CharField("Ends", max_length=40, blank=True)
    grades = models.CharField("Starting grades", max_length=80, blank=True)
    is_comparison = models.BooleanField("Comparison group", default=False)
    categories = models.CharField("Categories of data", max_length=400, blank=True)
    supplier_name = models.CharField("Supplier of the list of people", max_length=200, blank=True)
    supplier_contact = models.CharField("Contact at the supplier", max_length=200, blank=True)
    membership = models.CharField("Who is a member", max_length=12, choices=Membership.choices, blank=True)
    membership_text = models.CharField("The rule in words", max_length=400, blank=True)
    not_wanted_from = models.ManyToManyField(
        "accounts.Organisation", blank=True, related_name="+", verbose_name="Agencies not wanted"
    )
    not_wanted = models.CharField("Categories of elements not wanted", max_length=400, blank=True)

    history = recorded(m2m_fields=[not_wanted_from])

    class Meta(RequestRow.Meta):
        constraints: ClassVar = [
            models.UniqueConstraint(
                "request",
                Lower("name"),
                name="population_once",
                violation_error_message="A population has this name already.",
            ),
            models.CheckConstraint(name="population_kind_known", condition=Q(kind__in=PopulationKind.values)),
        ]

    def __str__(self) -> str:
        """Return the name."""
        return self.name


class IdentifierTable(RequestRow):
    """A file of identifiers that a third party sends for a population, with its flag (O-125, O-126)."""

    request = models.ForeignKey(
        "requests_app.DataRequest", on_delete=models.PROTECT, related_name="identifier_tables"
    )
    population = models.ForeignKey(Population, on_delete=models.PROTECT, related_name="tables")
    title = models.CharField("Table", max_length=200)
    school_year = models.CharField("School year", max_length=9)
    identifier_column = models.CharField("Identifier column", max_length=60, default="SASID")
    flag_column = models.CharField("Flag column", max_length=60)
    flag_value = models.CharField("Flag value", max_length=20, default="1")
    later_years = models.CharField("Later years wanted for the same people", max_length=80, blank=True)

    history = recorded()

    class Meta(RequestRow.Meta):
        constraints: ClassVar = [
            models.UniqueConstraint(
                "population",
                "school_year",
                Lower("flag_column"),
                name="identifier_table_once",
                violation_error_message="The population has a table of this year with this flag already.",
            ),
        ]

    def __str__(self) -> str:
        """Return the title."""
        return self.title


class PlannedOutput(RequestRow):
    """A document to be made from the data (3.e, O-24)."""

    request = models.ForeignKey("requests_app.DataRequest", on_delete=models.PROTECT, related_name="outputs")
    document = models.CharField("Document", max_length=200)
    audience = models.CharField("Audience", max_length=200)
    measures = models.TextField("Indicators and measures")

    history = recorded()

    class Meta(RequestRow.Meta):
        constraints: ClassVar = [
            models.UniqueConstraint(
                "request",
                Lower("document"),
                name="planned_output_once",
                violation_error_message="This document is listed already.",
            )
        ]

    def __str__(self) -> str:
        """Return the document."""
        return self.document


class Affirmation(models.Model):
    """One of the twelve statements of 4.b, affirmed in one version of its text (O-27)."""

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    request = models.ForeignKey(
        "requests_app.DataRequest", on_delete=models.PROTECT, related_name="affirmations"
    )
    number = models.PositiveSmallIntegerField()
    text_version = models.CharField(max_length=40)
    by = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="+")
    at = models.DateTimeField()

    history = recorded()

    class Meta:
        ordering: ClassVar = ["number"]
        constraints: ClassVar = [
            models.UniqueConstraint(name="affirmed_once", fields=["request", "number", "text_version"]),
            models.CheckConstraint(
                name="affirmation_number_known",
                condition=Q(number__gte=1, number__lte=policy.CONFIDENTIALITY_STATEMENTS),
            ),
        ]

    def __str__(self) -> str:
        """Return the number."""
        return f"4.b.{self.number}"

    @property
    def project_id(self) -> object:
        """Return the project, for the ledger."""
        return self.request.project_id


class ContradictionReason(models.Model):
    """The written reason with which a contradiction between sections is left as it is (O-127)."""

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    request = models.ForeignKey(
        "requests_app.DataRequest", on_delete=models.PROTECT, related_name="contradiction_reasons"
    )
    key = models.CharField(max_length=120)
    reason = models.TextField("Reason", max_length=1000)
    by = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="+")
    at = models.DateTimeField()

    history = recorded()

    class Meta:
        constraints: ClassVar = [
            models.UniqueConstraint(name="contradiction_reason_once", fields=["request", "key"]),
            models.CheckConstraint(name="contradiction_has_reason", condition=~Q(reason="")),
        ]

    def __str__(self) -> str:
        """Return the key."""
        return self.key

    @property
    def project_id(self) -> object:
        """Return the project, for the ledger."""
        return self.request.project_id
