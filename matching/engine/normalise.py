"""Names, dates and numbers in the one form in which they are compared.

Hub and agency client use the same rules, so that a keyed token made at an agency equals the one made
elsewhere; `tests/engines/matching/vectors.json` fixes them. Every function takes text and gives text, or None
for “not known”. NULL never equals NULL: what is not known is None, never an empty string.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable
from typing import Final

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from matching.engine.nicknames import CANONICAL

_LETTERS: Final = str.maketrans(
    {"ß": "SS", "ẞ": "SS", "Ø": "O", "Ł": "L", "Đ": "D", "Ð": "D", "Æ": "AE", "Œ": "OE", "Þ": "TH", "İ": "I"}
)
_NOT_LETTERS: Final = re.compile(r"[^A-Z]+")
_APOSTROPHES: Final = re.compile(r"['’‘`´ʼ.]")
_SUFFIXES: Final = frozenset({"JR", "SR", "II", "III", "IV", "V", "2ND", "3RD"})
_NO_NAME: Final = frozenset(
    "UNKNOWN UNK NA NONE NULL NOTKNOWN NOTAVAILABLE NONAME NFN NLN NMN NMI FNU LNU TEST TBD".split()
)
_DIGITS: Final = re.compile(r"\D+")
_ISO: Final = re.compile(r"(\d{4})-?(\d{2})-?(\d{2})(?:[T ].*)?")
_DAYS: Final = (31, 29, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31)
_EARLIEST_YEAR: Final = 1850
_LATEST_YEAR: Final = 2150
_JUNK_SSN: Final = frozenset({"123456789", "987654321", "078051120", "219099999", "012345678"})
_GROUPS: Final = (("BFPV", "1"), ("CGJKQSXZ", "2"), ("DT", "3"), ("L", "4"), ("MN", "5"), ("R", "6"))
_SOUNDEX: Final = {letter: digit for letters, digit in _GROUPS for letter in letters}
# Vowels part two letters of one sound, H and W do not.
_SOUNDS: Final = str.maketrans(_SOUNDEX | dict.fromkeys("AEIOUY", "0") | dict.fromkeys("HW", ""))
_AGAIN: Final = re.compile(r"(.)\1+")
_SEXES: Final = {"M": "M", "MALE": "M", "F": "F", "FEMALE": "F"}


def name(text: str) -> str | None:
    """Return a name in capitals without accents and marks: “O’Brien-Núñez” is “OBRIEN NUNEZ”."""
    plain = text.upper()
    if not plain.isascii():
        apart = unicodedata.normalize("NFKD", plain.translate(_LETTERS))
        plain = "".join(c for c in apart if not unicodedata.combining(c))
    words = _NOT_LETTERS.sub(" ", _APOSTROPHES.sub("", plain)).split()
    joined = " ".join(words)
    return None if not words or "".join(words) in _NO_NAME or len(set(joined)) == 1 < len(joined) else joined


def last_name(text: str) -> str | None:
    """Return a surname without a suffix such as “Jr.”."""
    cleaned = name(text)
    if cleaned is None:
        return None
    words = cleaned.split()
    while len(words) > 1 and words[-1] in _SUFFIXES:
        words.pop()
    return " ".join(words)


def date(text: str) -> str | None:
    """Return a date as YYYYMMDD, from YYYYMMDD or ISO; None for a day that never was."""
    found = _ISO.fullmatch(text.strip())
    if not found:
        return None
    year, month, day = (int(part) for part in found.groups())
    leap = year % 4 == 0 and (year % 100 != 0 or year % 400 == 0)
    real = (
        _EARLIEST_YEAR <= year <= _LATEST_YEAR
        and 1 <= month <= len(_DAYS)
        and 1 <= day <= _DAYS[month - 1]
        and (leap or (month, day) != (2, 29))
    )
    return "".join(found.groups()) if real else None


def ssn(text: str) -> str | None:
    """Return nine digits, or None for what is no number of one person (zeros, 123456789, one digit repeated).

    Whether areas that were never issued may come in at all is decided where files are received.
    """
    digits = _DIGITS.sub("", text)
    if len(digits) != 9 or len(set(digits)) == 1 or digits in _JUNK_SSN:
        return None
    return None if digits[:3] == "000" or digits[3:5] == "00" or digits[5:] == "0000" else digits


def identifier(text: str) -> str | None:
    """Return an agency's own number (a SASID, a student id) without spaces, dashes and leading zeros."""
    kept = re.sub(r"[^0-9A-Z]", "", text.upper()).lstrip("0")
    return kept if kept and not (len(kept) > 3 and len(set(kept)) == 1) else None


