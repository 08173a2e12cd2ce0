"""The ladder of keys: master key → key of one organisation in one project → key of one file.

The key of an organisation in a project is the unit of destruction. It lies, wrapped by the master key, in a
key store of its own: one small file, in a directory apart from the database and from the sealed files.
"""

import ctypes
import fcntl
import os
import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import Any

from p20win.custody.engine.encoding import canonical, from_text, parse, to_text
from p20win.custody.engine.errors import Broken, KeyDestroyed, NoKey, Unreadable
from p20win.custody.engine.files import destroy_file, read_private, sync_directory, write_new
from p20win.custody.engine.master import KeyService, MasterKeyFile
from p20win.custody.engine.streaming import new_key
from p20win.custody.engine.wrapping import fingerprint, unwrap, wrap

__all__ = ["Destroyed", "KeyRecord", "KeyStore", "MasterKeyFile", "fingerprint", "unwrap", "wrap"]

KEY_FORMAT = "p20win/key/1"
AT_ONCE = 400  # keys wrapped anew under one lock; each holds a file open meanwhile
_ID = re.compile(r"[0-9a-f-]{8,36}")


@dataclass(frozen=True)
class KeyRecord:
    """What the key store holds about one organisation's key in one project."""

    project: str
    organisation: str
    version: int
    fingerprint: str
    wrapped: bytes
    master: int = 1  # version of the master key
    service: str = "file"
    created: str = ""

    def context(self) -> bytes:
        """This will give the bytes that tie the wrapped key to its project and organisation."""
        return _context(self.project, self.organisation, self.version)

    def as_file(self) -> bytes:
        """This will spell the record as it lies in the key store."""
        return (
            canonical(
                {
                    "format": KEY_FORMAT,
                    "project": self.project,
                    "organisation": self.organisation,
                    "version": self.version,
                    "fingerprint": self.fingerprint,
                    "wrapped": to_text(self.wrapped),
                    "master": self.master,
                    "service": self.service,
                    "created": self.created,
                }
            )
            + b"\n"
        )


@dataclass(frozen=True)
class Destroyed:
    """Which key was destroyed."""

    version: int
    fingerprint: str


