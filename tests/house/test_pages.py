"""Templates keep to the strict content security policy, and printed pages are fresh."""

import re

import pytest
from django.core.management import call_command

from tests.house.source import ROOT, files
from tools import lifecycles_page, locks, policy_page

INLINE = re.compile(r"<script(?![^>]*\bsrc=)|<style\b|\sstyle=|\son[a-z]+=[\"']|javascript:", re.IGNORECASE)
ELSEWHERE = re.compile(r"(src|href)=[\"'](https?:)?//", re.IGNORECASE)
DJANGO = re.compile(r"\{[%{].*?[%}]\}")
# Made into PDF or sent by mail, never served to a browser.
NOT_SERVED = ("templates/documents/", "templates/emails/")


def _pages() -> list[str]:
    return [name for name in files() if name.endswith(".html") and not name.startswith(NOT_SERVED)]


def _lines(pattern: re.Pattern[str]) -> list[str]:
    return [
        f"{name}:{number}"
        for name in _pages()
        for number, line in enumerate((ROOT / name).read_text(encoding="utf-8").splitlines(), 1)
        if pattern.search(DJANGO.sub("", line))
    ]


def test_no_page_has_script_or_style_in_itself():
    assert not _lines(INLINE)


def test_no_page_loads_anything_from_elsewhere():
    loads = [place for place in _lines(ELSEWHERE) if not _is_a_link(place)]
    assert not loads


def _is_a_link(place: str) -> bool:
    name, number = place.rsplit(":", 1)
    line = (ROOT / name).read_text(encoding="utf-8").splitlines()[int(number) - 1]
    return "<a " in line


def test_the_lifecycles_are_drawn_as_they_are():
    assert lifecycles_page.PRINTED.stale() is None


def test_the_promised_numbers_are_printed_as_they_are():
    assert policy_page.PRINTED.stale() is None


def test_lock_files_name_no_address_and_fit_their_lists():
    assert locks.troubles() == []


@pytest.mark.django_db
def test_every_change_of_a_model_has_its_migration():
    call_command("makemigrations", check=True, dry_run=True, verbosity=0)
