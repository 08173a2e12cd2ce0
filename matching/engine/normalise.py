"""Names, dates and numbers in the one form in which they are compared.

Hub and agency client use the same rules, so that a keyed token made at an agency equals the one made
elsewhere; `tests/engines/matching_vectors.json` fixes them. Every function takes text and gives text, or None
for “not known”. NULL never equals NULL: what is not known is None, never an empty string.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable
from typing import Final

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
_SOUNDEX: Final = {
    letter: digit
    for letters, digit in (("BFPV", "1"), ("CGJKQSXZ", "2"), ("DT", "3"), ("L", "4"), ("MN", "5"), ("R", "6"))
    for letter in letters
}
_SEXES: Final = {"M": "M", "MALE": "M", "F": "F", "FEMALE": "F"}


def name(text: str) -> str | None:
    """Return a name in capitals without accents and marks: “O’Brien-Núñez” is “OBRIEN NUNEZ”."""
    capitals = text.upper().translate(_LETTERS)
    plain = "".join(c for c in unicodedata.normalize("NFKD", capitals) if not unicodedata.combining(c))
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
    code, last = letters[0], _SOUNDEX.get(letters[0], "")
    for letter in letters[1:]:
        digit = _SOUNDEX.get(letter, "")
        if digit and digit != last:
            code += digit
        if letter not in "HW":  # H and W do not part two letters of one sound
            last = digit
    return code[:4].ljust(4, "0")


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


def over_distinct(values: pa.Array | pa.ChunkedArray, rule: Callable[[str], str | None]) -> pa.Array:
    """Apply a rule to a column of text, once for each distinct value."""
    whole = values.combine_chunks() if isinstance(values, pa.ChunkedArray) else values
    encoded = whole.cast(pa.string()).dictionary_encode()
    changed = [
        None if value is None or value == "" else rule(value) for value in encoded.dictionary.to_pylist()
    ]
    return pc.take(pa.array(changed, pa.string()), encoded.indices)


def column(values: pa.Array | pa.ChunkedArray, field: str) -> pa.Array:
    """Return a column in its normal form, for one of the fields of `NORMALISERS`."""
    return over_distinct(values, NORMALISERS[field])
