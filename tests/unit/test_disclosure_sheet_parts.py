"""A table of 5,000 cells in parts: every cell has its place, findings lead there, and names lead to cells."""

import json
from types import SimpleNamespace
from urllib.parse import parse_qsl

import pytest

from disclosure.explained import Lines
from disclosure.sheet_parts import COLUMNS, MORE_COLUMNS, MORE_ROWS, MOST_NAMES, ROWS, Parts
from disclosure.sheet_shown import Sheet

CHECK = SimpleNamespace(policy={"min_count": 6, "hide_zeros": True, "min_pct_base": 20}, cells=5151)


def named(kind, number, of):
    return "Total" if number == of else f"{kind} {number + 1:03}"


def a_table(rows=100, columns=50):
    """Return a table of so many inner cells with its margins; every eighth inner cell is small."""
    told = [
        {
            "codes": [named("School", r, rows), named("Programme", c, columns)],
            "count": 3 if (r * columns + c) % 8 == 0 and r < rows and c < columns else 50,
            "earlier": "",
            "percentage": None,
            "percentage_shown": False,
            "interval": None,
        }
        for r in range(rows + 1)
        for c in range(columns + 1)
    ]
    for row in told:
        row |= {"shown": row["count"] > 5, "reason": "" if row["count"] > 5 else "small"}
    return {"name": "graduates.csv", "dimensions": ["school", "programme"], "rows": told}


@pytest.fixture(scope="module")
def large():
    return a_table()


@pytest.fixture
def sheet(large):
    told = {"tables": [large], "leaks": [], "warnings": [], "children": {}}
    return Sheet(json.dumps(told).encode(), CHECK)


def opened(sheet, address):
    return sheet.screen(dict(parse_qsl(address.partition("#")[0].removeprefix("?"))))


def here(shown):
    return [cell for row in shown["rows"] for cell in row["cells"] if cell and cell["is_here"]]


class TestParts:
    def test_every_cell_stands_once_in_the_part_that_is_its_own(self, large):
        parts = Parts(large)
        assert (parts.pages, parts.windows) == (4, 6)
        seen = {}
        for page in range(1, parts.pages + 1):
            assert len(parts.lines_of(page)) <= ROWS + MORE_ROWS
            for window in range(1, parts.windows + 1):
                heads = parts.heads_of(window)
                assert len(heads) <= COLUMNS + MORE_COLUMNS
                numbers = [line[head] for _, line in parts.lines_of(page) for head in heads]
                assert not seen.keys() & set(numbers)
                seen |= dict.fromkeys(numbers, (page, window))
        assert len(seen) == len(large["rows"]) == 5151
        assert all(parts.part_of(number) == part for number, part in seen.items())

    def test_findings_are_counted_where_they_stand(self, sheet):
        overview = sheet.screen({})["overview"]
        counted = [[part["count"] for part in row["parts"]] for row in overview["rows"]]
        assert sum(map(sum, counted)) == len(sheet.walk()) == 625
        for row in overview["rows"]:
            for part in row["parts"]:
                shown = opened(sheet, part["url"])
                letters = [cell["letter"] for line in shown["rows"] for cell in line["cells"]]
                assert sum(map(bool, letters)) == part["count"]
        assert overview["rows"][1]["name"] == "School 026 to School 050"
        assert overview["heads"][-1] == "Programme 046 to Total"
        assert [part["is_here"] for part in overview["rows"][0]["parts"]] == [True, *[False] * 5]

    @pytest.mark.parametrize(
        ("rows", "columns", "cut"),
        [
            (ROWS, COLUMNS, (1, 1)),
            (ROWS + 2, COLUMNS, (1, 1)),
            (ROWS + 3, COLUMNS + 1, (2, 2)),
            (0, 0, (1, 1)),
        ],
    )
    def test_a_total_does_not_stand_alone(self, rows, columns, cut):
        parts = Parts(a_table(rows, columns))
        assert (parts.pages, parts.windows) == cut
        assert sum(len(parts.lines_of(page)) for page in range(1, cut[0] + 1)) == rows + 1
        assert sum(len(parts.heads_of(window)) for window in range(1, cut[1] + 1)) == columns + 1

    def test_a_table_of_one_screen_has_no_map(self):
        told = {"tables": [a_table(3, 2)], "leaks": [], "warnings": [], "children": {}}
        assert Sheet(json.dumps(told).encode(), CHECK).screen({})["overview"] is None


