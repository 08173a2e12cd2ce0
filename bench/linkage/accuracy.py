"""How right links are: over all pairs of the two files, and for those whom linkage easily fails."""

from __future__ import annotations

from typing import Any, Final

import numpy as np
import pandas as pd
import pyarrow as pa

from bench.linkage.files import Made

_Z: Final = 1.96
_BEHIND: Final = 0.03


def persons(made: Made) -> pd.Series:
    """Return the person of every id."""
    ids = made.left["unique_id"].to_pylist() + made.right["unique_id"].to_pylist()
    return pd.Series(np.concatenate([made.left_person, made.right_person]), index=ids)


def pairs_of(crosswalk: pd.DataFrame) -> pd.DataFrame:
    """Return the pairs of rows of the two files that a crosswalk gives one link id."""
    sides = [crosswalk[crosswalk["file"] == name][["link_id", "id"]] for name in ("a", "b")]
    both = sides[0].merge(sides[1], on="link_id", suffixes=("_l", "_r"))
    return both.rename(columns={"id_l": "left", "id_r": "right"})[["left", "right"]]


def judge(made: Made, links: pa.Table | pd.DataFrame) -> dict[str, Any]:
    """Return precision, recall and F1 over the pairs between the files, whole and by subgroup."""
    frame = links.to_pandas() if isinstance(links, pa.Table) else links
    person = persons(made)
    one, other = person.loc[frame["left"]].to_numpy(), person.loc[frame["right"]].to_numpy()
    right = one == other
    truth = _true_pairs(made)
    hit = np.bincount(one[right], minlength=len(made.people))
    whole = _figures(int(right.sum()), len(frame), int(truth.sum()))
    groups = {}
    for name, mask in _groups(made.people).items():
        linked = mask[one]
        found, of = int(hit[mask].sum()), int(truth[mask].sum())
        figures = _figures(int((right & linked).sum()), int(linked.sum()), of)
        low, high = _interval(found, of)
        groups[name] = figures | {"true_pairs": of, "recall_from": low, "recall_to": high}
    behind = [name for name, told in groups.items() if told["recall"] < whole["recall"] - _BEHIND]
    return {**whole, "true_pairs": int(truth.sum()), "groups": groups, "behind": behind}


def _true_pairs(made: Made) -> np.ndarray:
    count = len(made.people)
    lefts = np.bincount(made.left_person, minlength=count)
    return lefts * np.bincount(made.right_person, minlength=count)


def _groups(people: pd.DataFrame) -> dict[str, np.ndarray]:
    female, twin = people["female"].to_numpy(bool), people["twin"].to_numpy(bool)
    changed, missing = people["changed"].to_numpy(bool), people["missing"].to_numpy(bool)
    return {
        "women": female, "men": ~female, "surname changed": changed, "an SSN missing": missing,
        "both SSNs there": ~missing, "twins": twin,
    }  # fmt: skip


def _figures(right: int, linked: int, true: int) -> dict[str, float]:
    return {
        "precision": round(right / linked, 5) if linked else 1.0,
        "recall": round(right / true, 5) if true else 1.0,
        "f1": round(2 * right / (linked + true), 5) if linked + true else 1.0,
    }


def _interval(count: int, of: int) -> tuple[float, float]:
    """Return the 95 % interval of a share after Wilson."""
    if not of:
        return 0.0, 1.0
    share, z = count / of, _Z**2 / of
    middle = (share + z / 2) / (1 + z)
    half = _Z / (1 + z) * (share * (1 - share) / of + z / 4 / of) ** 0.5
    return round(middle - half, 4), round(min(1.0, middle + half), 4)
