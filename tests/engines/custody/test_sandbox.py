"""The sandbox: whatever happens to the parser, the vault gets an answer or a plain refusal, and goes on."""

import platform
import resource
import subprocess
import time

import pytest

from p20win.custody.engine import sandbox
from p20win.custody.engine.sandbox import Failed, Limits
from tests.faults import breaking

SMALL = Limits(memory=64 << 20, cpu_seconds=2, seconds=4)


def test_an_answer_comes_back():
    content = b"x" * (3 << 20)
    assert sandbox.run(breaking.count, "größe.xlsx", content) == {"name": "größe.xlsx", "size": len(content)}


@pytest.mark.obligation("O-62")
@pytest.mark.parametrize(
    ("task", "why"),
    [
        (breaking.segfault, "breaks the program"),
        (breaking.eat_memory, "too much memory"),
        (breaking.answer_nonsense, "breaks the program"),
        (breaking.too_long_an_answer, "breaks the program"),
        (breaking.flood, "breaks the program"),
        (breaking.raise_it, "breaks the program"),
        (breaking.recurse, "breaks the program"),
    ],
)
def test_a_parser_that_breaks_breaks_nothing_else(task, why):
    start = time.monotonic()
    with pytest.raises(Failed, match=why) as failed:
        sandbox.run(task, "t.xlsx", b"Lindqvist", limits=SMALL)
    assert "Lindqvist" not in str(failed.value)
    assert time.monotonic() - start < 2
    assert sandbox.run(breaking.count, "t", b"12")["size"] == 2


@pytest.mark.obligation("O-62")
@pytest.mark.parametrize("task", [breaking.hang, breaking.sleep_on])
def test_a_parser_that_hangs_is_ended(task):
    start = time.monotonic()
    with pytest.raises(Failed):
        sandbox.run(task, "t.xlsx", b"", limits=Limits(seconds=0.7))
    assert time.monotonic() - start < 2


def test_the_processor_is_limited_too():
    start = time.process_time(), time.monotonic()
    with pytest.raises(Failed):
        sandbox.run(breaking.sleep_on, "t.xlsx", b"", limits=Limits(cpu_seconds=1))
    assert time.monotonic() - start[1] < 10


@pytest.mark.obligation("O-62")
@pytest.mark.skipif(
    platform.machine() not in ("x86_64", "aarch64"), reason="the filter knows no such machine"
)
def test_inside_there_is_nothing_to_reach():
    assert sandbox.run(breaking.look_around, "t", b"plaintext") == []


def test_nothing_is_left_running():
    before = resource.getrusage(resource.RUSAGE_CHILDREN).ru_utime
    for _ in range(3):
        with pytest.raises(Failed):
            sandbox.run(breaking.segfault, "t", b"x" * (1 << 20))
    assert resource.getrusage(resource.RUSAGE_CHILDREN).ru_utime > before  # all were waited for
    listed = subprocess.run(["ps", "-eo", "args"], capture_output=True, text=True, check=True).stdout
    assert "breaking segfault" not in listed
