"""A request from submission to decision, and its revisions."""

import datetime as dt

import pytest

from p20win.audit.public import Event, events_of
from p20win.projects import public as projects
from p20win.refusal import Blocked
from requests_app import checks, content, selectors
from requests_app.models import DataRequest, Decision
from requests_app.services import drafting, people, review, revising, rows
from requests_app.vocabulary import Kind, Outcome, Status
from tests import factories
from tests import factories_requests as made
from tests.factories import START

pytestmark = pytest.mark.django_db


class TestSubmit:
    @pytest.mark.obligation("O-15", "O-27")
    def test_signs_twice_numbers_and_opens_to_reviewers(self):
        row = made.submitted()
        agency = made.agencies_of(row)[0]

        assert row.status == Status.SUBMITTED
        assert row.project.number == "DR-0001"
        kinds = set(row.project.signatures.values_list("document_kind", "text_version"))
        assert kinds == {("request-confidentiality", "2026-1"), ("request-certification", "2026-1")}
        assert row in selectors.visible_to(made.board_member(agency))
        assert row in selectors.visible_to(factories.operating_group_member())
        assert row not in selectors.visible_to(factories.person())

    def test_a_wrong_password_leaves_no_trace(self):
        row = made.complete()
        before = Event.objects.count()

        with pytest.raises(Blocked, match="password is not right"):
            made.sign_and_submit(row, password="a wrong one altogether")

        row.refresh_from_db()
        assert (row.status, row.project.number, Event.objects.count()) == (Status.DRAFT, "", before)

    def test_numbers_have_no_gap_when_one_is_refused(self):
        made.submitted()
        with pytest.raises(Blocked):
            made.sign_and_submit(made.draft())

        assert made.submitted().project.number == "DR-0002"

    def test_keeps_the_exact_content_that_was_signed(self):
        row = made.submitted()
        kept = row.submissions.get()

        assert kept.content == content.content(row)
        assert kept.digest == content.digest(kept.content)


class TestCompletenessCheck:
    def test_a_comment_names_a_part_of_the_form(self):
        row, member = made.submitted(), factories.operating_group_member()

        with pytest.raises(Blocked, match="Choose the part"):
            review.comment(row, "plans", "Which desktops?", by=member, at=START)

        assert not row.comments.exists()

    @pytest.mark.obligation("O-31")
    def test_is_sent_back_with_comments_only(self):
        row, member = made.submitted(), factories.operating_group_member()
        with pytest.raises(Blocked, match="at least one comment"):
            review.return_with_comments(row, by=member, at=START)

        review.comment(row, "summary", "Which grades?", by=member, at=START)
        row = review.return_with_comments(row, by=member, at=START)

        assert row.status == Status.RETURNED
        drafting.save_section(row, "purpose", by=row.requestor, at=START, summary="Grades 9 to 12.")
        row.refresh_from_db()
        row = made.sign_and_submit(row)
        assert (row.round, row.project.number) == (2, "DR-0001")
        old, new = row.submissions.all()
        (change,) = content.compare(old.content, new.content)
        assert (change.what, change.after) == ("Summary of the data, years and cohorts", "Grades 9 to 12.")

    @pytest.mark.obligation("O-10")
    def test_an_agency_that_is_no_longer_asked_sees_it_no_more(self):
        kept, more, dropped = (factories.organisation() for _ in range(3))
        row, member = made.submitted(kept, more, dropped), factories.operating_group_member()
        board = {agency: made.board_member(agency) for agency in (kept, more, dropped)}
        assert all(projects.is_visible(person, row.project_id) for person in board.values())
        review.comment(row, "summary", "Two agencies are enough.", by=member, at=START)
        row = review.return_with_comments(row, by=member, at=START)
        for element in row.elements.filter(source=dropped):
            rows.take_out(element, by=row.requestor, at=START)
        drafting.ask_agencies(row, (kept, more), by=row.requestor, at=START)
        assert projects.is_visible(board[dropped], row.project_id)  # until the next round begins

        row.refresh_from_db()
        row = made.sign_and_submit(row)

        seen = {agency: projects.is_visible(person, row.project_id) for agency, person in board.items()}
        assert seen == {kept: True, more: True, dropped: False}
        assert events_of(row).filter(event="agency.access_closed").count() == 1

    def test_nobody_checks_their_own(self):
        requestor = factories.person("requestor", "operating_group", at=factories.operating_group())
        row = made.submitted(by=requestor)

        with pytest.raises(Blocked, match="You are the requestor"):
            review.send_to_agencies(row, by=requestor, at=START)

    def test_agencies_do_not_send_it_to_themselves(self):
        row = made.submitted()

        with pytest.raises(Blocked, match="Only the operating group"):
            review.send_to_agencies(row, by=made.board_member(made.agencies_of(row)[0]), at=START)


