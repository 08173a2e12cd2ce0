"""What the command line is given: read so that whatever is wrong is told with its file, line and column."""

import csv
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final, TypeVar

from disclosure.engine.audit.reading import read_groups
from disclosure.engine.codes import TOTAL, Hierarchy, read_hierarchy
from disclosure.engine.errors import BadTable
from disclosure.engine.longform import Table, read_long, reads_like_a_total
from disclosure.engine.policy import CellPolicy, from_toml

_READ = TypeVar("_READ")
_EVERYBODY: Final = re.compile(
    r"all( (students|pupils|people|persons|schools|districts|towns|ages|years|sexes|genders|races|groups"
    r"|categories|together))?|(the )?sum|everyone|everybody|any|combined|altogether|\*|Σ",
    re.IGNORECASE,
)


@dataclass(frozen=True)
class Used:
    """A code as a line of a file has it."""

    file: str
    line: int
    column: str
    code: str

    @property
    def place(self) -> str:
        """Say where it stands."""
        return f"{self.file}, line {self.line}, column {self.column}"


def contents(paths: Sequence[str]) -> list[tuple[str, bytes]]:
    """Return the bytes of files, by their paths."""
    return [(path, Path(path).read_bytes()) for path in paths]


def text(path: str, content: bytes) -> str:
    """Return the text of a file.

    :raises BadTable: naming file and line, if it is none
    """
    try:
        return content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = content.count(b"\n", 0, error.start) + 1
        raise BadTable(f"{path}, line {line}: not UTF-8 text. Save the file as CSV UTF-8.") from None


def table(path: str, content: bytes) -> Table:
    """Read a long table.

    :raises BadTable: naming file, line and remedy
    """
    try:
        return read_long(path, text(path, content))
    except BadTable:
        raise
    except csv.Error as error:
        raise BadTable(f"{path}: not a CSV ({error}). Check the quotation marks.") from None
    except ValueError:
        raise BadTable(f"{path}: holds a number that counts no people.") from None


def hierarchy(name: str, path: str, content: bytes) -> Hierarchy:
    """Read the groups of a dimension.

    :raises BadTable: naming file, line and remedy
    """
    return _told_of(path, lambda: read_hierarchy(name, text(path, content)))


def group_codes(name: str, path: str, content: bytes) -> set[str]:
    """Return the codes of a dimension's hierarchy, read as the audit reads it.

    :raises BadTable: naming file, line and remedy
    """
    return set(_told_of(path, lambda: read_groups(name, content)))


def policy(path: str | None, defaults: CellPolicy) -> CellPolicy:
    """Read the rules; those that hold without a file if there is none.

    :raises BadTable: naming the file and the key
    """
    if not path:
        return defaults
    return _told_of(path, lambda: from_toml(text(path, Path(path).read_bytes()), defaults=defaults))


def _told_of(path: str, read: Callable[[], _READ]) -> _READ:
    """Read something, and name its file where that cannot be."""
    try:
        return read()
    except csv.Error as error:
        raise BadTable(f"{path}: not a CSV ({error}). Check the quotation marks.") from None
    except BadTable as error:
        raise BadTable(str(error) if str(error).startswith(path) else f"{path}: {error}") from None


def groups(options: Sequence[str]) -> dict[str, tuple[str, bytes]]:
    """Return the files of hierarchies with their paths, by dimension.

    :raises BadTable: naming the option, if it is no DIM=FILE or a dimension has two
    """
    files: dict[str, tuple[str, bytes]] = {}
    for option in options:
        name, equals, path = option.partition("=")
        if not equals or not name or not path:
            raise BadTable(f"--hier {option}: write DIM=FILE.")
        if name in files:
            raise BadTable(f"--hier {option}: {name} has a hierarchy already.")
        files[name] = (path, Path(path).read_bytes())
    return files


def refuse_strange_codes(used: Sequence[Used], known: Mapping[str, tuple[str, set[str]]]) -> None:
    """Make sure that each code is one, or a union, and that the hierarchy of its dimension has it.

    `known` has for each dimension with a hierarchy its file and its codes.

    :raises BadTable: naming file, line, column and remedy
    """
    for each in used:
        if each.code == TOTAL:
            continue
        parts = [part.strip() for part in each.code.split("|")]
        if "" in parts or TOTAL in parts:
            raise BadTable(f"{each.place}: “{each.code}” is not a code, nor a union written A|B.")
        path, codes = known.get(each.column, ("", set(parts)))
        if strange := [part for part in parts if part not in codes]:
            raise BadTable(
                f"{each.place}: “{strange[0]}” is not in its hierarchy, {path}. "
                "Add it there or correct the code."
            )


def idle_groups(used: Sequence[Used], known: Mapping[str, tuple[str, set[str]]]) -> Iterator[str]:
    """Tell of hierarchies of a column that no file has: perhaps another was meant."""
    columns = sorted({each.column for each in used})
    for name in sorted(set(known) - set(columns)):
        yield (
            f"warning: --hier {name}={known[name][0]}: no file has a column “{name}”, so it says nothing. "
            f"The columns are {', '.join(columns)}. If one of them is meant, correct the name."
        )


def doubtful_totals(used: Sequence[Used], known: Mapping[str, tuple[str, set[str]]]) -> Iterator[str]:
    """Tell of codes that are read as a category like any other, though their name may mean everybody."""
    told = set()
    for each in used:
        of = (each.file, each.column, each.code)
        grouped = each.code in known.get(each.column, ("", set()))[1]  # the hierarchy says what it means
        if of in told or grouped or not _may_mean_everybody(each.code):
            continue
        told.add(of)
        yield (
            f"warning: {each.place}: “{each.code}” is read as an ordinary code, a category beside the others "
            f"and not their sum. If it counts everybody, write {TOTAL}; if not, give it a plainer name."
        )


def _may_mean_everybody(code: str) -> bool:
    words = " ".join(code.split())
    return code != TOTAL and (reads_like_a_total(words) or _EVERYBODY.fullmatch(words) is not None)


def used_in(tables: Sequence[Table]) -> list[Used]:
    """Return the codes of tables in the order of their lines."""
    return [
        Used(each.name, row.line, dim, code)
        for each in tables
        for row in each.rows
        for dim, code in row.codes.items()
    ]
