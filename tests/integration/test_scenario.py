"""The scenario as people run it: one request through the whole line by real processes, nothing left."""

import json
import os
import re
import signal
import subprocess
import sys
import tempfile
import time
from contextlib import contextmanager, suppress
from pathlib import Path

import pytest

from governance.scenario.launch import KEYS

ROOT = Path(__file__).resolve().parents[2]
QUALITY = ("precision", "recall", "recall_of_all_pairs", "cells_hidden", "leaks")
pytestmark = [
    pytest.mark.long,
    pytest.mark.timeout(1200),  # on two busy cores
    pytest.mark.xdist_group("scenario"),  # one undisturbed run serves them all
]


@pytest.fixture
def folder():
    """Give the scenario a temporary folder of its own, short enough for the paths of sockets."""
    with tempfile.TemporaryDirectory(prefix="p20t-") as path:
        yield Path(path)


@contextmanager
def begun(folder, *arguments):
    """Start the scenario; whatever becomes of the test, it is told to stop in the end."""
    # The environment of the tests names their database; the scenario must not look at it.
    with subprocess.Popen(
        [sys.executable, "manage.py", "scenario", "dr0034", *arguments],
        cwd=ROOT,
        env=os.environ | {"TMPDIR": str(folder)},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    ) as process:
        try:
            yield process
        finally:
            process.terminate()  # nothing, if it has ended


def ended(process, seconds, before=""):
    out, err = process.communicate(timeout=seconds)
    out = before + out
    assert process.returncode == 0, f"{out[-3000:]}\n{err[-3000:]}"
    return out, json.loads(out.splitlines()[-1])


def told(process, words):
    """Read on until a line says this; return what was said so far."""
    said = ""
    for line in process.stdout:
        said += line
        if all(word in line for word in words):
            return said
    pytest.fail(f"It ended before it said “{' … '.join(words)}”: {said[-3000:]}")


def pids_in(text):
    lines = re.findall(r"process ids: (.+)", text)
    return [int(pid) for line in lines for pid in re.findall(r"\d+", line)]


def is_gone(pid):
    try:
        return "State:\tZ" in Path(f"/proc/{pid}/status").read_text()
    except OSError:
        return True


def below(pid):
    """Return the ids of all processes below this one, itself left out."""
    found = []
    for child in Path(f"/proc/{pid}/task/{pid}/children").read_text().split():
        found += [int(child), *below(int(child))]
    return found


def linking(vault):
    """Wait until the process that links has begun; return all processes below the vault."""
    until = time.monotonic() + 120
    while time.monotonic() < until:
        found = below(vault)
        for pid in found:
            with suppress(OSError):
                if b"matching.engine.worker" in Path(f"/proc/{pid}/cmdline").read_bytes():
                    return found
        time.sleep(0.1)
    pytest.fail("The vault began no match.")


@pytest.fixture(scope="module")
def undisturbed(tmp_path_factory):
    """Return what an undisturbed run said, what it found, what it kept, and where it worked."""
    kept = tmp_path_factory.mktemp("scenario") / "kept"
    with tempfile.TemporaryDirectory(prefix="p20t-") as path:
        with begun(Path(path), "--people", "1000", "--keep", str(kept)) as process:
            out, found = ended(process, 900)
        yield out, found, kept, Path(path)


@pytest.mark.obligation("O-58", "O-65", "O-77")
def test_one_request_goes_the_whole_way_and_nothing_is_left_in_plaintext(undisturbed):
    _, found, _, _ = undisturbed

    assert set(KEYS) <= set(found)
    assert found["ok"] is True
    assert found["precision"] > 0.98
    assert found["recall"] > 0.95
    assert found["cells_hidden"] > 0
    assert (found["leaks"], found["canaries_found"]) == (0, 0)
    assert found["ledger_ok"] is found["shredded_unreadable"] is True


def test_it_leaves_no_process_and_no_file_but_what_people_keep(undisturbed):
    out, _, kept, folder = undisturbed

    assert len(pids_in(out)) == 5
    assert all(is_gone(pid) for pid in pids_in(out))
    assert not list(folder.iterdir())
    assert sorted(path.name for path in kept.iterdir()) == [
        "agreement-DR-0001.pdf",
        "certificate-DR-0001-destruction.pdf",
        "certificate-DR-0001-hub-destruction.pdf",
        "certificate-DR-0001-project-end.pdf",
        "match-report.html",
        "released-DR-0001-1.csv",
    ]
    assert (kept / "agreement-DR-0001.pdf").read_bytes().startswith(b"%PDF")


@pytest.fixture(scope="module")
def at_once():
    """Return what two runs found that went on side by side, the worker of the first killed in its match."""
    with tempfile.TemporaryDirectory(prefix="p20t-") as path:
        thousand = (Path(path), "--people", "1000")
        with begun(*thousand) as first, begun(*thousand) as second:
            said = told(first, ["Files: checked against", "done"])
            vault = int(re.search(r"vault (\d+)", said).group(1))
            linking(vault)
            time.sleep(1.0)  # files are open, models are being learnt
            killed = linking(vault)
            for pid in killed:
                os.kill(pid, signal.SIGKILL)
            yield ended(first, 900, said)[1], ended(second, 900)[1]


@pytest.mark.obligation("O-67")
def test_a_worker_killed_in_the_middle_of_the_match_changes_nothing(undisturbed, at_once):
    found, _ = at_once

    assert found["ok"] is True
    assert {key: found[key] for key in QUALITY} == {key: undisturbed[1][key] for key in QUALITY}


def test_two_run_side_by_side_and_a_run_can_be_repeated(undisturbed, at_once):
    _, beside = at_once

    assert beside["ok"] is True
    # The same people, and the same links but for the approximate fit of a run.
    assert beside["recall"] == pytest.approx(undisturbed[1]["recall"], abs=0.01)


def test_as_many_people_as_a_small_project_has(folder):
    with begun(folder, "--people", "20000") as process:
        out, said = ended(process, 900)

    assert said["ok"] is True
    assert said["precision"] >= 0.995
    assert said["recall"] >= 0.98
    assert said["peak_memory_mb"] < 6000
    assert out.count("… done") > 25


def test_one_that_is_told_to_stop_leaves_no_process_and_no_file(folder):
    with begun(folder, "--people", "1000") as process:
        said = told(process, ["Request: written"])
        os.kill(process.pid, signal.SIGTERM)
        rest, _ = process.communicate(timeout=120)

    last = json.loads((said + rest).splitlines()[-1])
    assert process.returncode == 1
    assert last["ok"] is False
    assert "Stopped before the end" in last["error"]
    assert pids_in(said)
    assert all(is_gone(pid) for pid in pids_in(said))
    assert not list(folder.rglob("data"))
