"""Documents of invented studies, made by writers of DOCX, PPTX, XLSX and PDF, with small numbers in them.

A seed makes the same document every time. What was planted is told beside the bytes, so that one can measure.
"""

import io
import random
from dataclasses import dataclass, field

from docx import Document as Docx
from docx.enum.section import WD_SECTION
from openpyxl import Workbook
from openpyxl.packaging.custom import StringProperty
from openpyxl.workbook.defined_name import DefinedName
from openpyxl.worksheet.datavalidation import DataValidation
from pptx import Presentation
from pptx.chart.data import CategoryChartData
from pptx.enum.chart import XL_CHART_TYPE
from pptx.util import Inches

TOWNS = "Alder Birch Cedar Dogwood Elm Fir Gorse Hazel Ivy Juniper Kale Larch Maple Nettle Oak Pine".split()
ACROSS = (["female", "male"], ["enrolled", "not enrolled", "unknown"], ["Yes", "No"], ["Grade 9", "Grade 10"])
PEOPLE = "students pupils graduates participants children girls boys learners completers youth".split()
SMALL_TEXT = (
    "In {town}, {n} {people} left school before the end of the year.",
    "The smallest subgroup (n = {n}) was in {town}.",
    "Of those in {town}, {n} of {base} were employed a year later.",
    "{word} {people} from {town} moved to another state.",
    "Only {n} {people} in {town} received support.",
    "We followed {word} homeless {people} from {town}.",
    "In {town} {n} out of {base} {people} enrolled in college.",
    "Among English learners in {town}, {word} of them found work within a year.",
    "A total of {n} {people} in {town} withdrew.",
    "In {town} {pct} % of the {few} {people} passed.",
    "The share was {pct} percent (n = {few}) in {town}.",
    "The number of {people} who repeated a grade in {town} was {n}.",
    "{town}: {n} {people}",
    "In {town} all {few} {people} graduated on time.",
    "None of the {people} in {town} earned a credential.",
    "{people} in foster care ({town}): {n}",
    "In {town}, {n}/{few} ({pct}%) finished the course.",
    "There were {word} male {people} in the {town} program.",
)
CLEAN_TEXT = (
    "The study follows {big} {people} from 2015 to 2021 through grades 9 to 12.",
    "Table 2 shows the results for {town}; Figure 4 on page 3 shows the trend.",
    "The coefficient on distance is 0.45 (t = 2.1, p = 0.03) in Model 2.",
    "Under Connecticut General Statutes § 10-10a, Section 4 of Title 20 applies.",
    "Two-year colleges enrolled {big} {people}, four-year colleges {bigger}.",
    "Groups of fewer than 6 {people} are not shown, nor percentages of fewer than 20.",
    "About one in five {people} moved between 3 of the 12 districts.",
    "{pct} % of the {big} {people} in {town} enrolled within 2 years of graduation.",
    "The first of three models adds school effects; the second adds 5 covariates.",
    "Data of 4 agencies were linked in version 2 of the crosswalk.",
    "Earnings rose by 3.5 percent in {town} over 4 quarters.",
    "Those aged 18 to 24 earned 12 credits per semester on average.",
    "We describe two main findings and discuss three limitations.",
    "On March 5 the operating group approved release 2 of the tables.",
    "All 8 districts took part, and none of the agencies withdrew.",
    "The sample of {bigger} {people} covers 5 years and 16 towns.",
)
WORDS = "one two three four five".split()


@dataclass
class Made:
    """A document, and what was planted in it."""

    name: str
    content: bytes
    pages: int = 1
    cells: list = field(default_factory=list)  # (label of the row, count)
    phrases: list = field(default_factory=list)  # sentences


def counts(chance, *, planted):
    """Return header and rows, totals sometimes, and the small counts in it."""
    across = chance.choice(ACROSS)
    rows, cells = [], []
    for town in chance.sample(TOWNS, chance.randint(3, 6)):
        row = [chance.randint(25, 1900) for _ in across]
        if planted and (not cells or chance.random() < 0.25):
            at = chance.randrange(len(row))
            row[at] = chance.randint(1, 5)
            cells.append((town, row[at]))
        rows.append([town, *row])
    if chance.random() < 0.5:
        rows = [[*row, sum(row[1:])] for row in rows]
        rows.append(["Total", *(sum(row[i] for row in rows) for i in range(1, len(rows[0])))])
        across = [*across, "Total"]
    return ["town", *across], rows, cells


def text(number, chance):
    return f"{number:,}" if chance.random() < 0.7 else str(number)


