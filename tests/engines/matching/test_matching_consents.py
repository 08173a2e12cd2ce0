"""Consents: who is left out before linking, and that a list which cannot be read stops the run."""

from __future__ import annotations

import pyarrow as pa
import pytest

from matching.engine import consents
from matching.engine import spec as specs
from matching.engine.errors import BadInput

SPEC = specs.default(
    {
        name: specs.File(id_column="SyntheticID", columns={"ssn": "SSN", "last_name": "Last"}, unique=True)
        for name in ("SDE", "CSCU")
    }
)
ON = consents.Consents("consents_0", "SDE", "20260301")


def people(*ids):
    return pa.table(
        {"SyntheticID": list(ids), "SSN": [f"00{i}" for i, _ in enumerate(ids)], "Last": ["A"] * len(ids)}
    )


def listed(*rows):
    names = ("ConsentStatus", "SyntheticID", "ValidUntil", "RevokedOn")  # in whatever order they come
    return pa.table({name: [row[place] for row in rows] for place, name in enumerate(names)})


@pytest.mark.obligation("O-51")
def test_only_who_has_a_consent_that_holds_is_linked_and_the_rest_is_counted():
    tables = {
        "SDE": people("a", "b", "c", "d", "e", "f", "g", "h", "i"),
        "CSCU": people("x"),
        "consents_0": listed(
            ("given", "a", None, None),
            ("given", "b", "2026-03-01", ""),  # its last day counts
            ("given", "c", "20260228", None),
            ("given", "d", None, "2026-03-01"),
            ("given", "e", "20271231", "20260302"),  # revoked tomorrow
            ("incomplete", "f", None, None),
            ("Conditioned", "g", None, None),
            ("false", "h", None, None),
        ),
    }

    kept, told = consents.apply([ON], tables, SPEC)

    assert kept["SDE"]["SyntheticID"].to_pylist() == ["a", "b", "e"]
    assert kept["CSCU"].num_rows == 1
    assert {entry["reason"]: entry["count"] for entry in told[0]["left_out"]} == {
        "expired": 1,
        "given under a condition": 1,
        "incomplete": 1,
        "known to be false": 1,
        "no consent on the list": 1,
        "revoked": 1,
    }
    assert tables["SDE"].num_rows == 9


@pytest.mark.parametrize(
    ("row", "why"),
    [
        (("maybe", "a", None, None), "1 rows have a status that is none of given, incomplete"),
        ((None, "a", None, None), "1 rows have a status"),
        (("given", "a", "next year", None), "1 cells hold no date"),
        (("given", "a", None, "20261341"), "1 cells hold no date"),
    ],
)
def test_what_cannot_be_read_stops_the_run_and_shows_no_value(row, why):
    tables = {"SDE": people("a"), "CSCU": people("x"), "consents_0": listed(row)}

    with pytest.raises(BadInput, match=why) as refusal:
        consents.apply([ON], tables, SPEC)
    assert "maybe" not in str(refusal.value)
    assert "next year" not in str(refusal.value)


def test_a_list_without_its_columns_is_refused_and_without_a_list_nobody_is_left_out():
    tables = {"SDE": people("a"), "CSCU": people("x"), "consents_0": people("a")}

    with pytest.raises(BadInput, match="there is no column “ConsentStatus”"):
        consents.apply([ON], tables, SPEC)
    assert consents.apply([], tables, SPEC) == (tables, [])
