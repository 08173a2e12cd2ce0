"""One linkage from tables to people: prepare, score pairs of files, calibrate, resolve, draw ids, report."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field, replace
from typing import Any, Final

import numpy as np
import pyarrow as pa

from matching.engine import calibrate, crosswalk, defaults, encoded, memory, prepare, report
from matching.engine import spec as specs
from matching.engine.coded import Coding, Records
from matching.engine.engines import cascade, clk, hybrid, splink, tokens, toolkit
from matching.engine.engines.edges import Edges, Limits, Model, Pair
from matching.engine.errors import BadInput
from matching.engine.facts import Facts
from matching.engine.page_words import roughly
from matching.engine.profile import profile
from matching.engine.resolve import LINK, REFUSED, REVIEW, Resolution, Scored, resolve
from matching.engine.spec import Spec
from matching.engine.told import NOTHING, Told

ENGINES: Final = {engine.NAME: engine for engine in (hybrid, cascade, splink, toolkit, tokens, clk)}
DEFAULT_ENGINE: Final = hybrid.NAME
WITHOUT_PANDAS: Final = frozenset({hybrid.NAME, cascade.NAME, tokens.NAME, clk.NAME})
"""Engines that have no use for pandas."""
Progress = Callable[[int, str], None]


@dataclass(frozen=True)
class Result:
    """What a linkage gives: the key, the pairs with their decisions, and the report."""

    crosswalk: pa.Table
    edges: pa.Table
    report: dict[str, Any]
    clusters: pa.Table
    """`file, id, person`: the same people by number, the same for the same input; for comparing runs."""
    stopped: Mapping[int, str] = field(default_factory=dict)
    """Why a pair that was likely enough is not linked, by its row in `edges`."""


@dataclass(frozen=True)
class _Scored:
    """One pair of files after scoring."""

    edges: Edges
    model: Model
    chance: np.ndarray
    prior: float


def link(
    tables: Mapping[str, pa.Table],
    spec: Spec,
    *,
    token: Callable[[], str],
    memory_limit: int,
    threads: int,
    progress: Progress = lambda percent, message: None,
    told: Told = NOTHING,
    engine: Any = None,
) -> Result:
    """Link the files and return the key, the pairs and the report; what reviewers told stands above all.

    `engine` stands in for the one that the specification names, as `spark.Engine` does for `splink`.

    :raises BadInput: if a file lacks what the specification names, or its ids are empty or repeated
    :raises NeedsMoreMemory: if the need exceeds the limit, before or while linking
    """
    if set(tables) != set(spec.files):
        raise BadInput("The files given are not the files of the specification.")
    spec = specs.complete(spec)
    engine = engine or _engine(spec)
    encoding = encoded.check(tables, spec)
    rows = {name: tables[name].num_rows for name in spec.files}
    size = sum(table.nbytes for table in tables.values())
    memory.check(rows, size, limit=memory_limit, engine=spec.engine)
    limits = Limits(memory=memory.for_database(memory_limit), threads=threads)
    progress(2, f"Bringing names, dates and numbers of {sum(rows.values()):,} rows into one form")
    with ThreadPoolExecutor(threads) as beside:
        asked = {
            name: beside.submit(prepare.ids, tables[name], spec.files[name], name) for name in spec.files
        }
        coding = Coding([tables[name] for name in spec.files], list(spec.files.values()))
        prepared = dict(zip(spec.files, coding.records(threads), strict=True))
        ids = {name: future.result() for name, future in asked.items()}
    profiles = {name: profile(prepared[name], spec.files[name]) for name in spec.files}
    scored, skipped = _score_all(engine, spec, prepared, rows, limits, progress)
    progress(82, "Setting the thresholds of this run")
    points = calibrate.thresholds([entry.chance for entry in scored], spec)
    pairs, kept = _gather(scored, spec, rows, points)
    progress(85, f"Joining pairs into people: {roughly(len(pairs.left))} are kept")
    names = list(spec.files)
    file_of = np.repeat(np.arange(len(names)), [rows[name] for name in names])
    facts = Facts([prepared[name] for name in names])
    found = resolve(
        pairs,
        file_of=file_of,
        unique=frozenset(i for i, name in enumerate(names) if spec.files[name].unique),
        facts=told.over(facts),
        accept=points.accepted(spec.accept),
        cap=spec.cluster_cap,
        ids=[ids[name] for name in names],
        together=told.together,
    )
    people = int(np.count_nonzero(np.bincount(found.cluster))) if len(found.cluster) else 0
    progress(92, f"Drawing new ids for {roughly(people)} people and writing the report")
    with ThreadPoolExecutor(threads) as beside:
        drawn = beside.submit(
            crosswalk.draw, found.cluster, names, [ids[name] for name in names], token=token
        )
        listed = beside.submit(_edges_table, pairs, kept, found, spec, scored, ids, rows)
        numbers = report.build(
            spec=spec,
            profiles=profiles,
            scored=[(entry.edges, entry.model, entry.prior) for entry in scored],
            skipped=skipped,
            points=points,
            chance=pairs.chance,
            resolution=found,
            kept=kept,
            prepared=prepared,
            file_of=file_of,
        ) | encoded.told(encoding)
        key, edges = drawn.result(), listed.result()
    clusters = pa.table(
        {
            "file": pa.array(names, pa.string()).take(pa.array(file_of)),
            "id": pa.concat_arrays([ids[name] for name in names]),
            "person": pa.array(found.cluster),
        }
    )
    return Result(crosswalk=key, edges=edges, report=numbers, clusters=clusters, stopped=found.stopped)


def _engine(spec: Spec) -> Any:
    """Return the engine that the specification names.

    :raises BadInput: if there is none of that name
    """
    if spec.engine not in ENGINES:
        raise BadInput(f"There is no engine “{spec.engine}”; use one of {', '.join(sorted(ENGINES))}.")
    return ENGINES[spec.engine]


def pairs_of(spec: Spec) -> list[Pair]:
    """Return the pairs of files to compare: every two, and each file with itself that may repeat a person."""
    names = list(spec.files)
    across = [Pair(one, other) for one, other in itertools.combinations(names, 2)]
    return across + [Pair(name, name) for name in names if not spec.files[name].unique]


def why_not(spec: Spec, pair: Pair, rows: Mapping[str, int]) -> str | None:
    """Say why two files are not compared directly, or None if their common fields tell people apart."""
    if min(rows[pair.left], rows[pair.right]) < (2 if pair.one_file else 1):
        return "one of the files has no rows to compare"
    common = spec.fields_of(pair.left) & spec.fields_of(pair.right)
    if not spec.tells_apart(pair.left, pair.right):
        held = ", ".join(defaults.WORDS[f] for f in spec.common(pair.left, pair.right)) or "nothing"
        return f"their common fields ({held}) cannot tell people apart; they meet through another file"
    if not any(all(defaults.COLUMNS[c] in common for c in block.on) for block in spec.blocks):
        return "no block fits their common fields"
    return None


def _score_all(
    engine: Any,
    spec: Spec,
    prepared: Mapping[str, Records],
    rows: Mapping[str, int],
    limits: Limits,
    progress: Progress,
) -> tuple[list[_Scored], list[dict[str, str]]]:
    scored: list[_Scored] = []
    skipped: list[dict[str, str]] = []
    todo = pairs_of(spec)
    for number, pair in enumerate(todo):
        if reason := why_not(spec, pair, rows):
            skipped.append({"left": pair.left, "right": pair.right, "reason": reason})
            continue
        at = 10 + 70 * number // len(todo)
        span = 70 * (number + 1) // len(todo) - 70 * number // len(todo)
        left, right = (_as_taken(engine, prepared[name]) for name in (pair.left, pair.right))
        progress(at, f"Learning from {pair.label}{_so_far(scored)}")
        if hasattr(engine, "fit_and_score"):
            telling = replace(limits, tell=_within(progress, at, span, _so_far(scored)))
            model, edges = engine.fit_and_score(spec, pair, left, right, limits=telling)
        else:
            model = engine.fit(spec, pair, left, right, limits=limits)
            progress(at + span // 2, f"Comparing {pair.label}{_so_far(scored)}")
            edges = engine.score(spec, model, left, right, limits=limits)
        chance, prior = calibrate.probabilities(edges, spec, dict(rows))
        scored.append(_Scored(edges, model, chance, prior))
        progress(at + span, f"Compared {pair.label}{_so_far(scored)}")
    return scored, skipped


def _within(progress: Progress, at: int, span: int, so_far: str) -> Callable[[float, str], None]:
    """Return what tells of the work on one pair of files as of a part of the whole."""
    return lambda share, message: progress(at + int(span * share), f"{message}{so_far}")


def _as_taken(engine: Any, records: Records) -> Records | pa.Table:
    """Return a file as an engine takes it: in numbers, or in words."""
    return records if getattr(engine, "BY_NUMBERS", False) else records.table


def _so_far(scored: list[_Scored]) -> str:
    """Return how many pairs were scored by now, and how many of them are rather one person than not."""
    if not scored:
        return ""
    pairs = roughly(sum(len(entry.chance) for entry in scored))
    likely = roughly(sum(int((entry.chance > 0.5).sum()) for entry in scored))
    return f"; {pairs} pairs scored so far, {likely} of them likely"


def _gather(
    scored: list[_Scored], spec: Spec, rows: Mapping[str, int], points: calibrate.Thresholds
) -> tuple[Scored, np.ndarray]:
    """Put the pairs above the grey floor into one numbering, each with its files' pair and place there."""
    start = dict(
        zip(spec.files, np.concatenate([[0], np.cumsum([rows[n] for n in spec.files])]), strict=False)
    )
    left, right, chance, evidence, source = [], [], [], [], []
    for number, entry in enumerate(scored):
        keep = np.flatnonzero(entry.chance >= points.grey)
        left.append(entry.edges.left[keep] + start[entry.edges.pair.left])
        right.append(entry.edges.right[keep] + start[entry.edges.pair.right])
        chance.append(entry.chance[keep])
        evidence.append(entry.edges.evidence[keep])
        source.append(np.column_stack([np.full(len(keep), number), keep]))
    if not scored:
        none = np.empty(0, np.int64)
        return Scored(none, none, np.empty(0), np.empty(0)), np.empty((0, 2), np.int64)
    pairs = Scored(*(np.concatenate(part) for part in (left, right, chance, evidence)))
    return pairs, np.concatenate(source)


