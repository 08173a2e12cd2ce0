"""Find numbers in sentences that stand for people, and say which are too small to be said.

Years, pages, tables, grades, statutes, p-values and coefficients are no counts. Where a sentence leaves it
open, the number is found: a person looks at it.
"""

import re
import unicodedata
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import chain
from typing import Final

from disclosure.engine.documents.lexicon import (
    ANY_NUMBER,
    LABEL,
    LARGER,
    MEASURE,
    NUMBER,
    PERSON,
    PRONOUN,
    VALUES,
    WENT_ON,
    counts_people,
)
from disclosure.engine.policy import CellPolicy

SMALL, BASE, BOUND = "small", "base", "bound"
AROUND: Final = 60
NEAR: Final = 40
_FEW_WORDS: Final = 3
_MOST: Final = 500  # findings: more tell nobody more
A_NUMBER: Final = re.compile(NUMBER, re.IGNORECASE)
OF_BASE: Final = re.compile(
    rf"\s+(?:out\s+)?of\s+(?:(?:the|our|these|those|all|a\s+total\s+of)\s+)*(?P<base>{ANY_NUMBER})",
    re.IGNORECASE,
)
_OF_THEM: Final = re.compile(
    rf"\s+of\s+(?:them|these|those|whom|(?:the|our|its|these|those|all)\s+(?:[A-Za-z'’-]+\s+){{0,3}}?{PERSON})\b",
    re.IGNORECASE,
)
_N: Final = re.compile(r"(?:^|[\s(\[,;])n\s*[=:]\s*$|\(\s*n\s*$|\bn\s+of\s+$", re.IGNORECASE)
_ALL: Final = re.compile(r"\ball\s+(?:of\s+)?(?:the\s+|our\s+)?$", re.IGNORECASE)
_ONLY: Final = re.compile(r"\b(?:only|just|merely|exactly|remaining|total\s+of)\s+$", re.IGNORECASE)
FEWER: Final = re.compile(r"\b(?:(?:fewer|less)\s+than|under|below)\s+$|<\s*$", re.IGNORECASE)
AT_MOST: Final = re.compile(r"\b(?:at\s+most|no\s+more\s+than|up\s+to|a\s+maximum\s+of)\s+$", re.IGNORECASE)
_AT_LEAST: Final = re.compile(r"\b(?:at\s+least|more\s+than|over|a\s+minimum\s+of)\s+$|>\s*$", re.IGNORECASE)
OR_FEWER: Final = re.compile(r"\s+or\s+(?:fewer|less)\b", re.IGNORECASE)
OR_MORE: Final = re.compile(r"\s+or\s+more\b", re.IGNORECASE)
_NAMED: Final = re.compile(rf"\b{PERSON}\s*(?:[:=(–]|\s-)\s*$", re.IGNORECASE)
_HEADED: Final = re.compile(rf"\b{PERSON}\b[^.!?:;]{{0,50}}:\s*$", re.IGNORECASE)
_NUMBER_OF: Final = re.compile(
    rf"\bnumbers?\s+of\b[^.!?]*\b{PERSON}\b[^.!?]{{0,60}}(?:\b(?:was|were|is|are|of|fell\s+to|to|from)|[:=])\s*$",
    re.IGNORECASE,
)
_SHARE_BEFORE: Final = re.compile(r"(?:%|percent)\s*\(\s*$", re.IGNORECASE)
_SHARE_AFTER: Final = re.compile(r"\s*(?:[(,;]\s*)?\d+(?:\.\d+)?\s?(?:%|percent)", re.IGNORECASE)
A_SHARE: Final = re.compile(r"(?<![\d.,])\d+(?:\.\d+)?\s?(?:%|per\s?cent\b)(?!age)", re.IGNORECASE)
SHARE_OF: Final = re.compile(
    rf"\s*\(?(?:[A-Za-z'’-]+\s+){{0,3}}?\(?(?:of|among)\s+(?:(?:the|our|these|those|all|a\s+total\s+of)\s+)*"
    rf"(?P<base>{ANY_NUMBER})",
    re.IGNORECASE,
)
SHARE_N: Final = re.compile(rf"[^.!?%]{{0,60}}\(\s*n\s*[=:]\s*(?P<base>{ANY_NUMBER})", re.IGNORECASE)
N_SHARE: Final = re.compile(rf"\bn\s*[=:]\s*(?P<base>{ANY_NUMBER})[^.!?%]{{0,30}}$", re.IGNORECASE)
_RATIO: Final = re.compile(
    rf"(?P<few>{ANY_NUMBER})\s+in\s+(?P<each>{ANY_NUMBER})\s+of\s+(?:(?:the|our|these|those)\s+)?"
    rf"(?P<base>{ANY_NUMBER})",
    re.IGNORECASE,
)
IN_EACH: Final = re.compile(rf"{ANY_NUMBER}\s+(?:in|out\s+of)\s+(?:every\s+)?$", re.IGNORECASE)
_SLASHED: Final = re.compile(r"(?<![\d/.,-])(?P<few>\d{1,3})\s?/\s?(?P<base>\d{1,3})(?![\d/]|[.,-]\d)")
NOBODY: Final = re.compile(
    rf"\bnone\s+of\s+(?:(?:the|these|those|our|its)\s+)?(?:them\b|whom\b|{ANY_NUMBER}|"
    rf"(?:[A-Za-z'’-]+\s+){{0,3}}?{PERSON}\b)|"
    rf"\bno\s+(?:[A-Za-z'’-]+\s+){{0,2}}?{PERSON}\s+(?:was|were|had|has|have|did|dropped|graduated|enrolled|left|"
    r"completed|failed|passed|earned|in|at|from)\b",
    re.IGNORECASE,
)
_BOTH: Final = re.compile(
    rf"\b(?:both(?:\s+of\s+the)?|a\s+(?:couple|pair)\s+of|a\s+single|the\s+only)\s+(?:[A-Za-z'’-]+\s+){{0,2}}?{PERSON}\b",
    re.IGNORECASE,
)


