"""The workbook that goes with the released tables: its author's own, with the withheld numbers marked."""

from typing import ClassVar, Final

from django.db import models
from django.db.models import Q

from p20win.ids import uuid7


class WhyNoWorkbook(models.TextChoices):
    """Why a workbook that was submitted is not handed on with its tables."""

    NOT_MADE = (
        "not_made",
        "The workbook could not be written again with its withheld numbers marked. Use the tables as CSV.",
    )
    DIFFERS = (
        "differs",
        "The marked workbook did not read back, cell by cell, as the audit passed it. Use the tables as CSV.",
    )


class CleanWorkbook(models.Model):
    """The bytes of the marked workbook as they were read back; or why there are none."""

    append_only = True

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    found = models.OneToOneField("disclosure.OutputCheck", on_delete=models.PROTECT, related_name="workbook")
    file = models.OneToOneField("custody.SealedFile", on_delete=models.PROTECT, null=True, related_name="+")
    digest = models.CharField(max_length=64, blank=True)  # SHA-256 of these bytes; never of the uploaded ones
    why_not = models.CharField(max_length=8, choices=WhyNoWorkbook.choices, blank=True)

    class Meta:
        constraints: ClassVar = [
            models.CheckConstraint(
                name="workbook_or_why_not",
                condition=Q(file__isnull=False, why_not="", digest__regex=r"^[0-9a-f]{64}$")
                | Q(file__isnull=True, digest="", why_not__in=WhyNoWorkbook.values),
            ),
        ]

    name: Final = "tables.xlsx"  # in the package

    def __str__(self) -> str:
        """Return its name in the package."""
        return self.name

    @property
    def project_id(self) -> object:
        """Return the project, so that the ledger knows where it belongs."""
        return self.found.output.project_id
