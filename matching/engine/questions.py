"""The questions of quality that every match answers, from the numbers of its report alone.

What numbers cannot tell is left to the hub's staff, who find beside the question what the numbers raise.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from matching.engine import defaults
from matching.engine.page_words import HIDDEN, not_by_group, percent, share, with_count

_LOW_PRECISION: Final = 0.99
_LOW_RECALL: Final = 0.95
_MANY_MISSING: Final = 0.05
_NUMBERS: Final = frozenset({"ssn", "sasid"})

QUESTIONS: Final = {
    "fields": "Which fields were there to link by?",
    "confidence": "How sure are the links?",
    "nulls": "How much is missing in each field?",
    "unmatched": "Who is not matched?",
    "proxies": "Does a field stand in for something else?",
    "bias": "Is any group matched less often?",
    "weighed": "Does the concern outweigh the insight?",
}
"""What is answered for each match (O-112), by its name."""


@dataclass(frozen=True)
class Answer:
    """One question with what the numbers say to it, and what in them gives cause for concern.

    With `staff`, the numbers do not settle it: somebody of the hub answers in words.
    """

    slug: str
    says: tuple[str, ...]
    concerns: tuple[str, ...] = ()
    staff: bool = False

    @property
    def question(self) -> str:
        """Return the question in words."""
        return QUESTIONS[self.slug]


def answers(report: Mapping[str, Any]) -> tuple[Answer, ...]:
    """Return the questions of quality with their answers, from a report, suppressed or not."""
    derived = (
        _fields(report),
        _confidence(report),
        _missing(report),
        _not_matched(report),
        _proxies(report),
        _bias(report),
    )
    concerns = tuple(concern for answer in derived for concern in answer.concerns)
    weighed = Answer(
        "weighed",
        concerns or ("The numbers of this match raise no concern.",),
        staff=True,
    )
    return (*derived, weighed)


def _fields(report: Mapping[str, Any]) -> Answer:
    says = tuple(f"{_of(pair)}: {_listed(_compared(pair))}." for pair in report["pairs"])
    says += tuple(
        f"{pair['left']} and {pair['right']} were not compared directly: {pair['reason']}."
        for pair in report["not_compared"]
    )
    few = tuple(
        f"{_of(pair)} shares no number of a person."
        for pair in report["pairs"]
        if not _NUMBERS & _held(pair) and not report.get("encoded")
    )
    return Answer("fields", says or ("None.",), few)


def _confidence(report: Mapping[str, Any]) -> Answer:
    told = report["estimates"]
    says = [
        f"Of the links made, {percent(told['precision'])} are estimated to be right.",
        f"Of the likely pairs among the candidates, {percent(told['recall'])} are estimated to be linked.",
        f"{percent(told['share_automatic'])} of the expected links lie in the automatic band, estimated right"
        f" at {percent(told['precision_automatic'])}.",
    ]
    concerns = []
    if told["precision"] is not None and told["precision"] < _LOW_PRECISION:
        concerns.append(
            f"More than one link in a hundred is estimated to be wrong ({percent(told['precision'])} right)."
        )
    for entry in report.get("recall", []):
        if entry["recall"] is not None:
            says.append(
                f"{_of(entry)}: by two independent ways of finding them, {percent(entry['recall'])} of all"
                f" true pairs are linked ({percent(entry['low'])} to {percent(entry['high'])})."
            )
            if entry["recall"] < _LOW_RECALL:
                concerns.append(
                    f"{_of(entry)}: an estimated {percent(1 - entry['recall'])} of true pairs is missed."
                )
    return Answer("confidence", tuple(says), tuple(concerns))


def _missing(report: Mapping[str, Any]) -> Answer:
    says, concerns = [], []
    for name, file in report["files"].items():
        parts = []
        for field in file["fields"]:
            held = share(field["usable"])
            words = HIDDEN if held is None else percent(1 - held)
            parts.append(f"{defaults.WORDS[field['field']]} {words}")
            if held is not None and 1 - held > _MANY_MISSING:
                concerns.append(
                    f"{name}: {defaults.WORDS[field['field']]} is missing or unusable in"
                    f" {percent(1 - held)} of rows."
                )
        says.append(f"{name}, missing or unusable: {_listed(parts)}.")
    return Answer("nulls", tuple(says), tuple(concerns))


def _not_matched(report: Mapping[str, Any]) -> Answer:
    says = []
    for entry in report["match_rates"]:
        held = share(entry)
        without = HIDDEN if held is None else percent(1 - held)
        says.append(f"{entry['file']}: {without} of rows have nobody in {entry['with']}.")
    concerns = []
    for entry in report.get("recall", []):
        for side in entry["unlinkable"]:
            if side["count"]:
                says.append(
                    f"{side['file']}, in {_of(entry)}: {with_count(side)} hold too little to be"
                    " linked at all."
                )
            if (of_all := share(side)) and of_all > _MANY_MISSING:
                concerns.append(f"{side['file']}: {percent(of_all)} of rows hold too little to be linked.")
    if not report["match_rates"]:
        says.append("One file was searched for repeated people; nobody is left out.")
    return Answer("unmatched", tuple(says), tuple(dict.fromkeys(concerns)))


def _proxies(report: Mapping[str, Any]) -> Answer:
    says, concerns = [], []
    for pair in report["pairs"]:
        for entry in pair.get("likely_pairs", []):
            if entry["by"] != "number held by both":
                continue
            counts = {group["pairs"]: group["count"] for group in entry["groups"]}
            if None in counts.values():
                says.append(f"{_of(pair)}: links without a number held by both: {HIDDEN}.")
                continue
            links = sum(counts.values())
            part = counts["no"] / links if links else 0.0
            says.append(
                f"{_of(pair)}: {counts['no']:,} of {links:,} links ({percent(part)}) rest on names, dates and"
                " places that stand in for a number of the person."
            )
            if part > _MANY_MISSING:
                concerns.append(f"{_of(pair)}: {percent(part)} of links rest on no number of the person.")
    through = [f"{p['left']} and {p['right']}" for p in report["not_compared"] if "through" in p["reason"]]
    if through:
        says.append(f"{_listed(through)} meet only through another file, which stands in for a comparison.")
    return Answer(
        "proxies",
        tuple(says) or ("Nothing that the numbers show.",),
        tuple(concerns),
        staff=True,
    )


def _bias(report: Mapping[str, Any]) -> Answer:
    missed = tuple(
        f"{_of(one)}, {one['by']} {one['group']}: by estimate {percent(one['rate'])} of {one['size']:,} true"
        f" pairs are linked ({percent(one['low'])} to {percent(one['high'])}); all {percent(one['whole'])}."
        for one in report.get("recall_behind", [])
    )
    missed += tuple(filter(None, [not_by_group(report)]))
    matched = _matched_less_often(report)
    return Answer("bias", (*matched.says, *missed), (*matched.concerns, *missed))


def _matched_less_often(report: Mapping[str, Any]) -> Answer:
    listed = tuple(
        f"{one['file']}, {one['by']} {one['group']}: {percent(one['rate'])} matched of {one['size']:,}"
        f" ({percent(one['low'])} to {percent(one['high'])}); whole file {percent(one['whole'])}."
        for one in report.get("behind", [])
    )
    rates = [group["count"] for entry in report["subgroups"] for group in entry["groups"]]
    if not rates:
        said = "No group was looked at: the files hold nothing that tells groups apart."
        return Answer("bias", (said,), ("Whether a group is matched less often is not known.",))
    hidden = rates.count(None)
    if hidden == len(rates):
        said = "Every group is too small to be shown."
        return Answer("bias", (said,), ("Whether a group is matched less often cannot be told here.",))
    seen = "None of the groups that are large enough to be shown is" if hidden else "No group is"
    none = f"{seen} matched more than three points less often than the whole of its file."
    looked = f"Looked at by {_listed(sorted({entry['by'] for entry in report['subgroups']}))}."
    return Answer("bias", (*(listed or (none,)), looked), listed)


def _compared(pair: Mapping[str, Any]) -> list[str]:
    return [defaults.WORDS[field] for field in dict.fromkeys(entry["field"] for entry in pair["weights"])]


def _held(pair: Mapping[str, Any]) -> frozenset[str]:
    return frozenset(entry["field"] for entry in pair["weights"])


def _of(pair: Mapping[str, Any]) -> str:
    if pair["left"] == pair["right"]:
        return f"{pair['left']} within itself"
    return f"{pair['left']} with {pair['right']}"


def _listed(parts: Sequence[str]) -> str:
    return " and ".join(filter(None, [", ".join(parts[:-1]), *parts[-1:]])) or "nothing"
