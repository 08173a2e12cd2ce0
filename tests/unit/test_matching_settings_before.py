"""A match that is repeated starts from how the one before was linked."""

import re

import pytest
from django.urls import reverse

from matching.models import Match
from matching.services import opening, specifying
from tests import factories
from tests import factories_matching as matches
from tests.factories import START
from tests.unit.test_matching_runs import made

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("vault", "at_start")]


def repeated(first):
    """Return the project's next match, as if the first had come to its end."""
    ended = {"status": "inputs_destroyed", "signed_off_at": START, "inputs_destroyed_at": START}
    Match._base_manager.filter(pk=first.pk).update(**ended)
    return opening.open_match(first.project, by=factories.operating_group_member(), at=START)


@pytest.mark.obligation("O-71", "O-68")
def test_the_editor_offers_the_settings_of_the_match_before(signed_in):
    first = matches.linked()
    by = matches.hub_member(first.project)
    chosen = made(first, by)
    matches.again(first, link_spec=chosen)
    assert specifying.spec_before(first) is None
    second = repeated(first)
    client = signed_in(by)

    shown = client.get(reverse("matching:spec-new", args=[second.pk])).text

    assert specifying.spec_before(second) == chosen
    assert "As match 1 was linked." in shown
    (ticked,) = re.findall(r'<input[^>]*name="accept"[^>]*checked[^>]*>', shown)
    assert 'value="auto"' in ticked
    assert 'value="99.9' in shown
    start = client.get(reverse("matching:start", args=[second.pk])).text
    assert "Match 1 was linked by" in start
    assert reverse("matching:spec", args=[chosen.pk]) in start


def test_a_first_match_starts_from_what_is_usual(signed_in):
    match = matches.ready()
    client = signed_in(matches.hub_member(match.project))
    shown = client.get(reverse("matching:spec-new", args=[match.pk])).text
    assert "was linked." not in shown
    assert "was linked by" not in client.get(reverse("matching:start", args=[match.pk])).text
