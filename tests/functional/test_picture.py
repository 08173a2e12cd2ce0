"""The picture in the README: the way of a request.

`P20WIN_KEEP_PICTURE=1 ./test tests/functional/test_picture.py` puts a fresh one in its place.
"""

import os
import struct

from playwright.sync_api import expect

from tests.functional.eyes import ROOT
from tests.functional.people import become

KEPT = ROOT / "docs" / "images" / "portal.png"
SIZE = {"width": 1280, "height": 960}


def size_of(picture):
    width, height = struct.unpack(">II", picture[16:24])
    return {"width": width, "height": height}


def test_the_way_of_a_request_has_its_picture_taken(desk):
    page = desk(viewport=SIZE)
    become(page, group="Operating group staff")
    page.get_by_role("link", name="From one region to the colleges").click()
    expect(page.get_by_role("region", name="The way of this request")).to_be_visible()
    page.wait_for_function("document.fonts.status === 'loaded'")

    picture = page.screenshot(animations="disabled")

    assert size_of(picture) == SIZE
    if os.environ.get("P20WIN_KEEP_PICTURE"):
        KEPT.parent.mkdir(exist_ok=True)
        KEPT.write_bytes(picture)
    assert size_of(KEPT.read_bytes()) == SIZE
