"""The scenario as people run it: one request through the whole line, and nothing left behind."""

import json
import os
import re
import signal
import subprocess
import sys
import tempfile
from pathlib import Path

import pytest

from governance.scenario.launch import KEYS

ROOT = Path(__file__).resolve().parents[2]
pytestmark = [pytest.mark.long, pytest.mark.timeout(1200)]  # on two busy cores


@pytest.fixture
def folder():
    """Give the scenario a temporary folder of its own, short enough for the paths of sockets."""
    with tempfile.TemporaryDirectory(prefix="p20t-") as path:
        yield Path(path)


def start(folder, *arguments):
    # The environment of the tests names their database; the scenario must not look at it.
    return subprocess.Popen(
        [sys.executable, "manage.py", "scenario", "dr0034", *arguments],
        cwd=ROOT,
        env=os.environ | {"TMPDIR": str(folder)},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def ended(process, seconds):
    out, err = process.communicate(timeout=seconds)
    assert process.returncode == 0, f"{out[-3000:]}\n{err[-3000:]}"
    return out, json.loads(out.splitlines()[-1])


def pids_in(text):
    lines = re.findall(r"process ids: (.+)", text)
    return [int(pid) for line in lines for pid in re.findall(r"\d+", line)]


def is_gone(pid):
    try:
        return "State:\tZ" in Path(f"/proc/{pid}/status").read_text()
    except OSError:
        return True


@pytest.mark.obligation("O-58", "O-65", "O-77")
def test_one_request_goes_the_whole_way(folder, tmp_path):
    out, said = ended(start(folder, "--people", "400", "--keep", str(tmp_path / "kept")), 900)

    assert set(KEYS) <= set(said)
    assert said["ok"] is True
    assert said["precision"] >= 0.97
    assert said["recall"] >= 0.95
    assert said["cells_hidden"] > 0
    assert (said["leaks"], said["canaries_found"]) == (0, 0)
    assert said["ledger_ok"] is said["shredded_unreadable"] is True
    assert len(pids_in(out)) == 5
    assert all(is_gone(pid) for pid in pids_in(out))
    assert not list(folder.iterdir())
    kept = sorted(path.name for path in (tmp_path / "kept").iterdir())
    assert kept == [
        "agreement-DR-0001.pdf",
        "certificate-DR-0001-destruction.pdf",
        "certificate-DR-0001-hub-destruction.pdf",
        "match-report.html",
        "released-DR-0001-1.csv",
    ]
    assert (tmp_path / "kept" / "agreement-DR-0001.pdf").read_bytes().startswith(b"%PDF")


def test_two_run_side_by_side_and_a_run_can_be_repeated(folder):
    first, second = (start(folder, "--people", "1000", "--seed", seed) for seed in ("34", "34"))

    said = [ended(process, 900)[1] for process in (first, second)]

    assert [each["ok"] for each in said] == [True, True]
    # The same people, and the same links but for the approximate fit of a run.
    assert said[0]["recall"] == pytest.approx(said[1]["recall"], abs=0.01)


def test_as_many_people_as_a_small_project_has(folder):
    out, said = ended(start(folder, "--people", "20000"), 900)

    assert said["ok"] is True
    assert said["precision"] >= 0.995
    assert said["recall"] >= 0.98
    assert said["peak_memory_mb"] < 6000
    assert out.count("… done") > 25


def test_one_that_is_told_to_stop_leaves_no_process_and_no_file(folder):
    process = start(folder, "--people", "1000")
    said = ""
    for line in process.stdout:
        said += line
        if "Request: written" in line:
            break
    os.kill(process.pid, signal.SIGTERM)
    rest, _ = process.communicate(timeout=120)

    last = json.loads((said + rest).splitlines()[-1])
    assert process.returncode == 1
    assert last["ok"] is False
    assert "Stopped before the end" in last["error"]
    assert pids_in(said)
    assert all(is_gone(pid) for pid in pids_in(said))
    assert not list(folder.rglob("data"))