class TestWalk:
    def test_it_begins_in_the_part_that_was_turned_to(self, sheet):
        shown = sheet.screen({"page": "3", "columns": "2"})
        assert shown["walk"]["begins"] == "First here"
        first = opened(sheet, shown["walk"]["next"])
        assert (first["row_pages"]["at"], first["column_pages"]["at"]) == (3, 2)
        assert len(here(first)) == 1
        assert sheet.screen({})["walk"]["begins"] == "First finding"

    @pytest.mark.parametrize("asked", [{"page": "3", "columns": "2"}, {"cell": "3000"}])
    def test_another_layer_shows_the_same_part(self, sheet, asked):
        shown = sheet.screen(asked)
        for slug, _, url in shown["layers"]:
            other = opened(sheet, url)
            assert (other["layer"], other["heads"]) == (slug, shown["heads"])
            assert [row["labels"] for row in other["rows"]] == [row["labels"] for row in shown["rows"]]
            assert len(here(other)) == len(here(shown))

    def test_from_a_cell_that_is_no_finding_it_goes_on_to_the_next_one(self, sheet):
        shown = sheet.screen({"cell": "3"})
        assert shown["walk"]["at"] is None
        assert shown["walk"]["begins"] == "Next"
        assert opened(sheet, shown["walk"]["next"])["card"]["title"] == "School 001, Programme 009"

    def test_after_the_last_finding_it_begins_anew(self, sheet):
        shown = sheet.screen({"cell": "5151"})
        assert opened(sheet, shown["walk"]["next"])["walk"]["at"] == 1

    def test_every_finding_is_met_on_the_way(self, sheet):
        met, step = [], sheet.screen({})["walk"]["next"]
        while step:
            shown = opened(sheet, step)
            assert len(here(shown)) == 1
            met.append(shown["card"]["cell"] - 1)
            step = shown["walk"]["next"]
            assert len(met) <= 625
        assert [(0, number) for number in met] == sheet.walk()


class TestGoingToACell:
    @pytest.mark.parametrize(
        ("typed", "title"),
        [
            ({"code-1": "School 042", "code-2": "Programme 007"}, "School 042, Programme 007"),
            ({"code-1": " school  042 ", "code-2": "007"}, "School 042, Programme 007"),
            ({"code-1": "School 100"}, "School 100"),
            ({"code-2": "programme 050"}, "Programme 050"),
            ({"code-1": "Total", "code-2": "total"}, "everybody"),
        ],
    )
    def test_names_lead_to_it_however_they_are_spelled(self, sheet, typed, title):
        shown = sheet.screen(typed)
        assert shown["card"]["title"] == title
        assert len(here(shown)) == 1
        assert not shown["jump"]["missed"]

    def test_what_is_not_there_is_said_and_typed_again(self, sheet):
        shown = sheet.screen({"code-1": "Alder <b>", "code-2": "7"})
        assert shown["card"] is None
        assert shown["jump"]["missed"] == "Alder <b>, 7"
        assert [field["typed"] for field in shown["jump"]["fields"]] == ["Alder <b>", "7"]

    def test_where_there_is_no_total_a_part_of_a_name_finds_the_first(self):
        table = a_table(3, 2)
        table["rows"] = [row for row in table["rows"] if "Total" not in row["codes"]]
        assert Parts(table).called(["002", ""]) == 2

    def test_names_are_proposed_in_the_order_of_the_file_and_not_without_end(self, sheet):
        first, second = sheet.screen({})["jump"]["fields"]
        assert first["codes"][:2] == ["School 001", "School 002"]
        assert len(second["codes"]) == 51
        many = {"tables": [a_table(MOST_NAMES + 50, 1)], "leaks": [], "warnings": [], "children": {}}
        first, _ = Sheet(json.dumps(many).encode(), CHECK).screen({})["jump"]["fields"]
        assert len(first["codes"]) == MOST_NAMES


def test_only_the_lines_of_the_cells_that_are_asked_about_are_made(large):
    lines = Lines(large, {}, min_count=6)
    assert not lines._of
    assert [(line.dimension, len(line.parts)) for line in lines.of(0)] == [("school", 100), ("programme", 50)]
    assert list(lines._of) == [0]