def _edges_table(
    pairs: Scored,
    kept: np.ndarray,
    found: Resolution,
    spec: Spec,
    scored: list[_Scored],
    ids: Mapping[str, pa.Array],
    rows: Mapping[str, int],
) -> pa.Table:
    """Return the pairs above the grey floor with their decisions, in the order of files and rows."""
    parts = []
    for number, entry in enumerate(scored):
        mine = np.flatnonzero(kept[:, 0] == number)
        edges, index = entry.edges, kept[mine, 1]
        blocks = [block["block"] for block in entry.model.blocks]
        decision = found.decision[mine]
        word = np.where(decision == LINK, 0, np.where(decision == REVIEW, 1, 2))
        parts.append(
            pa.table(
                {
                    "file_l": pa.repeat(edges.pair.left, len(mine)),
                    "id_l": ids[edges.pair.left].take(pa.array(edges.left[index])),
                    "file_r": pa.repeat(edges.pair.right, len(mine)),
                    "id_r": ids[edges.pair.right].take(pa.array(edges.right[index])),
                    "weight": pa.array(np.round(edges.evidence[index], 3)),
                    "probability": pa.array(np.round(pairs.chance[mine], 6)),
                    "rule": pa.array(blocks, pa.string()).take(pa.array(edges.rule[index])),
                    "decision": pa.array([LINK, REVIEW, REFUSED], pa.string()).take(pa.array(word)),
                }
            )
        )
    return pa.concat_tables(parts) if parts else EDGES.empty_table()


EDGES: Final = pa.schema(
    [
        ("file_l", pa.string()),
        ("id_l", pa.string()),
        ("file_r", pa.string()),
        ("id_r", pa.string()),
        ("weight", pa.float64()),
        ("probability", pa.float64()),
        ("rule", pa.string()),
        ("decision", pa.string()),
    ]
)
__all__ = ["DEFAULT_ENGINE", "ENGINES", "REVIEW", "Result", "link", "pairs_of", "why_not"]
