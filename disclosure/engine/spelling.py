"""One name in two spellings: files that are held together must not miss each other for a capital or a space.

Names are compared as they are written, so a second spelling is a second dimension or category: nothing of the
one follows for the other, and what leaks passes. Two spellings in one table are two names; in two, an error.
"""

import unicodedata
from collections.abc import Iterable, Mapping, Sequence

from disclosure.engine.errors import BadTable

Said = tuple[str, Sequence[Mapping[str, str]]]  # a file, and the codes of its lines by their dimension


def refuse_two_spellings(files: Sequence[Said]) -> None:
    """Make sure that no name is written in another way in another file.

    :raises BadTable: naming both
    """
    _refuse("column", [(file, {dim for line in lines for dim in line}) for file, lines in files])
    for name in sorted({dim for _, lines in files for line in lines for dim in line}):
        said = [
            (file, {part for line in lines for part in _parts(line.get(name, ""))}) for file, lines in files
        ]
        _refuse(f"code of {name}", said)


def _parts(code: str) -> Iterable[str]:
    return (part.strip() for part in code.split("|"))


def _refuse(what: str, said: Sequence[tuple[str, set[str]]]) -> None:
    first: dict[str, tuple[str, str]] = {}
    distinct = {(_as_read(name), name) for _, names in said for name in _told_apart(names)}
    for file, names in said:
        for name in sorted(names):
            there, before = first.setdefault(_as_read(name), (file, name))
            if before != name and (_as_read(name), name) not in distinct:
                raise BadTable(
                    f"{file}: the {what} “{name}” is “{before}” in {there}. Write it alike in all files."
                )


def _told_apart(names: Iterable[str]) -> set[str]:
    """Return the names that one table has beside others that read like them."""
    read: dict[str, set[str]] = {}
    for name in names:
        read.setdefault(_as_read(name), set()).add(name)
    return {name for alike in read.values() if len(alike) > 1 for name in alike}


def _as_read(name: str) -> str:
    """Return a name without what the eye passes over: capitals, spaces, marks that are not seen."""
    seen = (c for c in unicodedata.normalize("NFKC", name) if unicodedata.category(c) != "Cf")
    return " ".join("".join(seen).casefold().split())
