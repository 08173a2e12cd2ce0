"""Writing the ledger."""

import datetime as dt
import json
import logging
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, Final

from django.db import DatabaseError, OperationalError, connection, models, transaction

from p20win.audit.models import Event
from p20win.once import forget

if TYPE_CHECKING:
    from p20win.accounts.models import User

logger = logging.getLogger(__name__)

_COLUMNS: list[str] = [str(field.column) for field in Event._meta.concrete_fields]
_INSERT = f"""
    INSERT INTO audit_event
        (event, subject_type, subject_id, project_id, actor_id, organisation_id, at, note, details)
    VALUES (%s, %s, %s, %s, %s, %s, %s, %s, %s)
    RETURNING {", ".join(_COLUMNS)}
"""  # noqa: S608  # column names of our own model


LEDGER_LOCK: Final = 7020  # as in the trigger audit_chain()


# How the database's codes begin when it takes no line at all: read-only, no right or no table, no room, a
# limit, the machine, somebody's trigger, itself. Others, such as a wait that grew too long, concern one act.
TAKES_NONE: Final = ("25006", "42", "53", "54", "58", "P0", "XX")


class NotInTransaction(RuntimeError):
    """A ledger line was asked for outside the transaction of the change it tells of."""


class NotRecorded(OperationalError):
    """The ledger takes no line, so the act that it would have told of was not done (C18)."""


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
    :raises NotRecorded: if the ledger does not take the line; nothing of the transaction can be kept then
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
    try:
        line = _insert(values)
    except DatabaseError as refusal:
        if not (code := _code(refusal)).startswith(TAKES_NONE):
            raise
        logger.critical(
            "THE LEDGER TAKES NO LINE (%s): %s about %s %s was refused, as every act is until this is mended",
            code,
            event,
            row._meta.label_lower,
            row.pk,
        )
        raise NotRecorded(code) from refusal
    forget()
    fields: dict[str, Any] = dict(zip(_COLUMNS, line, strict=True))
    fields["details"] = (
        json.loads(fields["details"]) if isinstance(fields["details"], str) else fields["details"]
    )
    return Event(**fields)


def _insert(values: Sequence[Any]) -> Sequence[Any]:
    with connection.cursor() as cursor:
        cursor.execute(_INSERT, values)
        return cursor.fetchone()


def _code(refusal: DatabaseError) -> str:
    return getattr(refusal.__cause__, "pgcode", None) or ""


def why_not_recorded(*, at: dt.datetime) -> str:
    """Try to write a line, and take it back; return the database's code for what is against it, or nothing.

    It is a long line: a short one may still fit between others where no act's line does.

    :raises DatabaseError: if the database does not answer
    """
    probe = ("ledger.probed", "audit.event", "", None, None, None, at, "", json.dumps({"room": "-" * 1500}))
    try:
        with transaction.atomic():
            _insert(probe)
            transaction.set_rollback(True)
    except DatabaseError as refusal:
        if not (code := _code(refusal)).startswith(TAKES_NONE):
            raise
        return code
    return ""


def _project_of(row: models.Model) -> Any:
    if row._meta.label_lower == "projects.project":
        return row.pk
    return getattr(row, "project_id", None)
