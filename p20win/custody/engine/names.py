"""File names: agency, request number, kind, and a date or a version, in either published scheme (O-104)."""

import datetime as dt
import re
from collections.abc import Collection
from dataclasses import dataclass

MATCHING, ANALYTICAL, KEY, IDENTIFIER_LIST = "matching", "analytical", "key", "identifier_list"

_WORDS = {
    "matching": MATCHING,
    "match": MATCHING,
    "analytical": ANALYTICAL,
    "analysis": ANALYTICAL,
    "key": KEY,
    "list": IDENTIFIER_LIST,
}
_ENDING = r"(?:\.(?:txt|tsv|tab|csv))?"
_DATED = re.compile(
    rf"(?P<agency>[A-Za-z][A-Za-z0-9-]*)\.(?P<number>\d{{3,6}})\.(?P<month>\d\d)_(?P<day>\d\d)_(?P<year>\d{{4}})"
    rf"\.(?P<kind>matching|analytical|key|list){_ENDING}",
    re.IGNORECASE,
)
_VERSIONED = re.compile(
    rf"P20_DR(?P<number>\d{{3,6}})_(?P<agency>[A-Za-z][A-Za-z0-9-]*)_(?P<kind>match|analysis|key|list)"
    rf"_v(?P<version>\d{{1,3}}){_ENDING}",
    re.IGNORECASE,
)


@dataclass(frozen=True)
class NameParts:
    """What a file's name says about it."""

    agency: str
    number: int
    kind: str
    date: dt.date | None = None
    version: int | None = None


def read_name(name: str) -> NameParts | None:
    """This will read a file name in either scheme; None if it is in neither."""
    if found := _DATED.fullmatch(name):
        try:
            date = dt.date(int(found["year"]), int(found["month"]), int(found["day"]))
        except ValueError:
            return None
        return NameParts(found["agency"], int(found["number"]), _WORDS[found["kind"].lower()], date=date)
    if found := _VERSIONED.fullmatch(name):
        kind = _WORDS[found["kind"].lower()]
        return NameParts(found["agency"], int(found["number"]), kind, version=int(found["version"]))
    return None


def name_blockers(name: str, *, agencies: Collection[str], number: str, kind: str) -> list[str]:
    """This will say what is wrong with a file's name; it never repeats the name."""
    parts = read_name(name)
    if parts is None:
        return [
            "The file name follows neither scheme. Use AGENCY.NUMBER.MM_DD_YYYY.KIND, as in "
            "DOL.0034.01_31_2026.matching, or P20_DRNUMBER_AGENCY_KIND_vN, as in P20_DR0034_CSCU_match_v1."
        ]
    wrong = []
    if parts.agency.casefold() not in {agency.casefold() for agency in agencies}:
        wrong.append("The file name gives another agency than the one this upload is for.")
    digits = "".join(character for character in number if character.isdigit())
    if not digits or parts.number != int(digits):
        wrong.append(f"The file name gives another request number than {number}.")
    if parts.kind != kind:
        wrong.append(f"The file name gives another kind of file than “{kind}”.")
    return wrong
