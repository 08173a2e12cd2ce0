"""What is delivered: the terms of a match, each version of its extract, who fetched it, what they asked."""

from typing import ClassVar

from django.db import models
from django.db.models import F, Q
from django.urls import reverse

from p20win.audit.public import recorded
from p20win.ids import uuid7


class Form(models.TextChoices):
    """What the recipient gets, as the agreement says."""

    PACKAGE = "package", "Package: the analytical files, each under link ids"
    KEY = "key", "Key only: which synthetic id of each agency is which link id"


class DeliveryTerms(models.Model):
    """In which form a match is delivered, chosen before it, and what the hub says of its limits (O-76)."""

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    match = models.OneToOneField("matching.Match", on_delete=models.PROTECT, related_name="terms")
    form = models.CharField(max_length=8, choices=Form.choices)
    basis = models.CharField(max_length=200, blank=True)  # where the agreement says so
    map_basis = models.CharField(  # where it allows a list of the last match's link ids beside the new ones
        max_length=300, blank=True
    )
    limitations = models.TextField(blank=True)

    history = recorded()

    class Meta:
        verbose_name_plural = "delivery terms"
        constraints: ClassVar = [
            models.CheckConstraint(name="delivery_form_known", condition=Q(form__in=Form.values)),
            models.CheckConstraint(
                name="key_only_is_agreed", condition=~Q(form="key") | ~Q(basis="")
            ),  # the package is the rule; anything else stands in the agreement
        ]

    def __str__(self) -> str:
        """Return the form."""
        return self.get_form_display()

    @property
    def project_id(self) -> object:
        """Return the project, so that the ledger knows where it belongs."""
        return self.match.project_id


class DeliveryStatus(models.TextChoices):
    """Whether a version of the extract can be fetched."""

    PREPARING = "preparing", "Being prepared"
    AVAILABLE = "available", "Ready for download"
    CLOSED = "closed", "Closed"
    RECALLED = "recalled", "Recalled"
    REPLACED = "replaced", "Replaced by a later version"
    GIVEN_UP = "given_up", "Never made"


class Delivery(models.Model):
    """One version of the extract of a match, and while it can be fetched (O-74, O-177)."""

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    match = models.ForeignKey("matching.Match", on_delete=models.PROTECT, related_name="deliveries")
    project = models.ForeignKey("projects.Project", on_delete=models.PROTECT, related_name="deliveries")
    version = models.PositiveSmallIntegerField(default=1)  # counted in the project, over all its matches
    status = models.CharField(max_length=9, choices=DeliveryStatus.choices, default=DeliveryStatus.PREPARING)
    status_since = models.DateTimeField()
    form = models.CharField(max_length=8, choices=Form.choices, default=Form.PACKAGE)
    extract = models.ForeignKey("custody.SealedFile", on_delete=models.PROTECT, null=True, related_name="+")
    digest = models.CharField(max_length=64, blank=True)  # SHA-256 of what is fetched
    contents = models.JSONField(default=list)  # one entry for each file, see engine.extract.Entry
    limitations = models.TextField(blank=True)  # as they were when this version was made
    reason = models.TextField(blank=True)  # why there is a version after the first
    changes = models.JSONField(default=list)  # what differs from the version before, in sentences
    available_at = models.DateTimeField(null=True)
    closes_at = models.DateTimeField(null=True)
    recalled_at = models.DateTimeField(null=True)
    recalled_because = models.TextField(blank=True)

    history = recorded()

    class Meta:
        ordering: ClassVar = ["-version"]
        verbose_name_plural = "deliveries"
        constraints: ClassVar = [
            models.CheckConstraint(
                name="delivery_status_known", condition=Q(status__in=DeliveryStatus.values)
            ),
            models.UniqueConstraint(name="delivery_version_once", fields=["project", "version"]),
            models.UniqueConstraint(
                name="one_version_to_fetch", fields=["project"], condition=Q(status="available")
            ),
            models.UniqueConstraint(
                name="one_version_in_preparation", fields=["project"], condition=Q(status="preparing")
            ),
            models.CheckConstraint(
                name="delivery_available_until",
                condition=Q(status__in=["preparing", "given_up"])
                | Q(extract__isnull=False, available_at__isnull=False, closes_at__isnull=False),
            ),
            models.CheckConstraint(
                name="delivery_closes_later",
                condition=Q(closes_at__isnull=True) | Q(closes_at__gt=F("available_at")),
            ),
            models.CheckConstraint(name="later_version_has_reason", condition=Q(version=1) | ~Q(reason="")),
            models.CheckConstraint(
                name="recall_has_reason",
                condition=~Q(status="recalled") | Q(recalled_at__isnull=False) & ~Q(recalled_because=""),
            ),
        ]

    def __str__(self) -> str:
        """Return whose extract it is, and which version."""
        return f"Extract of {self.project.number}, version {self.version}"

    def get_absolute_url(self) -> str:
        """Return its page."""
        return reverse("matching:delivery", args=[self.pk])

    @property
    def file_name(self) -> str:
        """Return under which name it is fetched."""
        return f"{'key' if self.form == Form.KEY else 'extract'}-{self.project.number}-v{self.version}.zip"


