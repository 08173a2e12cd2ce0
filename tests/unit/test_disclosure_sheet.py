"""One screen of a check's sheet: letters, the walk, layers, the card of a cell, and why it is withheld."""

import json
from types import SimpleNamespace

import pytest

from disclosure.engine import sheet as sheets
from disclosure.engine.examine import Beside, examine
from disclosure.engine.policy import CellPolicy
from disclosure.engine.reading import read_grids
from disclosure.explained import Lines
from disclosure.sheet_parts import COLUMNS, ROWS
from disclosure.sheet_shown import Sheet

RULES = CellPolicy(6, True, 20)
CROSS = b"school \\ sex,female,male,Total\nAlder,3,40,43\nBirch,51,30,81\nCedar,22,35,57\nTotal,76,105,181\n"
CHECK = SimpleNamespace(policy={"min_count": 6, "hide_zeros": True, "min_pct_base": 20}, cells=12)
NO_PATTERN = SimpleNamespace(policy=CHECK.policy, cells=0)


def examined(content=CROSS, beside=None):
    return examine(
        "table.csv",
        content,
        beside or Beside(),
        policy=RULES,
        seconds=20,
        left=lambda: 60,
        told=lambda percent, message: None,
        reader=read_grids,
    )


def sheet(content=CROSS, beside=None, *, check=CHECK, **changes):
    said = json.loads(sheets.written(examined(content, beside), salt="x"))
    return Sheet(json.dumps(said | changes).encode(), check)


def cell(said, *codes):
    (number,) = [n for n, row in enumerate(said.tables[0]["rows"]) if row["codes"] == list(codes)]
    return number


def table(*rows):
    told = [
        {"codes": list(codes), "count": count, "shown": not reason, "reason": reason}
        for codes, count, reason in rows
    ]
    return {"dimensions": ["school"], "rows": told}


class TestLetters:
    def test_each_state_has_its_letter(self):
        said = sheet()
        letters = dict(zip([tuple(r["codes"]) for r in said.tables[0]["rows"]], said.letters[0], strict=True))
        assert letters["Alder", "female"] == "S"
        assert letters["Alder", "male"] == "C"
        assert letters["Birch", "male"] == ""

    def test_a_small_base_and_a_withheld_count_behind_a_percentage(self):
        said = sheet(
            b"school,sex,count,pct,pct_of\nA,f,3,25.0,sex\nA,m,9,75.0,sex\nA,Total,12,,\n"
            b"B,f,40,50.0,sex\nB,m,40,50.0,sex\nB,Total,80,,\nTotal,f,43,,\nTotal,m,49,,\nTotal,Total,92,,\n"
        )
        shown = {row["reason"] for row in said.tables[0]["rows"]}
        assert any("percentage base too small" in reason for reason in shown)
        assert {"S"} <= {letter for letter in said.letters[0] if letter}
        only = {"reason": "percentage base too small", "shown": True}
        assert said._letter(0, 0, only) == "B"
        assert said._letter(0, 0, only | {"reason": "percentage of a withheld count"}) == "P"

    def test_what_was_released_earlier(self):
        released = ("“First”, table-1.csv", b"school,released\nBirch,81\n")
        said = sheet(beside=Beside(released=[released]))
        number = cell(said, "Birch", "Total")
        assert said.letters[0][number] == "E"
        assert said.card(0, number)["row"]["earlier"] == "“First”, table-1.csv"
        assert (0, number) not in said.walk()
        assert (0, number) in said.walk("E")

    def test_what_leaks_is_not_settled_or_is_near_comes_first(self):
        leak = {"people": "A", "derivation": "241 − 238 = 3", "low": 3, "high": 3, "unsettled": False}
        places = [f"table.csv (to be released), line {n + 2}" for n in range(12)]
        said = sheet(
            leaks=[
                leak | {"places": [places[9], "“First”, table-1.csv, line 3"]},
                leak | {"places": [places[10]], "unsettled": True},
            ],
            warnings=[leak | {"places": [places[11]], "low": 2, "high": 9}],
        )
        assert said.letters[0][9:12] == ["L", "U", "W"]
        assert said.walk()[:3] == [(0, 9), (0, 10), (0, 11)]
        assert said.verdict() == "1 count can be worked out, 1 through “First”, table-1.csv."
        assert said.card(0, 9)["leaks"][0]["derivation"] == "241 − 238 = 3"


