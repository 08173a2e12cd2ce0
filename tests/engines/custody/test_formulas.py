"""No cell that comes in or goes out is taken for a formula; numbers and dashes stay what they are."""

import pytest

from p20win.custody.engine.formulas import harmless, may_run

FORMULAS = [
    "=1",
    "+1",
    "+cmd|x",
    "@SUM(A1)",
    "-1+cmd|' /C calc'!A0",
    "-A1",
    "- 1",
    "  =1",
    "＝1",
    "－A1",
    "-1-",
]
NUMBERS = ["-1", "-34.50", "-1,234", "-1e5", "-3%", " -1 "]


@pytest.mark.obligation("O-62")
@pytest.mark.parametrize("text", FORMULAS)
def test_a_formula_is_one_wherever_it_stands(text):
    assert may_run(text)
    assert harmless(text) == f"'{text}"
    assert harmless(text, numbers=True) == f"'{text}"


@pytest.mark.parametrize("text", [*NUMBERS, "-", "--", "1-2", "O'Hara-Lee", "a=b", "5 %", ""])
def test_numbers_dashes_and_words_are_none(text):
    assert not may_run(text)


@pytest.mark.parametrize("text", [text for text in NUMBERS if text == text.strip()])
def test_a_number_stays_one_where_numbers_are_expected(text):
    assert harmless(text, numbers=True) == text
    assert harmless(text) == f"'{text}"


@pytest.mark.parametrize("text", ["\t=1", "\r=1", "\n=1", "|calc", "%0", "-"])
def test_what_begins_a_formula_in_some_program_is_marked_on_its_way_out(text):
    assert harmless(text, numbers=True).startswith("'")


@pytest.mark.parametrize("label", ["- Girls (n)", "-5 to 0", "- none"])
def test_a_label_of_a_table_may_begin_with_a_dash(label):
    assert not may_run(label, label=True)
    assert may_run(label)


@pytest.mark.parametrize("label", ["- 1+HYPERLINK(B2)", "-1+cmd|' /C calc'!A0", "-A1", "=1", "- x!A0"])
def test_unless_something_could_be_called_by_it(label):
    assert may_run(label, label=True)


def test_characters_that_nobody_sees_go():
    assert harmless("a\x00b\x1b") == "ab"
    assert harmless("\x00=1") == "'=1"
