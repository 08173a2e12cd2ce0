"""The requests desk through its pages: who may open what, and each role's way through it."""

import pytest
from django.urls import reverse

from p20win.audit.public import Event
from requests_app.models import DataRequest
from requests_app.services import drafting, review
from requests_app.vocabulary import Outcome, Status
from tests import factories
from tests import factories_requests as made
from tests.factories import PASSWORD, START

pytestmark = pytest.mark.django_db


def url(name, row, *more):
    return reverse(f"requests_app:{name}", args=[row.pk, *more])


class TestWhoSeesWhat:
    def test_a_request_one_may_not_see_does_not_exist(self, signed_in):
        row = made.submitted()
        client = signed_in(factories.person())

        for name in ("home", "answers", "submit", "people", "withdraw", "import", "template"):
            assert client.get(url(name, row)).status_code == 404, name
        for name, more in (("section", "purpose"), ("rows", "elements"), ("row-new", "questions")):
            assert client.get(url(name, row, more)).status_code == 404, name
        for name in ("completeness", "decide"):
            assert client.get(url(name, row)).status_code == 404, name
        for name in ("send", "return", "explain"):
            assert client.post(url(name, row)).status_code == 404, name

    def test_reviewers_see_no_draft(self, signed_in):
        row = made.complete()

        assert signed_in(factories.operating_group_member()).get(url("home", row)).status_code == 404

    def test_reviewers_cannot_open_the_requestors_pages(self, signed_in):
        row = made.submitted()
        client = signed_in(factories.operating_group_member())

        assert client.get(url("home", row)).status_code == 200
        for name in ("answers", "submit", "import"):
            assert client.get(url(name, row)).status_code == 404

    def test_whoever_is_not_signed_in_goes_to_sign_in(self, client):
        answer = client.get(reverse("requests_app:index"))

        assert answer.status_code == 302
        assert "login" in answer.url

    def test_an_agencys_page_of_people_is_its_own(self, signed_in):
        row = made.approved()
        first, second = made.agencies_of(row)
        client = signed_in(factories.steward(first))

        assert client.post(url("people-approve", row, second.slug)).status_code == 404


class TestList:
    def test_is_empty_with_the_one_thing_to_do(self, signed_in):
        page = signed_in(made.requestor()).get(reverse("requests_app:index")).content.decode()

        assert "Begin your first request" in page

    def test_searches_filters_and_sorts(self, signed_in):
        by = made.requestor()
        for title in ("Alpha", "Beta"):
            made.draft(by=by, title=title)
        client = signed_in(by)
        address = reverse("requests_app:index")

        assert "Alpha" not in client.get(address, {"q": "bet"}).content.decode()
        assert "No request fits" in client.get(address, {"status": "approved"}).content.decode()
        page = client.get(address, {"sort": "-title"}).content.decode()
        assert page.index("Beta") < page.index("Alpha")

    def test_asks_the_database_as_often_for_many_as_for_one(self, signed_in, django_assert_max_num_queries):
        by = made.requestor()
        for number in range(12):
            made.draft(by=by, title=f"Request {number}")
        client = signed_in(by)

        with django_assert_max_num_queries(20):
            client.get(reverse("requests_app:index"))


