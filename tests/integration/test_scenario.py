"""The whole line by the real processes: once undisturbed, once with the worker killed while it links."""

import json
import os
import re
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
QUALITY = ("precision", "recall", "recall_of_all_pairs", "cells_hidden", "leaks")

pytestmark = [pytest.mark.long, pytest.mark.timeout(900)]


def _play(tmp_path, *, at_match=None):
    """Play the scenario; `at_match` gets the vault's process id when the match has just begun."""
    argv = [
        sys.executable,
        "manage.py",
        "scenario",
        "dr0034",
        "--people",
        "1000",
        "--keep",
        str(tmp_path / "kept"),
    ]
    lines = []
    with subprocess.Popen(
        argv, cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
    ) as process:
        for line in process.stdout:
            lines.append(line)
            if at_match and "Files: checked against" in line and "done" in line:
                vault = re.search(r"vault (\d+)", "".join(lines)).group(1)
                at_match(int(vault))
    assert process.returncode == 0, "".join(lines)[-3000:]
    return json.loads(lines[-1])


def _below(pid):
    """Return the ids of all processes below this one, itself left out."""
    found = []
    for child in Path(f"/proc/{pid}/task/{pid}/children").read_text().split():
        found += [int(child), *_below(int(child))]
    return found


@pytest.fixture(scope="module")
def undisturbed(tmp_path_factory):
    """Return what an undisturbed run finds, and what it kept."""
    folder = tmp_path_factory.mktemp("scenario")
    return _play(folder), folder / "kept"


@pytest.mark.obligation("O-58", "O-65", "O-81")
def test_one_request_goes_the_whole_way_and_nothing_is_left_in_plaintext(undisturbed):
    found, kept = undisturbed

    assert found["ok"] is True
    assert found["precision"] > 0.98
    assert found["recall"] > 0.95
    assert found["cells_hidden"] > 0
    assert (found["leaks"], found["canaries_found"]) == (0, 0)
    assert found["ledger_ok"] is found["shredded_unreadable"] is True
    names = sorted(path.name for path in kept.iterdir())
    assert [n for n in names if re.fullmatch(r"agreement-DR-\d{4}\.pdf", n)]
    assert [n for n in names if n.startswith("match-report.")]
    assert [n for n in names if re.fullmatch(r"released-.*\.csv", n)]
    assert len([n for n in names if re.fullmatch(r"certificate-.*\.pdf", n)]) == 2


@pytest.mark.obligation("O-67")
def test_a_worker_killed_in_the_middle_of_the_match_changes_nothing(undisturbed, tmp_path):
    killed = []

    def kill_the_worker(vault):
        time.sleep(1.5)  # the match has begun: files are open, models are being learnt
        for pid in _below(vault):
            os.kill(pid, signal.SIGKILL)
            killed.append(pid)

    found = _play(tmp_path, at_match=kill_the_worker)

    assert killed
    assert found["ok"] is True
    assert {key: found[key] for key in QUALITY} == {key: undisturbed[0][key] for key in QUALITY}
