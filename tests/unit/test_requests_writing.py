"""A request as it is written: sections, rows, and what it still lacks."""

import datetime as dt

import pytest
from django.db import IntegrityError, transaction

from p20win.audit.public import events_of
from p20win.refusal import Blocked
from requests_app import completeness, selectors
from requests_app.models import DataElement, DataRequest
from requests_app.services import drafting, rows
from requests_app.vocabulary import Status
from tests import factories
from tests import factories_requests as made
from tests.factories import START

pytestmark = pytest.mark.django_db


def messages(row):
    return " ".join(problem.message for problem in completeness.problems(row))


class TestDrafting:
    def test_begins_with_a_project_and_the_requestor_on_the_list(self):
        row = made.draft()

        assert row.status == Status.DRAFT
        assert not row.project.number
        assert row.requestor.has_perm("projects.edit_request", row.project)
        assert [person.user for person in selectors.people_of(row)] == [row.requestor]

    def test_only_a_requestor_begins_one(self):
        with pytest.raises(Blocked, match="Only a requestor"):
            drafting.create_draft("Mine", by=factories.person(), at=START)

    def test_nobody_else_writes_in_it(self):
        row = made.draft()

        with pytest.raises(Blocked, match="Only the requestor"):
            drafting.save_section(row, "purpose", by=made.requestor(), at=START, summary="x")

        assert DataRequest.objects.get().summary == ""

    def test_saves_what_changed_and_says_which_fields(self):
        row = made.draft()

        drafting.save_section(row, "purpose", by=row.requestor, at=START, summary="Pupils", method="")

        event = events_of(row).last()
        assert event.event == "request.saved"
        assert event.details == {"section": "purpose", "fields": ["summary"]}

    def test_refuses_a_value_that_does_not_fit(self):
        row = made.draft()

        with pytest.raises(Blocked, match="Legal basis"):
            drafting.save_section(row, "purpose", by=row.requestor, at=START, legal_bases=["magic"])

    def test_cannot_be_changed_once_submitted(self):
        row = made.submitted()

        with pytest.raises(Blocked, match="cannot be changed"):
            drafting.save_section(row, "purpose", by=row.requestor, at=START, summary="Other")


class TestRows:
    def test_a_cited_question_stays(self):
        row = made.complete()

        with pytest.raises(Blocked, match="cited by 2 data elements"):
            rows.take_out(row.questions.get(), by=row.requestor, at=START)

    @pytest.mark.obligation("O-21")
    def test_an_element_is_listed_once_per_source(self):
        row = made.complete()
        agency = made.agencies_of(row)[0]

        with pytest.raises(Blocked, match="of this name already"):
            rows.add(
                row, "elements", by=row.requestor, at=START, name="OUTCOME", source=agency, source_element="x"
            )

    def test_the_database_refuses_it_too(self):
        row = made.complete()
        element = row.elements.first()

        with pytest.raises(IntegrityError), transaction.atomic():
            DataElement(
                request=row, name=element.name.lower(), source=element.source, source_element="x"
            ).save()

    def test_a_removed_row_keeps_its_history(self):
        row = made.complete()
        element = row.elements.get(name="Outcome", source=made.agencies_of(row)[0])

        pk = element.pk
        rows.take_out(element, by=row.requestor, at=START)

        last = DataElement.history.filter(id=pk).order_by("-history_id").first()
        assert (last.history_type, last.history_user) == ("-", row.requestor)

    def test_points_to_rows_of_the_same_request_only(self):
        row, other = made.complete(), made.complete()

        with pytest.raises(Blocked, match="same request"):
            rows.change(row.elements.first(), by=row.requestor, at=START, questions=[other.questions.get()])