class TestDecide:
    @pytest.mark.obligation("O-32", "O-130")
    def test_approved_when_the_last_agency_approves_and_not_before(self):
        row = made.with_agencies()
        first, second = made.agencies_of(row)

        made.decide(row, first)
        row.refresh_from_db()
        assert row.status == Status.WITH_AGENCIES
        assert not list(selectors.approved())

        decision = made.decide(row, second)
        row.refresh_from_db()
        assert row.status == Status.APPROVED
        assert list(selectors.approved()) == [row]
        assert decision.signature.capacity == "data governing board member"
        assert selectors.last_approved_on(row) == START.date()
        assert events_of(row).filter(event="request.approved").count() == 1

    def test_opens_the_project_to_each_by_their_part(self):
        row = made.approved()
        agency = made.agencies_of(row)[0]

        assert factories.steward(agency).has_perm("projects.send_files", row.project)
        assert factories.hub_member().has_perm("projects.run_match", row.project)
        assert not factories.hub_member().has_perm("projects.send_files", row.project)
        assert not row.requestor.has_perm("projects.download_extract", row.project)

    @pytest.mark.obligation("O-33")
    def test_an_approval_confirms_the_data(self):
        row = made.with_agencies()

        with pytest.raises(Blocked, match="Confirm that the data is available"):
            made.decide(row, made.agencies_of(row)[0], data_available=False)

    @pytest.mark.parametrize(
        ("outcome", "said", "why"),
        [
            (Outcome.CONDITIONAL, {"conditions": " "}, "what more is needed"),
            (Outcome.DISAPPROVAL, {"reasons": ""}, "Give the reasons"),
            ("perhaps", {}, "Choose a decision"),
            (Outcome.APPROVAL, {"min_cell_count": 3}, "cell_floor"),
        ],
    )
    def test_says_what_and_why(self, outcome, said, why):
        row = made.with_agencies()

        with pytest.raises(Blocked, match=why):
            made.decide(row, made.agencies_of(row)[0], outcome, **said)

        assert not Decision.objects.exists()

    def test_an_agency_decides_once(self):
        row = made.with_agencies()
        agency = made.agencies_of(row)[0]
        made.decide(row, agency)

        with pytest.raises(Blocked, match="has decided already"):
            made.decide(row, agency)

    def test_a_requestor_does_not_decide_on_their_own(self):
        agency = factories.organisation()
        both = factories.person("requestor", "board_member", at=agency)
        row = made.with_agencies(agency, factories.organisation(), by=both)

        with pytest.raises(Blocked, match="You are the requestor"):
            made.decide(row, agency, by=both)

    def test_nobody_else_decides(self):
        row = made.with_agencies()

        with pytest.raises(Blocked, match="Only a data governing board member"):
            made.decide(row, made.agencies_of(row)[0], by=factories.steward(made.agencies_of(row)[0]))

    @pytest.mark.obligation("O-34", "O-35")
    def test_goes_on_without_a_refused_element_once_the_requestor_drops_it(self):
        row = made.with_agencies()
        first, second = made.agencies_of(row)
        made.decide(row, first, Outcome.CONDITIONAL, refused={"Outcome": "Not collected lawfully."})
        made.decide(row, second)
        row.refresh_from_db()
        assert row.status == Status.CONDITIONAL
        assert "does not give Outcome" in (checks.drops_what_was_refused(row, row.requestor) or "")
        with pytest.raises(Blocked, match="does not give Outcome"):
            made.sign_and_submit(row)

        rows.take_out(row.elements.get(name="Outcome", source=first), by=row.requestor, at=START)
        row = made.sign_and_submit(row)

        assert (row.status, row.round) == (Status.SUBMITTED, 2)
        row = review.send_to_agencies(row, by=factories.operating_group_member(), at=START)
        for agency in (first, second):
            made.decide(row, agency)
        row.refresh_from_db()
        assert row.status == Status.APPROVED

    @pytest.mark.obligation("O-176")
    def test_ends_when_fewer_than_two_agencies_are_left(self):
        row = made.with_agencies()
        first, second = made.agencies_of(row)
        made.decide(row, first, Outcome.DISAPPROVAL)
        made.decide(row, second)
        row.refresh_from_db()

        assert row.status == Status.DISAPPROVED

    @pytest.mark.obligation("O-100", "O-166")
    def test_the_earliest_destruction_date_binds(self):
        row = made.with_agencies()
        first, second = made.agencies_of(row)
        made.decide(row, first, destruction_limit=dt.date(2028, 1, 31))
        made.decide(row, second)

        assert selectors.destruction_date(row.project) == dt.date(2028, 1, 31)
        assert selectors.destruction_date(row.project, dt.date(2026, 8, 31)) == dt.date(2027, 8, 31)

    @pytest.mark.obligation("O-57")
    def test_the_strictest_cell_count_binds(self):
        strict = factories.organisation(min_cell_count=10)
        row = made.approved(strict, factories.organisation())

        assert selectors.min_cell_count(row.project) == 10