class Download(models.Model):
    """One person's leave to fetch one version: what they acknowledged, what went out, what they say of it.

    It is fetched in as many ranges as it takes; each is a row of its own.
    """

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    delivery = models.ForeignKey(Delivery, on_delete=models.PROTECT, related_name="downloads")
    person = models.ForeignKey("accounts.User", on_delete=models.PROTECT, related_name="+")
    acknowledged = models.TextField()  # the words, as shown
    at = models.DateTimeField()
    expires_at = models.DateTimeField()
    size = models.BigIntegerField(default=0)
    complete_at = models.DateTimeField(null=True)  # when the vault had given every byte
    received_at = models.DateTimeField(null=True)  # when the person said so
    received_as = models.CharField(max_length=80, blank=True)  # the hash they computed, or that it is whole
    deleted_at = models.DateTimeField(null=True)  # when they said that a recalled copy is deleted
    deleted_as = models.TextField(blank=True)  # the words

    history = recorded()

    class Meta:
        ordering: ClassVar = ["-at"]
        constraints: ClassVar = [
            models.CheckConstraint(name="download_expires_later", condition=Q(expires_at__gt=F("at"))),
            models.CheckConstraint(
                name="receipt_says_how", condition=Q(received_at__isnull=True) | ~Q(received_as="")
            ),
            models.CheckConstraint(
                name="deletion_says_how", condition=Q(deleted_at__isnull=True) | ~Q(deleted_as="")
            ),
        ]

    def __str__(self) -> str:
        """Return who fetches it."""
        return f"{self.person}, {self.at}"

    @property
    def project_id(self) -> object:
        """Return the project, so that the ledger knows where it belongs."""
        return self.delivery.project_id


class Fetch(models.Model):
    """One range of a download: what was asked for and how much the vault gave."""

    # The web process asks; what was given is the vault's to say.
    vault_writes = frozenset({"id", "download", "project", "start", "stop", "asked_at", "sent", "ended_at"})

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    download = models.ForeignKey(Download, on_delete=models.PROTECT, related_name="fetches")
    project = models.ForeignKey("projects.Project", on_delete=models.PROTECT, related_name="+")
    start = models.BigIntegerField()
    stop = models.BigIntegerField()
    asked_at = models.DateTimeField()
    sent = models.BigIntegerField(default=0)
    ended_at = models.DateTimeField(null=True)

    history = recorded()

    class Meta:
        ordering: ClassVar = ["asked_at", "id"]
        verbose_name_plural = "fetches"
        constraints: ClassVar = [
            models.CheckConstraint(
                name="fetch_is_a_range", condition=Q(start__gte=0, stop__gt=F("start"), sent__gte=0)
            ),
            models.CheckConstraint(name="fetch_sends_no_more", condition=Q(sent__lte=F("stop") - F("start"))),
        ]

    def __str__(self) -> str:
        """Return the range."""
        return f"{self.start}–{self.stop}"


