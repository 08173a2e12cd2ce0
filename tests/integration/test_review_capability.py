"""A pair under review is opened once, at the vault's own socket, by its reader; other tries are on record."""

import hashlib
import json

import pytest

from matching import standing
from matching.models import Look
from matching.services import reviewing
from p20win import clock
from p20win.audit.public import events_of
from p20win.custody import public as custody
from p20win.custody import vault_server
from p20win.custody.models import CAPABILITY_LIFE, Capability
from p20win.processes import wait_until
from p20win.refusal import Blocked
from tests import factories_custody as files
from tests import factories_matching as matches
from tests.factories import START

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.usefixtures("at_start", "served")]


@pytest.fixture
def served(vault, settings):
    """Serve at the vault's real socket."""
    server = vault_server.VaultServer(settings.P20WIN_VAULT_SOCKET)
    thread = server.start()
    yield
    server.stop()
    thread.join()


@pytest.fixture
def sample():
    return standing.latest_result(matches.linked()).sample


def reader_of(sample):
    """Return someone who may review, and the session in which they are signed in."""
    person = matches.hub_member(sample.run.match.project)
    return person, files.session_of(person)


def asked_for(sample, number, person):
    """Let a person ask for a look at a pair; return the token, the look and its capability."""
    token = reviewing.look(sample, number, revealed=True, by=person, at=START)
    look = Look.objects.get(sample=sample, person=person, pair=number)
    return token, look, Capability.objects.get(subject_id=str(look.pk))


def opened(token, session):
    """Return what the vault gives for a token, as the page of this session would show it."""
    return json.loads(b"".join(files.relayed(token, session)))


def as_sealed(sample, number):
    """Return what the two records of a pair say, read without the socket."""
    return json.loads(b"".join(reviewing.give(Look(sample=sample, pair=number, revealed=True), None)))


def tries(granted):
    """Return what the ledger tells of a capability after it was issued; refusals with their reason."""
    lines = list(events_of(granted))[1:]
    return sorted((line.event.removeprefix("capability."), line.details.get("why", "")) for line in lines)


def becomes(granted, expected):
    """Wait until the ledger tells this: how a look ended is noted after the last byte."""
    return wait_until(lambda: tries(granted) == sorted(expected), 5)


@pytest.mark.obligation("O-69", "O-58")
def test_a_look_is_given_once_and_shown_again_its_token_opens_nothing(sample):
    person, session = reader_of(sample)
    _, other_session = reader_of(sample)
    token, look, granted = asked_for(sample, 0, person)
    records = as_sealed(sample, 0)
    assert records != as_sealed(sample, 1)

    assert opened(token, session) == records
    for again in (session, session, other_session):
        with pytest.raises(Blocked, match="opened before"):
            files.relayed(token, again)

    refused = [("refused", "used before")] * 3
    assert becomes(granted, [("used", ""), ("served", ""), *refused]), tries(granted)
    lines = events_of(granted).filter(event="capability.refused")
    assert {(line.actor_id, line.details["act"]) for line in lines} == {(person.pk, reviewing.OPENING)}
    assert events_of(look).get().event == "review.revealed"
    other, _, _ = asked_for(sample, 1, person)  # the next pair needs a permission of its own
    assert opened(other, session) == as_sealed(sample, 1)


@pytest.mark.obligation("O-69", "O-58")
def test_nobody_opens_a_pair_by_the_token_or_the_look_of_another(sample):
    person, session = reader_of(sample)
    other, other_session = reader_of(sample)
    token, look, granted = asked_for(sample, 0, person)

    with pytest.raises(Blocked, match="not signed in"):
        files.relayed(token, other_session)
    with pytest.raises(Blocked, match="opened before"):  # and it is spent: its owner asks anew
        files.relayed(token, session)
    assert becomes(granted, [("refused", "nobody there"), ("refused", "used before")]), tries(granted)

    with pytest.raises(Blocked, match="another person's look"):
        custody.capability(other, reviewing.OPENING, look, START)
    written = _written_by_hand(other, look)
    with pytest.raises(Blocked, match="another person's look"):
        files.relayed("a-token-of-mine", other_session)
    assert becomes(written, []), tries(written)
    assert [line.details["why"] for line in events_of(written)] == ["no access"]


def _written_by_hand(person, look):
    """Write down a permission that nobody issued, as a broken-in web process could."""
    now = clock.real_now()
    row = Capability(
        token_digest=hashlib.sha256(b"a-token-of-mine").hexdigest(),
        person=person,
        act=reviewing.OPENING,
        subject_type=look._meta.label_lower,
        subject_id=str(look.pk),
        project=look.project,
        data_class=custody.DataClass.MATCHING,
        issued_at=now,
        expires_at=now + CAPABILITY_LIFE,
    )
    row.save()
    return row
