"""What a text tells: confirmed for one file, audited with its tables, released, and binding what follows."""

import json

import pytest

from disclosure import checks, sentences, services, standing, trying
from disclosure.models import KnownKind, OutputStatus, Verdict
from p20win import clock
from p20win.audit.public import events_of
from p20win.custody import public as custody
from p20win.refusal import Blocked
from tests import factories
from tests import factories_disclosure as outputs
from tests.engines.disclosure import documents_changed as made
from tests.engines.disclosure.test_disclosure_said import TABLE
from tests.factories import START
from tests.unit.test_disclosure_naming import again

BOYS = [("1", "school", "Alder"), ("1", "sex", "boys")]
LATER = b"school,count\nAlder,43\nBirch,81\nCedar,57\nTotal,181\n"
pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("vault", "at_start")]


def told(*words, of=None, **fields):
    """Return an output whose text tells numbers."""
    content = made.docx(*(words or ["In Alder 40 boys stayed."]), table=TABLE)
    return outputs.checked(of, content, name="study.docx", **fields)


def confirmed(lines=BOYS):
    output = told()
    sentences.confirm(output, lines, by=output.author, at=START)
    return again(output) and output


@pytest.mark.obligation("O-78", "O-81")
def test_a_number_that_nobody_confirmed_is_left_open():
    output = told()
    found = standing.latest_check(output)
    assert (found.verdict, found.numbers_said, found.to_rule, found.doubts) == (Verdict.SAFE, 1, 1, 1)
    assert "left 1 point open" in checks.doubts_are_ruled_on(output, output.author)


@pytest.mark.obligation("O-78", "O-81")
def test_what_was_confirmed_is_sealed_released_and_held_against_what_follows(monkeypatch):
    output = confirmed()
    found = standing.latest_check(output)
    assert (found.verdict, found.doubts) == (Verdict.SAFE, 0)
    (row,) = standing.known_of(found)
    assert (row.kind, row.loaded_by, b"40" in bytes(row.content)) == (KnownKind.SAID, output.author, False)
    assert [e.details["kind"] for e in events_of(row) if e.event == "known.loaded"] == ["said"]
    *_, text = standing.clean_tables(output)
    assert (text.name, text.of_text) == ("sentences-2.csv", True)
    content = b"".join(custody.open_bytes(text.file)).decode()
    assert "Alder,boys,40,paragraph 1: “In Alder 40 boys stayed.”" in content

    output.refresh_from_db()
    sent = services.send_to_agencies(output, by=output.author, at=START)
    monkeypatch.setattr(clock, "now", lambda: sent.not_before)
    out = outputs.released(sent)
    package = b"".join(services.give_package(out, out.author))
    assert b"sentences-2.csv" in package
    alone = outputs.checked(out.project, LATER, title="By school", at=clock.now())
    found = standing.latest_check(alone)
    assert str(out.pk) in found.compared_with
    (table,) = standing.clean_tables(alone)
    assert b"Alder,43" not in b"".join(custody.open_bytes(table.file))  # 43 − 40 would be 3 girls


def test_what_is_confirmed_is_of_this_file_alone():
    output = confirmed()
    other = told(of=output.project, title="Another")
    assert standing.latest_check(other).known == []
    assert sentences.confirmed_now(other) == {}
    anew = services.send_new_file(
        output, name="study.docx", content=[made.docx("Fine.", table=TABLE)], by=output.author, at=START
    )
    assert sentences.confirmed_now(anew) == {}


def test_a_self_check_that_is_submitted_keeps_what_was_confirmed():
    output = told(is_trial=True)
    sentences.confirm(output, BOYS, by=output.author, at=START)
    again(output)
    output = trying.submit_tried(output, title="Boys of Alder", by=output.author, at=START)
    assert sentences.confirmed_now(output)[1].codes == {"school": "Alder", "sex": "boys"}
    assert checks.knows_what_is_known_now(output, output.author) is None


def test_saying_it_anew_makes_the_check_stale_and_nothing_new_is_refused():
    output = confirmed()
    output.refresh_from_db()
    for lines in (BOYS, [("1", "school", "=x")]):
        with pytest.raises(Blocked):
            sentences.confirm(output, lines, by=output.author, at=START)
    sentences.confirm(output, [], by=output.author, at=START)
    with pytest.raises(Blocked, match="Check it again"):
        services.send_to_agencies(output, by=output.author, at=START)
    assert standing.latest_check(again(output)).to_rule == 1


def test_what_contradicts_the_tables_returns_the_file_and_its_sentence_is_told_in_the_sheet_alone():
    output = confirmed([("1", "school", "Alder"), ("1", "sex", "Total")])
    output.refresh_from_db()
    found = standing.latest_check(output)
    assert (output.status, found.verdict) == (OutputStatus.RETURNED, Verdict.UNREADABLE)
    assert not standing.clean_tables(output)
    sheet = json.loads(b"".join(services.give_sheet(found, output.author)))
    assert "In Alder 40 boys stayed." in sheet["message"]
    kept = json.dumps([event.details for event in events_of(output)], default=str)
    kept += json.dumps([str(vars(row)) for row in output.checks.all()], default=str)
    assert "40 boys" not in kept


def test_reviewers_may_say_it_while_they_read_and_others_never():
    output = told()
    reviewer = outputs.reviewers(output)[0]
    with pytest.raises(Blocked, match="Only the author"):
        sentences.confirm(output, BOYS, by=reviewer, at=START)
    output = services.send_to_agencies(output, by=output.author, at=START)
    with pytest.raises(Blocked):
        sentences.confirm(output, BOYS, by=factories.person(), at=START)
    sentences.confirm(output, BOYS, by=reviewer, at=START)
    assert "Return it, so that it is checked anew" in checks.knows_what_is_known_now(output, reviewer)
