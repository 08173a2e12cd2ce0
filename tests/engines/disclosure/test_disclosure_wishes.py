"""Show it anyway: a cell is shown if others can be withheld in its place, and only then."""

import json

import pytest

from disclosure.engine import sheet
from disclosure.engine.errors import BadTable
from disclosure.engine.examine import SAFE, Beside, examine
from disclosure.engine.wishes import MOST, read_wishes, written
from tests.engines.disclosure.samples import RULES

TABLE = (
    b"school \\ sex,girls,boys,none,Total\nAlder,3,40,31,74\nBirch,51,30,22,103\nCedar,22,35,41,98\n"
    b"Total,76,105,94,275\n"
)


def look(*wishes):
    beside = Beside(wishes=written(wishes) if wishes else b"")
    return examine("t.csv", TABLE, beside, policy=RULES, seconds=5)


def hidden(found):
    (table,) = found.protection.tables
    rows = zip(table.table.rows, table.shown, strict=True)
    return {(row.codes["school"], row.codes["sex"]) for row, shown in rows if not shown}


@pytest.mark.obligation("O-79")
def test_every_complementary_cell_is_shown_if_that_is_wished_or_said_not_to_be():
    plain = look()
    small = ("Alder", "girls")
    granted = 0
    for school, sex in sorted(hidden(plain) - {small}):
        found = look({"school": school, "sex": sex})
        assert found.verdict == SAFE  # the audit has seen the very bytes
        assert small in hidden(found)
        (told,) = json.loads(sheet.written(found))["wishes"]
        assert told["shown"] is ((school, sex) not in hidden(found))
        granted += told["shown"]
        assert len(hidden(found)) >= len(hidden(plain))
    assert granted


@pytest.mark.obligation("O-78")
def test_a_small_cell_is_never_shown_for_a_wish():
    found = look({"school": "Alder", "sex": "girls"})
    assert found.verdict == SAFE
    assert ("Alder", "girls") in hidden(found)
    assert [wish["shown"] for wish in json.loads(sheet.written(found))["wishes"]] == [False]


def test_a_wish_for_what_is_in_no_table_changes_nothing():
    plain = look()
    for wish in ({"school": "Fir", "sex": "boys"}, {"town": "Alder"}):
        found = look(wish)
        assert found.released() == plain.released()
        assert not json.loads(sheet.written(found))["wishes"][0]["shown"]


def test_wishes_are_read_back_and_what_is_none_is_refused():
    wishes = [{"school": "Alder", "sex": "boys"}, {"school": "Birch", "sex": "Total"}]
    assert read_wishes(written(wishes).decode()) == wishes
    for text in ("", "a,b,c\n", "wish,dimension,code\n0,school,Alder\n", "wish,dimension,code\n1,,Alder\n"):
        with pytest.raises(BadTable):
            read_wishes(text)
    with pytest.raises(BadTable):
        read_wishes(written([{"school": "Alder"}] * (MOST + 1)).decode())
