"""The marked workbook: beside the tables of an output that came as one, and only as the audit passed it."""

import base64
import datetime as dt
import functools
import hashlib
import io
import json
import zipfile

import pytest
from django.db import IntegrityError, transaction
from openpyxl import Workbook, load_workbook

from disclosure import checks, package, services, standing, trying, workbooks
from disclosure.engine import workbook_apart
from disclosure.engine.workbook import MARK
from disclosure.models import CleanWorkbook, Verdict, WhyNoWorkbook
from p20win import clock
from p20win.audit.public import events_of
from p20win.custody import public as custody
from p20win.refusal import Blocked
from tests import factories
from tests import factories_disclosure as outputs
from tests.factories import START

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("vault", "at_start")]
LONG_AFTER = START + dt.timedelta(days=60)
NAME = "Graduates.xlsx"
ABOUT = {key: outputs.CONTEXT[key] for key in ("population", "period", "extracted_on")}


HEADS = ("school \\ sex", "female", "male", "Total")


@functools.cache
def book(*, title="Graduates by school", town="Alder", heads=HEADS):
    """Return a workbook with one small count."""
    made = Workbook()
    made.active.title = "Graduates"
    for row in (
        [title],
        heads,
        [town, 3, 40, 43],
        ["Birch", 51, 30, 81],
        ["Cedar", 22, 35, 57],
        ["Total", 76, 105, 181],
    ):
        made.active.append(row)
    out = io.BytesIO()
    made.save(out)
    return out.getvalue()


def checked(content=None, **fields):
    return outputs.checked(content=content or book(), name=NAME, **fields)


def row_of(output):
    return standing.workbook_of(standing.latest_check(output))


def cells(content):
    return [list(row) for row in load_workbook(io.BytesIO(content)).worksheets[0].iter_rows(values_only=True)]


def in_the_sandbox(monkeypatch, forge):
    """Let the process that marks workbooks be taken over."""
    real = workbooks._apart

    def apart(task, name, content):
        answer = real(task, name, content)
        return forge(answer) if task is workbook_apart.told_marked else answer

    monkeypatch.setattr(workbooks, "_apart", apart)


def checked_in_the_sandbox(monkeypatch, forge):
    """Return an output whose workbook was marked by a process that was taken over."""
    output = outputs.submitted(content=book(), name=NAME)
    in_the_sandbox(monkeypatch, forge)
    return outputs.judged(output)


def as_answer(content):
    return {"workbook": base64.b64encode(content).decode()}


class TestAtTheCheck:
    @pytest.mark.obligation("O-78", "O-81")
    def test_the_workbook_is_marked_where_the_tables_withhold(self):
        output = checked()
        row = row_of(output)
        content = workbooks.opened(row)
        assert hashlib.sha256(content).hexdigest() == row.digest
        (table,) = standing.clean_tables(output)
        released = b"".join(custody.open_bytes(table.file)).decode().splitlines()[1:]
        shown = [line.rpartition(",")[2] for line in released]
        read = [value for line in cells(content)[2:6] for value in line[1:]]
        assert [str(value) if value != MARK else "" for value in read] == shown
        assert read.count(MARK) == standing.latest_check(output).withheld == 4
        assert [event.event for event in events_of(row)] == ["output.workbook_sealed"]

    def test_a_file_that_is_no_workbook_has_none(self):
        output = outputs.checked()
        assert row_of(output) is None
        assert standing.clean_tables(output).exists()

    def test_nor_has_one_whose_tables_are_not_safe(self):
        output = checked(book(town=""))
        assert standing.latest_check(output).verdict == Verdict.UNREADABLE
        assert row_of(output) is None

    def test_nothing_of_it_lies_open_or_in_the_ledger(self, vault):
        output = checked(book(town="ZqCanary"))
        written = b"".join(path.read_bytes() for path in vault.rglob("*") if path.is_file())
        assert b"ZqCanary" not in written
        row = row_of(output)
        kept = json.dumps([event.details for event in events_of(row)], default=str) + str(vars(row))
        assert row.digest in kept
        assert "ZqCanary" not in kept

    @pytest.mark.obligation("O-78")
    @pytest.mark.parametrize(
        "forged",
        [
            lambda answer: as_answer(book()),  # as it was uploaded
            lambda answer: as_answer(without_a_mark(base64.b64decode(answer["workbook"]))),
            lambda answer: as_answer(with_part(base64.b64decode(answer["workbook"]))),
            lambda answer: as_answer(b"PK\x03\x04"),
        ],
        ids=["nothing marked", "one mark less", "one part more", "no workbook"],
    )
    def test_what_does_not_read_back_as_it_was_audited_is_not_kept(self, monkeypatch, forged):
        output = checked_in_the_sandbox(monkeypatch, forged)
        row = row_of(output)
        assert (row.file, row.digest, row.why_not) == (None, "", WhyNoWorkbook.DIFFERS)
        assert standing.latest_check(output).verdict == Verdict.SAFE
        assert standing.clean_tables(output).count() == 1

    @pytest.mark.parametrize(
        "forged",
        [
            lambda answer: {"refused": "In Zqville, 3."},
            lambda answer: ["x"],
            lambda answer: {"workbook": "é"},
        ],
    )
    def test_what_cannot_be_marked_is_not_there_and_its_words_are_not_kept(self, monkeypatch, forged):
        row = row_of(checked_in_the_sandbox(monkeypatch, forged))
        assert (row.file, row.why_not) == (None, WhyNoWorkbook.NOT_MADE)
        assert "Zqville" not in row.get_why_not_display()

    def test_a_changed_file_has_its_own_or_none(self):
        output = checked()
        first = row_of(output)
        again = services.send_new_file(
            output, name="t.csv", content=[outputs.TABLE], by=output.author, at=START
        )
        assert row_of(outputs.judged(again)) is None
        once_more = services.send_new_file(
            again, name=NAME, content=[book(title="Others")], by=output.author, at=START
        )
        assert row_of(outputs.judged(once_more)).digest not in ("", first.digest)

    def test_the_database_keeps_none_without_bytes_or_a_reason(self):
        row = row_of(checked())
        other = standing.latest_check(outputs.checked(row.found.output.project))
        with pytest.raises(IntegrityError), transaction.atomic():
            CleanWorkbook.objects.create(found=other, file=None, digest="", why_not="")


