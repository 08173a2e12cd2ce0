"""What the hub certifies at the end of a project: whose keys and files are gone, when, and by whose word."""

from __future__ import annotations

import datetime as dt
from collections import Counter
from typing import TYPE_CHECKING, Any, Final

from p20win import clock, policy
from p20win.audit.public import events_of
from p20win.custody import public as custody

if TYPE_CHECKING:
    from governance.models import Closing

NOTHING: Final = "nothing was left to destroy"


def method_of_the_end(closing: Closing) -> str:
    """Return by which method all of it was destroyed."""
    rows = _destroyed(closing)
    return rows[0].method if rows else NOTHING


def facts_of_the_end(closing: Closing) -> dict[str, Any]:
    """Return what is certified: per organisation its files, with proof, and its keys; and the closing itself.

    Inputs that were destroyed before, with a certificate of their own, stand there too: it is all there was.
    """
    rows = _destroyed(closing)
    gone = [row.snapshots_gone_at for row in rows if row.snapshots_gone_at is not None]
    return {
        "end": _the_closing(closing) | _the_backups(any_destroyed=bool(rows)),
        "files": [file | {"organisation": row.organisation.slug} for row in rows for file in row.files],
        "keys": [
            key | {"organisation": row.organisation.slug, "destroyed_at": _moment(row.keys_destroyed_at)}
            for row in rows
            for key in row.keys
        ],
        "removed": _removed_before(closing, rows),
        "snapshots_gone_at": _moment(max(gone, default=None)),
        "ledger_name": custody.ledger_name(),
        "ledger": [
            {"organisation": row.organisation.slug, "line": line.seq, "leaf": custody.ledger_leaf(line)}
            for row in rows
            for line in events_of(row).filter(event="data.destroyed")
        ],
    }


def _destroyed(closing: Closing) -> list[custody.Destruction]:
    done = custody.destructions(closing.project).filter(status=custody.DestructionStatus.DONE)
    return list(done.order_by("destroyed_at", "pk"))


def _the_closing(closing: Closing) -> dict[str, Any]:
    return {
        "asked_by": _named(closing.asked_by),
        "asked_at": _moment(closing.asked_at),
        "reason": closing.reason,
        "confirmed_by": _named(closing.confirmed_by),
        "confirmed_at": _moment(closing.confirmed_at),
        "closed_at": _moment(closing.closed_at),
        "done_at": _moment(closing.status_since),
    }


def _the_backups(*, any_destroyed: bool) -> dict[str, Any]:
    """Return until when a backup may hold ciphertext: in real time, whatever a demo's clock says."""
    if not any_destroyed:
        return {"nothing_held": True}
    until = clock.real_now() + dt.timedelta(days=policy.BACKUP_DAYS)
    return {"backup_days": policy.BACKUP_DAYS, "backups_until": until.isoformat()}


def _removed_before(closing: Closing, rows: list[custody.Destruction]) -> list[dict[str, Any]]:
    """Count the files deleted before under a key that is gone now, such as a version of the extract."""
    listed = {file["file"] for row in rows for file in row.files}
    keys = {(row.organisation_id, key["version"]) for row in rows for key in row.keys}
    counted = Counter(
        (file.owner.slug, file.data_class)
        for file in custody.removed_files(closing.project)
        if str(file.pk) not in listed and (file.owner_id, file.key_version) in keys
    )
    return [
        {"organisation": slug, "class": data_class, "count": count}
        for (slug, data_class), count in sorted(counted.items())
    ]


def _named(person: Any) -> str:
    return f"{person.name}, {person.organisation.short_name}" if person.organisation else str(person.name)


def _moment(at: dt.datetime | None) -> str | None:
    return at.isoformat() if at else None
