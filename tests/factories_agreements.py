"""Agreements and papers in every state, made by the same acts that the pages use."""

import datetime as dt

from agreements import selectors, services, statements
from agreements.models import Agreement, StatementKind
from matching.engine import defaults
from p20win.accounts.public import Role, operating_group, system_user
from tests import factories
from tests import factories_requests as requests
from tests.factories import PASSWORD, START
from tests.starting_points import starting_point

ENDS_ON = dt.date(2028, 12, 31)
EMOU = (dt.date(2025, 1, 1), dt.date(2027, 12, 31))


class NoJob:
    """Stands where a worker hands its running job in: the services under test only report to it."""

    token = 1

    def progress(self, percent, message):
        """Take note of nothing."""

    def hold(self):
        """Hold nothing."""


def emou(*organisations) -> None:
    """Let these organisations be bound by the memorandum."""
    by = factories.operating_group_member()
    for organisation in organisations:
        if not selectors.emou_in_force(organisation, EMOU[0]):
            statements.record_emou(organisation, starts_on=EMOU[0], ends_on=EMOU[1], by=by, at=START)


@starting_point(requests.FIELDS)
def drawn_up(request=None, *, at=START) -> Agreement:
    """Return a draft whose document is made."""
    request = request or requests.approved()
    emou(*requests.agencies_of(request), factories.hub(), operating_group())
    by = factories.operating_group_member()
    agreement = services.draw_up(request.project, ends_on=ENDS_ON, by=by, at=at)
    return services.make_document(agreement, NoJob(), by=system_user(), at=at)


@starting_point(requests.FIELDS)
def out_for_signature(request=None, *, at=START) -> Agreement:
    """Return an agreement that waits for its signatures."""
    return services.issue(drawn_up(request, at=at), by=factories.operating_group_member(), at=at)


def signatory(party):
    """Return someone who may bind this party."""
    return factories.person(Role.SIGNATORY, at=party.organisation)


def sign(agreement, party, *, by=None, at=START, **changes) -> Agreement:
    """Sign for one party."""
    by = by or signatory(party)
    arguments = {"typed_name": by.name, "password": PASSWORD, "affirms_authority": True} | changes
    return services.sign_agreement(agreement, by=by, at=at, **arguments)


@starting_point(requests.FIELDS)
def in_force(request=None, *, at=START) -> Agreement:
    """Return an agreement that every party signed."""
    agreement = out_for_signature(request, at=at)
    for party in selectors.waiting_parties(agreement):
        agreement = sign(agreement, party, at=at)
    return agreement


def confidential(person, project, *, at=START):
    """Let a person sign Exhibit C for a project."""
    return statements.sign_statement(
        StatementKind.CONFIDENTIALITY,
        person=person,
        project=project,
        typed_name=person.name,
        password=PASSWORD,
        at=at,
    )


def acknowledged(person, *, at=START):
    """Let a person sign Exhibit B."""
    return statements.sign_statement(
        StatementKind.ACKNOWLEDGEMENT,
        person=person,
        project=None,
        typed_name=person.name,
        password=PASSWORD,
        at=at,
    )


def method(engine=defaults.ENGINE):
    """Return an approved matching method: the one that links by default, or another."""
    return statements.record_method(
        engine,
        version=1,
        name=f"Method {engine}",
        engine=engine,
        description="Probabilistic linkage.",
        approved_on=START.date(),
        reference="Minutes, item 5",
        by=factories.operating_group_member(),
        at=START,
    )
