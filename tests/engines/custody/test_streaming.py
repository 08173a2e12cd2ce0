"""The streaming format: equal to Tink's to the byte, and nothing altered ever opens."""

import hashlib
import json
import os
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from p20win.custody.engine import streaming
from p20win.custody.engine.errors import Broken, CustodyError, Unreadable
from p20win.custody.engine.streaming import SEGMENT, StreamOpener, StreamSealer, sealed_size

KNOWN = json.loads((Path(__file__).parents[2] / "data" / "streaming_known_answers.json").read_text())
KEY = bytes(range(32))


def pattern(size):
    return (hashlib.shake_256(b"p20win known answers").digest(4096) * (size // 4096 + 1))[:size]


def seal(plain, key=KEY, associated_data=b"what it is"):
    sealer = StreamSealer(key, associated_data)
    return sealer.update(plain) + sealer.finish()


def open_whole(sealed, key=KEY, associated_data=b"what it is"):
    opener = StreamOpener(key, associated_data)
    return opener.update(sealed) + opener.finish()


@pytest.mark.obligation("O-58")
@pytest.mark.parametrize("known", KNOWN, ids=lambda known: str(known["plain_bytes"]))
def test_seals_to_the_same_bytes_as_tink(known, monkeypatch):
    drawn = {32: bytes.fromhex(known["salt"]), 7: bytes.fromhex(known["prefix"])}
    monkeypatch.setattr(streaming.os, "urandom", drawn.__getitem__)

    sealed = seal(
        pattern(known["plain_bytes"]), bytes.fromhex(known["key"]), bytes.fromhex(known["associated_data"])
    )

    assert hashlib.sha256(sealed).hexdigest() == known["sealed_sha256"]
    assert len(sealed) == known["sealed_bytes"] == sealed_size(known["plain_bytes"])


@pytest.mark.parametrize("known", [known for known in KNOWN if "sealed" in known])
def test_opens_what_tink_sealed(known):
    plain = open_whole(
        bytes.fromhex(known["sealed"]), bytes.fromhex(known["key"]), bytes.fromhex(known["associated_data"])
    )

    assert plain == pattern(known["plain_bytes"])


@given(st.binary(max_size=300), st.lists(st.integers(1, 90), max_size=12))
def test_any_cutting_into_calls_gives_the_same_plaintext(plain, cuts):
    sealer, opener = StreamSealer(KEY, b""), StreamOpener(KEY, b"")
    sealed, rest = b"", plain
    for cut in cuts:
        sealed += sealer.update(rest[:cut])
        rest = rest[cut:]
    sealed += sealer.update(rest) + sealer.finish()
    opened = b"".join(opener.update(sealed[place : place + 11]) for place in range(0, len(sealed), 11))

    assert opened + opener.finish() == plain


@given(st.binary(min_size=1, max_size=200), st.data())
@settings(max_examples=200)
def test_a_flipped_bit_never_opens(plain, data):
    sealed = bytearray(seal(plain))
    sealed[data.draw(st.integers(0, len(sealed) - 1))] ^= 1 << data.draw(st.integers(0, 7))

    with pytest.raises(CustodyError):
        open_whole(bytes(sealed))


def test_every_single_byte_of_a_small_file_is_protected():
    sealed = seal(b"C13")
    for place in range(len(sealed)):
        altered = bytearray(sealed)
        altered[place] ^= 0xFF
        opener = StreamOpener(KEY, b"what it is")
        with pytest.raises(CustodyError):
            opener.finish() if opener.update(altered) == b"" else pytest.fail("gave plaintext away")


@pytest.mark.parametrize("cut", range(0, 60))
def test_a_cut_file_never_opens(cut):
    sealed = seal(b"abc")
    with pytest.raises(Broken):
        open_whole(sealed[: min(cut, len(sealed) - 1)])


class TestSegments:
    """Three full segments and a bit."""

    plain = pattern(3 * SEGMENT)
    sealed = seal(plain)

    def refused(self, sealed):
        with pytest.raises(Broken):
            open_whole(sealed)

    def test_opens_unaltered(self):
        assert open_whole(self.sealed) == self.plain

    def test_a_cut_at_a_segment_boundary_is_refused(self):
        for segments in (1, 2, 3):
            self.refused(self.sealed[: segments * SEGMENT])

    def test_swapped_segments_are_refused(self):
        second, third = self.sealed[SEGMENT : 2 * SEGMENT], self.sealed[2 * SEGMENT : 3 * SEGMENT]
        self.refused(self.sealed[:SEGMENT] + third + second + self.sealed[3 * SEGMENT :])

    def test_a_repeated_segment_is_refused(self):
        self.refused(self.sealed[: 2 * SEGMENT] + self.sealed[SEGMENT:])

    def test_a_left_out_segment_is_refused(self):
        self.refused(self.sealed[:SEGMENT] + self.sealed[2 * SEGMENT :])

    def test_an_extended_file_is_refused(self):
        self.refused(self.sealed + b"\0")
        self.refused(self.sealed + self.sealed[-100:])

    def test_a_segment_of_another_file_under_the_same_key_is_refused(self):
        other = seal(pattern(3 * SEGMENT))
        self.refused(self.sealed[:SEGMENT] + other[SEGMENT : 2 * SEGMENT] + self.sealed[2 * SEGMENT :])


def test_another_key_or_description_does_not_open():
    sealed = seal(b"abc")
    with pytest.raises(Broken):
        open_whole(sealed, key=os.urandom(32))
    with pytest.raises(Broken):
        open_whole(sealed, associated_data=b"something else")


def test_nonce_and_key_never_repeat():
    headers = {seal(b"")[:40] for _ in range(2000)}
    assert len(headers) == 2000


def test_more_segments_than_can_be_numbered_are_refused(monkeypatch):
    sealer = StreamSealer(KEY, b"")
    sealer._index = streaming.MOST_SEGMENTS
    with pytest.raises(Broken):
        sealer.finish()


def test_something_else_is_told_from_a_damaged_file():
    with pytest.raises(Unreadable):
        open_whole(b"PK\x03\x04 not ours at all")


def test_a_finished_stream_takes_no_more():
    sealer, opener = StreamSealer(KEY, b""), StreamOpener(KEY, b"")
    opener.update(sealer.finish())
    opener.finish()
    for late in (lambda: sealer.update(b"x"), sealer.finish, lambda: opener.update(b"x"), opener.finish):
        with pytest.raises(ValueError, match="already finished"):
            late()


def test_a_key_of_the_wrong_length_is_refused():
    with pytest.raises(ValueError, match="32 bytes"):
        StreamSealer(b"short", b"")
