"""Reading the ledger, and checking that nobody changed it."""

from dataclasses import dataclass
from typing import TYPE_CHECKING

from django.db import connection, models
from django.db.models import QuerySet

from p20win.audit.models import Event

if TYPE_CHECKING:
    from p20win.projects.models import Project


def timeline(project: "Project") -> QuerySet[Event]:
    """Return everything that happened in this project, in order."""
    return Event.objects.filter(project_id=project.pk).order_by("seq")


def events_of(row: models.Model) -> QuerySet[Event]:
    """Return everything that happened to this row, in order."""
    return Event.objects.filter(subject_type=row._meta.label_lower, subject_id=str(row.pk)).order_by("seq")


@dataclass(frozen=True)
class ChainReport:
    """What a check of the whole ledger found."""

    lines: int
    broken_at: int | None  # the first line that is missing, moved or changed

    @property
    def ok(self) -> bool:
        """Say whether every line is as it was written."""
        return self.broken_at is None


# Each line must follow the one before it by number and by hash, and hash to what it says.
_VERIFY = """
    WITH chain AS (
        SELECT seq, hash, prev_hash,
               row_number() OVER (ORDER BY seq) AS place,
               lag(hash, 1, decode(repeat('00', 32), 'hex')) OVER (ORDER BY seq) AS before,
               sha256(prev_hash || convert_to(audit_canonical(audit_event), 'UTF8')) AS computed
        FROM audit_event
    )
    SELECT count(*), min(seq) FILTER (WHERE seq <> place OR prev_hash <> before OR hash <> computed)
    FROM chain
"""


def verify_chain() -> ChainReport:
    """Check the whole ledger: numbers without gap, each hash from its line and the one before."""
    with connection.cursor() as cursor:
        cursor.execute(_VERIFY)
        lines, broken_at = cursor.fetchone()
    return ChainReport(lines=lines, broken_at=broken_at)
