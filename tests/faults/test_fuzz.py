"""A minute of fuzzing for each reader of strangers' bytes."""

import subprocess
import sys
from pathlib import Path

import pytest

# A process begins with the peak memory of the one it was started from, and pytest's may be beyond the limit.
APART = "import subprocess, sys; sys.exit(subprocess.run(sys.argv[1:], check=False).returncode)"


@pytest.mark.long
@pytest.mark.timeout(240)
@pytest.mark.obligation("O-62")
@pytest.mark.parametrize("what", ["containers", "tables"])
def test_a_minute_of_fuzzing_finds_nothing(what):
    done = subprocess.run(
        [sys.executable, "-c", APART, sys.executable, "-m", "tests.faults.fuzz", what, "60"],
        cwd=Path(__file__).parents[2], capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr[-3000:]
    assert "DONE" in done.stderr
