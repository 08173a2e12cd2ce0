"""The linkage specification: everything that decides how files are linked, as data.

It is JSON, versioned and hashed, so that a report can name exactly what was done. It holds no value of any
record.
"""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from typing import Any, Final, Literal

from matching.engine import defaults
from matching.engine.errors import BadInput

VERSION: Final = 1
"""The version of this format."""

Accept = Literal["f1", "auto"]
_NAME: Final = re.compile(r"[A-Za-z0-9_]+")
_WORDS: Final = re.compile(r"[A-Z]?[a-z]+|[A-Z]+(?![a-z])|[A-Z]|\d+")
_LEVELS: Final = frozenset(
    "exact edits jaro_winkler shared_part nickname initial other_given_name swapped_names swapped_day"
    " first_of_january two_of_three".split()
) | {"else"}

_AT: Final = {"edits": 9.0, "jaro_winkler": 1.0}
"""Levels that ask for a number of likeness or slips, and the largest there is."""


@dataclass(frozen=True)
class Level:
    """One degree of agreement: what it asks, how often true pairs and chance pairs show it (None: learnt)."""

    kind: str
    m: float
    at: float | None = None
    u: float | None = None
    by_frequency: bool = False


@dataclass(frozen=True)
class Comparison:
    """How one field is compared: its levels from the strictest to “else”."""

    field: str
    levels: tuple[Level, ...]


@dataclass(frozen=True)
class Block:
    """One way in which candidates are found: records that agree on all these columns are compared."""

    name: str
    on: tuple[str, ...]


@dataclass(frozen=True)
class File:
    """One file: its column of generic ids, which columns are which field, and whether a row is a person."""

    id_column: str
    columns: Mapping[str, str]
    unique: bool = False
    groups: tuple[str, ...] = ()
    """Columns by which the report breaks down its rates; never matched on."""


@dataclass(frozen=True)
class Spec:
    """The whole specification of a linkage."""

    files: Mapping[str, File]
    comparisons: tuple[Comparison, ...]
    blocks: tuple[Block, ...]
    engine: str = defaults.ENGINE
    accept: Accept = "f1"
    seed: int = 1
    grey_floor: float = defaults.GREY_FLOOR
    auto_precision: float = defaults.AUTO_PRECISION
    least_bits: float = defaults.LEAST_BITS
    cluster_cap: int = defaults.CLUSTER_CAP
    block_cap: int = defaults.BLOCK_CAP
    pairs_per_row: int = defaults.PAIRS_PER_ROW
    version: int = field(default=VERSION)

    @property
    def fields(self) -> tuple[str, ...]:
        """Return the fields that are compared, in the order of the comparisons."""
        return tuple(comparison.field for comparison in self.comparisons)

    def fields_of(self, name: str) -> frozenset[str]:
        """Return the fields that one file has."""
        return frozenset(self.files[name].columns)

    def common(self, one: str, other: str) -> tuple[str, ...]:
        """Return the fields by which two files are compared."""
        return tuple(f for f in self.fields if f in self.fields_of(one) & self.fields_of(other))

    def tells_apart(self, one: str, other: str) -> bool:
        """Say whether what two files have in common can tell people apart; else they meet through another."""
        return sum(defaults.BITS[field] for field in self.common(one, other)) >= self.least_bits


def to_json(spec: Spec) -> str:
    """Return the specification as JSON, readable and always in the same order."""
    return json.dumps(asdict(spec), indent=2, sort_keys=True) + "\n"


def as_dict(spec: Spec) -> dict[str, Any]:
    """Return the specification as what its JSON says."""
    said: dict[str, Any] = json.loads(to_json(spec))
    return said


def digest(spec: Spec) -> str:
    """Return the SHA-256 of the specification, by which a report names it."""
    canonical = json.dumps(asdict(spec), sort_keys=True, separators=(",", ":"))
    return hashlib.sha256(canonical.encode()).hexdigest()


def from_json(text: str) -> Spec:
    """Read a specification. What it leaves out is filled with the defaults.

    :raises BadInput: if it is no JSON, of another version, or says something this engine does not know
    """
    try:
        said = json.loads(text)
        return _checked(_read(said))
    except json.JSONDecodeError as error:
        raise BadInput(f"The specification is not JSON: line {error.lineno}, column {error.colno}.") from None
    except KeyError as missing:
        raise BadInput(f"The specification cannot be read: an entry lacks {missing}.") from None
    except (TypeError, ValueError, AttributeError, RecursionError, OverflowError) as error:
        raise BadInput(
            f"The specification cannot be read: an entry is not of the form it should have ({error})."
        ) from None


