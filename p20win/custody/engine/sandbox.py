"""Reading a hostile file in a process of its own, so that what breaks there breaks nothing here.

The process has no environment, no files, no network, no children, little memory and little time; see
`engine.confinement`. A parser that is taken over can still lie in its answer, and use its time up: the answer
is read as distrustfully as the file.
"""

import json
import subprocess
import sys
import threading
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

_ROOT: Final = str(Path(__file__).resolve().parents[3])
_START: Final = (
    "import sys; sys.path.insert(0, sys.argv.pop());"
    "from p20win.custody.engine.confinement import main; main()"
)
_ENVIRONMENT: Final = {"OPENBLAS_NUM_THREADS": "1", "OMP_NUM_THREADS": "1"}  # libraries start no threads
Task = Callable[[str, bytes], Any]


class Failed(Exception):
    """The task came to no answer; the message says why, fit to show, and nothing of the file."""


@dataclass(frozen=True)
class Limits:
    """How much one task may use, above what the process takes when idle."""

    memory: int = 256 << 20
    answer: int = 1 << 20
    cpu_seconds: int = 30
    seconds: float = 60.0


def run(task: Task, name: str, content: bytes, *, limits: Limits = Limits()) -> Any:
    """This will have a module's function read this file in the sandbox, and give its answer, made of JSON.

    :raises Failed: if it crashed, hung, or needed more than it may use
    """
    argv = [sys.executable, "-I", "-B", "-c", _START, task.__module__, task.__qualname__]
    argv += [str(limits.memory), str(limits.answer), str(limits.cpu_seconds), _ROOT]
    with subprocess.Popen(
        argv,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        env=_ENVIRONMENT,
        cwd="/",
    ) as child:
        overdue = threading.Event()

        def end() -> None:
            overdue.set()
            child.kill()

        clock = threading.Timer(limits.seconds, end)
        clock.start()
        feeding = threading.Thread(target=_feed, args=(child, name, content), daemon=True)
        feeding.start()
        try:
            assert child.stdout is not None  # noqa: S101 (asked for above)
            said = child.stdout.read(limits.answer + 1)
        finally:
            child.kill()
            clock.cancel()
            feeding.join()
    return _answer(said if len(said) <= limits.answer else b"", overdue=overdue.is_set())


def _feed(child: "subprocess.Popen[bytes]", name: str, content: bytes) -> None:
    assert child.stdin is not None  # noqa: S101 (asked for above)
    written = name.encode()
    try:
        with child.stdin as target:
            target.write(len(written).to_bytes(4, "big") + written)
            target.write(content)
    except OSError:  # it ended before it had read all; its answer, or its absence, says the rest
        return


def _answer(said: bytes, *, overdue: bool) -> Any:
    if overdue:
        raise Failed("Reading it takes too long.")
    try:
        answer = json.loads(said)
    except (ValueError, RecursionError):
        answer = None
    if not isinstance(answer, dict) or "done" not in answer:
        memory = isinstance(answer, dict) and answer.get("failed") == "memory"
        raise Failed(
            "Reading it takes too much memory." if memory else "It breaks the program that reads it."
        )
    return answer["done"]