class TestWhy:
    def test_the_sum_that_would_give_a_small_cell_away_is_written_out(self):
        said = sheet()
        why = said.card(0, cell(said, "Alder", "male"))["why"]
        assert why == ["If it were shown, Alder, female could be worked out along sex: 43 − 40 = 3."]

    def test_a_cell_without_a_small_one_beside_it_says_that(self):
        said = sheet()
        (why,) = said.card(0, cell(said, "Cedar", "male"))["why"]
        assert why.startswith("No small cell stands in its lines.")

    def test_one_that_keeps_a_small_sum_from_being_known_is_residual(self):
        rows = table(
            (["A"], 2, "small"), (["B"], 3, "small"), (["C"], 40, "complementary"), (["Total"], 45, "")
        )
        lines = Lines(rows, {}, min_count=6)
        assert lines.is_residual(2)
        assert lines.why(2) == ["If it were shown, A and B would be known to be 5 together, along school."]

    def test_a_small_cell_by_itself_is_no_residual_and_groups_are_lines_of_their_own(self):
        rows = table(
            (["A"], 2, "small"),
            (["B"], 41, "complementary"),
            (["North"], 43, ""),
            (["C"], 50, ""),
            (["Total"], 93, ""),
        )
        lines = Lines(rows, {"school": {"North": ["A", "B"]}}, min_count=6)
        assert not lines.is_residual(1)
        assert lines.why(1) == ["If it were shown, A could be worked out along school: 43 − 41 = 2."]

    def test_a_total_that_is_withheld_protects_its_part(self):
        rows = table((["A"], 2, "small"), (["B"], 41, ""), (["Total"], 43, "complementary"))
        assert Lines(rows, {}, min_count=6).why(2) == [
            "If it were shown, A could be worked out along school: 43 − 41 = 2."
        ]

    def test_a_long_sum_is_told_in_short(self):
        parts = [([f"S{n}"], 10, "") for n in range(8)]
        rows = table(*parts, (["A"], 2, "small"), (["B"], 9, "complementary"), (["Total"], 91, ""))
        (why,) = Lines(rows, {}, min_count=6).why(9)
        assert why.endswith("91 − (the 9 others, 89 together) = 2.")


class TestScreen:
    def test_each_layer_shows_no_more_than_it_says(self):
        said = sheet()
        numbers = {
            layer: [c["number"] for c in said.screen({"layer": layer})["rows"][0]["cells"]]
            for layer in ("original", "proposed", "released", "open")
        }
        assert numbers["original"] == numbers["proposed"] == [3, 40, 43]
        assert numbers["released"] == ["", "", 43]
        assert numbers["open"][0].startswith("0–")
        letters = [c["letter"] for c in said.screen({"layer": "released"})["rows"][0]["cells"]]
        assert letters == ["", "", ""]

    def test_without_a_pattern_there_is_only_what_was_uploaded(self):
        shown = sheet(check=NO_PATTERN).screen({"layer": "released"})
        assert shown["layer"] == "original"

    @pytest.mark.parametrize(
        "asked", [{"table": "9"}, {"cell": "999"}, {"cell": "x"}, {"page": "-1"}, {"only": "Q"}]
    )
    def test_what_does_not_exist_is_answered_with_what_does(self, asked):
        shown = sheet().screen(asked)
        assert shown["table"] == 1
        assert len(shown["rows"]) == 4

    def test_the_walk_leads_from_the_first_to_the_last_and_turns_the_pages(self):
        body = [f"S{n:03},P{m:02},{3 if n == m else 50}" for n in range(60) for m in range(30)]
        said = sheet("\n".join(["school,prog,count", *body]).encode())
        shown = said.screen({})
        assert (len(shown["rows"]), len(shown["heads"])) == (ROWS, COLUMNS)
        assert (shown["row_pages"]["of"], shown["column_pages"]["of"]) == (-(-60 // ROWS), -(-30 // COLUMNS))
        seen, step = [], shown["walk"]["next"]
        while step:
            asked = dict(part.split("=") for part in step[1:].removesuffix("#card").split("&"))
            shown = said.screen(asked)
            seen.append(int(asked["cell"]) - 1)
            here = [c for row in shown["rows"] for c in row["cells"] if c and c["is_here"]]
            assert len(here) == 1
            step = shown["walk"]["next"]
        assert [(0, n) for n in seen] == said.walk()
        assert shown["walk"]["at"] == shown["walk"]["of"] == len(seen) >= 30

    def test_what_is_left_of_the_tables(self):
        told = dict(sheet().utility())
        assert told["Counts shown"] == "8 of 12 (66.7 %)"
        assert told["Totals and groups shown"] == "6 of 6 (100.0 %)"
        assert told["People in cells that are shown"] == "81 of 181 (44.8 %)"
