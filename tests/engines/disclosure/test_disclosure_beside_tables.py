"""What a file of tables says beside them: titles, notes, properties, names, searched like any document."""

import io
import sys

import pytest
from openpyxl import Workbook
from openpyxl.comments import Comment
from openpyxl.packaging.custom import StringProperty
from openpyxl.workbook.defined_name import DefinedName
from openpyxl.worksheet.datavalidation import DataValidation
from openpyxl.worksheet.hyperlink import Hyperlink
from openpyxl.worksheet.table import Table

from disclosure.engine.documents.apart import document_told, told_document
from disclosure.engine.errors import BadTable
from disclosure.engine.examine import IN_TEXT, SAFE, UNREADABLE, examine, read_cells, read_submitted
from disclosure.engine.reading import read_file, read_grids
from disclosure.engine.workbook import FOOTNOTE, suppressed
from tests.engines.disclosure import documents as corpus
from tests.engines.disclosure.samples import RULES
from tests.engines.disclosure.test_disclosure_documents_rates import POLICY, Rates, quotes

SAID = "three students in Salem"
NAME = "t.xlsx"
ROWS = (
    ["school", "f", "m", "Total"],
    ["Alder", 30, 40, 70],
    ["Birch", 51, 30, 81],
    ["Total", 81, 70, 151],
)


def book(*, above=(), below=()):
    made = Workbook()
    made.active.title = "Graduates"
    for row in (*above, *ROWS, *below):
        made.active.append(row)
    return made


def saved(made):
    out = io.BytesIO()
    made.save(out)
    return out.getvalue()


def found_in(content, name=NAME):
    return read_submitted(name, *read_cells(name, content), policy=RULES)[1]


def change(name):
    """Return what says it at one place of a workbook."""

    def to(made):
        sheet = made.active
        about = made.properties
        if name == "sheet name":
            sheet.title = SAID
        elif name in ("oddHeader", "evenHeader", "firstFooter"):
            getattr(sheet, name).center.text = SAID
        elif name in ("title", "subject", "description", "keywords", "category", "creator"):
            setattr(about, name, SAID)
        elif name == "custom":
            made.custom_doc_props.append(StringProperty(name="Remark", value=SAID))
        elif name == "custom name":
            made.custom_doc_props.append(StringProperty(name=SAID, value="yes"))
        elif name == "defined name":
            said = "three_students_in_Salem"
            made.defined_names[said] = DefinedName(said, attr_text="Graduates!$A$1")
        elif name == "said of a name":
            made.defined_names["x"] = DefinedName("x", attr_text="Graduates!$A$1", comment=SAID)
        elif name == "text as a name":
            sheet.defined_names["x"] = DefinedName("x", attr_text=f'"{SAID}"')
        elif name == "hint":
            rule = DataValidation(type="whole", promptTitle="Counts", prompt=SAID)
            rule.add("B2")
            sheet.add_data_validation(rule)
        elif name == "link":
            sheet["A2"].hyperlink = Hyperlink(ref="A2", location="Graduates!A1", tooltip=SAID)
        elif name == "table":
            sheet.add_table(Table(displayName="three_students_in_Salem", ref="A1:D4"))

    return to


PLACES = (
    *("sheet name", "oddHeader", "evenHeader", "firstFooter", "title", "subject", "description", "keywords"),
    *("category", "creator", "custom", "custom name", "defined name", "said of a name", "text as a name"),
    *("hint", "link", "table"),
)


@pytest.mark.obligation("O-78")
@pytest.mark.parametrize("place", PLACES)
def test_it_is_found_wherever_a_workbook_says_it(place):
    made = book()
    assert found_in(saved(made)) is None
    change(place)(made)
    found = found_in(saved(made))
    assert any("three students" in finding.quote for finding in found.findings)


@pytest.mark.obligation("O-78")
@pytest.mark.parametrize(
    ("above", "below", "where"),
    [
        ([[SAID]], [], "above the table"),
        ([["Graduates"], [], [SAID]], [], "above the table"),
        ([], [[], [f"Note: {SAID}"]], "below the table"),
        ([], [["Source: the agencies"], [f"* {SAID} left out"]], "below the table"),
        ([["In Salem there were three"], ["students in the program"]], [], "above the table"),
    ],
)
@pytest.mark.parametrize("form", ["xlsx", "csv"])
def test_titles_and_notes_are_searched(above, below, where, form):
    content, name = saved(book(above=above, below=below)), NAME
    if form == "csv":
        lines = [",".join(map(str, row)) for row in (*above, *ROWS, *below)]
        content, name = "\n".join(lines).encode(), "t.csv"
    found = examine(name, content, policy=RULES, seconds=3)
    assert found.verdict == IN_TEXT
    assert where in found.aside.findings[0].place
    assert not found.audited()


