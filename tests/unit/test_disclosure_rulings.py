"""What a check left open passes only by two people with reasons, and never where a count leaks."""

import datetime as dt
import functools
import json

import pytest
from django.db import IntegrityError, transaction

from disclosure import notices, pages, review_services, services, standing
from disclosure.engine import examine
from disclosure.engine.audit.judge import audit
from disclosure.engine.policy import CellPolicy
from disclosure.models import OutputStatus, Ruling, Verdict
from p20win import clock
from p20win.accounts.public import Role, give_role, operating_group, system_user
from p20win.audit.public import events_of
from p20win.projects import public as projects
from p20win.refusal import Blocked
from tests import factories
from tests import factories_agreements as agreements
from tests import factories_disclosure as outputs
from tests.factories import START

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("vault")]
LONG_AFTER = START + dt.timedelta(days=60)
RULES = CellPolicy(6, True, 20)
RELEASED = (
    b"school,sex,released\nAlder,female,\nAlder,male,\nAlder,Total,43\nBirch,female,51\nBirch,male,30\n"
    b"Birch,Total,81\nCedar,female,\nCedar,male,\nCedar,Total,57\nTotal,female,76\nTotal,male,105\n"
    b"Total,Total,181\n"
)


@pytest.fixture
def found(monkeypatch):
    """Return a function that lets the audit find this, whatever the table."""

    return functools.partial(outputs.let_audit_find, monkeypatch)


@pytest.fixture
def in_doubt(found):
    """Return an output in review of which the audit could not settle one question."""
    found(leaks=(outputs.OPEN,))
    return outputs.sent()


@pytest.fixture
def near(found):
    """Return an output in review that is safe but for one cell near a small count."""
    found(warnings=(outputs.NEAR,))
    return outputs.sent()


def of_group():
    person = factories.operating_group_member()
    agreements.acknowledged(person)
    return person


def of_agency(output, which=0):
    person = factories.steward(projects.suppliers(output.project)[which])
    agreements.acknowledged(person)
    return person


def ask(output, by, agency=None, reason="The range is wide in earlier years, too."):
    agency = agency or projects.suppliers(output.project)[0]
    return review_services.ask_ruling(output, agency=agency, reason=reason, by=by, at=START)


def answer(ruling, by, *, confirms=True, text="I looked at the cell and agree."):
    return review_services.answer_ruling(ruling, confirms=confirms, answer=text, by=by, at=START)


class TestWhatIsLeftOpen:
    def test_the_engine_says_it_as_we_read_it(self):
        hurried = audit([("t", RELEASED)], groups={}, policy=RULES, work=1)
        leaking = audit([("t", RELEASED.replace(b"Alder,male,", b"Alder,male,40"))], groups={}, policy=RULES)
        assert hurried.leaks
        assert all(map(examine.is_unsettled, hurried.leaks))
        assert leaking.leaks
        assert not any(map(examine.is_unsettled, leaking.leaks))

    @pytest.mark.obligation("O-81")
    def test_goes_to_the_agencies_but_not_out(self, in_doubt, monkeypatch):
        output = outputs.cleared(in_doubt)
        monkeypatch.setattr(clock, "now", lambda: LONG_AFTER)
        with pytest.raises(Blocked, match="left 1 point open: two people must rule"):
            services.release(output, by=of_group(), at=LONG_AFTER)
        assert "two people rule on that" in pages.verdict(output, standing.latest_check(output))

    @pytest.mark.obligation("O-81")
    def test_a_cell_near_a_small_count_does_not_go_out_either(self, near, monkeypatch):
        output = outputs.cleared(near)
        assert standing.latest_check(output).verdict == Verdict.SAFE
        monkeypatch.setattr(clock, "now", lambda: LONG_AFTER)
        with pytest.raises(Blocked, match="left 1 point open"):
            services.release(output, by=of_group(), at=LONG_AFTER)

    @pytest.mark.parametrize(
        "leaks", [(outputs.SHOWN,), (outputs.OPEN, outputs.SHOWN)], ids=["alone", "beside an open question"]
    )
    @pytest.mark.obligation("O-81")
    def test_where_a_count_leaks_nothing_is_sealed_and_it_goes_back(self, found, leaks):
        found(leaks=leaks)
        output = outputs.checked()
        assert output.status == OutputStatus.RETURNED
        check = standing.latest_check(output)
        assert (check.verdict, check.leaks) == (Verdict.NOT_SETTLED, 1)
        assert not check.tables.exists()
        said = json.loads(b"".join(services.give_sheet(check, output.author)))
        assert [leak["unsettled"] for leak in said["leaks"]].count(False) == 1


