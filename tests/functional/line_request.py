"""The line's beginning: the request is written, signed, checked, decided on, and its people are approved."""

from __future__ import annotations

import csv
import datetime as dt
import io
import re
from typing import Any

from fixtures import request as demo
from fixtures.schools import SCHOOLS
from governance.seed.directory import DEMO_PASSWORD
from governance.seed.writing import ADDRESS, RULES, SECTIONS
from tests.functional.visitor import Visitor

TITLE = "Machining at a regional high school: who goes on to college and work"
QUESTIONS = ("RQ1", "RQ2", "RQ3", "RQ4")
SCHOOL = next(school for school in SCHOOLS if school.name.startswith("Three Rivers"))
AGENCY_NAMES = {"sde": "SDE", "cscu": "CSCU", "dol": "DOL"}
LEGAL_NAMES = {
    "sde": "Connecticut State Department of Education",
    "cscu": "Connecticut State Colleges and Universities",
    "dol": "Connecticut Department of Labor",
}
HEADERS = {
    "name": "Data element name",
    "agency": "Source agency",
    "source": "Source data element",
    "matching": "Matching identifier",
    "codes": "Code set values to include",
    "questions": "Related questions",
    "explanation": "How it serves the question",
    "data_type": "Data type",
    "format": "Format",
    "uc": "Unemployment compensation record",
}
CONTENT = demo.request()


def writes_the_request(requestor: Visitor, colleague: Any) -> str:
    """Fill in every section in the browser, leaving it a draft in between; return the request's address."""
    requestor.follows("Requests", within="nav")
    requestor.follows("Begin a request")
    requestor.writes({"title": TITLE})
    requestor.presses("Begin")
    home = requestor.page.url
    requestor.sees("Draft")
    _basics(requestor)
    _people(requestor, home, colleague)
    _purpose(requestor, home)
    _questions(requestor, home)
    requestor.goes(home)
    requestor.sees("Draft", re.compile(r"\d of 7 parts complete"))
    _checks_what_is_missing(requestor, home)
    _elements(requestor, home)
    _rest(requestor, home)
    return home


def _section(requestor: Visitor, home: str, link: str, values: dict[str, Any]) -> None:
    requestor.goes(home)
    requestor.follows(re.compile(link))
    requestor.writes(values)


def _basics(requestor: Visitor) -> None:
    requestor.follows(re.compile("Basic information"))
    requestor.writes({"title": TITLE, "discussed": "no"})
    requestor.ticks(*LEGAL_NAMES.values())
    requestor.presses("Save")


def _rows(requestor: Visitor, title: str, rows: list[dict[str, Any]]) -> None:
    """Add rows to a list of the section one is on, one after the other, and come back."""
    section = requestor.page.url
    requestor.follows(re.compile("^" + re.escape(title)))
    requestor.follows(re.compile("^Add "))
    for place, row in enumerate(rows, start=1):
        requestor.writes(row)
        requestor.presses("Save" if place == len(rows) else "Save and add another")
    requestor.goes(section)


def _people(requestor: Visitor, home: str, colleague: Any) -> None:
    _section(requestor, home, "Requestor and people", {"requestor_address": ADDRESS})
    requestor.presses("Save")
    person = {
        "side": "recipient",
        "name": colleague.name,
        "organisation": "Salt Meadow State Institute for Learning and Work",
        "email": colleague.email,
        "phone": colleague.phone,
        "position": colleague.position,
        "project_role": "Analyst",
        "is_state_employee": colleague.is_state_employee,
    }
    _rows(requestor, "People who would work with the data", [person])


def _purpose(requestor: Visitor, home: str) -> None:
    values = {name: CONTENT.fields[name] for name in SECTIONS["purpose"]}
    _section(requestor, home, "Purpose and scope", values)
    requestor.presses("Save")
    everyone = {
        "name": "All students of the same school",
        "kind": "cross_section",
        "start_year": "2015-2016",
        "end_year": "2020-2021",
        "grades": "9 to 12",
        "is_comparison": True,
        "categories": "Student, term, graduation, employment",
    }
    members = {
        "name": f"{SCHOOL.name}, manufacturing",
        "kind": "cohort",
        "school": SCHOOL.name,
        "school_code": SCHOOL.code,
        "start_year": SCHOOL.start,
        "end_year": "2020-2021",
        "supplier_name": SCHOOL.district,
        "membership": RULES[SCHOOL.rule],
        "membership_text": SCHOOL.rule,
    }
    _rows(requestor, "Populations", [everyone, members])
    requestor.follows(re.compile("^Files of identifiers"))
    requestor.follows(re.compile("^Add "))
    choose = requestor.page.locator("select[name=population] option", has_text="manufacturing")
    population = choose.get_attribute("value")
    section = requestor.page.url
    for table in SCHOOL.tables:
        requestor.goes(section)
        row = {
            "population": population,
            "title": f"{SCHOOL.code}-{table.flag.removeprefix('FLAG_')}, {SCHOOL.name}",
            "school_year": table.school_year,
            "flag_column": table.flag,
            "later_years": table.later_years_from or "",
        }
        requestor.writes(row)
        requestor.presses("Save")
    requestor.goes(home)
    requestor.follows(re.compile("Purpose and scope"))
    _rows(requestor, "Planned documents", list(CONTENT.planned_outputs))


