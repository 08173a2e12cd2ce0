"""What a specification says when nobody says otherwise; all of it is written out into the one used."""

from __future__ import annotations

from typing import Any, Final

from matching.engine.rules import CLK_FIELD, MARK_FIELD, RULES

GREY_FLOOR: Final = 0.05
"""Pairs less likely than this are not kept."""
AUTO_PRECISION: Final = 0.995
"""The automatic band holds pairs which together are expected to be at least this often right."""
LEAST_BITS: Final = 22.0
"""Two files whose common fields cannot give this much evidence are joined only through a third."""
CLUSTER_CAP: Final = 16
"""No person has more rows than this; a merge that would give one more is refused."""
BLOCK_CAP: Final = 40_000
"""A key that alone would give more pairs than this is left out of its block, and counted in the report."""
PAIRS_PER_ROW: Final = 12
"""One block gives at most this many pairs for each row of the two files; its fullest keys go first."""

WORDS: Final[dict[str, str]] = {
    "ssn": "SSN",
    "sasid": "SASID",
    "first_name": "first name",
    "middle_name": "middle name",
    "last_name": "surname",
    "birth_date": "birth date",
    "sex": "sex",
    "high_school": "high school",
    "zip": "ZIP code",
    "address": "address",
}
"""How fields are called in what people read."""

ID_HEADERS: Final = ("uniqueid", "id", "syntheticid", "rid", "genericid", "recordid")

_SPELLINGS: Final = {
    "ssn": "ssn ssnumber socialsecuritynumber socialsecurity socsecnum socsecid ssan",
    "sasid": "sasid stateassignedstudentid stateassignedstudentidentifier studentid stateid statestudentid",
    "first_name": "firstname first fname givenname legalfirstname namefirst forename",
    "middle_name": "middlename middle mname middleinitial mi namemiddle legalmiddlename",
    "last_name": "lastname last lname surname familyname legallastname namelast",
    "birth_date": "birthdate dateofbirth dob birthday datebirth",
    "sex": "sex gender gendercode sexcode",
    "zip": "zip zipcode postalcode postcode zip5",
    "high_school": "highschool highschoolcode hscode schoolcode hsceebcode",
    "address": "address street streetaddress address1 addressline1 homeaddress",
}
HEADERS: Final[dict[str, str]] = {
    header: field for field, spellings in _SPELLINGS.items() for header in spellings.split()
}
"""How agencies head the fields that can be matched on, in lower case without spaces and marks."""

BITS: Final[dict[str, float]] = {
    "ssn": 26.0, "sasid": 26.0, "birth_date": 12.0, "last_name": 9.0, "first_name": 7.0, "middle_name": 4.0,
    "sex": 1.0, "high_school": 6.0, "zip": 6.0, "address": 12.0,
}  # fmt: skip
"""About how much evidence agreement on each field gives: tells which files can be compared at all."""

COLUMNS: Final[dict[str, str]] = {
    "ssn": "ssn", "ssn_first5": "ssn", "ssn_last4": "ssn", "sasid": "sasid",
    "first_name": "first_name", "first_canonical": "first_name", "first_sound": "first_name",
    "middle_name": "middle_name", "middle_initial": "middle_name",
    "last_name": "last_name", "last_a": "last_name", "last_b": "last_name", "last_sound": "last_name",
    "birth_date": "birth_date", "birth_year": "birth_date", "birth_month_day": "birth_date",
    "birth_swapped": "birth_date", "sex": "sex", "high_school": "high_school", "zip": "zip",
    "address": "address",
}  # fmt: skip
"""Every column an engine is given, and the field from which it is made."""

