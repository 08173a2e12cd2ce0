"""What desks tell custody when Django starts, each under a name of its own."""

from collections.abc import Iterator
from typing import Generic, TypeVar

Entry = TypeVar("Entry")


class Register(Generic[Entry]):
    """Entries by name. Adding the same one again changes nothing; another of the same name is refused."""

    def __init__(self, what: str) -> None:
        """Say in the plural what is registered; a refusal names it."""
        self._what = what
        self._entries: dict[str, Entry] = {}

    def add(self, name: str, entry: Entry) -> None:
        """Register an entry. :raises ValueError: if another has this name"""
        if self._entries.setdefault(name, entry) is not entry:
            raise ValueError(f"Two {self._what} are called {name!r}.")

    def __iter__(self) -> Iterator[Entry]:
        """Go through the entries in the order of their names."""
        return (self._entries[name] for name in sorted(self._entries))
