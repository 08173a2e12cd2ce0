"""The words that say whether a number in a sentence stands for people."""

import re
from typing import Final

_ONES: Final = (
    "zero one two three four five six seven eight nine ten eleven twelve thirteen fourteen fifteen sixteen "
    "seventeen eighteen nineteen"
).split()
_TENS: Final = "twenty thirty forty fifty sixty seventy eighty ninety".split()
VALUES: Final = (
    {word: value for value, word in enumerate(_ONES)}
    | {word: 10 * place for place, word in enumerate(_TENS, start=2)}
    | {
        f"{ten}{mark}{one}": 10 * place + value
        for place, ten in enumerate(_TENS, start=2)
        for value, one in enumerate(_ONES[:10])
        if value
        for mark in "- "
    }
)
_SPELT: Final = "|".join(sorted(VALUES, key=len, reverse=True))
NUMBER: Final = (
    r"(?:(?<![\w.,$#/§€£-])|(?<=\d[-/])|(?<=[(=:<>]))"
    rf"(?P<digits>\d{{1,3}}(?:,\d{{3}})+|\d+)(?![\w]|[.,:]\d)|\b(?P<spelt>{_SPELT})\b(?!-)"
)
ANY_NUMBER: Final = rf"(?:\d{{1,3}}(?:,\d{{3}})+|\d+(?![.,]\d|\d)|(?:{_SPELT})\b)"
LARGER: Final = re.compile(r"\s+(hundred|thousand|million|billion|dozen|score)\b", re.IGNORECASE)

PERSON: Final = (
    r"(?:(?:under)?graduates?|pupils?|(?:school)?child(?:ren)?|kids?|youths?|individuals?|persons?|people|"
    r"participants?|respondents?|girls?|boys?|males?|females?|m[ae]n|wom[ae]n|teens?|teenagers?|adolescents?|"
    r"adults?|infants?|toddlers?|seniors?|juniors?|sophomores?|fresh(?:m[ae]n|ers?)|learners?|students?|"
    r"enrollees?|completers?|non-?completers?|leavers?|drop-?outs?|workers?|employees?|earners?|clients?|"
    r"famil(?:y|ies)|households?|parents?|mothers?|fathers?|teachers?|subjects?|members?|veterans?|recipients?|"
    r"beneficiar(?:y|ies)|applicants?|residents?|apprentices?|trainees?|claimants?|patients?|refugees?|"
    r"immigrants?|citizens?|offenders?|inmates?|candidates?|alumn[ai]e?|alumnus|siblings?|cases|diplomas?|"
    r"transfers|registrants?|takers?|test-takers?|scholars?|athletes?|survivors?|orphans?|wards)"
)
PERSON_WORD: Final = re.compile(rf"{PERSON}\b", re.IGNORECASE)
# Before a number: then it names a thing and counts nothing.
LABEL: Final = re.compile(
    r"(?:\b(?:tables?|figures?|figs?\.?|pages?|pp?\.|sections?|sec\.|chapters?|grades?|years?|ages?|aged|"
    r"levels?|tiers?|class(?:es)?|cohorts?|phases?|waves?|groups?|steps?|questions?|items?|models?|"
    r"appendi(?:x|ces)|columns?|rows?|parts?|titles?|types?|stages?|quarters?|terms?|semesters?|districts?|"
    r"wards?|regions?|versions?|(?:foot)?notes?|exhibits?|articles?|slides?|box(?:es)?|options?|hypothes[ie]s|"
    r"stud(?:y|ies)|equations?|releases?|schools?|sites?|zones?|panels?|charts?|no\.|numbers?|area|sic|naics|"
    r"january|february|march|april|may|june|july|august|september|october|november|december|act|law|usc|cfr|"
    r"u\.s\.c\.|c\.f\.r\.|code|rule|line|goal|objective|round|lag|quartiles?|quintiles?|deciles?)|§§?|#)"
    rf"\s*(?:{ANY_NUMBER}\s*(?:,|and|or|to|through|-|–|&)\s*)*$",
    re.IGNORECASE,
)
# After a number: then it measures something else.
MEASURE: Final = re.compile(
    r"\s?%|\s*(?:per\s?cent|percentage|years?|months?|weeks?|days?|hours?|minutes?|credits?|points?|times|"
    r"degrees?|dollars?|cents?|miles?|standard|decimal|digits?|semesters?|terms?|quarters?|a\.m|p\.m|am|pm)\b",
    re.IGNORECASE,
)
_GRADE: Final = re.compile(r"\bgrade[\s-]+\d+\b", re.IGNORECASE)
# Between a number and its noun these do not stand.
_STOPS: Final = frozenset(
    "and or in at on by to from with than for per was is are were had have has who whom that which while "
    "when but as if not because so then out about into over under between after before since until during "
    "the a an its their his her our this these those each every more fewer less most of percent times".split()
)
_NOT_PLURAL: Final = frozenset(
    "sports arts sciences humanities business communications always less previous".split()
)
WENT_ON: Final = re.compile(
    r"\s+(?:others?\s+)?(?:were|was|had|did|dropped|graduated|enrolled|left|died|completed|transferred|remained|"
    r"withdrew|failed|passed|earned|received|reported|became|went|moved|attended|repeated|returned|never|"
    r"found\s+work|who)\b",
    re.IGNORECASE,
)
PRONOUN: Final = re.compile(
    r"\b(?:this|that|which|no|any|every|each|the|another|some|first|last|second|latter|former|new|such|other)\s+$",
    re.IGNORECASE,
)
_WORD: Final = re.compile(r"\s+([A-Za-z][A-Za-z'’/-]*)")


def counts_people(after: str) -> bool | None:
    """Say whether the noun that follows a number means people; None if no noun follows."""
    after, at = _GRADE.sub("grade", after), 0
    for _ in range(5):
        if PERSON_WORD.match(after[at:].lstrip()):
            return True
        found = _WORD.match(after, at)
        if found is None:
            return None
        word = found[1].casefold()
        if word in _STOPS:
            return None
        if word.endswith("s") and not word.endswith("ss") and len(word) > 3 and word not in _NOT_PLURAL:
            return False
        at = found.end()
    return False
