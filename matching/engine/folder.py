"""The folder of the results: it gets all of them or none, whatever happens on the way.

Results have no name until all of them are whole, so that a killed run leaves nothing; then they get their
names in a folder beside, which takes the place of the one that was named. What an earlier run left there is
put aside before any work is done: it is never taken for the result of a run that failed, and is not lost.
"""

from __future__ import annotations

import os
import secrets
import shutil
import stat
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import IO

from matching.engine.errors import BadInput
from matching.engine.staging import KEY, RESULTS, Held, Staging, sweep


class Folder:
    """A folder that gets all results or none."""

    earlier: Path | None = None
    """Where the results of an earlier run were put; they go when this one is done."""

    def __init__(self, path: Path, *, overwrite: bool) -> None:
        """See that the folder may take results, before any work is done, and put earlier ones aside.

        :raises BadInput: if it is a file, holds something already, or cannot be written
        """
        self._said = path
        try:
            self._path = path.resolve()
            if self._path.exists() and not self._path.is_dir():
                raise BadInput(f"--out {path} is a file; name a folder.")
            self._room = self._where()
            sweep(self._room, self._path.name)
            if self._path.is_dir() and any(self._path.iterdir()) and not overwrite:
                raise BadInput(f"--out {path} is not empty; name another folder or add --overwrite.")
            above = self._room
            while not above.exists():
                above = above.parent
            if not above.is_dir():
                raise BadInput(f"--out {path}: {above} is a file; name another folder.")
            if not os.access(above, os.W_OK | os.X_OK):
                raise BadInput(f"--out {path} cannot be written (no permission).")
            self._put_aside()
        except OSError as error:
            raise self._refusal(error) from None

    def now(self, path: Path) -> Path:
        """Return where a file stands now, such as the specification of the earlier run, given anew."""
        if self.earlier and not path.exists() and path.resolve().parent == self._path:
            return self.earlier / path.name
        return path

    def write(self, contents: Mapping[str, Callable[[IO[bytes]], object]]) -> None:
        """Write all files where nobody sees them, then put them in their place, all at once.

        Each entry of `contents` writes one file. A signal to end is answered between two of them, or when all
        stand in their place.

        :raises BadInput: if the folder cannot be written
        """
        try:
            with Held() as signals, Staging(self._room, self._path.name) as staging:
                for name, write in contents.items():
                    staging.take(name, write)
                    signals.answer()
                self._put(staging.named(), staging.mode)
                if self.earlier:
                    shutil.rmtree(self.earlier, ignore_errors=True)
                signals.forget()
        except OSError as error:
            raise self._refusal(error) from None

    def _where(self) -> Path:
        """Return the folder in which others may stand beside this one, or this one if there is none."""
        beside = self._path.parent
        if self._path.is_dir() and (self._path.is_mount() or not os.access(beside, os.W_OK)):
            return self._path
        return beside

    def _put_aside(self) -> None:
        old = [name for name in RESULTS if (self._path / name).exists()]
        if not old:
            return
        self.earlier = _free(self._room / f"{self._path.name}.earlier")
        if self._may_be_replaced(but_for=old):
            self._path.rename(self.earlier)
            self._path.mkdir(mode=0o700)
            shutil.copymode(self.earlier, self._path)
            return
        self.earlier.mkdir(mode=0o700)
        for name in sorted(old, key=lambda name: name != KEY):
            (self._path / name).rename(self.earlier / name)

    def _put(self, staged: Path, mode: int) -> None:
        if not self._path.exists() or self._may_be_replaced():
            mode = stat.S_IMODE(self._path.stat().st_mode) if self._path.exists() else mode
            staged.rename(self._path)
            self._path.chmod(mode)
            return
        moved: list[Path] = []
        try:
            for name in sorted(os.listdir(staged), key=lambda name: name == KEY):
                moved.append(self._path / name)
                (staged / name).rename(self._path / name)
        except BaseException:
            for path in moved:
                path.unlink(missing_ok=True)
            raise

    def _may_be_replaced(self, but_for: list[str] | None = None) -> bool:
        """Tell whether another folder may take this one's place: it is ours, and holds nothing of others."""
        return (
            self._room == self._path.parent
            and set(os.listdir(self._path)) <= set(but_for or ())
            and self._path.stat().st_uid == os.geteuid()
            and self._path != Path.cwd()
        )

    def _refusal(self, error: OSError) -> BadInput:
        return BadInput(f"--out {self._said} cannot be written ({os.strerror(error.errno or 0)}).")


def _free(path: Path) -> Path:
    """Return the path, or another like it where something stands already."""
    return path if not path.exists() else path.with_name(f"{path.name}-{secrets.token_hex(4)}")
