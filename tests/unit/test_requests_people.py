"""The user list, the agencies' approvals of each person, and the access they open."""

import pytest
from django.db import IntegrityError, transaction

from p20win.access import AccessAsk
from p20win.refusal import Blocked
from requests_app import selectors
from requests_app.models import NamedPerson
from requests_app.services import people, rows
from requests_app.vocabulary import Scope, Side
from tests import factories
from tests import factories_requests as made
from tests.factories import START

pytestmark = pytest.mark.django_db


def fresh(user):
    """Return the person anew, with no permission remembered."""
    return type(user).objects.get(pk=user.pk)


def why_not(person, act, project, data_class="extract"):
    return selectors.why_not_approved(AccessAsk(fresh(person), act, project, data_class, START))


@pytest.mark.obligation("O-04")
class TestApproval:
    def test_opens_access_when_the_last_agency_approves(self):
        row = made.approved()
        person = made.named(row)
        first, second = made.agencies_of(row)

        people.approve([person], agency=first, by=factories.steward(first), at=START)
        assert not fresh(person.user).has_perm("projects.download_extract", row.project)
        assert second.short_name in why_not(person.user, "download", row.project)

        people.approve([person], agency=second, by=made.board_member(second), at=START)
        assert fresh(person.user).has_perm("projects.download_extract", row.project)
        assert why_not(person.user, "download", row.project) is None
        assert selectors.approved_people(row.project) == [person]

    def test_ends_at_once_when_one_agency_takes_it_back_and_can_be_given_again(self):
        row = made.approved()
        person = made.approve_person(made.named(row))
        agency = made.agencies_of(row)[0]
        steward = factories.steward(agency)
        approval = person.approvals.get(agency=agency)

        people.withdraw_approval(approval, reason="Left the team.", by=steward, at=START)

        assert not fresh(person.user).has_perm("projects.download_extract", row.project)
        assert agency.short_name in why_not(person.user, "download", row.project)
        people.approve([person], agency=agency, by=steward, at=START)
        assert why_not(person.user, "download", row.project) is None

    def test_ends_at_once_when_the_person_is_taken_off_the_list(self):
        row = made.approved()
        person = made.approve_person(made.named(row))

        people.take_off(person, by=row.requestor, at=START)

        assert not fresh(person.user).has_perm("projects.submit_output", row.project)
        assert "not on the project’s user list".replace("’", "'") in why_not(
            person.user, "download", row.project
        )

    def test_given_before_the_request_is_approved_opens_nothing_until_then(self):
        row = made.with_agencies()
        requestor = row.people.get()
        made.approve_person(requestor)
        assert "not approved" in why_not(row.requestor, "download", row.project)

        for agency in made.agencies_of(row):
            made.decide(row, agency)

        assert fresh(row.requestor).has_perm("projects.download_extract", row.project)
        assert fresh(row.requestor).has_perm("projects.sign_off_match", row.project)

    def test_a_refusal_needs_a_reason_and_opens_nothing(self):
        row = made.approved()
        person, agency = made.named(row), made.agencies_of(row)[0]
        steward = factories.steward(agency)
        with pytest.raises(Blocked, match="Give a reason"):
            people.refuse(person, agency=agency, reason=" ", by=steward, at=START)

        people.refuse(person, agency=agency, reason="Unknown to us.", by=steward, at=START)

        with pytest.raises(Blocked, match="has decided on"):
            people.approve([person], agency=agency, by=steward, at=START)

    def test_nobody_approves_for_another_agency_or_themselves(self):
        row = made.approved()
        first, second = made.agencies_of(row)
        steward = factories.steward(first)
        person = made.named(
            row, user=steward, side=Side.AGENCY, scope=Scope.EXPERT, justification="Knows it."
        )

        with pytest.raises(Blocked, match="your own access"):
            people.approve([person], agency=first, by=steward, at=START)
        with pytest.raises(Blocked, match="Only a board member or data steward"):
            people.approve([person], agency=second, by=steward, at=START)

    def test_all_or_none_of_several(self):
        row = made.approved()
        first = made.agencies_of(row)[0]
        one, two = made.named(row), made.named(row)
        people.approve([two], agency=first, by=factories.steward(first), at=START)

        with pytest.raises(Blocked, match=two.name):
            people.approve([one, two], agency=first, by=factories.steward(first), at=START)

        assert not one.approvals.exists()

    def test_an_account_opened_later_is_found_by_its_address(self):
        row = made.approved()
        values = {"name": "New Person", "organisation": "O", "project_role": "Analyst"}
        person = people.name(row, by=row.requestor, at=START, email="new@example.org", **values)
        account = factories.person(email="new@example.org", name="New Person", at=row.recipient)

        made.approve_person(person)

        assert fresh(account).has_perm("projects.download_extract", row.project)


