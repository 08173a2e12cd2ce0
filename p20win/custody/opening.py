"""In the vault alone: giving what lies sealed, once the whole file was found to be the one signed for.

Nothing of a file is given before all its sealed bytes led to the root in its signed manifest, not a part of
it either. Who asks for many parts names what they are for, such as a download; one look at the whole file
counts for all of them, in this process, as long as the same file lies there by what the disk says of it:
device, inode, size and times. Should its bytes be changed behind that, each segment still proves itself
before it is given.
"""

import os
import threading
from collections import OrderedDict
from collections.abc import Hashable, Iterator
from dataclasses import asdict, dataclass, field
from typing import BinaryIO, Final

from p20win.custody import bounds, damage, places, vault_keys
from p20win.custody.engine import container, keys, manifest, signing
from p20win.custody.engine.container import Binding
from p20win.custody.engine.errors import Broken, CustodyError
from p20win.custody.models import FileStatus, SealedFile
from p20win.custody.sealing import NotOpenable
from p20win.jobs.public import MustWait

REMEMBERED: Final = 4096  # looks at whole files; who asks after that many others has the file looked at again


class StillVerifying(MustWait):
    """All of a file is looked at before anything of it is given, and that takes longer than one waits."""


@dataclass(frozen=True)
class _Sealed:
    """A sealed file as the hub signed for it, and the key that opens it."""

    key: bytes
    binding: Binding
    root: bytes
    size: int


def open_bytes(file: SealedFile) -> Iterator[bytes]:
    """Give a file's plaintext, after all of it was verified. In the vault alone.

    :raises NotOpenable: if it was refused, destroyed or is not accepted yet
    :raises KeyDestroyed: if its key was destroyed
    :raises Damaged: if it was altered, now or when it was last looked at, before any plaintext is given
    """
    kek = _kek_of_openable(file)
    with damage.told_apart(file):
        return damage.watched(file, _open(file, kek))


def open_lazily(file: SealedFile) -> Iterator[bytes]:
    """Give a file's plaintext as `open_bytes` does, opened when the first piece is asked for, not before."""
    yield from open_bytes(file)


def open_range(
    file: SealedFile, start: int, stop: int, *, within: Hashable, patience: float | None = None
) -> Iterator[bytes]:
    """Give the plaintext of a file from `start` to before `stop`, after all of the file was verified.

    That is done once for all parts asked for `within` the same opening, such as a download, unless the file
    on the disk became another. Only the segments that hold the part are then read, and each is authenticated
    in its place before any of it is given, so what was changed since is refused. In the vault alone.

    :raises NotOpenable: if it was refused, destroyed or is not accepted yet
    :raises KeyDestroyed: if its key was destroyed
    :raises Damaged: if any of it was altered, cut, extended or reordered, or it was found damaged before
    :raises StillVerifying: if verifying takes longer than so many seconds; it goes on, so ask again
    """
    kek = _kek_of_openable(file)
    with damage.told_apart(file):
        return damage.watched(file, _open_range(file, kek, start, stop, within=within, patience=patience))


def _kek_of_openable(file: SealedFile) -> bytes:
    """Return the key of a file's owner. What is wrong with that is no damage of the file."""
    if file.status != FileStatus.ACCEPTED or file.manifest is None or file.wrapped_key is None:
        raise NotOpenable("There is no accepted file to open.")
    kek = _kek(file)
    damage.expect_sound(file)
    return kek


def _kek(file: SealedFile) -> bytes:
    store = vault_keys.private_keys().store
    return store.key(str(file.project_id), str(file.owner_id), file.key_version or 0)


def _open(file: SealedFile, kek: bytes) -> Iterator[bytes]:
    sealed = _sealed(file, kek)
    source = places.blob(file.blob).open("rb")
    try:
        _verify(source, sealed)
        return _closing(container.open_stream(source, key=sealed.key, binding=sealed.binding), source)
    except BaseException:
        source.close()
        raise


def _open_range(
    file: SealedFile, kek: bytes, start: int, stop: int, *, within: Hashable, patience: float | None
) -> Iterator[bytes]:
    sealed = _sealed(file, kek)
    source = places.blob(file.blob).open("rb")
    try:
        _looks.expect_whole((within, file.pk), source, file.blob, sealed, patience=patience)
        if start == 0 and stop == file.plain_bytes:
            chunks = container.open_stream(source, key=sealed.key, binding=sealed.binding)
        else:
            chunks = container.open_range(
                source,
                key=sealed.key,
                binding=sealed.binding,
                sealed_bytes=sealed.size,
                start=start,
                stop=stop,
            )
        return _closing(chunks, source)
    except BaseException:
        source.close()
        raise


