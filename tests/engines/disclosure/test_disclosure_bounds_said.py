"""Bounds and shares in words as facts: what is confirmed is an inequality or a percentage of the audit."""

import json

import pytest

from disclosure.engine import sheet
from disclosure.engine.audit.judge import audit
from disclosure.engine.documents.content import Passage
from disclosure.engine.examine import NO_PATTERN, SAFE, UNREADABLE, Beside, examine
from disclosure.engine.longform import read_long
from disclosure.engine.said import Said, proposals, said_in
from tests.engines.disclosure.samples import RULES
from tests.engines.disclosure.test_disclosure_said import look

BOYS = [("1", "school", "Alder"), ("1", "sex", "boys")]
OUT = [("old.csv", b"school,sex,released\nAlder,Total,43\n")]


def told(text):
    return [each.in_words for each in said_in([Passage("p", text)])]


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("Fewer than ten girls in Birch stayed.", ["9 or fewer"]),
        ("Under 30 students moved.", ["29 or fewer"]),
        ("No more than 12 girls left.", ["12 or fewer"]),
        ("Not more than 12 girls left.", ["12 or fewer"]),
        ("Up to 12 girls left.", ["12 or fewer"]),
        ("12 or fewer girls left.", ["12 or fewer"]),
        ("At least 12 boys left.", ["12 or more"]),
        ("No fewer than 12 boys left.", ["12 or more"]),
        ("More than 12 boys left.", ["13 or more"]),
        ("30 or more students came.", ["30 or more"]),
        ("At least 12 of the 60 girls left.", ["60", "12 to 60"]),
        ("Fewer than 10 of 60 girls left.", ["60", "9 or fewer"]),
        ("31 of 60 pupils came.", ["31", "60"]),
        ("31 out of 60 pupils came.", ["31", "60"]),
        ("Seven out of every ten pupils came.", ["70 %"]),
        ("1 in 8 of 64 girls left.", ["64", "8"]),
        ("1 in 5 of 82 girls left.", ["82", "16 to 17"]),
        ("A quarter of the 48 stayed.", ["12", "48"]),
        ("A quarter of the 50 girls stayed.", ["50", "12 to 13"]),
        ("None of the girls left.", ["0"]),
        ("More than half of 30 pupils came.", ["30", "16 to 30"]),
        ("At least half of 30 pupils came.", ["30", "15 to 30"]),
        ("Less than a third of the 60 boys came.", ["60", "19 or fewer"]),
        ("More than 40 % of the 90 girls came.", ["90", "37 to 90"]),
        ("10 % or more of the 90 girls came.", ["90", "9 to 90"]),
        ("Two thirds of the girls stayed.", ["67 %"]),
        ("Half the students stayed.", ["50 %"]),
        ("One in five pupils moved.", ["20 %"]),
        ("Half of them stayed.", ["50 %"]),
    ],
)
def test_a_bound_tells_which_counts_there_may_be_and_a_share_a_percentage(text, words):
    assert told(text) == words
    assert not any(each.is_open for each in said_in([Passage("p", text)]))


@pytest.mark.parametrize(
    "text",
    [
        "About half of the girls stayed.",
        "Nearly a quarter of the 48 girls stayed.",
        "More than 40 % of the girls stayed.",
        "More than half of the girls stayed.",
        "Roughly 12 % of the girls stayed.",
    ],
)
def test_what_its_words_leave_open_is_no_fact(text):
    (share,) = [each for each in said_in([Passage("p", text)]) if each.number != "48"]
    assert (share.is_open, share.bound) == (True, "")


@pytest.mark.parametrize(
    "text",
    [
        "Students under 18 who left need consent.",
        "Two thirds of 120 schools answered.",
        "A quarter of 2020 and half of the year went by.",
        "At least one student came.",
        "At least 12 credits are needed; fewer than 30 days are left.",
        "Half of the schools and a half-time teacher-aide post.",
    ],
)
def test_what_is_not_about_how_many_people_is_not_told(text):
    assert told(text) == []


def test_bounds_stand_behind_what_was_numbered_before_them():
    passages = [Passage("p", "At least 30 girls."), Passage("q", "In Alder 43 pupils.")]
    assert [each.in_words for each in said_in(passages)] == ["43", "30 or more"]


def test_the_mark_of_a_small_count_needs_nobody_and_another_bound_does():
    found = look("Fewer than 6 students are not shown.")
    assert (found.verdict, found.to_rule, json.loads(sheet.written(found))["sentences"]) == (SAFE, 0, [])
    found = look("Fewer than ten pupils in Alder came.")
    (said,) = json.loads(sheet.written(found))["sentences"]
    assert (found.verdict, found.to_rule, said["told"], said["is_open"]) == (SAFE, 1, "9 or fewer", False)