class TestCompleteness:
    def test_a_new_draft_lacks_nearly_everything_and_says_where(self):
        found = completeness.problems(made.draft())

        assert {problem.section for problem in found} == {
            "basics", "requestor", "purpose", "data", "confidentiality", "other", "plans",
        }  # fmt: skip

    def test_a_complete_one_lacks_nothing(self):
        assert completeness.problems(made.complete()) == []

    @pytest.mark.obligation("O-17")
    def test_one_agency_alone_is_asked_directly(self):
        row = made.complete(factories.organisation(short_name="LONE"))

        assert "ask LONE directly" in messages(row)
        with pytest.raises(Blocked, match="LONE"):
            made.sign_and_submit(row)

    @pytest.mark.obligation("O-19")
    def test_must_serve_more_than_agencies_that_are_no_state_bodies(self):
        row = made.complete()
        drafting.save_section(row, "purpose", by=row.requestor, at=START, beneficiaries=["not_state"])
        row.refresh_from_db()

        assert "must serve an education authority or the State" in messages(row)

    @pytest.mark.obligation("O-20", "O-22")
    def test_elements_cite_a_question_unless_they_only_match(self):
        row = made.complete()
        element = row.elements.filter(name="Outcome").first()
        rows.change(element, by=row.requestor, at=START, questions=[], explanation="")

        assert "cite no research question: Outcome" in messages(row)
        assert "how they serve" in messages(row)
        assert "Identifier" not in messages(row)

    @pytest.mark.obligation("O-26")
    def test_the_destruction_date_lies_ahead(self):
        row = made.complete()
        date = dt.date(2021, 1, 1)
        row = drafting.save_section(row, "confidentiality", by=row.requestor, at=START, destruction_date=date)

        assert "must lie ahead" in messages(row)

    @pytest.mark.obligation("O-27")
    def test_all_twelve_statements_are_affirmed(self):
        row = made.complete()
        drafting.affirm(row, range(1, 12), by=row.requestor, at=START)

        assert "1 of 12 are open" in messages(row)

    @pytest.mark.obligation("O-127")
    def test_a_contradiction_stays_with_a_written_reason_only(self):
        row = made.complete()
        rows.add(row, "questions", by=row.requestor, at=START, code="RQ1", text="And why?")
        third = factories.organisation(short_name="THIRD")
        drafting.ask_agencies(row, [*made.agencies_of(row), third], by=row.requestor, at=START)
        found = {problem.key: problem.message for problem in completeness.problems(row)}

        assert found["question-without-element:RQ1"] == "No data element serves RQ1."
        assert "no data element comes from it" in found[f"agency-without-element:{third.slug}"]
        for key in found:
            drafting.explain_contradiction(row, key, "For later.", by=row.requestor, at=START)
        assert completeness.problems(row) == []

    @pytest.mark.obligation("O-125", "O-127")
    def test_a_category_that_is_not_wanted_is_the_category_of_an_element(self):
        row = made.complete()
        by, people = row.requestor, row.populations.get()
        rows.change(people, by=by, at=START, not_wanted="Wages, Grades of a year")

        (problem,) = completeness.problems(row)
        assert "does not want “Wages”, “Grades of a year”, and no data element" in problem.message
        assert not problem.key
        one, other = row.elements.filter(is_matching_identifier=False)
        rows.change(one, by=by, at=START, category="wages")
        assert "does not want “Grades of a year”," in completeness.problems(row)[0].message
        identifier = row.elements.filter(is_matching_identifier=True).first()
        rows.change(identifier, by=by, at=START, category="Grades of a year")
        assert completeness.problems(row)  # an identifier is delivered to nobody, wanted or not
        rows.change(other, by=by, at=START, category=" Grades  of a year")
        assert completeness.problems(row) == []

    @pytest.mark.obligation("O-127")
    def test_an_element_of_an_agency_that_is_not_ticked_is_no_matter_of_reasons(self):
        row = made.complete()
        stranger = factories.organisation(short_name="STRANGE")
        rows.add(
            row, "elements", by=row.requestor, at=START, name="X", source=stranger, source_element="X",
            is_matching_identifier=True,
        )  # fmt: skip

        (problem,) = completeness.problems(row)
        assert "STRANGE, which 1.e does not tick" in problem.message
        assert not problem.key

    @pytest.mark.obligation("O-126")
    def test_flag_columns_of_suppliers_are_elements_whatever_their_case(self):
        row = made.complete()
        population = row.populations.get()
        rows.add(
            row, "tables", by=row.requestor, at=START, population=population, title="List",
            school_year="2020-2021", flag_column="FLAG_COMP_1516",
        )  # fmt: skip
        assert "FLAG_COMP_1516" in messages(row)

        rows.add(
            row, "elements", by=row.requestor, at=START, name="flag_COMP1516", source=None,
            source_element="FLAG_COMP1516", questions=[row.questions.get()], explanation="Members.",
        )  # fmt: skip
        assert completeness.problems(row) == []
