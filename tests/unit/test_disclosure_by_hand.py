"""How a table is read: said by author or reviewer, remembered for the project, ruled on where it must be."""

import io
import json

import pytest
from openpyxl import Workbook

from disclosure import by_hand, checks, lifecycle, pages, review_services, services, standing
from disclosure.engine.byhand import signature
from disclosure.models import KnownKind, OutputStatus, Verdict
from p20win.audit.public import events_of
from p20win.projects import public as projects
from p20win.refusal import Blocked
from p20win.workflow import blockers
from tests import factories
from tests import factories_agreements as agreements
from tests import factories_disclosure as outputs
from tests.engines.disclosure.test_disclosure_byhand import ODD, SAID, but, grid
from tests.factories import START
from tests.unit.test_disclosure_naming import again

SIGN = signature(grid(ODD))
pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("vault", "at_start")]


def read_by_hand():
    """Return an output that the check returned, and that was read anew as its author said."""
    output = outputs.checked(content=ODD)
    assert output.status == OutputStatus.RETURNED
    by_hand.say(output, SIGN, SAID, by=output.author, at=START)
    return again(output) and output


@pytest.mark.obligation("O-78", "O-81")
def test_a_file_that_was_read_wrongly_is_read_anew_as_its_author_said():
    output = read_by_hand()
    found = standing.latest_check(output)
    assert (found.verdict, found.small, found.to_rule, found.doubts) == (Verdict.SAFE, 1, 1, 1)
    (row,) = standing.known_of(found)
    assert (row.kind, row.name, row.loaded_by) == (KnownKind.BY_HAND, SIGN, output.author)
    (event,) = [e for e in events_of(row) if e.event == "known.loaded"]
    assert event.details["kind"] == "by_hand"
    told = json.loads(b"".join(services.give_sheet(found, output.author)))
    assert "Column 1 counts nobody" in told["grids"][0]["by_hand"]
    later = outputs.checked(output.project, ODD, title="The same headings")
    assert standing.latest_check(later).known == [str(row.pk)]


@pytest.mark.obligation("O-81", "O-82")
def test_what_hangs_on_somebodys_word_is_not_released_before_two_people_ruled():
    output = outputs.cleared(sent())
    group = factories.operating_group_member()
    assert any("left 1 point open" in why for why in blockers(lifecycle.RELEASE, output, group))
    assert not pages.detail(output, output.author, START)["tables"]
    agency = projects.suppliers(output.project)[0]
    asker, second = outputs.reviewers(output)[-1], factories.steward(agency)
    agreements.acknowledged(second)
    ruling = review_services.ask_ruling(output, agency=agency, reason="Codes.", by=asker, at=START)
    review_services.answer_ruling(ruling, confirms=True, answer="They are.", by=second, at=START)
    assert checks.doubts_are_ruled_on(output, group) is None


def sent():
    output = read_by_hand()
    output.refresh_from_db()
    return services.send_to_agencies(output, by=output.author, at=START)


def test_nothing_new_is_no_version_and_what_cannot_be_is_refused():
    output = outputs.checked(content=ODD)
    by_hand.say(output, SIGN, SAID, by=output.author, at=START)
    for lines, why in [
        (SAID, "Nothing was changed"),
        (but(SAID, ("column", "1", "nothing")), "Say of every column"),
        (but(SAID, ("total", "=1+1", "Total")), "begins like a formula"),
    ]:
        with pytest.raises(Blocked, match=why):
            by_hand.say(output, SIGN, lines, by=output.author, at=START)
    assert by_hand.said_now(output.project)[SIGN].totals == {"state", "both"}


def test_it_is_the_authors_to_say_before_and_the_reviewers_while_they_read():
    output = outputs.checked()
    reviewer = outputs.reviewers(output)[0]
    with pytest.raises(Blocked, match="Only the author"):
        by_hand.say(output, SIGN, SAID, by=reviewer, at=START)
    output = services.send_to_agencies(output, by=output.author, at=START)
    sign = signature(grid(outputs.TABLE))
    lines = [("column", str(n), "dimension" if n == 1 else "count") for n in (1, 2, 3, 4)]
    lines += [("across", "1", "sex"), ("name", "1", "school")]
    for person in (output.author, factories.person()):
        with pytest.raises(Blocked):
            by_hand.say(output, sign, lines, by=person, at=START)
    by_hand.say(output, sign, lines, by=reviewer, at=START)
    assert "Return it, so that it is checked anew" in checks.knows_what_is_known_now(output, reviewer)


def test_what_people_returned_is_not_checked_again_as_it_is():
    output = outputs.sent()
    output = services.return_to_author(output, comment="Why?", by=outputs.reviewers(output)[0], at=START)
    with pytest.raises(Blocked, match="returned by people"):
        services.check_again(output, by=output.author, at=START)


def test_a_file_that_was_not_taken_in_is_not_checked_again():
    output = outputs.checked(content=b"\x00\x01", name="t.csv")
    assert output.status == OutputStatus.RETURNED
    with pytest.raises(Blocked, match="not taken in"):
        services.check_again(output, by=output.author, at=START)


def test_a_workbook_read_by_hand_is_not_marked():
    book, out = Workbook(), io.BytesIO()
    for row in grid(ODD):
        book.active.append([int(cell) if cell.isdecimal() else cell for cell in row])
    book.save(out)
    output = outputs.checked(content=out.getvalue(), name="t.xlsx")
    by_hand.say(output, SIGN, SAID, by=output.author, at=START)
    found = standing.latest_check(again(output))
    assert found.verdict == Verdict.SAFE
    assert standing.workbook_of(found).why_not == "not_made"
