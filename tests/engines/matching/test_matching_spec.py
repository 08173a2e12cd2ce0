"""The specification: read, written, recognised, refused."""

from __future__ import annotations

import json

import pytest

from matching.engine import spec as specs
from matching.engine.errors import BadInput


def test_what_is_written_is_read_back_the_same(spec):
    again = specs.from_json(specs.to_json(spec))

    assert again == spec
    assert specs.digest(again) == specs.digest(spec)


def test_the_digest_follows_every_change(spec):
    said = json.loads(specs.to_json(spec))
    said["seed"] += 1

    assert specs.digest(specs.from_json(json.dumps(said))) != specs.digest(spec)


def test_headers_are_recognised_in_their_usual_spellings():
    file = specs.recognise(["Synthetic_ID", "SSN", "Last Name", "first", "Date of Birth", "Colour"], "a")

    assert file.id_column == "Synthetic_ID"
    assert file.columns == {
        "ssn": "SSN",
        "last_name": "Last Name",
        "first_name": "first",
        "birth_date": "Date of Birth",
    }


@pytest.mark.parametrize(
    ("headers", "message"),
    [
        (["first", "last"], "no id column"),
        (["id", "colour"], "no column to match on"),
        (["id", "DOB", "BirthDate"], "both look like birth_date"),
    ],
)
def test_headers_that_cannot_be_used(headers, message):
    with pytest.raises(BadInput, match=message):
        specs.recognise(headers, "a")


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("{", "not JSON: line 1"),
        ("[]", "cannot be read"),
        ('{"version": 99}', "version 99"),
        ('{"colour": 1}', "unknown entries: colour"),
        ('{"files": {"a b": {"id_column": "id", "columns": {}}}}', "cannot name a file"),
        ('{"files": {"a": {"id_column": "id", "columns": {"eyes": "x"}}}}', "unknown fields eyes"),
        ('{"comparisons": [{"field": "eyes", "levels": []}]}', "no field eyes"),
        ('{"comparisons": [{"field": "sex", "levels": [{"kind": "exact", "m": 0.5}]}]}', "levels end in"),
        ('{"comparisons": [{"field": "sex", "levels": [{"kind": "odd", "m": 0.5}]}]}', "unknown levels odd"),
        ('{"blocks": [{"name": "b", "on": ["eyes"]}]}', "unknown columns eyes"),
        ('{"accept": "all"}', "accept is f1 or auto"),
        ('{"grey_floor": 2}', "between 0 and 1"),
    ],
)
def test_a_specification_that_cannot_be_used_says_where(text, message):
    with pytest.raises(BadInput, match=message):
        specs.from_json(text)
