"""What a file must look like, from what was approved: columns, forms, ids. Custody and engine read it."""

import re
from collections.abc import Callable, Iterable
from dataclasses import replace
from typing import TYPE_CHECKING, Any, Final

from matching.engine import consents, rules
from matching.engine import spec as specs
from matching.engine.errors import BadInput
from p20win.refusal import Blocked

if TYPE_CHECKING:
    from p20win.accounts.models import Organisation
    from requests_app.models import IdentifierTable
    from requests_app.public import ApprovedElement

ID_COLUMN: Final = "SyntheticID"
_FORM_OF_FIELD: Final = {
    "ssn": "ssn",
    "sasid": "sasid",
    "first_name": "name",
    "middle_name": "name",
    "last_name": "name",
    "birth_date": "date",
    "sex": "sex",
    "high_school": "hs_code",
}
_FORM_OF_TYPE: Final = {
    "integer": "integer",
    "decimal": "decimal",
    "amount": "decimal",
    "date": "date",
    "boolean": "flag",
}
_OF_ONE_PERSON: Final = ("ssn", "sasid")
_NUMBERS: Final = tuple((field,) for field in _OF_ONE_PERSON)  # the parts of a token of a number alone
_CODE: Final = re.compile(r"[^\s,;=]{1,24}")
_ON: Final = "1"


def file_name(agency: "Organisation") -> str:
    """Return how engine and report call an agency's file: its short name, in letters, digits, underscores."""
    return re.sub(r"[^A-Za-z0-9_]", "_", agency.short_name)


def engine_file(agency: "Organisation", elements: Iterable["ApprovedElement"]) -> specs.File:
    """Return which column of an agency's matching file is which field; one row is one person (O-60).

    :raises Blocked: if two of its identifiers mean the same, or none can be matched on
    """
    columns = [ID_COLUMN, *(element.name for element in elements)]
    try:
        found = specs.recognise(columns, agency.short_name, id_column=ID_COLUMN)
    except BadInput as problem:
        raise Blocked(str(problem)) from None
    return replace(found, columns=dict(found.columns), unique=True)


def without_ssn(elements: Iterable["ApprovedElement"]) -> list["ApprovedElement"]:
    """Return the elements that are no SSN."""
    return [e for e in elements if not (e.is_matching_identifier and field_of(e.name) == "ssn")]


def spared(spec: dict[str, Any], left_out: list[str]) -> dict[str, Any]:
    """Return a matching file's description that says what is approved and not asked for (O-105).

    Where no number of the person is left, two people can agree in all that is sent: that is no mistake then.
    """
    numbered = any(column["form"] in ("ssn", "sasid") for column in spec["columns"])
    return spec | {"not_asked": left_out} | ({} if numbered else {"one_person_per": []})


def matching_file(agency: "Organisation", elements: Iterable["ApprovedElement"]) -> dict[str, Any]:
    """Return what custody checks an agency's matching file against."""
    identifiers = [element for element in elements if element.is_matching_identifier]
    fields = {column: field for field, column in engine_file(agency, identifiers).columns.items()}
    columns = [_identifier(element, fields.get(element.name, "")) for element in identifiers]
    return {
        "columns": [_id(), *columns],
        "id_column": ID_COLUMN,
        "id_prefix": f"{agency.short_name}-",
        "one_row_per": [[ID_COLUMN]],
        "one_person_per": _persons([element.name for element in identifiers], _names_one_person),
    }


def _persons(columns: list[str], names_one_person: Callable[[str], bool]) -> list[list[str]]:
    """Return by what no two rows may agree: all that is held of a person, and each number of one person."""
    alone = [[column] for column in columns if names_one_person(column)]
    return [columns, *alone] if len(columns) > 1 else alone


def _names_one_person(column: str) -> bool:
    return specs.field_of(column) in _OF_ONE_PERSON


def encoded_file(
    agency: "Organisation", elements: Iterable["ApprovedElement"], *, clk: bool
) -> dict[str, Any]:
    """Return what custody checks an agency's matching file against that holds tokens for identifiers (O-72).

    :raises Blocked: if no token can be made from its identifiers
    """
    fields = engine_file(agency, [e for e in elements if e.is_matching_identifier]).columns
    columns = rules.columns_for(fields, clk=clk)
    tokens = [name for name in columns if name in rules.BY_COLUMN and not rules.BY_COLUMN[name].is_block]
    if not tokens:
        raise Blocked(f"From the identifiers of {agency.short_name} no token can be made.")
    return {
        "columns": [_id(), *(_encoded(name) for name in columns)],
        "id_column": ID_COLUMN,
        "id_prefix": f"{agency.short_name}-",
        "one_row_per": [[ID_COLUMN]],
        "one_person_per": _persons(tokens, lambda token: rules.BY_COLUMN[token].parts in _NUMBERS),
        "encoded": True,
    }


