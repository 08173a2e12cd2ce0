"""The questions of one case, put to the linear system: what can still be, and what is known."""

from collections.abc import Sequence
from functools import cached_property
from typing import TYPE_CHECKING

import numpy as np
from scipy import sparse

from disclosure.engine.audit.chains import Chains
from disclosure.engine.audit.ends import ends
from disclosure.engine.audit.findings import Interval
from disclosure.engine.audit.moves import Moves
from disclosure.engine.audit.nearby import whole_nearby
from disclosure.engine.audit.questions import Question, least_people
from disclosure.engine.audit.system import EPS, Wish
from disclosure.engine.audit.telling import Teller
from disclosure.engine.audit.walk import Walk
from disclosure.engine.audit.walks import Walks
from disclosure.engine.audit.witnessed import offered
from disclosure.engine.errors import SolverFailed

if TYPE_CHECKING:
    from disclosure.engine.audit.case import Case

_FEW = 40  # wishes that are asked one by one
_WIDE = 1_000  # unknowns, from which on corners take too long to be looked at first
_IDLE, _IDLE_AFTER_MOVES = 6, 2  # corners that hardly grant anything, before wishes are asked for otherwise


class Hearing:
    """The questions of one case, answered with as few solves as possible."""

    def __init__(self, case: "Case", questions: Sequence[Question], stacked: sparse.csr_matrix) -> None:
        self.case = case
        self.questions = list(questions)
        self.system = case.system
        self.full = stacked
        self.sums, self.constant = case.system.express(stacked)
        zeros = case.policy.hide_zeros
        self.sure = np.zeros(len(case.cells)) if zeros else least_people(case.cells, case.along, case.nobody)
        self.least = np.full(len(self.questions), np.inf)  # of values seen in whole worlds
        self.most = np.full(len(self.questions), -np.inf)
        self.proven: dict[int, tuple[float, float]] = {}
        self.teller = Teller(case)
        self.moved = False  # whether people were moved about, cell by cell
        self.walk = Walks(self.system) if self.system.pieces else Walk(self.system)

    def run(self) -> tuple[Interval, ...]:
        """Look for worlds, settle what no world was found for, and return how open each cell is."""
        if self.system.first is not None:
            self._see(self.system.first)
        if self.system.width > _WIDE:
            self._hear_witnesses()
        wishes = [w for i in range(len(self.questions)) for w in self._wishes(i)]
        if self.system.is_vast:
            wishes = [w for w in wishes if not self._is_open_enough(w.sum)]
        if self.system.width > _WIDE:  # fewer are soon settled by a solver
            wishes = [self._in_reach(w) for w in wishes]
        if self.system.pieces:
            self._see_the_middle()
        left = self._look_for([w for w in wishes if not self._granted(w)])
        if (
            left and self.system.width <= _WIDE
        ):  # corners lie farther out, and tell more of how open a cell is
            self._hear_witnesses()
            left = [w for w in left if not self._granted(w)]
        somebody = bool(np.isfinite(self.most).any())  # a table of whole numbers that fits: no contradiction
        alone = somebody and (self.system.pieces or len(left) < _FEW)  # one of a piece is soon asked
        for wish in left if alone else self._many(left):
            if not self._granted(wish):
                self._alone(wish)
        for number, question in enumerate(self.questions):
            self._conclude(number, question)
        return tuple(self._interval(i) for i, q in enumerate(self.questions) if q.kind == "cell")

    def _look_for(self, wishes: list[Wish]) -> list[Wish]:
        """Look for worlds that grant many wishes at once; return those that are left."""
        left = wishes
        if self.system.width > _WIDE and len(left) >= _FEW:
            # Corners of tables with two categories are whole, and show much at once. Of others hardly one is.
            left = self._move(self._wander(left, patience=1))
        return self._wander(left, patience=_IDLE_AFTER_MOVES if self.moved else _IDLE)

    def _move(self, wishes: list[Wish]) -> list[Wish]:
        """Look for worlds around one that is known, where there are too many wishes for corners."""
        table = self.system.base
        if table is None or len(wishes) < _FEW:
            return wishes

        left, self.moved = wishes, True

        def see(x: np.ndarray) -> list[Wish]:
            nonlocal left
            self._see(x)
            left = [w for w in left if not self._granted(w)]
            return left

        return Moves(self.system, self.case.unknowns, len(wishes)).wander(table, self.sums, wishes, see)

    def _see_the_middle(self) -> None:
        """Take in a table where most cells are large."""
        try:
            x = self.walk.middle()
        except SolverFailed:
            return  # what it would have shown is asked otherwise
        if x is not None:
            self._see(x)

    def _hear_witnesses(self) -> None:
        """Take in the tables that somebody offers, as far as they agree with all that is released."""
        for table in offered(self.case.witnesses, self.case.unknowns):
            if self.system.agrees(table):
                values = self.full @ table
                np.minimum(self.least, values, out=self.least)
                np.maximum(self.most, values, out=self.most)

    def _interval(self, number: int) -> Interval:
        cell = self.case.cells[self.questions[number].plus[0]]
        proven = number in self.proven
        low, high = self.proven.get(number, (self.least[number], self.most[number]))
        if low > high:  # nothing seen: all that is certain is what was printed
            low, high = cell.low, cell.low
        places = tuple(dict.fromkeys([cell.mentioned, *cell.blank_in.values()]))
        return Interval(self.case.words_of(cell), float(low), float(high), proven, places)

    def _truth(self, question: Question) -> int | None:
        asks = question.kind in ("cell", "unlisted")
        return self.case.cells[question.plus[0]].truth if asks else None

    def _floor(self, question: Question) -> int:
        sure = int(self.sure[question.plus[0]]) if question.kind in ("cell", "unlisted") else 0
        return max(self.case.policy.smallest_hidden, min(sure, self.case.policy.min_count - 1))

    def _wishes(self, number: int) -> list[Wish]:
        policy, question = self.case.policy, self.questions[number]
        fixed = float(self.constant[number])
        floor = float(self._floor(question))
        two = floor + 1  # a second value, where the class has one only
        up, down = Wish(number, 1, max(policy.min_count, two) - fixed), Wish(number, -1, fixed - floor)
        if question.kind == "base":
            return [Wish(number, 1, policy.min_pct_base - fixed)]
        truth = self._truth(question)
        if truth is not None and policy.is_small(truth):
            return [Wish(number, 1, max(policy.min_count - 1, two) - fixed), down]
        if question.kind == "cell" and truth is not None:
            return [Wish(number, 1, truth + 1 - fixed), Wish(number, -1, fixed - (truth - 1))]
        return [up, down] if question.kind == "cell" else [up]

    @cached_property
    def _chains(self) -> Chains:
        """Return what follows line by line; asked for only where something may leak."""
        return Chains(self.case)

    def _in_reach(self, wish: Wish) -> Wish:
        """Ask for no more than is possible: to see how far it goes is half of the answer."""
        low, high = self._chains.bounds(self.questions[wish.sum])
        farthest = (high if wish.sign > 0 else -low) - wish.sign * float(self.constant[wish.sum])
        return Wish(wish.sum, wish.sign, farthest) if farthest < wish.goal - EPS else wish

    def _granted(self, wish: Wish) -> bool:
        seen = self.most[wish.sum] if wish.sign > 0 else -self.least[wish.sum]
        return bool(seen - wish.sign * self.constant[wish.sum] >= wish.goal - EPS)

    def _see(self, x: np.ndarray) -> bool:
        """Take in a table, whoever found it; say whether it is one of whole numbers that fits."""
        whole = np.round(x)
        if np.abs(x - whole).max(initial=0.0) > EPS or not self.system.holds(whole):
            return False
        self.system.base = whole
        values = self.sums @ whole + self.constant
        np.minimum(self.least, values, out=self.least)
        np.maximum(self.most, values, out=self.most)
        return True

    def _wander(self, wishes: Sequence[Wish], *, patience: int) -> list[Wish]:
        """Go from corner to corner, each far out for many wishes, as long as that grants some.

        So many corners in a row may grant hardly any.
        """
        rng = np.random.default_rng(len(wishes))
        left, idle = list(wishes), 0
        while left and idle < patience:
            chosen = _one_each(left, rng)
            pull = [w.sign * (1 + rng.random()) for w in chosen]
            try:
                x = self.walk.corner(-(self.sums[[w.sum for w in chosen]].T @ np.array(pull)))
            except SolverFailed:
                break
            if x is None:
                break
            before = len(left)
            if self._see(x):
                left = [w for w in left if not self._granted(w)]
            idle = idle + 1 if before - len(left) < max(1, before // 50) else 0
        return left

    def _many(self, wishes: Sequence[Wish]) -> list[Wish]:
        rng = np.random.default_rng(len(wishes))
        left = list(wishes)
        whole, idle = False, 0
        while left and self.system.width and idle < 2:
            chosen = _one_each(left, rng)
            before = len(left)
            try:
                x = self.system.world(self.sums, chosen, whole=whole)
            except SolverFailed:
                break  # each is asked on its own, and says so if that fails as well
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
        try:
            x = whole_nearby(self.system, self.sums[wish.sum], wish.sign, wish.goal)
            if x is not None and self._see(x) and self._granted(wish):
                return
            x = self.walk.whole(self.sums[wish.sum], wish.sign, wish.goal)
            if x is not None and self._see(x) and self._granted(wish):
                return
            if self.walk.out_of_reach:
                return  # how far it goes instead is asked when all is concluded
            x = self.system.world(self.sums, [wish], whole=False)
            if x is None or not self._see(x):
                reached = wish.sign * float((self.sums[wish.sum] @ x)[0]) if x is not None else np.inf
                if reached >= wish.goal - EPS:
                    whole = self.system.grants_whole(self.sums, wish)
                    if whole is not None:
                        self._see(whole)
        except SolverFailed:
            return  # not granted, so it counts as broken

    def _conclude(self, number: int, question: Question) -> None:
        if self._is_open_enough(number):
            return
        truth = self._truth(question)
        try:
            seen = float(self.least[number]), float(self.most[number])
            low, high = self.proven[number] = ends(
                self.system,
                self.sums[number],
                self.constant[number],
                seen,
                self._chains.bounds(question),
                self.walk,
            )
        except SolverFailed:
            self.teller.not_settled(question, float(self._floor(question)))
            return
        leak, warning = self._verdict(question, truth, low, high)
        if (leak or warning) and not self._public_already(number, low, high):
            self.teller.tell(question, self.full[number], low, high, self._chains, leak=leak)

    def _is_open_enough(self, number: int) -> bool:
        """Say whether the worlds seen leave nothing to ask: a large cell only has to be no one number."""
        question, policy = self.questions[number], self.case.policy
        broken = [w for w in self._wishes(number) if not self._granted(w)]
        truth = self._truth(question)
        if question.kind != "cell" or truth is None or policy.is_small(truth):
            return not broken
        return len(broken) < 2 or not self.case.cells[question.plus[0]].blank

    def _verdict(self, question: Question, truth: int | None, low: float, high: float) -> tuple[bool, bool]:
        policy = self.case.policy
        floor, top = self._floor(question), policy.min_count - 1
        narrow = high <= top and low >= floor and (low == high or (low, high) != (floor, top))
        if question.kind == "base":
            return high < policy.min_pct_base, False
        if question.kind == "residual":
            return high <= top and low >= 1, False
        if truth is not None and policy.is_small(truth):
            return low > floor or high < top or low == high, False
        if question.kind != "cell":
            return narrow, False
        exact = low == high and self.case.cells[question.plus[0]].blank  # a range may well end in one number
        leak = narrow or exact
        return leak, not leak and floor < low <= top

    def _public_already(self, number: int, low: float, high: float) -> bool:
        """Say whether all this was known before, and not through us."""
        public = self.case.public
        if public is None:
            return False
        sums, constant = public.express(self.full[number])
        try:
            return ends(public, sums[0], constant[0], (np.inf, -np.inf)) == (low, high)
        except SolverFailed:
            return False


def _one_each(wishes: Sequence[Wish], rng: np.random.Generator) -> list[Wish]:
    """Pick one wish for each sum."""
    chosen: dict[int, Wish] = {}
    for i in rng.permutation(len(wishes)):
        chosen.setdefault(wishes[int(i)].sum, wishes[int(i)])
    return list(chosen.values())
