"""Tables read as somebody said by hand: nothing small gets out that way, and what contradicts is refused."""

import json
import re

import pytest

from disclosure.engine import sheet
from disclosure.engine.byhand import NOT_A_COUNT, NUMBERED, UNTOLD, read_by_hand, signature, written
from disclosure.engine.errors import BadTable
from disclosure.engine.examine import SAFE, UNREADABLE, Beside, examine
from tests.engines.disclosure import documents_changed as made
from tests.engines.disclosure.samples import RULES

# A cross table whose first column is no category, and whose total has a name of its own.
ODD = (
    b"code,school,girls,boys,both\nS1,Alder,3,40,43\nS2,Birch,51,30,81\nS3,Cedar,22,35,57\n"
    b"S9,State,76,105,181\n"
)
SAID = [
    ("column", "1", "other"),
    ("column", "2", "dimension"),
    *(("column", str(number), "count") for number in (3, 4, 5)),
    ("across", "1", "sex"),
    ("total", "State", "Total"),
    ("total", "both", "Total"),
]
PLAIN = b"school \\ sex,girls,boys,Total\nAlder,3,40,43\nBirch,51,30,81\nCedar,22,35,57\nTotal,76,105,181\n"
SHARES = b"school,students,share\nAlder,30,23.1\nBirch,60,46.2\nCedar,40,30.8\nTotal,130,100.0\n"
SHARED = [
    ("column", "1", "dimension"),
    ("column", "2", "count"),
    ("column", "3", "percentage"),
    ("base", "school", ""),
]


def grid(content):
    return [line.split(",") for line in content.decode().splitlines()]


def look(content, said, name="t.csv"):
    by_hand = {signature(grid(content)): written(said)}
    return examine(name, content, Beside(by_hand=by_hand), policy=RULES, seconds=5)


def but(said, *lines):
    """Return what was said, with other lines for the same things."""
    anew = {line[:2] for line in lines}
    return [line for line in said if line[:2] not in anew] + [line for line in lines if line[2]]


@pytest.mark.obligation("O-78")
def test_a_table_is_read_as_it_was_said_and_protected_like_any_other():
    plain = examine("t.csv", PLAIN, policy=RULES, seconds=5)
    found = look(ODD, SAID)
    assert found.verdict == plain.verdict == SAFE
    assert found.released() == plain.released()
    assert found.to_rule == 1  # the codes of schools are numbers, as far as the checker can tell
    assert found.aside.to_rule[0].what == NOT_A_COUNT
    told = json.loads(sheet.written(found))
    assert told["grids"][0]["by_hand"][0] == "Column 1 counts nobody"
    assert told["beside"]["to_rule"][0]["quote"] == "column 1, code: 4 with numbers, 0 of them small"


def test_a_total_that_is_not_called_so_is_no_category_unless_a_hierarchy_says_what_it_is():
    content = b"school,girls,boys\nAlder,3,40\nBirch,51,30\nState,54,70\n"
    found = examine("t.csv", content, policy=RULES, seconds=5)
    assert (found.verdict, found.released()) == (UNREADABLE, [])
    assert "“State” is the sum of all others in school" in found.message
    groups = b"parent,child\nTotal,State\nState,Alder\nState,Birch\n"
    found = examine("t.csv", content, Beside(hierarchies={"school": groups}), policy=RULES, seconds=5)
    assert found.verdict != UNREADABLE
    by_chance = b"school,girls,boys\nAlder,3,40\nBirch,51,30\nCedar,54,71\n"
    assert examine("t.csv", by_chance, policy=RULES, seconds=5).verdict == SAFE


def test_what_is_said_of_other_headings_changes_nothing():
    found = examine(
        "t.csv", PLAIN, Beside(by_hand={signature(grid(ODD)): written(SAID)}), policy=RULES, seconds=5
    )
    assert (found.verdict, found.to_rule, found.by_hand) == (SAFE, 0, {})


