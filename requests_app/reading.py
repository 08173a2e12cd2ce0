"""A request as pages show it: where it stands, the state of each section, and all it says."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from django.db import models
from django.urls import reverse

from p20win.templatetags.p20 import statedate
from requests_app import checks, completeness, content, outline
from requests_app.models import DataRequest
from requests_app.vocabulary import DataType, Membership, PopulationKind, Side, Status

SHORT_TABLE = 60  # rows of a list shown on a reading page; the rest on a page of its own


@dataclass(frozen=True)
class Task:
    """One section in the task list."""

    section: outline.Section
    status: str
    label: str
    problems: int


@dataclass(frozen=True)
class ReadSection:
    """One section with its answers and lists."""

    section: outline.Section
    answers: list[dict[str, Any]]
    tables: list["ReadTable"] = field(default_factory=list)


@dataclass(frozen=True)
class ReadTable:
    """One list: its title, headings and rows."""

    title: str
    kind: str
    headings: list[str]
    rows: list[tuple[str, list[str]]]
    more: int = 0


def standing(row: DataRequest) -> str:
    """Say in one sentence where a request stands and who holds it."""
    if row.status == Status.WITH_AGENCIES:
        waiting = checks.undecided(row)
        return f"Waiting for the decision of {', '.join(waiting)}."
    return {
        Status.DRAFT: f"{row.requestor.name} is writing it; nobody else sees it yet.",
        Status.SUBMITTED: "The operating group checks whether it is complete.",
        Status.RETURNED: f"Sent back: {row.requestor.name} changes what the comments ask for.",
        Status.CONDITIONAL: f"The agencies need more: {row.requestor.name} adds it and submits again.",
        Status.APPROVED: "Every agency approved. The agreement can be drawn up.",
        Status.DISAPPROVED: "Too few agencies approved. It has ended here; the reasons are below.",
        Status.WITHDRAWN: "The requestor took it back.",
    }[Status(row.status)]


def tasks(row: DataRequest, problems: Sequence[completeness.Problem]) -> list[Task]:
    """Return the sections with the state of each."""
    found = []
    for section in outline.SECTIONS:
        open_problems = sum(problem.section == section.slug for problem in problems)
        if not open_problems:
            status, label = "complete", "Complete"
        elif completeness.started(row, section):
            status, label = "in_progress", f"In progress: {open_problems} to mend"
        else:
            status, label = "not_started", "Not started"
        found.append(Task(section, status, label, open_problems))
    return found


def problem_url(row: DataRequest, problem: completeness.Problem) -> str:
    """Return the place where a problem is mended."""
    if problem.anchor in outline.ROW_TITLES:
        return reverse("requests_app:rows", args=[row.pk, problem.anchor])
    page = reverse("requests_app:section", args=[row.pk, problem.section])
    several = problem.anchor in {"agencies", "affirmations", "legal_bases", "beneficiaries", "protections"}
    return f"{page}#id_{problem.anchor}{'_0' if several else ''}"


def read_sections(said: Mapping[str, Any]) -> list[ReadSection]:
    """Return all that a request says, section by section."""
    return [_read_section(section, said) for section in outline.SECTIONS]


def _read_section(section: outline.Section, said: Mapping[str, Any]) -> ReadSection:
    answers = [
        {"label": content.label(name) + (f" ({number})" if number else ""), "value": _shown(name, said[name])}
        for number, name in section.fields
        if said[name] not in ("", None, []) or name in section.needed
    ]
    if section.slug == "basics":
        answers.insert(1, {"label": "Agencies (1.e)", "value": "\n".join(said["agencies"].values())})
    if section.slug == "requestor":
        answers.insert(0, {"label": "Requestor (2.a)", "value": f"{said['requestor']}, {said['recipient']}"})
    if section.slug == "confidentiality":
        answers.append({"label": "Statements affirmed (4.b)", "value": f"{len(said['affirmations'])} of 12"})
    return ReadSection(section, answers, [_table(rows, said[rows]) for rows in section.rows])


def _shown(name: str, value: Any) -> str:
    column: Any = DataRequest._meta.get_field(name)
    if isinstance(value, bool):
        return "Yes" if value else "No"
    if isinstance(column, models.DateField) and value:
        return statedate(value)
    if isinstance(value, list):
        labels = dict(column.base_field.choices)
        return "\n".join(str(labels.get(each, each)) for each in value)
    if column.choices:
        return str(dict(column.choices).get(value, value or ""))
    return "" if value is None else str(value)


_COLUMNS = {
    "discussions": (),
    "people": ("name", "organisation", "project_role", "side", "is_state_employee"),
    "populations": (
        *(
            "kind",
            "school",
            "start_year",
            "end_year",
            "grades",
            "supplier_name",
            "membership",
            "membership_text",
        ),
        *("not_wanted_from", "not_wanted"),
    ),
    "tables": ("school_year", "identifier_column", "flag_column", "later_years"),
    "outputs": ("audience", "measures"),
    "questions": ("text", "part_of"),
    "elements": (
        "source_element",
        "is_matching_identifier",
        "category",
        "data_type",
        "questions",
        "explanation",
    ),
}


_CHOICES: Mapping[tuple[str, str], Mapping[Any, Any]] = {
    ("people", "side"): dict(Side.choices),
    ("populations", "kind"): dict(PopulationKind.choices),
    ("populations", "membership"): dict(Membership.choices),
    ("elements", "data_type"): dict(DataType.choices),
}


def _table(kind: str, rows: Mapping[str, Mapping[str, Any]]) -> ReadTable:
    columns = _COLUMNS[kind]
    shown = [
        (key, [_cell(row.get(column), _CHOICES.get((kind, column), {})) for column in columns])
        for key, row in list(rows.items())[:SHORT_TABLE]
    ]
    headings = [column.removeprefix("is_").replace("_", " ").capitalize() for column in columns]
    return ReadTable(outline.ROW_TITLES[kind], kind, headings, shown, max(0, len(rows) - SHORT_TABLE))


def _cell(value: Any, labels: Mapping[Any, Any]) -> str:
    if isinstance(value, bool):
        return "Yes" if value else "No"
    if isinstance(value, list):
        return ", ".join(str(each) for each in value)
    return "" if value is None else str(labels.get(value, value))
