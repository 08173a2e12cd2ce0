"""Tokens: fixed by known answers, tied to project, rule and key, and never made of nothing."""

from __future__ import annotations

import base64
import hashlib
import json
from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from matching.engine import bloom, encode
from matching.engine.errors import BadInput
from matching.engine.rules import MARK, RULES, columns_for

KNOWN = json.loads(Path(__file__).with_name("token_vectors.json").read_text(encoding="utf-8"))
SECRET = base64.urlsafe_b64decode(KNOWN["key"] + "=")
KEY = encode.Key(KNOWN["project"], SECRET)
ANN = {
    "ssn": "900123456",
    "sasid": "1234567890",
    "first_name": "Ann",
    "last_name": "Okonkwo",
    "birth_date": "20050317",
    "sex": "F",
    "high_school": "070011",
    "zip": "06103",
}


def tokens(key=KEY, *, clk=False, **fields):
    columns = {field: pa.array([value], pa.string()) for field, value in fields.items()}
    return {
        name: made[0].as_py() for name, made in encode.Encoder(key, fields, clk=clk).encode(columns).items()
    }


def made(key=KEY, **fields):
    """Return the tokens alone, without the mark and the gaps."""
    return {name: token for name, token in tokens(key, **fields).items() if token and name != MARK}


@pytest.mark.parametrize("record", KNOWN["records"])
@pytest.mark.obligation("O-72")
def test_known_answers(record):
    assert KEY.fingerprint == KNOWN["fingerprint"]
    assert tokens(clk=True, **record["fields"]) == record["tokens"]


def test_the_known_answers_hold_every_rule():
    assert set(KNOWN["records"][0]["tokens"]) == set(columns_for(ANN, clk=True))
    assert {rule.column for rule in RULES} < set(KNOWN["records"][0]["tokens"])


def test_spellings_that_the_hub_holds_for_one_give_one_token():
    other = ANN | {
        "ssn": "900-12-3456",
        "first_name": " ann ",
        "last_name": "Okonkwo Jr.",
        "zip": "06103-1234",
    }

    assert tokens(**other) == tokens(**ANN)


NAMES = st.text("ABCDEFGHIJKLMNOPQRSTUVWXYZ", min_size=2, max_size=12)
NUMBERS = st.integers(100_000_000, 899_999_999).map(str)
DATES = st.dates().map("{:%Y%m%d}".format)
PEOPLE = st.fixed_dictionaries(
    {"ssn": NUMBERS, "first_name": NAMES, "last_name": NAMES, "birth_date": DATES, "sasid": NUMBERS}
)


@settings(max_examples=60, deadline=None)
@given(PEOPLE)
@pytest.mark.obligation("O-72")
def test_tokens_of_two_projects_or_two_keys_have_nothing_in_common(person):
    own = made(**person)
    elsewhere = made(encode.Key("DR-0035", SECRET), **person)
    others = made(encode.Key(KEY.project, hashlib.sha256(SECRET).digest()), **person)

    assert own.keys() == elsewhere.keys() == others.keys()
    every = [*own.values(), *elsewhere.values(), *others.values()]
    assert len(set(every)) == len(every)
    raw = [base64.urlsafe_b64decode(token)[:16] for token in every]
    assert len(set(raw)) == len(raw)


@settings(max_examples=60, deadline=None)
@given(PEOPLE)
@pytest.mark.obligation("O-72")
def test_no_token_is_a_hash_that_anybody_could_make(person):
    normal = [*person.values(), "|".join(person.values()), person["ssn"] + person["birth_date"]]
    pairs = [f"{one}|{other}" for one in person.values() for other in person.values()]
    plain = {
        hashed(text.encode()).digest()
        for text in [*normal, *pairs]
        for hashed in (hashlib.md5, hashlib.sha1, hashlib.sha256, hashlib.sha512)
    }

    for token in made(**person).values():
        tag = base64.urlsafe_b64decode(token)[:16]
        assert not any(tag in digest or digest[:8] in tag for digest in plain)


@given(st.sets(st.sampled_from(sorted(ANN)), min_size=1))
def test_a_missing_part_gives_no_token_and_takes_none_of_the_others_away(missing):
    there = tokens(**ANN)

    found = tokens(**(ANN | dict.fromkeys(missing, "")))

    for rule in RULES:
        if rule.column in found:
            gone = any(encode.FIELD_OF_PART[part] in missing for part in rule.parts)
            assert found[rule.column] == (None if gone else there[rule.column])


