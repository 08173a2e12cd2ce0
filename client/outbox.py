"""What waits to be sent: sealed files that only the vault can open, one a slot, in the client's folder."""

import json
import os
from collections.abc import Iterable
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from client import config


@dataclass(frozen=True)
class Waiting:
    """A sealed file on its way."""

    slot: str
    attempt: str
    plain_sha256: str
    name: str
    vault: str  # the key it was sealed for

    def size(self) -> int:
        """This will give its size."""
        return _sealed(self.slot).stat().st_size

    def part(self, offset: int, size: int) -> bytes:
        """This will read one part."""
        with _sealed(self.slot).open("rb") as file:
            file.seek(offset)
            return file.read(size)


def put(
    slot: str, attempt: str, statement: dict[str, Any], sealed: Iterable[bytes], *, vault: str
) -> Waiting:
    """This will keep a sealed file until it is sent, in the place of an older one for the same slot."""
    waiting = Waiting(slot, attempt, statement["plain_sha256"], statement["name"], vault)
    forget(waiting)
    _folder().mkdir(mode=0o700, parents=True, exist_ok=True)
    with open(_sealed(slot), "xb", opener=_for_its_owner) as file:
        for part in sealed:
            file.write(part)
        file.flush()
        os.fsync(file.fileno())
    draft = _told(slot).with_suffix(".new")
    draft.write_text(json.dumps(asdict(waiting)) + "\n", "utf-8")
    draft.replace(_told(slot))
    return waiting


def find(slot: str, statement: dict[str, Any]) -> Waiting | None:
    """This will give what waits for this slot, if it is the file of this statement."""
    try:
        waiting = Waiting(**json.loads(_told(slot).read_text("utf-8")))
    except (OSError, ValueError, TypeError):
        return None
    same = (waiting.plain_sha256, waiting.name) == (statement["plain_sha256"], statement["name"])
    return waiting if same and _sealed(slot).exists() else None


def forget(waiting: Waiting) -> None:
    """This will remove what waited."""
    _told(waiting.slot).unlink(missing_ok=True)
    _sealed(waiting.slot).unlink(missing_ok=True)


def _folder() -> Path:
    return config.home() / "outbox"


def _sealed(slot: str) -> Path:
    return _folder() / f"{Path(slot).name}.sealed"


def _told(slot: str) -> Path:
    return _folder() / f"{Path(slot).name}.json"


def _for_its_owner(path: str, flags: int) -> int:
    return os.open(path, flags, 0o600)
