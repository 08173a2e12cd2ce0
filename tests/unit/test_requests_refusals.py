"""What the requests desk refuses, and in which words."""

import datetime as dt
import io
import zipfile

import pytest

from p20win.refusal import Blocked
from requests_app import checks, completeness, selectors, sheets, texts
from requests_app.models import DataRequest
from requests_app.services import drafting, importing, people, review, revising, rows
from requests_app.vocabulary import Kind, Outcome, Side, Status
from tests import factories
from tests import factories_requests as made
from tests.factories import START

pytestmark = pytest.mark.django_db


def problems_of(row):
    row = DataRequest.objects.get(pk=row.pk)
    return " ".join(problem.message for problem in completeness.problems(row))


class TestDrafting:
    def test_a_title_is_needed(self):
        with pytest.raises(Blocked, match="Give the request a title"):
            drafting.create_draft("  ", by=made.requestor(), at=START)

    def test_a_field_of_another_section_is_a_mistake_of_the_caller(self):
        row = made.draft()

        with pytest.raises(LookupError, match="has no field summary"):
            drafting.save_section(row, "basics", by=row.requestor, at=START, summary="x")

    def test_saving_what_is_saved_writes_no_line(self):
        row = made.draft()

        assert drafting.save_section(row, "basics", by=row.requestor, at=START, title=row.title) == row
        assert row.history.count() == 1

    def test_a_new_title_is_the_projects_too(self):
        row = made.draft()

        drafting.save_section(row, "basics", by=row.requestor, at=START, title="Another title")

        row.project.refresh_from_db()
        assert row.project.title == "Another title"

    def test_only_agencies_are_asked(self):
        row = made.draft()

        with pytest.raises(Blocked, match="no participating agency"):
            drafting.ask_agencies(row, [row.recipient], by=row.requestor, at=START)

    def test_an_agency_can_be_taken_off(self):
        row = made.complete()
        first, _ = made.agencies_of(row)

        drafting.ask_agencies(row, [first], by=row.requestor, at=START)

        assert made.agencies_of(row) == [first]

    def test_there_are_twelve_statements(self):
        row = made.draft()

        with pytest.raises(Blocked, match="no statement 13"):
            drafting.affirm(row, [13], by=row.requestor, at=START)

    def test_a_contradiction_needs_words_which_can_be_changed(self):
        row = made.draft()
        with pytest.raises(Blocked, match="Write a reason"):
            drafting.explain_contradiction(row, "some-key", " ", by=row.requestor, at=START)

        for words in ("First.", "Better."):
            drafting.explain_contradiction(row, "some-key", words, by=row.requestor, at=START)

        assert row.contradiction_reasons.get().reason == "Better."

    def test_a_text_of_statements_must_be_whole(self, tmp_path, settings):
        folder = tmp_path / "requests_app" / "texts"
        folder.mkdir(parents=True)
        (folder / "confidentiality-short.txt").write_text("Only one.")
        settings.TEMPLATES = [{**settings.TEMPLATES[0], "DIRS": [tmp_path]}]

        with pytest.raises(ValueError, match="has 1 confidentiality statements"):
            texts.text("confidentiality", "short")


class TestRows:
    def test_a_question_with_parts_stays(self):
        row = made.draft()
        by = row.requestor
        parent = rows.add(row, "questions", by=by, at=START, code="RQ0", text="Who?")
        rows.add(row, "questions", by=by, at=START, code="RQ0A", text="Who else?", parent=parent)

        with pytest.raises(Blocked, match="part of RQ0"):
            rows.take_out(parent, by=by, at=START)

    def test_a_population_with_files_stays(self):
        row = made.draft()
        by = row.requestor
        population = rows.add(row, "populations", by=by, at=START, name="P", kind="cohort")
        what = {"title": "T", "school_year": "2020-2021", "flag_column": "FLAG_A"}
        table = rows.add(row, "tables", by=by, at=START, population=population, **what)
        with pytest.raises(Blocked, match="remove them first"):
            rows.take_out(population, by=by, at=START)

        rows.take_out(table, by=by, at=START)
        rows.take_out(population, by=by, at=START)

        assert not row.populations.exists()


