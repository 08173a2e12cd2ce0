"""Numbers of a text as facts: what is confirmed is audited with the tables, and binds later releases."""

import json

import pytest

from disclosure.engine import sheet
from disclosure.engine.documents.content import Passage
from disclosure.engine.errors import BadTable
from disclosure.engine.examine import NO_PATTERN, SAFE, UNREADABLE, Beside, examine
from disclosure.engine.said import UNCONFIRMED, Said, proposals, read_facts, said_in, written
from tests.engines.disclosure import documents_changed as made
from tests.engines.disclosure.samples import RULES

TABLE = [
    ["school \\ sex", "girls", "boys", "Total"],
    ["Alder", "3", "40", "43"],
    ["Birch", "51", "30", "81"],
    ["Cedar", "22", "35", "57"],
    ["Total", "76", "105", "181"],
]
EVERYBODY = [("1", "school", "Total"), ("1", "sex", "Total")]


def look(*sentences, facts=(), table=TABLE, **beside):
    content = made.docx(*sentences, table=table)
    around = Beside(said=written(facts) if facts else b"", **beside)
    return examine("study.docx", content, around, policy=RULES, seconds=5)


@pytest.mark.parametrize(
    ("text", "numbers"),
    [
        ("Of 412 graduates, 31 left.", ["412", "31"]),
        ("In Alder twelve students moved.", ["12"]),
        ("Of 412 graduates 12 % enrolled.", ["412", "12"]),
        ("The share was 45 percent (n = 44) in Elm.", ["44", "45"]),
        ("In Elm all 44 pupils moved; 31 of 60 came back.", ["44", "31", "60"]),
        ("Those aged 18 to 24 lived in 16 towns, 31 of them alone.", ["31"]),
        ("Earnings rose by 12 % in Elm.", []),
        ("Table 2 shows 1,412 pupils of grade 9 in 2019.", ["1412"]),
        ("They earned 12 credits in 30 weeks.", []),
        ("Fewer than 6 students are not shown.", []),
        ("At least 30 students took part.", []),
        ("About 3 hundred students took part.", []),
        ("Some 40 of 90 girls stayed.", ["40", "90"]),
    ],
)
def test_numbers_of_people_are_found_whatever_their_size(text, numbers):
    said = said_in([Passage("p", text)])
    assert [each.number for each in said if not each.bound] == numbers


def test_a_text_that_is_read_twice_says_it_once():
    passages = [Passage("p", "In Alder 43 pupils."), Passage("p", "In Alder 43 pupils.", again=True)]
    assert len(said_in(passages)) == 1


@pytest.mark.obligation("O-78")
def test_what_nobody_confirmed_is_for_people_to_rule_on():
    found = look("We followed 181 pupils.")
    assert (found.verdict, found.to_rule, found.audited_sentences()) == (SAFE, 1, [])
    told = json.loads(sheet.written(found))["sentences"]
    assert (told[0]["quote"], told[0]["codes"]) == ("We followed 181 pupils.", None)


@pytest.mark.obligation("O-78", "O-81")
def test_what_was_confirmed_is_released_as_a_table_of_its_own():
    found = look("We followed 181 pupils.", facts=EVERYBODY)
    assert (found.verdict, found.to_rule) == (SAFE, 0)
    (content,) = found.audited_sentences()
    assert content.decode().splitlines() == [
        "school,sex,released,release",
        "Total,Total,181,paragraph 1: “We followed 181 pupils.”",
    ]


@pytest.mark.obligation("O-79", "O-81")
def test_a_number_that_would_have_been_withheld_is_told_so_another_one_is():
    def shown(found):
        (table,) = found.protection.tables
        rows = zip(table.table.rows, table.shown, strict=True)
        return {(row.codes["school"], row.codes["sex"]): is_shown for row, is_shown in rows}

    assert not shown(look("Fine."))["Alder", "boys"]
    found = look("In Alder 40 boys stayed.", facts=[("1", "school", "Alder"), ("1", "sex", "boys")])
    assert found.verdict == SAFE
    assert shown(found)["Alder", "boys"]
    assert not shown(found)["Alder", "Total"]


