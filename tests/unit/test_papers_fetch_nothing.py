"""A paper made of hostile HTML opens no file, no line and no address (C25)."""

import io
import os
import select
import socket
import sys

import pytest
from pypdf import PdfReader

from agreements import papers
from tests.faults.hostile_papers import HOSTILE, REFUSED, page

CANARY = "canary-of-the-disk"
WATCHED = ("open", "socket.connect", "socket.getaddrinfo", "socket.sendto", "subprocess.Popen", "os.system")
_seen: list[tuple[str, str]] = []
_watching: list[bool] = []
_hooked: list[bool] = []


def _watch(event, args):
    if _watching and event in WATCHED:
        _seen.append((event, str(args[1] if event == "socket.connect" else args[0])))


@pytest.fixture
def seen():
    """Note what this process opens from now on."""
    if not _hooked:
        papers.pdf("documents/base.html", {}, attachments=[("own.txt", b"", "")])  # loads what it needs once
        sys.addaudithook(_watch)  # it stays for good; it looks away when not asked
        _hooked.append(True)
    del _seen[:]
    yield _seen
    _watching.clear()


@pytest.fixture
def line():
    """Return a place on this machine that must never be called."""
    with socket.create_server(("127.0.0.1", 0)) as listening:
        yield listening


def made(monkeypatch, body, far):
    monkeypatch.setattr(papers, "render_to_string", lambda template, context: page(body, far))
    _watching.append(True)
    try:
        return papers.pdf("documents/base.html", {}, attachments=[("own.txt", b"its own", "Its own")])
    finally:
        _watching.clear()


@pytest.mark.parametrize("how", HOSTILE)
@pytest.mark.parametrize("scheme", ["file", "http", "ftp"])
def test_c25_nothing_is_fetched(monkeypatch, seen, line, tmp_path, scheme, how):
    port, secret = line.getsockname()[1], tmp_path / "canary.svg"
    secret.write_text(f'<svg xmlns="http://www.w3.org/2000/svg" id="a"><text>{CANARY}</text></svg>')
    far = f"file://{secret}" if scheme == "file" else f"{scheme}://127.0.0.1:{port}/canary.svg"

    paper = made(monkeypatch, HOSTILE[how], far)

    opened = [place for event, place in seen if event == "open"]
    assert [place for event, place in seen if event != "open"] == []
    assert [place for place in opened if str(tmp_path) in place] == []
    assert select.select([line], [], [], 0)[0] == []
    reader = PdfReader(io.BytesIO(paper))
    assert set(reader.attachments) == {"own.txt"}
    words = "".join(page.extract_text() for page in reader.pages)
    assert "End" in words
    assert CANARY not in words
    assert CANARY.encode() not in paper


def test_c25_a_paper_that_cannot_be_without_is_not_made(monkeypatch, seen, tmp_path):
    from weasyprint.urls import URLFetchingError  # needs the system's libraries

    with pytest.raises(URLFetchingError, match="may not fetch"):
        made(monkeypatch, REFUSED, f"file://{tmp_path}/x.icc")
    assert [place for _, place in seen if str(tmp_path) in place] == []


def test_c25_what_watches_sees(seen, tmp_path):
    _watching.append(True)
    os.close(os.open(tmp_path / "x", os.O_CREAT | os.O_RDONLY))
    with socket.socket() as one:
        one.connect_ex(("127.0.0.1", 9))
    _watching.clear()
    assert [event for event, _ in seen] == ["open", "socket.connect"]
