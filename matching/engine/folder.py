"""The folder of the results: it gets all of them or none, whatever happens on the way."""

from __future__ import annotations

import os
import secrets
import shutil
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import IO

from matching.engine.errors import BadInput


class Folder:
    """A folder that gets all results or none."""

    def __init__(self, path: Path, *, overwrite: bool) -> None:
        """See that the folder may take results, before any work is done.

        :raises BadInput: if it is a file, holds something already, or cannot be written
        """
        self._said = path
        try:
            self._path = path.resolve()
            if self._path.exists() and not self._path.is_dir():
                raise BadInput(f"--out {path} is a file; name a folder.")
            if self._path.is_dir() and any(self._path.iterdir()) and not overwrite:
                raise BadInput(f"--out {path} is not empty; name another folder or add --overwrite.")
            above = self._path
            while not above.exists():
                above = above.parent
            if not above.is_dir():
                raise BadInput(f"--out {path}: {above} is a file; name another folder.")
            if not os.access(above, os.W_OK | os.X_OK):
                raise BadInput(f"--out {path} cannot be written (no permission).")
        except OSError as error:
            raise self._refusal(error) from None

    def write(self, contents: Mapping[str, Callable[[IO[bytes]], object]]) -> None:
        """Write all files beside the folder, then put them in its place: all at once where there is none.

        Each entry of `contents` writes one file. What an earlier run left there goes, other files stay.

        :raises BadInput: if the folder cannot be written
        """
        beside = self._path.parent
        if self._path.is_dir() and not os.access(beside, os.W_OK):
            beside = self._path
        staging = beside / f".{self._path.name}-{secrets.token_hex(4)}"
        try:
            staging.mkdir(parents=True)
            for name, write in contents.items():
                with (staging / name).open("wb") as sink:
                    write(sink)
                    sink.flush()
                    os.fsync(sink.fileno())
            self._put(staging, list(contents))
        except OSError as error:
            raise self._refusal(error) from None
        finally:
            shutil.rmtree(staging, ignore_errors=True)

    def _put(self, staging: Path, names: list[str]) -> None:
        if not self._path.exists():
            staging.rename(self._path)
            return
        if self._may_be_replaced(staging):
            shutil.copymode(self._path, staging)
            staging.rename(self._path)
            return
        for name in names:  # no moment at which old and new results stand together
            (self._path / name).unlink(missing_ok=True)
        moved: list[Path] = []
        try:
            for name in names:
                shutil.move(staging / name, self._path / name)
                moved.append(self._path / name)
        except BaseException:
            for path in moved:
                path.unlink(missing_ok=True)
            raise

    def _may_be_replaced(self, staging: Path) -> bool:
        """Tell whether a new folder may take the old one's place: it is empty, and ours."""
        return (
            staging.parent == self._path.parent
            and not any(self._path.iterdir())
            and self._path.stat().st_uid == os.geteuid()
            and not self._path.is_mount()
            and self._path != Path.cwd()
        )

    def _refusal(self, error: OSError) -> BadInput:
        return BadInput(f"--out {self._said} cannot be written ({os.strerror(error.errno or 0)}).")