@pytest.mark.parametrize(
    ("field", "junk"),
    [
        *(("ssn", value) for value in ("000000000", "999999999", "123456789", "078051120", "12345")),
        *(("birth_date", value) for value in ("19000101", "1899-12-31", "19700101", "20030229", "00000000")),
        *(("first_name", value) for value in ("Unknown", "N/A", "FNU", "QQQ")),
        ("sasid", "0000000000"),
        ("high_school", "000000"),
    ],
)
@pytest.mark.obligation("O-72")
def test_what_stands_for_not_knowing_gives_no_token(field, junk):
    found = tokens(**(ANN | {field: junk}))

    of_it = [r.column for r in RULES if any(encode.FIELD_OF_PART[part] == field for part in r.parts)]
    assert not any(found.get(column) for column in of_it)


def test_nicknames_sounds_and_a_swapped_day_meet():
    bill = tokens(**(ANN | {"first_name": "Bill"}))
    william = tokens(**(ANN | {"first_name": "William"}))
    assert bill["T_PARTA_DOB"] == william["T_PARTA_DOB"]
    assert bill["T_NAMES_DOB"] != william["T_NAMES_DOB"]
    early, late = (tokens(**(ANN | {"birth_date": day})) for day in ("20050403", "20050304"))
    assert early["T_SWAPPED_DOB"] == late["T_SWAPPED_DOB"]
    assert early["T_NAMES_DOB"] != late["T_NAMES_DOB"]
    one, other = (tokens(**(ANN | {"last_name": name})) for name in ("Meyer", "Meier"))
    assert one["T_SOUNDS_DOB"] == other["T_SOUNDS_DOB"]
    whole, half = (tokens(**(ANN | {"last_name": name})) for name in ("Ruiz-Okonkwo", "Okonkwo"))
    assert whole["T_PARTB_DOB"] == half["T_PARTB_DOB"]


class TestKeyFile:
    def test_a_key_is_never_shown_by_chance(self):
        assert str(SECRET) not in repr(KEY)

    def test_a_key_is_read_as_it_was_written(self):
        key = encode.new_key("DR-0034")

        assert encode.read_key(encode.key_text(key), project="DR-0034") == key
        assert encode.new_key("DR-0034") != key

    @pytest.mark.parametrize(
        ("change", "why"),
        [
            (lambda text: text.replace("P20 WIN", "PGP"), "no key file"),
            (lambda text: text.replace("project: DR-0034", "project: DR-0035"), "altered"),
            (lambda text: text.replace(KNOWN["key"][:5], "AAAAA"), "altered"),
            (lambda text: text.replace(KNOWN["key"], "c2VjcmV0"), "altered"),
            (lambda text: text.replace(KNOWN["key"], "ä"), "altered"),
            (lambda text: "", "no key file"),
        ],
    )
    def test_an_altered_one_is_refused(self, change, why):
        with pytest.raises(BadInput, match=why):
            encode.read_key(change(encode.key_text(KEY)), project="DR-0034")

    def test_a_key_that_chance_did_not_make_is_refused(self):
        with pytest.raises(BadInput, match="altered"):
            encode.read_key(encode.key_text(encode.Key("DR-0034", b"a" * 32)), project="DR-0034")

    def test_the_key_of_another_project_is_refused(self):
        with pytest.raises(BadInput, match="of DR-0034, not of DR-0035"):
            encode.read_key(encode.key_text(KEY), project="DR-0035")
        with pytest.raises(BadInput, match="by its number"):
            encode.new_key("the project")


def test_a_file_without_a_whole_combination_cannot_be_encoded():
    with pytest.raises(BadInput, match="Nothing can be encoded"):
        encode.Encoder(KEY, ["first_name", "sex"])


class TestFilters:
    def alike(self, one, other):
        texts = pa.array([tokens(clk=True, **one)["CLK"], tokens(clk=True, **other)["CLK"]])
        words, there = bloom.read(texts)
        assert there.all()
        return float(bloom.alike(words[:1], words[1:])[0])

    def test_likeness_falls_with_difference(self):
        slip = self.alike(ANN, ANN | {"last_name": "Okonkwa"})
        stranger = self.alike(ANN, ANN | {"first_name": "Pedro", "last_name": "Lindqvist", "sex": "M"})

        assert self.alike(ANN, ANN) == 1
        assert 0.75 < slip < 1
        assert stranger < slip - 0.2

    def test_one_name_sets_other_bits_in_another_year(self):
        here, there = bloom.Filter(b"k" * 32)._drawn("first_name", "2004", "AN"), None
        there = bloom.Filter(b"k" * 32)._drawn("first_name", "2005", "AN")
        assert set(here) != set(there)
        assert self.alike(ANN, ANN | {"birth_date": "20060317"}) < 0.5

    def test_popcount_counts_bits(self):
        rng = np.random.default_rng(3)
        one, other = (rng.integers(0, 2**63, (50, 16)).astype(np.uint64) for _ in range(2))

        def bits(row):
            return sum(bin(int(word)).count("1") for word in row)

        dice = [2 * bits(a & b) / (bits(a) + bits(b)) for a, b in zip(one, other, strict=True)]
        assert bloom.alike(one, other) == pytest.approx(dice)
