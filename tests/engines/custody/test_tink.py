"""Against the Tink library itself, both ways: each opens what the other sealed.

The stored vectors of `test_streaming` fix the bytes; here the sealer and the openers that production uses
meet the library as it is installed.
"""

import io
import os

import pytest
import tink
from tink import secret_key_access, streaming_aead
from tink.proto import aes_gcm_hkdf_streaming_pb2, common_pb2, tink_pb2

from p20win.custody.engine import container
from p20win.custody.engine.container import Binding, Sealer
from p20win.custody.engine.errors import Broken
from p20win.custody.engine.streaming import HEADER_SIZE, KEY_SIZE, ROOM, SEGMENT

KEY = bytes(range(KEY_SIZE))
BINDING = Binding("file-1", "project-1", "agency", "hub", "matching", 1)
FIRST = ROOM - HEADER_SIZE  # plaintext in the first segment
SIZES = [0, 1, FIRST - 1, FIRST, FIRST + 1, FIRST + ROOM - 1, FIRST + ROOM, FIRST + ROOM + 1, 3 * SEGMENT + 5]


@pytest.fixture(scope="module")
def library():
    """Tink's own AES256-GCM-HKDF-1MB under our key."""
    streaming_aead.register()
    key = aes_gcm_hkdf_streaming_pb2.AesGcmHkdfStreamingKey(
        params=aes_gcm_hkdf_streaming_pb2.AesGcmHkdfStreamingParams(
            ciphertext_segment_size=SEGMENT, derived_key_size=KEY_SIZE, hkdf_hash_type=common_pb2.SHA256
        ),
        key_value=KEY,
    )
    keyset = tink_pb2.Keyset(primary_key_id=1)
    keyset.key.add(
        key_data=tink_pb2.KeyData(
            type_url="type.googleapis.com/google.crypto.tink.AesGcmHkdfStreamingKey",
            value=key.SerializeToString(),
            key_material_type=tink_pb2.KeyData.SYMMETRIC,
        ),
        status=tink_pb2.ENABLED,
        key_id=1,
        output_prefix_type=tink_pb2.RAW,
    )
    handle = tink.proto_keyset_format.parse(keyset.SerializeToString(), secret_key_access.TOKEN)
    return handle.primitive(streaming_aead.StreamingAead)


class Kept(io.BytesIO):
    """Memory that can still be read when the library has closed it."""

    def close(self):
        self.kept = self.getvalue()
        super().close()


def by_tink(library, plain, associated_data):
    target = Kept()
    with library.new_encrypting_stream(target, associated_data) as stream:
        stream.write(plain)
    return target.kept


def read_by_tink(library, sealed, associated_data):
    with library.new_decrypting_stream(io.BytesIO(sealed), associated_data) as stream:
        return stream.read()


def by_us(plain, threads):
    target = io.BytesIO()
    sealer = Sealer(KEY, BINDING, target, threads=threads)
    for start in range(0, len(plain), 300_007):
        sealer.update(plain[start : start + 300_007])
    return target, sealer.finish()


@pytest.mark.obligation("O-58")
@pytest.mark.parametrize("threads", [1, 4])
@pytest.mark.parametrize("size", SIZES)
def test_what_our_sealer_seals_tink_opens(library, size, threads):
    plain = os.urandom(size)
    target, seal = by_us(plain, threads)

    assert read_by_tink(library, target.getvalue(), BINDING.associated_data()) == plain
    assert seal.sealed_bytes == len(target.getvalue())


@pytest.mark.obligation("O-58")
@pytest.mark.parametrize("size", SIZES)
def test_what_tink_seals_our_openers_open(library, size):
    plain = os.urandom(size)
    sealed = by_tink(library, plain, BINDING.associated_data())
    root, length = container.measure(io.BytesIO(sealed))

    known = {"key": KEY, "binding": BINDING, "sealed_bytes": length}
    assert b"".join(container.open_stream(io.BytesIO(sealed), key=KEY, binding=BINDING)) == plain
    assert b"".join(container.open_verified(io.BytesIO(sealed), root=root, **known)) == plain
    for start, stop in ((0, 1), (FIRST - 1, FIRST + 1), (size // 2, size)):
        if 0 <= start < stop <= size:
            part = container.open_range(io.BytesIO(sealed), start=start, stop=stop, **known)
            assert b"".join(part) == plain[start:stop]


@pytest.mark.obligation("O-58")
def test_neither_opens_what_was_altered_cut_or_bound_to_something_else(library):
    target, _ = by_us(os.urandom(FIRST + 10), 1)
    whole, bound = target.getvalue(), BINDING.associated_data()
    altered = whole[:-1] + bytes([whole[-1] ^ 1])

    for sealed, associated_data in ((altered, bound), (whole[:SEGMENT], bound), (whole, b"something else")):
        with pytest.raises((tink.TinkError, OSError)):
            read_by_tink(library, sealed, associated_data)
    with pytest.raises(Broken):
        list(container.open_stream(io.BytesIO(altered), key=KEY, binding=BINDING))
    theirs = by_tink(library, b"rows", b"something else")
    with pytest.raises(Broken):
        list(container.open_stream(io.BytesIO(theirs), key=KEY, binding=BINDING))
