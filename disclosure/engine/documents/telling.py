"""What the words of a text tell of how many people: numbers, bounds, percentages and shares in words.

A bound (“at least 30”) tells which counts there may be. A share in words (“a quarter of the 48”) is heard to
the nearest percent, and with the number it is of it tells counts, too. What says “about” and “nearly”, and a
bound on a share of a number that is not said, is open: how much it tells, the words alone do not say.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from fractions import Fraction
from math import ceil, floor
from typing import Final

from disclosure.engine.documents.lexicon import (
    ANY_NUMBER,
    LABEL,
    LARGER,
    MEASURE,
    PERSON,
    counts_people,
)
from disclosure.engine.documents.numbers import (
    A_NUMBER,
    A_PERSON,
    A_SHARE,
    AROUND,
    AT_MOST,
    FEWER,
    IN_EACH,
    N_SHARE,
    NEAR,
    NOBODY,
    OF_BASE,
    OR_FEWER,
    OR_MORE,
    SHARE_N,
    SHARE_OF,
    is_n,
    plain,
    quote,
    stands_for_people,
    value_of,
)

BELOW, MOST, LEAST, ABOVE, ABOUT = "<", "<=", ">=", ">", "~"
_HALF_A_PERCENT: Final = Fraction(1, 200)
_EACH: Final = 100  # “one in 100” is a share; “one in 2019” is none
_YEARS: Final = range(1900, 2101)
_NOT_FEWER: Final = re.compile(r"\b(?:no|not)\s+(?:fewer|less)\s+than\s+$", re.IGNORECASE)
_NOT_MORE: Final = re.compile(r"\bnot\s+more\s+than\s+$", re.IGNORECASE)
_MORE: Final = re.compile(r"\b(?:more\s+than|over|above)\s+$|>\s*$", re.IGNORECASE)
_AT_LEAST: Final = re.compile(r"\b(?:at\s+least|a\s+minimum\s+of)\s+$", re.IGNORECASE)
_ABOUT: Final = re.compile(
    r"(?:\b(?:about|around|nearly|almost|roughly|approximately|approx\.|some|close\s+to|an\s+estimated)|~)\s*$",
    re.IGNORECASE,
)
_AGED: Final = re.compile(rf"\b(?:{PERSON}|aged)\s+(?:under|below|over|above)\s+$", re.IGNORECASE)
_THE: Final = r"(?:(?:the|our|its|these|those|all|a\s+total\s+of)\s+)*"
_PARTS: Final = {"hal": 2, "thi": 3, "qua": 4, "fou": 4, "fif": 5, "six": 6, "eig": 8, "ten": 10}
_MANY: Final = {"a": 1, "an": 1, "one": 1, "two": 2, "three": 3, "four": 4, "five": 5, "seven": 7, "nine": 9}
_FRACTION: Final = re.compile(
    rf"\b(?:(?P<many>{'|'.join(_MANY)})[\s-]+(?P<part>half|halves|thirds?|quarters?|fourths?|fifths?|sixths?|"
    rf"eighths?|tenths?)\s+of|half(?:\s+of|(?=\s+(?:the|our|its|these|those)\b)))\s+{_THE}",
    re.IGNORECASE,
)
_RATIO: Final = re.compile(
    rf"(?<![\w.,])(?P<few>{ANY_NUMBER})\s+(?:in(?:\s+every)?|out\s+of\s+every)\s+(?P<each>{ANY_NUMBER})(?:\s+of)?\s+{_THE}",
    re.IGNORECASE,
)
_BASE: Final = re.compile(rf"(?P<base>{ANY_NUMBER})", re.IGNORECASE)
_THEM: Final = re.compile(r"(?:them|these|those|whom)\b", re.IGNORECASE)


@dataclass(frozen=True)
class Told:
    """How many people a place in a text tells of."""

    number: str
    quote: str
    is_share: bool = False  # a percentage; `number` are its digits
    bound: str = ""  # the counts it may be, written as a column `released` has them
    is_open: bool = False  # no cell can be named for it: the words leave open how much they tell


def find_counts(text: str) -> Iterator[Told]:
    """Yield the numbers of a text that seem to count people, whatever their size, and their percentages.

    Bounds, such as “at least 30”, are none of these numbers: see `find_bounds`.
    """
    text = plain(text)
    for start, end, value, sign in _counted(text):
        if not sign:
            yield Told(str(value), quote(text, start, end))
    for match in A_SHARE.finditer(text):
        start = max(text.rfind(mark, 0, match.start()) for mark in (". ", "! ", "? "))
        sentence = re.split(r"[.!?]\s", text[start + 1 :].lstrip(), maxsplit=1)[0]
        if A_PERSON.search(sentence):
            yield _percentage(text, match)


def find_bounds(text: str) -> Iterator[Told]:
    """Yield what a text tells beside its plain numbers: bounds, shares in words, and that there is nobody."""
    text = plain(text)
    for start, end, value, sign in _counted(text):
        if sign and (bound := _bound(sign, value, _base_after(text[end : end + AROUND]))):
            yield Told(str(value), quote(text, start, end), bound=bound)
    yield from _shares_in_words(text)
    for match in NOBODY.finditer(text):
        yield Told("0", quote(text, match.start(), match.end()))


def _counted(text: str) -> Iterator[tuple[int, int, int, str]]:
    """Yield each number that counts people: where it stands, its value, and the sign of a bound or none."""
    bases = set[int]()
    for match in A_NUMBER.finditer(text):
        before, after = text[max(0, match.start() - 2 * AROUND) : match.start()], text[match.end() :][:AROUND]
        if LARGER.match(after):
            continue
        if not is_n(before) and (LABEL.search(before[-NEAR:]) or MEASURE.match(after)):
            continue
        value, in_each = value_of(match[0]), IN_EACH.search(before) is not None
        if fraction := OF_BASE.match(after):
            counts = counts_people(after[fraction.end() :]) is not False and not in_each
            bases |= {match.end() + fraction.start("base")} if counts else set()
        else:
            spelt_one = match["spelt"] is not None and value == 1
            counts = not in_each and stands_for_people(before, after, spelt_one=spelt_one)
            counts = counts or match.start() in bases
        if counts and not _AGED.search(before):
            sign = _sign(before, after)
            yield match.start(), match.end(), value, "" if sign == ABOUT else sign


def _sign(before: str, after: str) -> str:
    """Return which way a number or share bounds a count; empty if it is meant itself."""
    if _ABOUT.search(before):
        return ABOUT
    if _NOT_FEWER.search(before):
        return LEAST
    if _NOT_MORE.search(before) or AT_MOST.search(before) or OR_FEWER.match(after):
        return MOST
    if FEWER.search(before):
        return BELOW
    if _MORE.search(before):
        return ABOVE
    return LEAST if _AT_LEAST.search(before) or OR_MORE.match(after) else ""


def _bound(sign: str, value: Fraction | int, base: int | None) -> str:
    """Return which counts are meant, of `base` people if that is said; empty if that tells nothing."""
    low, high = 0, base
    if sign == BELOW:
        high = ceil(value) - 1
    elif sign == MOST:
        high = floor(value)
    else:
        low = ceil(value) if sign == LEAST else floor(value) + 1
    if high is None:
        return f">{low - 1}" if low > 1 else ""
    return f"{low}-{high}" if 0 <= low <= high and (low > 1 or sign in (BELOW, MOST)) else ""


def _base_after(after: str) -> int | None:
    found = OF_BASE.match(after)
    return value_of(found["base"]) if found else None


def _percentage(text: str, match: re.Match[str]) -> Told:
    before, after = text[max(0, match.start() - AROUND) : match.start()], text[match.end() :][: 2 * AROUND]
    digits = re.match(r"[\d.]+", match[0])
    number, around = digits[0] if digits else "", quote(text, match.start(), match.end())
    sign = _sign(before, after)
    if not sign:
        return Told(number, around, is_share=True)
    found = SHARE_OF.match(after) or SHARE_N.match(after) or N_SHARE.search(before)
    if found is None or sign == ABOUT:
        return Told(number, around, is_share=True, is_open=True)
    base = value_of(found["base"])
    bound = _bound(sign, Fraction(number) * base / 100, base)
    return Told(number, around, bound=bound, is_open=not bound)


def _shares_in_words(text: str) -> Iterator[Told]:
    for match in _FRACTION.finditer(text):
        part = _PARTS[(match["part"] or "half")[:3].casefold()]
        many = _MANY[match["many"].casefold()] if match["many"] else 1
        yield from _share(text, match, Fraction(many, part))
    for match in _RATIO.finditer(text):
        few, each = value_of(match["few"]), value_of(match["each"])
        if 0 < few < each <= _EACH:
            yield from _share(text, match, Fraction(few, each))


def _share(text: str, match: re.Match[str], share: Fraction) -> Iterator[Told]:
    """Yield a share in words, and the number it is of, if they are about people."""
    if share >= 1:
        return
    rest = text[match.end() : match.end() + 2 * AROUND]
    sign = _sign(text[max(0, match.start() - AROUND) : match.start()], "")
    percent = str(round(100 * share))
    if (found := _BASE.match(rest)) is None:
        if _THEM.match(rest) or counts_people(f" {rest}"):
            around = quote(text, match.start(), match.end())
            yield Told(percent, around, is_share=True, is_open=bool(sign))
        return
    base, people = value_of(found["base"]), counts_people(rest[found.end() :])
    if people is False or (base in _YEARS and not people):
        return
    end = match.end() + found.end()
    around = quote(text, match.start(), end)
    if sign == ABOUT:
        yield Told(percent, around, is_share=True, is_open=True)
        return
    bound = _bound(sign, share * base, base) if sign else _nearest(share, base)
    yield Told(percent, around, bound=bound, is_open=not bound)
    if people is None:  # else it is found for the people behind it
        yield Told(str(base), around)


def _nearest(share: Fraction, base: int) -> str:
    """Return the counts that such a share may be: to the nearest percent, or the nearest there are."""
    exact = share * base
    low = min(ceil((share - _HALF_A_PERCENT) * base), floor(exact))
    high = max(floor((share + _HALF_A_PERCENT) * base), ceil(exact))
    return f"{low}-{high}" if low < high else str(low)
