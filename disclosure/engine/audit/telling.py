"""Turn an answer into a finding: who, between what, worked out how, and where it stands."""

from typing import TYPE_CHECKING

import numpy as np
from scipy import sparse

from disclosure.engine.audit.closure import Sum
from disclosure.engine.audit.derivation import derive, join
from disclosure.engine.audit.questions import Question

if TYPE_CHECKING:
    from disclosure.engine.audit.case import Case
    from disclosure.engine.audit.chains import Chains

_SHORT = 12  # facts that make a sum short enough to be told as it stands
_FEW = 1_000  # unknowns, up to which the fewest facts that give a number are looked for


class Teller:
    """Words for the findings of one case."""

    def __init__(self, case: "Case") -> None:
        self.case = case
        self._lines: dict[int, list[Sum]] = {}  # the sums that a cell is in

    def _sums_with(self, number: int) -> list[Sum]:
        """Return the sums that a cell is the whole or a part of."""
        if not self._lines:
            for line in self.case.along:
                for cell in (line.whole, *line.parts.tolist()):
                    self._lines.setdefault(cell, []).append(line)
        return self._lines.get(number, [])

    def not_settled(self, question: Question, low: float) -> None:
        """Note a question the solver did not answer: it counts as a leak."""
        why = "The checker could not settle this in its limit."
        names, places = self._who(question)
        self.case.add(question.kind, names, low, float("inf"), why, places, about=question)

    def tell(
        self,
        question: Question,
        vector: sparse.csr_matrix,
        low: float,
        high: float,
        chains: "Chains",
        *,
        leak: bool,
    ) -> None:
        """Note what was found, with the sum that gives it: the fewest facts, where they are soon found."""
        names, places = self._who(question)
        why = self._plain(question, low, high)
        if why is None and (low != high or self.case.system.width > _FEW):
            why = chains.derive(question, low, high)
        why = why or derive(self.case.system, vector, low, high)
        self.case.add(question.kind, names, low, high, why, places, leak=leak, about=question)

    def _who(self, question: Question) -> tuple[str, tuple[str, ...]]:
        cells = [self.case.cells[c] for c in (*question.plus, *question.minus)]
        names = " and ".join(self.case.words(c) for c in question.plus)
        if question.kind == "residual":
            names = self._left(question)
        elif question.minus:
            names = f"{names}, without {self.case.words(question.minus[0])}"
        places = dict.fromkeys(place for c in cells for place in (*c.where, *c.blank_in.values()))
        return names, tuple(places)

    def _left(self, question: Question) -> str:
        """Name those who are left when some are taken out along one dimension."""
        whole = self.case.cells[question.plus[0]].who
        for d, atoms in enumerate(whole):
            inside = [self.case.cells[m].who[d] for m in question.minus]
            if inside and all(part < atoms for part in inside):
                left = atoms - frozenset().union(*inside)
                return self.case.universe.words((*whole[:d], left, *whole[d + 1 :]))
        return self.case.words(question.plus[0])

    def _plain(self, question: Question, low: float, high: float) -> str | None:
        """Tell the sum as it stands, if printed counts give it in one short line."""
        if low != high:
            return None
        case, goal = self.case, question.plus[0]
        if question.minus:
            facts = [(1.0, goal), *((-1.0, m) for m in question.minus)]
            return self._sum(facts, low)
        best: list[tuple[float, int]] | None = None
        for line in self._sums_with(goal):
            if line.whole == goal:
                facts = [(1.0, int(p)) for p in line.parts]
            elif goal in line.parts:
                facts = [(1.0, line.whole), *((-1.0, int(p)) for p in line.parts if p != goal)]
            else:
                continue
            there = [(w, c) for w, c in facts if not case.nobody[c]]
            if all(case.cells[c].exact for _, c in there) and (best is None or len(there) < len(best)):
                best = there
        return self._sum(best, low) if best else None

    def _sum(self, facts: list[tuple[float, int]], value: float) -> str | None:
        cells = self.case.cells
        if len(facts) > _SHORT or not all(cells[c].exact for _, c in facts):
            return None
        if not np.isclose(sum(w * cells[c].low for w, c in facts), value):
            return None
        names = self.case.system.names
        return f"{join((w, names[c]) for w, c in facts)} = {value:.0f}"