def _encoded(name: str) -> dict[str, Any]:
    if name == rules.MARK:
        return {"name": name, "form": "encoded_with", "required": True}
    return {"name": name, "form": "bloom" if name == rules.CLK else "token", "identifier": True}


def encoded_columns(spec: dict[str, Any]) -> list[str]:
    """Return the tokens among the columns of a slot's description; none if it expects identifiers."""
    return [c["name"] for c in spec["columns"] if c.get("identifier")] if spec.get("encoded") else []


def encoded_engine_file(agency: "Organisation", spec: dict[str, Any]) -> specs.File:
    """Return which column of an agency's encoded file is which token."""
    columns = [ID_COLUMN, rules.MARK, *encoded_columns(spec)]
    found = specs.recognise(columns, agency.short_name, id_column=ID_COLUMN)
    return specs.File(id_column=found.id_column, columns=dict(found.columns), unique=True)


def analytical_file(agency: "Organisation", elements: Iterable["ApprovedElement"]) -> dict[str, Any]:
    """Return what custody checks an agency's analytical file against; a person may have several rows."""
    return {
        "columns": [
            _id(),
            *(_content(element) for element in elements if not element.is_matching_identifier),
        ],
        "id_column": ID_COLUMN,
        "id_prefix": f"{agency.short_name}-",
    }


def identifier_list(table: "IdentifierTable", senders: Iterable[str]) -> dict[str, Any]:
    """Return what custody checks a list of identifiers against (O-126, O-178)."""
    identifier = table.identifier_column
    form = _FORM_OF_FIELD.get(specs.field_of(identifier) or "", "text")
    return {
        "columns": [
            {"name": identifier, "form": form, "identifier": True, "required": True},
            {"name": table.flag_column, "codes": [table.flag_value or _ON], "required": True},
        ],
        "agencies": list(senders),
        "one_row_per": [[identifier]],
    }


def flag_value(spec: dict[str, Any], flag: str) -> str:
    """Return what stands in a list's flag column for those whom it flags: what custody accepts alone."""
    (value,) = next(column["codes"] for column in spec["columns"] if column["name"] == flag)
    return str(value)


def consent_list(agency: "Organisation") -> dict[str, Any]:
    """Return what custody checks a list of consents against: generic ids, and how each stands (O-51)."""
    return {
        "columns": [
            _id(),
            {"name": consents.STATUS, "codes": list(consents.STATUSES), "required": True},
            {"name": consents.VALID_UNTIL, "form": "date"},
            {"name": consents.REVOKED_ON, "form": "date"},
        ],
        "id_column": ID_COLUMN,
        "id_prefix": f"{agency.short_name}-",
        "agencies": [agency.short_name, agency.slug],
        "one_row_per": [[ID_COLUMN]],
    }


def delivered_columns(elements: Iterable["ApprovedElement"]) -> list[str]:
    """Return the columns that reach the recipient: approved, and no matching identifier (O-73)."""
    return [element.name for element in elements if not element.is_matching_identifier]


def _identifier(element: "ApprovedElement", field: str) -> dict[str, Any]:
    known = {"name": element.name, "form": _FORM_OF_FIELD[field]} if field in _FORM_OF_FIELD else None
    return (known or _content(element)) | {"identifier": True}


def _id() -> dict[str, Any]:
    return {"name": ID_COLUMN, "form": "synthetic_id", "required": True}


def _content(element: "ApprovedElement") -> dict[str, Any]:
    described: dict[str, Any] = {"name": element.name, "form": _FORM_OF_TYPE.get(element.data_type, "text")}
    if element.data_type == "code" and (codes := _codes(element.codes)):
        described["codes"] = codes
    return described


def _codes(text: str) -> list[str]:
    """Return the codes of a list such as “M, F, U” or “1 = yes; 0 = no”; none if the text is a sentence."""
    pieces = [piece.split("=")[0].strip() for piece in re.split(r"[,;\n]", text) if piece.strip()]
    return pieces if len(pieces) > 1 and all(_CODE.fullmatch(piece) for piece in pieces) else []


def field_of(column: str) -> str | None:
    """Return the field that a column holds, if it is one that can be matched on."""
    return specs.field_of(column)
