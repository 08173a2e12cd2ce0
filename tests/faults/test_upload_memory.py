"""A large file takes no more memory than a small one: of the web process that reads it, nor of the vault."""

import pytest

from bench.upload_memory import GOAL, measured
from tests.faults.portal import Portal

pytestmark = [pytest.mark.long, pytest.mark.timeout(900), pytest.mark.xdist_group("flight")]


@pytest.mark.obligation("O-62")
def test_a_file_of_128_mib_in_one_part_stays_within_the_goal_in_web_and_vault():
    with Portal(first=lambda portal: portal.act("a_match_that_waits_for_files")) as portal:
        figures = measured(portal, [128])["128 MiB"]

    assert set(figures) == {"web", "vault"}
    for name, found in figures.items():
        assert found["before, MiB"] > 20, name  # it was there before: a process of the program itself
        assert found["peak above it, MiB"] <= GOAL, (name, found)