def code(text: str) -> str | None:
    """Return a code (a high school's) in capitals, leading zeros kept; zeros alone are not known."""
    kept = re.sub(r"[^0-9A-Z]", "", text.upper())
    return kept if kept.strip("0") else None


def sex(text: str) -> str | None:
    """Return M or F; U and all else is not known."""
    return _SEXES.get(text.strip().upper())


def postcode(text: str) -> str | None:
    """Return the first five digits of a ZIP code, with a leading zero that a spreadsheet lost."""
    digits = _DIGITS.sub("", text.split("-")[0])[:5]
    digits = digits.zfill(5) if len(digits) == 4 else digits
    return digits if len(digits) == 5 and digits != "00000" else None


def address(text: str) -> str | None:
    """Return an address in capitals, digits kept, the commonest words shortened."""
    words = re.sub(r"[^0-9A-Z]+", " ", text.upper()).split()
    return " ".join(_STREET.get(word, word) for word in words) or None


_STREET: Final = {
    "STREET": "ST", "AVENUE": "AVE", "ROAD": "RD", "DRIVE": "DR", "LANE": "LN", "COURT": "CT", "PLACE": "PL",
    "BOULEVARD": "BLVD", "APARTMENT": "APT", "UNIT": "APT",
    "NORTH": "N", "SOUTH": "S", "EAST": "E", "WEST": "W", "TERRACE": "TER", "CIRCLE": "CIR", "HIGHWAY": "HWY",
}  # fmt: skip


def canonical(first: str) -> str | None:
    """Return the form that all nicknames of a normalised first name share: BILL and WILLIAM are WILLIAM."""
    word = first.split(" ")[0]
    return CANONICAL.get(word, word)


def soundex(normalised: str) -> str | None:
    """Return the American Soundex code of a normalised name, its first word and the rest read as one."""
    letters = normalised.replace(" ", "")
    digits = _SOUNDEX.get(letters[0], "0") + letters[1:].translate(_SOUNDS)
    code = _AGAIN.sub(r"\1", digits)[1:].replace("0", "")
    return (letters[0] + code)[:4].ljust(4, "0")


def first_word(normalised: str) -> str | None:
    """Return the first part of a compound name."""
    return normalised.split(" ")[0]


def last_word(normalised: str) -> str | None:
    """Return the last part of a compound name."""
    return normalised.split(" ")[-1]


NORMALISERS: Final[dict[str, Callable[[str], str | None]]] = {
    "ssn": ssn,
    "sasid": identifier,
    "first_name": name,
    "middle_name": name,
    "last_name": last_name,
    "birth_date": date,
    "sex": sex,
    "high_school": code,
    "zip": postcode,
    "address": address,
}
"""How each field that can be compared is brought into its one form."""


def sounds(names: pa.Array) -> pa.Array:
    """Return the `soundex` of every name of a column, all at once."""
    letters = pc.replace_substring(names, " ", "")
    first = pc.utf8_slice_codeunits(letters, 0, 1)
    rest = pc.replace_substring_regex(pc.utf8_slice_codeunits(letters, 1), "[HW]", "")
    digits = pc.binary_join_element_wise(first, rest, "")
    for group, digit in _GROUPS:
        digits = pc.replace_substring_regex(digits, f"[{group}]+", digit)
    digits = pc.replace_substring_regex(digits, "[AEIOUYHW]+", "0")
    code = pc.replace_substring(pc.utf8_slice_codeunits(digits, 1), "0", "")
    return pc.utf8_rpad(pc.utf8_slice_codeunits(pc.binary_join_element_wise(first, code, ""), 0, 4), 4, "0")


def over_distinct(values: pa.Array | pa.ChunkedArray, rule: Callable[[str], str | None]) -> pa.Array:
    """Apply a rule to a column of text, once for each distinct value."""
    encoded = _whole(values).dictionary_encode()
    return pc.take(each(encoded.dictionary, rule), encoded.indices)


def each(values: pa.Array, rule: Callable[[str], str | None]) -> pa.Array:
    """Apply a rule to every value of a column of text; nothing and the empty text are not known."""
    changed = [None if value is None or value == "" else rule(value) for value in values.to_pylist()]
    return pa.array(changed, pa.string())


def column(values: pa.Array | pa.ChunkedArray, field: str) -> pa.Array:
    """Return a column in its normal form, for one of the fields of `NORMALISERS`.

    What already stands in a plain form is brought into the normal one all at once; the rest value by value.
    """
    whole, rule = _whole(values), NORMALISERS[field]
    if field not in _AT_ONCE:
        return over_distinct(whole, rule)
    if field in VARIED:
        return _by_parts(whole, rule, *_AT_ONCE[field])
    encoded = whole.dictionary_encode()
    return pc.take(_by_parts(encoded.dictionary, rule, *_AT_ONCE[field]), encoded.indices)