def _questions(requestor: Visitor, home: str) -> None:
    requestor.goes(home)
    requestor.follows(re.compile("Questions and data elements"))
    asked = [row for row in CONTENT.questions if row["code"] in QUESTIONS]
    _rows(requestor, "Research questions", [{"code": row["code"], "text": row["text"]} for row in asked])


def _checks_what_is_missing(requestor: Visitor, home: str) -> None:
    """Ask for the check too early: it names what is missing, and leads there."""
    requestor.goes(home)
    requestor.follows("Check answers and submit")
    requestor.sees(re.compile(r"\d+ things to mend"), "Add the data elements you need (attachment).")
    requestor.examines("check-answers-early")
    requestor.follows("Add the data elements you need (attachment).")
    requestor.sees("Data elements (attachment)")


def _sheet(flags: set[str], *, without: str = "") -> bytes:
    """Return the spreadsheet of elements as a researcher has it; one word of it may be wrong."""
    text = io.StringIO()
    sheet = csv.writer(text)
    sheet.writerow(HEADERS.values())
    for element in CONTENT.elements:
        questions = [code for code in element.questions if code in QUESTIONS]
        if element.agency not in AGENCY_NAMES and element.name not in flags:
            continue
        if not element.matching and not questions:
            continue
        row: dict[str, Any] = {name: getattr(element, name) for name in HEADERS}
        row["agency"] = AGENCY_NAMES.get(element.agency, "suppliers")
        row["questions"] = ", ".join(questions)
        row["matching"], row["uc"] = ("yes" if row[name] else "" for name in ("matching", "uc"))
        if element.name == without:
            row["agency"] = "Nobody knows"
        sheet.writerow(row.values())
    return text.getvalue().encode()


def _elements(requestor: Visitor, home: str) -> None:
    """Import the elements; a sheet with a wrong cell imports nothing and says which cell."""
    flags = {table.flag for table in SCHOOL.tables}
    requestor.goes(home)
    requestor.follows(re.compile("Questions and data elements"))
    requestor.follows(re.compile("^Data elements"))
    requestor.follows("Import a spreadsheet")
    for without in ("OverallGPA", ""):
        file = {"name": "elements.csv", "mimeType": "text/csv", "buffer": _sheet(flags, without=without)}
        requestor.page.locator("input[type=file]").set_input_files(file)
        requestor.presses("Import")
        if without:
            requestor.sees("Nothing was imported", "Nobody knows")
            requestor.examines("import-refused")
    requestor.sees(re.compile(r"^\d\d listed\.$"))
    requestor.examines("elements")


def _rest(requestor: Visitor, home: str) -> None:
    destroyed = requestor.today + dt.timedelta(days=330)
    _section(requestor, home, "Confidentiality", {"destruction_date": destroyed, "at_end": "destroy"})
    requestor.ticks(*requestor.page.locator("[name=affirmations]").all())
    requestor.presses("Save")
    for section, link in (("other", "Anything else"), ("plans", "Security, dissemination")):
        _section(requestor, home, link, {name: CONTENT.fields[name] for name in SECTIONS[section]})
        requestor.examines(f"section-{section}")
        requestor.presses("Save")
    requestor.goes(home)
    requestor.sees("7 of 7 parts complete")
    requestor.examines("request-parts")


def signs_and_submits(requestor: Visitor, home: str) -> str:
    """Check, sign twice, submit; a wrong name is refused first. Return the number."""
    requestor.goes(home)
    requestor.follows("Check answers and submit")
    requestor.sees("Nothing is missing.")
    requestor.follows("Go on to sign and submit")
    requestor.writes(
        {
            "name_under_statements": requestor.name,
            "name_under_certification": "Somebody Else",
            "password": DEMO_PASSWORD,
        }
    )
    requestor.presses("Sign and submit")
    requestor.sees(re.compile("name", re.I))
    requestor.examines("submit-refused")
    requestor.writes(
        {
            "name_under_statements": requestor.name,
            "name_under_certification": requestor.name,
            "password": DEMO_PASSWORD,
        }
    )
    requestor.presses("Sign and submit")
    requestor.sees(re.compile(r"Submitted as DR-\d{4}\."), "Completeness check")
    found = re.search(r"DR-\d{4}", requestor.page.content())
    assert found
    requestor.examines("request-submitted")
    return found.group()


def finds_complete(coordinator: Visitor, home: str) -> None:
    """The operating group checks and sends it to the agencies, from what waits for it at home."""
    coordinator.goes("/")
    coordinator.goes(home)
    coordinator.follows("Completeness check")
    coordinator.sees("Every part is filled in")
    coordinator.examines("completeness")
    coordinator.presses("Complete: send to the agencies")
    coordinator.sees("With the agencies")


def decides(member: Visitor, home: str, *, first: bool) -> None:
    """An agency's board member approves, signed."""
    member.goes("/")
    member.goes(home)
    member.follows("Decide")
    if first:
        member.examines("decide")
    member.signs(DEMO_PASSWORD, outcome="approval", data_available=True)
    member.presses("Sign the decision")
    if first:
        member.sees("With the agencies")


def approves_people(member: Visitor, home: str, people: list[str], *, first: bool) -> None:
    """An agency approves everyone on the user list."""
    member.goes(home)
    member.follows("Approve people")
    member.ticks(*(re.compile(f"^{re.escape(name)}") for name in people))
    if first:
        member.examines("approve-people")
    member.presses("Approve those ticked")
    member.sees("You have decided on everyone listed.")
