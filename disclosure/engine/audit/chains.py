"""What follows line by line: the bounds that sums and percentages give a cell, and the facts behind each.

A whole is at least its parts together and at most what they can be; a part is what its whole leaves over.
Told again and again until nothing is new (interval propagation), this settles what was given away in a few
steps without a solver, however large the tables are. What takes facts to be weighed together is not seen.
"""

from collections import defaultdict
from collections.abc import Iterator
from typing import TYPE_CHECKING, Final

import numpy as np

from disclosure.engine.audit.derivation import written
from disclosure.engine.audit.system import EPS

if TYPE_CHECKING:
    from disclosure.engine.audit.case import Case
    from disclosure.engine.audit.questions import Question

_ROUNDS: Final = 24
_STEPS: Final = 5_000  # of one bound, beyond which nobody follows it back
_HIGH, _LOW = 1, -1

Reasons = tuple[np.ndarray, np.ndarray]  # cells, in order, and what narrowed each of them


class Chains:
    """Bounds of all cells of a case: `low` and `high`, one entry for each cell."""

    def __init__(self, case: "Case") -> None:
        self.case = case
        count = len(case.cells)
        self.told_low = np.array([case.floor(i) for i in range(count)])
        self.told_high = np.array([cell.high for cell in case.cells])
        self.told_low[case.nobody], self.told_high[case.nobody] = 0.0, 0.0
        self.low, self.high = self.told_low.copy(), self.told_high.copy()
        fixed = self.low == self.high
        self.lines = [s for s in case.along if not (fixed[s.whole] and fixed[s.parts].all())]
        self.shares = [s for s in case.shares if not s.marked_withheld]
        self.wholes = np.array([s.whole for s in self.lines], dtype=np.int64)
        self.parts = np.concatenate([np.zeros(0, dtype=np.int64), *(s.parts for s in self.lines)])
        self.of = np.repeat(np.arange(len(self.lines)), [len(s.parts) for s in self.lines])
        self.rounds: list[dict[int, Reasons]] = []
        while len(self.rounds) < _ROUNDS and self._narrowed():
            pass
        if (self.low > self.high).any():  # nobody knows which of them is wrong: nothing is said here
            self.low, self.high, self.rounds = self.told_low.copy(), self.told_high.copy(), []

    def bounds(self, question: "Question") -> tuple[float, float]:
        """Return the lowest and highest number that a question's sum can be, as far as is seen here."""
        plus, minus = list(question.plus), list(question.minus)
        low = self.low[plus].sum() - self.high[minus].sum()
        return float(max(low, 0.0)), float(self.high[plus].sum() - self.low[minus].sum())

    def derive(self, question: "Question", low: float, high: float) -> str | None:
        """Write out the facts that give these bounds; None where they do not follow line by line."""
        told = self.bounds(question)
        if told != (low, high):
            return None
        upper = self._behind(question, _HIGH, high) if np.isfinite(high) else None
        lower = self._behind(question, _LOW, low) if low > 0 else None
        if low == high and (plain := next((s.words for s in (upper, lower) if s and s.is_equation), None)):
            return f"{plain} = {low:.0f}"
        said = []
        if upper is not None:
            said.append(f"at most {high:.0f}: {upper.words}, as no count is below 0 or broken")
        if lower is not None:
            said.append(f"at least {low:.0f}: {lower.words}")
        complete = (upper is not None or not np.isfinite(high)) and (lower is not None or low <= 0)
        return "; ".join(said) if complete else None

    def _narrowed(self) -> bool:
        """Go through all lines once, from the bounds as they are; say whether one became narrower."""
        cells, lows, highs, reasons = self._candidates()
        round_: dict[int, Reasons] = {}
        for end, bounds, found in ((_HIGH, self.high, highs), (_LOW, -self.low, -lows)):
            best = bounds.copy()
            np.minimum.at(best, cells, found)
            here = np.flatnonzero((found == best[cells]) & (best[cells] < bounds[cells] - EPS))
            narrowed, first = np.unique(cells[here], return_index=True)
            round_[end] = narrowed, reasons[here[first]]
            if end == _HIGH:
                high = best
            else:
                low = -best
        self.low, self.high = low, high
        if not any(len(narrowed) for narrowed, _ in round_.values()):
            return False
        self.rounds.append(round_)
        return True

    def _candidates(self) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
        """Return cells, what a line or percentage gives each as its low and high end, and its number."""
        low, high, parts, of, count = self.low, self.high, self.parts, self.of, len(self.lines)
        endless = np.isinf(high)
        finite = np.where(endless, 0.0, high)
        least = np.bincount(of, low[parts], count)
        most = np.bincount(of, finite[parts], count)
        open_ = np.bincount(of, endless[parts], count)
        left_high = high[self.wholes][of] - (least[of] - low[parts])
        bounded = open_[of] - endless[parts] == 0
        left_low = np.where(bounded, low[self.wholes][of] - (most[of] - finite[parts]), 0.0)
        lines = np.arange(count)
        found = [
            (self.wholes, least, np.where(open_ == 0, most, np.inf), lines),
            (parts, left_low, left_high, of),
        ]
        if self.shares:
            found.append(self._of_shares())
        cells, lows, highs, reasons = (np.concatenate(each) for each in zip(*found, strict=True))
        return cells, lows, highs, reasons

    def _of_shares(self) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
        """Return the same of percentages: of each its part, then its base. Counts are whole numbers."""
        part, base = (np.array([getattr(s, name) for s in self.shares]) for name in ("part", "base"))
        least, most = (np.array([getattr(s, name) for s in self.shares]) / 100 for name in ("low", "high"))
        with np.errstate(divide="ignore", invalid="ignore"):
            base_low = np.where(most > 0, self.low[part] / most, 0.0)
            base_high = np.where(least > 0, self.high[part] / least, np.inf)
            part_high = np.where(np.isinf(self.high[base]), np.inf, most * self.high[base])
        lows = np.ceil(np.concatenate((least * self.low[base], base_low)) - EPS)
        highs = np.floor(np.concatenate((part_high, base_high)) + EPS)
        number = len(self.lines) + np.arange(len(self.shares))
        return np.concatenate((part, base)), lows, highs, np.concatenate((number, number))

    def _behind(self, question: "Question", end: int, bound: float) -> "_Facts | None":
        """Follow a bound back to what was told; None if that leads too far, or was rounded on the way."""
        facts = _Facts(self)
        waiting: dict[int, dict[tuple[int, int], float]] = defaultdict(lambda: defaultdict(float))
        for cells, sign in ((question.plus, 1), (question.minus, -1)):
            for cell in cells:
                waiting[len(self.rounds)][cell, sign * end] += float(sign)
        for before in range(len(self.rounds), -1, -1):  # what gave a bound was known in an earlier round
            for (cell, which), weight in waiting.pop(before, {}).items():
                facts.steps += 1
                if facts.steps > _STEPS:
                    return None
                number, reason = self._reason(cell, which, before)
                if reason is None:
                    facts.add(cell, which, weight)
                    continue
                for other, its_end, times in self._used(cell, which, reason, facts, weight):
                    waiting[number][other, its_end] += weight * times
        whole = np.floor(facts.total + EPS) if end == _HIGH else np.ceil(facts.total - EPS)
        return facts if whole == bound else None

    def _reason(self, cell: int, end: int, before: int) -> tuple[int, int | None]:
        """Return the last of the earlier rounds that narrowed an end, and what did so."""
        for number in range(before - 1, -1, -1):
            narrowed, reasons = self.rounds[number][end]
            at = int(np.searchsorted(narrowed, cell))
            if at < len(narrowed) and narrowed[at] == cell:
                return number, int(reasons[at])
        return 0, None

    def _used(
        self, cell: int, end: int, reason: int, facts: "_Facts", weight: float
    ) -> Iterator[tuple[int, int, float]]:
        """Yield the ends of other cells that a bound was made of, each with its weight."""
        if reason >= len(self.lines):
            share = self.shares[reason - len(self.lines)]
            among = (share.high if end == _HIGH else share.low) / 100
            if cell == share.part:
                facts.shares[share.name] += weight / 100
                yield share.base, end, among
                return
            among = (share.low if end == _HIGH else share.high) / 100
            facts.shares[share.name] -= weight / (100 * among)
            yield share.part, end, 1 / among
            return
        line = self.lines[reason]
        if line.whole == cell:
            yield from ((int(p), end, 1.0) for p in line.parts)
            return
        yield line.whole, end, 1.0
        yield from ((int(p), -end, -1.0) for p in line.parts if p != cell)


class _Facts:
    """The facts that a bound is a sum of."""

    def __init__(self, chains: Chains) -> None:
        self.chains = chains
        self.weights: dict[int, float] = defaultdict(float)
        self.shares: dict[str, float] = defaultdict(float)
        self.total = 0.0
        self.steps = 0
        self.is_bound_only = False  # a range, or that no count is below 0, is among them

    def add(self, cell: int, end: int, weight: float) -> None:
        """Note an end of a cell that was told as it is."""
        chains = self.chains
        self.total += weight * float(chains.told_high[cell] if end == _HIGH else chains.told_low[cell])
        if chains.told_low[cell] != chains.told_high[cell]:
            self.is_bound_only = True
            if end == _LOW and chains.told_low[cell] <= 0:
                return
        if not chains.case.nobody[cell]:
            self.weights[cell] += weight

    @property
    def is_equation(self) -> bool:
        """Say whether the sum is the number itself, not only a bound of it."""
        return not self.is_bound_only and not self.shares

    @property
    def words(self) -> str:
        """Write the sum."""
        names = self.chains.case.system.names
        return written(
            [
                *((w, names[cell]) for cell, w in self.weights.items()),
                *((w, n) for n, w in self.shares.items()),
            ]
        )
