"""Which engines there are to link with. The matching desk, which comes later, says so when Django starts."""

from collections.abc import Mapping

_known: dict[str, str] = {}


def register_engines(engines: Mapping[str, str]) -> None:
    """Say which engines there are: by name, each with a line of words."""
    _known.update(engines)


def engines() -> dict[str, str]:
    """Return the engines that a method can name, each with a line of words."""
    return dict(_known)