A_PERSON: Final = re.compile(rf"\b{PERSON}\b|\bn\s*[=:]", re.IGNORECASE)


@dataclass(frozen=True)
class Finding:
    """A number of people that must not be said, with the words around it."""

    place: str
    quote: str
    what: str  # small, base or bound
    core: str = ""  # the number and what follows it: the same in whatever order a page is read
    at_end: bool = False  # nothing follows it; what it counts may stand elsewhere

    def as_json(self) -> dict[str, str]:
        """Return it in JSON's own types."""
        return {"place": self.place, "quote": self.quote, "what": self.what}


def find_small(place: str, text: str, policy: CellPolicy) -> list[Finding]:
    """Return the numbers of people in a text that are too small, and percentages of too few."""
    text = plain(text)
    found: dict[int, tuple[int, str]] = {}
    for start, end, what in chain(_numbers(text, policy), _shares(text, policy), _phrases(text, policy)):
        found.setdefault(start, (end, what))
        if len(found) >= _MOST:
            break
    return [
        Finding(
            place,
            quote(text, start, end),
            what,
            core="".join(text[start : end + 12].casefold().split()),
            at_end=len(text[end : end + AROUND].split()) < _FEW_WORDS and text[-1:] not in ".!?",
        )
        for start, (end, what) in sorted(found.items())
    ]


def plain(text: str) -> str:
    text = re.sub("[\u2010-\u2014\u2212]", "-", unicodedata.normalize("NFKC", text))
    text = re.sub("[\u00ad\u200b]", "", text)
    text = re.sub(r"(?<=[a-z])-[ \t]*\n\s*(?=[a-z])", "", text)  # a word broken at the end of a line
    return " ".join(text.split())


def quote(text: str, start: int, end: int) -> str:
    left, right = max(0, start - 40), min(len(text), end + 40)
    return f"{'…' if left else ''}{text[left:right].strip()}{'…' if right < len(text) else ''}"


def value_of(text: str) -> int:
    """Return the number that digits or a word say."""
    said = " ".join(text.casefold().split())
    return VALUES[said] if said in VALUES else int(said.replace(",", ""))


def _numbers(text: str, policy: CellPolicy) -> Iterator[tuple[int, int, str]]:
    for match in A_NUMBER.finditer(text):
        before, after = (
            text[max(0, match.start() - 2 * AROUND) : match.start()],
            text[match.end() : match.end() + AROUND],
        )
        if LARGER.match(after):
            continue
        value = value_of(match[0])
        if is_n(before) or not (LABEL.search(before[-NEAR:]) or MEASURE.match(after)):
            yield from (
                (match.start(), match.end(), what)
                for what in _judged(value, before, after, policy, spelt=match["spelt"] is not None)
            )


