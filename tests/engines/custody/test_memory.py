"""Whatever the size of a file: sealing, opening, reading what arrives and checking keep to their memory."""

import os

import pytest

from bench import custody_memory
from p20win.custody.engine.pipeline import THREADS

MIB = 96  # more than any of it may take
MOST = 64 + 2 * THREADS  # two chunks of a MiB for each thread


@pytest.mark.obligation("O-62")
def test_no_act_takes_more_than_was_promised_above_the_idle_process(tmp_path):
    with (tmp_path / "plain").open("wb") as target:
        for _ in range(MIB):
            target.write(os.urandom(1 << 20))

    taken = custody_memory.peaks(tmp_path)

    assert MOST < MIB
    assert set(taken) == {"seal", "open", "arrive", "read a piece", "read age", "check"}
    assert {act: mib for act, mib in taken.items() if mib > MOST} == {}
    assert taken["seal"] > 1  # it measures something
    assert {(tmp_path / name).stat().st_size > MIB << 20 for name in ("sealed", "piece", "age")} == {True}
