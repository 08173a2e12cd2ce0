"""The corpus of malformed and hostile files, checked one after the other by one process, as a worker does."""

import json
import subprocess
import sys
from functools import cache
from pathlib import Path

import pytest

from tests.faults.hostile import DELIMITED, PROMPTLY, TABLES

NAMES = [name for name, *_ in (*DELIMITED, *TABLES)]


@cache
def found():
    said = subprocess.run(
        [sys.executable, "-m", "tests.faults.hostile"],
        cwd=Path(__file__).parents[2], capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert said.returncode == 0, said.stderr[-2000:]
    return {line["name"]: line for line in map(json.loads, said.stdout.splitlines())}


def test_f22_there_are_as_many_as_were_asked_for_and_none_twice():
    assert len(set(NAMES)) == len(NAMES) >= 60


@pytest.mark.obligation("O-62", "O-104")
@pytest.mark.parametrize("name", NAMES)
def test_f22_c24_each_is_refused_for_its_reason_soon_and_in_little_memory(name):
    file = found()[name]

    assert file["wanted"] in file["rules"], file
    assert file["seconds"] < PROMPTLY
    assert file["mib"] < 256
    assert not file["told"], "The report repeats what stood in the file."


def test_f22_the_worker_goes_on_and_takes_the_next_file():
    assert found()["a good file after all of them"]["accepted"]