class TestTwoPeople:
    @pytest.mark.parametrize("first", ["group", "agency"])
    def test_one_of_each_side_lets_it_pass(self, in_doubt, monkeypatch, first):
        group, agency = of_group(), of_agency(in_doubt)
        one, two = (group, agency) if first == "group" else (agency, group)
        ruling = answer(ask(in_doubt, one), two)
        assert (ruling.asked_by, ruling.answered_by, ruling.confirmed_at) == (one, two, START)
        assert [event.event for event in events_of(ruling)] == ["ruling.asked", "ruling.confirmed"]
        output = outputs.cleared(in_doubt)
        monkeypatch.setattr(clock, "now", lambda: LONG_AFTER)
        released = services.release(output, by=of_group(), at=LONG_AFTER)
        assert released.status == OutputStatus.RELEASED

    def test_the_other_side_hears_of_it(self, in_doubt):
        agency = of_agency(in_doubt)
        (event,) = events_of(ask(in_doubt, of_group()))
        told = list(notices.second_to_rule(event))
        assert agency in told
        assert {person.organisation for person in told} == {agency.organisation}

    def test_asked_but_not_answered_it_does_not_pass(self, in_doubt, monkeypatch):
        ask(in_doubt, of_group())
        output = outputs.cleared(in_doubt)
        monkeypatch.setattr(clock, "now", lambda: LONG_AFTER)
        with pytest.raises(Blocked, match="two people must rule"):
            services.release(output, by=of_group(), at=LONG_AFTER)

    def test_declined_it_does_not_pass_and_may_be_asked_again(self, in_doubt, monkeypatch):
        ruling = answer(ask(in_doubt, of_group()), of_agency(in_doubt), confirms=False)
        assert ruling.declined_at == START
        output = outputs.cleared(in_doubt)
        monkeypatch.setattr(clock, "now", lambda: LONG_AFTER)
        with pytest.raises(Blocked, match="two people must rule"):
            services.release(output, by=of_group(), at=LONG_AFTER)
        assert ask(output, of_group()).pk != ruling.pk

    def test_a_new_file_is_another_matter(self, in_doubt):
        answer(ask(in_doubt, of_group()), of_agency(in_doubt))
        output = services.return_to_author(in_doubt, comment="A label.", by=of_agency(in_doubt), at=START)
        output = services.send_new_file(
            output, name="t.csv", content=[outputs.TABLE], by=output.author, at=START
        )
        assert standing.ruling_on(standing.latest_check(outputs.judged(output))) is None


class TestRefusals:
    def test_without_a_reason(self, in_doubt):
        with pytest.raises(Blocked, match="Say why it may pass"):
            ask(in_doubt, of_group(), reason=" ")
        with pytest.raises(Blocked, match="reason in writing"):
            answer(ask(in_doubt, of_group()), of_agency(in_doubt), text=" ")

    def test_by_the_same_person(self, in_doubt):
        both = of_agency(in_doubt)
        group = operating_group()
        give_role(
            both, Role.OPERATING_GROUP, organisation=group, by=system_user(), at=START, since=START.date()
        )
        ruling = ask(in_doubt, both)
        with pytest.raises(Blocked, match="another person answers"):
            answer(ruling, both)
        with pytest.raises(IntegrityError), transaction.atomic():
            Ruling.objects.filter(pk=ruling.pk).update(answered_by=both, confirmed_at=START)

    def test_by_two_of_the_operating_group(self, in_doubt):
        with pytest.raises(Blocked, match="A data steward or board member of"):
            answer(ask(in_doubt, of_group()), of_group())

    def test_by_two_of_agencies(self, in_doubt):
        with pytest.raises(Blocked, match="Somebody of the operating group answers"):
            answer(ask(in_doubt, of_agency(in_doubt)), of_agency(in_doubt, 1))

    def test_by_an_agency_that_is_not_the_one_concerned(self, in_doubt):
        first, second = projects.suppliers(in_doubt.project)
        with pytest.raises(Blocked, match=f"board member of {first}"):
            answer(ask(in_doubt, of_group(), agency=first), of_agency(in_doubt, 1))
        with pytest.raises(Blocked, match="You do not speak for"):
            ask(in_doubt, of_agency(in_doubt), agency=second)

    def test_by_its_author_or_somebody_of_no_party(self, in_doubt):
        with pytest.raises(Blocked, match="somebody else reviews it"):
            ask(in_doubt, in_doubt.author)
        with pytest.raises(Blocked, match="Only a data steward"):
            ask(in_doubt, factories.hub_member())

    def test_for_an_agency_that_has_no_part(self, in_doubt):
        with pytest.raises(Blocked, match="Name the agency that is concerned"):
            ask(in_doubt, of_group(), agency=factories.organisation())
        with pytest.raises(Blocked, match="Name the agency that is concerned"):
            ask(in_doubt, of_group(), agency=operating_group())

    def test_where_nothing_is_open_or_it_is_asked_already(self, in_doubt):
        ask(in_doubt, of_group())
        with pytest.raises(Blocked, match="asked for already"):
            ask(in_doubt, of_group())

    def test_where_nothing_was_left_open(self):
        output = outputs.sent()
        with pytest.raises(Blocked, match="left nothing open"):
            ask(output, of_group())

    @pytest.mark.obligation("O-81")
    def test_where_a_count_leaks_even_if_it_came_this_far(self, in_doubt):
        ruling = ask(in_doubt, of_group())
        check = standing.latest_check(in_doubt)
        type(check).objects.filter(pk=check.pk).update(leaks=1)
        with pytest.raises(Blocked, match="Nobody can let that pass"):
            answer(ruling, of_agency(in_doubt))
        Ruling.objects.filter(pk=ruling.pk).update(
            confirmed_at=START, answered_by=of_agency(in_doubt), answer="So what."
        )
        with pytest.raises(Blocked, match=r"two people must rule|not protected"):
            services.release(in_doubt, by=of_group(), at=LONG_AFTER)

    def test_before_it_is_with_the_agencies(self, found):
        found(leaks=(outputs.OPEN,))
        output = outputs.checked()
        with pytest.raises(Blocked):
            ask(output, of_group())
        assert not Ruling.objects.exists()
