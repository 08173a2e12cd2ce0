"""Starting the process that links, feeding it, and taking what it gives."""

from __future__ import annotations

import contextlib
import json
import os
import subprocess
import sys
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO, Any, Final

from matching.engine import frames
from matching.engine.errors import BadInput, LinkageError, NeedsMoreMemory

_ROOT: Final = Path(__file__).resolve().parents[2]
_KEPT: Final = ("PATH", "LANG", "LC_ALL", "TZ", "LD_LIBRARY_PATH", "VIRTUAL_ENV")
_FAILURES: Final = {"bad_input": BadInput, "memory": NeedsMoreMemory}


@dataclass(frozen=True)
class Outcome:
    """What a linkage gave: key, pairs and flags as comma-separated text, the report as it stands.

    What each list of a third party named stands beside the report, which other people read (O-126).
    With pairs for review: the sample without any value, its index, and the records in a sheet for each file.
    """

    crosswalk: bytes
    edges: bytes
    flags: bytes
    report: dict[str, Any]
    lists: list[dict[str, Any]] = field(default_factory=list)
    sample: dict[str, Any] = field(default_factory=dict)
    index: bytes = b""
    sheets: dict[str, bytes] = field(default_factory=dict)


def link(
    setup: Mapping[str, Any],
    files: Mapping[str, Iterable[bytes]],
    *,
    progress: Callable[[int, str], None] = lambda percent, message: None,
) -> Outcome:
    """Link the files in a process of its own. Pieces are passed on as they come and not kept here.

    `setup` holds `spec`, `memory` (such as "2GB"), `threads`, `lists`, and for clerical review `review`: the
    size of the sample, the `salt` of earlier ones and the pairs that were `decided` there.

    :raises BadInput: if a file or the specification cannot be used
    :raises NeedsMoreMemory: if the need exceeds the limit
    :raises LinkageError: if it failed otherwise or was killed
    """
    environment = {name: os.environ[name] for name in _KEPT if name in os.environ} | {
        "PYTHONPATH": str(_ROOT)
    }
    with subprocess.Popen(
        [sys.executable, "-m", "matching.engine.worker", str(os.getpid())],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        cwd=_ROOT,
        env=environment,
    ) as process:
        try:
            return _talk(process, setup, files, progress)
        finally:
            process.kill()
            if process.stdin is not None:  # what was not sent yet must not hide why nothing more is sent
                with contextlib.suppress(BrokenPipeError):
                    process.stdin.close()


def _talk(
    process: subprocess.Popen[bytes],
    setup: Mapping[str, Any],
    files: Mapping[str, Iterable[bytes]],
    progress: Callable[[int, str], None],
) -> Outcome:
    if process.stdin is None or process.stdout is None:
        raise LinkageError("The linking process could not be started.")
    # A process that refuses early closes the pipe; what it said stands in its answer.
    with contextlib.suppress(BrokenPipeError):
        _feed(process.stdin, setup, files)
    with contextlib.suppress(BrokenPipeError):
        process.stdin.close()
    parts: dict[bytes, bytes] = {}
    sheets: dict[str, bytes] = {}
    for kind, content in frames.receive(process.stdout):
        if kind == frames.PROGRESS:
            told = json.loads(content)
            progress(told["percent"], told["message"])
        elif kind == frames.FAILURE:
            told = json.loads(content)
            raise _FAILURES.get(told["kind"], LinkageError)(told["message"])
        elif kind == frames.SHEET:
            name, _, sheet = content.partition(b"\n")
            sheets[name.decode()] = sheet
        else:
            parts[kind] = content
    if frames.REPORT not in parts:
        raise LinkageError(
            "The linking process ended before it was done; perhaps it was killed for its memory."
        )
    return Outcome(
        crosswalk=parts[frames.CROSSWALK],
        edges=parts[frames.EDGES],
        flags=parts[frames.FLAGS],
        report=json.loads(parts[frames.REPORT]),
        lists=json.loads(parts.get(frames.LISTS, b"[]")),
        sample=json.loads(parts.get(frames.SAMPLE, b"{}")),
        index=parts.get(frames.INDEX, b""),
        sheets=sheets,
    )


def _feed(pipe: IO[bytes], setup: Mapping[str, Any], files: Mapping[str, Iterable[bytes]]) -> None:
    frames.send_json(pipe, frames.SETUP, dict(setup))
    for name, pieces in files.items():
        frames.send(pipe, frames.FILE, name.encode())
        for piece in pieces:
            frames.send(pipe, frames.PIECE, piece)
    frames.send(pipe, frames.END)
    pipe.flush()
