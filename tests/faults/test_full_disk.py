"""F08: the disk of sealed files fills up at half of an upload, by the real server and a real volume."""

import hashlib
import os
from pathlib import Path

import pytest

from p20win.processes import wait_until
from tests.faults.portal import Portal, fill, small_volume
from tests.faults.visitor import PART, Visitor

pytestmark = [pytest.mark.long, pytest.mark.timeout(600), pytest.mark.xdist_group("disk")]
MIB = 1 << 20
VOLUME = 64  # MiB
WORDS = " ".join(["quiet", "meadow", "seven", "lantern"] * 250)


@pytest.fixture(scope="module")
def portal(tmp_path_factory):
    with (
        small_volume(tmp_path_factory.mktemp("media"), VOLUME) as media,
        Portal(
            P20WIN_MEDIA=str(media), first=lambda portal: portal.act("a_match_that_waits_for_files")
        ) as portal,
    ):
        yield portal


def content_of(mebibytes, mark):
    """Return an analytical file of about this size."""
    rows = (
        f"{mark}{n * 7919 % 999_983:07d}b\t{WORDS}\n" for n in range(mebibytes * MIB // (len(WORDS) + 12))
    )
    return ("ID\tNOTE\n" + "".join(rows)).encode()


def incoming(media):
    """Return what lies sealed and waits, by size."""
    return {path.name: path.stat().st_size for path in (media / "incoming").glob("*")}


def sent_until_half(content, media, before):
    """Give a file in blocks; at half of it, once that lies on the disk, the disk is filled."""
    half = len(content) // 2
    for start in range(0, half, MIB):
        yield content[start : min(half, start + MIB)]

    def is_there():
        new = [size for name, size in incoming(media).items() if name not in before]
        return sum(new) > half - 6 * MIB

    assert wait_until(is_there, 60), incoming(media)
    fill(media / "filler")
    for start in range(half, len(content), MIB):
        yield content[start : start + MIB]


@pytest.mark.obligation("O-62", "O-95")
def test_f08_c21_at_half_of_an_upload_the_disk_is_full_and_nothing_of_it_is_kept_until_there_is_room(portal):
    media = Path(portal.env["P20WIN_MEDIA"])
    sent = portal.act("slots", count=3, kind="analytical", big=True)
    large, other, late = sent["slots"]
    content, small = content_of(16, "a"), content_of(4, "c")
    with Visitor(portal, sent["session"]) as visitor:
        beside = visitor.begin(other, len(small))
        visitor.send_part(beside, small[: 2 * MIB], 0)
        before = incoming(media)
        assert len(before) == 1
        where = visitor.begin(large, len(content))
        headers = PART | {"Upload-Offset": "0", "Content-Length": str(len(content))}

        answer = visitor.patch(where, content=sent_until_half(content, media, before), headers=headers)

        assert answer.status_code == 507, answer.text
        assert answer.text == "The portal has no room for this file now. Tell the hub; the slot stays open.\n"
        assert incoming(media) == before  # the part is gone; what came before it is there
        assert visitor.offset(where) == 0
        assert "Waiting for the file" in visitor.words(f"/files/slots/{large['pk']}/")
        assert visitor.offset(beside) == 2 * MIB
        assert visitor.try_to_begin(late, 8 * MIB).status_code == 507  # it is said before anything is sent
        assert portal.page("/health/live/")[0] == 200
        portal.act("submit", count=1)  # what needs no room there goes on
        assert not portal.act("files", slots=[each["pk"] for each in sent["slots"]])

        (media / "filler").unlink()
        visitor.send_part(beside, small[2 * MIB :], 2 * MIB)
        for start in range(0, len(content), 4 * MIB):
            visitor.send_part(where, content[start : start + 4 * MIB], start)
        late_content = content_of(1, "e")
        visitor.send_part(visitor.begin(late, len(late_content)), late_content, 0)

    wanted = {large["pk"]: content, other["pk"]: small, late["pk"]: late_content}
    files = portal.wait("files", are_judged, patience=120, slots=list(wanted))
    assert {each["status"] for each in files.values()} == {"accepted"}
    opened = portal.act("opened", as_vault=True, files=[each["pk"] for each in files.values()])
    assert {slot: opened[files[slot]["pk"]] for slot in wanted} == {
        slot: hashlib.sha256(each).hexdigest() for slot, each in wanted.items()
    }
    assert wait_until(lambda: not incoming(media), 30), incoming(media)
    assert sorted(os.listdir(media)) == ["incoming", "sealed"]
    assert portal.act("standing")["ledger"]


def are_judged(files):
    return len(files) == 3 and not {each["status"] for each in files.values()} & {"announced", "arrived"}
