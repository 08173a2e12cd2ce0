"""Whose clock counts for the inputs of a match: agencies, list suppliers, the agreement, the match itself."""

import pytest
from django.urls import reverse

from agreements import terms
from matching.models import Match
from matching.services import hastening
from p20win.accounts.public import organisation_called, set_input_rule
from p20win.audit.public import events_of
from p20win.calendar import BusinessDays, Hours
from p20win.deadlines import public as deadlines
from p20win.notifications.public import tell
from p20win.refusal import Blocked
from tests import factories
from tests import factories_matching as matches
from tests.factories import START

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("vault")]


def set_rule(name, rule, **said):
    """Have the operating group set an organisation's clock."""
    said = {"reason": "The agency asked for it.", "by": factories.operating_group_member()} | said
    return set_input_rule(organisation_called(name), rule, at=START, **said)


def own(match, rule, **said):
    """Set a clock for this match alone."""
    said = {"reason": "Asked for in the request.", "by": factories.hub_member()} | said
    return hastening.set_own(match, rule, at=START, **said)


def told(match):
    """Return whose rule is what, the winner marked."""
    rows = hastening.derivation(match, start=START)
    return {(row["whose"], row["within"]) for row in rows}, [row["whose"] for row in rows if row["wins"]]


@pytest.mark.obligation("O-107")
class TestWhoSetsAnOrganisationsClock:
    def test_the_operating_group_with_a_reason_and_it_is_on_record_and_told(self):
        steward = matches.steward("CSCU")

        row = set_rule("CSCU", Hours(24))

        assert row.input_rule == Hours(24)
        event = events_of(row).get(event="organisation.input_rule_set")
        assert event.details == {"before": "", "after": "24 hours"}
        assert row.history.first().destroys_inputs_within_hours == 24
        assert set_rule("CSCU", BusinessDays(5)).input_rule == BusinessDays(5)
        assert set_rule("CSCU", None).input_rule is None
        tell(event)
        assert "clock for the destruction" in steward.notices.get().subject

    @pytest.mark.parametrize("rule", [BusinessDays(11), Hours(241), Hours(0)])
    def test_never_looser_than_any_agreement(self, rule):
        matches.agency("CSCU")

        with pytest.raises(Blocked, match=r"at most|at least"):
            set_rule("CSCU", rule)

    def test_not_by_its_own_steward_nor_without_a_reason(self):
        matches.agency("CSCU")

        with pytest.raises(Blocked, match="Only the operating group"):
            set_rule("CSCU", Hours(24), by=matches.steward("CSCU"))
        with pytest.raises(Blocked, match="Say why"):
            set_rule("CSCU", Hours(24), reason=" ")

    def test_on_a_page(self, signed_in):
        row = matches.agency("CSCU")
        client = signed_in(factories.operating_group_member())
        address = reverse("organisation-input-rule", args=[row.pk])

        assert "as agreements say" in client.get(reverse("organisations"), {"q": "cscu"}).text
        answer = client.post(address, {"which": "hours", "reason": "Its own policy."})
        assert "Say how many" in answer.text
        answer = client.post(address, {"which": "business_days", "count": 30, "reason": "Its own policy."})
        assert "at most" in answer.text
        answer = client.post(address, {"which": "colleges", "reason": "A member of the conference."})

        assert answer.url == reverse("organisations")
        row.refresh_from_db()
        assert row.input_rule == Hours(24)
        shown = client.get(address).text
        assert "as agreements say → 24 hours" in shown
        assert "A member of the conference." in shown
        for other in (factories.hub_member(), matches.steward("CSCU")):
            assert signed_in(other).post(address, {"which": "agreement", "reason": "No."}).status_code in (
                403,
                404,
            )


@pytest.mark.obligation("O-107")
class TestTheStrictestWins:
    def test_everybodys_rule_is_named_the_list_suppliers_too(self):
        factories.organisation(slug="college", short_name="College", legal_name="A School District")
        set_rule("College", Hours(24))
        for name in matches.AGENCIES:
            matches.agency(name)
        set_rule("DOL", BusinessDays(5))
        row = matches.request(with_list=True)

        rules, wins = told(Match(project=row.project, status_since=START))

        assert rules == {
            ("CSCU", ""),
            ("DOL", "5 business days"),
            ("SDE", ""),
            ("College", "24 hours"),
            ("the agreement", "10 business days"),
        }
        assert wins == ["College"]

    def test_the_agreement_keeps_what_it_said_when_it_was_signed(self):
        matches.agency("CSCU")
        set_rule("CSCU", Hours(24))
        match = matches.collecting()
        set_rule("CSCU", None)

        rules, wins = told(match)

        assert ("the agreement", "24 hours") in rules
        assert wins == ["the agreement"]

    def test_where_the_weekday_decides_the_agreement_says_both(self):
        first = factories.organisation(destroys_inputs_within_hours=72)
        second = factories.organisation(destroys_inputs_within_business_days=2)

        said = terms._inputs_within([first, second])

        assert said["input_destruction"] == "the earlier of 72 hours and 2 business days"
        assert said["input_rules"] == {"hours": 72, "business_days": 2}


@pytest.mark.obligation("O-107")
class TestAMatchsOwnClock:
    def test_stricter_before_the_sign_off_and_it_counts_from_then(self):
        match = own(matches.linked(), BusinessDays(3))
        assert told(match)[1] == ["this match"]

        match = matches.signed_off(match)

        clock = deadlines.of_subject(match, "input-destruction").get()
        assert clock.due_at == deadlines.due(BusinessDays(3), start=START).at
        assert [row["whose"] for row in match.destruction_rules if row["wins"]] == ["this match"]
        with pytest.raises(Blocked, match="its clock runs"):
            own(match, BusinessDays(2))
        set_rule("CSCU", Hours(24))
        assert told(match)[1] == ["this match"]  # what counted at the sign-off

    def test_never_looser_than_anybodys(self):
        matches.agency("CSCU")
        set_rule("CSCU", BusinessDays(5))
        match = matches.collecting()

        with pytest.raises(Blocked, match="The rule of CSCU leaves less time: 5 business days"):
            own(match, BusinessDays(6))
        with pytest.raises(Blocked, match="No clock was set"):
            own(match, None)
        match = own(match, Hours(48))
        assert match.history.first().own_rule_hours == 48
        assert own(match, None).own_rule is None

    def test_by_hub_or_operating_group_alone_and_with_a_reason(self):
        match = matches.collecting()

        with pytest.raises(Blocked, match="Only the hub's staff or the operating group"):
            own(match, Hours(24), by=matches.steward("CSCU"))
        with pytest.raises(Blocked, match="Say why"):
            own(match, Hours(24), reason="")
        assert own(match, Hours(24), by=factories.operating_group_member()).own_rule == Hours(24)

    def test_on_its_page_with_everybodys_rule(self, signed_in):
        match = matches.collecting()
        client = signed_in(factories.hub_member())
        address = reverse("matching:destruction-rule", args=[match.pk])

        assert "10 business days: <strong>the strictest</strong>" in client.get(match.get_absolute_url()).text
        assert "Say how many" in client.post(address, {"unit": "hours", "reason": "Asked for."}).text
        sent = {"unit": "hours", "count": 24, "reason": "Asked for in the request."}
        answer = client.post(address, sent)

        assert answer.url == match.get_absolute_url()
        shown = client.get(answer.url).text
        assert "24 hours: <strong>the strictest</strong>" in shown
        assert "Asked for in the request." in shown
        assert signed_in(matches.steward("CSCU")).get(address).status_code in (403, 404)