class TestNaming:
    @pytest.mark.obligation("O-119")
    def test_a_person_of_an_agency_has_scope_and_reason(self):
        row = made.draft()

        with pytest.raises(Blocked, match="needs a scope"):
            made.named(row, side=Side.AGENCY)

    @pytest.mark.obligation("O-118")
    def test_a_contractor_has_a_contract(self):
        row = made.draft()

        with pytest.raises(Blocked, match="Name the contract"):
            made.named(row, is_contractor=True)
        with pytest.raises(IntegrityError), transaction.atomic():
            NamedPerson(
                request=row, name="N", email="n@example.org", is_contractor=True, named_at=START
            ).save()

    def test_a_person_stands_on_the_list_once(self):
        row = made.draft()
        person = made.named(row)

        with pytest.raises(Blocked, match="on the list already"):
            made.named(row, user=person.user)

    def test_who_was_decided_on_is_not_changed_under_the_agencies_eyes(self):
        row = made.approved()
        person = made.approve_person(made.named(row))

        with pytest.raises(Blocked, match="has been decided on"):
            people.change(person, by=row.requestor, at=START, name="Somebody Else")

    def test_the_requestor_stays(self):
        row = made.draft()

        with pytest.raises(Blocked, match="stays on the user list"):
            people.take_off(row.people.get(), by=row.requestor, at=START)


class TestAccessCondition:
    def test_agency_and_hub_at_work_in_their_own_part_pass(self):
        row = made.approved()
        agency = made.agencies_of(row)[0]

        assert why_not(factories.steward(agency), "upload", row.project, "matching") is None
        assert why_not(factories.hub_member(), "match", row.project, "matching") is None
        assert why_not(factories.steward(agency), "download", row.project)
        assert why_not(made.board_member(agency), "upload", row.project, "matching")
        assert why_not(factories.steward(factories.organisation()), "upload", row.project, "matching")

    @pytest.mark.obligation("O-09")
    def test_identifiable_unemployment_records_are_for_state_people_alone(self):
        row = made.complete()
        element = row.elements.first()
        rows.change(element, by=row.requestor, at=START, is_uc=True)
        row.legal_bases = ["ferpa_audit", "uc"]
        row.save()
        row = made.sign_and_submit(row)
        from requests_app.services import review

        review.send_to_agencies(row, by=factories.operating_group_member(), at=START)
        for agency in made.agencies_of(row):
            made.decide(row, agency)
        outside, inside = (
            factories.hub_member(),
            factories.person("hub_staff", at=factories.hub(), is_state_employee=True),
        )

        assert "Only state employees" in why_not(outside, "match", row.project, "matching")
        assert why_not(inside, "match", row.project, "matching") is None
        assert "Only state employees" in why_not(row.requestor, "download", row.project, "extract")
        steward = factories.steward(made.agencies_of(row)[0])
        assert why_not(steward, "upload", row.project, "matching") is None

    @pytest.mark.obligation("O-119")
    def test_support_of_the_matching_takes_no_delivered_data(self):
        row = made.approved()
        person = made.named(row, side=Side.AGENCY, scope=Scope.MATCHING, justification="Knows the files.")
        made.approve_person(person)

        assert "support the matching" in why_not(person.user, "download", row.project)
        assert not fresh(person.user).has_perm("projects.download_extract", row.project)

    def test_nobody_passes_before_the_request_is_approved(self):
        row = made.with_agencies()

        assert "not approved" in why_not(row.requestor, "download", row.project)


class TestNotices:
    @pytest.mark.obligation("O-36")
    def test_each_step_is_told_to_those_it_concerns(self):
        from p20win.audit.public import Event
        from p20win.notifications.public import registered
        from requests_app.notices import NOTICES

        agency, other = factories.organisation(), factories.organisation()
        steward, checker = factories.steward(agency), factories.operating_group_member()
        stranger = factories.steward(factories.organisation())
        row = made.approved(agency, other)
        told = {
            event: {
                person.pk for line in Event.objects.filter(event=event) for person in notice.audience(line)
            }
            for event, notice in NOTICES.items()
        }

        assert set(NOTICES) <= set(registered())
        assert told["request.submitted"] >= {checker.pk}
        assert steward.pk in told["request.sent_to_agencies"]
        assert {row.requestor.pk, steward.pk, checker.pk} <= told["request.approved"]
        assert not any(stranger.pk in people for people in told.values())
