"""Other ways to tell the tables of an output, as the vault worked them out: each a file of its own."""

from typing import ClassVar

from django.db import models

from p20win.ids import uuid7


class Offer(models.Model):
    """One way that withholds less, safe when it was tried. What it counts lies sealed in its file."""

    append_only = True

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    project = models.ForeignKey("projects.Project", on_delete=models.PROTECT, related_name="+")
    found = models.ForeignKey("disclosure.OutputCheck", on_delete=models.PROTECT, related_name="offers")
    number = models.PositiveSmallIntegerField()
    what = models.CharField(max_length=400)  # in words: which categories, which dimension
    numbers = models.PositiveIntegerField()  # that the tables then ask for
    withheld = models.PositiveIntegerField()
    share = models.FloatField()  # of the people in the finest cells, those in withheld ones
    file = models.OneToOneField("custody.SealedFile", on_delete=models.PROTECT, related_name="+")
    made_at = models.DateTimeField()

    class Meta:
        ordering: ClassVar = ["number"]
        constraints: ClassVar = [
            models.UniqueConstraint(name="offer_number_once", fields=["found", "number"]),
        ]

    def __str__(self) -> str:
        """Return what it would change."""
        return self.what

    @property
    def percent(self) -> str:
        """Return the share of people in withheld cells, in percent."""
        return f"{100 * self.share:.1f}" if self.share >= 0.001 else "less than 0.1"
