"""Everything that is handed out as a file is saved, never shown or guessed at (C22)."""

import re
from pathlib import Path

import pytest
from django.conf import settings
from django.urls import reverse

from governance import logs
from p20win.custody.engine.tables import check_apart
from tests import factories
from tests import factories_agreements as agreements
from tests import factories_custody as custody
from tests import factories_requests as made
from tests.faults.hostile import book

pytestmark = pytest.mark.django_db
SAVED = re.compile(
    r'attachment; filename="[A-Za-z0-9._-]+"'
)  # a name that every program reads alike (RFC 6266)
APPS = ("p20win", "requests_app", "agreements", "matching", "disclosure", "governance")


def looks_like_a_download(answer, kind):
    assert answer.status_code == 200
    assert SAVED.fullmatch(answer["Content-Disposition"]), answer["Content-Disposition"]
    assert answer["Content-Type"].startswith(kind)
    assert answer["X-Content-Type-Options"] == "nosniff"
    assert "default-src 'self'" in answer["Content-Security-Policy"]
    assert "object-src 'none'" in answer["Content-Security-Policy"]
    assert answer["Cross-Origin-Opener-Policy"] == "same-origin"


def test_c22_what_agencies_get_of_their_files(settings, tmp_path, signed_in):
    with custody.own_vault(settings, tmp_path):
        file = custody.checked(custody.arrived(custody.a_slot()))
        client = signed_in(factories.steward(file.owner))
        for name, kind in (("receipt", "application/json"), ("profile-csv", "text/csv")):
            looks_like_a_download(client.get(reverse(f"custody:{name}", args=[file.pk])), kind)
        looks_like_a_download(client.get(reverse("custody:trust")), "application/x-pem-file")


@pytest.mark.parametrize("form", ["csv", "xlsx"])
def test_c22_the_logs(form, signed_in):
    client = signed_in(factories.hub_member())
    kinds = {"csv": "text/csv", "xlsx": "application/vnd.openxmlformats"}
    for slug in logs.LOGS:
        looks_like_a_download(client.get(reverse(f"log-{form}", args=[slug])), kinds[form])


def test_c22_papers_and_templates(signed_in):
    row = made.draft()
    answer = signed_in(row.requestor).get(reverse("requests_app:template", args=[row.pk]))
    looks_like_a_download(answer, "text/csv")
    agreement = agreements.in_force()
    paper = agreement.project.documents.first()
    answer = signed_in(factories.operating_group_member()).get(
        reverse("agreements:document", args=[paper.pk])
    )
    looks_like_a_download(answer, "application/pdf")


def test_c22_no_page_hands_out_a_file_in_another_way():
    """Every file goes out as an attachment; nothing serves a path of the disk."""
    root = Path(settings.BASE_DIR)
    code = {path: path.read_text() for app in APPS for path in (root / app).rglob("*.py")}
    given = [line for text in code.values() for line in text.splitlines() if "Content-Disposition" in line]
    assert len(given) >= 12
    assert [line for line in given if "attachment; filename=" not in line] == []
    assert [
        path for path, text in code.items() if re.search(r"FileResponse|static\.serve|X-Sendfile", text)
    ] == []


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("t.csv", book()),
        ("t.xlsx", b"sex,count\nF,12\n"),
        ("t.csv", b"%PDF-1.7\n1 0 obj\n"),
        ("t.csv", b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR"),
        ("t.xlsx", b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + bytes(600)),
        ("t.html", b"<script>alert(1)</script>"),
        ("t.csv", b"PAR1" + bytes(64) + b"PAR1"),
    ],
)
def test_c22_a_table_that_is_not_what_its_name_says_is_refused(name, content):
    assert not check_apart(name, content).accepted