def sentence(chance, *, planted):
    n = chance.randint(1, 5)
    said = chance.choice(SMALL_TEXT if planted else CLEAN_TEXT).format(
        town=chance.choice(TOWNS),
        n=n,
        word=WORDS[n - 1],
        people=chance.choice(PEOPLE),
        base=chance.randint(7, 60),
        few=chance.randint(7, 19),
        big=chance.randint(200, 900),
        bigger=f"{chance.randint(1000, 90000):,}",
        pct=chance.randint(11, 89),
    )
    return said[0].upper() + said[1:]


def paragraphs(chance, planted):
    """Return three paragraphs, and the sentences planted in them."""
    phrases = [sentence(chance, planted=True) for _ in range(2)] if planted else []
    said = [sentence(chance, planted=False) for _ in range(12)] + phrases
    chance.shuffle(said)
    return [" ".join(said[i::3]) for i in range(3)], phrases


def saved(made):
    out = io.BytesIO()
    made.save(out)
    return out.getvalue()


def docx(seed, *, planted=True, tables=2):
    chance, made = random.Random(f"docx{seed}"), Docx()
    said, phrases = paragraphs(chance, planted)
    found = Made(f"study-{seed}.docx", b"", 2, [], phrases)
    made.add_heading("Results", 1)
    made.add_paragraph(said[0])
    for number in range(tables):
        made.add_paragraph(f"Table {number + 1}. People by town")
        header, rows, cells = counts(chance, planted=planted)
        found.cells += cells
        over = chance.random() < 0.4
        table = made.add_table(rows=len(rows) + 1 + over, cols=len(header), style="Table Grid")
        if over:
            table.cell(0, 0).merge(table.cell(0, len(header) - 1)).text = "Counts of people"
        for r, row in enumerate([header, *rows], start=over):
            for c, value in enumerate(row):
                table.cell(r, c).text = text(value, chance) if isinstance(value, int) else value
        made.add_paragraph(said[number + 1])
    made.add_section(WD_SECTION.NEW_PAGE)
    made.sections[0].footer.paragraphs[0].text = "Draft 2 of the report, page 1 of 12"
    found.content = saved(made)
    return found


def pptx(seed, *, planted=True, tables=2):
    chance, made = random.Random(f"pptx{seed}"), Presentation()
    said, phrases = paragraphs(chance, planted)
    found = Made(f"talk-{seed}.pptx", b"", 3, [], phrases)
    blank = made.slide_layouts[5]
    for number in range(tables):
        slide = made.slides.add_slide(blank)
        slide.shapes.title.text = f"Part {number + 1}"
        header, rows, cells = counts(chance, planted=planted)
        found.cells += cells
        size = (Inches(1), Inches(2), Inches(8), Inches(4))
        table = slide.shapes.add_table(len(rows) + 1, len(header), *size).table
        for r, row in enumerate([header, *rows]):
            for c, value in enumerate(row):
                table.cell(r, c).text = text(value, chance) if isinstance(value, int) else value
        slide.notes_slide.notes_text_frame.text = said[number]
    made.slides.add_slide(blank).shapes.add_textbox(*(Inches(1),) * 4).text_frame.text = said[2]
    found.content = saved(made)
    return found


def chart(seed, *, planted=True, more=None):
    """Return a talk whose counts stand in a chart alone; `more` goes into the workbook behind it."""
    chance, made = random.Random(f"chart{seed}"), Presentation()
    header, rows, cells = counts(chance, planted=planted)
    rows = [row for row in rows if row[0] != "Total"]
    asked = CategoryChartData()
    asked.categories = [row[0] for row in rows]
    for at, name in enumerate(header[1:], start=1):
        asked.add_series(name, [row[at] for row in rows])
    slide = made.slides.add_slide(made.slide_layouts[5])
    kind = chance.choice([XL_CHART_TYPE.COLUMN_CLUSTERED, XL_CHART_TYPE.LINE, XL_CHART_TYPE.BAR_STACKED])
    frame = slide.shapes.add_chart(kind, Inches(1), Inches(2), Inches(8), Inches(4), asked)
    if more is not None:
        part = frame.chart.part.chart_workbook.xlsx_part
        part._blob = changed_workbook(part.blob, more)
    return Made(f"chart-{seed}.pptx", saved(made), 1, cells)


def changed_workbook(content, change):
    from openpyxl import load_workbook

    book = load_workbook(io.BytesIO(content))
    change(book)
    return saved(book)


