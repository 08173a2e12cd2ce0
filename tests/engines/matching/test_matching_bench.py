"""The bench of linkage: what it sums up, and that all of our engines can take part."""

from __future__ import annotations

import sys

import pytest

from bench.linkage import __main__ as bench
from bench.linkage import summary
from matching.engine import run


def ran(seed, f1, *, off=0.001, seconds=None, ended=True):
    times = {"seconds": {"median": seconds}, "cpu": {"median": seconds}} if seconds else {}
    told = {"estimate": 0.99, "truth": 0.99 - off, "off": off}
    hybrid = {
        "ended": ended, "peak_gb": 1.0, "precision": f1, "recall": f1, "f1": f1,
        "label_free": {"accepted": told, "automatic": told}, **times,
    }  # fmt: skip
    return {"model": "agencies", "rows": 10, "seed": seed, "contestants": {"hybrid": hybrid}}


def test_a_seed_that_ran_several_times_counts_once_and_its_timed_run_before_others():
    runs = [ran(101, 0.9, seconds=3.0), ran(101, 0.5, off=0.1), ran(102, 0.8), ran(102, 0.7)]
    runs.append(ran(103, 0.1, ended=False))

    (entry,) = summary.of(runs)

    assert entry["seeds"] == [101, 102, 103]
    assert entry["label_free"]["accepted"]["of"] == 2
    assert entry["label_free"]["accepted"]["within_half_a_point"] == 2
    told = entry["contestants"]["hybrid"]
    assert (told["f1"], told["least_f1"], told["seconds"]) == (0.8, 0.7, 3.0)


def test_every_engine_of_ours_is_a_contestant():
    assert {name.removesuffix("-ours") for name in bench.OURS} == set(run.ENGINES)


@pytest.mark.long
def test_encoded_files_take_part_as_agencies_would_send_them(monkeypatch, capsys):
    arguments = ["--rows", "2000", "--contestants", "hybrid,tokens,clk", "--memory", "2GB", "--untimed"]
    monkeypatch.setattr(sys, "argv", ["bench.linkage", *arguments])

    bench.main()

    said = [line for line in capsys.readouterr().out.splitlines() if "(least" in line]
    f1 = {line.split()[0]: float(line.split("F1 ")[1][:6]) for line in said}
    assert set(f1) == {"hybrid", "tokens", "clk"}
    assert f1["hybrid"] >= f1["clk"] >= f1["tokens"] - 0.005
    assert f1["tokens"] > 0.9
