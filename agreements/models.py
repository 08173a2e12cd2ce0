"""Agreements and the papers around them, and what may never be false about them."""

from typing import ClassVar, Final
from uuid import UUID

from django.db import models
from django.db.models import F, Q

from p20win.audit.public import recorded
from p20win.ids import uuid7


class TextKind(models.TextChoices):
    """The texts that people agree to or sign."""

    AGREEMENT = "agreement", "Data sharing agreement"
    ACKNOWLEDGEMENT = "acknowledgement", "User acknowledgement (Exhibit B)"
    CONFIDENTIALITY = "confidentiality", "Personal confidentiality statement (Exhibit C)"
    DESTRUCTION = "destruction", "Certificate of destruction (Exhibit F)"
    RETENTION = "retention", "Certificate of authorised retention (Exhibit F)"
    HUB_DESTRUCTION = "hub_destruction", "Hub's certificate of destroyed inputs"
    PROJECT_END = "project_end", "Hub's certificate of the end of a project"


OF_THE_RECIPIENT: Final = (TextKind.DESTRUCTION, TextKind.RETENTION)
OF_THE_HUB: Final = (TextKind.HUB_DESTRUCTION, TextKind.PROJECT_END)


class TextTemplate(models.Model):
    """One version of a text.

    The operating group replaces ours by counsel's with a new version; none is changed.
    """

    append_only = True

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    kind = models.CharField(max_length=20, choices=TextKind.choices)
    version = models.CharField(max_length=20)
    body = models.TextField()  # Markdown with $placeholders from the list in wording.py
    adopted_at = models.DateTimeField()

    class Meta:
        ordering: ClassVar = ["kind", "adopted_at"]
        constraints: ClassVar = [
            models.UniqueConstraint(name="text_version_once", fields=["kind", "version"]),
            models.CheckConstraint(name="text_kind_known", condition=Q(kind__in=TextKind.values)),
        ]

    def __str__(self) -> str:
        """Return kind and version."""
        return f"{self.get_kind_display()} {self.version}"


class Document(models.Model):
    """The exact bytes of a paper, for ever."""

    append_only = True

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    project = models.ForeignKey(
        "projects.Project", on_delete=models.PROTECT, null=True, related_name="documents"
    )
    kind = models.SlugField(max_length=40)  # agreement, executed_agreement, certificate
    name = models.CharField(max_length=120)  # as a file is called
    digest = models.CharField(max_length=64)  # SHA-256, hex
    content = models.BinaryField()
    made_at = models.DateTimeField()

    class Meta:
        constraints: ClassVar = [
            models.CheckConstraint(name="document_digest_form", condition=Q(digest__regex=r"^[0-9a-f]{64}$")),
        ]

    def __str__(self) -> str:
        """Return the file's name."""
        return self.name


class AgreementStatus(models.TextChoices):
    """Where an agreement stands."""

    DRAFT = "draft", "Draft"
    SIGNING = "signing", "Out for signature"
    IN_FORCE = "in_force", "In force"
    ENDED = "ended", "Ended"
    VOID = "void", "Void, replaced by a new version"


class Agreement(models.Model):
    """A data sharing agreement on one approved request.

    One version of its text, and its signing round (O-52, O-54).
    """

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    project = models.ForeignKey("projects.Project", on_delete=models.PROTECT, related_name="agreements")
    version = models.PositiveSmallIntegerField(default=1)
    template = models.ForeignKey(TextTemplate, on_delete=models.PROTECT, related_name="+")
    status = models.CharField(max_length=10, choices=AgreementStatus.choices, default=AgreementStatus.DRAFT)
    status_since = models.DateTimeField()
    terms = (
        models.JSONField()
    )  # what the approved request said when this was drawn up: one record for all exhibits
    ends_on = models.DateField()
    destruction_date = models.DateField()
    document = models.ForeignKey(Document, on_delete=models.PROTECT, null=True, related_name="+")
    executed = models.ForeignKey(Document, on_delete=models.PROTECT, null=True, related_name="+")
    effective_at = models.DateTimeField(null=True)

    history = recorded()

    class Meta:
        ordering: ClassVar = ["-status_since"]
        constraints: ClassVar = [
            models.CheckConstraint(
                name="agreement_status_known", condition=Q(status__in=AgreementStatus.values)
            ),
            models.UniqueConstraint(name="agreement_version_once", fields=["project", "version"]),
            models.UniqueConstraint(
                name="one_live_agreement",
                fields=["project"],
                condition=Q(status__in=["draft", "signing", "in_force"]),
            ),
            models.CheckConstraint(
                name="agreement_signed_on_a_text",
                condition=Q(status__in=["draft", "void"]) | Q(document__isnull=False),
            ),
            models.CheckConstraint(
                name="agreement_in_force_since",
                condition=~Q(status="in_force") | Q(effective_at__isnull=False),
            ),
            # O-166: data is gone when the agreement ends, at the latest.
            models.CheckConstraint(
                name="agreement_destruction_by_end", condition=Q(destruction_date__lte=F("ends_on"))
            ),
        ]

    def __str__(self) -> str:
        """Return the project's number."""
        return f"Agreement on {self.project.number}"


class Capacity(models.TextChoices):
    """As what a party signs."""

    AGENCY = "agency", "Participating agency"
    HUB = "hub", "Data integration hub"
    RECIPIENT = "recipient", "Data recipient"


