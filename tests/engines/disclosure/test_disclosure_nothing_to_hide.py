"""The twins of the random projects in which nobody is few: the command hides nothing of them, and says so."""

import csv
import io

import numpy as np
import pytest

from disclosure.engine.cli import main
from tests.engines.disclosure import generators
from tests.engines.disclosure.generators import margin, project, roughly

PASS = 0


def withheld(seed, folder):
    """Protect a clean project by the command, release by release; return what was not shown, and why."""
    made, rng = project(seed, clean=True), np.random.default_rng(2 * 10**6 + seed)
    policy = folder / "policy.toml"
    policy.write_text(f"hide_zeros = {str(made.zeros_hidden).lower()}\n")
    beside = ["--policy", str(policy), "--seconds", "0.4"]
    for dim, text in made.groups.items():
        (folder / f"{dim}.hier").write_text(text)
        beside += ["--hier", f"{dim}={folder / dim}.hier"]
    earlier = []
    if made.way:
        earlier = [folder / "before.csv"]
        table = margin(made.releases[0][0], rng)
        earlier[0].write_text(roughly(table, rng, way=made.way, zeros_hidden=made.zeros_hidden))
    missing = []
    for number, texts in enumerate(made.releases):
        tables, out, public = [], folder / f"out-{number}", folder / f"public-{number}"
        for i, text in enumerate(texts):
            tables.append(folder / f"{number}-{i}.csv")
            tables[-1].write_text(text)
        if len(tables) == 1:
            out, public = out.with_suffix(".csv"), public.with_suffix(".csv")
        words = ["protect", *tables, *beside, "--out", out, "--public", public]
        words += [word for table in earlier for word in ("--released", table)]
        code = main(list(map(str, words)))
        if code != PASS:
            return [*missing, f"exit {code}"]
        written = [public] if len(tables) == 1 else [public / table.name for table in tables]
        for text, path in zip(texts, written, strict=True):
            missing += left_out(text, path.read_text())
        earlier += written
    return missing


def left_out(text, public):
    """Return the lines of a table whose count or percentage was not handed on as it is."""
    given, told = (list(csv.DictReader(io.StringIO(each))) for each in (text, public))
    assert len(given) == len(told)
    return [
        was
        for was, now in zip(given, told, strict=True)
        if now["released"] != was["count"] or now.get("pct") != was.get("pct")
    ]


def needless(seeds, folder):
    """Return, of the projects from which something was withheld, what it was."""
    found = {}
    for seed in seeds:
        (own := folder / str(seed)).mkdir()
        if missing := withheld(seed, own):
            found[seed] = missing
    return found


@pytest.mark.obligation("O-78", "O-81", "O-115")
@pytest.mark.parametrize("start", range(0, 40, 10))
def test_where_nobody_is_few_nothing_is_hidden(start, tmp_path):
    assert needless(range(start, start + 10), tmp_path) == {}


@pytest.mark.long
@pytest.mark.parametrize("start", range(40, 2000, 140))
def test_of_two_thousand_clean_projects_nothing_is_hidden(start, tmp_path):
    assert needless(range(start, start + 140), tmp_path) == {}


def test_one_person_among_many_is_hidden(tmp_path, monkeypatch):
    """Else the twins would prove nothing: with one small count in them they are not shown whole."""

    def one_is_alone(rng, shape, **options):
        drawn = generators.counts(rng, shape, **options) + generators.MANY
        drawn.flat[0] = 1
        return drawn

    monkeypatch.setattr(generators, "many", one_is_alone)
    assert set(needless(range(3), tmp_path)) == {0, 1, 2}
