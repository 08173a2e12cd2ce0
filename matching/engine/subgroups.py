"""For whom the linkage works less well: how often each subgroup is matched, and which lie behind."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from matching.engine import coded, defaults
from matching.engine.coded import UNKNOWN as UNKNOWN_CODE
from matching.engine.coded import Records
from matching.engine.engines import meetings
from matching.engine.spec import File, Spec

POINTS_BELOW: Final = 0.03
"""A subgroup matched or, by estimate, found this much less often than its whole is listed as behind."""
_Z: Final = 1.96
_BAND: Final = 5
"""Years of birth are told in bands of so many."""
_MOST_LABELS: Final = 20
_LONGEST_LABEL: Final = 40
_LEAST_ROWS: Final = 10
UNKNOWN: Final = "not known"
SHARED: Final = "surname and birth date of somebody else too"
"""As twins' are."""
_NUMBERS: Final = ("ssn", "sasid", "birth_date", "middle_name")


def of_files(
    spec: Spec,
    prepared: Mapping[str, Records | pa.Table],
    met: Mapping[tuple[str, str], np.ndarray],
    shared: Mapping[str, np.ndarray],
) -> list[dict[str, Any]]:
    """Return the match rate of each subgroup of each file, its interval, and whether it is behind."""
    found = []
    for name in spec.files:
        matched = matched_rows(name, met)
        if matched is None:
            continue
        (records,) = coded.together(prepared[name])
        for dimension, labels in _dimensions(records, spec.fields_of(name), shared.get(name)):
            found.append({"file": name, **by(dimension, labels, matched)})
    return found


def of_columns(name: str, table: pa.Table, file: File, matched: np.ndarray) -> list[dict[str, Any]]:
    """Return the same for the columns that a file has for nothing else, such as race and ethnicity.

    A column that is no short list of codes is left out, for its values could be anything.
    """
    made = []
    for column in file.groups:
        labels = codes_of(table[column])
        if labels is not None:
            made.append({"file": name, **by(column, labels, matched)})
    return made


@dataclass(frozen=True)
class Labels:
    """Which group each row is of: the number of its group's name."""

    number: np.ndarray
    names: Sequence[str]


def by(dimension: str, labels: Labels, hit: np.ndarray) -> dict[str, Any]:
    """Return how often each group was hit, against the whole.

    A hit is a record that was matched or, where the truth is known, a true pair that was linked: then the
    rate is recall.
    """
    whole = float(hit.mean())
    names, place = np.unique(np.array(labels.names, dtype=str), return_inverse=True)
    sizes, hits = (
        np.bincount(place, weights=np.bincount(rows, minlength=len(place)), minlength=len(names))
        for rows in (labels.number, labels.number[hit.astype(bool)])
    )
    groups = [
        {"group": str(name), **rate(int(hits[n]), int(sizes[n]), whole)}
        for n, name in enumerate(names)
        if sizes[n]
    ]
    return {"by": dimension, "whole": {"count": int(hit.sum()), "of": len(hit)}, "groups": groups}


def rate(count: int, of: int, whole: float, *, doubt: float = 0.0) -> dict[str, Any]:
    """Return a rate with its 95 % interval after Wilson, and whether it is behind the whole.

    `doubt` is the standard error of a rate that is an estimate itself; it widens the interval.
    """
    share = count / of
    middle = (share + _Z**2 / (2 * of)) / (1 + _Z**2 / of)
    half = _Z / (1 + _Z**2 / of) * (share * (1 - share) / of + _Z**2 / (4 * of**2)) ** 0.5
    half = (half**2 + (_Z * doubt) ** 2) ** 0.5
    return {
        "count": count,
        "of": of,
        "low": min(share, max(0.0, middle - half)),
        "high": max(share, min(1.0, middle + half)),
        "behind": share < whole - POINTS_BELOW,
    }


def behind(found: Sequence[Mapping[str, Any]], *, of: Sequence[str] = ("file",)) -> list[dict[str, Any]]:
    """Return every subgroup that lies more than three points below its whole, the furthest first.

    `of` is what names whose whole that is: a file, or the two files of a pair.
    """
    listed = [
        {
            **{name: entry[name] for name in of},
            "by": entry["by"],
            "group": group["group"],
            "rate": group["count"] / group["of"],
            "whole": entry["whole"]["count"] / entry["whole"]["of"],
            "low": group["low"],
            "high": group["high"],
            "size": group["of"],
        }
        for entry in found
        for group in entry["groups"]
        if group["behind"] and group["of"] and entry["whole"]["count"] is not None
    ]
    return sorted(listed, key=lambda one: one["rate"] - one["whole"])


