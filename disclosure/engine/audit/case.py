"""One case: everything heard, made into facts, then everything asked."""

from collections.abc import Iterable, Iterator, Sequence

import numpy as np
from scipy import sparse

from disclosure.engine.audit import closure
from disclosure.engine.audit.findings import Codes, Finding, Interval, Report
from disclosure.engine.audit.hearing import Hearing
from disclosure.engine.audit.percentages import Printed, too_telling
from disclosure.engine.audit.pieces import implied
from disclosure.engine.audit.questions import Cell, Question, ask
from disclosure.engine.audit.reading import EVERYBODY, Line, Share
from disclosure.engine.audit.system import SAME, Contradiction, System, Work
from disclosure.engine.audit.universe import Universe, Unknowns, Who
from disclosure.engine.audit.witness import Witnesses
from disclosure.engine.audit.witnessed import offered
from disclosure.engine.errors import BadTable
from disclosure.engine.policy import CellPolicy


class Case:
    """Everything heard, then everything asked."""

    def __init__(
        self, universe: Universe, policy: CellPolicy, work: Work, witnesses: Witnesses | None = None
    ) -> None:
        self.universe = universe
        self.policy = policy
        self.work = work
        self.witnesses = witnesses or Witnesses()
        self.cells: list[Cell] = []
        self.number: dict[Who, int] = {}
        self.shares: list[Printed] = []
        self.others = False  # somebody else published, too
        self.leaks: list[Finding] = []
        self.warnings: list[Finding] = []

    def _cell(self, who: Who) -> Cell:
        if who not in self.number:
            self.number[who] = len(self.cells)
            self.cells.append(Cell(who))
        return self.cells[self.number[who]]

    def hear(self, line: Line) -> None:
        """Take in what a line says that the attacker can read."""
        cell = self._cell(self.universe.who(line.people))
        cell.mentioned = cell.mentioned or line.place
        cell.ours = cell.ours or line.ours
        cell.listed = cell.listed or line.counted
        cell.hidden = cell.hidden or (line.hidden and line.ours)
        self.others = self.others or not line.ours
        if line.truth is not None and line.ours:
            self._true(cell, line)
        source = line.file, line.release
        if line.printed is not None:
            self._narrow(cell, *line.printed, line.place, public=not line.ours)
            if line.printed[0] == line.printed[1] and line.ours:
                cell.printed_in.add(source)
        elif line.counted:
            cell.blank = True
            if line.ours:
                cell.blank_in.setdefault(source, line.place)
        if line.share is None and line.share_base is None:
            return
        people = {d: EVERYBODY if d in line.share_of else code for d, code in line.people.items()}
        base = self._cell(self.universe.who(people))
        base.mentioned = base.mentioned or line.place
        if line.share is not None:
            self._hear_share(line, line.share, cell, base)
        if line.share_base is not None and not line.share_withheld:
            number = line.share_base
            base.ours = base.ours or line.ours
            self._narrow(base, number, number, f"{line.place}, pct_n", public=not line.ours)
            if line.ours:
                base.printed_in.add(source)

    def _hear_share(self, line: Line, said: Share, cell: Cell, base: Cell) -> None:
        part, whole = self.number[cell.who], self.number[base.who]
        name = f"{said.text} % ({self.words(part)} among {self.words(whole)}; {line.place})"
        share = Printed(
            part,
            whole,
            float(said.low),
            float(said.high),
            name,
            line.place,
            ours=line.ours,
            marked_withheld=line.share_withheld,
        )
        self.shares.append(share)
        if share.marked_withheld:
            return
        base.ours = base.ours or line.ours
        base.shares += line.ours

    def learn(self, line: Line) -> None:
        """Take in a true count that is not released."""
        if line.truth is not None:
            self._true(self._cell(self.universe.who(line.people)), line)

    def _true(self, cell: Cell, line: Line) -> None:
        if cell.truth is not None and cell.truth != line.truth:
            raise BadTable(f"{line.place}: count differs from another line about the same people.")
        cell.truth = line.truth

    def _narrow(self, cell: Cell, low: int, high: float, place: str, *, public: bool) -> None:
        if public:
            cell.public_low = max(cell.public_low, float(low))
            cell.public_high = min(cell.public_high, float(high))
        cell.said = cell.said if cell.said and cell.high <= high else place
        cell.said_low = cell.said_low if cell.low >= low else place
        cell.low, cell.high = max(cell.low, float(low)), min(cell.high, float(high))
        if cell.low > cell.high:
            raise Contradiction(f"Contradiction: {place} against another line about {self.words_of(cell)}.")

    def words(self, number: int) -> str:
        """Name the people of a cell."""
        return self.words_of(self.cells[number])

    def words_of(self, cell: Cell) -> str:
        """Name the people of a cell."""
        return self.universe.words(cell.who)

    def close(self) -> None:
        """Turn what was heard into facts.

        :raises Contradiction: if no table agrees with all of them
        """
        for who in closure.missing(self.universe, [cell.who for cell in self.cells]):
            self._cell(who)
        never = [self.universe.who(pattern) for pattern in self.universe.impossible]
        unknowns = self.unknowns = Unknowns(self.universe, [*(c.who for c in self.cells), *never])
        members = [unknowns.members(cell.who) for cell in self.cells]
        starts = np.concatenate(([0], np.cumsum([len(m) for m in members]))).astype(np.int64)
        index = np.concatenate(members)
        shape = (len(members), unknowns.count)
        self.sums = sparse.csr_matrix((np.ones(len(index)), index, starts), shape=shape)
        gone = self._places(never)
        self.nobody = np.asarray((self.sums @ (~gone).astype(float)) == 0)
        self.along = closure.sums(self.universe, [cell.who for cell in self.cells])
        self._add_up()
        listed = [who for who in self.universe.others() if who in self.number and self._is_empty(who)]
        self.nobody_there = gone | self._places(listed)
        low = np.array([self.floor(i) for i in range(len(self.cells))])
        high = np.array([cell.high for cell in self.cells])
        self.system = self._system(unknowns, gone, low, high, public=False)
        if not self._is_witnessed() and not self.system.fits():
            raise Contradiction(
                "Contradiction: no table agrees with all released numbers. Check populations and dates."
            )
        self.public: System | None = None
        if self.others:
            low = np.array([cell.public_low for cell in self.cells])
            high = np.array([cell.public_high for cell in self.cells])
            self.public = self._system(unknowns, gone, low, high, public=True)

    def _places(self, populations: Iterable[Who]) -> np.ndarray:
        """Mark the unknowns inside these populations."""
        marked = np.zeros(self.unknowns.count, dtype=bool)
        for who in populations:
            for block in self.unknowns.places(who):
                marked[self.unknowns.members(who, block)] = True
        return marked

    def _is_empty(self, who: Who) -> bool:
        """Say whether printed counts add up to nobody: of categories not listed, that there are none."""
        return self.cells[self.number[who]].known == 0

    def _is_witnessed(self) -> bool:
        """Say whether a table that was offered agrees with all facts, where to look for one takes long."""
        return self.system.is_vast and any(
            self.system.agrees(table) for table in offered(self.witnesses, self.unknowns)
        )

    def _add_up(self) -> None:
        true = np.array([np.nan if c.truth is None else float(c.truth) for c in self.cells])
        true[self.nobody] = np.where(np.isnan(true[self.nobody]), 0.0, true[self.nobody])
        if not np.isnan(true).all():
            words = "The true counts do not add up. If not all categories are listed, give the hierarchy."
            true = closure.add_up(self.along, true, refuse=words)
        told = np.array([cell.low if cell.exact else np.nan for cell in self.cells])
        told[self.nobody] = 0.0
        told = closure.add_up(self.along, told)
        for cell, truth, known in zip(self.cells, true, told, strict=True):
            cell.truth = None if np.isnan(truth) else int(truth)
            cell.known = float(known)
            if cell.truth is not None and not cell.low <= cell.truth <= cell.high:
                raise Contradiction(f"Contradiction: {cell.said} is not what the true counts say.")

    def _system(
        self, unknowns: Unknowns, gone: np.ndarray, low: np.ndarray, high: np.ndarray, *, public: bool
    ) -> System:
        ties = unknowns.ties()
        facts, lows, highs = (
            [self.sums, ties],
            [low, np.zeros(ties.shape[0])],
            [high, np.zeros(ties.shape[0])],
        )
        names = [self._fact(i) for i in range(len(self.cells))] + [SAME] * ties.shape[0]
        for share in self.shares:
            if share.marked_withheld or (public and share.ours):
                continue
            part, base = self.sums[share.part], self.sums[share.base]
            facts += [100 * part - share.low * base, 100 * part - share.high * base]
            lows += [np.zeros(1), np.full(1, -np.inf)]
            highs += [np.full(1, np.inf), np.zeros(1)]
            names += [share.name, share.name]
            for somebody, who in self._counted(share, low, high):
                facts.append(somebody)
                lows.append(np.ones(1))
                highs.append(np.full(1, np.inf))
                names.append(f"1 or more ({who}, by {share.name})")
        matrix = sparse.vstack(facts).tocsr()
        told = np.zeros(matrix.shape[0], dtype=bool)
        told[: len(self.cells)] = implied(self.sums, low, high, self.along)
        return System(matrix, np.concatenate(lows), np.concatenate(highs), names, gone, self.work, told)

    def _counted(
        self, share: Printed, low: np.ndarray, high: np.ndarray
    ) -> Iterator[tuple[sparse.csr_matrix, str]]:
        """Name whom a percentage cannot be printed without: its base, whoever is in it, whoever is not.

        Left out is who counts somebody already by what is printed.
        """
        part, base = share.part, share.base
        if low[base] < 1:
            yield self.sums[base], self.words(base)
        if share.low > 0 and low[part] < 1:
            yield self.sums[part], self.words(part)
        if share.high < 100 and low[base] - high[part] < 1:
            yield self.sums[base] - self.sums[part], f"{self.words(base)} without {self.words(part)}"

    def floor(self, number: int) -> float:
        """Return how many people a cell counts at least, by what is told of it alone."""
        cell = self.cells[number]
        if cell.withheld and cell.hidden and not self.policy.hide_zeros and not self.nobody[number]:
            return max(cell.low, 1.0)  # zeros are shown, so what is withheld counts somebody
        return cell.low

    def _fact(self, number: int) -> str:
        cell = self.cells[number]
        low, high = self.floor(number), cell.high
        text = "withheld" if low <= 0 else f"{low:.0f} or more"
        if np.isfinite(high):
            text = f"{low:.0f}" if low == high else f"{low:.0f} to {high:.0f}"
        return f"{text} ({self.words(number)}; {' and '.join(cell.where)})"

    def judge(self) -> Report:
        """Ask everything, and gather what leaks."""
        questions = self._about_somebody(ask(self.universe, self.cells, self.policy))
        self._shown()
        for leak, finding in too_telling(self.shares, self.cells, self.words, self.policy):
            (self.leaks if leak else self.warnings).append(finding)
        intervals: tuple[Interval, ...] = ()
        if questions:
            intervals = Hearing(self, questions, self._stack(questions)).run()
        listed = [c for c in self.cells if c.listed and c.ours]
        return Report(
            leaks=tuple(self.leaks),
            warnings=tuple(self.warnings),
            cells=len(listed),
            withheld=sum(not c.exact for c in listed),
            questions=len(questions),
            intervals=intervals,
        )

    def _stack(self, questions: Sequence[Question]) -> sparse.csr_matrix:
        """Write each question as a sum of unknowns."""
        signs = [
            (i, c, s)
            for i, q in enumerate(questions)
            for s, cs in ((1.0, q.plus), (-1.0, q.minus))
            for c in cs
        ]
        rows, columns, weights = zip(*signs, strict=True)
        shape = (len(questions), len(self.cells))
        stacked = sparse.csr_matrix((weights, (rows, columns)), shape=shape) @ self.sums
        stacked.eliminate_zeros()
        return stacked.tocsr()

    def _about_somebody(self, questions: Sequence[Question]) -> list[Question]:
        """Leave out what asks only about people who cannot be: in a structural zero, or in no category."""
        if not questions or not self.nobody_there.any():
            return list(questions)
        asked = abs(self._stack(questions)) @ (~self.nobody_there).astype(float)
        return [q for q, people in zip(questions, asked, strict=True) if people or q.kind == "base"]

    def _shown(self) -> None:
        """Name small counts that a line of ours prints, and blanks that another line fills."""
        for number, cell in enumerate(self.cells):
            if not cell.exact or not cell.ours or self.nobody[number]:
                continue
            public = cell.public_low == cell.public_high
            if self.policy.is_small(int(cell.low)) and (cell.printed_in or not public):
                self._tell("shown", number)
            elif public:
                continue
            elif cell.blank_in and cell.printed_in & set(cell.blank_in):
                self._tell("cell", number)
            elif cell.blank_in:
                self._tell("cell", number, leak=False)

    def _tell(self, kind: str, number: int, *, leak: bool = True) -> None:
        cell = self.cells[number]
        places = tuple(dict.fromkeys([*cell.where, *cell.blank_in.values()]))
        self.add(kind, self.words(number), cell.low, cell.high, self._fact(number), places, leak=leak)

    def add(
        self,
        kind: str,
        people: str,
        low: float,
        high: float,
        why: str,
        places: Sequence[str],
        *,
        leak: bool = True,
        about: Question | None = None,
    ) -> None:
        """Note a leak or a warning."""
        plus, minus = self._codes(about) if about else ((), ())
        finding = Finding(kind, people, low, high, why, tuple(places), plus, minus)
        (self.leaks if leak else self.warnings).append(finding)

    def _codes(self, about: Question) -> tuple[tuple[Codes, ...], tuple[Codes, ...]]:
        """Name the cells of a question by their codes; none if one of them has no code."""
        plus = [self.universe.codes_of(self.cells[c].who) for c in about.plus]
        minus = [self.universe.codes_of(self.cells[c].who) for c in about.minus]
        if any(codes is None for codes in (*plus, *minus)):
            return (), ()
        return tuple(c for c in plus if c is not None), tuple(c for c in minus if c is not None)
