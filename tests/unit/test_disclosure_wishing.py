"""Show it anyway: asked by the author before anybody reads, for one file, and never for a small count."""

import json

import pytest
from django.urls import reverse

from disclosure import services, standing, wishing
from disclosure.models import KnownKind, Verdict
from p20win.audit.public import events_of
from p20win.custody import public as custody
from p20win.refusal import Blocked
from tests import factories
from tests import factories_disclosure as outputs
from tests.factories import START
from tests.integration.test_disclosure_naming import in_this_process, text  # noqa: F401
from tests.unit.test_disclosure_naming import again

CELL = {"school": "Cedar", "sex": "male"}
SMALL = {"school": "Alder", "sex": "female"}
pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("vault", "at_start")]


def told(output):
    (table,) = standing.clean_tables(output)
    return b"".join(custody.open_bytes(table.file)).decode()


@pytest.mark.obligation("O-79")
def test_a_cell_that_is_wished_for_is_shown_and_its_cost_told():
    output = outputs.checked()
    before = standing.latest_check(output)
    assert "Cedar,male,\n" in told(output)
    row = wishing.wish(output, CELL, by=output.author, at=START)
    assert (row.kind, [e.actor_id for e in events_of(row)]) == (KnownKind.WISHES, [output.author.pk])
    with pytest.raises(Blocked, match="Check it again"):
        services.send_to_agencies(output, by=output.author, at=START)
    found = standing.latest_check(again(output))
    assert (found.verdict, found.known) == (Verdict.SAFE, [str(row.pk)])
    assert "Cedar,male,35\n" in told(output)
    assert "Alder,female,\n" in told(output)
    assert wishing.without_wishes(found) == before
    (wish,) = json.loads(b"".join(services.give_sheet(found, output.author)))["wishes"]
    assert wish == {"codes": CELL, "shown": True}


@pytest.mark.obligation("O-78")
def test_a_small_count_stays_withheld_whatever_is_wished():
    output = outputs.checked()
    wishing.wish(output, SMALL, by=output.author, at=START)
    found = standing.latest_check(again(output))
    assert found.verdict == Verdict.SAFE
    assert "Alder,female,\n" in told(output)


def test_it_is_the_authors_to_ask_once_and_before_the_agencies_read():
    output = outputs.checked()
    with pytest.raises(Blocked, match="Only the author"):
        wishing.wish(output, CELL, by=factories.person(), at=START)
    with pytest.raises(Blocked, match="No cell is asked for"):
        wishing.end_wishes(output, by=output.author, at=START)
    wishing.wish(output, CELL, by=output.author, at=START)
    with pytest.raises(Blocked, match="asked for already"):
        wishing.wish(output, CELL, by=output.author, at=START)
    wishing.end_wishes(output, by=output.author, at=START)
    assert wishing.wishes_now(output) == []
    again(output)
    output.refresh_from_db()
    sent = services.send_to_agencies(output, by=output.author, at=START)
    with pytest.raises(Blocked, match="Not possible while"):
        wishing.wish(sent, CELL, by=sent.author, at=START)


def test_the_card_asks_for_it_and_the_page_tells_what_came_of_it(signed_in):
    output = outputs.checked()
    client = signed_in(output.author)
    look = reverse("disclosure:look", args=[output.pk])
    assert "Show it anyway" in text(client.get(look, {"table": 1, "cell": 8}))
    assert "Show it anyway" not in text(client.get(look, {"table": 1, "cell": 1}))
    ask = reverse("disclosure:show-it", args=[output.pk])
    assert client.post(ask, {"table": 1, "cell": 99}).status_code == 404
    answer = client.post(ask, {"table": 1, "cell": 8}, follow=True)
    assert "Asked for." in text(answer)
    assert "It is asked for already." in text(client.post(ask, {"table": 1, "cell": 8}, follow=True))
    again(output)
    shown = text(client.get(look))
    assert "school Cedar, sex male: shown." in shown
    assert "Without that 4 cells were withheld, with it" in shown
    none = reverse("disclosure:show-none", args=[output.pk])
    assert "No cell is asked for any more." in text(client.post(none, follow=True))
    assert "No cell is asked for." in text(client.post(none, follow=True))
