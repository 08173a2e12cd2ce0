"""What can go wrong in the engine, by name."""

from collections.abc import Sequence


class BadTable(ValueError):
    """The input cannot be read as tables: the message names the place and the remedy."""


class NoSafePattern(Exception):
    """Nothing that may still be withheld makes the release safe; `facts` are in the way."""

    def __init__(self, message: str, facts: Sequence[str] = ()) -> None:
        super().__init__(message)
        self.facts = tuple(facts)


class Stopped(Exception):
    """The limit was reached before any safe pattern was found."""


class SolverFailed(Exception):
    """The solver did not answer; nothing may be concluded from it."""
