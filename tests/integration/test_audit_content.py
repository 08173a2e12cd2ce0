"""What the ledger and the logs tell of each of the five kinds of acts with data (SO4, C16)."""

import csv
import io

import pytest
from django.urls import reverse

from matching.public import Match
from p20win.audit.public import events_of
from p20win.custody import public as custody
from tests import factories
from tests import factories_custody as files
from tests import factories_matching as matches

pytestmark = [pytest.mark.django_db, pytest.mark.long]


@pytest.fixture
def match(settings, tmp_path):
    """A match that went the whole way: files in, linked, delivered, inputs destroyed."""
    settings.P20WIN_KEY_SNAPSHOTS = tmp_path / "snapshots"
    with files.own_vault(settings, tmp_path):
        delivery = matches.delivered()
        matches.fetched(delivery)
        yield matches.inputs_destroyed(delivery.match)


def inputs(match):
    return custody.SealedFile.objects.filter(slot__expected_by__match=match)


KINDS = {
    "received": (("file.arrived",), inputs),
    "conducted": (("run.started", "run.finished"), lambda match: match.runs.all()),
    "maintained": (("file.accepted",), inputs),
    "sent": (("extract.available",), lambda match: match.deliveries.all()),
    "destroyed": (("file.destroyed",), inputs),
    "data destroyed": (("data.destroyed",), lambda match: custody.destructions(match.project)),
    "match ended": (("match.signed_off", "match.inputs_destroyed"), lambda match: [match]),
}


@pytest.mark.obligation("O-64", "O-95")
def test_c16_each_act_with_data_is_one_line_that_says_who_what_when_and_for_which_request(match):
    for names, rows in KINDS.values():
        found = list(rows(match))
        assert found
        for row in found:
            for name in names:
                line = events_of(row).get(event=name)  # one, neither none nor two
                assert line.project_id == match.project_id
                assert line.actor_id is not None
                assert line.at
                assert line.recorded_at
                assert bytes(line.hash) != bytes(line.prev_hash)


@pytest.mark.obligation("O-64", "O-111")
def test_c16_each_log_shows_every_field_of_a_finished_match(match, signed_in):
    client = signed_in(factories.hub_member())
    names = {file.name for file in inputs(match)}
    for slug in ("received", "matches", "maintained", "sent", "data-match"):
        answer = client.get(reverse("log-csv", args=[slug]), {"q": match.project.number})
        rows = list(csv.DictReader(io.StringIO(b"".join(answer.streaming_content).decode("utf-8-sig"))))
        # What the hub made is kept until the project ends, and has no day of destruction yet.
        rows = [row for row in rows if slug != "maintained" or row["File"] in names]
        assert rows
        assert not {name for row in rows for name, cell in row.items() if not cell}, slug
    assert Match.objects.get(pk=match.pk).inputs_destroyed_at