@pytest.mark.obligation("O-78")
@pytest.mark.parametrize(
    ("lines", "why"),
    [
        ([("total", "State", ""), ("total", "Birch", "Total")], "is not the sum of its parts"),
        ([("total", "Birch", "Total")], "stands twice"),
        ([("total", "State", "")], "“State” is the sum of all others"),
        ([("total", "both", "")], "“both” is the sum of all others"),
        ([("total", "both", ""), ("total", "girls", "Total")], "is not the sum of its parts"),
        ([("column", "3", "other")], "is said to count nobody, but its parts make its total"),
        ([("column", "2", "other")], "Name every|every dimension|stands twice"),
        ([("across", "1", "")], "stands twice"),
        ([("column", "3", "percentage")], "a percentage needs the count beside it"),
        ([("headings", "", "2")], "is not the sum of its parts"),
        ([("name", "2", "sex")], "a name of its own"),
        ([("column", "6", "count")], "has not the columns"),
        ([("base", "town", "x")], "which is none of its dimensions"),
        ([("column", "1", "count")], "is not a whole number"),
        ([("name", "2", "count")], "a name of its own"),
    ],
)
def test_what_contradicts_the_numbers_is_no_way_out(lines, why):
    found = look(ODD, but(SAID, *lines))
    assert (found.verdict, found.released()) == (UNREADABLE, [])
    assert re.search(why, found.message)


@pytest.mark.obligation("O-78")
def test_small_counts_that_are_said_to_be_none_are_for_people_to_rule_on_and_not_released():
    content = b"school,girls,boys,sent on\nAlder,30,40,3\nBirch,51,30,4\nCedar,22,35,9\n"
    said = [
        ("column", "1", "dimension"),
        ("column", "2", "count"),
        ("column", "3", "count"),
        ("column", "4", "other"),
        ("across", "1", "sex"),
    ]
    found = look(content, said)
    assert found.verdict == SAFE
    assert [each.quote for each in found.aside.to_rule] == [
        "column 4, sent on: 3 with numbers, 2 of them small"
    ]
    assert b"sent on" not in b"".join(found.released())
    as_labels = look(content, but(said, ("column", "4", "dimension")))
    assert NUMBERED in [each.what for each in as_labels.aside.to_rule] or as_labels.verdict == UNREADABLE


def test_numbers_among_the_headings_are_for_people_to_rule_on():
    content = b"school,x,y\nAlder,3,4\nBirch,51,30\nCedar,22,35\n"
    said = [
        ("column", "1", "dimension"),
        ("column", "2", "count"),
        ("column", "3", "count"),
        ("headings", "", "2"),
        ("across", "2", "sex"),
    ]
    found = look(content, said)
    assert [each.what for each in found.aside.to_rule] == [NUMBERED]


@pytest.mark.obligation("O-78")
def test_percentages_are_held_against_their_counts():
    assert look(SHARES, SHARED).verdict == SAFE
    for wrong in (SHARES.replace(b"23.1", b"24.1"), SHARES.replace(b"30,23.1", b"23,30")):
        found = look(wrong, SHARED)
        assert (found.verdict, found.released()) == (UNREADABLE, [])


def test_pairs_of_counts_and_percentages_stand_under_one_heading():
    content = b"school,girls n,girls pct,boys n,boys pct\nAlder,30,42.9,40,57.1\nBirch,50,62.5,30,37.5\n"
    said = [
        ("column", "1", "dimension"),
        *(("column", number, "count") for number in "24"),
        *(("column", number, "percentage") for number in "35"),
        *(("code", number, "girls") for number in "23"),
        *(("code", number, "boys") for number in "45"),
        ("across", "1", "sex"),
        ("base", "sex", ""),
    ]
    found = look(content, said)
    assert found.verdict == SAFE
    (table,) = found.tables
    assert [(row.codes["sex"], row.count, str(row.share().value)) for row in table.rows[:2]] == [
        ("girls", 30, "42.9"),
        ("boys", 40, "57.1"),
    ]


