"""The peers, each as its documentation would have one begin: run in a process of its own.

python -m bench.linkage.peers splink|recordlinkage FOLDER

Reads `left.parquet` and `right.parquet`, already in their normal form so that nobody loses by that, and
writes `pairs.parquet`: the ids of the pairs it links, at the points fixed here.
"""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any, Final

import numpy as np
import pyarrow as pa
import pyarrow.parquet as papq

SPLINK_POINT: Final = 0.9
"""Pairs at least this likely are linked: the usual choice for Splink without labels."""
RECORDLINKAGE_POINT: Final = 0.62
"""Share of the possible score at which the rule of the toolkit links."""
THREADS: Final = 4
BLOCKS: Final = (
    ("ssn",),
    ("birth_date", "last_name"),
    ("birth_date", "first_name"),
    ("first_name", "last_name", "zip"),
    ("first_name", "last_name", "address"),
    ("last_name", "address"),
    ("birth_date", "zip"),
)
"""Usual blocks, the same for both peers."""


def _blocks(columns: list[str]) -> list[tuple[str, ...]]:
    return [on for on in BLOCKS if set(on) <= set(columns)]


def splink(left: pa.Table, right: pa.Table) -> pa.Table:
    """Link by Splink, with comparisons of its library, and chance and EM as it does them unasked."""
    import duckdb
    import splink.comparison_library as cl
    from splink import DuckDBAPI, Linker, SettingsCreator, block_on

    columns = left.column_names
    comparisons: dict[str, Any] = {
        "ssn": cl.LevenshteinAtThresholds("ssn", 1),
        "first_name": cl.NameComparison("first_name"),
        "middle_name": cl.ExactMatch("middle_name"),
        "last_name": cl.NameComparison("last_name"),
        "birth_date": cl.DateOfBirthComparison("birth_date", input_is_string=True, datetime_format="%Y%m%d"),
        "sex": cl.ExactMatch("sex"),
        "address": cl.JaroWinklerAtThresholds("address"),
        "zip": cl.ExactMatch("zip"),
    }
    blocks = [block_on(*on) for on in _blocks(columns)]
    settings = SettingsCreator(
        link_type="link_only",
        unique_id_column_name="unique_id",
        comparisons=[made for field, made in comparisons.items() if field in columns],
        blocking_rules_to_generate_predictions=blocks,
    )
    api = DuckDBAPI(duckdb.connect(":memory:", config={"threads": THREADS}))
    tables = [api.register(table, dataset_display_name=name) for name, table in (("l", left), ("r", right))]
    linker = Linker(tables, settings, log_level=None)
    certain = [block_on("ssn", "last_name"), block_on("first_name", "last_name", "birth_date")]
    linker.training.estimate_probability_two_random_records_match(certain, recall=0.7)
    linker.training.estimate_u_using_random_sampling()
    for on in (("birth_date", "last_name"), ("ssn",), ("first_name", "last_name")):
        linker.training.estimate_parameters_using_expectation_maximisation(block_on(*on))
    scored = linker.inference.predict(threshold_match_probability=SPLINK_POINT)
    found = scored.as_duckdbpyrelation().to_arrow_table()
    return pa.table({"left": found["unique_id_l"], "right": found["unique_id_r"]})


def recordlinkage(left: pa.Table, right: pa.Table) -> pa.Table:
    """Link by the Python Record Linkage Toolkit, with a sum of points, half of them for what is missing."""
    import recordlinkage as toolkit

    frames = [table.to_pandas().set_index("unique_id") for table in (left, right)]
    columns = left.column_names
    candidates = None
    for on in _blocks(columns):
        kept = [frame.dropna(subset=list(on)) for frame in frames]
        found = toolkit.Index().block(list(on)).index(*kept)
        candidates = found if candidates is None else candidates.union(found)
    points = {"ssn": 4.0, "first_name": 2.0, "last_name": 2.0, "birth_date": 3.0, "middle_name": 1.0,
              "address": 2.0, "zip": 1.0, "sex": 0.5}  # fmt: skip
    compare = toolkit.Compare()
    for field in ("ssn", "birth_date", "middle_name", "zip", "sex"):
        if field in columns:
            compare.exact(field, field, missing_value=0.5, label=field)
    for field in ("first_name", "last_name", "address"):
        if field in columns:
            compare.string(field, field, method="jarowinkler", missing_value=0.5, label=field)
    features = compare.compute(candidates, *frames)
    weight = np.array([points[field] for field in features.columns])
    linked = features.to_numpy() @ weight >= RECORDLINKAGE_POINT * weight.sum()
    pairs = features.index[linked]
    return pa.table({"left": pairs.get_level_values(0).tolist(), "right": pairs.get_level_values(1).tolist()})


PEERS: Final = {"splink": splink, "recordlinkage": recordlinkage}


def main(name: str, folder: Path) -> None:
    """Run one peer on the files of a folder."""
    tables = [papq.read_table(folder / f"{side}.parquet") for side in ("left", "right")]
    papq.write_table(PEERS[name](*tables), folder / "pairs.parquet")


if __name__ == "__main__":
    main(sys.argv[1], Path(sys.argv[2]))