class TestCompleteness:
    @pytest.mark.parametrize(
        ("section", "values", "words"),
        [
            ("basics", {"discussed": True}, "Name the people of the agencies"),
            ("purpose", {"protections": ["noise"], "protections_text": ""}, "say why one is enough"),
            ("purpose", {"method": ""}, "Fill in “Method of analysis (3.d)”"),
        ],
    )
    def test_says_what_is_missing(self, section, values, words):
        row = made.complete()

        drafting.save_section(row, section, by=row.requestor, at=START, **values)

        assert words in problems_of(row)

    @pytest.mark.obligation("O-18", "O-09")
    def test_unemployment_records_need_their_law_and_state_people(self):
        row = made.complete()
        rows.change(row.elements.first(), by=row.requestor, at=START, is_uc=True)
        person = made.named(row, side=Side.AGENCY, scope="matching", justification="Knows the files.")

        assert "tick their rules as a legal basis" in problems_of(row)
        assert f"{person.name} is no state employee" in problems_of(row)

    def test_an_element_of_suppliers_without_a_file_is_a_contradiction(self):
        row = made.complete()
        question = row.questions.get()
        what = {"name": "FLAG_X", "source": None, "source_element": "FLAG_X", "explanation": "Members."}
        rows.add(row, "elements", by=row.requestor, at=START, questions=[question], **what)

        assert "No supplier’s file holds these elements: FLAG_X." in problems_of(row)
        assert [problem.anchor for problem in completeness.contradictions(row)] == ["elements"]

    def test_a_part_serves_the_question_it_belongs_to(self):
        row = made.complete()
        by, element = row.requestor, row.elements.filter(name="Outcome").first()
        parent = rows.add(row, "questions", by=by, at=START, code="RQ1", text="What then?")
        part = rows.add(row, "questions", by=by, at=START, code="RQ1A", text="For whom?", parent=parent)
        rows.change(element, by=by, at=START, questions=[part])

        assert "RQ1" not in problems_of(row)


class TestReview:
    def test_a_comment_belongs_to_the_check_and_to_a_part(self):
        row, member = made.with_agencies(), factories.operating_group_member()
        with pytest.raises(Blocked, match="during the completeness check"):
            review.comment(row, "summary", "Late.", by=member, at=START)
        with pytest.raises(Blocked, match="Choose the part"):
            review.comment(made.submitted(), "weather", "Nice.", by=member, at=START)

    @pytest.mark.obligation("O-34")
    def test_an_agency_refuses_its_own_elements_on_conditions_and_with_reasons(self):
        row = made.with_agencies()
        agency = made.agencies_of(row)[0]
        with pytest.raises(Blocked, match="approve on conditions"):
            made.decide(row, agency, refused={"Outcome": "No."})
        with pytest.raises(Blocked, match="is not the source of Nothing"):
            made.decide(row, agency, Outcome.CONDITIONAL, refused={"Nothing": "No."})
        with pytest.raises(Blocked, match="Give a reason for refusing Outcome"):
            made.decide(row, agency, Outcome.CONDITIONAL, refused={"Outcome": " "})

    @pytest.mark.obligation("O-34")
    def test_an_agency_that_disapproved_is_taken_off_before_the_next_round(self):
        row = made.with_agencies(*(factories.organisation() for _ in range(3)))
        first, *others = made.agencies_of(row)
        made.decide(row, first, Outcome.DISAPPROVAL)
        for agency in others:
            made.decide(row, agency)
        row.refresh_from_db()

        assert row.status == Status.CONDITIONAL
        assert f"{first.short_name} disapproved" in checks.drops_what_was_refused(row, row.requestor)

    def test_no_agency_at_all_is_no_decision_and_no_approval(self):
        row = made.draft()

        assert checks.every_agency_decided(row, row.requestor) == "Waiting for the agencies to be named."
        assert checks.every_agency_approved(row, row.requestor) == "Waiting for the approval of the agencies."

    def test_says_whose_decision_is_missing(self):
        row = made.with_agencies()
        first, second = made.agencies_of(row)
        made.decide(row, first)

        assert checks.every_agency_decided(row, row.requestor) == f"Waiting for {second.short_name}."

    def test_a_revision_is_one_of_two_kinds_and_of_the_last_approved(self):
        row = made.approved()
        with pytest.raises(Blocked, match="a continuation or a modification"):
            revising.revise(row, Kind.INITIAL, by=row.requestor, at=START)
        with pytest.raises(Blocked, match="Only an approved request"):
            revising.revise(made.draft(), Kind.CONTINUATION, by=row.requestor, at=START)