def _read(said: dict[str, Any]) -> Spec:
    if said.get("version", VERSION) != VERSION:
        raise BadInput(
            f"The specification is of version {said['version']}; this engine reads version {VERSION}."
        )
    known = set(Spec.__dataclass_fields__)
    if unknown := sorted(set(said) - known):
        raise BadInput(f"The specification has unknown entries: {', '.join(unknown)}.")
    files = {name: _file(entry) for name, entry in said.get("files", {}).items()}
    comparisons = tuple(
        Comparison(entry["field"], tuple(Level(**level) for level in entry["levels"]))
        for entry in said.get("comparisons", [])
    )
    blocks = tuple(Block(entry["name"], tuple(entry["on"])) for entry in said.get("blocks", []))
    rest = {key: value for key, value in said.items() if key not in {"files", "comparisons", "blocks"}}
    return Spec(files=files, comparisons=comparisons, blocks=blocks, **rest)


def _file(said: dict[str, Any]) -> File:
    file = File(**{**said, "columns": dict(said["columns"]), "groups": tuple(said.get("groups", ()))})
    named = [file.id_column, *file.columns.values(), *file.groups]
    if not all(isinstance(name, str) for name in [*named, *file.columns]) or not isinstance(
        file.unique, bool
    ):
        raise TypeError("columns are named by text, unique is true or false")
    return file


def _checked(spec: Spec) -> Spec:
    """Return the specification, if an engine can work from it.

    :raises BadInput: naming the entry that is wrong
    """
    for name, entry in spec.files.items():
        check_name(name)
        if unknown := sorted(set(entry.columns) - set(defaults.BITS)):
            raise BadInput(f"Specification, file {name}: unknown fields {', '.join(unknown)}.")
    for comparison in spec.comparisons:
        _check_comparison(comparison)
    if len(set(spec.fields)) < len(spec.fields):
        raise BadInput("Specification: a field is compared twice.")
    _check_blocks(spec.blocks)
    _check_numbers(spec)
    return spec


def _check_blocks(blocks: Sequence[Block]) -> None:
    """Pass if candidates can be found by the blocks.

    :raises BadInput: naming the block that is wrong
    """
    for block in blocks:
        if unknown := sorted(set(block.on) - set(defaults.COLUMNS)):
            raise BadInput(f"Specification, block {block.name}: unknown columns {', '.join(unknown)}.")
        if not block.on:
            raise BadInput(f"Specification, block {block.name}: it names no column to agree on.")
    if len({block.name for block in blocks}) < len(blocks):
        raise BadInput("Specification: two blocks have one name.")


def _check_numbers(spec: Spec) -> None:
    """Pass if the numbers of a specification lie where they should.

    :raises BadInput: naming the entry that is wrong
    """
    if spec.accept not in ("f1", "auto"):
        raise BadInput("Specification: accept is f1 or auto.")
    if not 0 < spec.grey_floor < 1 or not 0 < spec.auto_precision < 1:
        raise BadInput("Specification: grey_floor and auto_precision lie between 0 and 1.")
    for name in ("seed", "cluster_cap", "block_cap", "pairs_per_row"):
        least = 0 if name == "seed" else 1
        if not _is_number(getattr(spec, name), whole=True) or not least <= getattr(spec, name) < 2**31:
            raise BadInput(f"Specification: {name} is a whole number from {least}.")
    if not _is_number(spec.least_bits) or not isinstance(spec.engine, str):
        raise BadInput("Specification: least_bits is a number, and engine a name.")


def _is_number(value: object, *, whole: bool = False) -> bool:
    return isinstance(value, int if whole else int | float) and not isinstance(value, bool)


def _check_comparison(comparison: Comparison) -> None:
    """Pass if an engine can work from the comparison.

    :raises BadInput: naming what is wrong
    """
    if comparison.field not in defaults.BITS:
        raise BadInput(f"Specification: there is no field {comparison.field} to compare.")
    kinds = [level.kind for level in comparison.levels]
    if unknown := sorted(set(kinds) - _LEVELS):
        raise BadInput(f"Specification, {comparison.field}: unknown levels {', '.join(unknown)}.")
    if len(kinds) < 2 or kinds[-1] != "else" or not all(0 < level.m < 1 for level in comparison.levels):
        raise BadInput(f"Specification, {comparison.field}: levels end in “else”, each with m from 0 to 1.")
    for level in comparison.levels:
        if level.u is not None and not 0 < level.u < 1:
            raise BadInput(f"Specification, {comparison.field}: u lies between 0 and 1.")
        most = _AT.get(level.kind)
        if most is None:
            if level.at is not None:
                raise BadInput(f"Specification, {comparison.field}: a level “{level.kind}” has no “at”.")
        elif not _is_number(level.at) or not 0 < (level.at or 0) <= most:
            raise BadInput(
                f"Specification, {comparison.field}: a level “{level.kind}” says at what number,"
                f" up to {most:g}."
            )


