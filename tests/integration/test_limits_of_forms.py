"""C21: a form's file as large as may be is taken, one byte more is refused in words, for every such form."""

import io
import re
import tracemalloc
import zipfile

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.urls import reverse
from openpyxl import Workbook

from p20win import uploading
from p20win.uploading import LARGEST
from requests_app import sheets
from tests import factories_disclosure as outputs
from tests import factories_requests as made
from tests.house.source import all_modules

TOO_LARGE = "The file is larger than 5 MB."


def text(answer):
    return " ".join(answer.content.decode().split())


def imported(signed_in, size):
    row = made.draft()
    sheet = SimpleUploadedFile("elements.csv", b"x" * size)
    return signed_in(row.requestor).post(reverse("requests_app:import", args=[row.pk]), {"sheet": sheet})


@pytest.mark.django_db
def test_c21_a_sheet_of_elements(signed_in):
    assert TOO_LARGE not in text(imported(signed_in, LARGEST))
    assert TOO_LARGE in text(imported(signed_in, LARGEST + 1))
    assert TOO_LARGE in text(imported(signed_in, 3 * LARGEST))


@pytest.mark.django_db
@pytest.mark.usefixtures("vault")
@pytest.mark.parametrize(("more", "status"), [(0, 302), (1, 200)])
def test_c21_tables_of_an_output(signed_in, monkeypatch, more, status):
    from p20win import clock
    from tests.factories import START

    monkeypatch.setattr(clock, "now", lambda: START)
    project = outputs.project()
    file = SimpleUploadedFile("table.csv", b"x" * (LARGEST + more))
    address = reverse("disclosure:submit", args=[project.pk])
    said = {"title": "Graduates", "file": file} | outputs.CONTEXT
    answer = signed_in(outputs.author(project)).post(address, said)
    assert answer.status_code == status
    assert not more or TOO_LARGE in text(answer)


def test_c21_however_much_comes_no_more_is_kept():
    handler = uploading.InMemory()
    tracemalloc.start()
    for name in ("one", "two"):
        handler.new_file("file", name, "text/csv", None)
        for start in range(0, 40 << 20, 1 << 16):
            handler.receive_data_chunk(bytes(1 << 16), start)
        handler.file_complete(40 << 20)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 4 * LARGEST


@pytest.mark.parametrize(("rows", "fits"), [(sheets.MAX_ROWS, True), (sheets.MAX_ROWS + 1, False)])
def test_c21_rows_of_a_sheet_of_elements(rows, fits):
    content = "name,source,source element\n" + "Grade,SDE,GRD\n" * rows
    found = sheets.read("a.csv", content.encode())
    assert any("More than 5000 rows" in each.message for each in found.errors) is not fits
    assert len(found.rows) == sheets.MAX_ROWS


@pytest.mark.parametrize("more", [0, 1])
def test_c21_what_a_sheet_of_elements_unpacks_to(more, monkeypatch):
    book = Workbook()
    book.active.append(["name", "source", "source element"])
    book.active.append(["Grade", "SDE", "GRD"])
    content = io.BytesIO()
    book.save(content)
    with zipfile.ZipFile(content) as archive:
        unpacked = sum(part.file_size for part in archive.infolist())
    monkeypatch.setattr(sheets, "MAX_UNPACKED", unpacked - more)
    found = sheets.read("a.xlsx", content.getvalue())
    assert (len(found.rows), bool(found.errors)) == ((0, True) if more else (1, False))


def test_c21_every_field_for_a_form_file_has_its_limit():
    fields = [
        (module.path, line)
        for module in all_modules()
        if re.search(r"/forms\.py$", module.path)
        and module.path != "p20win/custody/forms.py"  # sealed, any size
        for line in re.findall(r"forms\.FileField\((?:[^()]|\([^()]*\))*\)", module.text)
    ]
    assert len(fields) == 3
    assert [path for path, line in fields if "validators=[small]" not in line] == []
