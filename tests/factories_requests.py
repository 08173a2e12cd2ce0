"""Requests in every state, made by the same acts that the pages use."""

import datetime as dt

from p20win import policy
from p20win.accounts.public import Role
from requests_app.models import DataRequest
from requests_app.services import drafting, people, review, rows
from requests_app.vocabulary import Outcome, Side
from tests import factories
from tests.factories import PASSWORD, START
from tests.starting_points import starting_point

FIELDS = {
    "basics": {"discussed": False},
    "requestor": {
        "requestor_position": "Principal investigator",
        "requestor_address": "1 Invented Road",
        "requestor_phone": "+1 860 555 0100",
    },
    "purpose": {
        "summary": "All pupils of grade 12 in 2020-21.",
        "legal_bases": ["ferpa_audit"],
        "legal_argument": "It evaluates a programme of the State.",
        "beneficiaries": ["state"],
        "benefit": "The State learns what works.",
        "method": "Counts and regression.",
        "protections": ["cell_suppression", "rounding"],
    },
    "confidentiality": {"destruction_date": dt.date(2028, 6, 30), "at_end": "destroy"},
    "other": {"review_board": "not_needed"},
    "plans": {
        "place": "desktop",
        "place_text": "A locked room.",
        "security_plan": "All families are met.",
        "dissemination_plan": "A report.",
        "timeline": "Six months.",
        "contacts": "The stewards.",
        "recurrence": "once",
        "level": "unit",
    },
}


def requestor(**fields):
    """Return someone who may ask, of an organisation that is no agency."""
    return factories.person(Role.REQUESTOR, **fields)


def board_member(agency):
    """Return the person who decides for an agency."""
    return factories.person(Role.BOARD_MEMBER, at=agency)


def draft(by=None, **fields) -> DataRequest:
    """Return a request with nothing but a title."""
    factories.hub()
    factories.operating_group()
    by = by or requestor()
    return drafting.create_draft(fields.pop("title", "A request"), by=by, at=START)


@starting_point(FIELDS)
def complete(*agencies, by=None, elements=None) -> DataRequest:
    """Return a draft that lacks nothing: one question, one identifier and one element of each agency."""
    row = draft(by=by)
    by = row.requestor
    agencies = agencies or (factories.organisation(), factories.organisation())
    for section, values in FIELDS.items():
        row = drafting.save_section(row, section, by=by, at=START, **values)
    drafting.ask_agencies(row, agencies, by=by, at=START)
    question = rows.add(row, "questions", by=by, at=START, code="RQ0", text="Who takes part?")
    for agency in agencies:
        rows.add(
            row,
            "elements",
            by=by,
            at=START,
            name="Identifier",
            source=agency,
            source_element="Id",
            is_matching_identifier=True,
        )
        rows.add(
            row,
            "elements",
            by=by,
            at=START,
            name="Outcome",
            source=agency,
            source_element="Out",
            explanation="It is the outcome.",
            questions=[question],
        )
    rows.add(row, "populations", by=by, at=START, name="Everyone", kind="cross_section")
    rows.add(row, "outputs", by=by, at=START, document="Report", audience="The public", measures="Shares")
    drafting.affirm(row, range(1, policy.CONFIDENTIALITY_STATEMENTS + 1), by=by, at=START)
    return row


def sign_and_submit(row, at=START, password=PASSWORD):
    """Submit a request, signed by its requestor."""
    name = row.requestor.name
    return review.submit(
        row,
        by=row.requestor,
        at=at,
        password=password,
        name_under_statements=name,
        name_under_certification=name,
    )


@starting_point(FIELDS)
def submitted(*agencies, **fields) -> DataRequest:
    """Return a request in its completeness check."""
    return sign_and_submit(complete(*agencies, **fields))


@starting_point(FIELDS)
def with_agencies(*agencies, **fields) -> DataRequest:
    """Return a request that waits for the agencies' decisions."""
    return review.send_to_agencies(
        submitted(*agencies, **fields), by=factories.operating_group_member(), at=START
    )


def agencies_of(row):
    """Return the agencies asked, by name."""
    return [each.agency for each in row.requested_agencies.order_by("agency__short_name")]


def decide(row, agency, outcome=Outcome.APPROVAL, by=None, at=START, **said):
    """Decide for an agency."""
    by = by or board_member(agency)
    said = {"data_available": outcome == Outcome.APPROVAL} | said
    if outcome == Outcome.CONDITIONAL:
        said.setdefault("conditions", "Say more about the method.")
    if outcome == Outcome.DISAPPROVAL:
        said.setdefault("reasons", "Not compatible with our law.")
    return review.decide(row, outcome=outcome, by=by, at=at, typed_name=by.name, password=PASSWORD, **said)


@starting_point(FIELDS)
def approved(*agencies, at=START, **fields) -> DataRequest:
    """Return a request that every agency approved."""
    row = with_agencies(*agencies, **fields)
    for agency in agencies_of(row):
        decide(row, agency, at=at)
    row.refresh_from_db()
    return row


def named(row, user=None, side=Side.RECIPIENT, **fields):
    """Return a person put on the user list."""
    user = user or factories.person(at=row.recipient)
    values = {
        "name": user.name,
        "email": user.email,
        "organisation": str(user.organisation),
        "project_role": "Analyst",
        "is_state_employee": user.is_state_employee,
    }
    return people.name(row, by=row.requestor, at=START, side=side, **values | fields)


def approve_person(person, at=START):
    """Let every agency approve a named person."""
    for agency in agencies_of(person.request):
        people.approve([person], agency=agency, by=factories.steward(agency), at=at)
    return person
