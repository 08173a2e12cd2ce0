"""Splink on Spark, from the same specification: for files that one machine cannot hold.

Spark spills; so what it writes and sends is encrypted, and a session that does not say so is refused. The
comparisons, blocks and caps are those of the engine on DuckDB; only the words of the SQL are Spark's.
"""

from __future__ import annotations

import contextlib
import secrets
from collections.abc import Iterator, Mapping, Sequence
from importlib import import_module
from typing import TYPE_CHECKING, Any, Final

import sqlglot
from sqlglot import exp

from matching.engine import adapter, defaults
from matching.engine.engines import splink as on_duckdb
from matching.engine.engines.edges import Edges, Limits, Model, Pair
from matching.engine.errors import LinkageError
from matching.engine.spec import Comparison, Spec

if TYPE_CHECKING:
    import pyarrow as pa
    from pyspark.sql import DataFrame, SparkSession

ENCRYPTED: Final = {
    "spark.io.encryption.enabled": "true",
    "spark.io.encryption.keySizeBits": "256",
    "spark.network.crypto.enabled": "true",
    "spark.authenticate": "true",
    "spark.ui.enabled": "false",
    "spark.eventLog.enabled": "false",
}
"""What a session must say before it is given a record."""
_CHANCE_PAIRS: Final = 500_000
_TRAINING_PAIRS: Final = 300_000
_FEW: Final = 150
_FEW_ALIKE: Final = 4
_OFTEN: Final = 0.2
_PURE: Final = 0.7
_TELLING_BITS: Final = 24.0
_LEAST_BITS: Final = -9.0
_RENAMED: Final = {"JAROWINKLER_SIMILARITY": "jaro_winkler", "JARO_WINKLER_SIMILARITY": "jaro_winkler"}


def local_session(*, cores: int, memory: str, folder: str) -> SparkSession:
    """Start Spark in this process's machine alone, encrypted; `folder` takes what it spills."""
    from pyspark.sql import SparkSession
    from splink.internals.spark.jar_location import similarity_jar_location

    builder = SparkSession.builder.master(f"local[{cores}]").appName("linkage")
    settings = ENCRYPTED | {
        "spark.authenticate.secret": secrets.token_hex(32),
        "spark.driver.memory": memory,
        "spark.driver.host": "127.0.0.1",
        "spark.driver.bindAddress": "127.0.0.1",
        "spark.local.dir": folder,
        "spark.sql.warehouse.dir": f"{folder}/warehouse",
        "spark.sql.shuffle.partitions": str(2 * cores),
        "spark.jars": similarity_jar_location(),
    }
    for name, value in settings.items():
        builder = builder.config(name, value)
    return builder.getOrCreate()


def check(session: SparkSession) -> None:
    """Pass if the session encrypts what it writes and sends.

    :raises LinkageError: naming the setting that is missing
    """
    for name, wanted in ENCRYPTED.items():
        if session.conf.get(name, "") != wanted:
            raise LinkageError(f"Spark must run with {name}={wanted}; nothing was linked.")


def link(
    session: SparkSession, spec: Spec, pair: Pair, left: DataFrame, right: DataFrame
) -> tuple[Model, DataFrame]:
    """Learn from two prepared files and score their candidates; return the model and the scored pairs.

    The pairs stay with Spark: `row_l`, `row_r`, `match_weight` (with the prior) and `match_key`.

    :raises LinkageError: if the session is not encrypted, or the library fails
    """
    check(session)
    with adapter.quiet("linking on Spark"):
        return _link(session, spec, pair, left, right)


