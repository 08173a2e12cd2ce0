"""Judge released tables as an attacker would, and say what leaks.

A wish that the attacker can be shown a world for is no leak. All others are: a wish that cannot be
granted, and a question the solver cannot settle, never pass.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from scipy import sparse

from disclosure.engine.audit.hearing import Hearing
from disclosure.engine.audit.questions import Cell, Question, ask
from disclosure.engine.audit.reading import EVERYBODY, Line, read, read_groups
from disclosure.engine.audit.system import System
from disclosure.engine.audit.universe import Universe, Unknowns, Who
from disclosure.engine.errors import BadTable
from disclosure.engine.policy import CellPolicy


@dataclass(frozen=True)
class Finding:
    """One thing that can be worked out, and how."""

    kind: str
    people: str
    low: float
    high: float
    derivation: str
    places: tuple[str, ...]

    def as_json(self) -> dict[str, Any]:
        """Return the finding for a machine; an open end is null."""
        high = None if np.isinf(self.high) else int(self.high)
        return {
            "kind": self.kind,
            "people": self.people,
            "low": int(self.low),
            "high": high,
            "derivation": self.derivation,
            "places": list(self.places),
        }


@dataclass(frozen=True)
class Report:
    """The verdict on everything released together."""

    leaks: tuple[Finding, ...]
    warnings: tuple[Finding, ...]
    cells: int
    withheld: int
    questions: int

    @property
    def passed(self) -> bool:
        """Say whether nothing leaks."""
        return not self.leaks


def audit(
    files: Sequence[tuple[str, bytes]],
    *,
    groups: Mapping[str, bytes],
    policy: CellPolicy,
    truth: Sequence[tuple[str, bytes]] = (),
) -> Report:
    """Judge the bytes of released tables together; `truth` lends true counts without releasing them.

    :raises BadTable: if a file cannot be read, or the files contradict each other
    :raises Stopped: if the tables are too large to cross
    :raises SolverFailed: if the solver does not answer
    """
    lines = [line for name, content in files for line in read(name, content)]
    true_lines = [line for name, content in truth for line in read(name, content)]
    hierarchies = {name: read_groups(name, content) for name, content in groups.items()}
    impossible = [dict(pattern) for pattern in policy.structural_zeros]
    universe = Universe([*lines, *true_lines], hierarchies, impossible)
    case = Case(universe, policy)
    for line in lines:
        case.hear(line)
    for line in true_lines:
        case.learn(line)
    case.close(impossible)
    return case.judge()


class Case:
    """Everything heard, then everything asked."""

    def __init__(self, universe: Universe, policy: CellPolicy) -> None:
        self.universe = universe
        self.policy = policy
        self.cells: list[Cell] = []
        self.number: dict[Who, int] = {}
        self.shares: list[tuple[int, int, float, float, str]] = []
        self.leaks: list[Finding] = []
        self.warnings: list[Finding] = []

    def _cell(self, who: Who) -> Cell:
        if who not in self.number:
            self.number[who] = len(self.cells)
            self.cells.append(Cell(who))
        return self.cells[self.number[who]]

    def hear(self, line: Line) -> None:
        """Take in what a released line says."""
        who = self.universe.who(line.people)
        cell = self._cell(who)
        cell.truth_only = False
        cell.mentioned = cell.mentioned or line.place
        if line.truth is not None:
            self._true(cell, line)
        if line.printed is not None:
            self._narrow(cell, float(line.printed[0]), float(line.printed[1]), line.place)
        elif line.share is None or line.truth is not None:
            cell.low = max(cell.low, 0.0)
        if line.share is not None:
            people = {d: EVERYBODY if d in line.share.of else code for d, code in line.people.items()}
            base = self._cell(self.universe.who(people))
            base.truth_only = False
            base.shares += 1
            base.mentioned = base.mentioned or line.place
            if line.share_base is not None:
                self._narrow(base, float(line.share_base), float(line.share_base), f"{line.place}, pct_n")
            pair = self.number[who], self.number[base.who]
            name = f"{line.share.text} % ({self.words(pair[0])} among {self.words(pair[1])}; {line.place})"
            self.shares.append((*pair, float(line.share.low), float(line.share.high), name))

    def learn(self, line: Line) -> None:
        """Take in a true count that is not released."""
        if line.truth is not None:
            self._true(self._cell(self.universe.who(line.people)), line)

    def _true(self, cell: Cell, line: Line) -> None:
        if cell.truth is not None and cell.truth != line.truth:
            raise BadTable(f"{line.place}: count differs from another line about the same people.")
        cell.truth = line.truth

    def _narrow(self, cell: Cell, low: float, high: float, place: str) -> None:
        cell.low, cell.high = max(cell.low, low), min(cell.high, high)
        cell.said = cell.said or place
        if cell.low > cell.high:
            raise BadTable(f"Contradiction: {place} and {cell.said} speak of the same people.")

    def words(self, number: int) -> str:
        """Name the people of a cell."""
        return self.universe.words(self.cells[number].who)

    def close(self, impossible: Sequence[Mapping[str, str]]) -> None:
        """Turn what was heard into facts."""
        never = [self.universe.who(pattern) for pattern in impossible]
        unknowns = Unknowns(self.universe, [*(c.who for c in self.cells), *never])
        members = [unknowns.members(cell.who) for cell in self.cells]
        starts = np.concatenate(([0], np.cumsum([len(m) for m in members]))).astype(np.int64)
        index = np.concatenate(members)
        shape = (len(members), unknowns.count)
        self.sums = sparse.csr_matrix((np.ones(len(index)), index, starts), shape=shape)
        gone = np.zeros(unknowns.count, dtype=bool)
        for who in never:
            for block in unknowns.places(who):
                gone[unknowns.members(who, block)] = True
        self.nobody = np.asarray((self.sums @ (~gone).astype(float)) == 0)
        low = np.array([self._floor(i) for i in range(len(self.cells))])
        high = np.array([cell.high for cell in self.cells])
        ties = unknowns.ties()
        facts, lows, highs = (
            [self.sums, ties],
            [low, np.zeros(ties.shape[0])],
            [high, np.zeros(ties.shape[0])],
        )
        names = [self._fact(i) for i in range(len(self.cells))] + ["the same people"] * ties.shape[0]
        for part, base, at_least, at_most, name in self.shares:
            facts += [
                100 * self.sums[part] - at_least * self.sums[base],
                100 * self.sums[part] - at_most * self.sums[base],
            ]
            lows += [np.zeros(1), np.full(1, -np.inf)]
            highs += [np.full(1, np.inf), np.zeros(1)]
            names += [name, name]
        matrix = sparse.vstack(facts).tocsr()
        self.system = System(matrix, np.concatenate(lows), np.concatenate(highs), names, gone)
        if not self.system.fits():
            raise BadTable(
                "Contradiction: no table agrees with all released numbers. Check populations and dates."
            )

    def _floor(self, number: int) -> float:
        cell = self.cells[number]
        hidden = not cell.exact and not cell.truth_only and not self.policy.hide_zeros
        share_only = cell.shares > 0 and not cell.said
        if hidden and not share_only and not self.nobody[number]:
            return max(cell.low, 1.0)  # zeros are shown, so what is withheld counts somebody
        return cell.low

    def _fact(self, number: int) -> str:
        cell = self.cells[number]
        low, high = cell.low, cell.high
        text = (
            f"{low:.0f}" if low == high else f"{low:.0f} to {high:.0f}" if np.isfinite(high) else "withheld"
        )
        return f"{text} ({self.words(number)}; {cell.said or cell.mentioned})"

    def judge(self) -> Report:
        """Ask everything, and gather what leaks."""
        policy = self.policy
        questions = ask(self.universe, self.cells, min_count=policy.min_count, hide_zeros=policy.hide_zeros)
        self._shown_too_small()
        sums = [self._vector(q) for q in questions]
        if questions:
            stacked = sparse.vstack(sums).tocsr()
            questions, stacked = self._about_somebody(questions, stacked)
            Hearing(self, questions, stacked).run()
        heard = [c for c in self.cells if not c.truth_only]
        return Report(
            leaks=tuple(self.leaks),
            warnings=tuple(self.warnings),
            cells=len(heard),
            withheld=sum(not c.exact for c in heard),
            questions=len(questions),
        )

    def _vector(self, question: Question) -> sparse.csr_matrix:
        row = self.sums[list(question.plus)].sum(axis=0)
        if question.minus:
            row = row - self.sums[list(question.minus)].sum(axis=0)
        return sparse.csr_matrix(row)

    def _about_somebody(
        self, questions: Sequence[Question], stacked: sparse.csr_matrix
    ) -> tuple[list[Question], sparse.csr_matrix]:
        keep = [i for i, q in enumerate(questions) if not (q.kind == "cell" and self.nobody[q.plus[0]])]
        return [questions[i] for i in keep], stacked[keep]

    def _shown_too_small(self) -> None:
        for number, cell in enumerate(self.cells):
            if (
                cell.exact
                and not cell.truth_only
                and not self.nobody[number]
                and self.policy.is_small(int(cell.low))
            ):
                self.add("shown", self.words(number), cell.low, cell.high, self._fact(number), (cell.said,))

    def add(
        self,
        kind: str,
        people: str,
        low: float,
        high: float,
        why: str,
        places: tuple[str, ...],
        *,
        leak: bool = True,
    ) -> None:
        finding = Finding(kind, people, low, high, why, places)
        (self.leaks if leak else self.warnings).append(finding)
