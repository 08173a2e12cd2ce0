"""The master key: who holds it, in which versions. Here the file for the demo; services are elsewhere.

A version is current, readable (kept to open what it wrapped) or retired (gone, and never used again).
"""

import datetime as dt
import os
import re
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from p20win.custody.engine.encoding import canonical, from_text, parse, to_text
from p20win.custody.engine.errors import RetiredKey, Unreadable, WrongKey
from p20win.custody.engine.files import destroy_file, read_private, write_new
from p20win.custody.engine.streaming import KEY_SIZE, new_key
from p20win.custody.engine.wrapping import fingerprint, unwrap, wrap

CURRENT, READABLE, RETIRED = "current", "readable", "retired"


@dataclass(frozen=True)
class MasterVersion:
    """One version of the master key, as the inventory tells it; nothing here opens anything."""

    version: int
    state: str
    created: str  # ISO, as far as the service tells
    fingerprint: str  # of the key, or what the service calls it


class KeyService(Protocol):
    """Who holds the master key: a file here, a key management service elsewhere."""

    name: str

    def wrap(self, key: bytes, *, context: bytes) -> tuple[int, bytes]: ...

    def unwrap(self, wrapped: bytes, *, version: int, context: bytes) -> bytes: ...

    def versions(self) -> list[MasterVersion]: ...

    def rotate(self) -> int: ...

    def retire(self, version: int) -> None: ...


class MasterKeyFile:
    """Versions of a master key in files that nobody but their owner may read.

    Version 1 lies in the file named, version n beside it. The folder is looked at for each use, so that a
    rotation or a retirement by another process is seen at once.
    """

    name = "file"

    def __init__(self, path: Path) -> None:
        """This will read the versions there are.

        :raises FileNotFoundError: if there is none
        """
        self._first, self._names, self._keys = path, frozenset[str](), dict[int, bytes]()
        if not self._look() and not self._retired_versions():
            raise FileNotFoundError(2, "There is no master key", str(path))

    @staticmethod
    def create(path: Path) -> None:
        """This will draw a master key and write it; it never replaces one.

        :raises FileExistsError: if there is one already
        """
        write_new(path, to_text(new_key()).encode() + b"\n")

    def wrap(self, key: bytes, *, context: bytes) -> tuple[int, bytes]:
        """This will wrap a key under the current version, and say which that is."""
        keys = self._look()
        if not keys:
            raise RetiredKey("Every version of the master key is retired. Rotate it: custody_keys rotate.")
        version = max(keys)
        return version, wrap(key, under=keys[version], context=context)

    def unwrap(self, wrapped: bytes, *, version: int, context: bytes) -> bytes:
        """This will undo `wrap`.

        :raises RetiredKey: if that version was retired
        :raises WrongKey: if the master key is another, or the wrapped key was altered
        """
        keys = self._look()
        if version not in keys:
            if version in self._retired_versions():
                raise RetiredKey(f"Version {version} of the master key is retired and opens nothing.")
            raise WrongKey(f"There is no version {version} of the master key here.")
        return unwrap(wrapped, under=keys[version], context=context)

    def versions(self) -> list[MasterVersion]:
        """This will list every version there ever was."""
        keys = self._look()
        found = [
            MasterVersion(
                version=version,
                state=CURRENT if version == max(keys) else READABLE,
                created=_written_at(self._path(version)),
                fingerprint=fingerprint(key),
            )
            for version, key in keys.items()
        ]
        for version in self._retired_versions():
            mark = parse(self._mark(version).read_bytes())
            found.append(MasterVersion(version, RETIRED, str(mark["created"]), str(mark["fingerprint"])))
        return sorted(found, key=lambda each: each.version)

    def rotate(self) -> int:
        """This will draw a new version; from now on it wraps, and the older ones still open."""
        version = max([*self._look(), *self._retired_versions()]) + 1
        write_new(self._path(version), to_text(new_key()).encode() + b"\n")
        return version

    def retire(self, version: int) -> None:
        """This will destroy an older version; called again after a crash it finishes.

        :raises RetiredKey: if it is the current one, which must be rotated first
        """
        keys = self._look()
        if keys and version == max(keys):
            raise RetiredKey("The current version cannot be retired. Rotate first: custody_keys rotate.")
        if version in keys and not self._mark(version).exists():
            told = {"created": _written_at(self._path(version)), "fingerprint": fingerprint(keys[version])}
            write_new(self._mark(version), canonical(told) + b"\n")
        destroy_file(self._path(version))

    def secret(self) -> tuple[int, bytes]:
        """This will give the current version itself, for splitting it among custodians and nothing else."""
        keys = self._look()
        return max(keys), keys[max(keys)]

    @staticmethod
    def put_back(path: Path, *, version: int, key: bytes) -> None:
        """This will write a version that custodians brought back; it never replaces one.

        :raises FileExistsError: if it is there
        """
        if len(key) != KEY_SIZE:
            raise Unreadable("This is not a master key.")
        write_new(_versioned(path, version), to_text(key).encode() + b"\n")

    @staticmethod
    def take_away(path: Path, *, version: int) -> None:
        """This will remove what `put_back` wrote and proved to be of another key."""
        destroy_file(_versioned(path, version))

    def _look(self) -> dict[int, bytes]:
        names = frozenset(os.listdir(self._first.parent))
        if names != self._names:
            versions = [1] if self._first.name in names else []
            versions += _numbers(names, rf"{re.escape(self._first.stem)}\.v(\d+)\.key")
            retired = self._retired_versions(names)
            self._keys = {
                version: from_text(
                    read_private(self._path(version)).decode("ascii", "replace").strip(), length=KEY_SIZE
                )
                for version in versions
                if version not in retired
            }
            self._names = names
        return self._keys

    def _retired_versions(self, names: frozenset[str] | None = None) -> list[int]:
        listed = frozenset(os.listdir(self._first.parent)) if names is None else names
        return _numbers(listed, rf"{re.escape(self._first.stem)}\.v(\d+)\.retired")

    def _path(self, version: int) -> Path:
        return _versioned(self._first, version)

    def _mark(self, version: int) -> Path:
        return self._first.with_name(f"{self._first.stem}.v{version}.retired")


def _versioned(first: Path, version: int) -> Path:
    return first if version == 1 else first.with_name(f"{first.stem}.v{version}.key")


def _numbers(names: frozenset[str], pattern: str) -> list[int]:
    return sorted(int(found[1]) for name in names if (found := re.fullmatch(pattern, name)))


def _written_at(path: Path) -> str:
    return dt.datetime.fromtimestamp(path.stat().st_mtime, dt.UTC).isoformat(timespec="seconds")
