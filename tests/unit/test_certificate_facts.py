"""What the hub's certificate says beside files and keys: who ordered it, kept until when, and the backups."""

import datetime as dt

import pytest
from django.template.loader import render_to_string

from matching.services import ordering
from p20win import clock, policy
from tests import factories
from tests import factories_custody as files
from tests import factories_matching as matches
from tests.factories import START
from tests.unit.test_kept_longer import proposed, signed

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("vault"), pytest.mark.obligation("O-65")]


@pytest.fixture(autouse=True)
def snapshots(settings, tmp_path):
    settings.P20WIN_KEY_SNAPSHOTS = tmp_path / "snapshots"


def certified(match, order):
    """Have the vault begin and end; return what is certified, and the paper's words."""
    order = ordering.carry_out(order, at=order.acts_at)
    for row in match.project.destructions.all():
        files.run_job("custody.destroy", destruction_id=row.pk)
        files.run_job("matching.inputs_gone", destruction_id=row.pk)
    certificate = match.project.certificates.get(kind="hub_destruction")
    shown = {"certificate": certificate, "facts": certificate.facts, "text": "", "proven": False}
    return certificate.facts, render_to_string("documents/certificate.html", shown)


def test_two_people_are_named_who_ordered_it():
    match = matches.delivered().match
    first, second = factories.hub_member(), factories.hub_member()
    order = ordering.ask(match, reason="Done.", by=first, at=START)
    order = ordering.confirm(order, by=second, at=START)

    facts, paper = certified(match, order)

    assert facts["ordered"] == {"by": "people", "people": [first.name, second.name]}
    assert f"{first.name} asked for it, and {second.name} confirmed it." in paper
    assert "kept_until" not in facts


def test_the_clock_is_named_and_until_when_all_parties_had_kept_it(monkeypatch):
    match = matches.delivered().match
    signed(proposed(match))
    when = ordering.orders_itself_at(match)
    monkeypatch.setattr(clock, "now", lambda: when + dt.timedelta(hours=1))

    facts, paper = certified(match, ordering.order_in_time(match, at=when))

    assert (facts["ordered"], facts["kept_until"]) == ({"by": "clock"}, "2026-03-02")
    assert "the clock of these inputs had run out" in paper
    assert "may be kept until Mar 2, 2026 at the latest" in paper


def test_it_says_until_when_a_backup_may_hold_what_was_destroyed():
    match = matches.delivered().match
    order = ordering.ask(match, reason="Done.", by=factories.hub_member(), at=START)
    before = clock.real_now()

    facts, paper = certified(match, ordering.confirm(order, by=factories.hub_member(), at=START))

    gone = dt.datetime.fromisoformat(facts["backups_gone_at"]) - dt.timedelta(days=policy.BACKUP_DAYS)
    assert before <= gone <= clock.real_now()
    assert "a backup may still hold what was destroyed here" in paper