LEVELS: Final[dict[str, list[dict[str, Any]]]] = {
    "ssn": [
        {"kind": "exact", "m": 0.93, "u": 2e-8},
        {"kind": "edits", "at": 1, "m": 0.04, "u": 8e-7},
        {"kind": "else", "m": 0.03, "u": 0.9999992},
    ],
    "sasid": [
        {"kind": "exact", "m": 0.96, "u": 1e-8},
        {"kind": "edits", "at": 1, "m": 0.03, "u": 8e-7},
        {"kind": "else", "m": 0.01, "u": 0.9999992},
    ],
    "first_name": [
        {"kind": "exact", "m": 0.86, "by_frequency": True},
        {"kind": "nickname", "m": 0.05},
        {"kind": "jaro_winkler", "at": 0.92, "m": 0.04},
        {"kind": "jaro_winkler", "at": 0.82, "m": 0.02},
        {"kind": "initial", "m": 0.005},
        {"kind": "other_given_name", "m": 0.005},
        {"kind": "else", "m": 0.02},
    ],
    "middle_name": [
        {"kind": "exact", "m": 0.70},
        {"kind": "initial", "m": 0.24},
        {"kind": "else", "m": 0.06},
    ],
    "last_name": [
        {"kind": "exact", "m": 0.86, "by_frequency": True},
        {"kind": "shared_part", "m": 0.03},
        {"kind": "jaro_winkler", "at": 0.92, "m": 0.035},
        {"kind": "jaro_winkler", "at": 0.82, "m": 0.015},
        {"kind": "else", "m": 0.06},
    ],
    "birth_date": [
        {"kind": "exact", "m": 0.95},
        {"kind": "swapped_day", "m": 0.01},
        {"kind": "edits", "at": 1, "m": 0.02},
        {"kind": "two_of_three", "m": 0.01},
        {"kind": "else", "m": 0.01},
    ],
    "sex": [{"kind": "exact", "m": 0.985}, {"kind": "else", "m": 0.015}],
    "high_school": [{"kind": "exact", "m": 0.92, "by_frequency": True}, {"kind": "else", "m": 0.08}],
    "zip": [{"kind": "exact", "m": 0.75, "by_frequency": True}, {"kind": "else", "m": 0.25}],
    "address": [
        {"kind": "exact", "m": 0.55},
        {"kind": "jaro_winkler", "at": 0.92, "m": 0.15},
        {"kind": "else", "m": 0.30},
    ],
}
"""The usual levels of each field, from the strictest to “else”.

The m given is where learning starts, and stands where a run is too small to learn. The u of the two numbers
is given, for chance agreement on a number is too rare to be seen in a sample.
"""

BLOCKS: Final[dict[str, tuple[str, ...]]] = {
    "same SSN": ("ssn",),
    "same SASID": ("sasid",),
    "birth date and surname": ("birth_date", "last_name"),
    "birth date and first name": ("birth_date", "first_canonical"),
    "birth date and surname part": ("birth_date", "last_b"),
    "birth date and sounds": ("birth_date", "first_sound", "last_sound"),
    "names and birth year": ("first_canonical", "last_sound", "birth_year"),
    "names and birthday": ("first_sound", "last_sound", "birth_month_day"),
    "full name": ("first_canonical", "last_name"),
    "SSN start and first name": ("ssn_first5", "first_canonical"),
    "SSN end and first name": ("ssn_last4", "first_canonical"),
    "SSN end and surname": ("ssn_last4", "last_name"),
    "birth date and ZIP": ("birth_date", "zip"),
    "surname and address": ("last_name", "address"),
    "first name and address": ("first_canonical", "address"),
    "sounds and ZIP": ("first_sound", "last_sound", "zip"),
    "address and ZIP": ("address", "zip"),
}
"""The usual blocks, in the order in which a pair is counted to one."""

TRAINING: Final[tuple[tuple[str, ...], ...]] = (
    ("ssn",),
    ("sasid",),
    ("birth_date", "last_name"),
    ("birth_date", "first_name"),
    ("first_name", "last_name", "high_school"),
    ("first_name", "last_name", "middle_name"),
    ("first_name", "last_name", "zip"),
    ("first_name", "last_name"),
)
"""Blocks on which m is learnt; each teaches the fields that it does not hold."""

CERTAIN: Final[tuple[tuple[str, ...], ...]] = (
    ("ssn", "last_name"),
    ("ssn", "first_name"),
    ("sasid",),
    ("first_name", "last_name", "birth_date"),
)
"""Agreement that hardly ever is chance: from these the share of true pairs is first guessed."""

# What agencies send in place of identifiers: one field, level and block for each rule of encoding.
_ENCODED: Final = {
    **{rule.field: (f"token: {rule.words}", float(rule.bits)) for rule in RULES},
    CLK_FIELD: ("Bloom filter", 0.0),
    MARK_FIELD: ("key of the encoding", 0.0),
}
TOKENS: Final = frozenset(_ENCODED)
WORDS.update({field: words for field, (words, _) in _ENCODED.items()})
BITS.update({field: bits for field, (_, bits) in _ENCODED.items()})
HEADERS.update({field.replace("_", ""): field for field in _ENCODED})
COLUMNS.update({field: field for field in _ENCODED})
LEVELS.update({rule.field: [{"kind": "exact", "m": 0.9}, {"kind": "else", "m": 0.1}] for rule in RULES})
BLOCKS.update({rule.words: (rule.field,) for rule in RULES})
