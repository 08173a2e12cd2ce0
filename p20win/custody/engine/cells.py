"""What one cell may look like, by the form of its column (O-104)."""

import datetime as dt
import re
from collections.abc import Callable
from functools import lru_cache

from p20win.custody.engine.formulas import may_run

Check = Callable[[str], bool]

_DIGITS_9 = re.compile(r"[0-9]{9}")
_SASID = re.compile(r"[1-9][0-9]{9}")
_DIGITS_6 = re.compile(r"[0-9]{6}")
_DIGITS_8 = re.compile(r"[0-9]{8}")
_INTEGER = re.compile(r"-?[0-9]{1,18}")
_DECIMAL = re.compile(r"-?[0-9]{1,18}(\.[0-9]{1,10})?")
_QUARTER = re.compile(r"[0-9]{4}Q?[1-4]")
_YEAR = re.compile(r"(19|20)[0-9]{2}")
_SYNTHETIC = re.compile(r"[A-Za-z0-9][A-Za-z0-9_-]{5,63}")
_TOKEN = re.compile(r"[A-Za-z0-9_-]{24}")
_BLOOM = re.compile(r"[A-Za-z0-9_-]{171}")
ENCODED_WITH = re.compile(r"P20-([0-9]+)\.([A-Z]{2,6}-[0-9]{3,6})\.([0-9a-f]{16})")

# How each form is described to the sender when a cell does not have it.
FORMS: dict[str, str] = {
    "text": "text as held, not beginning like a spreadsheet formula",
    "name": "a name as held",
    "date": "a date written YYYYMMDD",
    "ssn": "text of 9 digits with leading zeros, from a range that is issued",
    "sasid": "text of 10 digits, the first not zero",
    "sex": "one of M, F, U",
    "hs_code": "text of 6 digits with leading zeros",
    "flag": "1 or 0",
    "integer": "a whole number",
    "decimal": "a number with a point for decimals",
    "year": "a year of four digits",
    "quarter": "a year and a quarter, such as 20261",
    "token": "a token as “p20 encode” makes it",
    "bloom": "a Bloom filter as “p20 encode” makes it",
    "encoded_with": "version, project and fingerprint of the key, as “p20 encode” writes them",
    "synthetic_id": "6 to 64 letters, digits, “-” or “_”",
}


@lru_cache(maxsize=65536)
def is_date(value: str) -> bool:
    """This will say whether the text is a calendar date written YYYYMMDD."""
    if not _DIGITS_8.fullmatch(value):
        return False
    try:
        year = dt.date(int(value[:4]), int(value[4:6]), int(value[6:])).year
    except ValueError:
        return False
    return 1850 <= year <= 2150


def is_text(value: str) -> bool:
    """This will say whether the text is safe to show in any program."""
    return not may_run(value)


def is_ssn_form(value: str) -> bool:
    """This will say whether the text has the form of a social security number."""
    return _DIGITS_9.fullmatch(value) is not None


def is_issued_ssn(value: str) -> bool:
    """This will say whether the text is a social security number that can have been issued."""
    if not is_ssn_form(value):
        return False
    area, group, serial = value[:3], value[3:5], value[5:]
    return area not in ("000", "666") and area[0] != "9" and group != "00" and serial != "0000"


def check_for(form: str, *, codes: frozenset[str] = frozenset(), demo_ssn: bool = False) -> Check:
    """This will give the check of one column.

    :raises ValueError: if there is no such form
    """
    if codes:
        return codes.__contains__
    checks: dict[str, Check] = {
        "text": is_text,
        "name": is_text,
        "date": is_date,
        "ssn": is_ssn_form if demo_ssn else is_issued_ssn,
        "sasid": _matches(_SASID),
        "sex": frozenset("MFU").__contains__,
        "hs_code": _matches(_DIGITS_6),
        "flag": frozenset("01").__contains__,
        "integer": _matches(_INTEGER),
        "decimal": _matches(_DECIMAL),
        "year": _matches(_YEAR),
        "quarter": _matches(_QUARTER),
        "token": _matches(_TOKEN),
        "bloom": _matches(_BLOOM),
        "encoded_with": _matches(ENCODED_WITH),
        "synthetic_id": _matches(_SYNTHETIC),
    }
    if form not in checks:
        raise ValueError(f"There is no column form called “{form}”.")
    return checks[form]


def _matches(pattern: re.Pattern[str]) -> Check:
    full = pattern.fullmatch
    return lambda value: full(value) is not None
