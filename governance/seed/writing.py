"""Writes the demo's request, section by section, by the same acts as the pages."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, Final

from fixtures import request as said
from fixtures.schools import School
from governance.seed.cast import Cast
from p20win import clock, policy
from requests_app import public as requests

if TYPE_CHECKING:
    from requests_app.models import DataRequest

ADDRESS: Final = "12 Marsh Lane\nSalt Meadow, CT 06000"
SECTIONS: Final = {
    "purpose": (
        "summary", "legal_bases", "legal_argument", "beneficiaries", "benefit", "method", "software",
        "protections", "protections_text",
    ),
    "other": ("other_information", "review_board"),
    "plans": (
        "place", "place_text", "security_plan", "dissemination_plan", "timeline", "contacts",
        "learning_agenda", "recurrence", "level", "bias_handling", "check_ins",
    ),
}  # fmt: skip
RULES: Final = {"at least one course": "any_course", "all courses finished": "all_courses"}


def write(
    cast: Cast,
    *,
    title: str,
    schools: Sequence[School],
    destroy_on: dt.date,
    at: dt.datetime,
    questions: frozenset[str] | None = None,
    without: frozenset[str] = frozenset(),
    recurrence: str = "",
) -> DataRequest:
    """Write a whole request, ready to be signed.

    `questions` asks only these, with the elements that serve them; `without` leaves sections open, as a draft
    in work has them; `recurrence` is how often the data is wanted, where it is not once.

    :raises Blocked: if something in it does not fit
    """
    by = cast.requestor
    content = said.request()
    request = requests.create_draft(title, by=by, at=at)
    requests.save_section(request, "basics", by=by, at=at, discussed=False)
    requests.save_section(request, "requestor", by=by, at=at, requestor_address=ADDRESS)
    requests.ask_agencies(request, cast.agencies, by=by, at=at)
    for section, names in SECTIONS.items():
        if section not in without:
            values = {name: content.fields[name] for name in names}
            if recurrence and "recurrence" in names:
                values["recurrence"] = recurrence
            requests.save_section(request, section, by=by, at=at, **values)
    if "purpose" not in without:
        _populations(request, cast, schools, at)
        for output in content.planned_outputs:
            requests.add_row(request, "outputs", by=by, at=at, **output)
    if "data" not in without:
        _elements(request, cast, schools, at, questions)
    if "confidentiality" not in without:
        end = content.fields["at_end"]
        requests.save_section(
            request, "confidentiality", by=by, at=at, destruction_date=destroy_on, at_end=end
        )
        requests.affirm(request, range(1, policy.CONFIDENTIALITY_STATEMENTS + 1), by=by, at=at)
    for colleague in cast.team[1:]:
        requests.name_person(request, by=by, at=at, **_colleague(colleague, cast))
    return request


def a_year_on(at: dt.datetime) -> dt.date:
    """Return a destruction date within the twelve months the form allows."""
    return clock.state_date(at) + dt.timedelta(days=330)


def _colleague(person: Any, cast: Cast) -> dict[str, Any]:
    return {
        "side": "recipient",
        "name": person.name,
        "organisation": cast.recipient.legal_name,
        "email": person.email,
        "phone": person.phone,
        "position": person.position,
        "project_role": "Analyst",
        "is_state_employee": person.is_state_employee,
    }


def _populations(request: DataRequest, cast: Cast, schools: Sequence[School], at: dt.datetime) -> None:
    by = cast.requestor
    requests.add_row(
        request,
        "populations",
        by=by,
        at=at,
        name="All students of the same schools",
        kind="cross_section",
        start_year="2015-2016",
        end_year="2020-2021",
        grades="9 to 12",
        is_comparison=True,
        categories="Student, term, graduation, employment",
    )
    for school in schools:
        not_wanted = [] if school.postsecondary else [a for a in cast.agencies if a.slug != "sde"]
        population = requests.add_row(
            request,
            "populations",
            by=by,
            at=at,
            name=f"{school.name}, manufacturing",
            kind="cohort",
            school=school.name,
            school_code=school.code,
            start_year=school.start,
            end_year="2020-2021",
            supplier_name=school.district,
            membership=RULES[school.rule],
            membership_text=school.rule,
            not_wanted_from=not_wanted,
        )
        for table in school.tables:
            requests.add_row(
                request,
                "tables",
                by=by,
                at=at,
                population=population,
                title=f"{school.code}-{table.flag.removeprefix('FLAG_')}, {school.name}",
                school_year=table.school_year,
                flag_column=table.flag,
                later_years=table.later_years_from or "",
            )


def _elements(
    request: DataRequest,
    cast: Cast,
    schools: Sequence[School],
    at: dt.datetime,
    only: frozenset[str] | None,
) -> None:
    by = cast.requestor
    content = said.request()
    agencies = {agency.slug: agency for agency in cast.agencies}
    flags = {table.flag for school in schools for table in school.tables}
    elements = [e for e in content.elements if (e.agency in agencies if e.agency else e.name in flags)]
    if only is not None:
        elements = [e for e in elements if e.matching or only & set(e.questions)]
    wanted = {code for element in elements for code in element.questions if only is None or code in only}
    questions: dict[str, Any] = {}
    for question in content.questions:
        if question["code"] in wanted:
            parent = question.get("parent", "")
            questions[question["code"]] = requests.add_row(
                request,
                "questions",
                by=by,
                at=at,
                code=question["code"],
                parent=questions.get(parent),
                text=question["text"],
            )
    for element in elements:
        requests.add_row(
            request,
            "elements",
            by=by,
            at=at,
            name=element.name,
            source=agencies.get(element.agency),
            source_element=element.source,
            is_matching_identifier=element.matching,
            is_uc=element.uc,
            codes=element.codes,
            questions=[questions[code] for code in element.questions if code in questions],
            explanation=element.explanation,
            data_type=element.data_type,
            format=element.format,
        )
