"""What a specification says when nobody says otherwise; all of it is written out into the one used."""

from __future__ import annotations

from typing import Any, Final

from matching.engine.rules import CLK_FIELD, FIELD_OF_PART, MARK_FIELD, RULES

ENGINE: Final = "hybrid"
"""The engine that links where none is named; the portal's."""
ENGINES: Final[dict[str, str]] = {
    "hybrid": "exact passes, then weights learnt in each run; the hub’s own",
    "cascade": "exact passes alone",
    "splink": "Splink on DuckDB",
    "toolkit": "the Python Record Linkage Toolkit, for small files",
    "tokens": "keyed tokens in place of identifiers",
    "clk": "keyed tokens and Bloom filters in place of identifiers",
}
"""Every engine there is, the default first, in a line of words."""
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

ID_HEADERS: Final = ("uniqueid", "id", "syntheticid", "rid", "genericid", "recordid", "recid")

_SPELLINGS: Final = {
    "ssn": "ssn ssn9 ssnumber ssnnumber socialsecuritynumber socialsecurity socialsecurityid socialnumber"
    " socsecnumber socsec socsecnum socsecid ssan",
    "sasid": "sasid sasidnumber stateassignedstudentid stateassignedstudentidentifier stateassignedid"
    " statestudentid statestudentidentifier",
    "first_name": "firstname first fname givenname given legalfirstname namefirst forename",
    "middle_name": "middlename middle mname legalmiddlename namemiddle secondname",
    "last_name": "lastname last lname surname sname familyname legallastname namelast",
    "birth_date": "birthdate dateofbirth dob dobdate bdate birthday datebirth birthdateyyyymmdd"
    " dobyyyymmdd born",
    "sex": "sex sexcode",
    "zip": "zip zipcode postalcode postcode",
    "high_school": "highschool highschoolcode hscode hsceebcode",
    "address": "address addressline1 address1 streetaddress streetaddress1 homeaddress mailingaddress"
    " residenceaddress",
}
_LESSER: Final = {
    "sasid": "studentid studentidentifier studentnumber stuid stateid ssid",
    "middle_name": "middleinitial middleinit mi minit",
    "sex": "gender gendercode",
    "zip": "zip5",
    "high_school": "schoolcode",
    "address": "street streetname",
}


def _by_header(spellings: dict[str, str]) -> dict[str, str]:
    return {header: field for field, said in spellings.items() for header in said.split()}


HEADERS: Final = _by_header(_SPELLINGS)
"""How agencies head the fields that can be matched on, in lower case without spaces and marks."""

LESSER_HEADERS: Final = _by_header(_LESSER)
"""Headers that stand for a field where no column has one of those: a file may hold SASID and student id."""

SHORTENED: Final = {
    "nm": "name", "dt": "date", "cd": "code", "nbr": "number", "num": "number", "no": "number",
    "addr": "address", "soc": "social", "sec": "security",
}  # fmt: skip
"""Words that headers shorten."""

WHOSE: Final = (
    "student", "stu", "pupil", "legal", "employee", "emp", "worker", "person", "applicant", "client",
    "member", "participant",
)  # fmt: skip
"""Words before a field in a header that only say whose it is."""

GROUP_HEADERS: Final = frozenset(
    "race ethnicity raceethnicity ethnicrace raceethnicitycode racecode ethnicitycode"
    " raceethnicityreportingtext hispanic hispaniclatino hispanicorlatino hispaniclatinoethnicity"
    " hispanicethnicity latino latinx"
    " americanindian americanindianoralaskanative americanindianalaskanative asian black africanamerican"
    " blackorafricanamerican blackafricanamerican white nativehawaiian pacificislander"
    " nativehawaiianorotherpacificislander nativehawaiianpacificislander twoormoreraces multiracial".split()
)
"""Columns by which the report breaks down its match rates, to show bias. They are never matched on."""

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
    "names": "last_name", "birth_date": "birth_date", "birth_year": "birth_date",
    "birth_month_day": "birth_date", "birth_swapped": "birth_date", "sex": "sex",
    "high_school": "high_school", "zip": "zip", "address": "address",
}  # fmt: skip
"""Every column an engine is given, and the field from which it is made."""

MADE_OF: Final[dict[str, frozenset[str]]] = {"names": frozenset({"first_name", "last_name"})}
"""Columns made of several fields, by which it is judged whether two blocks are independent."""

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
        {"kind": "swapped_names", "m": 0.004},
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
        {"kind": "swapped_names", "m": 0.004},
        {"kind": "jaro_winkler", "at": 0.92, "m": 0.035},
        {"kind": "jaro_winkler", "at": 0.82, "m": 0.015},
        {"kind": "else", "m": 0.06},
    ],
    "birth_date": [
        {"kind": "exact", "m": 0.95},
        {"kind": "swapped_day", "m": 0.01},
        {"kind": "edits", "at": 1, "m": 0.02},
        {"kind": "first_of_january", "m": 0.005},
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
    "birth date and surname": ("birth_date", "last_a"),
    "birth date and first name": ("birth_date", "first_canonical"),
    "birth date and surname part": ("birth_date", "last_b"),
    "birth date and sounds": ("birth_date", "first_sound", "last_sound"),
    "names in either order": ("names", "birth_year"),
    "birth date and address": ("birth_date", "address"),
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

SURE: Final[tuple[tuple[str, ...], ...]] = (
    ("ssn", "first_name", "last_name"),
    ("ssn", "first_canonical", "birth_date"),
    ("sasid", "first_canonical", "last_name"),
    ("sasid", "first_canonical", "birth_date"),
    ("first_name", "last_name", "birth_date", "address"),
    ("first_name", "last_name", "birth_date", "middle_name"),
    ("first_name", "last_name", "birth_date", "zip"),
    ("first_name", "last_name", "birth_date", "high_school"),
)
"""Agreement that leaves no doubt, where the key stands once in each file and no number contradicts it."""

CASCADE: Final[tuple[tuple[str, ...], ...]] = (
    ("ssn", "first_canonical", "last_name"),
    ("ssn", "birth_date"),
    ("sasid", "birth_date"),
    ("sasid", "last_name"),
    ("ssn", "last_sound"),
    ("ssn", "first_canonical"),
    ("sasid", "first_canonical"),
    ("first_canonical", "last_name", "birth_date"),
    ("first_canonical", "last_sound", "birth_date"),
    ("first_canonical", "last_name", "address"),
    ("first_canonical", "birth_date", "zip"),
    ("first_canonical", "last_name", "birth_year", "zip"),
    ("first_canonical", "last_name", "birth_date", "high_school"),
)
"""The passes of the cascade, the most telling first."""

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
MADE_OF.update({rule.field: frozenset(FIELD_OF_PART[part] for part in rule.parts) for rule in RULES})