class TestWriting:
    def test_from_a_title_to_a_number(self, signed_in):
        ready = made.complete()
        client = signed_in(ready.requestor)
        answer = client.post(reverse("requests_app:new"), {"title": "Fresh"})
        fresh = DataRequest.objects.get(title="Fresh")
        assert answer.url == fresh.get_absolute_url()
        page = client.get(answer.url).content.decode()
        assert "0 of 7 parts complete" in page

        form = {"name_under_statements": ready.requestor.name, "password": PASSWORD}
        form["name_under_certification"] = ready.requestor.name
        answer = client.post(url("submit", ready), form, follow=True)

        assert "Submitted as DR-0001." in answer.content.decode()
        ready.refresh_from_db()
        assert ready.status == Status.SUBMITTED

    def test_saves_a_section_and_shows_it_again(self, signed_in):
        row = made.draft()
        client = signed_in(row.requestor)
        said = {"summary": "Pupils of grade 9", "legal_bases": ["ferpa_audit", "uc"]}

        answer = client.post(url("section", row, "purpose"), said, follow=True)

        assert "is saved" in answer.content.decode()
        row.refresh_from_db()
        assert row.legal_bases == ["ferpa_audit", "uc"]
        assert "Pupils of grade 9" in client.get(url("section", row, "purpose")).content.decode()

    def test_ticks_agencies_and_statements(self, signed_in):
        row, agency = made.draft(), factories.organisation()
        client = signed_in(row.requestor)

        client.post(url("section", row, "basics"), {"title": "T", "agencies": [agency.pk], "discussed": "no"})
        client.post(url("section", row, "confidentiality"), {"affirmations": ["1", "12"]})

        row.refresh_from_db()
        assert (made.agencies_of(row), row.discussed) == ([agency], False)
        assert [each.number for each in row.affirmations.all()] == [1, 12]

    def test_every_section_and_list_opens(self, signed_in):
        row = made.complete()
        client = signed_in(row.requestor)
        names = [("section", slug) for slug in ("basics", "requestor", "purpose", "data")]
        names += [("section", slug) for slug in ("confidentiality", "other", "plans")]
        kinds = ("discussions", "people", "populations", "tables", "outputs", "questions", "elements")
        names += [(name, kind) for kind in kinds for name in ("rows", "row-new")]

        for name, more in names:
            assert client.get(url(name, row, more)).status_code == 200, (name, more)
        for name in ("home", "answers", "submit", "import", "template", "people", "withdraw"):
            assert client.get(url(name, row)).status_code == 200, name
        assert client.get(url("rows", row, "nonsense")).status_code == 404

    def test_adds_changes_and_removes_a_row(self, signed_in):
        row = made.draft()
        client = signed_in(row.requestor)

        client.post(url("row-new", row, "questions"), {"code": "rq0", "text": "Who?"})
        question = row.questions.get(code="RQ0")
        client.post(url("row", row, "questions", question.pk), {"code": "RQ0", "text": "Who then?"})
        question.refresh_from_db()
        assert question.text == "Who then?"
        assert "Remove RQ0?" in client.get(url("row-remove", row, "questions", question.pk)).content.decode()
        client.post(url("row-remove", row, "questions", question.pk))
        assert not row.questions.exists()

    def test_says_what_is_wrong_with_a_row(self, signed_in):
        row = made.complete()
        client = signed_in(row.requestor)

        page = client.post(url("row-new", row, "questions"), {"code": "RQ0", "text": "x"}).content.decode()

        assert "A question has this number already." in page

    def test_import_shows_row_and_column(self, signed_in):
        from django.core.files.uploadedfile import SimpleUploadedFile

        row = made.complete()
        client = signed_in(row.requestor)
        sheet = SimpleUploadedFile("e.csv", b"Name,Source agency,Source data element\nX,Nowhere,X\n")

        page = client.post(url("import", row), {"sheet": sheet}).content.decode()

        assert "Nothing was imported" in page
        assert "No participating agency is called “Nowhere”." in page

    def test_check_answers_links_to_what_is_missing(self, signed_in):
        row = made.draft()

        page = signed_in(row.requestor).get(url("answers", row)).content.decode()

        assert f"{url('section', row, 'purpose')}#id_summary" in page
        assert f'href="{url("rows", row, "elements")}"' in page

    def test_a_contradiction_is_kept_with_a_reason(self, signed_in):
        row = made.complete()
        client = signed_in(row.requestor)
        client.post(url("row-new", row, "questions"), {"code": "RQ7", "text": "Later?"})
        assert "No data element serves RQ7." in client.get(url("answers", row)).content.decode()

        client.post(url("explain", row), {"key": "question-without-element:RQ7", "reason": "A later phase."})

        assert "Nothing is missing." in client.get(url("answers", row)).content.decode()