@pytest.mark.obligation("O-79", "O-81")
def test_the_complement_of_a_small_cell_leaks_with_the_sentence_in_its_way():
    """Shown are 43 of Alder; that 40 of them are boys tells that 3 are girls."""
    earlier = [("old.csv", b"school,sex,released\nAlder,Total,43\n")]
    told = "In Alder 40 boys stayed."
    found = look(told, facts=[("1", "school", "Alder"), ("1", "sex", "boys")], released=earlier)
    assert (found.verdict, found.released(), found.audited_sentences()) == (NO_PATTERN, [], [])
    assert any(told in fact for fact in found.facts), found.facts
    assert look(told, released=earlier).verdict == SAFE  # nobody confirmed it: it is for people to rule on


@pytest.mark.obligation("O-81")
def test_a_later_release_is_held_against_what_a_text_said():
    first = look("In Alder 40 boys stayed.", facts=[("1", "school", "Alder"), ("1", "sex", "boys")])
    assert first.verdict == SAFE
    out = [(f"first, {n}", text) for n, text in enumerate([*first.audited(), *first.audited_sentences()])]
    later = b"school,count\nAlder,43\nBirch,81\nCedar,57\nTotal,181\n"
    found = examine("later.csv", later, Beside(released=out), policy=RULES, seconds=5)
    assert found.verdict == SAFE
    alone = [(name, text) for name, text in out if b"release\n" in text]
    assert len(alone) == 1
    withheld = [row for table in found.protection.tables for row in table.shown if not row]
    assert withheld  # 43 of Alder would tell of 3 girls


def test_a_number_that_contradicts_the_table_is_no_way_out():
    found = look("We followed 182 pupils.", facts=EVERYBODY)
    assert (found.verdict, found.released()) == (UNREADABLE, [])
    assert "We followed 182 pupils" in found.message


def test_percentages_are_facts_with_what_they_are_of():
    said = "We followed 42.0 % of the girls and boys in all schools."
    facts = [("1", "sex", "girls"), ("1", "sex", "of")]
    found = look(said, facts=facts)
    assert (found.verdict, found.to_rule) == (SAFE, 0)
    assert b"girls,42.0,sex," in found.audited_sentences()[0]
    wrong = look(said.replace("42.0", "48.0"), facts=facts)
    assert wrong.verdict != SAFE


@pytest.mark.parametrize(
    "facts",
    [
        [("2", "school", "Total")],
        [("1", "town", "Alder")],
        [("1", "school", "Fir")],
        [("1", "sex", "girls"), ("1", "sex", "of")],
    ],
)
def test_what_does_not_fit_the_file_is_no_way_out(facts):
    found = look("We followed 181 pupils.", facts=facts)
    assert (found.verdict, found.released()) == (UNREADABLE, [])
    assert "does not fit the tables any more" in found.message


@pytest.mark.parametrize(
    "lines",
    [[("x", "school", "Alder")], [("1", "sex", "a"), ("1", "sex", "b")], [("1", "sex", "")], [("1",)]],
)
def test_what_cannot_be_confirmed_is_refused(lines):
    with pytest.raises(BadTable):
        read_facts(written(lines).decode())


def test_everybody_may_be_confirmed_where_nothing_tells_apart():
    assert read_facts(written([("1", "", "")]).decode())[1].codes == {}
    assert UNCONFIRMED == "said"


def test_a_cell_is_proposed_by_its_size_and_the_words_beside_it():
    tables = look("Fine.").tables
    assert proposals(Said("p", "In Alder 40 boys stayed.", "40", False), tables) == {
        "school": "Alder",
        "sex": "boys",
    }
    assert proposals(Said("p", "We followed 181 pupils.", "181", False), tables) == {
        "school": "Total",
        "sex": "Total",
    }
    assert proposals(Said("p", "In Alder 41 boys stayed.", "41", False), tables) == {}