def matched_rows(name: str, met: Mapping[tuple[str, str], np.ndarray]) -> np.ndarray | None:
    """Return which rows of a file stand together with a row of another, or None if there is no other."""
    others = [rows for (one, _), rows in met.items() if one == name]
    if not others or not len(others[0]):
        return None
    return np.asarray(np.logical_or.reduce(others))


def shared(spec: Spec, prepared: Mapping[str, Records | pa.Table]) -> dict[str, np.ndarray]:
    """Mark in each file that can tell it the rows whose surname and birth date somebody else has too."""
    told = frozenset({"last_name", "birth_date", "first_name"})
    return {name: _shared(prepared[name]) for name in spec.files if told <= spec.fields_of(name)}


def _dimensions(
    records: Records, fields: frozenset[str], shared: np.ndarray | None
) -> Iterator[tuple[str, Labels]]:
    """Yield the ways in which a file's rows are grouped."""
    if "sex" in fields:
        yield "sex", _labels(records, "sex")
    if "birth_date" in fields:
        years = _labels(records, "birth_year")
        yield "year of birth", Labels(years.number, [_band(year) for year in years.names])
    for field in _NUMBERS:
        if field in fields:
            yield f"{defaults.WORDS[field]} on file", _yes_no(records.known(field))
    if "last_name" in fields:
        yield "surname of two parts", _yes_no(_of_two_parts(records))
    if shared is not None:
        yield SHARED, _yes_no(shared)


def _of_two_parts(records: Records) -> np.ndarray:
    as_second = np.append(records.coding.same("last_a", "last_b"), np.int32(UNKNOWN_CODE))
    several = as_second[records.codes("last_a")] != records.codes("last_b")
    return several & records.known("last_a")


def _shared(file: Records | pa.Table) -> np.ndarray:
    """Mark rows whose surname and birth date the file also holds with another first name, as twins' are."""
    (records,) = coded.together(file)
    last, born, first = (records.codes(c).astype(np.int64) for c in ("last_name", "birth_date", "first_name"))
    known = np.flatnonzero((last >= 0) & (born >= 0) & (first >= 0))
    key = last[known] * (len(records.values("birth_date")) + 1) + born[known]
    perhaps = meetings.several(key)
    known, key = known[perhaps], key[perhaps]
    order = np.argsort(key)
    key, name = key[order], first[known][order]
    start = np.flatnonzero(np.concatenate([[True], key[1:] != key[:-1]])[: len(key)])
    size = np.diff(np.append(start, len(key)))
    several = (
        np.minimum.reduceat(name, start) != np.maximum.reduceat(name, start) if len(start) else start > 0
    )
    shared = np.zeros(records.num_rows, dtype=bool)
    shared[known[order[np.repeat(several, size)]]] = True
    return shared


def _labels(records: Records, column: str) -> Labels:
    """Return the values of a column as groups; what is missing is a group of its own, the last."""
    names = records.values(column).to_pylist()
    codes = records.codes(column)
    return Labels(np.where(codes < 0, len(names), codes), [*names, UNKNOWN])


def _band(year: str) -> str:
    if year == UNKNOWN:
        return year
    start = int(year) // _BAND * _BAND
    return f"{start}–{start + _BAND - 1}"


def _yes_no(marks: np.ndarray) -> Labels:
    return Labels(marks.astype(np.int64), ("no", "yes"))


def labels_of(column: pa.ChunkedArray) -> Labels:
    """Return the values of a column as groups; what is missing is a group of its own."""
    encoded = column.cast(pa.string()).combine_chunks().dictionary_encode()
    names = encoded.dictionary.to_pylist()
    number = pc.fill_null(encoded.indices, len(names)).to_numpy(zero_copy_only=False)
    return Labels(number, [*names, UNKNOWN])


def codes_of(column: pa.ChunkedArray) -> Labels | None:
    """Return the codes of a column, the rare ones together, or None if they are not codes."""
    labels = labels_of(filled(column))
    return without_rare(labels) if are_codes(labels.names[:-1]) else None


def filled(column: pa.ChunkedArray) -> pa.ChunkedArray:
    """Return a column as text, trimmed; a blank cell is missing."""
    text = pc.utf8_trim_whitespace(column.cast(pa.string()))
    return pc.if_else(pc.equal(text, ""), pa.scalar(None, pa.string()), text)


def are_codes(values: Sequence[str]) -> bool:
    """Say whether a column's values are a short list of codes; else they could be anything."""
    return len(values) <= _MOST_LABELS and all(len(value) <= _LONGEST_LABEL for value in values)


def without_rare(labels: Labels) -> Labels:
    """Return the groups with the rare ones together; the last is of those of whom nothing is known."""
    often = np.bincount(labels.number, minlength=len(labels.names)) >= _LEAST_ROWS
    words = [code if often[number] else "other values" for number, code in enumerate(labels.names[:-1])]
    return Labels(labels.number, [*words, UNKNOWN])