class KeyStore:
    """A directory with one file for each key; a destroyed key leaves a mark with its fingerprint."""

    def __init__(self, directory: Path, service: KeyService) -> None:
        self._directory, self._service = directory, service

    @property
    def service(self) -> KeyService:
        """This will name who holds the master key."""
        return self._service

    def current_or_new(self, project: str, organisation: str, *, created: str = "") -> tuple[int, bytes]:
        """This will give the version and the key to seal with, drawing a key where there is none alive."""
        with self._locked(fcntl.LOCK_SH):  # a key is not drawn under a master that is just being replaced
            destroyed = self._versions(project, organisation, ".destroyed")
            if alive := set(self._versions(project, organisation, ".key")) - set(destroyed):
                version = max(alive)
                return version, self.key(project, organisation, version)
            version = max(destroyed, default=0) + 1
            key = new_key()
            master, wrapped = self._service.wrap(key, context=_context(project, organisation, version))
            record = KeyRecord(
                project=project,
                organisation=organisation,
                version=version,
                fingerprint=fingerprint(key),
                wrapped=wrapped,
                master=master,
                service=self._service.name,
                created=created,
            )
            try:
                write_new(self._path(project, organisation, version, ".key"), record.as_file())
            except FileExistsError:  # another process drew it a moment ago
                return version, self.key(project, organisation, version)
            return version, key

    def key(self, project: str, organisation: str, version: int) -> bytes:
        """This will give a key to open with.

        :raises KeyDestroyed: if it was destroyed
        :raises NoKey: if there never was one
        """
        if self._path(project, organisation, version, ".destroyed").exists():
            raise KeyDestroyed("The key of this file was destroyed.")
        try:
            record = _read(self._path(project, organisation, version, ".key"))
        except FileNotFoundError:
            raise NoKey("There is no key for this file in the key store.") from None
        if (record.project, record.organisation, record.version) != (project, organisation, version):
            raise Broken("A file in the key store does not belong where it lies.")
        return self._unwrapped(record)

    def has_key(self, project: str, organisation: str, version: int) -> bool:
        """This will say whether a key is alive, without touching it."""
        marked = self._path(project, organisation, version, ".destroyed").exists()
        return not marked and self._path(project, organisation, version, ".key").exists()

    def destroy(self, project: str, organisation: str) -> list[Destroyed]:
        """This will destroy every living key of an organisation in a project, durably.

        Called again after a crash it finishes what was begun, and names every key ever destroyed here.
        """
        with self._locked(fcntl.LOCK_EX):  # else a key being wrapped anew would come back
            for version in self._versions(project, organisation, ".key"):
                self._destroy_one(project, organisation, version)
        found = []
        for version in sorted(self._versions(project, organisation, ".destroyed")):
            mark = parse(self._path(project, organisation, version, ".destroyed").read_bytes())
            found.append(Destroyed(version=version, fingerprint=str(mark["fingerprint"])))
        return found

    def destroy_version(self, project: str, organisation: str, version: int) -> None:
        """This will destroy one version again, which a restored key store brought back."""
        with self._locked(fcntl.LOCK_EX):
            self._destroy_one(project, organisation, version)

    def _destroy_one(self, project: str, organisation: str, version: int) -> None:
        path = self._path(project, organisation, version, ".key")
        marked = self._path(project, organisation, version, ".destroyed")
        if not marked.exists():  # after a crash the mark may stand while the key still lies there
            mark = {"format": KEY_FORMAT, "version": version, "fingerprint": _read(path).fingerprint}
            write_new(marked, canonical(mark) + b"\n")
        for draft in self._directory.glob(f".{path.name}.*"):
            destroy_file(draft)
        destroy_file(path)

    def rewrap(self, *, told: Callable[[int], None] = lambda done: None) -> int:
        """This will wrap every key anew that an older master version wraps; say how many.

        Stopped anywhere it loses nothing: each file holds the old or the new wrapping, whole, and another
        call goes on where this one ended. Readers are never kept waiting.
        """
        target = next((v.version for v in self._service.versions() if v.state == "current"), 0)
        paths, done = iter(sorted(self._directory.glob("*.key"))), 0
        while batch := list(islice(paths, AT_ONCE)):
            with self._locked(fcntl.LOCK_EX):
                done += self._rewrap_some(batch, target)
            told(done)
        return done

    def _rewrap_some(self, paths: list[Path], target: int) -> int:
        drafts: list[tuple[Path, Path, int]] = []
        try:
            drafts.extend(self._drafts(paths, target))
            _sync_all(self._directory)
            for draft, path, _ in drafts:
                os.replace(draft, path)
            sync_directory(self._directory)
            for _, _, old in drafts:  # the old wrapping does not stay behind on the disk
                os.pwrite(old, bytes(os.fstat(old).st_size), 0)
            _sync_all(self._directory)
        finally:
            for _, _, old in drafts:
                os.close(old)
        return len(drafts)

    def _drafts(self, paths: list[Path], target: int) -> Iterator[tuple[Path, Path, int]]:
        for path in paths:
            if (draft := self._rewrapped(path, target)) is not None:
                yield draft, path, os.open(path, os.O_WRONLY | os.O_NOFOLLOW)

    def _rewrapped(self, path: Path, target: int) -> Path | None:
        try:
            record = _read(path)
        except FileNotFoundError:  # destroyed since it was listed
            return None
        if (record.master, record.service) == (target, self._service.name):
            return None
        master, wrapped = self._service.wrap(self._unwrapped(record), context=record.context())
        fresh = KeyRecord(**{**vars(record), "master": master, "wrapped": wrapped})
        draft = path.with_name(f".{path.name}.{os.urandom(6).hex()}")
        handle = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        try:
            os.write(handle, fresh.as_file())
        finally:
            os.close(handle)
        return draft

    def inventory(self) -> Iterator[KeyRecord]:
        """This will list every living key, wrapped."""
        for path in sorted(self._directory.glob("*.key")):
            try:
                record = _read(path)
            except FileNotFoundError:
                continue
            if not path.with_suffix(".destroyed").exists():
                yield record

    def contents(self) -> dict[str, bytes]:
        """This will give every file of the key store as it is at one moment, for a snapshot."""
        with self._locked(fcntl.LOCK_EX):
            kept = (p for ending in ("key", "destroyed") for p in self._directory.glob(f"*.{ending}"))
            return {path.name: read_private(path) for path in sorted(kept)}

    def take_in(self, contents: dict[str, bytes]) -> int:
        """This will put back keys from a snapshot, except those that are there or were destroyed since."""
        taken = 0
        with self._locked(fcntl.LOCK_EX):
            for name, content in sorted(contents.items()):  # "….destroyed" before "….key"
                path = self._directory / name
                if not re.fullmatch(r"[0-9a-f-]{8,36}\.[0-9a-f-]{8,36}\.v\d+\.(key|destroyed)", name):
                    raise Unreadable("This snapshot holds something that is no key.")
                if path.exists() or path.with_suffix(".destroyed").exists():
                    continue
                write_new(path, content)
                taken += path.suffix == ".key"
        return taken

    def _unwrapped(self, record: KeyRecord) -> bytes:
        if record.service != self._service.name:
            raise Unreadable(
                f"This key was wrapped by the key service “{record.service}”, and “{self._service.name}” is "
                "set."
            )
        return self._service.unwrap(record.wrapped, version=record.master, context=record.context())

    @contextmanager
    def _locked(self, how: int) -> Iterator[None]:
        self._directory.mkdir(mode=0o700, parents=True, exist_ok=True)
        handle = os.open(self._directory, os.O_RDONLY | os.O_DIRECTORY)
        try:
            fcntl.flock(handle, how)
            yield
        finally:
            os.close(handle)

    def _versions(self, project: str, organisation: str, ending: str) -> list[int]:
        start = f"{_plain_id(project)}.{_plain_id(organisation)}.v"
        paths = self._directory.glob(f"{start}*{ending}")
        return [int(path.name.removeprefix(start).removesuffix(ending)) for path in paths]

    def _path(self, project: str, organisation: str, version: int, ending: str) -> Path:
        return self._directory / f"{_plain_id(project)}.{_plain_id(organisation)}.v{version}{ending}"


