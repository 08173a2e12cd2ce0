"""Every field in its one form."""

from __future__ import annotations

import json
from pathlib import Path

import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from matching.engine import normalise
from matching.engine.facts import differ

VECTORS = json.loads(Path(__file__).with_name("vectors.json").read_text(encoding="utf-8"))
RULES = {**normalise.NORMALISERS, "canonical": normalise.canonical, "soundex": normalise.soundex}


@pytest.mark.parametrize(
    ("field", "text", "wanted"), [(f, text, wanted) for f, pairs in VECTORS.items() for text, wanted in pairs]
)
def test_known_answers(field, text, wanted):
    assert RULES[field](text) == wanted


@given(st.text(max_size=30))
def test_a_normal_form_is_its_own_normal_form(text):
    for rule in normalise.NORMALISERS.values():
        once = rule(text)
        assert once is None or (once and rule(once) == once)


def test_missing_and_empty_are_not_known_and_never_an_empty_string():
    column = pa.array(["Ann", "", None, "Ann"])

    assert normalise.column(column, "first_name").to_pylist() == ["ANN", None, None, "ANN"]


@pytest.mark.parametrize(
    ("one", "other", "different"),
    [
        ("ANN", "NANCY", False),
        ("J", "JOHN", False),
        ("MARY ANN", "ANN", False),
        ("JON", "JOHN", False),
        ("EMMA", "OLIVIA", True),
        ("JACOB", "KEVIN", True),
    ],
)
def test_given_names_that_can_hardly_be_one(one, other, different):
    assert differ(one, other) is different


@given(st.lists(st.text(alphabet="ABCDEFHILMNORSTWYZ ", min_size=1).map(normalise.name), max_size=8))
def test_a_column_of_sounds_is_the_sound_of_each_name(names):
    known = [name for name in names if name]
    assert normalise.sounds(pa.array(known, pa.string())).to_pylist() == list(map(normalise.soundex, known))


@given(
    st.sampled_from(sorted(normalise.NORMALISERS)),
    st.lists(
        st.one_of(st.none(), st.text(alphabet="019aZé' -.\u0662", max_size=11), st.dates().map(str)),
        max_size=9,
    ),
)
def test_a_column_at_once_is_each_of_its_values_one_by_one(field, values):
    column = pa.array(values, pa.string())
    assert normalise.column(column, field).equals(
        normalise.over_distinct(column, normalise.NORMALISERS[field])
    )
