"""What reviewers said of a run's pairs stands in the next, through the process that links for the portal."""

from __future__ import annotations

import json

import pytest

from matching.engine import child, extract, told
from matching.engine import spec as specs


@pytest.fixture(scope="module")
def two(spec):
    """Return the specification of two of the project's files."""
    return specs.default({name: spec.files[name] for name in ("SDE", "CSCU")})


@pytest.fixture(scope="module")
def ran(project, two):
    """Link in a process of its own, given what was decided before."""

    def run(**review):
        sent = {name: [project.agencies[name].matching.tsv()] for name in two.files}
        setup = {"spec": json.loads(specs.to_json(two)), "memory": "2GB", "threads": 1}
        return child.link(setup | {"review": {"size": 60, **review}}, sent)

    return run


@pytest.fixture(scope="module")
def first(ran):
    return ran()


@pytest.fixture(scope="module")
def decided(first):
    """Say of a pair that was linked that it is not one person, and of one that was not that it is."""
    index, sample = json.loads(first.index), first.sample
    words = {True: "not", False: "link"}
    chosen = {}
    for known, pair in zip(index["pairs"], sample["pairs"], strict=True):
        chosen.setdefault(sample["strata"][pair["stratum"]]["linked"], known)
    assert set(chosen) == {True, False}
    return [{**chosen[linked], "verdict": words[linked]} for linked in (True, False)]


@pytest.fixture(scope="module")
def records(first, tables, two):
    """Return the file and id of a record by what it is found again by."""
    salt, held = json.loads(first.index)["salt"], {}
    for name, file in specs.complete(two).files.items():
        ids = tables[name][file.id_column].to_pylist()
        for known, one in zip(told.digests(tables[name], file, None, salt=salt).tolist(), ids, strict=True):
            held[name, known] = (name, one)
    return held


def are_one(outcome, records, entry):
    """Tell whether the key gives the two records of a decision one link id."""
    key = extract.read_key(outcome.crosswalk)
    rows = zip(*(key[column].to_pylist() for column in ("file", "id", "link_id")), strict=True)
    link = {(file, one): each for file, one, each in rows}
    one, other = (link[records[tuple(entry[side])]] for side in ("left", "right"))
    return one == other


@pytest.mark.obligation("O-69")
def test_a_pair_is_joined_another_parted_and_both_are_counted(ran, first, decided, records):
    salt = json.loads(first.index)["salt"]
    gone = {"verdict": "link", "left": ["SDE", "0" * 16], "right": ["CSCU", "1" * 16]}

    again = ran(salt=salt, decided=[*decided, gone])

    assert [are_one(first, records, entry) for entry in decided] == [True, False]
    assert [are_one(again, records, entry) for entry in decided] == [False, True]
    for outcome, counted in ((first, 0), (again, 1)):
        numbers = {name: {"count": counted} for name in ("together", "apart", "lost")}
        assert outcome.report["reviewed"] == numbers
    asked_again = json.loads(again.index)["pairs"]
    assert asked_again
    assert not any({side: entry[side] for side in ("left", "right")} in asked_again for entry in decided)
