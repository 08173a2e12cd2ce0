"""Ids of one file compared with those of other requests (O-106)."""

import time
import tracemalloc
from contextlib import closing

import numpy as np
import pytest

from p20win.custody.engine.intake import IntakeCheck
from p20win.custody.engine.report import Report
from p20win.custody.engine.rules import from_spec
from p20win.custody.engine.usedonce import Ids, as_bytes, from_bytes, number

KEY = b"k" * 32
SPEC = {"kind": "analytical", "id_column": "ID", "columns": [{"name": "ID"}, {"name": "N"}]}


def remembered(*names, key=KEY):
    """Give what a request left behind, in parts of two."""
    digests = np.unique(np.array([number(key, name) for name in names], dtype=np.uint64))
    parts = [digests[at : at + 2] for at in range(0, len(digests), 2)]
    return lambda first, last: (p for p in parts if p[0] <= last and p[-1] >= first)


def put(names, *, in_memory=1 << 18, key=KEY):
    ids = Ids(key, in_memory=in_memory)
    for row, name in enumerate(names, start=2):
        ids.look(row, "ID", name)
    return ids


def found(names, others, **how):
    report = Report()
    with closing(put(names, **how)) as ids:
        ids.compare(others, report)
    return report


@pytest.mark.obligation("O-106")
@pytest.mark.parametrize("in_memory", [1, 3, 1 << 18])
def test_rows_whose_id_another_request_has_are_named_and_counted_however_little_memory_there_is(in_memory):
    names = [f"X-{place}" for place in range(40)]
    report = found(names, remembered("X-0", "X-7", "X-39", "Y-1"), in_memory=in_memory)
    assert [finding.row for finding in report.findings] == [2, 9, 41]
    assert report.counts == {("id_used", "ID"): 3}
    assert "X-7" not in str(report.as_dict())


def test_of_very_many_the_first_are_named_and_all_are_counted():
    names = [f"X-{place}" for place in range(100)]
    report = found(names, remembered(*names), in_memory=8)
    assert [finding.row for finding in report.findings] == list(range(2, 22))
    assert report.total == 100


def test_case_and_blanks_make_no_other_id_and_a_key_of_another_agency_does():
    assert not found(["sde-a "], remembered("SDE-A")).accepted
    assert found(["SDE-A"], remembered("SDE-A", key=b"o" * 32)).accepted


@pytest.mark.parametrize("in_memory", [2, 1 << 18])
def test_what_is_kept_is_sorted_each_once_and_without_what_the_request_had(in_memory):
    ids = put(["a", "b", "b", "c", "d", "a"], in_memory=in_memory)
    with closing(ids):
        fresh = np.concatenate(list(ids.not_among(remembered("c"))))
    assert fresh.tolist() == sorted(number(KEY, name) for name in "abd")
    assert from_bytes(as_bytes(fresh)).tolist() == fresh.tolist()


def test_the_check_of_a_file_puts_down_its_ids_and_neither_header_nor_gaps():
    ids = Ids(KEY)
    check = IntakeCheck(from_spec(SPEC), used=ids)
    check.update(b"ID\tN\nX-1\t1\nX-1\t2\n\t3\nX-2\t4\nX-1\t5\n")
    check.finish()
    assert len(ids) == 4
    report = Report()
    ids.compare(remembered("X-1"), report)
    assert [finding.row for finding in report.findings] == [2, 3, 6]


@pytest.mark.long
def test_a_million_ids_take_seconds_and_little_memory():
    names = [f"SDE-{place:014d}" for place in range(1_000_000)]
    known = np.unique(
        np.random.default_rng(1).integers(0, 1 << 63, 5_000_000, dtype=np.uint64) * np.uint64(2)
    )
    stored = [as_bytes(known[at : at + (1 << 16)]) for at in range(0, len(known), 1 << 16)]

    def others(first, last):
        for part in map(from_bytes, stored):
            if part[0] <= last and part[-1] >= first:
                yield part

    tracemalloc.start()
    before, began = tracemalloc.get_traced_memory()[0], time.process_time()
    ids, report = put(names), Report()
    ids.compare(others, report)
    kept = sum(len(part) for part in ids.not_among(lambda first, last: ()))
    spent, peak = time.process_time() - began, tracemalloc.get_traced_memory()[1] - before
    tracemalloc.stop()
    ids.close()
    assert (report.total, kept) == (0, 1_000_000)
    assert spent < 20  # measured while every allocation is traced; about 3 s without
    assert peak < 40 << 20