def without_a_mark(content):
    made, out = load_workbook(io.BytesIO(content)), io.BytesIO()
    made.properties.creator = ""
    assert made.worksheets[0]["B3"].value == MARK
    made.worksheets[0]["B3"].value = 3
    made.save(out)
    return out.getvalue()


def with_part(content):
    out = io.BytesIO(content)
    with zipfile.ZipFile(out, "a") as archive:
        archive.writestr("xl/other.xml", "<a/>")
    return out.getvalue()


class TestHandingOn:
    def package(self, output):
        return zipfile.ZipFile(io.BytesIO(b"".join(services.give_package(output, output.author))))

    def released(self, monkeypatch, output=None):
        output = outputs.cleared(output or outputs.sent(content=book(), name=NAME))
        monkeypatch.setattr(clock, "now", lambda: LONG_AFTER)
        return services.release(output, by=factories.operating_group_member(), at=LONG_AFTER)

    @pytest.mark.obligation("O-78")
    def test_the_package_holds_the_very_bytes_and_says_their_hash(self, monkeypatch):
        output = self.released(monkeypatch)
        archive, row = self.package(output), row_of(output)
        assert archive.namelist() == ["table-1.csv", "tables.xlsx", "README.txt", "audit.json"]
        assert hashlib.sha256(archive.read("tables.xlsx")).hexdigest() == row.digest
        assert f"{row.digest}  tables.xlsx" in archive.read("README.txt").decode()
        told = json.loads(archive.read("audit.json"))["workbook"]
        assert told == {"name": "tables.xlsx", "sha256": row.digest}
        released = next(event for event in events_of(output) if event.event == "output.released")
        assert released.details["workbook"] == row.digest

    def test_without_one_the_package_says_why(self, monkeypatch):
        output = checked_in_the_sandbox(monkeypatch, lambda answer: {"refused": "no"})
        output = services.send_to_agencies(output, by=output.author, at=START)
        output = self.released(monkeypatch, output)
        archive = self.package(output)
        assert "tables.xlsx" not in archive.namelist()
        assert "Use the tables as CSV" in archive.read("README.txt").decode()
        record = package.audit_record(output, standing.latest_check(output), [])
        assert "why_not" in json.loads(record)["workbook"]

    def test_other_bytes_are_not_handed_on(self, monkeypatch):
        row = row_of(checked())
        monkeypatch.setattr(custody, "open_bytes", lambda file: iter([book()]))
        with pytest.raises(custody.Broken):
            workbooks.opened(row)


class TestSelfCheck:
    def tried(self, name=NAME, content=None):
        project = outputs.project()
        by = outputs.author(project)
        said = ABOUT | {"name": name, "content": [content or book()]}
        return outputs.judged(trying.try_out(project, by=by, at=START, **said))

    def test_its_author_gets_the_marked_workbook_before_anything_is_submitted(self):
        output = self.tried()
        assert workbooks.why_not_fetch(output, output.author, START) == []
        given = b"".join(workbooks.give(output, output.author))
        assert hashlib.sha256(given).hexdigest() == row_of(output).digest
        assert custody.capability(output.author, workbooks.WORKBOOK, output, START)

    @pytest.mark.obligation("O-77")
    def test_nobody_else_does_and_not_of_what_was_submitted(self):
        output = self.tried()
        for person in (factories.operating_group_member(), factories.hub_member()):
            assert workbooks.why_not_fetch(output, person, START)
            with pytest.raises(Blocked):
                custody.capability(person, workbooks.WORKBOOK, output, START)
        submitted = trying.submit_tried(output, title="Graduates", by=output.author, at=START)
        with pytest.raises(Blocked, match="in its package"):
            custody.capability(output.author, workbooks.WORKBOOK, submitted, START)
        assert checks.why_no_package(submitted, output.author, START)

    def test_a_table_in_another_form_has_none(self, monkeypatch):
        output = self.tried("t.csv", outputs.TABLE)
        assert workbooks.why_not_fetch(output, output.author, START) == [
            "There is no workbook to this self-check."
        ]
        with pytest.raises(custody.NotOpenable):
            workbooks.give(output, output.author)
