"""The queries that find candidates: pairs without doubt, then what the blocks give, and pairs by chance."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final

import numpy as np

from matching.engine import adapter
from matching.engine.adapter import Connection
from matching.engine.engines.edges import Pair
from matching.engine.engines.keys import held, key
from matching.engine.spec import Block, Spec

_CHANCE_PAIRS: Final = 200_000
_DRAWN: Final = 40_000
_STEP: Final = 7919
_TIGHT: Final = frozenset({"ssn", "sasid", "birth_date"})


class Candidates:
    """The queries on one pair of files that are loaded."""

    def __init__(self, spec: Spec, pair: Pair, connection: Connection, names: Sequence[str]) -> None:
        self._spec, self._pair, self._connection = spec, pair, connection
        self._left, self._right = names[0], names[-1]

    def _run(self, query: str) -> None:
        adapter.run(self._connection, query)

    def sure(self, passes: Sequence[Sequence[str]], numbers: Sequence[str], blocks: Sequence[Block]) -> int:
        """Find the pairs without doubt, and say how many; what they leave stands in tables of its own."""
        self._run("CREATE TABLE sure (l INTEGER, r INTEGER)")
        apart = " AND ".join(f"(a.{n} = b.{n} OR a.{n} IS NULL OR b.{n} IS NULL)" for n in numbers) or "true"
        for on in passes if not self._pair.one_file else ():
            one, other = (
                f"(SELECT {key(on)} AS k, min(row) AS row, {self._any(numbers)} FROM {name}_keys f"  # noqa: S608
                f" ANTI JOIN sure s ON f.row = s.{column}"
                f" WHERE {held(on)} GROUP BY 1 HAVING count(*) = 1)"
                for name, column in ((self._left, "l"), (self._right, "r"))
            )
            self._run(
                f"INSERT INTO sure SELECT a.row, b.row FROM {one} a"  # noqa: S608
                f" JOIN {other} b ON a.k = b.k WHERE {apart}"
            )
        keys = ", ".join(["row", *(f"{key(block.on)} AS k{n}" for n, block in enumerate(blocks))])
        for name, column in {self._left: "l", self._right: "r"}.items():
            self._run(
                f"CREATE TABLE {name}_rest AS SELECT {keys} FROM {name}_keys f"  # noqa: S608
                f" ANTI JOIN sure s ON f.row = s.{column}"
            )
            if any(f"{name}_all" in self._sides(block) for block in blocks):
                self._run(f"CREATE TABLE {name}_all AS SELECT {keys} FROM {name}_keys")  # noqa: S608
            self._run(f"DROP TABLE {name}_keys")
        return int(adapter.table(self._connection, "SELECT count(*) AS n FROM sure")["n"][0].as_py())

    @staticmethod
    def _any(numbers: Sequence[str]) -> str:
        return ", ".join(f"min({n}) AS {n}" for n in numbers) or "0 AS none"

    def candidates(self, blocks: Sequence[Block]) -> list[dict[str, Any]]:
        """Find what the blocks give, each pair once, under the first block that has it."""
        sizes, parts = [], ["SELECT (l::BIGINT << 32) | r::BIGINT AS pair, 0::SMALLINT AS rule FROM sure"]
        for number, block in enumerate(blocks):
            left, right = self._sides(block)
            dropped, size = self._full_keys(number, left, right)
            sizes.append({"block": block.name, **size})
            if not size["pairs"]:
                continue
            name, apart = f"k{number}", "AND l.row < r.row" if self._pair.one_file else ""
            some = f"AND l.{name} NOT IN (SELECT k FROM {dropped})"  # noqa: S608
            kept = some if size["keys_left_out"] else ""
            parts.append(
                f"SELECT (l.row::BIGINT << 32) | r.row::BIGINT AS pair, {number + 1}::SMALLINT AS rule"  # noqa: S608
                f" FROM {left} l JOIN {right} r ON l.{name} = r.{name} WHERE true {apart} {kept}"
            )
        self._run(
            "CREATE TABLE found AS SELECT (pair >> 32)::INTEGER AS l, (pair & 4294967295)::INTEGER AS r, rule"  # noqa: S608
            f" FROM (SELECT pair, min(rule) AS rule FROM ({' UNION ALL '.join(parts)}) GROUP BY pair)"
        )
        for name in {self._left, self._right}:
            self._run(f"DROP TABLE IF EXISTS {name}_all; DROP TABLE {name}_rest")
        return sizes

    def _sides(self, block: Block) -> tuple[str, str]:
        """Return the tables in which a block looks: all records, or those that are not yet sure.

        A record that is sure of its one partner in a file of one row a person has no other there.
        """
        loose = not _TIGHT & set(block.on)
        files = self._spec.files
        left = loose or files[self._pair.right].unique
        right = loose or files[self._pair.left].unique
        if self._pair.one_file:
            left = right = True  # nobody is sure in a single file: the rest is all
        return (
            f"{self._left}_{'rest' if left else 'all'}",
            f"{self._right}_{'rest' if right else 'all'}",
        )

    def _full_keys(self, number: int, left: str, right: str) -> tuple[str, dict[str, int]]:
        """Find the keys of a block that would alone, or all together, give too many pairs."""
        of, name = f"k{number}", f"full_{number}"
        pairs = "a.n * (a.n - 1) // 2" if self._pair.one_file else "a.n * b.n"
        one, other = (
            f"(SELECT {of} AS k, count(*)::HUGEINT AS n FROM {t} WHERE {of} IS NOT NULL GROUP BY 1)"  # noqa: S608
            for t in (left, right)
        )
        sizes = f"SELECT a.k, {pairs} AS pairs FROM {one} a JOIN {other} b ON a.k = b.k"  # noqa: S608
        whole = self._one(
            "SELECT coalesce(sum(pairs), 0)::DOUBLE AS pairs, coalesce(max(pairs), 0)::DOUBLE AS most,"  # noqa: S608
            f" (SELECT count(*) FROM {left}) + (SELECT count(*) FROM {right}) AS rows FROM ({sizes})"
        )
        cap = self._spec.pairs_per_row * int(whole["rows"])
        if whole["most"] <= self._spec.block_cap and whole["pairs"] <= cap:
            return name, {"pairs": int(whole["pairs"]), "keys_left_out": 0, "pairs_left_out": 0}
        self._run(
            f"""CREATE TEMP TABLE {name} AS WITH sizes AS ({sizes}),
                 by_size AS (SELECT pairs, count(*) AS keys FROM sizes GROUP BY 1),
                 running AS (SELECT pairs, sum(pairs * keys) OVER (ORDER BY pairs) AS so_far FROM by_size)
            SELECT k, pairs FROM sizes WHERE pairs > {self._spec.block_cap}
            OR pairs IN (SELECT pairs FROM running WHERE so_far > {cap})"""  # noqa: S608
        )
        lost = self._one(
            f"SELECT count(*) AS keys, coalesce(sum(pairs), 0)::DOUBLE AS pairs FROM {name}"  # noqa: S608
        )
        return name, {
            "pairs": int(whole["pairs"] - lost["pairs"]),
            "keys_left_out": int(lost["keys"]),
            "pairs_left_out": int(lost["pairs"]),
        }

    def _one(self, query: str) -> dict[str, Any]:
        """Return the one row of a query."""
        return adapter.table(self._connection, query).to_pylist()[0]

    def found(self) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """Return the candidates in the order of their rows, and which block found each first."""
        both = adapter.table(self._connection, "SELECT l, r, rule FROM found ORDER BY l, r")
        self._run("DROP TABLE found")
        left, right = (both[name].to_numpy().astype(np.int64) for name in ("l", "r"))
        return left, right, both["rule"].to_numpy().astype(np.int16)

    def drawn(self, left: int, right: int) -> tuple[np.ndarray, np.ndarray]:
        """Return pairs drawn by chance.

        Records are drawn by a hash of what they hold, each side by its own, never by their place in the file:
        the same records give the same sample in whatever order they come.
        """
        rows = []
        for side, name in enumerate((self._left, self._right)):
            told = adapter.table(
                self._connection,
                f"SELECT row FROM {name}_keys"  # noqa: S608
                f" ORDER BY hash(mark, {int(self._spec.seed) + side}) LIMIT {_DRAWN}",
            )
            rows.append(told["row"].to_numpy().astype(np.int64))
        if not len(rows[0]) or not len(rows[1]):
            return np.empty(0, np.int64), np.empty(0, np.int64)
        number = np.arange(_CHANCE_PAIRS)
        lefts, rights = len(rows[0]), len(rows[1])
        one = rows[0][number % lefts]
        other = rows[1][(number + number // lefts * _STEP) % rights]
        apart = one != other if self._pair.one_file else np.ones(len(one), dtype=bool)
        return one[apart], other[apart]
