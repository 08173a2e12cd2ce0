"""The extract instruction of an agency: what the approved request has it take from its records (O-23, O-125).

It is made from the request and kept nowhere else: a revision does not change once it is approved, so number,
revision and digest name an instruction for good. What is not wanted for a population is left out of this
agency's part of crosswalk and extract: by the agency where it picks the rows, and again by the hub for
everybody whom a list says to be in the population. Read so:

- An agency that is not wanted sends nobody for the population; a category that is not wanted leaves its
  elements empty. If every element of the agency is of such a category, the agency is not wanted.
- Who is in a population that does not want something and in another that does, stays; so does who is in none.
- Later years are wanted of the people of that table alone, and of every element.
"""

import datetime as dt
import json
from dataclasses import asdict, dataclass
from hashlib import sha256
from typing import TYPE_CHECKING, Any, Final

from requests_app import categories, selectors
from requests_app.models import DataElement, DataRequest, Population
from requests_app.vocabulary import Membership, PopulationKind, Status

if TYPE_CHECKING:
    from p20win.accounts.models import Organisation
    from p20win.projects.models import Project

FORMAT: Final = "p20win/extract-instruction/1"


@dataclass(frozen=True)
class Element:
    """A column that the agency gives, in one of its files."""

    name: str
    source_element: str
    category: str
    values: str
    qualifier: str
    type: str
    format: str


@dataclass(frozen=True)
class Table:
    """A list of the people of a population, and the years that are wanted of them."""

    title: str
    school_year: str
    identifier_column: str
    flag_column: str
    later_years: str


@dataclass(frozen=True)
class People:
    """A population: who is in it, of which years, and what of this agency is not wanted for it."""

    name: str
    kind: str
    school: str
    school_code: str
    programme_start: str
    until: str
    grades: str
    comparison: bool
    supplier: str
    membership: str
    tables: tuple[Table, ...]
    wanted: bool
    not_wanted_categories: tuple[str, ...]
    not_wanted_elements: tuple[str, ...]


@dataclass(frozen=True)
class Instruction:
    """What one agency takes from its records for a request, in one approved version of it."""

    number: str
    title: str
    agency: str
    agency_slug: str
    revision: int
    approved_on: dt.date | None
    summary: str
    populations: tuple[People, ...]
    matching: tuple[Element, ...]
    analytical: tuple[Element, ...]

    def as_dict(self) -> dict[str, Any]:
        """Return it for programs, with the digest that names this version of it."""
        said: dict[str, Any] = {"format": FORMAT, **asdict(self)}
        said["approved_on"] = self.approved_on.isoformat() if self.approved_on else None
        canonical = json.dumps(said, sort_keys=True, ensure_ascii=False, separators=(",", ":"))
        return said | {"sha256": sha256(canonical.encode()).hexdigest()}


def versions(project: "Project", agency: "Organisation") -> list[Instruction]:
    """Return an agency's instructions by every approved revision that asks for its data, the newest first."""
    return [
        made_from(row, agency)
        for row in _approved(project)
        if selectors.expected_agencies(row).filter(pk=agency.pk).exists()
    ]


def made_from(request: DataRequest, agency: "Organisation") -> Instruction:
    """Return the instruction that a request makes for an agency."""
    elements = list(DataElement.objects.filter(request=request, source=agency))
    populations = Population.objects.filter(request=request)
    return Instruction(
        number=request.project.number,
        title=request.title,
        agency=agency.legal_name,
        agency_slug=agency.slug,
        revision=request.revision,
        approved_on=selectors.last_approved_on(request),
        summary=request.summary,
        populations=tuple(
            _people(row, agency, elements)
            for row in populations.prefetch_related("tables", "not_wanted_from")
        ),
        matching=tuple(_element(each) for each in elements if each.is_matching_identifier),
        analytical=tuple(_element(each) for each in categories.delivered(elements)),
    )


def not_wanted(project: "Project", population: str, agency: "Organisation") -> tuple[bool, list[str]]:
    """Say whether an agency is not wanted for a population, and which of its elements are not.

    A population that the latest revision does not name any more is read from the last one that did, as its
    list may be part of a match: what it did not want is left out still.
    """
    requests = list(_approved(project))
    for row in requests:
        found = Population.objects.filter(request=row, name__iexact=population).first()
        if found is not None:
            elements = list(DataElement.objects.filter(request=requests[0], source=agency))
            return _refused(found, agency, elements)
    return False, []


def _approved(project: "Project") -> Any:
    rows = DataRequest.objects.filter(project=project, status=Status.APPROVED).select_related("project")
    return rows.order_by("-revision")


def _refused(
    population: Population, agency: "Organisation", elements: list[DataElement]
) -> tuple[bool, list[str]]:
    delivered = [each.name for each in categories.delivered(elements)]
    unwanted = categories.unwanted(population, elements)
    nothing = any(each.pk == agency.pk for each in population.not_wanted_from.all())
    return nothing or (bool(delivered) and unwanted == delivered), delivered if nothing else unwanted


def _people(row: Population, agency: "Organisation", elements: list[DataElement]) -> People:
    nothing, unwanted = _refused(row, agency, elements)
    rule = Membership(row.membership).label if row.membership else ""
    return People(
        name=row.name,
        kind=str(PopulationKind(row.kind).label),
        school=row.school,
        school_code=row.school_code,
        programme_start=row.start_year,
        until=row.end_year,
        grades=row.grades,
        comparison=row.is_comparison,
        supplier=row.supplier_name,
        membership=": ".join(filter(None, (str(rule), row.membership_text))),
        tables=tuple(
            Table(
                title=table.title,
                school_year=table.school_year,
                identifier_column=table.identifier_column,
                flag_column=table.flag_column,
                later_years=table.later_years,
            )
            for table in row.tables.all()
        ),
        wanted=not nothing,
        not_wanted_categories=tuple(categories.named(row.not_wanted).values()),
        not_wanted_elements=tuple(unwanted),
    )


def _element(row: DataElement) -> Element:
    return Element(
        name=row.name,
        source_element=row.source_element,
        category=row.category,
        values=row.codes,
        qualifier=row.qualifier,
        type=str(row.get_data_type_display()),
        format=row.format,
    )
