"""Opening a part of a sealed file: only the segments that hold it, each proven before it is given."""

import io
import os

import pytest

from p20win.custody.engine import container
from p20win.custody.engine.container import Binding
from p20win.custody.engine.errors import Broken, CustodyError
from p20win.custody.engine.streaming import HEADER_SIZE, ROOM, SEGMENT

KEY = bytes(range(32))
BINDING = Binding("f", "p", "s", "d", "extract", 1)


def sealed(size):
    plain, sink = os.urandom(size), io.BytesIO()
    seal = container.seal([plain], sink, key=KEY, binding=BINDING)
    return plain, sink.getvalue(), seal


def opened(raw, start, stop, *, size=None):
    source = io.BytesIO(raw)
    return b"".join(
        container.open_range(
            source, key=KEY, binding=BINDING, sealed_bytes=size or len(raw), start=start, stop=stop
        )
    )


FIRST = ROOM - HEADER_SIZE


@pytest.mark.parametrize("size", [1, 1000, FIRST, FIRST + 1, FIRST + ROOM, FIRST + ROOM + 1, 3 * ROOM + 77])
def test_any_range_is_what_stands_there(size):
    plain, raw, _ = sealed(size)
    edges = sorted({0, 1, size // 2, FIRST - 1, FIRST, FIRST + 1, FIRST + ROOM, size - 1, size})
    edges = [edge for edge in edges if 0 <= edge <= size]

    for start in edges:
        for stop in edges:
            if start < stop:
                assert opened(raw, start, stop) == plain[start:stop]


def test_more_than_there_is_gives_what_there_is():
    plain, raw, _ = sealed(1000)
    assert opened(raw, 990, 5000) == plain[990:]


def test_only_the_segments_of_the_range_are_read():
    class Watched(io.BytesIO):
        read_from: list[int] = []

        def read(self, size=-1):
            self.read_from.append(self.tell())
            return super().read(size)

    plain, raw, _ = sealed(5 * SEGMENT)
    source = Watched(raw)
    start = 3 * SEGMENT
    found = b"".join(
        container.open_range(
            source, key=KEY, binding=BINDING, sealed_bytes=len(raw), start=start, stop=start + 10
        )
    )
    assert found == plain[start : start + 10]
    assert len(source.read_from) <= 3


@pytest.mark.obligation("O-63")
@pytest.mark.parametrize("place", ["header", "asked segment", "cut", "extended", "swapped"])
def test_an_altered_file_gives_nothing_of_the_range(place):
    _, whole, _ = sealed(3 * SEGMENT)
    raw = bytearray(whole)
    if place == "header":
        raw[5] ^= 1
    elif place == "asked segment":
        raw[SEGMENT + 7] ^= 1
    elif place == "cut":
        del raw[-1]
    elif place == "extended":
        raw += b"x"
    else:
        raw[SEGMENT : 2 * SEGMENT], raw[2 * SEGMENT : 3 * SEGMENT] = (
            raw[2 * SEGMENT : 3 * SEGMENT],
            raw[SEGMENT : 2 * SEGMENT],
        )
    with pytest.raises(CustodyError):
        opened(bytes(raw), SEGMENT + 100, SEGMENT + 200, size=len(whole))


def test_under_another_description_it_does_not_open():
    _, raw, _ = sealed(100)
    other = Binding("f", "p", "s", "d", "output", 1)
    with pytest.raises(Broken):
        list(
            container.open_range(
                io.BytesIO(raw), key=KEY, binding=other, sealed_bytes=len(raw), start=0, stop=5
            )
        )


@pytest.mark.parametrize(("start", "stop"), [(5, 5), (9, 3), (-1, 4)])
def test_what_is_no_range_is_refused(start, stop):
    _, raw, _ = sealed(100)
    with pytest.raises(ValueError, match="range"):
        opened(raw, start, stop)
