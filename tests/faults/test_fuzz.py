"""Fuzzing each reader of strangers' bytes: a little of it always, half a minute or a minute in long runs."""

import subprocess
import sys
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.faults.readers import CUTS, READERS

# A process begins with the peak memory of the one it was started from, and pytest's may be beyond the limit.
APART = "import subprocess, sys; sys.exit(subprocess.run(sys.argv[1:], check=False).returncode)"
SECONDS = {"containers": 60, "tables": 60, "streams": 30, "age": 30, "sftp": 30}


@pytest.mark.long
@pytest.mark.timeout(240)
@pytest.mark.obligation("O-62")
@pytest.mark.parametrize("what", SECONDS)
def test_a_while_of_fuzzing_finds_nothing(what):
    done = subprocess.run(
        [sys.executable, "-c", APART, sys.executable, "-m", "tests.faults.fuzz", what, str(SECONDS[what])],
        cwd=Path(__file__).parents[2], capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr[-3000:]
    assert "DONE" in done.stderr


@st.composite
def altered(draw, seeds):
    """Draw a seed that is cut into pieces of some sizes and has some bytes changed, put in or left out."""
    seed = draw(st.sampled_from(seeds))[CUTS:]
    content = bytearray(seed)
    for _ in range(draw(st.integers(0, 3))):
        begin = draw(st.integers(0, len(content)))
        end = begin + draw(st.sampled_from([0, 1, 2, 4, 17, len(content)]))
        content[begin:end] = draw(
            st.binary(max_size=9) | st.integers(0, 3).map(bytes) | st.just(seed[begin:])
        )
    return draw(st.binary(min_size=CUTS, max_size=CUTS)) + bytes(content)


@pytest.mark.obligation("O-62")
@pytest.mark.parametrize("what", READERS)
def test_no_reader_stumbles_over_what_was_altered(what):
    reader, seeds, _ = READERS[what]
    stood = 0

    @given(altered(seeds))
    @settings(max_examples=150)
    def stands(content):
        nonlocal stood
        reader(content)
        stood += 1

    stands()
    assert stood >= 100
    for seed in seeds:
        reader(seed)
