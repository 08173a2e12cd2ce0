"""The canary scanner finds what is there, in every place and writing, and says nothing of it."""

import base64
import gzip
import io
import os
import random
import subprocess
import sys
import time

import pytest

from governance.scenario import canaries
from governance.scenario.canaries import CHUNK, Search, needles

MARK = "Zqbcdfghjklmnpqrst"


@pytest.fixture
def search():
    return Search(needles({"school file": MARK, "list": "4026307894"}))


def writings(found):
    return {finding.written for finding in found}


def test_it_finds_every_writing_of_a_mark(search):
    ways = {
        "plain text": MARK.encode(),
        "UTF-16": MARK.encode("utf-16-le"),
        "UTF-16, big-endian": MARK.encode("utf-16-be"),
        "hexadecimal": MARK.encode().hex().encode(),
        "capitals": MARK.upper().encode(),
    }
    for written, content in ways.items():
        assert written in writings(search.in_bytes(b"row\t" + content + b"\n"))


@pytest.mark.parametrize("before", range(6))
def test_it_finds_a_mark_in_base64_whatever_stands_around(search, before):
    content = base64.b64encode(b"x" * before + MARK.encode() + b"yz")

    assert any("base64" in written for written in writings(search.in_bytes(content)))


def test_it_finds_nothing_in_what_only_looks_alike(search):
    noise = random.Random(5)
    content = bytes(noise.randrange(256) for _ in range(200_000))
    digits = "".join(noise.choice("0123456789") for _ in range(200_000)).encode()

    assert not search.in_bytes(content + MARK[:-1].encode() + MARK[1:].encode())
    assert not [f for f in search.in_bytes(digits) if f.label == "school file"]


@pytest.mark.parametrize("offset", [0, 1, CHUNK - 30, CHUNK - 5, CHUNK - 1, CHUNK, CHUNK + 3])
def test_it_finds_a_mark_once_at_its_place_across_the_borders_of_pieces(search, offset):
    content = bytearray(CHUNK + 200)
    content[offset : offset + len(MARK)] = MARK.encode()

    report = search.in_stream(io.BytesIO(bytes(content)), where="file")

    assert [(f.offset, f.written) for f in report.findings] == [(offset, "plain text")]
    assert report.bytes == len(content)


def test_it_walks_folders_and_names_the_place_but_never_the_mark(search, tmp_path):
    (tmp_path / "deep" / "er").mkdir(parents=True)
    (tmp_path / "deep" / "er" / "wal").write_bytes(b"\0" * 9000 + MARK.encode())
    (tmp_path / "link").symlink_to(tmp_path / "deep")
    os.mkfifo(tmp_path / "pipe")

    report = search.in_folders([tmp_path, tmp_path / "deep"])

    assert [f.offset for f in report.findings] == [9000]
    assert report.files == 1
    text = str(report.findings[0])
    assert "wal" in text
    assert "school file" in text
    assert MARK not in text


def test_it_can_leave_out_files_that_are_older_than_the_run(search, tmp_path):
    old, new = tmp_path / "old", tmp_path / "new"
    for path in (old, new):
        path.write_text(MARK)
    os.utime(old, (1, 1))

    report = search.in_folders([tmp_path], changed_since=time.time() - 60)

    assert [f.where for f in report.findings] == [str(new)]


def test_it_finds_a_mark_in_a_file_that_was_deleted_while_open(search, tmp_path):
    script = (
        "import os, sys, time\n"
        f"f = open({str(tmp_path / 'spill')!r}, 'w+'); f.write({MARK!r}); f.flush()\n"
        "os.unlink(f.name); print('ready', flush=True); sys.stdin.read()\n"
    )
    child = subprocess.Popen([sys.executable, "-c", script], stdin=subprocess.PIPE, stdout=subprocess.PIPE)
    try:
        child.stdout.readline()

        report = search.in_deleted_files_of([child.pid])
    finally:
        child.communicate()

    assert [f.label for f in report.findings] == ["school file"]
    assert f"process {child.pid}" in report.findings[0].where
    assert not search.in_deleted_files_of([child.pid]).findings


def test_a_file_that_is_gone_holds_nothing_and_one_that_cannot_be_read_is_named(search, tmp_path):
    assert search.in_file(tmp_path / "gone") == canaries.Report()
    assert search.in_file(tmp_path).unreadable == [str(tmp_path)]


def test_compressed_content_is_out_of_reach_of_the_scanner_which_is_why_tables_are_read_out_too(search):
    assert not search.in_bytes(gzip.compress(MARK.encode() * 3))


def test_marks_that_chance_would_find_and_empty_searches_are_refused():
    with pytest.raises(ValueError, match="too short"):
        needles({"x": "1234567"})
    with pytest.raises(ValueError, match="nothing to look for"):
        Search([])
