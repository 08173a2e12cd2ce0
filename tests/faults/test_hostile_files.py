"""The corpus of malformed and hostile files, checked one after the other by one process, as a worker does."""

import json
import subprocess
import sys
from functools import cache
from pathlib import Path

import pytest

from tests.faults.hostile import DELIMITED, TABLES
from tests.faults.hostile_words import WORDS
from tests.faults.hostile_worker import LARGE_TABLE, PROMPTLY

NAMES = [name for name, *_ in (*DELIMITED, *TABLES)]
MOST_MIB = 256


@cache
def found():
    said = subprocess.run(
        [sys.executable, "-m", "tests.faults.hostile_worker"],
        cwd=Path(__file__).parents[2], capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert said.returncode == 0, said.stderr[-2000:]
    return {line["name"]: line for line in map(json.loads, said.stdout.splitlines())}


def test_f22_there_are_as_many_as_were_asked_for_none_twice_and_each_has_its_words():
    assert len(set(NAMES)) == len(NAMES) >= 60
    assert set(WORDS) == set(NAMES)


@pytest.mark.obligation("O-62", "O-104")
@pytest.mark.parametrize("name", NAMES)
def test_f22_c24_each_is_refused_in_its_words_soon_and_in_little_memory(name):
    file = found()[name]

    assert WORDS[name] in file["words"], file
    assert file["wanted"] in file["rules"]
    assert not file["accepted"]
    assert file["seconds"] < PROMPTLY
    assert file["mib"] < MOST_MIB  # above the idle parser: of a table, in the sandbox's own process
    assert not file["told"], "The report repeats what stood in the file."


@pytest.mark.obligation("O-62")
def test_f22_after_each_the_same_worker_takes_the_next_good_file():
    assert [name for name, file in found().items() if not file["next"]] == []
    assert len({file["worker"] for file in found().values()}) == 1
    assert set(found()) == {*NAMES, LARGE_TABLE[0]}


def test_what_measures_sees_the_memory_of_the_sandbox():
    large = found()[LARGE_TABLE[0]]

    assert large["accepted"], large
    assert 19 < large["mib"] < MOST_MIB
    parted = [name for name, _, _, content in TABLES if found()[name]["apart"]]
    assert len(parted) == len(TABLES) - 1  # one is larger than the sandbox is given