@pytest.mark.obligation("O-78", "O-81")
def test_a_confirmed_bound_is_released_as_the_counts_that_it_allows():
    found = look(
        "In Birch at least 50 girls stayed.", facts=[("1", "school", "Birch"), ("1", "sex", "girls")]
    )
    assert (found.verdict, found.to_rule) == (SAFE, 0)
    (content,) = found.audited_sentences()
    assert content.decode().splitlines()[1].startswith("Birch,girls,>49,paragraph 1: “In Birch at least")


@pytest.mark.obligation("O-79", "O-81")
@pytest.mark.parametrize(("least", "verdict"), [(30, SAFE), (38, SAFE), (39, NO_PATTERN)])
def test_a_bound_from_which_a_small_count_follows_more_narrowly_stands_in_the_way(least, verdict):
    """43 of Alder are out: at least 39 boys leave at most 4 girls, which says more than “fewer than 6”."""
    text = f"In Alder at least {least} boys stayed."
    found = look(text, facts=BOYS, released=OUT)
    assert found.verdict == verdict
    assert (verdict == SAFE) or any(text in fact for fact in found.facts), found.facts
    assert look(text, released=OUT).verdict == SAFE  # nobody confirmed it: it is for people to rule on


@pytest.mark.obligation("O-81")
def test_a_later_release_is_held_against_a_bound():
    first = look("In Alder at least 39 boys stayed.", facts=BOYS)
    assert first.verdict == SAFE
    out = [(f"first, {n}", text) for n, text in enumerate([*first.audited(), *first.audited_sentences()])]
    later = b"school,count\nAlder,43\nBirch,81\nCedar,57\nTotal,181\n"
    found = examine("later.csv", later, Beside(released=out), policy=RULES, seconds=5)
    (table,) = found.protection.tables
    shown = {
        row.codes["school"]: is_shown for row, is_shown in zip(table.table.rows, table.shown, strict=True)
    }
    assert not shown["Alder"]


def test_a_share_of_a_number_that_is_given_is_a_range_of_counts():
    text = "More than half of the 43 pupils of Alder are boys."
    facts = [("1", "school", "Alder"), ("1", "sex", "Total"), ("2", "school", "Alder"), ("2", "sex", "boys")]
    found = look(text, facts=facts)
    assert found.verdict == SAFE
    (content,) = found.audited_sentences()
    assert [line.split(",")[:3] for line in content.decode().splitlines()[1:]] == [
        ["Alder", "Total", "43"],
        ["Alder", "boys", "22-43"],
    ]


@pytest.mark.parametrize(("share", "verdict"), [("21 in 50", SAFE), ("Half", None)])
def test_a_share_in_words_is_a_percentage_of_what_is_named(share, verdict):
    """76 of 181 are girls: 42 %."""
    text = f"{share} of the pupils are girls."
    facts = [("1", "school", "Total"), ("1", "sex", "girls"), ("1", "sex", "of")]
    found = look(text, facts=facts)
    assert (found.verdict == SAFE, bool(found.audited_sentences())) == (bool(verdict), bool(verdict))
    if verdict:
        assert b"girls,42,sex," in found.audited_sentences()[0]


def test_a_bound_that_the_tables_contradict_is_no_way_out():
    found = look("In Alder at least 50 boys stayed.", facts=BOYS)
    assert (found.verdict, found.released()) == (UNREADABLE, [])


def test_what_is_open_cannot_be_confirmed_and_waits_for_people():
    text = "More than half of the boys stayed."
    assert look(text).to_rule == 1
    found = look(text, facts=[*BOYS, ("1", "sex", "of")])
    assert (found.verdict, found.released()) == (UNREADABLE, [])
    assert "does not fit the tables any more" in found.message


def test_a_cell_is_proposed_for_a_bound_only_where_the_words_name_it():
    tables = look("Fine.").tables
    boys = Said("p", "In Alder at least 30 boys stayed.", "30", False, ">29")
    assert proposals(boys, tables) == {"school": "Alder", "sex": "boys"}
    assert proposals(Said("p", "At least 30 stayed.", "30", False, ">29"), tables) == {}


def test_both_readers_take_a_count_that_is_told_from_below():
    """Of 43, more than 37 elsewhere leave at most 5: that is no more than the mark says."""
    text = "school,released\nAlder,\nBirch,>37\nTotal,43\n"
    assert [row.shown for row in read_long("t.csv", text).rows] == [None, (38, None), (43, 43)]
    report = audit([("t.csv", text.encode())], groups={}, policy=RULES)
    assert report.passed
    report = audit([("t.csv", text.replace(">37", ">38").encode())], groups={}, policy=RULES)
    (leak,) = report.leaks
    assert (leak.low, leak.high) == (0, 4)
