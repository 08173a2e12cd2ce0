"""Lists of consents on the desk: who sends one, and that nothing is linked without it."""

import json
import random

import pytest
from django.urls import reverse

from matching import layouts, standing
from matching.models import Match, MatchStatus
from matching.services import consenting, opening
from tests import factories
from tests import factories_agreements as agreements
from tests import factories_matching as matches
from tests.factories import START

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("vault")]


def relying():
    """Return a match for which the education agency relies on consents."""
    row = matches.request()
    matches.in_force(row)
    agreements.method()
    return opening.open_match(
        row.project, by=factories.operating_group_member(), at=START, consents=[matches.agency("SDE")]
    )


def ids():
    """Return the ids of the agency's people in no order: an order would tell something."""
    held = sorted(matches.people().agencies["SDE"].matching.table["SyntheticID"].to_pylist())
    random.Random(7).shuffle(held)
    return held


def content(rows):
    lines = ["SyntheticID\tConsentStatus\tValidUntil\tRevokedOn", *("\t".join(row) for row in rows)]
    return ("\n".join(lines) + "\n").encode()


@pytest.mark.obligation("O-51")
def test_without_the_list_of_who_relies_on_consents_nothing_is_linked():
    match = relying()
    for name in matches.AGENCIES:
        for kind in ("matching", "analytical"):
            matches.send(match, name, kind)
    match.refresh_from_db()
    assert match.status == MatchStatus.COLLECTING
    assert [row.is_consent for row in standing.missing(match)] == [True]

    refused = matches.send(match, "SDE", "identifier_list", content([(ids()[0], "perhaps", "", "")]))
    assert refused.status == "refused"
    file = matches.send(
        match, "SDE", "identifier_list", content([(each, "given", "20991231", "") for each in ids()[:20]])
    )

    assert file.status == "accepted", file.report
    match.refresh_from_db()
    assert match.status == MatchStatus.READY
    told, files = consenting.told(match, on=START)
    assert told == [{"name": "consents_0", "file": "SDE", "on": f"{START:%Y%m%d}"}]
    assert b"".join(files["consents_0"]).count(b"given") == 20
    assert not standing.accepted(match, "identifier_list")


def test_who_relies_on_consents_is_said_when_the_upload_is_opened(signed_in):
    row = matches.request()
    agreement = matches.in_force(row)
    client = signed_in(factories.operating_group_member())
    address = reverse("matching:open", args=[agreement.project_id])
    assert "relies on individuals’ consents" in client.get(address).text

    client.post(address, {"form": "package", "consents": [str(matches.agency("SDE").pk)]})

    match = Match.objects.get()
    expected = match.expected_files.get(is_consent=True)
    assert expected.agency == matches.agency("SDE")
    assert expected.slot.spec["columns"] == layouts.consent_list(expected.agency)["columns"]
    shown = client.get(match.get_absolute_url()).text
    assert "List of consents" in shown


@pytest.mark.long
@pytest.mark.obligation("O-51")
def test_a_run_leaves_out_who_has_no_consent_and_the_report_says_how_many():
    match = relying()
    for name in matches.AGENCIES:
        for kind in ("matching", "analytical"):
            matches.send(match, name, kind)
    known = ids()
    matches.send(
        match,
        "SDE",
        "identifier_list",
        content([(each, "given", "", "") for each in known[: len(known) - 20]]),
    )
    match.refresh_from_db()

    match = matches.linked(match)

    report = standing.latest_result(match).report
    assert report["files"]["SDE"]["rows"] == len(known) - 20
    assert report["consents"][0]["left_out"] == [{"reason": "no consent on the list", "count": 20}]
    assert "SyntheticID" not in json.dumps(report["consents"])
