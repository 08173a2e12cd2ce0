"""Who is counted: outputs about different people are held together as far as it is said how they stand."""

import datetime as dt
import json

import pytest

from disclosure import known_services, people, services, standing, together
from disclosure.models import Known, KnownKind, OutputStatus, Verdict
from p20win import clock
from p20win.audit.public import events_of
from p20win.custody import public as custody
from p20win.refusal import Blocked
from tests import factories
from tests import factories_disclosure as outputs
from tests.factories import START

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("vault")]
LATER = START + dt.timedelta(days=60)
ALL, REST = outputs.CONTEXT["population"], "Pupils of grade 12 without Salem"
PART = {"population": {ALL: "part"}}
WHOLE = b"sex,count\nfemale,120\nmale,121\nTotal,241\n"
FEWER = b"sex,count\nfemale,119\nmale,119\nTotal,238\n"
TWIN = b"sex,count\nfemale,100\nmale,101\nTotal,201\n"


@pytest.fixture(autouse=True)
def time(monkeypatch):
    """Return a function that sets the portal's time; it begins at START."""

    def set_to(at):
        monkeypatch.setattr(clock, "now", lambda: at)

    set_to(START)
    return set_to


def bytes_of(output):
    return [b"".join(custody.open_bytes(table.file)) for table in standing.clean_tables(output)]


def sheet_of(output):
    found = standing.latest_check(output)
    return json.loads(b"".join(services.give_sheet(found, output.author)))


def check_again(output):
    output = services.check_again(output, by=output.author, at=START)
    outputs.files.run_job(standing.CHECK_JOB, file_id=output.slot.files.get().pk)
    output.refresh_from_db()
    return output


def said(project, what=together.POPULATION):
    return together.said(project, what)


class TestTheSalemPair:
    @pytest.mark.obligation("O-81")
    def test_a_part_is_held_against_the_whole_and_withholds_what_would_tell_the_rest(self):
        first = outputs.sent(content=WHOLE, title="All of them")
        second = outputs.checked(first.project, FEWER, population=REST, stands=PART)

        found = standing.latest_check(second)
        assert found.compared_with == [str(first.pk)]
        assert found.verdict == Verdict.SAFE
        assert bytes_of(second) == [b"sex,released\nfemale,\nmale,\nTotal,\n"]
        told = [each["derivation"] for each in sheet_of(second)["averted"]]
        assert told[0] == (
            f"241 (everyone; “All of them” ({ALL}), table-1.csv, line 4) −"
            f" 238 (Who is counted {REST}; output.csv (to be released), line 4) = 3"
        )

    @pytest.mark.obligation("O-81")
    def test_a_clean_twin_is_shown_whole(self):
        first = outputs.sent(content=WHOLE)
        second = outputs.checked(first.project, TWIN, population=REST, stands=PART)

        assert bytes_of(second) == [TWIN.replace(b"count", b"released")]
        assert not sheet_of(second)["averted"]

    def test_the_same_people_in_other_words_are_the_same(self):
        first = outputs.sent(content=WHOLE)
        second = outputs.checked(
            first.project, WHOLE, population="Grade 12", stands={"population": {ALL: "same"}}
        )

        found = standing.latest_check(second)
        assert (found.compared_with, found.held) == ([str(first.pk)], {})
        assert found.adds == {"before": 3, "anew": 0, "again": 3}

    def test_a_part_of_the_period_counts_too(self):
        first = outputs.sent(content=WHOLE, period="2019 to 2022")
        stands = {"period": {"2019 to 2022": "part"}}
        second = outputs.checked(first.project, FEWER, period="2021", stands=stands)

        assert bytes_of(second) == [b"sex,released\nfemale,\nmale,\nTotal,\n"]

    @pytest.mark.obligation("O-81")
    def test_what_is_out_already_and_leaks_together_is_named_once_it_is_said(self):
        first = outputs.sent(content=WHOLE, title="All of them")
        outputs.sent(
            first.project, FEWER, title="The others", population=REST, stands={"population": {ALL: "unknown"}}
        )
        group = factories.operating_group_member()
        people.say(first.project, together.POPULATION, REST, "part", ALL, by=group, at=START)
        third = outputs.checked(first.project, b"sex,count\nfemale,120\nmale,121\n")

        found = standing.latest_check(third)
        assert found.verdict == Verdict.NOT_SETTLED
        assert third.status == OutputStatus.RETURNED
        (leak,) = [each for each in sheet_of(third)["leaks"] if each["low"] == 3]
        assert leak["derivation"] == (
            f"241 (everyone; “All of them” ({ALL}), table-1.csv, line 4) −"
            f" 238 (Who is counted {REST}; “The others” ({REST}), table-1.csv, line 4) = 3"
        )


