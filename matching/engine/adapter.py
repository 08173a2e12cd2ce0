"""Every call into DuckDB, Splink and recordlinkage: a new version of one of them touches this file alone.

DuckDB spills plaintext to disk when it may. Here it may not: no temporary directory, a memory limit, no
access to files or network, no extensions, and the configuration locked. The loggers of the others are
silent: Splink's writes SQL.
"""

from __future__ import annotations

import logging
import warnings
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from importlib.metadata import version
from typing import TYPE_CHECKING, Any, Final

import duckdb
import numpy as np
import pyarrow as pa

from matching.engine.errors import LinkageError, NeedsMoreMemory

if TYPE_CHECKING:
    import pandas as pd

LEFT: Final = "a_left"
RIGHT: Final = "b_right"
_WORKING_MEMORY: Final = 64 * 2**20
_PIECE: Final = 122_880
_LOCKS: Final = (
    "SET temp_directory=''",
    "SET autoinstall_known_extensions=false",
    "SET autoload_known_extensions=false",
    "SET allow_community_extensions=false",
    "SET python_enable_replacements=false",
    "SET enable_progress_bar=false",
    "SET preserve_insertion_order=true",
    "SET enable_external_access=false",
    "SET lock_configuration=true",
)
_ASSERTED: Final = {
    "temp_directory": "",
    "enable_external_access": False,
    "autoinstall_known_extensions": False,
    "autoload_known_extensions": False,
    "lock_configuration": True,
}
_UNITS: Final = {"KiB": 2**10, "MiB": 2**20, "GiB": 2**30, "TiB": 2**40}
_ROUNDED: Final = 1.06  # the database says its limit to one decimal

Connection = duckdb.DuckDBPyConnection


def versions() -> dict[str, str]:
    """Return the versions of the libraries that link."""
    return {
        name: version(name) for name in ("duckdb", "splink", "recordlinkage", "pyarrow", "numpy", "pandas")
    }


@contextmanager
def quiet(what: str) -> Iterator[None]:
    """Run a step of a library, so that neither its warnings nor its errors can show a value.

    :raises NeedsMoreMemory: if DuckDB reached its limit
    :raises LinkageError: if the library failed otherwise; only the kind of error is told
    """
    for name in ("splink", "recordlinkage"):
        logger = logging.getLogger(name)
        logger.setLevel(logging.CRITICAL + 1)
        logger.propagate = False
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            yield
    except LinkageError:
        raise
    except Exception as error:  # noqa: BLE001 - whatever a library says may hold values
        if any(isinstance(one, duckdb.OutOfMemoryException | MemoryError) for one in _behind(error)):
            raise NeedsMoreMemory(
                f"The memory limit was reached while {what}; give the run more memory."
            ) from None
        raise LinkageError(f"The linkage library failed while {what} ({type(error).__name__}).") from None


def _behind(error: BaseException | None) -> Iterator[BaseException]:
    """Yield an error and what it arose from: Splink puts its own kind over the database's."""
    while error is not None:
        yield error
        error = error.__cause__ or error.__context__


def allowed(memory: int) -> int:
    """Return what a step may use: what it was given, but never less than it could start with."""
    return max(memory, _WORKING_MEMORY)


@contextmanager
def database(*, memory: int, threads: int) -> Iterator[Connection]:
    """Open a database in memory that can neither spill nor reach anything outside, and close it again.

    :raises LinkageError: if a lock did not take
    """
    limit = allowed(memory)
    connection = duckdb.connect(
        ":memory:", config={"threads": threads, "memory_limit": f"{limit // 2**20}MiB"}
    )
    try:
        for lock in _LOCKS:
            connection.execute(lock)
        for setting, wanted in _ASSERTED.items():
            if _row(connection, f"SELECT current_setting('{setting}')")[0] != wanted:
                raise LinkageError(f"DuckDB did not take the setting {setting}; nothing was linked.")
        held, unit = _row(connection, "SELECT current_setting('memory_limit')")[0].split()
        if float(held) * _UNITS[unit] > limit * _ROUNDED:
            raise LinkageError("DuckDB did not take the limit of its memory; nothing was linked.")
        yield connection
    finally:
        connection.close()


def load(connection: Connection, name: str, table: pa.Table, blocks: Sequence[Sequence[str]]) -> None:
    """Copy a prepared file into the database, with one key for each block: null where a column is."""
    keys = [
        f"CASE WHEN {_held(on)} THEN hash({', '.join(on)}) END AS k{number}"
        for number, on in enumerate(blocks)
    ]
    connection.register("incoming", table)
    connection.execute(f"CREATE TABLE {name} AS SELECT {', '.join(['*', *keys])} FROM incoming")  # noqa: S608
    connection.unregister("incoming")


