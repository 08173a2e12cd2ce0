"""Rules about templates: they can be read, they escape, and they keep to the conventions of the parts."""

import re

import pytest
from django.template import engines
from django.urls import reverse

from p20win.templatetags.p20_frame import PLACES
from tests.house.source import ROOT

FOLDER = ROOT / "templates"
TEMPLATES = sorted(FOLDER.rglob("*.html"))
SERVED = [path for path in TEMPLATES if not {"documents", "emails"} & set(path.relative_to(FOLDER).parts)]
PARTS = sorted((FOLDER / "components").glob("*.html"))
# The text of a statement is HTML that its renderer made, from a kind of Markdown without raw HTML.
MADE_SAFE = {"agreements/sign_statement.html"}


def name(path):
    return str(path.relative_to(FOLDER))


@pytest.mark.parametrize("path", TEMPLATES, ids=name)
def test_a_template_can_be_read(path):
    assert engines["django"].get_template(name(path))


@pytest.mark.parametrize("path", [path for path in SERVED if name(path) not in MADE_SAFE], ids=name)
def test_what_a_page_shows_is_escaped(path):
    assert not re.search(r"\|\s*safe\b|autoescape\s+off", path.read_text(encoding="utf-8"))


@pytest.mark.parametrize("path", [path for path in SERVED if path.parent.name != "elements"], ids=name)
def test_every_table_has_a_caption_and_headings_with_a_scope(path):
    source = path.read_text(encoding="utf-8")
    assert source.count("<table") == source.count("<caption"), "a table without a caption"
    assert not re.search(r"<th(?![^>]*\bscope=)[\s>]", source), "a heading cell without a scope"


@pytest.mark.parametrize("path", PARTS, ids=name)
def test_a_part_says_what_it_needs(path):
    assert path.read_text(encoding="utf-8").startswith("{#"), "begin with what the part is and needs"


@pytest.mark.parametrize("path", [path for path in PARTS if path.stem != "site_header"], ids=name)
def test_a_part_carries_its_own_token(path):
    # Included with `only`, a part does not know the page's csrf_token and would be refused with a 403.
    assert "{% csrf_token %}" not in path.read_text(encoding="utf-8"), "use form_token"


@pytest.mark.parametrize("place", PLACES, ids=lambda place: place.label)
def test_every_place_of_the_navigation_exists(place):
    assert reverse(place.url_name)