def test_across_merged_cells_they_are_titles_and_notes_too():
    made = book(above=[["Graduates of 2019"]], below=[["Note: by school"]])
    made.active.merge_cells("A1:D1")
    made.active.merge_cells("A6:D6")
    (table,) = read_file(NAME, saved(made))
    assert table.dimensions == read_file(NAME, saved(book()))[0].dimensions
    assert found_in(saved(made)) is None
    made.active["A6"].value = f"Note: {SAID}"
    assert found_in(saved(made)).findings


def test_a_long_label_is_a_sentence_and_a_short_one_a_category():
    made = book()
    made.active["A2"].value = "Lives with both parents"
    assert found_in(saved(made)) is None
    made.active["A2"].value = "Alder, where three students in Salem left before the end"
    assert found_in(saved(made)).findings


def test_a_number_alone_above_the_table_stops_it():
    for alone in (3, "3"):
        with pytest.raises(BadTable, match="stands alone above"):
            read_file(NAME, saved(book(above=[["Students in Salem"], [alone]])))
    assert read_file(NAME, saved(book(above=[["Graduates"], [2019]])))


def test_what_is_no_note_still_needs_its_numbers():
    for label in ("Cedar", "*Cedar", "Notes", "Cedar and all the other schools"):
        with pytest.raises(BadTable, match="Write 0 if nobody"):
            read_file(NAME, saved(book(below=[[label]])))


@pytest.mark.parametrize("what", ["sheet", "row", "column", "comment"])
def test_what_hides_is_refused_whatever_stands_beside(what):
    made = book(above=[[SAID]])
    if what == "sheet":
        made.create_sheet("raw").sheet_state = "hidden"
    elif what == "row":
        made.active.row_dimensions[3].hidden = True
    elif what == "column":
        made.active.column_dimensions["C"].hidden = True
    else:
        made.active["B2"].comment = Comment(SAID, "A")
    found = examine(NAME, saved(made), policy=RULES, seconds=3)
    assert found.verdict == UNREADABLE
    assert not found.audited()


def test_a_note_stays_in_the_marked_workbook():
    made = book(above=[["Graduates"]], below=[[], ["Note: by school, of 2019."]])
    made.active["B3"].value, made.active["D3"].value = 3, 43
    made.active["B5"].value, made.active["D5"].value = 54, 124
    content = saved(made)
    found = examine(NAME, content, policy=RULES, seconds=3)
    assert found.verdict == SAFE
    grid = [row[0] for _, g in [read_back(suppressed(NAME, content, found.protection.tables))] for row in g]
    assert grid[0] == "Graduates"
    assert grid[-2:] == ["Note: by school, of 2019.", FOOTNOTE]


def read_back(content):
    return read_grids(NAME, content)[0]


def test_the_answer_of_the_sandbox_is_taken():
    told = told_document(NAME, saved(book()))
    assert document_told(told).kind == "xlsx"


def measured(seeds):
    rates = Rates()
    for seed in seeds:
        made, clean = corpus.worded_xlsx(seed), corpus.worded_xlsx(seed, planted=False)
        listed = [
            f.quote
            for f in read_submitted(made.name, *read_cells(made.name, made.content), policy=POLICY)[
                1
            ].findings
        ]
        for phrase in made.phrases:
            rates.phrases += 1
            rates.phrases_found += any(quotes(phrase, quote) for quote in listed)
        nothing = read_submitted(clean.name, *read_cells(clean.name, clean.content), policy=POLICY)[1]
        rates.clean += 1
        rates.pages += clean.pages
        rates.clean_refused += nothing is not None
        rates.alarms += len(nothing.findings) if nothing else 0
    return rates


@pytest.mark.obligation("O-78")
def test_planted_sentences_are_found_beside_the_tables_of_a_few_workbooks():
    rates = measured(range(6))
    assert rates.of_phrases() >= 0.95
    assert rates.alarms <= rates.pages


@pytest.mark.long
@pytest.mark.timeout(900)
def test_planted_sentences_are_found_beside_the_tables_of_many_workbooks(capsys):
    rates = measured(range(100, 220))
    with capsys.disabled():
        sys.stdout.write(
            f"\nworkbooks: in text {rates.phrases_found} of {rates.phrases};"
            f" {rates.alarms} false alarms in {rates.clean} clean workbooks\n"
        )
    assert rates.of_phrases() >= 0.98
    assert rates.alarms <= rates.pages
