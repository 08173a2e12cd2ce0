"""How many identifiers of a list no agency knows: on every surface told to hub and supplier alone (O-126)."""

import io
import zipfile

import pytest
from django.urls import reverse
from pypdf import PdfReader

from agreements.public import papers_can_be_made
from matching import pages, standing
from p20win.custody import public as custody
from requests_app.public import approved_request
from tests import factories, factories_suppliers
from tests import factories_matching as matches
from tests.starting_points import starting_point

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("vault", "at_start")]

VALUE = "Y"  # no other test has its lists joined by it
STRANGERS = 4711
TITLE = "Lists of third parties"


def known():
    return [n for n in matches.people().agencies["SDE"].matching.table["SASID"].to_pylist() if n]


def content(unknown=STRANGERS):
    numbers = [*known(), *(str(9_800_000_000 + each) for each in range(unknown))]
    rows = "".join(f"{number}\t{VALUE}\n" for number in numbers)
    return f"SASID\t{matches.FLAG}\n{rows}".encode()


def numbers_of(unknown=STRANGERS):
    """Return how the two counts are written, with and without their commas."""
    counts = (len(known()) + unknown, unknown)
    return [text for count in counts for text in (f"{count:,}", str(count))]


@starting_point(matches.ANALYTICAL, VALUE)
def linked(*, invited):
    """Return a linked match with a list that an invited district sent, or the agency itself."""
    if invited:
        factories.person(at=factories_suppliers.district(), name="Ada Fenwick")
    match = matches.collecting(with_list=True, flag_value=VALUE)
    for name in matches.AGENCIES:
        for kind in ("matching", "analytical"):
            matches.send(match, name, kind)
    if invited:
        file = factories_suppliers.sent(match, content())
    else:
        file = matches.send(match, "SDE", "identifier_list", content())
    assert file.status == custody.FileStatus.ACCEPTED
    match.refresh_from_db()
    return matches.linked(match)


def shown(client, match):
    run = standing.latest_result(match)
    answer = client.get(reverse("matching:report", args=[run.pk]))
    assert answer.status_code == 200
    return answer.text


def slot_page(row):
    return reverse("custody:slot", args=[row.slot_id])


def tells(text):
    return [number for number in numbers_of() if number in text]


@pytest.mark.obligation("O-126")
def test_the_report_s_page_tells_the_hub_and_no_party_and_not_the_operating_group(signed_in):
    match = linked(invited=True)

    hub = shown(signed_in(factories.hub_member()), match)
    assert TITLE in hub
    assert f"{STRANGERS:,} (SDE)" in hub
    recipient = approved_request(match.project).requestor
    stewards = [matches.steward(name) for name in matches.AGENCIES]
    for person in (recipient, factories.operating_group_member(), *stewards):
        text = shown(signed_in(person), match)
        assert TITLE not in text, person
        assert not tells(text), person
        page = signed_in(person).get(match.get_absolute_url()).text
        assert not tells(page), person


@pytest.mark.obligation("O-126", "O-124")
def test_the_supplier_is_told_of_its_own_list_on_its_own_page_and_nobody_else_there(signed_in):
    match = linked(invited=True)
    row = factories_suppliers.listed(match)
    contact = factories_suppliers.invitation(match).contact

    own = signed_in(contact).get(slot_page(row)).text
    assert f"Of these not known to SDE: {STRANGERS:,}." in own
    assert f"Identifiers in the list: {len(known()) + STRANGERS:,}." in own
    assert f"not known to SDE: {STRANGERS:,}." in signed_in(factories.hub_member()).get(slot_page(row)).text
    group = signed_in(factories.operating_group_member()).get(slot_page(row))
    assert group.status_code == 200
    assert "not known to" not in group.text
    other = factories.person(at=factories.organisation(is_agency=False))
    colleague = factories.person(at=contact.organisation)
    recipient = approved_request(match.project).requestor
    for person in (other, colleague, recipient, *(matches.steward(name) for name in matches.AGENCIES)):
        assert signed_in(person).get(slot_page(row)).status_code == 404, person
    run = standing.latest_result(match)
    assert signed_in(contact).get(reverse("matching:report", args=[run.pk])).status_code == 404


@pytest.mark.obligation("O-126")
def test_who_sends_a_list_for_a_school_that_nobody_knows_is_told_and_other_agencies_are_not(signed_in):
    match = linked(invited=False)
    row = factories_suppliers.listed(match)
    assert row.slot.supplier.short_name == "SDE"

    steward = matches.steward("SDE")
    assert f"{STRANGERS:,} (SDE)" in shown(signed_in(steward), match)
    assert f"not known to SDE: {STRANGERS:,}." in signed_in(steward).get(slot_page(row)).text
    for person in (matches.steward("DOL"), approved_request(match.project).requestor):
        assert not tells(shown(signed_in(person), match)), person


@pytest.mark.obligation("O-126")
def test_nothing_that_is_handed_on_holds_it_whoever_makes_it(signed_in):
    match = linked(invited=True)
    run = standing.latest_result(match)
    assert "lists" not in run.report
    for person in (factories.hub_member(), approved_request(match.project).requestor):
        page = signed_in(person).get(reverse("matching:report-file", args=[run.pk])).text
        assert TITLE not in page
        assert not tells(page)
    if papers_can_be_made():
        paper = PdfReader(io.BytesIO(pages.report_pdf(run)))
        assert not tells("\n".join(page.extract_text() for page in paper.pages))

    delivery = matches.delivered(matches.signed_off(match))
    _, fetched = matches.fetched(delivery)
    with zipfile.ZipFile(io.BytesIO(fetched)) as archive:
        names = [name for name in archive.namelist() if name not in ("sde.csv", "cscu.csv", "dol.csv")]
        told = {name: archive.read(name).decode() for name in names}
    assert {"match-report.html", "dictionary.csv", "limitations.txt", "manifest.json"} <= told.keys()
    for name, text in told.items():
        assert not tells(text), name
        assert "Not known to" not in text, name
    recipient = signed_in(approved_request(match.project).requestor)
    for name in ("delivery", "papers"):
        assert not tells(recipient.get(reverse(f"matching:{name}", args=[delivery.pk])).text), name
