"""The hub's own engines: right results, the same for the same records, and no hang on awkward files."""

from __future__ import annotations

import ast
from dataclasses import replace
from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest

from bench.linkage import accuracy, febrl, files, models
from matching.engine import adapter, defaults, memory, prepare, run
from matching.engine import spec as specs
from matching.engine.engines import hybrid
from matching.engine.engines.edges import Limits, Pair

OWN = ("hybrid", "cascade")
ENGINE = Path(adapter.__file__).parent


@pytest.fixture(scope="module")
def made():
    return files.make(2_000, seed=5, model=models.AGENCIES)


def described(tables, *, engine, unique=True):
    recognised = {name: specs.recognise(table.column_names, name) for name, table in tables.items()}
    return specs.default({n: replace(f, unique=unique) for n, f in recognised.items()}, engine=engine)


def people(result):
    """Return the people as sets of records, however they are numbered."""
    groups = {}
    for row in result.clusters.to_pylist():
        groups.setdefault(row["person"], set()).add((row["file"], row["id"]))
    return {frozenset(group) for group in groups.values()}


def shuffled(table, seed):
    return table.take(pa.array(np.random.default_rng(seed).permutation(table.num_rows)))


@pytest.mark.parametrize("engine", OWN)
@pytest.mark.parametrize("model", [models.AGENCIES, models.HASTY, models.REPEATED], ids=lambda m: m.name)
def test_the_same_people_whatever_the_order_of_the_rows_and_the_number_of_threads(link, engine, model):
    made = files.make(1_500, seed=6, model=model)
    tables = {"a": made.left, "b": made.right}
    spec = described(tables, engine=engine, unique=model.one_row_each)
    first = people(link(tables, spec, threads=1))

    for threads, seed in ((2, 1), (4, 2)):
        again = {name: shuffled(table, seed) for name, table in tables.items()}
        assert people(link(again, spec, threads=threads)) == first
    assert max(map(len, first)) > 1


@pytest.mark.parametrize("engine", OWN)
@pytest.mark.parametrize("seed", range(3))
def test_no_person_has_two_rows_of_a_file_that_has_one_row_a_person(link, engine, seed):
    # A third file, half of it rows of the first anew, so that people can chain through it.
    made = files.make(800, seed=seed, model=models.HASTY)
    third = made.left.slice(0, 400).set_column(0, "unique_id", pa.array([f"c{n}" for n in range(400)]))
    tables = {"a": made.left, "b": made.right, "c": third}

    found = people(link(tables, described(tables, engine=engine)))

    assert all(len({file for file, _ in person}) == len(person) for person in found)
    assert sum(len(person) == 3 for person in found) > 50


def test_the_hybrid_finds_more_than_the_exact_passes_and_says_truly_how_right_it_is(link, made):
    tables = {"a": made.left, "b": made.right}
    reached = {}
    for engine in OWN:
        result = link(tables, described(tables, engine=engine))
        reached[engine] = accuracy.judge(made, accuracy.pairs_of(result.crosswalk.to_pandas()))
        said = result.report["estimates"]["precision"]
        assert abs(said - reached[engine]["precision"]) < 0.01

    assert reached["hybrid"]["f1"] > 0.98
    assert reached["cascade"]["f1"] > 0.9
    assert reached["hybrid"]["recall"] > reached["cascade"]["recall"] + 0.03


@pytest.mark.long
def test_febrl4_is_linked_no_worse_than_before():
    reached = febrl.gate(memory="2GB")

    assert reached["f1"] >= febrl.LEAST_F1
    assert reached["precision"] == 1.0


@pytest.mark.parametrize("engine", OWN)
def test_every_database_is_locked_and_cannot_spill(link, made, monkeypatch, engine):
    seen = []

    def noting(step):
        def noted(connection, *rest):
            settings = ("temp_directory", "enable_external_access", "lock_configuration", "memory_limit")
            asked = ", ".join(f"current_setting('{name}') AS {name}" for name in settings)
            seen.append(list(adapter.table(connection, f"SELECT {asked}").to_pylist()[0].values()))
            return step(connection, *rest)

        return noted

    for step in ("copy", "over"):
        monkeypatch.setattr(adapter, step, noting(getattr(adapter, step)))
    tables = {"a": made.left, "b": made.right}
    link(tables, described(tables, engine=engine), memory_limit=2**30)

    assert seen
    assert {tuple(told[:3]) for told in seen} == {("", False, True)}
    # Of one GB, what memory.for_database leaves: 563 MB, as the database says it.
    (limit,) = {told[3] for told in seen}
    said, unit = limit.split()
    assert unit == "MiB"
    assert abs(float(said) * 2**20 / memory.for_database(2**30) - 1) < 0.01


def test_only_the_adapter_opens_a_database():
    for path in ENGINE.rglob("*.py"):
        names = {
            alias.name.split(".")[0]
            for node in ast.walk(ast.parse(path.read_text()))
            if isinstance(node, ast.Import | ast.ImportFrom)
            for alias in ([ast.alias(node.module or "")] if isinstance(node, ast.ImportFrom) else node.names)
        }
        assert "duckdb" not in names or path.name == "adapter.py", path


@pytest.mark.long
@pytest.mark.parametrize("model", [models.AGENCIES, models.NO_NUMBER, models.HASTY], ids=lambda m: m.name)
def test_the_precision_said_without_labels_is_true_within_half_a_point(link, model):
    off = []
    for seed in models.HELD_OUT_SEEDS[:3]:
        made = files.make(20_000, seed=seed, model=model)
        tables = {"a": made.left, "b": made.right}
        result = link(tables, described(tables, engine="hybrid"))
        reached = accuracy.judge(made, accuracy.pairs_of(result.crosswalk.to_pandas()))
        off.append(abs(result.report["estimates"]["precision"] - reached["precision"]))

    assert max(off) <= 0.005


def test_a_model_scores_the_same_pairs_that_it_was_learnt_from(made):
    tables = {"a": made.left, "b": made.right}
    spec = specs.complete(described(tables, engine="hybrid"))
    left, right = (prepare.prepare(tables[name], spec.files[name]) for name in ("a", "b"))
    pair, limits = Pair("a", "b"), Limits(memory=2**30, threads=2)

    model, edges = hybrid.fit_and_score(spec, pair, left, right, limits=limits)
    again = hybrid.score(spec, hybrid.fit(spec, pair, left, right, limits=limits), left, right, limits=limits)

    assert len(edges.left) > 1000
    assert np.array_equal(edges.left, again.left)
    assert np.array_equal(edges.evidence, again.evidence)
    weight = {(entry["field"], entry["level"]): entry["weight"] for entry in model.weights}
    assert weight["ssn", 0] > 15 > 0 > weight["ssn", 2]


def test_the_default_engine_is_the_hybrid():
    assert list(defaults.ENGINES)[0] == run.DEFAULT_ENGINE
    assert set(defaults.ENGINES) == set(run.ENGINES)
    assert run.DEFAULT_ENGINE == specs.Spec(files={}, comparisons=(), blocks=()).engine == "hybrid"