def _link(
    session: SparkSession, spec: Spec, pair: Pair, left: DataFrame, right: DataFrame
) -> tuple[Model, DataFrame]:
    compared, blocks = on_duckdb.usable(spec, pair)
    left, right = left.persist(), right.persist()
    counts = left.count(), right.count()
    telling = [on for on in defaults.CERTAIN if _has(on, compared)]
    certain = int(max((_agreeing(left, right, on, pair, most=_FEW_ALIKE) for on in telling), default=0))
    possible = counts[0] * (counts[0] - 1) // 2 if pair.one_file else counts[0] * counts[1]
    prior = min(max(certain, 1) / 0.9 / max(possible, 1), 0.5)
    model = Model(pair=pair, prior=prior, weights=[], blocks=[], settings={}, notes=[])
    trained = _linker(session, _spoken(on_duckdb._settings(compared, [], pair, prior)), pair, left, right)
    trained.training.estimate_u_using_random_sampling(max_pairs=_CHANCE_PAIRS)
    if certain >= _FEW:
        sampled = _TRAINING_PAIRS if max(counts) > _TRAINING_PAIRS // 6 else None
        for on in _training(left, right, pair, compared, certain):
            _learn(trained, on, pairs=sampled)
    model.weights.extend(on_duckdb._weights(compared, trained.misc.save_model_to_json()))
    for number, block in enumerate(blocks):
        cap = spec.pairs_per_row * sum(counts)
        left, right, sizes = _keyed(left, right, number, block.on, pair, spec.block_cap, cap)
        model.blocks.append({"block": block.name, **sizes})
    settings = _spoken(on_duckdb._settings(compared, blocks, pair, prior, model.weights))
    scored = _linker(session, settings, pair, left, right).inference.predict(
        threshold_match_weight=_LEAST_BITS, warning_mode="never"
    )
    return model, scored.as_spark_dataframe().select("row_l", "row_r", "match_weight", "match_key")


class Engine:
    """The engine `splink` with its pairs compared on Spark; `run.link` does the rest on this machine."""

    NAME: Final = on_duckdb.NAME

    def __init__(self, session: SparkSession) -> None:
        """Take a session. :raises LinkageError: if it is not encrypted"""
        check(session)
        self._session = session

    def fit_and_score(
        self, spec: Spec, pair: Pair, left: pa.Table, right: pa.Table, *, limits: Limits
    ) -> tuple[Model, Edges]:
        """Learn from two prepared files and score their candidates on the cluster; its limits are its own.

        :raises LinkageError: if the library fails
        """
        one = self._session.createDataFrame(left)
        other = one if pair.one_file else self._session.createDataFrame(right)
        model, scored = link(self._session, spec, pair, one, other)
        return model, edges_of(model, scored)


def edges_of(model: Model, scored: DataFrame) -> Edges:
    """Bring the scored pairs to one machine, in the form in which they are calibrated and resolved."""
    return on_duckdb._edges(scored.toArrow(), model.pair, model.prior)


def _linker(
    session: SparkSession, settings: Mapping[str, Any], pair: Pair, left: DataFrame, right: DataFrame
) -> Any:
    from splink import Linker

    backend: Any = import_module("splink.backends.spark")
    for name in (adapter.LEFT, adapter.RIGHT):  # learning and scoring each register theirs
        session.catalog.dropTempView(name)
    api = backend.SparkAPI(spark_session=session, break_lineage_method="persist")
    tables = [api.register(left, dataset_display_name=adapter.LEFT)]
    if not pair.one_file:
        tables.append(api.register(right, dataset_display_name=adapter.RIGHT))
    return Linker(tables, dict(settings), log_level=None, validate_settings=False)


def _learn(linker: Any, on: Sequence[str], *, pairs: int | None) -> None:
    from splink import block_on
    from splink.internals.exceptions import EMTrainingException

    with contextlib.suppress(EMTrainingException):  # no pair agrees on the block: another one teaches
        linker.training.estimate_parameters_using_expectation_maximisation(
            block_on(*on),
            estimate_without_term_frequencies=True,
            max_pairs=pairs,
            record_sample_proportion=0.2,
        )


def _training(
    left: DataFrame, right: DataFrame, pair: Pair, compared: Sequence[Comparison], certain: int
) -> Iterator[tuple[str, ...]]:
    """Yield the blocks that agreement is learnt from, chosen as on one machine."""
    names = [comparison.field for comparison in compared]
    ours, theirs = _filled(left, names), _filled(right, names)
    fields = [field for field in names if min(ours[field], theirs[field]) >= _OFTEN]
    for on in defaults.TRAINING:
        rest = [field for field in fields if field not in on]
        if rest and set(on) <= set(fields):
            telling = sum(defaults.BITS[field] for field in rest) >= _TELLING_BITS
            pairs = _agreeing(left, right, on, pair, most=None)
            if pairs >= _FEW and (telling or pairs <= certain / _PURE):
                yield on


def _filled(table: DataFrame, fields: Sequence[str]) -> dict[str, float]:
    from pyspark.sql import functions as f

    shares = table.agg(*[f.avg(f.col(field).isNotNull().cast("double")).alias(field) for field in fields])
    (row,) = shares.collect()
    return {field: float(row[field] or 0) for field in fields}


