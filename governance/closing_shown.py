"""What pages show of a closing: what is destroyed, what remains, and where it stands, for one person."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from django.db.models import Count, Sum

from agreements import public as agreements
from disclosure import public as disclosure
from governance import checks, closing, lifecycle
from governance.models import Closing, ClosingStatus
from p20win.audit.public import timeline
from p20win.custody import public as custody
from p20win.workflow import blockers

if TYPE_CHECKING:
    from p20win.accounts.models import User
    from p20win.accounts.public import Organisation
    from p20win.projects.models import Project


UNFINISHED: Final = frozenset(disclosure.OutputStatus.values) - {"released", "withdrawn"}


def inventory(project: Project) -> dict[str, Any]:
    """Return the whole list: by whose key, which kinds of files and how many go, and what remains."""
    owners = custody.with_anything(project)
    slots = custody.slots(project).filter(status=custody.SlotStatus.OPEN)
    return {
        "goes": [{"organisation": owner, "kinds": _kinds(project, owner)} for owner in owners],
        "uploads": [f"{slot.title} ({slot.supplier.short_name})" for slot in slots.order_by("title")],
        "unreleased": [output.title for output in disclosure.outputs(project).filter(status__in=UNFINISHED)],
        "gone": sorted(
            {row.organisation.short_name for row in custody.destructions(project).filter(status="done")}
        ),
        "remains": [(what, count) for what, count in _remains(project) if count],
    }


def _kinds(project: Project, owner: Organisation) -> list[dict[str, Any]]:
    """Count an organisation's files by kind; without any, its key alone goes."""
    rows = custody.living_files(project).filter(owner=owner).order_by("data_class").values("data_class")
    counted = rows.annotate(count=Count("pk"), bytes=Sum("plain_bytes"))
    return [{**row, "label": custody.DataClass(row["data_class"]).label} for row in counted]


def _remains(project: Project) -> list[tuple[str, int]]:
    """Count what holds no data of anybody and stays."""
    return [
        ("papers: agreement, executed copy, certificates", project.documents.count()),
        ("certificates of destruction", agreements.certificates(project).count()),
        (
            "outputs that were released, with their papers",
            len(disclosure.released(project)),
        ),
        ("lines of the ledger", timeline(project).count()),
    ]


def shown(project: Project, person: User) -> dict[str, Any]:
    """Return how the closing stands, and what this person may do about it."""
    row = closing.of(project)
    can = checks.sees_to_the_end(project, person) is None
    found: dict[str, Any] = {
        "row": row,
        "withdrawn": project.closings.filter(status=ClosingStatus.WITHDRAWN)[:5],
        "may_see": can,
        "why_not_ask": checks.why_not_close(project, person) if can and row is None else [],
    }
    return found | (_under_way(row, person, can=can) if row else {})


def _under_way(row: Closing, person: User, *, can: bool) -> dict[str, Any]:
    certificate = agreements.certificates(row.project).filter(kind=agreements.TextKind.PROJECT_END).first()
    is_asked = row.status == ClosingStatus.ASKED
    return {
        "may_confirm": can and is_asked,
        "why_not_confirm": blockers(lifecycle.CONFIRM, row, person) if can and is_asked else [],
        "may_withdraw": not blockers(lifecycle.WITHDRAW, row, person),
        "left": custody.with_anything(row.project) if row.status == ClosingStatus.BEGUN else [],
        "certificate": certificate,
    }
