"""Files of researchers: tables are found, lists of people and hiding places refused."""

import io

import pytest
from openpyxl import Workbook
from openpyxl.comments import Comment

from disclosure.engine.errors import BadTable
from disclosure.engine.reading import grids_told, read_file, read_grids, told_grids
from p20win.custody.engine import sandbox


def workbook(rows, change=None):
    book = Workbook()
    sheet = book.active
    for row in rows:
        sheet.append(row)
    if change:
        change(book, sheet)
    out = io.BytesIO()
    book.save(out)
    return out.getvalue()


CROSS = [["school", "female", "male", "All"], ["A", 3, 40, 43], ["B", 51, 30, 81], ["Total", 54, 70, 124]]


def test_a_cross_table_becomes_long():
    (table,) = read_file("t.xlsx", workbook(CROSS))
    assert table.dimensions == ("school", "female / male")
    assert len(table.rows) == 9
    assert table.rows[0].codes == {"school": "A", "female / male": "female"}
    assert table.rows[0].count == 3
    assert table.rows[-1].codes == {"school": "Total", "female / male": "Total"}


def test_a_title_and_two_levels_of_headers():
    rows = [
        ["Graduates by school"],
        ["", "2024", "", "2025", ""],
        ["school", "f", "m", "f", "m"],
        ["A", 30, 40, 31, 41],
        ["B", 32, 42, 33, 43],
    ]
    (table,) = read_file("t.xlsx", workbook(rows))
    assert {row.codes["2024 / 2025"] for row in table.rows} == {"2024", "2025"}
    assert table.rows[2].codes == {"school": "A", "2024 / 2025": "2025", "f / m": "f"}


def test_the_corner_may_name_both_dimensions():
    (table,) = read_file("t.csv", b"school \\ sex,f,m\nA,30,40\nB,51,30\n")
    assert table.dimensions == ("school", "sex")


@pytest.mark.parametrize("label", ["=A", "-A", "-1+cmd|' /C calc'!A0", "- 1+HYPERLINK(B2)"])
def test_a_label_that_begins_like_a_formula_is_refused(label):
    with pytest.raises(BadTable, match="begins like a formula"):
        read_file("t.csv", f"school,f\n{label},30\nB,51\n".encode())


def test_a_label_may_be_below_zero_or_begin_with_a_dash():
    (table,) = read_file("t.csv", b"school,f\n-5 to 0,30\n- Girls (n),51\n")
    assert {row.codes["school"] for row in table.rows} == {"-5 to 0", "- Girls (n)"}


def test_a_csv_with_semicolons_and_thousands():
    (table,) = read_file("t.csv", b"school;f;m\nA;1,300;40\nB;51;30\n")
    assert table.rows[0].count == 1300


def test_a_long_table_is_taken_as_it_is():
    (table,) = read_file("t.csv", b"school,Count\nA,30\nAll,30\n")
    assert table.dimensions == ("school",)
    assert table.rows[1].codes == {"school": "Total"}


def test_every_sheet_is_read():
    def second(book, sheet):
        other = book.create_sheet("more")
        for row in CROSS:
            other.append(row)

    assert len(read_file("t.xlsx", workbook(CROSS, second))) == 2


def hide_sheet(book, sheet):
    book.create_sheet("secret").sheet_state = "hidden"


def hide_row(book, sheet):
    sheet.row_dimensions[2].hidden = True


def hide_column(book, sheet):
    sheet.column_dimensions["B"].hidden = True


def formula(book, sheet):
    sheet["B2"] = "=C2"


def comment(book, sheet):
    sheet["B2"].comment = Comment("was 4", "x")


def words(book, sheet):
    sheet["B2"] = "few"


def blank(book, sheet):
    sheet["B2"] = None


@pytest.mark.parametrize(
    ("change", "why"),
    [
        (hide_sheet, "hidden sheet"),
        (hide_row, "row 2 is hidden"),
        (hide_column, "column B is hidden"),
        (formula, "B2 is a formula"),
        (comment, "comments"),
        (words, "mixes words and numbers"),
        (blank, "no number for A / female"),
    ],
)
def test_hiding_places_are_refused_with_the_place(change, why):
    with pytest.raises(BadTable, match=why):
        read_file("t.xlsx", workbook(CROSS, change))


@pytest.mark.parametrize(
    "content", [b"", b"PK\x03\x04broken", b"\xff\xfe", b"a,b\n", b"a,b\nx,y\n", b"a\x00,b\nx,1\n"]
)
def test_what_is_no_table_is_refused(content):
    with pytest.raises(BadTable, match=r"t\.csv"):
        read_file("t.csv", content)


def lines(header, rows):
    return "\n".join([header, *rows]).encode()


@pytest.mark.obligation("O-80")
@pytest.mark.parametrize(
    ("content", "why"),
    [
        (lines("ssn,count", ["900-00-0001,1"]), "ssn identifies people"),
        (lines("who,count", ["900-00-0001,7"]), "personal identifiers"),
        (lines("who,count", ["9000000001,7"]), "personal identifiers"),
        (lines("school,sex,count", [f"S{i},{'fm'[i % 2]},{i % 2}" for i in range(40)]), "one person or none"),
        (lines("pupil,sex,count", [f"P{i},f,{7 + i}" for i in range(40)]), "different in every row"),
        (lines("born,count", [f"2001-01-{i:02d},{7 + i}" for i in range(1, 29)]), "full dates"),
    ],
)
def test_lists_of_people_are_refused(content, why):
    with pytest.raises(BadTable, match=why):
        read_file("people.csv", content)


def test_a_refusal_never_repeats_a_value():
    with pytest.raises(BadTable) as refusal:
        read_file("people.csv", b"who,count\n900-00-0001,7\n")
    assert "900-00" not in str(refusal.value)


class TestReadApart:
    """The check of an output has its cells read in the sandbox; the answer is as distrusted as the file."""

    def apart(self, name, content):
        return grids_told(sandbox.run(told_grids, name, content))

    def test_the_cells_are_the_same(self):
        content = workbook(CROSS)
        assert self.apart("t.xlsx", content) == read_grids("t.xlsx", content)
        assert read_file("t.xlsx", content, reader=self.apart)

    @pytest.mark.parametrize("content", [b"PK\x03\x04 not a workbook", b"", b"\xff\xfe", b"a\x00b"])
    def test_a_refusal_keeps_its_words(self, content):
        with pytest.raises(BadTable) as here:
            read_grids("t.xlsx", content)
        with pytest.raises(BadTable) as apart:
            self.apart("t.xlsx", content)
        assert str(apart.value) == str(here.value)

    @pytest.mark.parametrize(
        "answer",
        [None, [], {}, {"grids": None}, {"grids": [1]}, {"grids": [["a"]]}, {"grids": [["a", [1]]]},
         {"grids": [["a", [["x", 1]]]]}, {"refused": 1}],
    )  # fmt: skip
    def test_an_answer_that_is_none_is_not_believed(self, answer):
        with pytest.raises(BadTable, match="breaks the program"):
            grids_told(answer)
