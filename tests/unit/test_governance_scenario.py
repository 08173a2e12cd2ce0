"""The scenario's launcher: its arguments, its surroundings, its last line, and that nothing is left."""

import json
import os
import subprocess
import sys
import time

import pytest

from governance.scenario import launch, memory
from governance.scenario.telling import Setting, StepFailed, expect
from p20win.embedded import Servers


class TestArguments:
    def test_they_have_sensible_defaults(self):
        asked = launch.arguments(["dr0034"])

        assert (asked.people, asked.seed, asked.keep) == (20_000, 34, None)

    @pytest.mark.parametrize("people", ["0", "299", "2000001"])
    def test_an_absurd_number_of_people_is_refused(self, people, capsys):
        with pytest.raises(SystemExit) as refusal:
            launch.arguments(["dr0034", "--people", people])

        assert refusal.value.code == 2
        assert "300 to 2,000,000" in capsys.readouterr().err

    def test_a_folder_that_holds_something_is_never_written_to(self, tmp_path, capsys):
        (tmp_path / "mine").write_text("x")

        with pytest.raises(SystemExit):
            launch.arguments(["dr0034", "--keep", str(tmp_path)])

        assert "not an empty folder" in capsys.readouterr().err


class TestSurroundings:
    def test_nothing_of_another_portal_is_left_and_temporary_files_stay_in_the_folder(
        self, tmp_path, monkeypatch
    ):
        for name in ("DATABASE_URL", "OWNER_DATABASE_URL", "BROKER_URL", "SECRET_KEY", "P20WIN_MEDIA"):
            monkeypatch.setenv(name, "another portal's")
        monkeypatch.setenv("HOME", "/home/somebody")

        env = launch.surroundings(tmp_path, Servers(env={"DATABASE_URL": "ours", "BROKER_URL": "ours"}))

        assert "another portal's" not in env.values()
        assert env["DATABASE_URL"] == env["BROKER_URL"] == "ours"
        assert env["HOME"] == "/home/somebody"
        assert env["P20WIN_MODE"] == "demo"
        assert env["TMPDIR"] == str(tmp_path / "tmp")

    def test_each_run_has_a_secret_of_its_own(self, tmp_path):
        first, second = (launch.surroundings(tmp_path, Servers()) for _ in range(2))

        assert first["SECRET_KEY"] != second["SECRET_KEY"]


class TestLastLine:
    def run(self, monkeypatch, play):
        left = []

        def stand_in(asked, home):
            left.append(home)
            (home / "data").mkdir()
            return play()

        monkeypatch.setattr(launch, "play", stand_in)
        code = launch.main(["dr0034", "--people", "300"])
        assert not left[0].exists()
        return code

    def test_a_run_that_went_through_says_so(self, monkeypatch, capsys):
        code = self.run(monkeypatch, lambda: {"ok": True, "precision": 0.99, "canaries_found": 0})

        said = json.loads(capsys.readouterr().out.splitlines()[-1])
        assert code == 0
        assert set(launch.KEYS) <= set(said)
        assert said["ok"] is True
        assert said["precision"] == 0.99

    @pytest.mark.parametrize(
        "failure", [launch.Failed("the match"), KeyboardInterrupt(), ZeroDivisionError()]
    )
    def test_a_run_that_failed_says_so_and_names_the_trouble(self, monkeypatch, capsys, failure):
        def play():
            raise failure

        code = self.run(monkeypatch, play)

        out, err = capsys.readouterr()
        said = json.loads(out.splitlines()[-1])
        assert code == 1
        assert said["ok"] is False
        assert said["error"]
        assert "The scenario failed" in err

    def test_a_run_that_found_something_amiss_is_not_ok(self, monkeypatch, capsys):
        assert self.run(monkeypatch, lambda: {"ok": False, "canaries_found": 3}) == 1


class TestSteps:
    def test_each_is_told_with_its_outcome_and_time(self):
        said = []
        setting = Setting(
            people=300,
            seed=1,
            keep=None,
            folders=[],
            pids={},
            env={},
            say=said.append,
        )

        with setting.step("Matching") as told:
            told.append("12 links")
        with pytest.raises(StepFailed), setting.step("Delivery"):
            expect(False, "Nothing was delivered.")

        assert "Matching … done; 12 links (" in said[0]
        assert "Delivery … FAILED: Nothing was delivered." in said[1]


class TestMemory:
    def test_it_counts_this_process_and_what_it_started(self):
        child = subprocess.Popen(
            [sys.executable, "-c", "x = b'1' * 80_000_000; input()"], stdin=subprocess.PIPE
        )
        try:
            until = time.monotonic() + 10
            while memory.in_use(child.pid) < 70e6 and time.monotonic() < until:
                time.sleep(0.02)
            with memory.MemoryWatch() as watch:
                pass
            assert {os.getpid(), child.pid} <= memory.family(os.getpid())
            assert watch.peak > memory.in_use(os.getpid()) + 60e6
        finally:
            child.communicate(b"\n")

    def test_a_process_that_is_gone_takes_nothing(self):
        child = subprocess.Popen(["true"])
        child.wait()

        assert memory.in_use(child.pid) == 0
        assert child.pid not in memory.family(os.getpid())