def values(distinct: pa.Array, field: str) -> pa.Array:
    """Return distinct values in their normal form, as `column` brings a whole column into it."""
    whole, rule = _whole(distinct), NORMALISERS[field]
    return _by_parts(whole, rule, *_AT_ONCE[field]) if field in _AT_ONCE else each(whole, rule)


def _whole(values: pa.Array | pa.ChunkedArray) -> pa.Array:
    whole = values.combine_chunks() if isinstance(values, pa.ChunkedArray) else values
    return whole.cast(pa.string())


def _by_parts(
    values: pa.Array, rule: Callable[[str], str | None], plain: str, at_once: Callable[[pa.Array], pa.Array]
) -> pa.Array:
    """Return the values normalised: those of the plain form at once, the others one by one."""
    simple = pc.fill_null(pc.match_substring_regex(values, plain), False)
    done = at_once(pc.if_else(simple, values, pa.scalar(None, pa.string())))
    rest = pc.and_(pc.invert(simple), pc.is_valid(values))
    if not pc.any(rest).as_py():
        return done
    return pc.replace_with_mask(done, rest, over_distinct(values.filter(rest), rule))


def _without(values: pa.Array, wrong: pa.Array) -> pa.Array:
    return pc.if_else(pc.fill_null(wrong, False), pa.scalar(None, pa.string()), values)


def _one_letter(values: pa.Array) -> pa.Array:
    """Tell which values are one character over and over."""
    return pc.equal(values, pc.binary_repeat(pc.utf8_slice_codeunits(values, 0, 1), pc.utf8_length(values)))


def _plain_names(values: pa.Array) -> pa.Array:
    capitals = pc.ascii_upper(values)
    repeated = pc.and_(_one_letter(capitals), pc.greater(pc.utf8_length(capitals), 1))
    return _without(capitals, pc.or_(repeated, pc.is_in(capitals, pa.array(sorted(_NO_NAME)))))


def _plain_ssns(values: pa.Array) -> pa.Array:
    junk = pc.or_(_one_letter(values), pc.is_in(values, pa.array(sorted(_JUNK_SSN))))
    zeros = pc.match_substring_regex(values, "^000|^...00|0000$")
    return _without(values, pc.or_(junk, zeros))


def _plain_dates(values: pa.Array) -> pa.Array:
    plain = pc.replace_substring(values, "-", "")
    number = pc.fill_null(pc.cast(plain, pa.int32()), 0).to_numpy(zero_copy_only=False)
    year, month, day = number // 10_000, number // 100 % 100, number % 100
    leap = (year % 4 == 0) & ((year % 100 != 0) | (year % 400 == 0))
    longest = np.array([0, *_DAYS])[np.where(month <= len(_DAYS), month, 0)]
    real = (year >= _EARLIEST_YEAR) & (year <= _LATEST_YEAR) & (day >= 1) & (day <= longest)
    real &= leap | (month != 2) | (day != 29)
    return _without(plain, pa.array(~real))


def _plain_identifiers(values: pa.Array) -> pa.Array:
    repeated = pc.and_(_one_letter(values), pc.greater(pc.utf8_length(values), 3))
    return _without(values, repeated)


def _plain_addresses(values: pa.Array) -> pa.Array:
    words = pc.split_pattern(pc.ascii_upper(values), " ")
    encoded = words.values.dictionary_encode()
    short = pa.array([_STREET.get(word, word) for word in encoded.dictionary.to_pylist()], pa.string())
    lists = pa.ListArray.from_arrays(words.offsets, pc.take(short, encoded.indices))
    return _without(pc.binary_join(lists, " "), pc.is_null(values))


_AT_ONCE: Final[dict[str, tuple[str, Callable[[pa.Array], pa.Array]]]] = {
    "ssn": ("^[0-9]{9}$", _plain_ssns),
    "sasid": ("^[1-9A-Z][0-9A-Z]*$", _plain_identifiers),
    "first_name": ("^[A-Za-z]+$", _plain_names),
    "middle_name": ("^[A-Za-z]+$", _plain_names),
    "last_name": ("^[A-Za-z]+$", _plain_names),
    "birth_date": ("^[0-9]{4}-?[0-9]{2}-?[0-9]{2}$", _plain_dates),
    "address": ("^[0-9A-Za-z]+( [0-9A-Za-z]+)*$", _plain_addresses),
}
"""For each field the form in which most values come, and the same rule for all of that form at once."""
VARIED: Final = frozenset({"ssn", "sasid", "address"})
"""Fields of which nearly every row has a value of its own."""
