"""Names that mean the same: said by the author, remembered for the project, known to every later check."""

import json

import pytest

from disclosure import checks, known_services, naming, services, standing
from disclosure.engine.names import read_names, written
from disclosure.models import Known, KnownKind, OutputStatus
from p20win.custody import public as custody
from p20win.refusal import Blocked
from tests import factories
from tests import factories_disclosure as outputs
from tests.factories import START
from tests.unit import test_disclosure_marked_workbook as marked

HEADINGS = "Name of school × gender"
OTHERWISE = outputs.TABLE.replace(b"school \\ sex,female,male", b"Name of school \\ gender,F,M")
MEANT = [
    ("Name of school", "", "school"),
    ("gender", "", "sex"),
    ("gender", "F", "female"),
    ("gender", "M", "male"),
]
KNOWN = {"school": ["Alder", "Birch", "Cedar"], "sex": ["female", "male"]}


def named(*lines, headings=HEADINGS):
    return read_names(headings, written(lines).decode())


def released_of(output):
    (table,) = standing.clean_tables(output)
    return b"".join(custody.open_bytes(table.file))


def again(output):
    output = services.check_again(output, by=output.author, at=START)
    outputs.files.run_job(standing.CHECK_JOB, file_id=output.slot.files.get().pk)
    output.refresh_from_db()
    return output


class TestProposals:
    @pytest.mark.parametrize(
        ("dimension", "codes", "said", "proposal"),
        [
            ("school", [], {}, ""),  # it is known itself
            ("School", [], {}, "school"),
            ("Name", ["Alder", "Birch", "Fir"], {}, "school"),
            ("Name", ["Alder", "Fir", "Oak"], {}, ""),
            ("Name", [], {}, ""),
            ("place", ["x"], {"p": named(("place", "", "school"), headings="place")}, "school"),
            ("place", ["x"], {"p": named(("place", "", "town"), headings="place")}, ""),  # not known any more
        ],
    )
    def test_a_dimension_is_taken_for_one_that_is_known(self, dimension, codes, said, proposal):
        assert naming.proposed(dimension, codes, KNOWN, said) == proposal

    def test_two_that_fit_alike_are_no_proposal(self):
        assert naming.proposed("Name", ["x"], {"a": ["x"], "b": ["x"]}, {}) == ""


@pytest.mark.django_db
@pytest.mark.usefixtures("vault", "at_start")
class TestSaying:
    @pytest.mark.obligation("O-81")
    def test_a_file_that_names_them_otherwise_is_held_against_what_went_before(self):
        first = outputs.sent()
        output = outputs.checked(first.project, OTHERWISE)
        before = standing.latest_check(output)
        assert before.adds["anew"] > 0
        (row,) = naming.say(output, {HEADINGS: MEANT}, by=output.author, at=START)
        with pytest.raises(Blocked):
            services.send_to_agencies(output, by=output.author, at=START)
        assert checks.knows_what_is_known_now(first, first.author) is None  # its headings are others
        found = standing.latest_check(again(output))
        assert found.adds == {"before": 8, "anew": 0, "again": 8}
        assert released_of(output) == released_of(first)
        assert found.known == [str(row.pk)]
        sheet = json.loads(b"".join(services.give_sheet(found, output.author)))
        assert [line[1:] for line in sheet["read_as"]] == [list(line) for line in MEANT]
        assert services.send_to_agencies(output, by=output.author, at=START).status == OutputStatus.IN_REVIEW

    def test_the_next_file_with_these_headings_is_read_so_at_once(self):
        first = outputs.sent()
        output = outputs.checked(first.project, OTHERWISE)
        naming.say(output, {HEADINGS: MEANT}, by=output.author, at=START)
        later = outputs.checked(first.project, OTHERWISE, title="The same once more")
        assert released_of(later) == released_of(first)

    def test_its_own_workbook_keeps_its_names(self):
        first = outputs.sent(content=marked.book(), name=marked.NAME)
        content = marked.book(title="Of 2021", heads=("Name of school \\ gender", 1, 2, "Total"))
        output = outputs.checked(first.project, content, name=marked.NAME)
        lines = [*MEANT[:2], ("gender", "1", "female"), ("gender", "2", "male")]
        naming.say(output, {HEADINGS: lines}, by=output.author, at=START)
        found = standing.latest_check(again(output))
        assert found.adds["anew"] == 0
        row = standing.workbook_of(found)
        assert row.why_not == ""
        assert marked.cells(marked.workbooks.opened(row))[1] == ["Name of school \\ gender", 1, 2, "Total"]

    def test_it_is_the_authors_to_say_and_before_the_agencies_read(self):
        output = outputs.checked(content=OTHERWISE)
        for person in (factories.operating_group_member(), factories.person()):
            with pytest.raises(Blocked):
                naming.say(output, {HEADINGS: MEANT}, by=person, at=START)
        sent = services.send_to_agencies(output, by=output.author, at=START)
        with pytest.raises(Blocked, match="Not possible while"):
            naming.say(sent, {HEADINGS: MEANT}, by=output.author, at=START)
        assert not Known.objects.exists()

    def test_what_is_said_anew_is_a_new_version_and_the_same_is_none(self):
        output = outputs.checked(content=OTHERWISE)
        naming.say(output, {HEADINGS: MEANT}, by=output.author, at=START)
        with pytest.raises(Blocked, match="Nothing was changed"):
            naming.say(output, {HEADINGS: list(reversed(MEANT))}, by=output.author, at=START)
        (row,) = naming.say(output, {HEADINGS: []}, by=output.author, at=START)
        assert (row.kind, row.version, row.rows) == (KnownKind.NAMES, 2, 0)
        assert naming.names_now(output.project)[HEADINGS].dimensions == {}

    @pytest.mark.parametrize(
        ("headings", "lines", "why"),
        [
            (HEADINGS, [("Name of school", "", "sex"), ("gender", "", "sex")], "named twice"),
            (HEADINGS, [("town", "", "school")], "none of these headings"),
            (HEADINGS, [("gender", "F", "=1+1")], "begins like a formula"),
            ("x" * 201, [("x" * 201, "", "school")], "too long"),
        ],
    )
    def test_what_cannot_be_is_refused(self, headings, lines, why):
        output = outputs.checked(content=OTHERWISE)
        with pytest.raises(Blocked, match=why):
            naming.say(output, {headings: lines}, by=output.author, at=START)

    def test_it_can_be_removed_while_nothing_is_released_with_it(self):
        output = outputs.checked(content=OTHERWISE)
        (row,) = naming.say(output, {HEADINGS: MEANT}, by=output.author, at=START)
        known_services.remove(row, reason="It is another list.", by=output.author, at=START)
        assert naming.names_now(output.project) == {}
