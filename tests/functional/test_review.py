"""Reading pairs by keyboard, making settings, linking again and comparing, in the browser."""

import re

import pytest
from playwright.sync_api import expect

from tests.functional.eyes import PHONE, WIDE, look
from tests.functional.people import become

pytestmark = [pytest.mark.long, pytest.mark.timeout(1800)]
PATIENCE = 120_000


def picture(page, folder, name):
    """Take a page's picture at both widths."""
    look(page)
    for width, size in (("desktop", WIDE), ("phone", PHONE)):
        page.set_viewport_size(size)
        page.screenshot(path=folder / f"{name}-{width}.png", full_page=True)
    page.set_viewport_size(WIDE)


def label(page, words):
    """Return the label of a box or a choice: the design system draws them in its labels."""
    return page.locator("label").filter(has_text=words).first


@pytest.mark.obligation("O-69")
def test_pairs_are_read_by_single_keys_and_runs_are_compared(desk, tmp_path):
    page = desk()
    become(page, name="Lillian Lubalski")  # who signed the confidentiality statements
    page.goto("/matching/")
    page.get_by_role("row").filter(has_text="waiting for the parties").first.get_by_role("link").first.click()
    match = page.url
    picture(page, tmp_path, "match")

    page.get_by_role("link", name=re.compile("Review pairs")).click()
    picture(page, tmp_path, "review")
    page.get_by_role("link", name="Read the next pair").click()
    beside = page.get_by_role("table", name="The two records beside each other")
    expect(beside).to_contain_text("••")
    picture(page, tmp_path, "pair-behind-dots")
    page.keyboard.press("r")
    expect(page.get_by_role("button", name="Reveal")).to_have_count(0)
    expect(beside).to_contain_text(re.compile(r"[A-Za-z]{3}"))
    picture(page, tmp_path, "pair-revealed")
    here = page.url
    page.keyboard.press("l")
    expect(page).not_to_have_url(here)
    page.keyboard.press("n")
    page.keyboard.press("u")
    expect(page.get_by_role("button", name=re.compile("Take my last word back"))).to_be_visible()
    page.keyboard.press("z")
    expect(page.get_by_text("Taken back.")).to_be_visible()
    label(page, "Single keys work on this page").click()
    here = page.url
    page.keyboard.press("l")
    expect(page).to_have_url(here)
    label(page, "Single keys work on this page").click()
    page.get_by_role("link", name="Review", exact=True).click()
    expect(page.get_by_role("heading", name="What you said")).to_be_visible()
    picture(page, tmp_path, "review-begun")

    page.goto(match)
    page.get_by_role("link", name="Settings and their history").click()
    page.get_by_role("link", name="Make a version").click()
    label(page, "Only the automatic band").click()
    page.get_by_label("What is different, and why?").fill("Hardly one wrong link.")
    picture(page, tmp_path, "settings-new")
    page.get_by_role("button", name="Keep this version").click()
    page.get_by_role("button", name="Try it on a share of the rows").click()
    expect(page.get_by_text("are expected to be right")).to_be_visible(timeout=PATIENCE)
    picture(page, tmp_path, "settings-tried")
    page.get_by_role("link", name="Start the match").click()
    label(page, "Version 2").click()
    page.get_by_label("Why is it linked again, and what is different?").fill("Fewer wrong links.")
    picture(page, tmp_path, "start-again")
    page.get_by_role("button", name="Start the match").click()
    expect(page.get_by_text("Fewer wrong links.")).to_be_visible()
    expect(page.get_by_role("link", name="Link again")).to_be_visible(timeout=PATIENCE)
    page.get_by_role("link", name="Compare runs").click()
    picture(page, tmp_path, "compare")
    page.get_by_role("button", name=re.compile("Put it before the parties")).locator("visible=true").and_(
        page.locator("button:enabled")
    ).first.click()
    expect(page.get_by_text(re.compile("is before the parties now"))).to_be_visible()

    page.get_by_role("link", name="Read the match report").click()
    picture(page, tmp_path, "report")
    page.get_by_role("link", name="Answer the quality questions").click()
    page.get_by_label("Does the concern outweigh the insight?").fill("No. The limits are told.")
    picture(page, tmp_path, "quality")
    page.get_by_role("button", name="Keep the answers").click()
    expect(page.get_by_text("No. The limits are told.")).to_be_visible()
    with page.expect_download() as coming:
        page.get_by_role("link", name="As a paper (PDF)").click()
    coming.value.save_as(tmp_path / "report.pdf")
    assert (tmp_path / "report.pdf").read_bytes().startswith(b"%PDF-")

    become(page, group="Operating group staff")
    page.goto("/matching/issues/new/")
    page.get_by_label("Which element?").fill("ELL")
    page.get_by_label("What is wrong, in a few words?").fill("Too few are flagged before 2018")
    page.get_by_label("What is known of it?").fill("One vendor sent no flag.")
    picture(page, tmp_path, "issue-new")
    page.get_by_role("button", name="Put it into the log").click()
    picture(page, tmp_path, "issue")
    page.goto("/matching/issues/")
    picture(page, tmp_path, "issues")
