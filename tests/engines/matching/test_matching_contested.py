"""Groups of records that people look at whole: which are drawn, and that words on their pairs are kept."""

from __future__ import annotations

import json
from dataclasses import replace

import numpy as np
import pyarrow as pa
import pytest

from bench.linkage import files as files_of_bench
from bench.linkage import models
from matching.engine import clerical, contested, likeness, stops, told
from matching.engine import spec as specs
from matching.engine.sheets import Sheets

SALT = "0123456789abcdef"
NAMES = ("SDE", "CSCU", "DOL")


def files():
    """Return three small files, and a specification that reads them."""
    tables = {
        name: pa.table(
            {
                "id": [f"{name}-{row}" for row in range(9)],
                "FirstName": [f"First{row}" for row in range(9)],
                "LastName": [f"Last{name}{row}" for row in range(9)],
            }
        )
        for name in NAMES
    }
    found = {name: specs.recognise(table.column_names, name) for name, table in tables.items()}
    return tables, specs.complete(specs.default(found))


def edges(*pairs):
    """Return pairs as a run gives them: file and row on both sides, decision, likelihood."""
    return pa.table(
        {
            "file_l": [one[0] for one, *_ in pairs],
            "id_l": [f"{one[0]}-{one[1]}" for one, *_ in pairs],
            "file_r": [other[0] for _, other, *_ in pairs],
            "id_r": [f"{other[0]}-{other[1]}" for _, other, *_ in pairs],
            "weight": [7.25 for _ in pairs],
            "probability": [chance for *_, chance in pairs],
            "rule": ["full name" for _ in pairs],
            "decision": [decision for _, _, decision, _ in pairs],
        }
    )


CONTESTED = (
    (("SDE", 0), ("CSCU", 0), "link", 0.99),
    (("CSCU", 0), ("DOL", 0), "link", 0.98),
    (("CSCU", 1), ("DOL", 0), "refused", 0.97),
)
IN_DOUBT = (
    (("SDE", 2), ("CSCU", 2), "link", 0.99),
    (("CSCU", 2), ("DOL", 2), "review", 0.6),
)
CLEAR = (
    (("SDE", 3), ("CSCU", 3), "link", 0.99),
    (("CSCU", 3), ("DOL", 3), "link", 0.99),
    (("SDE", 3), ("DOL", 4), "review", 0.1),  # hardly a doubt
    (("SDE", 5), ("CSCU", 5), "refused", 0.9),  # two records are a pair
)


def drawn(*pairs, size=20, word=told.NOTHING):
    tables, spec = files()
    sheets = Sheets(tables, spec)
    found = contested.draw(edges(*pairs), tables, spec, size=size, salt=SALT, told=word, sheets=sheets)
    return found, sheets.contents()


@pytest.mark.obligation("O-69")
class TestDraw:
    def test_groups_with_a_refused_or_doubtful_pair_are_drawn_the_refused_first(self):
        found, _ = drawn(*CLEAR, *IN_DOUBT, *CONTESTED)

        assert [len(group["records"]) for group in found.shown] == [4, 3]
        first = found.shown[0]
        assert [record["file"] for record in first["records"]] == ["SDE", "CSCU", "CSCU", "DOL"]
        assert [(p["one"], p["other"], p["decision"]) for p in first["pairs"]] == [
            (0, 1, "link"),
            (1, 3, "link"),
            (2, 3, "refused"),
        ]
        assert len(drawn(*CLEAR, *IN_DOUBT, *CONTESTED, size=1)[0].shown) == 1
        assert drawn(*CLEAR)[0].shown == []
        assert drawn(*CONTESTED, size=0)[0].shown == []

    def test_what_stopped_the_run_stands_with_the_pair(self):
        tables, spec = files()
        sheets = Sheets(tables, spec)
        whole = {"size": 20, "salt": SALT, "told": told.NOTHING, "sheets": sheets}
        found = contested.draw(edges(*CONTESTED), tables, spec, stopped={2: stops.TWO_ROWS}, **whole)
        assert [pair["stopped"] for pair in found.shown[0]["pairs"]] == ["", "", stops.TWO_ROWS]

    def test_places_lead_to_the_records_and_nothing_else_tells_of_them(self):
        found, sheets = drawn(*CONTESTED)

        records = [
            json.loads(sheets[record["file"]][slice(*record["place"])])
            for record in found.shown[0]["records"]
        ]
        assert [record["last_name"] for record in records] == [
            "LastSDE0",
            "LastCSCU0",
            "LastCSCU1",
            "LastDOL0",
        ]
        kept = json.dumps([found.shown, found.index])
        assert "First" not in kept
        assert not any(f"{name}-" in kept for name in NAMES)

    def test_a_group_of_too_many_records_is_not_laid_side_by_side(self):
        chain = [(("SDE", row), ("CSCU", row), "link", 0.9) for row in range(5)]
        chain += [(("CSCU", row), ("SDE", row + 1), "refused", 0.9) for row in range(4)]
        assert drawn(*chain)[0].shown == []

    def test_what_was_decided_before_is_marked_and_a_group_that_is_decided_is_not_drawn(self):
        refused = told.Told(apart=frozenset({(10, 18)}))  # CSCU 1 and DOL 0, numbered over all files
        linked = told.Told(together=frozenset({(0, 9)}))

        assert drawn(*CONTESTED, word=refused)[0].shown == []
        (group,) = drawn(*CONTESTED, word=linked)[0].shown
        assert [pair["told"] for pair in group["pairs"]] == [True, False, False]

    def test_words_on_its_pairs_are_found_again_in_the_next_run(self):
        found, _ = drawn(*CONTESTED)
        tables, spec = files()
        words = [{**found.index[0][2], "verdict": "link"}, {**found.index[0][0], "verdict": "not"}]
        turned = {name: table.take(pa.array(range(9)[::-1])) for name, table in tables.items()}

        carried = told.carried(words, turned, spec, salt=SALT)

        assert carried.together == {(9 + 8 - 1, 18 + 8)}
        assert carried.apart == {(8, 9 + 8)}


