"""Categories that together make a whole, where no table says so by a total: a hierarchy, said by somebody."""

from collections.abc import Collection, Iterable, Sequence

from disclosure.engine.codes import TOTAL, Hierarchy
from disclosure.engine.errors import BadTable
from disclosure.engine.longform import reads_like_a_total, write

_UNION = "|"


def with_whole(
    dimension: str, known: Hierarchy | None, *, whole: str, parts: Sequence[str], used: Iterable[str]
) -> bytes:
    """Return the hierarchy of a dimension in which these parts make a whole, and all codes used have a place.

    What was known of its other groups stays.

    :raises BadTable: if that cannot be, or another thing is known of the whole
    """
    children = {parent: list(kids) for parent, kids in (known.children if known else {}).items()}
    parts = list(dict.fromkeys(parts))
    codes = {part.strip() for code in used for part in code.split(_UNION)} - {TOTAL}
    _refuse_whole(dimension, whole, parts)
    before = children.get(whole, [])
    if whole != TOTAL and (missing := [code for code in before if code not in parts]):
        raise BadTable(
            f"{dimension}: “{whole}” is made up of {', '.join(before)} already, and “{missing[0]}” is not "
            "among these parts. Name it too, or load the hierarchy anew."
        )
    children[whole] = list(dict.fromkeys([*before, *parts]))
    below = {kid for parent, kids in children.items() if parent != TOTAL for kid in kids}
    tops = sorted(((codes | set(children) | set(parts)) - below) - {TOTAL})
    if whole == TOTAL:
        _refuse_others(dimension, Hierarchy(dimension, _tuples(children)), tops, parts)
    children[TOTAL] = list(dict.fromkeys([*children.get(TOTAL, []), *tops]))
    lines = sorted({(parent, kid) for parent, kids in children.items() for kid in kids})
    return write(("parent", "child"), lines)


def _tuples(children: dict[str, list[str]]) -> dict[str, tuple[str, ...]]:
    return {parent: tuple(kids) for parent, kids in children.items()}


def _refuse_whole(dimension: str, whole: str, parts: Collection[str]) -> None:
    if len(parts) < 2 or TOTAL in parts:
        raise BadTable(f"{dimension}: a whole is made of two categories or more.")
    if not whole.strip() or _UNION in whole or whole in parts:
        raise BadTable(f"{dimension}: “{whole}” cannot be the whole of these parts.")
    if whole != TOTAL and reads_like_a_total(whole):
        raise BadTable(f"{dimension}: write {TOTAL} where the parts are all there are.")


def _refuse_others(dimension: str, known: Hierarchy, tops: Sequence[str], parts: Sequence[str]) -> None:
    """Make sure that nobody is beside the parts, if these are said to be all."""
    inside = frozenset().union(*(known.leaves_of(part) for part in parts))
    if others := [top for top in tops if not known.leaves_of(top) <= inside]:
        raise BadTable(
            f"{dimension}: “{others[0]}” is there beside these parts, so they are not all. Name it too, or "
            "say of which category it is a part."
        )
