"""What checks know beside the releases: hierarchies, what others published, names, how tables are read."""

from typing import ClassVar

from django.db import models
from django.db.models import Q
from django.urls import reverse

from p20win.audit.public import recorded
from p20win.ids import uuid7


class KnownKind(models.TextChoices):
    """What a record is."""

    HIERARCHY = "hierarchy", "Hierarchy of a dimension"
    PUBLIC = "public", "Public table"
    NAMES = "names", "Names that mean the same"
    BY_HAND = "by_hand", "How a table is read"
    WISHES = "wishes", "Cells wished to be shown"
    SAID = "said", "Which cells a text tells"
    PEOPLE = "people", "How populations stand to each other"
    PERIODS = "periods", "How periods stand to each other"


class Known(models.Model):
    """One version of a hierarchy, public table or list of names. Never changed: a new version follows."""

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    project = models.ForeignKey("projects.Project", on_delete=models.PROTECT, related_name="+")
    kind = models.CharField(max_length=9, choices=KnownKind.choices)
    name = models.CharField(
        max_length=200
    )  # the dimension, what the table is called, or the headings that names are for
    version = models.PositiveSmallIntegerField()
    population = models.CharField(max_length=200, blank=True)  # of a table: who is counted, in outputs' words
    period = models.CharField(max_length=100, blank=True)
    source = models.CharField(max_length=300, blank=True)  # of a table: where it was published
    as_of = models.DateField(null=True)
    content = models.BinaryField()
    digest = models.CharField(max_length=64)
    rows = models.PositiveIntegerField()
    loaded_by = models.ForeignKey("accounts.User", on_delete=models.PROTECT, related_name="+")
    loaded_at = models.DateTimeField()
    removed_by = models.ForeignKey("accounts.User", on_delete=models.PROTECT, null=True, related_name="+")
    removed_at = models.DateTimeField(null=True)
    why_removed = models.CharField(max_length=300, blank=True)

    history = recorded()

    class Meta:
        ordering: ClassVar = ["kind", "name", "-version"]
        verbose_name = "known fact"
        verbose_name_plural = "known facts"
        constraints: ClassVar = [
            models.UniqueConstraint(name="known_version_once", fields=["project", "kind", "name", "version"]),
            models.CheckConstraint(name="known_kind_known", condition=Q(kind__in=KnownKind.values)),
            models.CheckConstraint(name="known_digest_form", condition=Q(digest__regex=r"^[0-9a-f]{64}$")),
            models.CheckConstraint(
                name="public_table_says_whose_where_and_when",
                condition=~Q(kind="public")
                | Q(as_of__isnull=False) & ~Q(population="") & ~Q(period="") & ~Q(source=""),
            ),
            models.CheckConstraint(
                name="known_removed_by_somebody_who_says_why",
                condition=Q(removed_at__isnull=True) | Q(removed_by__isnull=False) & ~Q(why_removed=""),
            ),
        ]

    def __str__(self) -> str:
        """Return what it is called."""
        return f"{self.name}, version {self.version}"

    def get_absolute_url(self) -> str:
        """Return its page."""
        return reverse("disclosure:known-one", args=[self.pk])

    @property
    def is_hierarchy(self) -> bool:
        """Say whether it tells which codes a group of a dimension stands for."""
        return self.kind == KnownKind.HIERARCHY

    @property
    def tells_kin(self) -> bool:
        """Say whether it tells how populations or periods stand to each other."""
        return self.kind in (KnownKind.PEOPLE, KnownKind.PERIODS)

    @property
    def is_public_table(self) -> bool:
        """Say whether it is what others have published."""
        return self.kind == KnownKind.PUBLIC

    @property
    def is_by_hand(self) -> bool:
        """Say whether it tells how tables with certain headings are read."""
        return self.kind == KnownKind.BY_HAND

    @property
    def is_said(self) -> bool:
        """Say whether it tells which cells the numbers in a text are about."""
        return self.kind == KnownKind.SAID

    @property
    def is_wishes(self) -> bool:
        """Say whether it tells which cells an author wishes to be shown."""
        return self.kind == KnownKind.WISHES

    @property
    def is_of_headings(self) -> bool:
        """Say whether it concerns only tables with certain headings."""
        return self.is_names or self.is_by_hand

    @property
    def is_names(self) -> bool:
        """Say whether it tells what the headings and codes of some tables mean."""
        return self.kind == KnownKind.NAMES