def _held(on: Sequence[str]) -> str:
    return " AND ".join(f"{column} IS NOT NULL" for column in on)


def cap_block(
    connection: Connection, number: int, *, one_file: bool, key_cap: int, total_cap: int
) -> dict[str, int]:
    """Take the fullest keys out of a block, and return its pairs, and the keys and pairs taken out."""
    key, other = f"k{number}", LEFT if one_file else RIGHT
    pairs = "a.n * (a.n - 1) // 2" if one_file else "a.n * b.n"
    connection.execute(
        f"""CREATE TEMP TABLE full_keys AS
        WITH a AS (SELECT {key} AS k, count(*)::HUGEINT AS n FROM {LEFT} WHERE {key} IS NOT NULL GROUP BY 1),
             b AS (SELECT {key} AS k, count(*)::HUGEINT AS n FROM {other} WHERE {key} IS NOT NULL GROUP BY 1),
             sizes AS (SELECT a.k, {pairs} AS pairs FROM a JOIN b ON a.k = b.k),
             running AS (SELECT k, pairs, sum(pairs) OVER (ORDER BY pairs, k) AS so_far FROM sizes)
        SELECT k, pairs, pairs > {key_cap} OR so_far > {total_cap} AS dropped FROM running"""  # noqa: S608
    )
    kept, keys, lost = _row(
        connection,
        "SELECT coalesce(sum(pairs) FILTER (NOT dropped), 0)::BIGINT, count(*) FILTER (dropped),"
        " coalesce(sum(pairs) FILTER (dropped), 0)::DOUBLE FROM full_keys",
    )
    if keys:
        for table in {LEFT, other}:
            connection.execute(
                f"UPDATE {table} SET {key} = NULL WHERE {key} IN (SELECT k FROM full_keys WHERE dropped)"  # noqa: S608
            )
    connection.execute("DROP TABLE full_keys")
    return {"pairs": int(kept), "keys_left_out": int(keys), "pairs_left_out": int(lost)}


def certain_pairs(connection: Connection, on: Sequence[str], *, one_file: bool) -> int:
    """Return how many records of the smaller side agree on all these columns with few enough of the other."""
    if one_file:
        query = f"SELECT sum(n - 1) FROM ({_counted(LEFT, on)}) WHERE n < 4"  # noqa: S608
    else:
        query = f"SELECT sum(least(a.n, b.n)) FROM {_joined(on)} WHERE a.n < 4 AND b.n < 4"  # noqa: S608
    return int(_row(connection, query)[0] or 0)


def agreeing_pairs(connection: Connection, on: Sequence[str], *, one_file: bool) -> float:
    """Return how many pairs agree on all these columns."""
    if one_file:
        query = f"SELECT sum(n::DOUBLE * (n - 1) / 2) FROM ({_counted(LEFT, on)})"  # noqa: S608
    else:
        query = f"SELECT sum(a.n::DOUBLE * b.n) FROM {_joined(on)}"  # noqa: S608
    return float(_row(connection, query)[0] or 0.0)


def _counted(table: str, on: Sequence[str]) -> str:
    columns = ", ".join(on)
    return f"SELECT {columns}, count(*) AS n FROM {table} WHERE {_held(on)} GROUP BY {columns}"  # noqa: S608


def _joined(on: Sequence[str]) -> str:
    return f"({_counted(LEFT, on)}) a JOIN ({_counted(RIGHT, on)}) b USING ({', '.join(on)})"


def copy(connection: Connection, name: str, table: pa.Table, columns: str = "*") -> None:
    """Copy columns of a table, or what is made from them, into the database."""
    # In pieces of the database's own size, so that all threads have work.
    connection.register("incoming", pa.Table.from_batches(table.to_batches(_PIECE), table.schema))
    connection.execute(f"CREATE TABLE {name} AS SELECT {columns} FROM incoming")  # noqa: S608
    connection.unregister("incoming")


def run(connection: Connection, query: str) -> None:
    """Run a query that gives nothing."""
    connection.execute(query).fetchall()


def over(connection: Connection, table: pa.Table, columns: str) -> pa.Table:
    """Return what is made from the columns of a table, row by row and in its order."""
    connection.register("incoming", pa.Table.from_batches(table.to_batches(_PIECE), table.schema))
    made = connection.sql(f"SELECT {columns} FROM incoming").to_arrow_table()  # noqa: S608
    connection.unregister("incoming")
    return made


