"""Whether there is memory enough for a linkage, from what is known of its files before one is opened."""

from collections.abc import Iterable, Mapping
from typing import Any

from django.conf import settings

from matching import standing
from matching.engine import memory
from matching.models import Match
from p20win.custody import public as custody


def check(match: Match, spec: Mapping[str, Any], *, every_row: bool = True) -> None:
    """Pass if the files of a match fit into the memory that the vault may use for linking them.

    All of them are read into it, lists too. A try-out links a part of the rows: then they do not count.

    :raises NeedsMoreMemory: naming the need
    """
    matching = [file for _, file in standing.accepted(match, custody.DataClass.MATCHING)]
    lists = [file for _, file in standing.accepted(match, custody.DataClass.IDENTIFIER_LIST)]
    consents = [file for _, file in standing.consents(match)]
    rows = {str(file.pk): file.rows or 0 for file in matching} if every_row else {}
    size = _bytes([*matching, *lists, *consents] if every_row else [*matching, *consents])
    limit = memory.parse(settings.P20WIN_MATCH_MEMORY)
    memory.check(rows, size, limit=limit, engine=str(spec["engine"]))


def _bytes(files: Iterable[custody.SealedFile]) -> int:
    return sum(file.plain_bytes or 0 for file in files)
