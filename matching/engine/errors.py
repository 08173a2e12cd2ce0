"""What can go wrong in a linkage. No message ever holds a value from a file."""

from __future__ import annotations


class LinkageError(Exception):
    """A linkage that was refused or could not finish, in words fit to show."""


class BadInput(LinkageError):
    """A file or a specification that cannot be used as it is."""


class NeedsMoreMemory(LinkageError):
    """A linkage whose need exceeds the memory it was given."""