def check_name(name: str) -> str:
    """Return the name of a file, if it may be one.

    :raises BadInput: if it has other characters than letters, digits and underscores
    """
    if not _NAME.fullmatch(name):
        raise BadInput(f"“{name}” cannot name a file: use letters, digits and underscores.")
    return name


def recognise(headers: Sequence[str], where: str, *, id_column: str | None = None) -> File:
    """Tell from the headers of a file which column is the generic id and which are which field.

    :raises BadInput: if no column is the id, or two columns claim one field
    """
    plain = {header: _plain(header) for header in headers}
    found = id_column or next(
        (header for wanted in defaults.ID_HEADERS for header in headers if wanted == plain[header][0]), None
    )
    if found is None or found not in plain:
        raise BadInput(
            f"{where}: no id column. Name one of them unique_id, id, synthetic_id or rid, or name it in the"
            " specification; the first line must hold the headers."
        )
    columns: dict[str, str] = {}
    for known in (defaults.HEADERS, defaults.LESSER_HEADERS):
        columns |= _claimed([h for h in headers if h != found], plain, known, set(columns), where)
    if not columns:
        raise BadInput(
            f"{where}: no column to match on was recognised among its headers;"
            " name them in the specification."
        )
    return File(id_column=found, columns=columns, groups=groups_of([h for h in headers if h != found]))


def groups_of(headers: Sequence[str]) -> tuple[str, ...]:
    """Return the columns by which a report breaks down its rates, such as race; they are never matched on."""
    return tuple(h for h in headers if not defaults.GROUP_HEADERS.isdisjoint(_plain(h)))


def _claimed(
    headers: Sequence[str],
    plain: Mapping[str, tuple[str, ...]],
    known: Mapping[str, str],
    taken: set[str],
    where: str,
) -> dict[str, str]:
    """Return which column is which field that none is yet.

    :raises BadInput: if two columns claim one field
    """
    columns: dict[str, str] = {}
    for header in headers:
        field = next((known[form] for form in plain[header] if form in known), None)
        if field is None or field in taken:
            continue
        if field in columns:
            raise BadInput(
                f"{where}: columns “{columns[field]}” and “{header}” both look like {field};"
                " name one of them in the specification."
            )
        columns[field] = header
    return columns


def field_of(header: str) -> str | None:
    """Return the field that a header stands for, or None if it is not one of those that can be matched on."""
    every = defaults.LESSER_HEADERS | defaults.HEADERS
    return next((every[form] for form in _plain(header) if form in every), None)


def _plain(header: str) -> tuple[str, ...]:
    """Return a header in lower case without marks: as it stands, in full words, less whose it is."""
    words = [word.lower() for word in _WORDS.findall(header)]
    full = [defaults.SHORTENED.get(word, word) for word in words]
    own = full[1:] if len(full) > 1 and full[0] in defaults.WHOSE else full
    return tuple(dict.fromkeys("".join(said) for said in (words, full, own)))


def default(files: Mapping[str, File], **choices: Any) -> Spec:
    """Return the specification for these files: their common fields, the usual levels and blocks."""
    spec = Spec(files=dict(files), comparisons=(), blocks=(), **choices)
    return complete(spec)


def complete(spec: Spec) -> Spec:
    """Return the specification with the usual comparisons and blocks where it names none."""
    held = [spec.fields_of(name) for name in spec.files]
    several = [f for f in defaults.LEVELS if sum(f in fields for fields in held) >= min(2, len(held))]
    comparisons = spec.comparisons or tuple(
        Comparison(f, tuple(Level(**level) for level in defaults.LEVELS[f])) for f in several
    )
    compared = {comparison.field for comparison in comparisons}
    blocks = spec.blocks or tuple(
        Block(name, on)
        for name, on in defaults.BLOCKS.items()
        if all(defaults.COLUMNS[column] in compared for column in on)
    )
    return _checked(replace(spec, comparisons=comparisons, blocks=blocks))