def _has(on: Sequence[str], compared: Sequence[Comparison]) -> bool:
    return set(on) <= {comparison.field for comparison in compared}


def _spoken(settings: dict[str, Any]) -> dict[str, Any]:
    """Return the settings with their conditions in Spark's SQL."""
    for comparison in settings["comparisons"]:
        for level in comparison["comparison_levels"]:
            level["sql_condition"] = spoken(level["sql_condition"])
    return settings


def spoken(condition: str) -> str:
    """Return a condition of DuckDB in Spark's SQL."""
    if condition == "ELSE":
        return condition
    tree = sqlglot.parse_one(condition, read="duckdb").transform(_translated)
    said = tree.sql(dialect="spark")
    for name, renamed in _RENAMED.items():
        said = said.replace(f"{name}(", f"{renamed}(")
    return said


def _translated(node: exp.Expression) -> exp.Expression:
    """Return what a part means on Spark: its slips are counted outright, without the shortcut before it."""
    if isinstance(node, exp.Case) and "hamming" in node.sql().lower():
        shortened: exp.Expression = node.args["default"]
        return shortened
    return node


def _agreeing(left: DataFrame, right: DataFrame, on: Sequence[str], pair: Pair, *, most: int | None) -> float:
    """Return how many pairs agree on all these columns or, with `most`, how many surely are one person."""
    from pyspark.sql import functions as f

    ours = left.dropna(subset=list(on)).groupBy(*on).agg(f.count("*").alias("n"))
    if pair.one_file:
        row = ours.where(f"n < {most}" if most else "true")
        sums = row.agg(f.sum(f.expr("n - 1" if most else "n * (n - 1) / 2")))
    else:
        theirs = right.dropna(subset=list(on)).groupBy(*on).agg(f.count("*").alias("o"))
        row = ours.join(theirs, list(on)).where(f"n < {most} AND o < {most}" if most else "true")
        sums = row.agg(f.sum(f.expr("least(n, o)" if most else "n * o")))
    found = sums.first()
    return float((found[0] if found else 0) or 0)


def _keyed(
    left: DataFrame,
    right: DataFrame,
    number: int,
    on: Sequence[str],
    pair: Pair,
    key_cap: int,
    total_cap: int,
) -> tuple[DataFrame, DataFrame, dict[str, int]]:
    """Return both files with the key of a block, its fullest keys taken out, and what was taken out."""
    from pyspark.sql import functions as f

    key = f"k{number}"
    held = f.expr(" AND ".join(f"{column} IS NOT NULL" for column in on))
    left = left.withColumn(key, f.when(held, f.xxhash64(*on)))
    right = left if pair.one_file else right.withColumn(key, f.when(held, f.xxhash64(*on)))
    ours = left.where(f"{key} IS NOT NULL").groupBy(key).agg(f.count("*").alias("n"))
    if pair.one_file:
        sizes = ours.select(key, f.expr("n * (n - 1) DIV 2").alias("pairs"))
    else:
        theirs = right.where(f"{key} IS NOT NULL").groupBy(key).agg(f.count("*").alias("o"))
        sizes = ours.join(theirs, key).select(key, f.expr("n * o").alias("pairs"))
    by_size = sorted((int(r["pairs"]), int(r["count"])) for r in sizes.groupBy("pairs").count().collect())
    most, kept = 0, 0
    for pairs, keys in by_size:
        if pairs > key_cap or kept + pairs * keys > total_cap:
            break
        most, kept = pairs, kept + pairs * keys
    lost = [(pairs, keys) for pairs, keys in by_size if pairs > most]
    if lost:
        # Kept as rows, not as a plan: each block's plan would else hold those of all before, several times.
        full = sizes.where(f.col("pairs") > most).select(f.col(key).alias("full")).localCheckpoint()
        left = _emptied(left, full, key)
        right = left if pair.one_file else _emptied(right, full, key)
    gone = {"keys_left_out": sum(k for _, k in lost), "pairs_left_out": sum(p * k for p, k in lost)}
    return left, right, {"pairs": kept, **gone}


def _emptied(table: DataFrame, full: DataFrame, key: str) -> DataFrame:
    from pyspark.sql import functions as f

    joined = table.join(full, table[key] == full["full"], "left")
    return joined.withColumn(key, f.when(f.col("full").isNull(), f.col(key))).drop("full")
