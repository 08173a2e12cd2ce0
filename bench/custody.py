"""How fast files are sealed and opened, against what this same machine can do at best, in the same run.

python -m bench.custody [--size MIB] [--runs N] [--folder DIR] [--write]

- sealing in memory on one core against the limit 1 / (1/AES-GCM + 1/SHA-256): goal 80 %; and as the vault
  does it, with the SHA-256 of the plaintext, too: against that limit and against its own, with two hashes
- file to file, sealing with and without the SHA-256 of the plaintext, and opening, against a plain copy on
  the same volume: goal 70 %
- peak memory above the idle process, at two sizes, of sealing, opening, reading what arrives and checking:
  goal 64 MiB and two chunks for each thread
"""

from __future__ import annotations

import argparse
import hashlib
import os
import shutil
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import Any, Final

from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from bench import custody_memory, report
from bench.custody_memory import BINDING, chunks_of
from p20win.custody.engine import container
from p20win.custody.engine.container import Sealer
from p20win.custody.engine.files import EagerFile
from p20win.custody.engine.pipeline import THREADS, Lane
from p20win.custody.engine.streaming import SEGMENT, TAG_SIZE, new_key

MIB: Final = 1 << 20
CHUNK: Final = 4 * MIB
_WITH_DIGEST: Final = ("with_digest", "with_digest_of_the_limit", "with_digest_of_its_own")


class Nowhere:
    """A sink that keeps nothing."""

    def write(self, data: Any, /) -> object:
        """Forget it."""
        return len(data)


def rate(work: Callable[[], object], size: int) -> float:
    """Return gigabytes a second."""
    start = time.perf_counter()
    work()
    return size / (time.perf_counter() - start) / 1e9


def in_memory(runs: int) -> dict[str, Any]:
    """Measure one core: the cipher, the hash, and the container, in turn."""
    data, room = memoryview(os.urandom(64 * MIB)), memoryview(bytearray(SEGMENT + TAG_SIZE))
    cipher, segment = AESGCM(new_key()), data[:SEGMENT]
    names = ("aes_gcm", "sha_256", "container", "of_the_limit", *_WITH_DIGEST)
    found: dict[str, list[float]] = {name: [] for name in names}

    def encrypt() -> None:
        for _ in range(64):
            cipher.encrypt_into(bytes(12), segment, None, room)

    def digest() -> None:
        for _ in range(64):
            hashlib.sha256(segment).digest()

    def seal(*, digest: bool) -> None:
        sealer = Sealer(new_key(), BINDING, Nowhere(), threads=1, digest=digest)
        for start in range(0, len(data), CHUNK):
            sealer.update(data[start : start + CHUNK])
        sealer.finish()

    for _ in range(runs):
        aes, sha = rate(encrypt, len(data)), rate(digest, len(data))
        whole, hashed = (rate(partial(seal, digest=both), len(data)) for both in (False, True))
        limit, twice = 1 / (1 / aes + 1 / sha), 1 / (1 / aes + 2 / sha)
        values = (aes, sha, whole, whole / limit, hashed, hashed / limit, hashed / twice)
        for name, value in zip(found, values, strict=True):
            found[name].append(value)
    return {name: report.spread(values) for name, values in found.items()}


@contextmanager
def files(folder: Path, size: int) -> Iterator[Path]:
    """Give a folder on the volume to measure, with a file of random bytes in it."""
    with tempfile.TemporaryDirectory(dir=folder) as made:
        place = Path(made)
        with (place / "plain").open("wb") as target:
            for _ in range(size // CHUNK):
                target.write(os.urandom(CHUNK))
        yield place


def copy(source: Path, target: Path) -> None:
    """Copy as the system does it, down to the disk."""
    shutil.copyfile(source, target)
    with target.open("rb+") as written:
        os.fsync(written.fileno())


def file_to_file(folder: Path, size: int, runs: int) -> dict[str, Any]:
    """Measure a copy, a sealing and an opening of one file, in turn."""
    acts = ("copy", "seal", "seal_without_digest", "open")
    names = (*acts, *(f"{act}_to_copy" for act in acts[1:]))
    found: dict[str, list[float]] = {name: [] for name in names}
    key = new_key()
    with files(folder, size) as place:
        plain, sealed, again = place / "plain", place / "sealed", place / "again"
        made: list[container.Seal] = []

        def seal(*, digest: bool = True) -> None:
            with plain.open("rb", buffering=0) as source:
                target = EagerFile(sealed)
                sealer = Sealer(key, BINDING, target, digest=digest)
                for chunk in chunks_of(source):
                    sealer.update(chunk)
                made[:] = [sealer.finish()]
                target.keep()

        def unseal() -> None:
            writing: Lane[None] = Lane()
            with sealed.open("rb", buffering=0) as source:
                target = EagerFile(again)
                for chunk in container.open_verified(
                    source, key=key, binding=BINDING, root=made[0].root, sealed_bytes=made[0].sealed_bytes
                ):
                    for _ in writing.put(partial(target.write, chunk)):
                        pass
                for _ in writing.rest():
                    pass
                target.keep()

        works = (lambda: copy(plain, place / "copy"), seal, partial(seal, digest=False), unseal)
        targets = (place / "copy", sealed, sealed, again)
        for _ in range(runs):
            values = []
            for work, target in zip(works, targets, strict=True):
                target.unlink(missing_ok=True)
                values.append(rate(work, size))
            for name, value in zip(found, (*values, *(each / values[0] for each in values[1:])), strict=True):
                found[name].append(value)
    return {name: report.spread(values) for name, values in found.items()}


def peak_memory(folder: Path, size: int) -> dict[str, float]:
    """Measure, in processes of their own, what each act on a file takes above the idle process."""
    with files(folder, size) as place:
        return custody_memory.peaks(place)


def main() -> None:
    """Measure, print, and write the results down if asked."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--size", type=int, default=1024, metavar="MIB")
    parser.add_argument("--runs", type=int, default=5)
    parser.add_argument("--folder", type=Path, default=Path(tempfile.gettempdir()))
    parser.add_argument("--write", action="store_true", help="write bench/results/custody.json")
    asked = parser.parse_args()
    around = report.circumstances()
    figures = {
        "in memory, one core, GB/s": in_memory(asked.runs),
        f"file to file, {asked.size} MiB, {THREADS} threads, GB/s": file_to_file(
            asked.folder, asked.size * MIB, asked.runs
        ),
        "peak memory above idle, MiB": {
            f"{size} MiB": peak_memory(asked.folder, size * MIB) for size in (64, asked.size)
        },
    }
    for title, found in figures.items():
        print(title)
        for name, value in found.items():
            print(f"  {name:<26} {value}")
    if asked.write:
        print(report.write("custody", around, figures))


if __name__ == "__main__":
    main()