class TestPeople:
    def test_an_entry_nobody_decided_on_can_be_changed(self):
        row = made.draft()
        person = made.named(row)

        changed = people.change(person, by=row.requestor, at=START, project_role="Statistician")

        assert changed.project_role == "Statistician"

    def test_the_requestor_keeps_their_address(self):
        row = made.draft()

        with pytest.raises(Blocked, match="address of their account"):
            people.change(row.people.get(), by=row.requestor, at=START, email="x@example.org")

    def test_only_the_requestor_changes_the_list(self):
        row = made.approved()

        with pytest.raises(Blocked, match="Only the requestor"):
            people.take_off(row.people.get(), by=made.requestor(), at=START)

    def test_whoever_left_the_list_is_not_taken_off_or_approved_again(self):
        row = made.approved()
        person, agency = made.named(row), made.agencies_of(row)[0]
        people.take_off(person, by=row.requestor, at=START)

        with pytest.raises(Blocked, match="off the list already"):
            people.take_off(person, by=row.requestor, at=START)
        with pytest.raises(Blocked, match="no longer on the list"):
            people.approve([person], agency=agency, by=factories.steward(agency), at=START)

    def test_a_decision_is_taken_back_once_with_a_reason_by_its_agency(self):
        row = made.approved()
        first, second = made.agencies_of(row)
        person, steward = made.approve_person(made.named(row)), factories.steward(first)
        approval = person.approvals.get(agency=first)
        with pytest.raises(Blocked, match="Give a reason"):
            people.withdraw_approval(approval, reason=" ", by=steward, at=START)
        with pytest.raises(Blocked, match="Only a board member or data steward"):
            people.withdraw_approval(approval, reason="No.", by=factories.steward(second), at=START)

        people.withdraw_approval(approval, reason="No.", by=steward, at=START)

        with pytest.raises(Blocked, match="taken back already"):
            people.withdraw_approval(approval, reason="No.", by=steward, at=START)

    def test_people_are_decided_on_once_the_request_is_with_the_agencies(self):
        row = made.submitted()
        agency = made.agencies_of(row)[0]

        with pytest.raises(Blocked, match="decide on people later"):
            people.approve([row.people.get()], agency=agency, by=factories.steward(agency), at=START)