def is_n(before: str) -> bool:
    return _N.search(before) is not None


def _judged(value: int, before: str, after: str, policy: CellPolicy, *, spelt: bool) -> Iterator[str]:
    """Yield why a number that counts people may not be said."""
    if fraction := OF_BASE.match(after):
        if counts_people(after[fraction.end() :]) is not False:
            yield from _too_few(value, policy)
            if value_of(fraction["base"]) < policy.min_pct_base:
                yield BASE
        return
    if not stands_for_people(before, after, spelt_one=spelt and value == 1):
        return
    if _ALL.search(before) and 0 < value < policy.min_pct_base:
        yield BASE
    elif bound := _bound(value, before, after):
        if _says_too_much(bound, value, policy):
            yield BOUND
    else:
        yield from _too_few(value, policy)


def _too_few(value: int, policy: CellPolicy) -> Iterator[str]:
    if policy.is_small(value):
        yield SMALL


def stands_for_people(before: str, after: str, *, spelt_one: bool) -> bool:
    if is_n(before) or _NAMED.search(before[-NEAR:]) or _NUMBER_OF.search(before) or _OF_THEM.match(after):
        return True
    if _SHARE_BEFORE.search(before) or (_SHARE_AFTER.match(after) and after.lstrip().startswith("(")):
        return True
    people = counts_people(_without_bound(after))
    if _HEADED.search(before[-2 * NEAR :]) and (people is not False or after.lstrip()[:1].isupper()):
        return True
    if people:
        return not IN_EACH.search(before[-NEAR:])
    if people is False:
        return False
    if spelt_one and PRONOUN.search(before):
        return False
    return bool(_ALL.search(before) or _ONLY.search(before) or WENT_ON.match(after))


def _without_bound(after: str) -> str:
    found = OR_FEWER.match(after) or OR_MORE.match(after)
    return after[found.end() :] if found else after


def _bound(value: int, before: str, after: str) -> str:
    if FEWER.search(before):
        return "<"
    if AT_MOST.search(before) or OR_FEWER.match(after):
        return "<="
    return ">" if _AT_LEAST.search(before) or OR_MORE.match(after) else ""


def _says_too_much(bound: str, value: int, policy: CellPolicy) -> bool:
    """Say whether a bound tells more than that a count is small; “fewer than 6” tells no more."""
    if bound == "<":
        return value < policy.min_count
    return value < policy.min_count - 1 if bound == "<=" else 1 < value < policy.min_count


def _shares(text: str, policy: CellPolicy) -> Iterator[tuple[int, int, str]]:
    """Yield percentages, and fractions with a stroke, whose base is too small."""
    for match in A_SHARE.finditer(text):
        after, before = (
            text[match.end() : match.end() + 2 * AROUND],
            text[max(0, match.start() - AROUND) : match.start()],
        )
        for found, rest in (
            (SHARE_OF.match(after), True),
            (SHARE_N.match(after), False),
            (N_SHARE.search(before), False),
        ):
            if found is None or (rest and counts_people(after[found.end() :]) is False):
                continue
            if 0 < value_of(found["base"]) < policy.min_pct_base:
                yield match.start(), match.end(), BASE
                break
    for match in _SLASHED.finditer(text):
        near = text[max(0, match.start() - 20) : match.start()] + text[match.end() : match.end() + 20]
        few, base = int(match["few"]), int(match["base"])
        if few > base or not (
            A_SHARE.search(near) or counts_people(text[match.end() : match.end() + AROUND])
        ):
            continue
        if policy.is_small(few) or base < policy.min_pct_base:
            yield match.start(), match.end(), SMALL if policy.is_small(few) else BASE


def _phrases(text: str, policy: CellPolicy) -> Iterator[tuple[int, int, str]]:
    """Yield what counts people without a number, and ratios that name their base."""
    if policy.hide_zeros:
        yield from ((match.start(), match.end(), SMALL) for match in NOBODY.finditer(text))
    yield from ((match.start(), match.end(), SMALL) for match in _BOTH.finditer(text))
    for match in _RATIO.finditer(text):
        if value_of(match["base"]) < policy.min_pct_base:
            yield match.start(), match.end(), BASE
