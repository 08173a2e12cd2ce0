"""Where sealed bytes lie. Names are ids; nothing on the disk tells what a file is about."""

import os
import secrets
from collections.abc import Iterable
from pathlib import Path

from django.conf import settings

from p20win.custody.engine.files import sync_directory
from p20win.custody.engine.pieces import HEAD_SIZE


def new_piece(file_id: object) -> str:
    """Return a name for a piece of this file that no other piece has."""
    return f"{file_id}.{secrets.token_hex(4)}.piece"


def incoming(name: str) -> Path:
    """Return where a piece lies until the vault has checked its file."""
    return Path(settings.P20WIN_MEDIA) / "incoming" / Path(name).name


def file_of(piece: Path) -> str:
    """Return the id of the file that a piece is of."""
    return piece.name.partition(".")[0]


def blob(name: str) -> Path:
    """Return where a container lies."""
    return Path(settings.P20WIN_MEDIA) / "sealed" / name


def spill() -> Path:
    """Return where a check may put nameless files of keyed digests: on the disk, for memory is not enough."""
    folder = incoming("x").parent
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    return folder


def make_room(path: Path) -> None:
    """Make the folder of a file."""
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)


def erase_pieces(names: Iterable[str]) -> None:
    """Destroy what arrived of a file."""
    for name in names:
        erase_piece(incoming(name))


def erase_piece(path: Path) -> None:
    """Destroy a piece: overwrite its wrapped key, so that nobody can open it, then remove it."""
    try:
        handle = os.open(path, os.O_WRONLY | os.O_NOFOLLOW)
    except FileNotFoundError:
        return
    try:
        os.pwrite(handle, bytes(min(HEAD_SIZE, os.fstat(handle).st_size)), 0)
        os.fsync(handle)
    finally:
        os.close(handle)
    path.unlink(missing_ok=True)
    sync_directory(path.parent)
