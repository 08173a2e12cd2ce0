"""Writing the ledger."""

import datetime as dt
import json
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, Final

from django.db import connection, models, transaction

from p20win.audit.models import Event

if TYPE_CHECKING:
    from p20win.accounts.models import User

_COLUMNS: list[str] = [str(field.column) for field in Event._meta.concrete_fields]
_INSERT = f"""
    INSERT INTO audit_event
        (event, subject_type, subject_id, project_id, actor_id, organisation_id, at, note, details)
    VALUES (%s, %s, %s, %s, %s, %s, %s, %s, %s)
    RETURNING {", ".join(_COLUMNS)}
"""  # noqa: S608  # column names of our own model


LEDGER_LOCK: Final = 7020  # as in the trigger audit_chain()


class NotInTransaction(RuntimeError):
    """A ledger line was asked for outside the transaction of the change it tells of."""


def first_in_line() -> None:
    """Take the ledger's lock now, before any row's, and hold it until the transaction ends.

    Every act writes the ledger, which lets one writer in at a time. Who locked a row first and waited for the
    ledger afterwards could meet somebody who has the ledger and waits for that row; so all take it first.
    """
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_advisory_xact_lock(%s)", [LEDGER_LOCK])


def record(
    event: str,
    row: models.Model,
    *,
    by: "User",
    at: dt.datetime,
    note: str = "",
    details: Mapping[str, Any] | None = None,
) -> Event:
    """Write one line about this row, in the transaction that changes it.

    `details` holds identifiers, slugs, counts and digests, never contents of a record.

    :raises NotInTransaction: if no transaction is open, as the change and its line must be stored together
    """
    if not transaction.get_connection().in_atomic_block:
        raise NotInTransaction(event)
    values = (
        event,
        row._meta.label_lower,
        str(row.pk),
        _project_of(row),
        by.pk,
        getattr(by, "organisation_id", None),
        at,
        note,
        json.dumps(dict(details or {}), sort_keys=True, default=str),
    )
    with connection.cursor() as cursor:
        cursor.execute(_INSERT, values)
        line = cursor.fetchone()
    fields: dict[str, Any] = dict(zip(_COLUMNS, line, strict=True))
    fields["details"] = (
        json.loads(fields["details"]) if isinstance(fields["details"], str) else fields["details"]
    )
    return Event(**fields)


def _project_of(row: models.Model) -> Any:
    if row._meta.label_lower == "projects.project":
        return row.pk
    return getattr(row, "project_id", None)
