"""The match report that stands alone: read on a desk and on a phone, and printed."""

from __future__ import annotations

import io
import itertools
from dataclasses import replace

import pyarrow as pa
import pypdf
import pytest

from fixtures.generate import generate
from matching.engine import io as engine_io
from matching.engine import page as report_page
from matching.engine import report, run, suppress
from matching.engine import spec as specs
from tests.functional.eyes import WIDE, look


@pytest.fixture(scope="module")
def alone(tmp_path_factory):
    """The page of a small match, as it leaves the hub."""
    agencies = generate(500, seed=5).agencies
    tables = {n: engine_io.from_text(pa.BufferReader(f.matching.tsv()), n) for n, f in agencies.items()}
    files = {n: replace(specs.recognise(t.column_names, n), unique=True) for n, t in tables.items()}
    spec = specs.default(files, engine="toolkit")
    numbers = itertools.count()
    result = run.link(tables, spec, token=lambda: f"{next(numbers):032x}", memory_limit=2 * 2**30, threads=1)
    digests = dict.fromkeys(tables, "0" * 64)
    told = suppress.suppressed(
        report.completed(result.report, spec, tables, result.clusters, digests), least=6
    )
    path = tmp_path_factory.mktemp("report") / "report.html"
    path.write_text(report_page.html(told), encoding="utf-8")
    return path


@pytest.mark.obligation("O-112", "O-113")
def test_it_is_read_at_every_width_and_printed(browser, alone):
    context = browser.new_context(viewport=WIDE)
    page = context.new_page()
    page.goto(alone.as_uri())

    look(page)
    page.get_by_role("navigation", name="Contents").get_by_role(
        "link", name="Who is matched less often"
    ).click()
    assert page.get_by_role("heading", name="Who is matched less often").is_visible()
    assert page.get_by_role("img", name="Match rate of each file with each other").is_visible()
    assert page.get_by_role("heading", name="Does the concern outweigh the insight?").is_visible()

    printed = pypdf.PdfReader(io.BytesIO(page.pdf(format="Letter")))
    words = "".join(sheet.extract_text() for sheet in printed.pages)
    assert "Match report" in words
    assert "Counts below 6" in words
    context.close()