def table(connection: Connection, query: str) -> pa.Table:
    """Return what a query gives."""
    return connection.sql(query).to_arrow_table()


def _row(connection: Connection, query: str) -> tuple[Any, ...]:
    """Return the one row of a query, read to its end, as the next use of the connection requires."""
    (row,) = connection.execute(query).fetchall()
    return row


class SplinkModel:
    """Splink on one pair of files: trained on one thread, so that the same input gives the same model."""

    def __init__(self, connection: Connection, settings: Mapping[str, Any], *, one_file: bool) -> None:
        from splink import DuckDBAPI, Linker

        api = DuckDBAPI(connection)
        tables = [
            api.register(name, dataset_display_name=name) for name in ([LEFT] if one_file else [LEFT, RIGHT])
        ]
        self._linker = Linker(tables, dict(settings), log_level=None, validate_settings=False)

    def learn_chance(self, *, pairs: int, seed: int) -> None:
        """Learn how often records of different people agree, from random pairs."""
        self._linker.training.estimate_u_using_random_sampling(
            max_pairs=pairs, seed=seed, min_count_per_level=None, num_chunks=1
        )

    def learn_agreement(self, on: Sequence[str], *, pairs: int | None) -> bool:
        """Learn how often records of one person agree, from pairs that agree on these columns.

        Returns False if there is no such pair.
        """
        from splink import block_on
        from splink.internals.exceptions import EMTrainingException

        try:
            self._linker.training.estimate_parameters_using_expectation_maximisation(
                block_on(*on),
                estimate_without_term_frequencies=True,
                max_pairs=pairs,
                record_sample_proportion=0.2,
            )
        except EMTrainingException:
            return False
        return True

    def settings(self) -> dict[str, Any]:
        """Return the settings with all that was learnt."""
        return self._linker.misc.save_model_to_json()

    def predict(self, *, least_weight: float) -> pa.Table:
        """Return the scored candidates: their rows, weight (with the prior) and block."""
        scored = self._linker.inference.predict(threshold_match_weight=least_weight, warning_mode="never")
        return scored.as_duckdbpyrelation().to_arrow_table()


def toolkit_pairs(left: pa.Table, right: pa.Table | None, key: str) -> pd.MultiIndex:
    """Return the candidates that share a key, by the Python Record Linkage Toolkit."""
    import pandas as pd
    import recordlinkage

    frames = [_keyed_frame(table, key) for table in (left, right) if table is not None]
    if any(len(frame) < (2 if right is None else 1) for frame in frames):
        return pd.MultiIndex.from_arrays([np.empty(0, np.int64), np.empty(0, np.int64)])
    return recordlinkage.Index().block(key).index(*frames)


def _keyed_frame(table: pa.Table, key: str) -> pd.DataFrame:
    frame = table.select([key]).to_pandas()
    return frame[frame[key].notna()]


def toolkit_random_pairs(left: int, right: int | None, *, pairs: int, seed: int) -> pd.MultiIndex:
    """Return random pairs, by the Python Record Linkage Toolkit."""
    import pandas as pd
    from recordlinkage.index import Random

    frames = [pd.DataFrame(index=pd.RangeIndex(rows)) for rows in (left, right) if rows is not None]
    return Random(pairs, replace=True, random_state=seed).index(*frames)


def toolkit_levels(
    pairs: pd.MultiIndex,
    left: pd.DataFrame,
    right: pd.DataFrame | None,
    compared: Mapping[str, tuple[Sequence[str], Any]],
) -> pd.DataFrame:
    """Return the level of every comparison for every pair, by the toolkit's `Compare`.

    `compared` gives for each name the columns to read and a function of two lists of them.
    """
    import pandas as pd
    import recordlinkage
    from recordlinkage.base import BaseCompareFeature

    class Levels(BaseCompareFeature):
        def __init__(self, columns: Sequence[str], function: Any, label: str) -> None:
            super().__init__(list(columns), list(columns), label=label)
            self.function, self.width = function, len(columns)

        def _compute_vectorized(self, *series: pd.Series) -> pd.Series:
            one, other = series[: self.width], series[self.width :]
            return pd.Series(self.function(one, other), index=series[0].index)

    compare = recordlinkage.Compare()
    for name, (columns, function) in compared.items():
        compare.add(Levels(columns, function, name))
    return compare.compute(pairs, left, right) if right is not None else compare.compute(pairs, left)
