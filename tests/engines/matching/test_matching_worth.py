"""What a pattern of tokens is worth: what lies above the chance that files of one row a person show."""

from __future__ import annotations

import numpy as np
import pytest

from matching.engine.engines import worth
from matching.engine.rules import BY_COLUMN

RULES = [BY_COLUMN[name] for name in ("T_SSN", "T_NAMES_DOB", "T_INITIAL_DOB")]
SSN, NAMES, INITIAL = (1 << place for place in range(3))
SSNS_DIFFER = 1 << worth.differing(RULES)[0]
MILLION = 1_000_000.0


def counts(possible=MILLION, **seen):
    named = {"ssn": SSN, "names": NAMES | INITIAL, "initial": INITIAL, "twins": INITIAL | SSNS_DIFFER}
    pairs = sorted((named[name], count) for name, count in seen.items())
    return worth.Counts(
        np.array([pattern for pattern, _ in pairs], np.int64),
        np.array([count for _, count in pairs], float),
        possible,
    )


def learnt(across, *within, held=0.0):
    found = worth.learn(RULES, across, within, {0: held})
    return dict(zip(found.pattern.tolist(), found.truly.tolist(), strict=True)), found


def test_what_lies_above_chance_is_true():
    truly, found = learnt(counts(initial=120, names=500), counts(initial=20))

    assert truly[INITIAL] == pytest.approx(100, abs=0.01)
    assert truly[NAMES | INITIAL] == pytest.approx(500, abs=1)
    assert found.prior == pytest.approx(600 / MILLION, rel=0.01)
    odds = 2 ** found.evidence_of(np.array([INITIAL])) * found.prior / (1 - found.prior)
    assert odds / (1 + odds) == pytest.approx(100 / 120, rel=0.01)


def test_what_is_no_more_than_chance_is_worth_less_than_nothing():
    truly, found = learnt(counts(initial=20, names=500), counts(initial=40))

    assert truly[INITIAL] < 0.01
    assert found.evidence_of(np.array([INITIAL]))[0] < found.evidence_of(np.array([NAMES | INITIAL]))[0] - 10


def test_chance_is_shared_out_between_numbers_that_differ_and_numbers_not_known():
    """Within the file every pair's numbers are known; across, half of the pairs know them."""
    truly, found = learnt(counts(initial=200, twins=30), counts(twins=40), held=0.5)

    assert found.by_chance.tolist() == pytest.approx([20, 20], abs=0.01)
    assert truly[INITIAL] == pytest.approx(180, abs=0.1)
    assert truly[INITIAL | SSNS_DIFFER] == pytest.approx(10, abs=0.1)


def test_what_chance_never_showed_is_shared_out_by_rarity():
    within = counts(initial=30, twins=1)
    _, found = learnt(counts(initial=100, ssn=100, names=100), within)

    chance = dict(zip(found.pattern.tolist(), found.by_chance.tolist(), strict=True))
    assert 0 < chance[NAMES | INITIAL] < chance[SSN] < 1


def test_without_a_file_of_one_row_a_person_the_rules_say_how_rare_agreement_is():
    truly, _found = learnt(counts(possible=1e9, ssn=100, initial=100))

    assert truly[SSN] == pytest.approx(100 - 1e9 / 2**26, abs=0.1)
    assert truly[INITIAL] < 1


def test_the_report_says_how_often_each_token_agrees():
    _, found = learnt(counts(initial=100, names=300), counts(initial=10))

    told = {(entry["field"], entry["kind"]): entry for entry in worth.shares(RULES, found, MILLION)}
    assert told["t_names_dob", "exact"]["m"] == pytest.approx(300 / 390, rel=0.01)
    assert told["t_initial_dob", "exact"]["m"] == pytest.approx(1, abs=0.01)
    assert told["t_ssn", "exact"]["m"] < 1e-6
