"""Documents that are not as they seem: parts added, changed or broken by hand."""

import io
import zipfile

from docx import Document as Docx
from pptx import Presentation
from weasyprint import HTML

W = 'xmlns:w="http://schemas.openxmlformats.org/wordprocessingml/2006/main"'
COUNTS = [["town", "female", "male"], ["Alder", "340", "40"], ["Birch", "51", "30"]]


def saved(made):
    out = io.BytesIO()
    made.save(out)
    return out.getvalue()


def docx(*paragraphs, table=COUNTS):
    made = Docx()
    for paragraph in paragraphs:
        made.add_paragraph(paragraph)
    if table:
        rows = made.add_table(len(table), len(table[0])).rows
        for row, cells in zip(rows, table, strict=True):
            for cell, text in zip(row.cells, cells, strict=True):
                cell.text = text
    return saved(made)


def pptx(*texts):
    made = Presentation()
    for text in texts:
        made.slides.add_slide(made.slide_layouts[5]).shapes.title.text = text
    return saved(made)


def pdf(body):
    return HTML(string=body).write_pdf()


def with_part(content, name, part, *, change=None):
    """Return an Office file with one part added, or changed by a function of its text."""
    out = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(content)) as old, zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as new:
        for entry in old.infolist():
            text = old.read(entry)
            if entry.filename == name and change:
                text = change(text.decode()).encode()
            new.writestr(entry.filename, text)
        if part is not None:
            new.writestr(name, part)
    return out.getvalue()


def in_body(content, markup):
    """Return a DOCX with markup at the head of its body."""
    return with_part(
        content,
        "word/document.xml",
        None,
        change=lambda text: text.replace("<w:body>", f"<w:body>{markup}", 1),
    )


def run(text, properties=""):
    return f"<w:p><w:r><w:rPr>{properties}</w:rPr><w:t>{text}</w:t></w:r></w:p>"


def text_box(text):
    return (
        '<w:p><w:r><w:pict><v:shape xmlns:v="urn:schemas-microsoft-com:vml"><v:textbox><w:txbxContent>'
        f"<w:p><w:r><w:t>{text}</w:t></w:r></w:p></w:txbxContent></v:textbox></v:shape></w:pict></w:r></w:p>"
    )


def footnotes(text):
    return (
        f'<?xml version="1.0"?><w:footnotes {W}><w:footnote w:id="2">{run(text)}</w:footnote></w:footnotes>'
    )
