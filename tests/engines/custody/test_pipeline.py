"""Segments are worked on beside each other, and come out as if one after the other."""

import hashlib
import io
import os
import stat
import threading
import time
from functools import partial

import pytest

from p20win.custody.engine import container
from p20win.custody.engine.container import Binding, Sealer
from p20win.custody.engine.errors import Broken
from p20win.custody.engine.files import SENT_EVERY, EagerFile
from p20win.custody.engine.pipeline import InOrder, Lane
from p20win.custody.engine.streaming import SEGMENT, new_key

BINDING = Binding("file-1", "project-1", "agency", "hub", "matching", 1)


def after(seconds, result):
    time.sleep(seconds)
    return result


@pytest.mark.parametrize("queue", [InOrder(1), InOrder(4), Lane(), Lane(threaded=False)])
def test_results_come_in_the_order_of_the_tasks(queue):
    results = []
    for number in range(20):
        results.extend(queue.put(partial(after, 0.002 * (number % 3), number)))
    results.extend(queue.rest())

    assert results == list(range(20))


def test_what_went_wrong_in_a_thread_is_raised_where_the_results_are_taken():
    def fails():
        raise OSError("No space left on device")

    queue = InOrder(4)
    assert list(queue.put(fails)) == []
    with pytest.raises(OSError, match="No space left"):
        list(queue.rest())


class FullDisk:
    """Takes a few segments, then no more."""

    def __init__(self, room):
        self.room = room

    def write(self, data):
        self.room -= len(data)
        if self.room < 0:
            raise OSError(28, "No space left on device")


def test_f08_a_full_disk_ends_the_sealing_and_leaves_no_thread_behind():
    before = threading.active_count()
    piece = os.urandom(SEGMENT)
    with pytest.raises(OSError, match="No space left"):
        container.seal([piece] * 40, FullDisk(5 * SEGMENT), key=new_key(), binding=BINDING)

    assert threading.active_count() <= before + 4  # the pool that all files share


@pytest.mark.parametrize("threads", [1, 4])
def test_however_many_threads_the_file_is_sealed_and_measured_alike(threads):
    plain, target, key = os.urandom(9 * SEGMENT + 77), io.BytesIO(), new_key()
    sealer = Sealer(key, BINDING, target, threads=threads)
    for start in range(0, len(plain), 700_001):
        piece = bytearray(plain[start : start + 700_001])
        sealer.update(piece)
        piece[:] = bytes(len(piece))  # the caller may use its memory again at once
    seal = sealer.finish()

    assert seal.plain_sha256 == hashlib.sha256(plain).digest()
    assert seal.root == container.measure(io.BytesIO(target.getvalue()), threads=1)[0]
    for opening in (1, 4):
        target.seek(0)
        assert b"".join(container.open_stream(target, key=key, binding=BINDING, threads=opening)) == plain


def test_a_reader_that_stops_midway_leaves_nothing_running():
    target, key = io.BytesIO(), new_key()
    container.seal([os.urandom(12 * SEGMENT)], target, key=key, binding=BINDING)
    target.seek(0)
    reading = container.open_stream(target, key=key, binding=BINDING)
    next(reading)
    reading.close()

    assert list(reading) == []


def test_c13_altered_in_the_middle_nothing_after_it_is_given():
    target, key = io.BytesIO(), new_key()
    plain = os.urandom(8 * SEGMENT)
    container.seal([plain], target, key=key, binding=BINDING)
    target.getbuffer()[4 * SEGMENT + 9] ^= 1
    target.seek(0)

    given = []
    with pytest.raises(Broken, match="Segment 4"):
        given.extend(container.open_stream(target, key=key, binding=BINDING))
    assert plain.startswith(b"".join(given))
    assert sum(map(len, given)) < 4 * SEGMENT


def test_an_eager_file_is_private_new_and_whole(tmp_path):
    path = tmp_path / "sealed"
    piece = os.urandom(SEGMENT)
    file = EagerFile(path)
    for _ in range(SENT_EVERY // SEGMENT + 3):
        file.write(memoryview(piece))
    file.keep()

    assert path.read_bytes() == piece * (SENT_EVERY // SEGMENT + 3)
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    with pytest.raises(FileExistsError):
        EagerFile(path)