def _verify(source: BinaryIO, sealed: _Sealed, *, told: container.Told = lambda size: None) -> None:
    container.verify_whole(
        source,
        key=sealed.key,
        binding=sealed.binding,
        root=sealed.root,
        sealed_bytes=sealed.size,
        told=told,
    )
    source.seek(0)


def _sealed(file: SealedFile, kek: bytes) -> _Sealed:
    """Return a file's key, what it is bound to, and root and size that the hub signed for."""
    bounds.expect(file)
    binding, root, size = signed_for(file)
    key = keys.unwrap(bytes(file.wrapped_key or b""), under=kek, context=binding.associated_data())
    return _Sealed(key, binding, root, size)


def signed_for(file: SealedFile) -> tuple[Binding, bytes, int]:
    """Return what a file is bound to, root and size, as the hub signed. :raises Broken: if it did not"""
    document, signers = signing.verify(file.manifest or {})
    signing.expect(signers, role=signing.HUB, keys=vault_keys.private_keys().hubs_public)
    binding, root, size = manifest.read_manifest(document)
    expected = Binding(
        file_id=str(file.pk),
        project=str(file.project_id),
        source=str(file.owner_id),
        destination=str(file.destination_id),
        data_class=file.data_class,
        key_version=file.key_version or 0,
    )
    if expected != binding:
        was, said = asdict(expected), asdict(binding)
        wrong = [name.replace("_", " ") for name in was if was[name] != said[name]]
        raise Broken(f"The manifest of this file is of another {', '.join(wrong)}.")
    return binding, root, size


def _closing(chunks: Iterator[bytes], source: BinaryIO) -> Iterator[bytes]:
    with source:
        yield from chunks


def why_unreadable(file: SealedFile) -> str:
    """Try to open a file with all keys there are; return how that failed, or nothing if it opened."""
    try:
        for _ in _open(file, _kek(file)):
            return ""
    except (CustodyError, OSError) as failure:
        return type(failure).__name__
    return ""


# --- one look at a whole file for all parts of it that are asked for


@dataclass
class _Look:
    """One look at a whole file, under way or over."""

    seen: tuple[object, ...]  # which file on the disk, and what it should be
    size: int
    read: int = 0
    is_whole: bool = False
    problem: Exception | None = None
    over: threading.Event = field(default_factory=threading.Event)

    def of_disk(self, blob: str, sealed: _Sealed) -> None:
        """Look at all of it."""
        try:
            with places.blob(blob).open("rb") as source:
                if _identity(source, sealed) != self.seen:
                    raise Broken("The sealed file was replaced while it was being verified.")
                _verify(source, sealed, told=self._note)
            self.is_whole = True
        except Exception as problem:  # noqa: BLE001  # it is raised where somebody waits for it
            self.problem = problem
        finally:
            self.over.set()

    def _note(self, size: int) -> None:
        self.read = size


class _Looks:
    """Which files were looked at whole, and for what. Nothing of it outlives this process."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._known: OrderedDict[Hashable, _Look] = OrderedDict()

    def expect_whole(
        self, name: Hashable, source: BinaryIO, blob: str, sealed: _Sealed, *, patience: float | None
    ) -> None:
        """Make sure that the whole file is what was signed for, looking once for each name.

        :raises Broken: naming what is wrong; who asks next has it looked at again
        :raises StillVerifying: if that is not over in so many seconds
        """
        seen = _identity(source, sealed)
        with self._lock:
            look = self._known.get(name)
            if look is None or look.seen != seen:
                look = self._known[name] = _Look(seen, sealed.size)
                # In a thread: it goes on, and its outcome is kept, also when nobody waits any longer.
                threading.Thread(target=look.of_disk, args=(blob, sealed), daemon=True).start()
            self._known.move_to_end(name)
            while len(self._known) > REMEMBERED:
                self._known.popitem(last=False)
        if not look.over.wait(patience):
            percent = min(look.read * 100 // max(look.size, 1), 99)
            raise StillVerifying(
                f"All of this file is verified before any of it is given. It is large; {percent} % are done."
            )
        if not look.is_whole:
            with self._lock:
                if self._known.get(name) is look:
                    del self._known[name]
            raise look.problem or Broken("The sealed file could not be verified.")


def _identity(source: BinaryIO, sealed: _Sealed) -> tuple[object, ...]:
    """Return by what a file on the disk is told from every other, and what it should be."""
    told = os.fstat(source.fileno())
    return (told.st_dev, told.st_ino, told.st_size, told.st_mtime_ns, told.st_ctime_ns, sealed.root)


_looks: Final = _Looks()