def _content(path: Path) -> bytes:
    """This will read a file of the store, anew if it was opened just before it was replaced and blanked.

    :raises FileNotFoundError: if it is not there
    """
    for _ in range(5):
        if (content := read_private(path)).strip(b"\0"):
            break
    return content


def _sync_all(directory: Path) -> None:
    handle = os.open(directory, os.O_RDONLY | os.O_DIRECTORY)
    try:
        if ctypes.CDLL(None, use_errno=True).syncfs(handle) != 0:
            raise OSError(ctypes.get_errno(), "The key store could not be made durable.")
    finally:
        os.close(handle)


def _context(project: str, organisation: str, version: int) -> bytes:
    return canonical({"project": project, "organisation": organisation, "version": version})


def _plain_id(value: str) -> str:
    if not _ID.fullmatch(value):
        raise ValueError("Keys are filed under plain ids only.")
    return value


def _read(path: Path) -> KeyRecord:
    record: dict[str, Any] = parse(_content(path))
    if record.get("format") != KEY_FORMAT:
        raise Unreadable("A file in the key store is not a key.")
    try:
        return KeyRecord(
            project=record["project"],
            organisation=record["organisation"],
            version=record["version"],
            fingerprint=record["fingerprint"],
            wrapped=from_text(record["wrapped"]),
            master=record.get("master", 1),
            service=record.get("service", "file"),
            created=record.get("created", ""),
        )
    except KeyError as problem:
        raise Unreadable("A file in the key store lacks a field.") from problem
