"""What a request still lacks, and where its sections contradict each other (O-16 to O-27, O-126, O-127)."""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any, Final

from p20win import clock, policy
from requests_app import categories, content, outline, texts
from requests_app.models import DataElement, DataRequest
from requests_app.vocabulary import Beneficiary, LegalBasis, Scope, Side

PREFILLED: Final = {"title", "requestor_position", "requestor_phone"}
SHOWN: Final = 8  # names in one sentence; the rest are counted


@dataclass(frozen=True)
class Problem:
    """One thing to mend. With a key it is a contradiction that may stay if a reason is written."""

    message: str
    section: str
    anchor: str  # the field or list where it is mended
    key: str = ""


@dataclass
class Form:
    """A request with its rows, each list read once."""

    request: DataRequest
    reasons: set[str] = field(init=False)

    def __post_init__(self) -> None:
        """Read which contradictions have a reason."""
        self.reasons = set(self.request.contradiction_reasons.values_list("key", flat=True))

    @cached_property
    def agencies(self) -> dict[Any, Any]:
        """Return the agencies asked, by id."""
        rows = self.request.requested_agencies.select_related("agency")
        return {row.agency_id: row.agency for row in rows}

    @cached_property
    def elements(self) -> list[DataElement]:
        """Return the elements with their questions."""
        return list(self.request.elements.select_related("source").prefetch_related("questions"))

    @cached_property
    def questions(self) -> list[Any]:
        """Return the research questions."""
        return list(self.request.questions.all())

    @cached_property
    def people(self) -> list[Any]:
        """Return those on the user list."""
        return list(self.request.people.filter(removed_at__isnull=True))


def problems(request: DataRequest) -> list[Problem]:
    """Return what must be mended, or given a reason for, before the request can be submitted."""
    form = Form(request)
    found = [problem for rule in RULES for problem in rule(form)]
    order = list(outline.BY_SLUG)
    return sorted(
        (problem for problem in found if problem.key not in form.reasons),
        key=lambda problem: order.index(problem.section),
    )


def contradictions(request: DataRequest) -> list[Problem]:
    """Return the contradictions between sections, those with a reason included."""
    form = Form(request)
    return [problem for rule in RULES for problem in rule(form) if problem.key]


def started(request: DataRequest, section: outline.Section) -> bool:
    """Say whether anything was entered in a section."""
    own = [name for _, name in section.fields if name not in PREFILLED]
    if any(getattr(request, name) not in (None, "", []) for name in own):
        return True
    if section.slug == "basics":
        return request.requested_agencies.exists()
    if section.slug == "confidentiality":
        return request.affirmations.exists()
    return any(_related(request, rows).exists() for rows in section.rows)


def _related(request: DataRequest, rows: str) -> Any:
    if rows == "people":
        return request.people.filter(is_requestor=False, removed_at__isnull=True)
    return getattr(request, "identifier_tables" if rows == "tables" else rows)


# ------------------------------------------------------------------ the rules


def needed_fields(form: Form) -> Iterator[Problem]:
    """Every field that the form cannot do without is filled in."""
    for section in outline.SECTIONS:
        for number, name in section.fields:
            if name in section.needed and getattr(form.request, name) in (None, "", []):
                title = f"{content.label(name)} ({number})" if number else content.label(name)
                yield Problem(f"Fill in “{title}”.", section.slug, name)


def needed_rows(form: Form) -> Iterator[Problem]:
    """Lists that need an entry have one."""
    for rows, words in (
        ("populations", "Add at least one population (3.a)."),
        ("outputs", "Add at least one planned document (3.e)."),
        ("questions", "Add at least one research question (3.b)."),
        ("elements", "Add the data elements you need (attachment)."),
    ):
        if not _related(form.request, rows).exists():
            yield Problem(words, outline.SECTION_OF_ROWS[rows], rows)


def enough_agencies(form: Form) -> Iterator[Problem]:
    """Data of two or more agencies is asked for (O-17)."""
    if len(form.agencies) >= policy.MIN_AGENCIES:
        return
    names = "".join(agency.short_name for agency in form.agencies.values())
    yield Problem(
        f"Only {names} is ticked: ask {names} directly, as this process is for two agencies or more."
        if names
        else "Tick the agencies whose data you ask for (1.e), two at least.",
        "basics",
        "agencies",
    )


def discussed_names_somebody(form: Form) -> Iterator[Problem]:
    """Talks with the agencies name with whom."""
    if form.request.discussed and not form.request.discussions.exists():
        yield Problem("Name the people of the agencies you talked to (1.f).", "basics", "discussions")


def serves_the_state(form: Form) -> Iterator[Problem]:
    """The work serves an education authority or the State, not only bodies that are not the State (O-19)."""
    if set(form.request.beneficiaries) == {Beneficiary.NOT_STATE}:
        yield Problem(
            "The work must serve an education authority or the State, not only agencies that are no state"
            " bodies (3.c).",
            "purpose",
            "beneficiaries",
        )


def law_covers_uc(form: Form) -> Iterator[Problem]:
    """Unemployment-compensation records are asked for under their own law (O-18)."""
    if any(row.is_uc for row in form.elements) and LegalBasis.UC not in form.request.legal_bases:
        yield Problem(
            "You ask for unemployment-compensation records: tick their rules as a legal basis (3.b).",
            "purpose",
            "legal_bases",
        )


def protections_in_combination(form: Form) -> Iterator[Problem]:
    """Two methods against re-identification, or a reason for one (O-25)."""
    if len(form.request.protections) == 1 and not form.request.protections_text:
        yield Problem(
            "Choose two or more methods against re-identification, or say why one is enough (3.f).",
            "purpose",
            "protections",
        )


