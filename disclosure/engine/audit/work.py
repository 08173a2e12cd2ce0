"""How much the solver may be asked, and what is wrong with facts that no table agrees with."""

from collections.abc import Callable
from dataclasses import dataclass

from disclosure.engine.errors import BadTable, SolverFailed

_PATIENCE = 5.0  # seconds on the wall for one of the clock


class Contradiction(BadTable):
    """No table agrees with all that was released."""


@dataclass
class Work:
    """How many steps of the solver may be taken; counted, so that the same files end the same way."""

    limit: int
    spent: int = 0
    left: Callable[[], float] | None = None  # seconds that a clock still gives

    def seconds(self) -> float:
        """Return how many seconds the clock still gives."""
        return float("inf") if self.left is None else self.left()

    def patience(self) -> float:
        """Return how many seconds one solve may take on the wall; the clock may count the processor's."""
        return _PATIENCE * max(self.seconds(), 0.1)

    def spend(self, steps: int) -> None:
        """Count steps taken."""
        self.spent += steps + 1

    def ask(self) -> None:
        """Refuse a further solve once the limit is reached.

        :raises SolverFailed: if it is
        """
        if self.spent >= self.limit or self.seconds() <= 0:
            raise SolverFailed("The checker's limit is reached.")
