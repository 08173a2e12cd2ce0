"""The synthetic ids that were used, as digests that tell nothing without a key of the vault."""

from typing import ClassVar

from django.db import models


class UsedIds(models.Model):
    """Some ids that one agency used in one project: sorted 64-bit digests under a key of the agency.

    Written when a file is accepted, and kept when its keys are destroyed: extracts live longer than inputs.
    """

    append_only = True
    vault_alone = True

    id = models.BigAutoField(primary_key=True)
    organisation = models.ForeignKey("accounts.Organisation", on_delete=models.PROTECT, related_name="+")
    project = models.ForeignKey("projects.Project", on_delete=models.PROTECT, related_name="+")
    key = models.CharField(max_length=32)  # fingerprint of the key that made the digests
    first = models.BigIntegerField()  # the lowest and the highest of them, less 2^63
    last = models.BigIntegerField()
    digests = models.BinaryField()

    class Meta:
        ordering: ClassVar = ["id"]

    def __str__(self) -> str:
        """Return how many they are."""
        return f"{len(self.digests) // 8} ids"
