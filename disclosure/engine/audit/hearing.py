"""The questions of one case, put to the linear system: what can still be, and what is known."""

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np
from scipy import sparse

from disclosure.engine.audit.derivation import derive
from disclosure.engine.audit.questions import Question, least_people
from disclosure.engine.audit.system import EPS, Wish
from disclosure.engine.errors import SolverFailed

if TYPE_CHECKING:
    from disclosure.engine.audit.judge import Case


class Hearing:
    """The questions of one case, answered with as few solves as possible."""

    def __init__(self, case: "Case", questions: Sequence[Question], stacked: sparse.csr_matrix) -> None:
        self.case = case
        self.questions = list(questions)
        self.system = case.system
        self.full = stacked
        self.sums, self.constant = case.system.express(stacked)
        zeros = case.policy.hide_zeros
        self.sure = [0] * len(case.cells) if zeros else least_people(case.universe, case.cells)
        self.least = np.full(len(self.questions), np.inf)  # of values seen in whole worlds
        self.most = np.full(len(self.questions), -np.inf)

    def run(self) -> None:
        """Look for worlds, then settle what no world was found for."""
        wishes = [w for i in range(len(self.questions)) for w in self._wishes(i)]
        left = self._many(wishes)
        for wish in left:
            if not self._granted(wish):
                self._alone(wish)
        for number, question in enumerate(self.questions):
            self._conclude(number, question)

    def _truth(self, question: Question) -> int | None:
        values = [self.case.cells[c].truth for c in question.plus]
        minus = [self.case.cells[c].truth for c in question.minus]
        if any(v is None for v in (*values, *minus)):
            return None
        return sum(v for v in values if v is not None) - sum(v for v in minus if v is not None)

    def _floor(self, question: Question) -> int:
        sure = self.sure[question.plus[0]] if question.kind == "cell" else 0
        return max(self.case.policy.smallest_hidden, min(sure, self.case.policy.min_count - 1))

    def _wishes(self, number: int) -> list[Wish]:
        policy, question = self.case.policy, self.questions[number]
        fixed = float(self.constant[number])
        floor, top = float(self._floor(question)), float(policy.min_count)
        up, down = Wish(number, 1, top - fixed), Wish(number, -1, fixed - floor)
        if question.kind == "base":
            return [Wish(number, 1, policy.min_pct_base - fixed)]
        if question.kind == "cell":
            truth = self._truth(question)
            if truth is not None and policy.is_small(truth):
                return [Wish(number, 1, top - 1 - fixed), down]
            if truth is not None:
                return [Wish(number, 1, truth + 1 - fixed), Wish(number, -1, fixed - (truth - 1))]
            return [up, down]
        return [up]

    def _granted(self, wish: Wish) -> bool:
        seen = self.most[wish.sum] if wish.sign > 0 else -self.least[wish.sum]
        return bool(seen - wish.sign * self.constant[wish.sum] >= wish.goal - EPS)

    def _see(self, x: np.ndarray) -> bool:
        whole = np.round(x)
        if np.abs(x - whole).max(initial=0.0) > EPS:
            return False
        values = self.sums @ whole + self.constant
        np.minimum(self.least, values, out=self.least)
        np.maximum(self.most, values, out=self.most)
        return True

    def _many(self, wishes: Sequence[Wish]) -> list[Wish]:
        rng = np.random.default_rng(len(wishes))
        left = list(wishes)
        whole, idle = False, 0
        while left and self.system.width and idle < 2:
            chosen: dict[int, Wish] = {}
            for i in rng.permutation(len(left)):
                chosen.setdefault(left[int(i)].sum, left[int(i)])
            before = len(left)
            x = self.system.world(self.sums, list(chosen.values()), whole=whole)
            if x is not None and not self._see(x) and not whole:
                whole = True  # corners of this polytope are not whole: ask for whole numbers outright
                continue
            left = [w for w in left if not self._granted(w)]
            idle = idle + 1 if before - len(left) < max(1, before // 20) else 0
        return left

    def _alone(self, wish: Wish) -> None:
        if not self.system.width:
            self._see(np.zeros(0))
            return
        x = self.system.world(self.sums, [wish], whole=False)
        if x is None or not self._see(x):
            reached = wish.sign * float((self.sums[wish.sum] @ x)[0]) if x is not None else np.inf
            if reached >= wish.goal - EPS:
                whole = self.system.grants_whole(self.sums, wish)
                if whole is not None:
                    self._see(whole)

    def _ends(self, number: int) -> tuple[float, float]:
        ends = []
        for sign in (-1, 1):
            end = self.system.extreme(self.sums, number, sign, whole=False)
            if np.isfinite(end):
                value = end + self.constant[number]
                end = np.ceil(value - EPS) if sign < 0 else np.floor(value + EPS)
                seen = self.least[number] if sign < 0 else self.most[number]
                if end != seen:  # rounded ends may still be out of reach for whole numbers
                    exact = self.system.extreme(self.sums, number, sign, whole=True)
                    end = round(exact + self.constant[number]) if np.isfinite(exact) else exact
            ends.append(float(end))
        return ends[0], ends[1]

    def _conclude(self, number: int, question: Question) -> None:
        wishes = self._wishes(number)
        broken = [w for w in wishes if not self._granted(w)]
        policy = self.case.policy
        floor, top = self._floor(question), policy.min_count - 1
        if not broken:
            return
        truth = self._truth(question)
        if question.kind == "cell" and truth is not None and not policy.is_small(truth) and len(broken) < 2:
            return
        try:
            low, high = self._ends(number)
        except SolverFailed:
            self._tell(
                number,
                question,
                float(floor),
                float("inf"),
                "The checker could not settle this in its limit.",
            )
            return
        leak, warning = False, False
        inside = high <= top and low >= floor
        if question.kind == "base":
            leak = high < policy.min_pct_base
        elif question.kind == "residual":
            leak = high <= top and low >= 1
        elif question.kind == "difference":
            leak = inside and (low, high) != (floor, top)
        elif truth is not None and policy.is_small(truth):
            leak = low > floor or high < top
        else:
            leak = low == high or (inside and (low, high) != (floor, top))
            warning = not leak and floor < low <= top
        if leak or warning:
            self._tell(number, question, low, high, None, leak=leak)

    def _tell(
        self, number: int, question: Question, low: float, high: float, why: str | None, *, leak: bool = True
    ) -> None:
        case = self.case
        names = " and ".join(case.words(c) for c in question.plus)
        if question.minus:
            names = f"{names}, without {case.words(question.minus[0])}"
        if why is None:
            why = derive(case.system, self.full[number], low, high)
        places = tuple(
            dict.fromkeys(
                case.cells[c].said or case.cells[c].mentioned for c in (*question.plus, *question.minus)
            )
        )
        case.add(question.kind, names, low, high, why, places, leak=leak)