class TestSheets:
    @pytest.mark.parametrize(
        ("body", "words"),
        [
            ('Name,Source,Source element\n"x', "not a readable CSV"),
            ("Name,Source,Source element,name\n", "stands twice"),
            ("Name,,Source\n", "This column is missing"),
        ],
    )
    def test_says_what_is_wrong(self, body, words):
        assert any(words in error.message for error in sheets.read("a.csv", body.encode()).errors)

    def test_skips_empty_lines_and_reads_other_separators(self):
        sheet = sheets.read("a.csv", "\ufeffName;Source;Source element\n;;\nA;B;C\n".encode())

        assert sheet.rows == [(3, {"name": "A", "source": "B", "source_element": "C"})]

    def test_stops_at_more_rows_than_it_takes(self):
        body = "Name,Source,Source element\n" + "A,B,C\n" * (sheets.MAX_ROWS + 1)

        assert "split the file" in sheets.read("a.csv", body.encode()).errors[0].message

    def test_refuses_a_workbook_that_unfolds_to_too_much(self, monkeypatch):
        monkeypatch.setattr(sheets, "MAX_UNPACKED", 10)
        packed = io.BytesIO()
        with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as archive:
            archive.writestr("xl/workbook.xml", "x" * 100)

        assert "not a readable XLSX" in sheets.read("a.xlsx", packed.getvalue()).errors[0].message

    @pytest.mark.parametrize(
        ("value", "text"), [(None, ""), (True, "yes"), (False, "no"), (3.0, "3"), (1.5, "1.5"), ("a", "a")]
    )
    def test_writes_cells_as_people_would(self, value, text):
        assert sheets._text(value) == text

    def test_names_cells_that_do_not_fit(self):
        row = made.complete()
        head = "Name,Source,Source element,Matching identifier,Format"
        body = f"{head}\n,suppliers,X,perhaps,{'y' * 81}\nOk,,X,no,z\n"

        with pytest.raises(importing.ImportRefused) as refused:
            importing.import_elements(row, name="a.csv", content=body.encode(), by=row.requestor, at=START)

        found = {(each.row, each.message) for each in refused.value.errors}
        assert found == {
            (2, "Give the element a name."),
            (2, "Write yes or no, not “perhaps”."),
            (2, "Longer than 80 characters."),
            (3, "Name the source agency."),
        }


class TestReading:
    def test_a_project_without_a_request_has_nothing(self):
        project = factories.project()

        assert selectors.request_for(project) is None
        assert selectors.destruction_date(project) is None
        assert selectors.min_cell_count(project) == 6
        assert selectors.approved_people(project) == []
        assert selectors.why_person_not_approved(project, factories.person()) == [
            "The project's request is not approved."
        ]
        assert selectors.approved_elements(project) == []

    @pytest.mark.obligation("O-22", "O-126")
    def test_elements_by_agency_and_of_suppliers(self):
        row = made.complete()
        population = row.populations.get()
        what = {"title": "T", "school_year": "2020-2021", "flag_column": "FLAG_A"}
        rows.add(row, "tables", by=row.requestor, at=START, population=population, **what)
        flag = {"name": "FLAG_A", "source": None, "source_element": "FLAG_A", "explanation": "Members."}
        rows.add(row, "elements", by=row.requestor, at=START, questions=[row.questions.get()], **flag)
        row = made.sign_and_submit(row)
        review.send_to_agencies(row, by=factories.operating_group_member(), at=START)
        assert selectors.approved_elements(row.project) == []
        for agency in made.agencies_of(row):
            made.decide(row, agency)
        agency = made.agencies_of(row)[0]

        own = selectors.approved_elements(row.project, agency)

        assert [(each.name, each.is_matching_identifier, each.source) for each in own] == [
            ("Identifier", True, agency.slug),
            ("Outcome", False, agency.slug),
        ]
        (flag_element,) = selectors.approved_elements(row.project, from_suppliers=True)
        assert (flag_element.name, flag_element.source) == ("FLAG_A", "")
        assert len(selectors.approved_elements(row.project)) == 5
        assert selectors.elements(row.project).count() == 5
        assert [each.code for each in selectors.research_questions(row.project)] == ["RQ0"]
        assert [each.document for each in selectors.planned_outputs(row.project)] == ["Report"]
        assert [each.name for each in selectors.populations(row.project)] == ["Everyone"]
        assert [each.flag_column for each in selectors.identifier_tables(row.project)] == ["FLAG_A"]
        assert [each.name for each in selectors.named_people(row.project)] == [row.requestor.name]
        assert selectors.destruction_date(row.project) == dt.date(2028, 6, 30)
