"""Signatures: who signed which exact text, when, with what intent."""

from typing import ClassVar

from django.db import models
from django.db.models import Q

from p20win.ids import uuid7


class Signature(models.Model):
    """One signature under one exact text. Rows are only ever added.

    `signed_at` is real time; `at` is the portal's clock, by which deadlines run.
    """

    append_only = True

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    signer = models.ForeignKey("accounts.User", on_delete=models.PROTECT, related_name="signatures")
    organisation = models.ForeignKey(
        "accounts.Organisation", on_delete=models.PROTECT, null=True, related_name="+"
    )
    capacity = models.CharField(max_length=80)  # "authorised signatory", "requestor", …
    project = models.ForeignKey(
        "projects.Project", on_delete=models.PROTECT, null=True, related_name="signatures"
    )
    document_kind = models.SlugField(max_length=60)
    document_id = models.CharField(max_length=64)
    document_digest = models.CharField(max_length=64)  # SHA-256, hex, of the exact bytes shown
    text_version = models.CharField(max_length=40)
    intent = models.TextField()  # the sentence above the button
    typed_name = models.CharField(max_length=150)
    signed_at = models.DateTimeField()
    at = models.DateTimeField()

    class Meta:
        ordering: ClassVar = ["signed_at"]
        constraints: ClassVar = [
            models.UniqueConstraint(
                name="signed_once",
                fields=["signer", "document_kind", "document_id", "document_digest", "capacity"],
            ),
            models.CheckConstraint(
                name="signature_digest_form", condition=Q(document_digest__regex=r"^[0-9a-f]{64}$")
            ),
        ]

    def __str__(self) -> str:
        """Return who signed what."""
        return f"{self.typed_name}: {self.document_kind}"
