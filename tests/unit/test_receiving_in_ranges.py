"""`p20 receive` asks for ranges, and takes nothing that is not the range of the version it began with."""

import hashlib
import re

import httpx
import pytest

from client import receiving
from client.failure import Failure
from client.receiving import Delivery

CONTENT = bytes(range(256)) * 40
DIGEST = hashlib.sha256(CONTENT).hexdigest()


def portal(asked, *, whole=False, content=CONTENT):
    """Answer as the portal does; with `whole`, as if another version had come in between."""

    def answer(request):
        headers = {"ETag": f'"{DIGEST}"', "Content-Disposition": 'attachment; filename="extract.zip"'}
        if request.method == "HEAD":
            return httpx.Response(200, headers=headers | {"Content-Length": str(len(content))})
        start, stop = map(int, re.fullmatch(r"bytes=(\d+)-(\d+)", request.headers["Range"]).groups())
        asked.append((start, stop + 1))
        assert request.headers["If-Range"] == f'"{DIGEST}"'
        given = httpx.ByteStream(content if whole else content[start : stop + 1])
        return httpx.Response(200 if whole else 206, headers=headers, stream=given)

    return httpx.MockTransport(answer)


@pytest.mark.obligation("O-117")
@pytest.mark.parametrize("part", [1000, len(CONTENT), 1 << 30])
def test_a_file_comes_in_ranges_of_the_size_asked_for(tmp_path, part):
    asked = []
    with Delivery("https://example.org/x", "t", part=part, transport=portal(asked)) as remote:
        path, _ = remote.fetch(tmp_path, seen=lambda have, size: None)

    assert path.read_bytes() == CONTENT
    assert asked == [(at, min(at + part, len(CONTENT))) for at in range(0, len(CONTENT), part)]


@pytest.mark.obligation("O-117")
def test_what_is_there_is_not_asked_for_again(tmp_path):
    (tmp_path / f".extract.zip.{DIGEST[:16]}.part").write_bytes(CONTENT[:1500])
    asked = []
    with Delivery("https://example.org/x", "t", part=1000, transport=portal(asked)) as remote:
        path, _ = remote.fetch(tmp_path, seen=lambda have, size: None)

    assert path.read_bytes() == CONTENT
    assert asked[0] == (1500, 2500)


def test_another_version_is_not_mixed_in(tmp_path, monkeypatch):
    monkeypatch.setattr(receiving, "_PAUSES", ())
    (tmp_path / f".extract.zip.{DIGEST[:16]}.part").write_bytes(CONTENT[:1500])
    with Delivery("https://example.org/x", "t", part=1000, transport=portal([], whole=True)) as remote:
        with pytest.raises(Failure, match="changed meanwhile"):
            remote.fetch(tmp_path, seen=lambda have, size: None)

    assert list(tmp_path.iterdir()) == []