def xlsx(seed, *, planted=True, hidden=False):
    chance, made = random.Random(f"xlsx{seed}"), Workbook()
    found = Made(f"tables-{seed}.xlsx", b"", 1, [])
    for number in range(2):
        sheet = made.active if number == 0 else made.create_sheet(f"Part {number + 1}")
        header, rows, cells = counts(chance, planted=planted)
        found.cells += cells
        for row in [header, *rows]:
            sheet.append(row)
    if hidden:
        made.create_sheet("raw").append(["town", 3])
        made["raw"].sheet_state = "hidden"
    found.content = saved(made)
    return found


def worded_xlsx(seed, *, planted=True):
    """Return a workbook with a sentence at every place beside its table where one may stand."""
    chance, made = random.Random(f"words{seed}"), Workbook()
    found = Made(f"words-{seed}.xlsx", b"", 1)
    header, rows, _ = counts(chance, planted=False)
    chosen = set(chance.sample(WORKBOOK_PLACES, 3)) if planted else set()
    said = {place: sentence(chance, planted=place in chosen) for place in WORKBOOK_PLACES}
    found.phrases = [said[place] for place in sorted(chosen)]
    sheet = made.active
    for row in ([said["title"]], [said["subtitle"]], [], header, *rows, [], [f"Note: {said['note']}"]):
        sheet.append(row)
    sheet.append([f"* {said['mark']}"])
    if chance.random() < 0.5:
        sheet.merge_cells(start_row=1, end_row=1, start_column=1, end_column=len(header))
        last = sheet.max_row
        sheet.merge_cells(start_row=last, end_row=last, start_column=1, end_column=len(header))
    sheet.oddHeader.center.text = said["header"].replace("&", "and")
    sheet.evenFooter.left.text = said["footer"].replace("&", "and")
    about = made.properties
    about.title, about.subject = said["property title"], said["property subject"]
    about.description, about.keywords = said["property description"], said["property keywords"]
    made.custom_doc_props.append(StringProperty(name="Remark", value=said["custom property"]))
    made.defined_names["Counts"] = DefinedName("Counts", attr_text="Sheet!$A$4", comment=said["defined name"])
    hint = DataValidation(type="whole", promptTitle="Counts", prompt=said["hint"])
    hint.add("B5")
    sheet.add_data_validation(hint)
    found.content = saved(made)
    return found


WORKBOOK_PLACES = [
    *("title", "subtitle", "note", "mark", "header", "footer", "custom property", "defined name", "hint"),
    *("property title", "property subject", "property description", "property keywords"),
]
STYLES = {
    "ruled": "td, th { border: 1px solid #333; padding: 3px }",
    "rules above and below": "table, thead { border-top: 1px solid; border-bottom: 1px solid }"
    " td, th { padding: 2px 8px }",
    "no lines": "td, th { padding: 2px 14px }",
    "shaded": "tr:nth-child(even) td { background: #ddd } td, th { padding: 3px 12px }",
}


def html(seed, *, planted=True, tables=2):
    """Return the page of a study in one of several styles, and what was planted."""
    chance = random.Random(f"pdf{seed}")
    said, phrases = paragraphs(chance, planted)
    found = Made(f"study-{seed}.pdf", b"", 2, [], phrases)
    style = STYLES[sorted(STYLES)[seed % len(STYLES)]]
    columns = "columns: 2; text-align: justify; hyphens: auto" if chance.random() < 0.5 else ""
    parts = [
        f"<style>@page {{ size: letter }} table {{ border-collapse: collapse }} td {{ text-align: "
        f"{chance.choice(['right', 'center'])} }} {style}</style><body lang=en><h1>Results</h1>"
    ]
    for number in range(tables):
        parts.append(
            f"<div style='{columns}'><p>{said[number]}</p></div><p>Table {number + 1}. People by town</p>"
        )
        header, rows, cells = counts(chance, planted=planted)
        found.cells += cells
        head = "".join(f"<th>{name}</th>" for name in header)
        body = "".join(
            "<tr>"
            + "".join(f"<td>{text(v, chance) if isinstance(v, int) else v}</td>" for v in row)
            + "</tr>"
            for row in rows
        )
        parts.append(f"<table><thead><tr>{head}</tr></thead><tbody>{body}</tbody></table>")
    parts.append(f"<p>{said[2]}</p>")
    return "".join(parts), found


def pdf(seed, *, planted=True, tables=2):
    from weasyprint import HTML

    page, found = html(seed, planted=planted, tables=tables)
    found.content = HTML(string=page).write_pdf()
    return found
