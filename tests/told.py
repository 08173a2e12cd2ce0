"""The numbers of a match report, one by one, so that none is forgotten."""

LABELS = {"version", "seed", "from", "to", "level", "at", "least_count"}
"""Whole numbers of a report that count nobody: names of things, and what a way of comparing is set to."""


def numbers(part, where=""):
    """Give every whole number of a report that counts something, with its place."""
    if isinstance(part, list):
        for place, entry in enumerate(part):
            yield from numbers(entry, f"{where}[{place}]")
    elif isinstance(part, dict):
        for name, value in part.items():
            if name not in LABELS and not (name == "rows" and "count" in part):  # people of so many rows
                yield from numbers(value, f"{where}.{name}")
    elif isinstance(part, int) and not isinstance(part, bool):
        yield where, part
