"""Sending a large file from the browser: cut connections, a page that is left, a file that stops half-way."""

import re

import pytest
from playwright.sync_api import expect

from tests.functional.eyes import look
from tests.functional.people import become

PART = 16 << 20  # what the page sends at a time
CONTENT = b"SyntheticID\tShoeSize\n" + (b"AB-QWRTZPSD\t" + b"9" * 200 + b"\n") * 200_000  # three parts


def open_slot(page):
    """Go to the matching file that the demo still waits for."""
    page.goto("/files/?status=open&q=Career academies")
    page.get_by_role("link", name="Matching file, SDE").click()


def choose(page, path):
    page.locator("input[type=file]").set_input_files(path)
    page.get_by_role("button", name="Send", exact=True).click()


@pytest.fixture
def asked(desk):
    """Return a steward's page and what it asks of the upload, as it is asked."""
    page = desk()
    become(page, group="Data steward", organisation="SDE")
    heard = []
    page.on("request", lambda one: heard.append(one) if "/uploads/" in one.url else None)
    return page, heard


@pytest.fixture
def file(asked, tmp_path):
    """Return a file named as the slot asks, of a project whose number differs from seed to seed."""
    page, _ = asked
    open_slot(page)
    number = re.search(r"DR-\d{4}", page.locator("main").inner_text())[0]
    path = tmp_path / f"P20_{number.replace('-', '')}_SDE_match_v1.txt"
    path.write_bytes(CONTENT)
    return path


@pytest.mark.obligation("O-62")
def test_a_cut_connection_is_taken_up_again_by_itself_and_after_the_page_was_left(asked, file, complaints):
    page, heard = asked
    open_slot(page)

    def cut(route):
        if route.request.method == "PATCH" and route.request.headers["upload-offset"] != "0":
            route.abort("connectionreset")
        else:
            route.continue_()

    page.route(re.compile("/uploads/"), cut)
    choose(page, file)
    expect(page.locator("[data-upload-percent]")).not_to_have_text("0 %", timeout=20_000)
    page.wait_for_function("() => document.querySelector('[data-upload-progress] progress').value >= 30")
    look(page)
    assert [one.method for one in heard if one.method == "POST"] == ["POST"]

    page.goto("/files/")
    page.unroute(re.compile("/uploads/"))
    complaints.heard.clear()  # the browser complains of each connection that was cut on purpose
    heard.clear()
    open_slot(page)
    choose(page, file)

    expect(page.get_by_text("It was not kept.")).to_be_visible(timeout=60_000)
    expect(page.get_by_text("ShoeSize").first).to_be_visible()
    assert "POST" not in [one.method for one in heard]
    assert heard[0].method == "HEAD"
    offsets = [int(one.headers["upload-offset"]) for one in heard if one.method == "PATCH"]
    assert offsets[0] == PART  # nothing is sent twice
    assert offsets == sorted(set(offsets))


def slowly(page, milliseconds):
    """Let every request of the upload take so long to leave."""
    page.route(
        re.compile("/uploads/"), lambda route: (page.wait_for_timeout(milliseconds), route.continue_())
    )


def test_paused_it_waits_stopped_it_keeps_nothing(asked, file):
    page, heard = asked
    open_slot(page)
    slowly(page, 300)
    with page.expect_request(lambda one: one.method == "PATCH", timeout=20_000):
        choose(page, file)
    page.get_by_role("button", name="Pause").click()
    expect(page.get_by_role("button", name="Go on")).to_be_visible()
    page.wait_for_timeout(1000)
    before = len(heard)
    page.wait_for_timeout(1000)
    assert len(heard) == before

    page.get_by_role("button", name="Stop and keep nothing").click()
    expect(page.get_by_role("alert")).to_contain_text("Nothing of the file was kept")
    assert heard[-1].method == "DELETE"
    look(page)


def test_stopped_before_the_portal_answered_at_all_it_keeps_nothing_either(asked, file):
    page, heard = asked
    open_slot(page)
    slowly(page, 1500)
    with page.expect_request(lambda one: one.method == "POST"):
        choose(page, file)
    page.get_by_role("button", name="Pause").click()
    page.get_by_role("button", name="Go on").click()
    page.get_by_role("button", name="Stop and keep nothing").click()

    expect(page.get_by_role("alert")).to_contain_text("Nothing of the file was kept", timeout=20_000)
    assert [one.method for one in heard] == ["POST", "DELETE"]


def test_what_the_portal_will_not_take_is_said_at_once(asked, tmp_path, complaints):
    page, _ = asked
    open_slot(page)
    path = tmp_path / "wages.txt"
    path.write_bytes(b"ID\n1\n")
    choose(page, path)

    expect(page.get_by_role("alert")).to_contain_text("neither scheme")
    expect(page.get_by_role("button", name="Send", exact=True)).to_be_enabled()
    look(page)
    complaints.heard[:] = [heard for heard in complaints.heard if "403" not in heard]