def test_two_rows_of_headings_tell_two_things_apart():
    content = b"school,Grade 9,,Grade 10,\n,girls,boys,girls,boys\nAlder,30,40,31,41\nBirch,50,30,51,33\n"
    said = [
        ("column", "1", "dimension"),
        *(("column", number, "count") for number in "2345"),
        ("headings", "", "2"),
        ("name", "1", "school"),
        ("across", "1", "grade"),
        ("across", "2", "sex"),
    ]
    (table,) = look(content, said).tables
    assert table.dimensions == ("school", "grade", "sex")
    assert [row.codes["grade"] for row in table.rows[:4]] == ["Grade 9", "Grade 9", "Grade 10", "Grade 10"]


@pytest.mark.obligation("O-80")
@pytest.mark.parametrize(
    "content",
    [
        b"student id,school,n\nZ1,Alder,30\nZ2,Birch,40\n",
        b"key,school,n\n111-22-3333,Alder,30\n111-22-4444,Birch,40\n",
    ],
)
def test_people_are_not_hidden_in_a_column_that_counts_nobody(content):
    said = [("column", "1", "other"), ("column", "2", "dimension"), ("column", "3", "count")]
    found = look(content, said)
    assert found.verdict == UNREADABLE
    assert "records may not" in found.message


def test_a_table_of_a_document_that_counts_nobody_is_set_aside_for_people_to_rule_on():
    model = [["", "Effect", "Error"], ["Distance", "0.45", "0.21"], ["Size", "3", "0.3"]]
    content = made.docx("Fine.", table=model)
    assert examine("s.docx", content, policy=RULES, seconds=5).verdict == UNREADABLE
    said = [("column", str(number), "dimension" if number == 1 else "other") for number in (1, 2, 3)]
    found = examine(
        "s.docx", content, Beside(by_hand={signature(model): written(said)}), policy=RULES, seconds=5
    )
    assert found.message.startswith("It holds no table of counts")
    assert [each.quote for each in found.aside.to_rule] == [
        "column 2, Effect: 2 with numbers, 1 of them small",
        "column 3, Error: 2 with numbers, 0 of them small",
    ]


def test_a_category_that_is_the_sum_of_the_others_by_chance_is_for_people_to_rule_on():
    content = b"school,n\nAlder,30\nBirch,40\nCedar,70\n"
    found = look(content, [("column", "1", "dimension"), ("column", "2", "count")])
    assert [each.what for each in found.aside.to_rule] == [UNTOLD]


def test_a_document_table_that_was_refused_is_taken_as_it_was_said():
    table = [["town", "2", "3"], ["Alder", "33", "40"], ["Birch", "51", "3"], ["Cedar", "61", "70"]]
    content = made.docx("Fine.", table=table)
    assert examine("s.docx", content, policy=RULES, seconds=5).verdict == UNREADABLE
    said = [
        ("column", "1", "dimension"),
        ("column", "2", "count"),
        ("column", "3", "count"),
        ("across", "1", "g"),
    ]
    found = examine(
        "s.docx", content, Beside(by_hand={signature(table): written(said)}), policy=RULES, seconds=5
    )
    assert (found.verdict, found.protection.primary, found.to_rule) == (SAFE, 1, 1)


def test_it_is_remembered_under_words_and_no_number():
    assert signature([["Counts of people", "", ""], ["town", "3", "n = 4"]]) == "columns: town × # × #"
    long = signature([["x" * 300, "y"]])
    assert len(long) < 200
    assert long != signature([["x" * 300, "z"]])


@pytest.mark.parametrize(
    "lines",
    [
        [("column", "1", "measure")],
        [("column", "2", "count")],
        [("column", "1", "count"), ("column", "1", "other")],
        [("column", "x", "count")],
        [("column", "1", "count"), ("headings", "", "9")],
        [("column", "1", "count"), ("row", "1", "Total")],
        [("column", "1")],
    ],
)
def test_what_cannot_be_said_is_refused(lines):
    with pytest.raises(BadTable):
        read_by_hand(written(lines).decode())
