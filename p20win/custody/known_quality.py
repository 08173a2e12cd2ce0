"""How good the data of an element is, known before it is asked for (O-97): from the last file that held it.

Shares in whole percent, of whichever request the file was for, which is not named. A share that stands for
fewer rows than the file's smallest count is told in words.
"""

import datetime as dt
from collections.abc import Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING

from django.db import connection

from p20win.custody.models import FileStatus

if TYPE_CHECKING:
    import uuid

_NEWEST = """
    SELECT DISTINCT ON (file.owner_id, lower(cell ->> 'name'))
           file.owner_id, lower(cell ->> 'name'), file.received_at, (file.profile ->> 'rows')::bigint,
           (file.profile ->> 'smallest')::int, (cell ->> 'missing')::bigint, (cell ->> 'unfit')::bigint
    FROM custody_sealedfile file
    CROSS JOIN LATERAL jsonb_array_elements(file.profile -> 'columns') AS cell
    WHERE file.owner_id = ANY(%s) AND file.status = ANY(%s) AND file.profile <> '{}'::jsonb
          AND lower(cell ->> 'name') = ANY(%s)
    ORDER BY file.owner_id, lower(cell ->> 'name'), file.received_at DESC
"""
_JUDGED = [FileStatus.ACCEPTED, FileStatus.SET_ASIDE, FileStatus.DESTROYED]


@dataclass(frozen=True)
class KnownQuality:
    """What is known of one element of one agency: shares of the rows, as words fit to show."""

    received_at: dt.datetime
    filled: str
    unfit: str  # whose value is not of the agreed form


def known_quality(
    elements: "Iterable[tuple[uuid.UUID | None, str]]",
) -> "dict[tuple[uuid.UUID, str], KnownQuality]":
    """Return what is known of these elements, each an agency's id and a column's name in small letters.

    One question to the database, however many there are. What no accepted file held is left out, and so is
    what came in a file of fewer rows than may be told of.
    """
    asked = {(owner, name.lower()) for owner, name in elements if owner}
    if not asked:
        return {}
    owners, names = ({pair[place] for pair in asked} for place in (0, 1))
    with connection.cursor() as cursor:
        cursor.execute(_NEWEST, [list(owners), [str(each) for each in _JUDGED], list(names)])
        rows = cursor.fetchall()
    return {
        (owner, name): KnownQuality(at, share(count - missing, count, least), share(unfit, count, least))
        for owner, name, at, count, least, missing, unfit in rows
        if (owner, name) in asked and count >= least
    }


def share(part: int, whole: int, least: int) -> str:
    """Return how much that is of the whole; fewer than `least` rows, there or lacking, are told in words."""
    if part in (0, whole):
        return "all" if part else "none"
    if part < least:
        return "hardly any"
    if whole - part < least:
        return "nearly all"
    return f"{min(99, max(1, round(part * 100 / whole)))} %"