def test_a_run_draws_them_with_its_pairs(link):
    """A file of one row a person that holds 40 of its rows twice: another file's row fits both."""
    made = files_of_bench.make(600, seed=3, model=models.AGENCIES)
    again = made.right.slice(0, 40).set_column(0, "unique_id", pa.array([f"again{n}" for n in range(40)]))
    tables = {"SDE": made.left, "CSCU": pa.concat_tables([made.right, again])}
    held = {name: specs.recognise(table.column_names, name) for name, table in tables.items()}
    whole = specs.complete(specs.default({name: replace(file, unique=True) for name, file in held.items()}))
    result = link(tables, whole)
    in_both = int(np.isin(made.right_person[:40], made.left_person).sum())

    found = clerical.draw(result.edges, tables, whole, result.report, size=60, salt=SALT, groups=40)
    none = clerical.draw(result.edges, tables, whole, result.report, size=60, salt=SALT)

    assert none.sample["groups"] == []
    assert none.sample["pairs"] == found.sample["pairs"]
    assert len(found.sample["groups"]) == len(found.index["groups"])
    for group, known in zip(found.sample["groups"], found.index["groups"], strict=True):
        assert 3 <= len(group["records"]) <= contested.MOST
        assert len(group["pairs"]) == len(known)
    kinds = [sorted(pair["decision"] for pair in group["pairs"]) for group in found.sample["groups"]]
    refused = [
        g for g, kind in zip(found.sample["groups"], kinds, strict=True) if kind == ["link", "refused"]
    ]
    assert all(sorted(r["file"] for r in g["records"]) == ["CSCU", "CSCU", "SDE"] for g in refused)
    assert 15 < 0.8 * in_both < len(refused) <= in_both


class TestSideBySide:
    RECORDS = (
        {"last_name": "Lee", "first_name": "Ann", "middle_name": None, "sex": "F"},
        {"last_name": "LEE", "first_name": "Anna", "middle_name": None, "sex": None},
        {"last_name": "Lee", "first_name": None, "middle_name": "", "sex": "F"},
    )

    def test_what_differs_from_the_first_is_marked(self):
        said = {entry["field"]: entry for entry in likeness.side_by_side(self.RECORDS, masked=False)}

        assert said["last_name"]["word"] == likeness.SAME
        assert said["first_name"]["word"] == likeness.DIFFERS
        assert said["first_name"]["values"] == [[["Ann", False]], [["Ann", False], ["a", True]], []]
        assert said["sex"]["word"] == likeness.SOME_LACK
        assert said["middle_name"]["word"] == likeness.ALL_LACK

    def test_behind_dots_nothing_is_read(self):
        hidden = json.dumps(likeness.side_by_side(self.RECORDS, masked=True), ensure_ascii=False)
        assert "Ann" not in hidden
        assert "•••" in hidden