class TestReviewing:
    def test_operating_group_comments_and_sends_back(self, signed_in):
        row = made.submitted()
        client = signed_in(factories.operating_group_member())
        page = client.get(url("completeness", row)).content.decode()
        assert "Write at least one comment" in page

        client.post(url("completeness", row), {"about": "summary", "text": "Which grades?"})
        client.post(url("return", row))

        row.refresh_from_db()
        assert row.status == Status.RETURNED
        page = signed_in(row.requestor).get(url("home", row)).content.decode()
        assert "Which grades?" in page

    def test_from_the_agencies_to_an_approved_request(self, signed_in):
        row = made.submitted()
        signed_in(factories.operating_group_member()).post(url("send", row))
        for agency in made.agencies_of(row):
            member = made.board_member(agency)
            client = signed_in(member)
            assert "Sign the decision" in client.get(url("decide", row)).content.decode()
            form = {"outcome": Outcome.APPROVAL, "data_available": "on", "typed_name": member.name}
            answer = client.post(url("decide", row), form | {"password": PASSWORD}, follow=True)
            assert "Your decision is signed." in answer.content.decode()

        row.refresh_from_db()
        assert row.status == Status.APPROVED
        page = client.get(url("home", row)).content.decode()
        assert "Every agency approved" in page
        assert "has decided already" in page or "Not possible" in page

    @pytest.mark.obligation("O-32")
    def test_a_decision_is_on_the_version_that_was_read(self, signed_in):
        row = made.with_agencies()
        first, second = made.agencies_of(row)
        member = made.board_member(second)
        client = signed_in(member)
        read = client.get(url("decide", row)).context["form"]["seen"].value()
        assert read == row.submissions.get().digest
        # Meanwhile another round is sent round: the page that is still open shows the one before.
        made.decide(row, first, Outcome.CONDITIONAL)
        made.decide(row, second, Outcome.CONDITIONAL)
        row.refresh_from_db()
        drafting.save_section(row, "purpose", by=row.requestor, at=START, summary="Another purpose.")
        made.sign_and_submit(row)
        row.refresh_from_db()
        review.send_to_agencies(row, by=factories.operating_group_member(), at=START)

        form = {"outcome": Outcome.APPROVAL, "data_available": "on", "typed_name": member.name, "seen": read}
        answer = client.post(url("decide", row), form | {"password": PASSWORD})

        assert answer.status_code == 409
        shown = answer.content.decode()
        assert "changed after you opened this page" in shown
        assert "Another purpose." in shown
        assert not row.decisions.filter(round=row.round).exists()
        form["seen"] = answer.context["form"]["seen"].value()
        client.post(url("decide", row), form | {"password": PASSWORD})
        assert row.decisions.filter(round=row.round).count() == 1

    def test_a_wrong_name_signs_nothing(self, signed_in):
        row = made.with_agencies()
        member = made.board_member(made.agencies_of(row)[0])
        form = {"outcome": Outcome.APPROVAL, "data_available": "on", "typed_name": "Nobody"}

        page = signed_in(member).post(url("decide", row), form | {"password": PASSWORD}).content.decode()

        assert "Type your name as it stands" in page
        assert not row.decisions.exists()

    def test_conditional_with_a_refused_element(self, signed_in):
        row = made.with_agencies()
        agency = made.agencies_of(row)[0]
        member = made.board_member(agency)
        form = {
            "outcome": Outcome.CONDITIONAL,
            "conditions": "Without it, fine.",
            "refused": ["Outcome"],
            "refusal_reason": "Not ours to give.",
            "typed_name": member.name,
            "password": PASSWORD,
        }

        page = signed_in(member).post(url("decide", row), form, follow=True).content.decode()

        assert "Does not give Outcome" in page

    def test_withdraw_and_revise(self, signed_in):
        row = made.submitted()
        client = signed_in(row.requestor)
        client.post(url("withdraw", row), {"reason": "No funding."})
        row.refresh_from_db()
        assert row.status == Status.WITHDRAWN

        row = made.approved()
        answer = signed_in(row.requestor).post(url("revise", row, "modification"), follow=True)
        assert "Modification begun" in answer.content.decode()


class TestPeople:
    def test_many_are_approved_at_once_and_one_is_refused(self, signed_in):
        row = made.approved()
        agency = made.agencies_of(row)[0]
        listed = [made.named(row) for _ in range(3)]
        client = signed_in(factories.steward(agency))
        page = client.get(url("people", row)).content.decode()
        assert all(person.name in page for person in listed)

        chosen = [person.pk for person in listed[:2]]
        answer = client.post(url("people-approve", row, agency.slug), {"person": chosen}, follow=True)
        assert "Approved for" in answer.content.decode()
        client.post(
            url("person-refuse", row, agency.slug, listed[2].pk), {"reason": "No link to the project."}
        )

        assert Event.objects.filter(event="person.approved").count() == 2
        approval = listed[2].approvals.get()
        assert (approval.outcome, approval.reason) == ("refused", "No link to the project.")
        client.post(url("approval-withdraw", row, approval.pk), {"reason": "Explained."})
        approval.refresh_from_db()
        assert approval.withdrawn_at

    def test_none_ticked_is_said(self, signed_in):
        row = made.approved()
        agency = made.agencies_of(row)[0]

        answer = signed_in(factories.steward(agency)).post(
            url("people-approve", row, agency.slug), follow=True
        )

        assert "Tick at least one person" in answer.content.decode()
