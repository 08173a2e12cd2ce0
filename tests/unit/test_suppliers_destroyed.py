"""The list of an invited supplier is an input of the match and goes with the others by name (O-65, O-124)."""

import io
import zipfile

import pytest

from agreements import public as agreements
from governance.logs import LOGS
from matching import keeping_checks
from matching.services import hastening, inviting, ordering
from p20win.audit.public import Event
from p20win.calendar import Hours
from p20win.custody import public as custody
from p20win.custody import vault_keys
from p20win.notifications.models import Message
from p20win.notifications.public import tell
from p20win.refusal import Blocked
from tests import factories, factories_suppliers
from tests import factories_custody as files
from tests import factories_matching as matches
from tests.factories import START
from tests.unit import test_matching_abandonment as without_result
from tests.unit.test_destruction_orders import held

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("vault")]


@pytest.fixture(autouse=True)
def snapshots(settings, tmp_path):
    settings.P20WIN_KEY_SNAPSHOTS = tmp_path / "snapshots"


def ready():
    """Return a match with every file and the district's list, and the list."""
    match, _ = factories_suppliers.collecting()
    for name in matches.AGENCIES:
        for kind in ("matching", "analytical"):
            matches.send(match, name, kind)
    listed = factories_suppliers.sent(match)
    match.refresh_from_db()
    return match, listed


def is_gone(file):
    file.refresh_from_db()
    store = vault_keys.private_keys().store
    key = store.has_key(str(file.project_id), str(file.owner_id), file.key_version)
    return file.status == custody.FileStatus.DESTROYED and not key and bool(custody.why_unreadable(file))


@pytest.mark.obligation("O-124", "O-65", "O-117")
def test_it_is_matched_for_the_agency_delivered_to_nobody_and_destroyed_with_the_inputs():
    match, listed = ready()
    district = listed.owner
    assert (district.short_name, listed.slot.expected_by.agency.short_name) == ("Lindenport", "SDE")
    identifiers = set(factories_suppliers.content().decode().replace("\t1", "").split("\n")[1:-1])
    assert len(identifiers) > 20

    delivery = matches.delivered(matches.signed_off(matches.linked(match)))

    _, content = matches.fetched(delivery)
    with zipfile.ZipFile(io.BytesIO(content)) as archive:
        papers = {name: archive.read(name).decode(errors="replace") for name in archive.namelist()}
        cells = {cell for text in papers.values() for line in text.splitlines() for cell in line.split(",")}
    assert matches.FLAG in papers["sde.csv"].splitlines()[0]
    assert not cells & identifiers

    match = without_result.ordered(delivery.match)

    assert match.status == "inputs_destroyed"
    assert is_gone(listed)
    [certificate] = [row for row in agreements.certificates(match.project) if row.kind == "hub_destruction"]
    [named] = [each for each in certificate.facts["files"] if each["file"] == str(listed.pk)]
    assert named["bytes"] is None  # with the flags of the extract it would tell how many nobody knew (O-126)
    assert all(each["bytes"] for each in certificate.facts["files"] if each["class"] != "identifier_list")
    assert named["organisation"] == "lindenport"
    assert [key["organisation"] for key in certificate.facts["keys"]].count("lindenport") == 1
    tell(Event.objects.filter(event="data.destroyed", details__organisation="lindenport").get())
    assert [m.person for m in Message.objects.filter(event="data.destroyed")] == [listed.sent_by]


@pytest.mark.obligation("O-124", "O-65")
def test_it_goes_when_a_match_has_no_result_and_what_was_on_its_way_never_comes():
    match, contact = factories_suppliers.collecting()
    listed = factories_suppliers.sent(match)

    match = without_result.ordered(without_result.abandoned(match))

    assert match.status == "inputs_destroyed"
    assert is_gone(listed)
    assert custody.why_not_send(listed.slot, contact, START)


@pytest.mark.obligation("O-124")
def test_it_goes_at_the_end_of_a_project_too_and_the_invitation_lapses():
    match, _ = factories_suppliers.collecting()
    listed = factories_suppliers.sent(match)
    late = factories.person(
        at=factories_suppliers.district(slug="elmford", short_name="Elmford", legal_name="Elmford Schools")
    )
    waiting = custody.invite(match.project, late, by=factories.hub_member(), at=START)
    custody.open_slot(
        project=match.project,
        supplier=late.organisation,
        kind="identifier_list",
        title="List: others, Elmford",
        spec=listed.slot.spec,
        closes_at=listed.slot.closes_at,
        by=factories.hub_member(),
        at=START,
        invitation=waiting,
    )
    assert listed.owner in custody.with_anything(match.project)

    rows = custody.ask_destruction_of_all(match.project, by=factories.hub_member(), at=START)

    assert listed.owner in [row.organisation for row in rows]
    waiting.refresh_from_db()
    assert waiting.status == "lapsed"
    custody.shred(match.project, listed.owner, by=factories.hub_member(), at=START)
    assert is_gone(listed)


@pytest.mark.obligation("O-124")
def test_a_legal_hold_keeps_it_with_the_others():
    match, _ = factories_suppliers.collecting()
    listed = factories_suppliers.sent(match)
    held(match)

    with pytest.raises(Blocked, match="legal hold"):
        custody.ask_destruction(match.project, listed.owner, by=factories.hub_member(), at=START)
    assert custody.living_files(match.project).filter(pk=listed.pk).exists()


def test_of_the_clocks_of_the_inputs_its_suppliers_counts_also_where_the_hub_invited_it():
    match = matches.collecting(with_list=True)
    contact = factories.person(
        at=factories_suppliers.district(legal_name="Of Another Name", destroys_inputs_within_hours=24)
    )
    assert "Lindenport" not in [said.whose for said in hastening.said(match)]

    row = factories_suppliers.listed(match)
    inviting.invite(match, [row], contact, by=factories.hub_member(), at=START)

    [said] = [said for said in hastening.said(match) if said.whose == "Lindenport"]
    assert said.within == Hours(24)
    assert hastening.destruction_rule(match)[0] == "Lindenport"


def test_the_parties_alone_agree_to_keep_the_inputs_longer():
    match, contact = factories_suppliers.collecting()
    named = [row.short_name for row, _ in keeping_checks.parties(match, START)]
    assert {"SDE", "CSCU", "DOL"} <= set(named)
    assert contact.organisation.short_name not in named


@pytest.mark.obligation("O-124", "O-64")
def test_the_logs_name_the_supplier_as_the_source():
    match, listed = ready()
    matches.linked(match)

    log = LOGS["received"]
    lines = log.tell([row for row in log.rows() if row.pk == listed.pk])
    assert lines[0][2] == "Lindenport"
    assert lines[0][1].startswith(listed.sent_by.name)
    log = LOGS["data-match"]
    assert [row for row in log.tell(list(log.rows())) if row[1].startswith(listed.sent_by.name)]


def test_an_order_covers_the_supplier_and_waits_for_it():
    match, listed = ready()
    match = matches.delivered(matches.signed_off(matches.linked(match))).match
    order = ordering.ask(match, reason="Done.", by=factories.hub_member(), at=START)
    order = ordering.confirm(order, by=factories.hub_member(), at=START)
    ordering.carry_out(order, at=order.acts_at)

    for row in custody.destructions(match.project).exclude(organisation=listed.owner):
        files.run_job("custody.destroy", destruction_id=row.pk)
        files.run_job("matching.inputs_gone", destruction_id=row.pk)

    match.refresh_from_db()
    assert match.status == "delivered"  # the district's list is still there
    assert not is_gone(listed)
