"""Every promised number says where it is promised, and the printed page is fresh."""

import dataclasses

import pytest

from p20win import policy
from p20win.calendar import BusinessDays, CalendarDays, Hours, Lead, Rule, Until, Years
from tools import policy_page

FOUND = policy_page.promises()


def test_the_printed_page_is_fresh():
    assert policy_page.PRINTED.stale() is None


def test_a_page_that_differs_is_said_to_be_stale(tmp_path, monkeypatch):
    page = dataclasses.replace(policy_page.PRINTED, path=tmp_path / "policy.md")

    assert "--write" in page.stale()
    assert page.main(["--check"]) == 1
    assert page.main(["--write"]) == 0
    assert page.main(["--check"]) == 0
    assert page.main(["--else"]) == 2


def test_every_constant_has_its_meaning_source_and_obligation():
    constants = {name for name in vars(policy) if name.isupper()} - {"RULES"}

    assert {each.name for each in FOUND} == constants
    assert all(each.section and each.what and each.source and each.obligations for each in FOUND)


@pytest.mark.parametrize("line", ["LATER: Final = Hours(3)\n", "LATER: Final = Hours(3)  # soon\n"])
def test_a_constant_without_them_is_refused_with_its_place(line, tmp_path, monkeypatch):
    source = tmp_path / "policy.py"
    source.write_text(line)
    monkeypatch.setattr(policy_page, "SOURCE", source)

    with pytest.raises(ValueError, match=r"policy.py:1: .*LATER"):
        policy_page.promises()


def test_every_clock_has_a_slug():
    clocks = {each.slug: each.value for each in FOUND if each.slug}

    assert clocks == policy.RULES
    assert all(isinstance(rule, Rule) for rule in policy.RULES.values())


@pytest.mark.parametrize(
    ("slug", "rule"),
    [
        ("input-destruction", BusinessDays(10)),
        ("completeness-questions", Until(BusinessDays(10))),
        ("prepublication-review", Lead(BusinessDays(10))),
        ("published-copy", CalendarDays(30)),
        ("destruction-certificate", BusinessDays(3)),
        ("certificate-kept", Lead(Years(1))),
        ("breach-report", Hours(24)),
        ("membership-review", BusinessDays(30)),
        ("withdrawal-notice", Lead(CalendarDays(30))),
        ("termination-notice", Lead(CalendarDays(60))),
    ],
)
def test_the_papers_numbers_are_kept(slug, rule):
    assert policy.RULES[slug] == rule
