"""Matching methods: recorded when the governing board approved one, retired when it thinks otherwise."""

import datetime as dt

import pytest
from django.urls import reverse

from agreements import selectors, statements
from agreements.models import MatchMethod
from p20win.audit.public import events_of
from p20win.notifications.public import tell
from p20win.refusal import Blocked
from tests import factories
from tests import factories_agreements as made
from tests.factories import START

pytestmark = pytest.mark.django_db
A_METHOD = {
    "slug": "hub-hybrid",
    "version": 2,
    "name": "The hub's engine",
    "engine": "hybrid",
    "description": "Exact agreement first, then weights learnt in each run.",
    "approved_on": START.date(),
    "reference": "Minutes of the board, item 5",
}


def recorded(**changes):
    """Have the operating group record a method."""
    given = {"by": factories.operating_group_member(), "at": START} | A_METHOD | changes
    return statements.record_method(given.pop("slug"), **given)


def retired(method, **changes):
    """Have the operating group retire a method."""
    given = {
        "retired_on": START.date(),
        "reason": "The board wants its successor.",
        "by": factories.operating_group_member(),
        "at": START,
    }
    return statements.retire_method(method, **(given | changes))


@pytest.mark.obligation("O-48")
class TestRecording:
    def test_a_method_with_its_minute_can_be_chosen_and_the_hub_hears_of_it(self):
        member = factories.hub_member()

        method = recorded()

        assert list(selectors.approved_methods(START)) == [method]
        event = events_of(method).get()
        assert (event.event, event.note) == ("method.approved", "Minutes of the board, item 5")
        tell(event)
        assert member.notices.get().subject == "A matching method was approved"

    @pytest.mark.parametrize(
        ("changes", "why"),
        [
            ({"engine": "guesswork"}, "There is no engine “guesswork”. There are: cascade, clk, hybrid"),
            ({"approved_on": START.date() + dt.timedelta(days=2)}, "That day has not come"),
            ({"reference": " "}, "Name the minute"),
        ],
    )
    def test_not_without_engine_day_and_minute(self, changes, why):
        with pytest.raises(Blocked, match=why):
            recorded(**changes)
        assert not MatchMethod.objects.exists()

    def test_a_version_once_and_by_the_operating_group_alone(self):
        recorded()
        with pytest.raises(Blocked, match="Give the change a new version"):
            recorded()
        with pytest.raises(Blocked, match="Only the operating group"):
            recorded(version=3, by=factories.hub_member())

    def test_on_a_page(self, signed_in):
        client = signed_in(factories.operating_group_member())
        address = reverse("agreements:method-new")

        assert "clk: keyed tokens and Bloom filters" in client.get(address).text
        wrong = client.post(address, A_METHOD | {"engine": "guesswork"})
        assert "Select a valid choice" in wrong.text
        answer = client.post(address, A_METHOD)

        assert answer.url == reverse("agreements:methods")
        assert "(Minutes of the board, item 5)" in client.get(answer.url).text
        for other in (factories.hub_member(), factories.steward(factories.organisation())):
            theirs = signed_in(other)
            assert theirs.post(address, A_METHOD | {"version": 9}).status_code in (403, 404)
            assert "Record a method" not in theirs.get(answer.url).text


@pytest.mark.obligation("O-48")
class TestRetiring:
    def test_from_its_day_on_it_cannot_be_chosen(self):
        member, method = factories.hub_member(), recorded()

        method = retired(method, retired_on=START.date() + dt.timedelta(days=3))

        assert list(selectors.approved_methods(START)) == [method]
        assert not selectors.approved_methods(START + dt.timedelta(days=3)).exists()
        event = events_of(method).get(event="method.retired")
        assert event.note == "The board wants its successor."
        tell(event)
        assert "The board wants its successor." in member.notices.get().text

    @pytest.mark.parametrize(
        ("changes", "why"),
        [
            ({"retired_on": START.date() - dt.timedelta(days=2)}, "on or after the day of its approval"),
            ({"reason": ""}, "Say why"),
        ],
    )
    def test_not_before_its_approval_nor_without_a_reason(self, changes, why):
        method = recorded()
        with pytest.raises(Blocked, match=why):
            retired(method, **changes)
        with pytest.raises(Blocked, match="Only the operating group"):
            retired(method, by=factories.hub_member())
        method.refresh_from_db()
        assert method.retired_on is None

    def test_once(self):
        method = retired(recorded())
        with pytest.raises(Blocked, match="retired already"):
            retired(method)

    def test_on_a_page(self, signed_in):
        method = made.method("cascade")
        client = signed_in(factories.operating_group_member())
        address = reverse("agreements:method-retire", args=[method.pk])

        assert address in client.get(reverse("agreements:methods")).text
        answer = client.post(address, {"retired_on": START.date(), "reason": "Outdated."})

        shown = client.get(answer.url).text
        assert "Cannot be chosen any more" in shown
        assert "Outdated." in shown
        assert "retired already" in client.get(address).text
        assert signed_in(factories.hub_member()).get(address).status_code in (403, 404)
