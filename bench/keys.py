"""How fast the master key is rotated: 100,000 keys wrapped anew, beside what the disk alone costs.

python -m bench.keys [--keys N] [--folder DIR] [--write]

- the key store: every key read, unwrapped, wrapped under the new version, written durably, the old wiped
- the peer, in the same run: the same files copied to a new name, renamed over and wiped, without any key
- keys of files, in memory: unwrapped and wrapped under another key
"""

from __future__ import annotations

import argparse
import os
import shutil
import tempfile
import time
from collections.abc import Callable
from itertools import islice
from pathlib import Path
from typing import Any

from bench import report
from p20win.custody.engine import keys
from p20win.custody.engine.files import sync_directory
from p20win.custody.engine.keys import AT_ONCE, KeyRecord, KeyStore, MasterKeyFile


def timed(work: Callable[[], object]) -> float:
    """Return seconds."""
    start = time.perf_counter()
    work()
    return time.perf_counter() - start


def fill(folder: Path, store: KeyStore, count: int) -> None:
    """Write so many keys as the key store would, without waiting for the disk each time."""
    folder.mkdir(mode=0o700)
    for number in range(count):
        project, agency, key = f"{number:08x}-0000", f"{number % 7:08x}-ffff", os.urandom(32)
        draft = KeyRecord(project, agency, 1, keys.fingerprint(key), b"")
        master, wrapped = store.service.wrap(key, context=draft.context())
        record = KeyRecord(**{**vars(draft), "master": master, "wrapped": wrapped})
        path = folder / f"{project}.{agency}.v1.key"
        handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        os.write(handle, record.as_file())
        os.close(handle)
    os.sync()


def disk_alone(folder: Path) -> None:
    """Do to the disk what wrapping anew does, with the same bytes and no key."""
    paths = iter(sorted(folder.glob("*.key")))
    while batch := list(islice(paths, AT_ONCE)):
        drafts = []
        for path in batch:
            content = path.read_bytes()
            draft = path.with_name(f".{path.name}.{os.urandom(6).hex()}")
            handle = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
            os.write(handle, content)
            os.close(handle)
            drafts.append((draft, path, os.open(path, os.O_WRONLY)))
        keys._sync_all(folder)
        for draft, path, _ in drafts:
            os.replace(draft, path)
        sync_directory(folder)
        for _, _, old in drafts:
            os.pwrite(old, bytes(os.fstat(old).st_size), 0)
        keys._sync_all(folder)
        for _, _, old in drafts:
            os.close(old)


def in_memory(count: int) -> float:
    """Wrap so many keys of files anew; return seconds."""
    old, new, context = os.urandom(32), os.urandom(32), b"a file"
    wrapped = [keys.wrap(os.urandom(32), under=old, context=context) for _ in range(count)]

    def again() -> None:
        for each in wrapped:
            keys.wrap(keys.unwrap(each, under=old, context=context), under=new, context=context)

    return timed(again)


def measure(folder: Path, count: int) -> dict[str, Any]:
    """Measure all three."""
    MasterKeyFile.create(folder / "master" / "master.key")
    store = KeyStore(folder / "keys", MasterKeyFile(folder / "master" / "master.key"))
    fill(folder / "keys", store, count)
    disk = timed(lambda: disk_alone(folder / "keys"))
    store.service.rotate()
    seconds = timed(store.rewrap)
    if store.rewrap() or any(record.master != 2 for record in store.inventory()):
        raise RuntimeError("Not every key was wrapped anew.")
    return {
        "keys": count,
        "rewrap_seconds": round(seconds, 2),
        "disk_alone_seconds": round(disk, 2),
        "of_the_disks_speed": round(disk / seconds, 2),
        "keys_of_files_in_memory_seconds": round(in_memory(count), 2),
    }


def main() -> None:
    """Measure, print, and write it down if asked."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--keys", type=int, default=100_000)
    parser.add_argument("--folder", type=Path)
    parser.add_argument("--write", action="store_true")
    asked = parser.parse_args()
    report.RESULTS.mkdir(exist_ok=True)
    around = report.circumstances()
    folder = Path(tempfile.mkdtemp(prefix="p20-bench-", dir=asked.folder))
    try:
        figures = measure(folder, asked.keys)
    finally:
        shutil.rmtree(folder)
    for name, value in figures.items():
        print(f"{name:36} {value}")
    if asked.write:
        print(report.write("keys", around, figures))


if __name__ == "__main__":
    main()