class Party(models.Model):
    """An organisation that must sign, and whether it has."""

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    agreement = models.ForeignKey(Agreement, on_delete=models.PROTECT, related_name="parties")
    organisation = models.ForeignKey("accounts.Organisation", on_delete=models.PROTECT, related_name="+")
    capacity = models.CharField(max_length=10, choices=Capacity.choices)
    signature = models.OneToOneField(
        "signatures.Signature", on_delete=models.PROTECT, null=True, related_name="+"
    )

    history = recorded()

    class Meta:
        ordering: ClassVar = ["capacity", "organisation__short_name"]
        constraints: ClassVar = [
            models.UniqueConstraint(name="party_once", fields=["agreement", "organisation", "capacity"]),
            models.CheckConstraint(name="capacity_known", condition=Q(capacity__in=Capacity.values)),
        ]

    def __str__(self) -> str:
        """Return organisation and capacity."""
        return f"{self.organisation} ({self.get_capacity_display()})"

    @property
    def project_id(self) -> UUID:
        """Return the project, so that the ledger knows where a signature belongs."""
        return self.agreement.project_id


class EmouSignature(models.Model):
    """An organisation's signature under the enterprise memorandum, and while it holds (O-39, O-165)."""

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    organisation = models.ForeignKey(
        "accounts.Organisation", on_delete=models.PROTECT, related_name="emou_signatures"
    )
    starts_on = models.DateField()
    ends_on = models.DateField()
    withdrawn_on = models.DateField(null=True, blank=True)

    history = recorded()

    class Meta:
        constraints: ClassVar = [
            models.CheckConstraint(name="emou_ends_after_start", condition=Q(ends_on__gt=F("starts_on"))),
        ]

    def __str__(self) -> str:
        """Return the organisation and the day."""
        return f"{self.organisation} since {self.starts_on}"


class StatementKind(models.TextChoices):
    """What a person signs for themselves."""

    CONFIDENTIALITY = "confidentiality", "Personal confidentiality statement"
    ACKNOWLEDGEMENT = "acknowledgement", "User acknowledgement"


class Statement(models.Model):
    """A person's signed statement: Exhibit C for one project, for a year (O-06), or Exhibit B (O-07)."""

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    person = models.ForeignKey("accounts.User", on_delete=models.PROTECT, related_name="statements")
    kind = models.CharField(max_length=16, choices=StatementKind.choices)
    project = models.ForeignKey(
        "projects.Project", on_delete=models.PROTECT, null=True, related_name="statements"
    )
    template = models.ForeignKey(TextTemplate, on_delete=models.PROTECT, related_name="+")
    signature = models.OneToOneField("signatures.Signature", on_delete=models.PROTECT, related_name="+")
    signed_at = models.DateTimeField()
    lapses_at = models.DateTimeField(null=True)

    history = recorded()

    class Meta:
        ordering: ClassVar = ["-signed_at"]
        constraints: ClassVar = [
            models.CheckConstraint(name="statement_kind_known", condition=Q(kind__in=StatementKind.values)),
            models.CheckConstraint(
                name="confidentiality_is_per_project_and_lapses",
                condition=~Q(kind="confidentiality") | Q(project__isnull=False, lapses_at__isnull=False),
            ),
        ]

    def __str__(self) -> str:
        """Return kind and person."""
        return f"{self.get_kind_display()}: {self.person}"


class MatchMethod(models.Model):
    """A version of a matching method that the governing board approved; only such a one may run (O-48)."""

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    slug = models.SlugField(max_length=40)
    version = models.PositiveSmallIntegerField()
    name = models.CharField(max_length=120)
    engine = models.SlugField(max_length=20)  # as matching.engine calls it
    description = models.TextField()
    approved_on = models.DateField()
    reference = models.CharField(max_length=200, blank=True)  # the minute in which the board approved it
    retired_on = models.DateField(null=True, blank=True)  # the first day on which it cannot be chosen
    retired_reason = models.CharField(max_length=500, blank=True)

    history = recorded()

    class Meta:
        ordering: ClassVar = ["name", "-version"]
        constraints: ClassVar = [
            models.UniqueConstraint(name="method_version_once", fields=["slug", "version"]),
            models.CheckConstraint(
                name="method_retired_says_why",
                condition=Q(retired_on__isnull=True) | ~Q(retired_reason=""),
            ),
        ]

    def __str__(self) -> str:
        """Return name and version."""
        return f"{self.name}, version {self.version}"


class Certificate(models.Model):
    """Proof that data is gone.

    The recipient's Exhibit F, or the hub's certificate of destroyed inputs, or of the end (O-85, O-65).
    """

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    project = models.ForeignKey("projects.Project", on_delete=models.PROTECT, related_name="certificates")
    kind = models.CharField(max_length=20, choices=TextKind.choices)
    organisation = models.ForeignKey("accounts.Organisation", on_delete=models.PROTECT, related_name="+")
    facts = models.JSONField()  # method, days, file ids, sizes, digests; never contents
    happened_on = models.DateField()
    filed_by = models.ForeignKey("accounts.User", on_delete=models.PROTECT, related_name="+")
    filed_at = models.DateTimeField()
    signature = models.OneToOneField(
        "signatures.Signature", on_delete=models.PROTECT, null=True, related_name="+"
    )
    document = models.ForeignKey(Document, on_delete=models.PROTECT, null=True, related_name="+")

    history = recorded()

    class Meta:
        ordering: ClassVar = ["filed_at"]
        constraints: ClassVar = [
            models.CheckConstraint(
                name="certificate_kind_known",
                condition=Q(kind__in=[*OF_THE_RECIPIENT, *OF_THE_HUB]),
            ),
            models.UniqueConstraint(
                name="one_certificate_of_the_end", fields=["project"], condition=Q(kind="project_end")
            ),
            models.CheckConstraint(
                name="recipient_signs_certificate",
                condition=Q(kind__in=OF_THE_HUB) | Q(signature__isnull=False),
            ),
        ]

    def __str__(self) -> str:
        """Return kind and project."""
        return f"{self.get_kind_display()}: {self.project.number}"
