"""Categories of data elements, and what a population does not want of an agency's (O-125). Pure."""

import re
from collections.abc import Iterable
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from requests_app.models import DataElement, Population


def named(text: str) -> dict[str, str]:
    """Return the categories that a text lists, as they are compared and as they are written."""
    pieces = (" ".join(piece.split()) for piece in re.split(r"[,;\n]", text))
    return {piece.casefold(): piece for piece in pieces if piece}


def of(element: "DataElement") -> str:
    """Return an element's category as it is compared."""
    return " ".join(element.category.split()).casefold()


def delivered(elements: Iterable["DataElement"]) -> list["DataElement"]:
    """Return the elements that an agency gives for delivery: no identifier, nothing of suppliers' lists."""
    return [each for each in elements if each.source_id and not each.is_matching_identifier]


def unknown(population: "Population", elements: Iterable["DataElement"]) -> list[str]:
    """Return what a population does not want and no element says it is of: it could not be left out."""
    there = {of(each) for each in delivered(elements)}
    return [written for folded, written in named(population.not_wanted).items() if folded not in there]


def unwanted(population: "Population", elements: Iterable["DataElement"]) -> list[str]:
    """Return the names of those among an agency's elements for delivery that a population does not want."""
    refused = named(population.not_wanted)
    return [each.name for each in delivered(elements) if of(each) in refused]
