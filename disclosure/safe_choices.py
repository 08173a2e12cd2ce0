"""What a safe table may be made of: the files of an extract and the approved elements in them."""

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from p20win.projects import public as projects
from requests_app import public as requests

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from disclosure.engine.crosstab import Axis
    from disclosure.models import SafeTable
    from matching.models import Delivery

_ENDING: Final = ".csv"
MOST: Final = 4  # dimensions of one table; the engine holds to it


@dataclass(frozen=True)
class Choice:
    """One thing that people can be told apart by."""

    file: str
    element: str  # "": whether they are in the file at all
    name: str  # the column of the table
    absent: str  # what the table calls those who are not in the file
    note: str = ""

    @property
    def key(self) -> str:
        """Return how a form names it."""
        return f"{self.file}/{self.element}"


def files(delivery: "Delivery") -> dict[str, str]:
    """Return the files of an extract, with the agency that each is from."""
    agencies = {agency.slug: agency.short_name for agency in projects.suppliers(delivery.project)}
    names = [entry["file"] for entry in delivery.contents]
    slugs = {name: name.removesuffix(_ENDING) for name in names if name.endswith(_ENDING)}
    return {name: agencies[slug] for name, slug in slugs.items() if slug in agencies}


def file_of(element: "requests.ApprovedElement") -> str:
    """Return the file of an extract that an element stands in."""
    return f"{element.source}{_ENDING}"


def choices(delivery: "Delivery") -> list[Choice]:
    """Return what the people of an extract can be told apart by: approved elements alone, no identifier."""
    agencies, forbidden = files(delivery), {name.casefold() for name in identifiers(delivery)}
    delivered = {entry["file"]: set(entry["columns"]) for entry in delivery.contents}
    found = []
    for file, agency in agencies.items():
        absent = f"Not in the file of {agency}"
        found.append(Choice(file, "", f"In the file of {agency}", absent))
        for element in requests.approved_elements(delivery.project):
            is_there = file_of(element) == file and element.name in delivered[file]
            tells_people = element.is_matching_identifier or element.name.casefold() in forbidden
            if is_there and not tells_people and element.data_type != requests.DataType.EMPLOYER:
                name = f"{element.name} ({agency})"
                found.append(Choice(file, element.name, name, absent, element.source_element))
    return found


def identifiers(delivery: "Delivery") -> list[str]:
    """Return the elements that are asked for to match by: none of them is a dimension."""
    return [e.name for e in requests.elements(delivery.project) if e.is_matching_identifier]


def bands_of(dimension: "Mapping[str, Any]") -> list[int]:
    """Return the lower bounds of a dimension's bands; tables of earlier days have none."""
    return list(dimension.get("bands") or [])


def chosen(table: "SafeTable") -> list[tuple[Choice, list[str], list[int]]]:
    """Return a table's dimensions, values and bands, as far as they are approved elements of its extract.

    One whose agency is called otherwise by now is missing, too: earlier tables have its old name.
    """
    there = {choice.key: choice for choice in choices(table.delivery)}
    asked = [(there.get(f"{each['file']}/{each['element']}"), each) for each in table.dimensions]
    return [
        (choice, list(each["codes"]), bands_of(each))
        for choice, each in asked
        if choice is not None and (choice.name, choice.absent) == (each["name"], each["absent"])
    ]


def written(delivery: "Delivery", dimensions: "Iterable[Mapping[str, Any]]") -> list[dict[str, Any]]:
    """Return dimensions as a table keeps them, with the names that it will have."""
    there = {choice.key: choice for choice in choices(delivery)}
    found = []
    for each in dimensions:
        choice = there.get(f"{each['file']}/{each['element']}")
        names = {"name": choice.name, "absent": choice.absent} if choice else {"name": "", "absent": ""}
        said = {"file": each["file"], "element": each["element"], "codes": list(each["codes"])}
        found.append(said | {"bands": bands_of(each)} | names)
    return found


def shown(table: "SafeTable") -> dict[str, Any]:
    """Return what a page tells of a table's definition."""
    people = files(table.delivery).get(table.counted, table.counted)
    return {"table": table, "people": people, "dimensions": table.dimensions}


def axes(table: "SafeTable") -> "list[Axis]":
    """Return a table's dimensions for the engine; those that are no approved elements are missing."""
    from disclosure.engine.crosstab import Axis, tidied

    return [
        Axis(
            name=choice.name,
            file=choice.file,
            element=choice.element,
            codes=tuple(dict.fromkeys(map(tidied, codes))),
            absent=choice.absent,
            bands=tuple(bands),
        )
        for choice, codes, bands in chosen(table)
    ]
