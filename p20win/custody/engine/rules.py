"""What was agreed for one file, as data: columns, forms, separators, what must be unique."""

from dataclasses import dataclass
from typing import Any

from p20win.custody.engine.cells import FORMS
from p20win.custody.engine.names import ANALYTICAL, IDENTIFIER_LIST, KEY, MATCHING

TABLE = "output"
KINDS = (MATCHING, ANALYTICAL, KEY, IDENTIFIER_LIST, TABLE)
_SEPARATORS = {"tab": "\t", "comma": ","}


@dataclass(frozen=True)
class Column:
    """One approved column."""

    name: str
    form: str = "text"
    codes: frozenset[str] = frozenset()
    required: bool = False
    identifier: bool = False


@dataclass(frozen=True)
class FileRule:
    """All that one file is checked against."""

    kind: str
    number: str
    agencies: tuple[str, ...]
    columns: tuple[Column, ...]
    separators: tuple[str, ...] = ("\t",)
    id_column: str = ""
    id_prefix: str = ""
    one_row_per: tuple[tuple[str, ...], ...] = ()
    one_person_per: tuple[tuple[str, ...], ...] = ()
    largest: int = 0
    demo_ssn: bool = False
    encoded: bool = False  # tokens stand in place of identifiers

    @property
    def identifiers_allowed(self) -> bool:
        """Whether this kind of file may hold identifiers at all."""
        return self.kind in (MATCHING, IDENTIFIER_LIST)


def from_spec(spec: dict[str, Any], *, demo_ssn: bool = False) -> FileRule:
    """This will read an upload slot's description of its file.

    :raises ValueError: naming what in the description cannot be followed
    """
    kind = spec.get("kind")
    if kind not in KINDS:
        raise ValueError(f"“kind” must be one of {', '.join(KINDS)}.")
    columns = tuple(_column(described) for described in spec.get("columns", ()))
    names = [column.name.casefold() for column in columns]
    if len(set(names)) != len(names):
        raise ValueError("“columns” names a column twice.")
    if kind != TABLE and not columns:
        raise ValueError("“columns” must name at least one column.")
    rule = FileRule(
        kind=kind,
        number=str(spec.get("number", "")),
        agencies=tuple(spec.get("agencies", ())),
        columns=columns,
        separators=tuple(_separator(name) for name in spec.get("separators", ("tab",))),
        id_column=spec.get("id_column", ""),
        id_prefix=spec.get("id_prefix", ""),
        one_row_per=tuple(tuple(names) for names in spec.get("one_row_per", ())),
        one_person_per=tuple(tuple(names) for names in spec.get("one_person_per", ())),
        largest=int(spec.get("largest", 0)),
        demo_ssn=demo_ssn,
        encoded=bool(spec.get("encoded", False)),
    )
    _check(rule)
    return rule


def _check(rule: FileRule) -> None:
    if not rule.separators:
        raise ValueError("“separators” must name at least one of tab, comma.")
    known = {column.name for column in rule.columns}
    named = {name for names in (*rule.one_row_per, *rule.one_person_per) for name in names}
    if rule.id_column:
        named.add(rule.id_column)
    if missing := sorted(named - known):
        raise ValueError(f"Not among the columns: {', '.join(missing)}.")
    if rule.kind in (MATCHING, ANALYTICAL, KEY) and not rule.id_column:
        raise ValueError("“id_column” must name the column of the generic id.")
    identifiers = [column.name for column in rule.columns if column.identifier]
    if rule.encoded and sorted(c.form for c in rule.columns if c.form == "encoded_with") != ["encoded_with"]:
        raise ValueError("An encoded file has one column of the form “encoded_with”.")
    if identifiers and not rule.identifiers_allowed:
        raise ValueError(f"A file of kind “{rule.kind}” may not hold identifiers: {', '.join(identifiers)}.")


def _column(described: dict[str, Any]) -> Column:
    form = described.get("form", "text")
    if form not in FORMS:
        raise ValueError(f"There is no column form called “{form}”. Known: {', '.join(FORMS)}.")
    name = described.get("name")
    if not isinstance(name, str) or not name.strip():
        raise ValueError("Every column needs a name.")
    return Column(
        name=name.strip(),
        form=form,
        codes=frozenset(str(code) for code in described.get("codes", ())),
        required=bool(described.get("required", False)),
        identifier=bool(described.get("identifier", False)),
    )


def _separator(name: str) -> str:
    if name not in _SEPARATORS:
        raise ValueError(f"There is no separator called “{name}”. Known: tab, comma.")
    return _SEPARATORS[name]
