"""What each level of agreement means, in SQL: one meaning for every engine on DuckDB."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

from matching.engine.spec import Level

MADE_FROM: Final = {
    "nickname": ("first_canonical",),
    "shared_part": ("last_a", "last_b"),
    "other_given_name": ("first_name", "middle_name"),
    "swapped_names": ("first_name", "last_name"),
    "swapped_day": ("birth_swapped",),
}
"""What a level reads beside the field itself."""
_FIXED_WIDTH: Final = frozenset({"ssn", "birth_date"})


def condition(field: str, level: Level, left: Callable[[str], str], right: Callable[[str], str]) -> str:
    """Return the condition of a level; `left` and `right` tell how a column is named on each side."""
    one, other = left(field), right(field)
    conditions = {
        "exact": f"{one} = {other}",
        "edits": _edits(field, level.at, one, other),
        "jaro_winkler": f"jaro_winkler_similarity({one}, {other}) >= {level.at}",
        "nickname": f"{left('first_canonical')} = {right('first_canonical')}",
        "shared_part": (
            f"{left('last_a')} IN ({right('last_a')}, {right('last_b')})"
            f" OR {left('last_b')} IN ({right('last_a')}, {right('last_b')})"
        ),
        "initial": f"left({one}, 1) = left({other}, 1) AND (length({one}) = 1 OR length({other}) = 1)",
        "other_given_name": (
            f"{left('first_name')} = {right('middle_name')} OR {left('middle_name')} = {right('first_name')}"
        ),
        "swapped_names": (
            f"{left('first_name')} = {right('last_name')} AND {left('last_name')} = {right('first_name')}"
        ),
        "swapped_day": f"{one} = {right('birth_swapped')}",
        "first_of_january": (
            f"left({one}, 4) = left({other}, 4) AND (right({one}, 4) = '0101' OR right({other}, 4) = '0101')"
        ),
        "two_of_three": (
            f"(left({one}, 4) = left({other}, 4))::INT + (substr({one}, 5, 2) = substr({other}, 5, 2))::INT"
            f" + (right({one}, 2) = right({other}, 2))::INT >= 2"
        ),
        "else": "ELSE",
    }
    return conditions[level.kind]


def _edits(field: str, at: float | None, one: str, other: str) -> str:
    """Return the condition on the number of slips. What plainly differs is not counted: counting is dear."""
    counted = f"damerau_levenshtein({one}, {other}) <= {at}"
    if field in _FIXED_WIDTH and at == 1:
        return f"CASE WHEN hamming({one}, {other}) > 2 THEN false ELSE {counted} END"
    return counted