class TestWithdraw:
    def test_ends_the_request_for_good(self):
        row = review.withdraw(made.draft(), by=DataRequest.objects.get().requestor, at=START)

        assert row.status == Status.WITHDRAWN
        with pytest.raises(Blocked):
            review.withdraw(row, by=row.requestor, at=START)


class TestRevise:
    @pytest.mark.obligation("O-14", "O-38")
    def test_begins_from_what_was_approved_and_is_decided_like_it(self):
        row = made.approved()
        new = revising.revise(row, Kind.MODIFICATION, by=row.requestor, at=START)

        before, after = content.content(row), content.content(new)
        whats = {change.what.split(": ")[0] for change in content.compare(before, after)}
        assert whats == {"Type of request", "Statements affirmed (4.b)"}
        assert selectors.request_for(row.project) == row
        with pytest.raises(Blocked, match="under way"):
            revising.revise(row, Kind.CONTINUATION, by=row.requestor, at=START)

    def test_people_keep_their_approvals_and_those_left_out_lose_access(self):
        row = made.approved()
        kept, gone = (made.approve_person(made.named(row)) for _ in range(2))
        new = revising.revise(row, Kind.CONTINUATION, by=row.requestor, at=START)
        people.take_off(new.people.get(email=gone.email), by=row.requestor, at=START)
        account = type(gone.user).objects.get(pk=gone.user.pk)
        assert account.has_perm("projects.download_extract", row.project)
        drafting.affirm(new, range(1, 13), by=row.requestor, at=START)
        new = made.sign_and_submit(new)
        review.send_to_agencies(new, by=factories.operating_group_member(), at=START)
        for agency in made.agencies_of(new):
            made.decide(new, agency)

        kept, gone = (type(each.user).objects.get(pk=each.user.pk) for each in (kept, gone))
        assert selectors.request_for(row.project) == new
        assert kept.has_perm("projects.download_extract", row.project)
        assert not gone.has_perm("projects.download_extract", row.project)