class TestWhatIsNotHeldTogether:
    def test_what_nobody_could_say_is_told_and_neither_alarms_nor_passes_for_held(self):
        first = outputs.sent(content=WHOLE)
        second = outputs.checked(
            first.project, FEWER, population=REST, stands={"population": {ALL: "unknown"}}
        )

        assert bytes_of(second) == [FEWER.replace(b"count", b"released")]
        assert standing.latest_check(second).compared_with == []
        (row,) = standing.not_comparable(second)
        assert row.output == first
        assert row.why == f"nobody could say how “{REST}” and “{ALL}” stand to each other"

    def test_what_is_apart_needs_nobody_to_look(self):
        first = outputs.sent(content=WHOLE)
        second = outputs.checked(
            first.project, FEWER, population="Teachers", stands={"population": {ALL: "apart"}}
        )

        assert not standing.beside(second)
        assert standing.not_comparable(second) == []

    def test_data_of_another_day_are_other_data_unless_they_are_said_to_be_frozen(self):
        first = outputs.sent(content=WHOLE)
        day = {"extracted_on": dt.date(2025, 12, 2)}
        second = outputs.checked(first.project, FEWER, **day)
        (row,) = standing.not_comparable(second)
        assert row.why == "its data are of December 1, 2025, and nobody said that they are the same, frozen"

        third = outputs.checked(first.project, WHOLE, frozen_as=first, **day)
        assert standing.latest_check(third).compared_with == [str(first.pk)]

    def test_an_output_of_another_project_freezes_nothing(self):
        other = outputs.checked()
        with pytest.raises(Blocked, match="of another project"):
            outputs.submitted(outputs.project(), frozen_as=other)

    def test_a_public_table_about_a_wider_group_is_known(self):
        project = outputs.project()
        known_services.load_public_table(
            project,
            name="Report cards",
            population=ALL,
            period=outputs.CONTEXT["period"],
            source="example.org/cards",
            as_of=dt.date(2025, 6, 30),
            content=b"sex,released\nTotal,241\n",
            by=outputs.author(project),
            at=START,
        )
        second = outputs.checked(project, FEWER, population=REST, stands=PART)

        assert bytes_of(second)[0].endswith(b"Total,\n")
        assert standing.known_of(standing.latest_check(second)).get().name == "Report cards"