class LinkAttestation(models.Model):
    """A supplier that gets the key, or a hub that analyses, gives its word: its own link is gone (O-108)."""

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    match = models.ForeignKey("matching.Match", on_delete=models.PROTECT, related_name="attestations")
    organisation = models.ForeignKey("accounts.Organisation", on_delete=models.PROTECT, related_name="+")
    signature = models.OneToOneField("signatures.Signature", on_delete=models.PROTECT, related_name="+")
    at = models.DateTimeField()

    history = recorded()

    class Meta:
        ordering: ClassVar = ["at"]
        constraints: ClassVar = [
            models.UniqueConstraint(name="one_attestation", fields=["match", "organisation"])
        ]

    def __str__(self) -> str:
        """Return whose word it is."""
        return f"{self.organisation}: its own link is destroyed"

    @property
    def project_id(self) -> object:
        """Return the project, so that the ledger knows where it belongs."""
        return self.match.project_id


class Topic(models.TextChoices):
    """What a question is about."""

    COMPLETENESS = "completeness", "Completeness: something is missing"
    ACCURACY = "accuracy", "Accuracy of the matching"


class QuestionStatus(models.TextChoices):
    """Where a question stands."""

    ASKED = "asked", "With the operating group"
    FORWARDED = "forwarded", "With the agency or the hub"
    REPLIED = "replied", "Replied, with the operating group"
    ANSWERED = "answered", "Answered"


class Outcome(models.TextChoices):
    """What a question led to."""

    ANSWER = "answer", "The answer settles it"
    REPLACEMENT = "replacement", "A new version of the extract replaces it"
    RERUN = "rerun", "The match is done again"


class Question(models.Model):
    """What the recipient asks about completeness or matching accuracy, and the answer (O-75)."""

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    delivery = models.ForeignKey(Delivery, on_delete=models.PROTECT, related_name="questions")
    number = models.PositiveSmallIntegerField()
    topic = models.CharField(max_length=12, choices=Topic.choices)
    text = models.TextField()
    asked_by = models.ForeignKey("accounts.User", on_delete=models.PROTECT, related_name="+")
    asked_at = models.DateTimeField()
    status = models.CharField(max_length=9, choices=QuestionStatus.choices, default=QuestionStatus.ASKED)
    status_since = models.DateTimeField()
    with_organisation = models.ForeignKey(
        "accounts.Organisation", on_delete=models.PROTECT, null=True, related_name="+"
    )
    forwarded_note = models.TextField(blank=True)
    reply = models.TextField(blank=True)
    replied_by = models.ForeignKey("accounts.User", on_delete=models.PROTECT, null=True, related_name="+")
    answer = models.TextField(blank=True)
    answered_by = models.ForeignKey("accounts.User", on_delete=models.PROTECT, null=True, related_name="+")
    outcome = models.CharField(max_length=12, choices=Outcome.choices, blank=True)

    history = recorded()

    class Meta:
        ordering: ClassVar = ["number"]
        constraints: ClassVar = [
            models.CheckConstraint(
                name="question_status_known", condition=Q(status__in=QuestionStatus.values)
            ),
            models.UniqueConstraint(name="question_number_once", fields=["delivery", "number"]),
            models.CheckConstraint(
                name="question_forwarded_to_somebody",
                condition=~Q(status__in=["forwarded", "replied"]) | Q(with_organisation__isnull=False),
            ),
            models.CheckConstraint(
                name="question_answered_has_answer",
                condition=~Q(status="answered") | ~Q(answer="") & Q(outcome__in=Outcome.values),
            ),
        ]

    def __str__(self) -> str:
        """Return its number."""
        return f"Question {self.number}"

    @property
    def project_id(self) -> object:
        """Return the project, so that the ledger knows where it belongs."""
        return self.delivery.project_id
