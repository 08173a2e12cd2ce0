"""The ledger as a file that anyone can check offline with `p20 verify`, signed at its end by the hub."""

import datetime as dt
import json
from collections.abc import Iterator

from django.db import connection

from p20win.custody import vault_keys
from p20win.custody.engine import ledger, signing

_LINES = """
    SELECT seq, audit_canonical(audit_event), encode(hash, 'hex'), encode(prev_hash, 'hex')
    FROM audit_event WHERE seq > %s ORDER BY seq LIMIT %s
"""
_AT_ONCE = 2000


def export(*, at: dt.datetime) -> Iterator[bytes]:
    """Give the export line by line. In the vault alone, as the hub signs its end.

    Without a line it is exported too: whoever kept a checkpoint can then show that it was emptied.
    """
    key, seq, head = vault_keys.private_keys().hub, 0, ledger.START.hex()
    rows = _after(seq)
    yield _line({"format": ledger.LEDGER_FORMAT, "before": rows[0][3] if rows else head})
    while rows:
        for row in rows:
            yield _line({"canonical": row[1], "hash": row[2], "prev": row[3]})
        seq, _, head, _ = rows[-1]
        rows = _after(seq)
    document = ledger.checkpoint(seq=seq, head=head, at=at.isoformat())
    yield _line({"checkpoint": signing.sign(document, key=key, role=signing.HUB, at=at.isoformat())})


def _after(seq: int) -> list[tuple[int, str, str, str]]:
    with connection.cursor() as cursor:
        cursor.execute(_LINES, [seq, _AT_ONCE])
        rows: list[tuple[int, str, str, str]] = cursor.fetchall()
    return rows


def _line(content: dict[str, object]) -> bytes:
    return json.dumps(content, ensure_ascii=False).encode() + b"\n"