class TestTheList:
    def test_names_each_once_and_forgets_self_checks_and_what_was_withdrawn(self):
        project = outputs.project()
        outputs.submitted(project, population=ALL.upper())
        outputs.submitted(project)
        outputs.submitted(project, population="For me", is_trial=True)
        gone = outputs.checked(project, population="By mistake")
        services.withdraw(gone, by=gone.author, at=START)

        assert together.names(project, together.POPULATION) == [ALL.upper()]

    def test_what_is_said_has_its_line_and_its_history(self):
        first = outputs.checked(content=WHOLE)
        outputs.checked(first.project, TWIN, population=REST, stands=PART)
        assert said(first.project) == [(REST, "part", ALL)]

        group = factories.operating_group_member()
        people.say(first.project, together.POPULATION, REST, "apart", ALL, by=group, at=START)
        assert said(first.project) == [(REST, "apart", ALL)]
        rows = Known.objects.filter(kind=KnownKind.PEOPLE).order_by("version")
        assert [row.loaded_by for row in rows] == [first.author, group]
        assert [event.event for event in events_of(rows[1])] == ["people.said"]

    def test_a_known_name_is_not_said_anew_by_an_output(self):
        first = outputs.checked(content=WHOLE)
        outputs.checked(first.project, TWIN, population=REST, stands=PART)
        outputs.checked(first.project, TWIN, population=REST, stands={"population": {ALL: "apart"}})

        assert said(first.project) == [(REST, "part", ALL)]

    def test_who_submits_answers_what_is_open_and_the_operating_group_corrects(self):
        first = outputs.checked(content=WHOLE)
        outputs.checked(first.project, TWIN, population=REST)
        about = {"by": first.author, "at": START}
        people.say(first.project, together.POPULATION, ALL, "whole", REST, **about)
        with pytest.raises(Blocked, match="Only the operating group corrects"):
            people.say(first.project, together.POPULATION, REST, "apart", ALL, **about)
        with pytest.raises(Blocked, match="Only who submits"):
            people.say(
                first.project, together.POPULATION, REST, "apart", ALL, by=factories.person(), at=START
            )
        with pytest.raises(Blocked, match="Choose two names"):
            people.say(first.project, together.POPULATION, ALL, "part", ALL, **about)
        row = Known.objects.get(kind=KnownKind.PEOPLE)
        with pytest.raises(Blocked, match="is not removed"):
            known_services.remove(row, reason="x", by=first.author, at=START)

    def test_what_cannot_all_be_true_is_refused(self):
        first = outputs.checked(content=WHOLE)
        outputs.checked(first.project, TWIN, population=REST, stands=PART)
        with pytest.raises(Blocked, match="Not all of this can be true"):
            outputs.submitted(
                first.project, population="Salem", stands={"population": {ALL: "apart", REST: "same"}}
            )


class TestWhenItChanges:
    @pytest.mark.obligation("O-81")
    def test_what_was_checked_before_is_checked_again(self):
        first = outputs.sent(content=WHOLE)
        second = outputs.checked(first.project, FEWER, population=REST)
        assert standing.latest_check(second).compared_with == []
        people.say(first.project, together.POPULATION, REST, "part", ALL, by=second.author, at=START)

        with pytest.raises(Blocked, match=r"Check (it|this one) again"):
            services.send_to_agencies(second, by=second.author, at=START)
        second = check_again(second)
        assert bytes_of(second) == [b"sex,released\nfemale,\nmale,\nTotal,\n"]
        services.send_to_agencies(second, by=second.author, at=START)

    @pytest.mark.obligation("O-81")
    def test_what_the_agencies_read_is_not_released_unless_it_is_checked_anew(self, time):
        first = outputs.sent(content=WHOLE)
        second = outputs.sent(first.project, FEWER, population=REST, at=START + dt.timedelta(minutes=1))
        group = factories.operating_group_member()
        people.say(first.project, together.POPULATION, REST, "part", ALL, by=group, at=START)

        outputs.cleared(first)
        outputs.cleared(second)
        time(LATER)
        services.release(first, by=group, at=LATER)  # it went ahead
        with pytest.raises(Blocked, match="Return it, so that it is checked anew"):
            services.release(second, by=group, at=LATER)

    def test_another_diagram_of_the_same_outputs_is_another_check(self):
        first = outputs.sent(content=WHOLE)
        second = outputs.checked(first.project, TWIN, population=REST, stands=PART)
        assert together.is_as_in(standing.latest_check(second))
        group = factories.operating_group_member()
        people.say(first.project, together.POPULATION, REST, "same", ALL, by=group, at=START)

        assert not together.is_as_in(standing.latest_check(second))
        with pytest.raises(Blocked, match="from which data has changed"):
            services.send_to_agencies(second, by=second.author, at=START)

    def test_the_operating_group_says_that_data_are_not_the_same(self):
        first = outputs.sent(content=WHOLE)
        day = {"extracted_on": dt.date(2025, 12, 2)}
        second = outputs.checked(first.project, TWIN, population=REST, stands=PART, frozen_as=first, **day)
        assert standing.beside(second).get() == first
        with pytest.raises(Blocked):
            people.part_data(second, by=second.author, at=START)

        second = people.part_data(second, by=factories.operating_group_member(), at=START)
        assert not standing.beside(second)
        with pytest.raises(Blocked, match="Nobody said"):
            people.part_data(second, by=factories.operating_group_member(), at=START)
