"""What the pages of a match and of a file say of files that are closed, replaced or never came."""

import re

import pytest
from django.urls import reverse

from matching.services import reopening
from p20win.custody import lifecycle, removal
from p20win.custody import public as custody
from p20win.workflow import create, take
from tests import factories
from tests import factories_custody as files
from tests import factories_matching as matches
from tests.factories import START

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("vault", "at_start")]


def tag(page, words):
    """Return the tone in which a state is shown on a page; nothing if it is not."""
    found = re.search(rf'p20-tag--(\w+)">(?:<svg.*?</svg>)?{re.escape(words)}', page, re.DOTALL)
    return found[1] if found else None


def row_of(page, title):
    """Return the row of a table that speaks of a file."""
    return next(row for row in page.split("<tr>") if title in row)


def announced(slot):
    """Write down a file that was announced in a slot and never came."""
    by = matches.steward("SDE")
    file = custody.SealedFile(
        slot=slot,
        project=slot.project,
        owner=slot.supplier,
        destination=factories.hub(),
        data_class=slot.data_class,
        name=files.name_for(slot),
        status="announced",
        status_since=START,
        sent_by=by,
    )
    file = create("file.announced", file, by=by, at=START)
    return take(lifecycle.GIVE_UP, file, by=by, at=START)


@pytest.mark.obligation("O-51", "O-60")
def test_a_file_that_was_set_aside_shows_what_is_waited_for_and_what_became_of_it(signed_in):
    match = matches.collecting()
    first = matches.send(match, "SDE", "matching")
    expected = match.expected_files.get(agency=matches.agency("SDE"), kind="matching")
    slot, page = expected.slot, match.get_absolute_url()
    own = reverse("custody:slot", args=[slot.pk])
    steward = signed_in(matches.steward("SDE"))
    said = f"({slot.title})"
    assert tag(row_of(steward.get(page).text, said), "Accepted and sealed") == "good"

    reopening.send_again(
        expected,
        ground="agency_asks",
        asked_in="Letter of March 4.",
        reason="A consent was revoked.",
        by=factories.hub_member(),
        at=START,
    )

    assert tag(row_of(steward.get(page).text, said), "Waiting for the file") == "waiting"
    shown = steward.get(own).text
    assert tag(shown, "Waiting for the file") == "waiting"
    assert tag(shown, "Closed: another is sent in its place") == "plain"
    assert "Nothing opens it any more" in shown
    slot.refresh_from_db()
    other = files.arrived(slot, matches.contents("SDE", "matching"), by=matches.steward("SDE"))
    assert tag(row_of(steward.get(page).text, said), "Received, being checked") == "waiting"
    files.run_job("custody.check_file", file_id=other.pk)
    files.run_job("matching.file_accepted", file_id=other.pk)
    assert tag(row_of(steward.get(page).text, said), "Accepted and sealed") == "good"
    files.run_job(removal.WORK, file_id=first.pk)  # late, as when a legal hold made it wait
    custody.SealedFile._base_manager.filter(pk=first.pk).update(status_since=START + matches.a_day(1))
    assert tag(row_of(steward.get(page).text, said), "Accepted and sealed") == "good"
    assert tag(steward.get(own).text, "Destroyed") == "plain"


@pytest.mark.obligation("O-59")
def test_where_no_file_came_the_upload_is_shown_open_or_closed(signed_in):
    match = matches.collecting(with_list=True)
    row = match.expected_files.get(is_required=False)
    announced(row.slot)
    client = signed_in(factories.hub_member())
    said = f"({row.slot.title})"
    assert tag(row_of(client.get(match.get_absolute_url()).text, said), "Waiting for the file") == "waiting"

    custody.close_slot(row.slot, by=factories.hub_member(), at=START)

    shown = row_of(client.get(match.get_absolute_url()).text, said)
    assert tag(shown, "Closed") == "plain"