def destruction_lies_ahead(form: Form) -> Iterator[Problem]:
    """The destruction date is still to come (O-26)."""
    date = form.request.destruction_date
    if date and date <= clock.state_date(clock.now()):
        yield Problem("The destruction date (4.a) must lie ahead.", "confidentiality", "destruction_date")


def all_affirmed(form: Form) -> Iterator[Problem]:
    """Each of the twelve statements is affirmed, in the text that holds now (O-27)."""
    version = texts.CURRENT["confidentiality"]
    done = set(form.request.affirmations.filter(text_version=version).values_list("number", flat=True))
    missing = set(range(1, policy.CONFIDENTIALITY_STATEMENTS + 1)) - done
    if missing:
        yield Problem(
            f"Affirm the statements of 4.b: {len(missing)} of {policy.CONFIDENTIALITY_STATEMENTS} are open.",
            "confidentiality",
            "affirmations",
        )


def elements_cite_and_serve(form: Form) -> Iterator[Problem]:
    """Every element but a matching identifier cites a question and says how it serves it (O-20)."""
    delivered = [row for row in form.elements if not row.is_matching_identifier]
    if silent := [row.name for row in delivered if not row.questions.all()]:
        yield Problem(f"These elements cite no research question: {_names(silent)}.", "data", "elements")
    if mute := [row.name for row in delivered if not row.explanation.strip()]:
        yield Problem(
            f"These elements do not say how they serve a question: {_names(mute)}.", "data", "elements"
        )


def questions_have_elements(form: Form) -> Iterator[Problem]:
    """Every question, or a part of it, is served by an element (O-127)."""
    served = {question.pk for row in form.elements for question in row.questions.all()}
    parents = {question.pk: question.parent_id for question in form.questions}
    for pk in list(served):
        while parent := parents.get(pk):
            served.add(parent)
            pk = parent
    for question in form.questions:
        if question.pk not in served:
            yield Problem(
                f"No data element serves {question.code}.",
                "data",
                "elements",
                f"question-without-element:{question.code}",
            )


def agencies_match_elements(form: Form) -> Iterator[Problem]:
    """Agencies ticked and sources of elements are the same (O-127)."""
    sources = {row.source_id: row.source for row in form.elements if row.source_id}
    for pk, agency in form.agencies.items():
        if pk not in sources and form.elements:
            yield Problem(
                f"{agency.short_name} is ticked in 1.e, but no data element comes from it.",
                "data",
                "elements",
                f"agency-without-element:{agency.slug}",
            )
    for pk, agency in sources.items():
        if agency and pk not in form.agencies:
            yield Problem(
                f"Data elements come from {agency.short_name}, which 1.e does not tick.",
                "basics",
                "agencies",
            )


def flags_are_elements(form: Form) -> Iterator[Problem]:
    """Each flag column of the suppliers is a data element, and the reverse (O-126, O-178)."""
    listed = {_folded(row.name): row.name for row in form.elements if row.source_id is None}
    tables = form.request.identifier_tables.values_list("flag_column", "identifier_column")
    flags = {_folded(flag): flag for flag, _ in tables}
    columns = {*flags, *(_folded(identifier) for _, identifier in tables)}
    if missing := sorted(flags[key] for key in flags if key not in listed):
        yield Problem(
            f"These flag columns are not listed as data elements of the suppliers: {_names(missing)}.",
            "data",
            "elements",
        )
    if extra := sorted(listed[key] for key in listed if key not in columns):
        yield Problem(
            f"No supplier’s file holds these elements: {_names(extra)}.",
            "data",
            "elements",
            f"supplier-element-without-table:{_folded(extra[0])}",
        )


def unwanted_categories_are_named(form: Form) -> Iterator[Problem]:
    """What a population does not want is the category of an element: else it cannot be left out (O-125)."""
    for population in form.request.populations.exclude(not_wanted=""):
        if lost := categories.unknown(population, form.elements):
            yield Problem(
                f"“{population.name}” does not want {_names([f'“{each}”' for each in lost])}, and no data"
                " element is of that category. Give the elements their category, or tick the agency instead.",
                "purpose",
                "populations",
            )


def matching_support_may_see_uc(form: Form) -> Iterator[Problem]:
    """Only state employees support the matching of unemployment-compensation records (O-09)."""
    if not any(row.is_uc for row in form.elements):
        return
    for person in form.people:
        if person.side == Side.AGENCY and person.scope == Scope.MATCHING and not person.is_state_employee:
            yield Problem(
                f"{person.name} is no state employee or official and cannot support the matching of"
                " unemployment-compensation records.",
                "requestor",
                "people",
            )


RULES: Final[tuple[Callable[[Form], Iterable[Problem]], ...]] = (
    needed_fields,
    enough_agencies,
    discussed_names_somebody,
    matching_support_may_see_uc,
    serves_the_state,
    law_covers_uc,
    protections_in_combination,
    needed_rows,
    elements_cite_and_serve,
    questions_have_elements,
    agencies_match_elements,
    flags_are_elements,
    unwanted_categories_are_named,
    destruction_lies_ahead,
    all_affirmed,
)


def _names(names: list[str]) -> str:
    more = len(names) - SHOWN
    return ", ".join(names[:SHOWN]) + (f" and {more} more" if more > 0 else "")


def _folded(column: str) -> str:
    return column.replace("_", "").replace(" ", "").casefold()
