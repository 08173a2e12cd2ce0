"""Tables of pay that were handed on: their counts for the ledger of counts, their money for the attack."""

import csv
import io

from disclosure.engine.errors import BadTable
from disclosure.engine.longform import whole_number, write
from disclosure.engine.magnitude.published import MEAN, RELEASED, ROUNDED_TO, SUM, Money


def measure_of(content: bytes) -> str:
    """Return which money a table tells beside its counts; nothing if it is no table of pay."""
    header = _header(content)
    measures = [name for name in (SUM, MEAN) if name in header]
    return measures[0] if {RELEASED, ROUNDED_TO} <= set(header) and len(measures) == 1 else ""


def counts_of(content: bytes) -> bytes:
    """Return a table without what it tells of money; what is no table of pay is returned as it is.

    Line by line the same rows, so that places in a derivation hold for both.
    """
    if not (measure := measure_of(content)):
        return content
    header, *lines = rows_of(content)
    kept = [
        i for i, name in enumerate(header) if name.strip() not in (measure, f"true_{measure}", ROUNDED_TO)
    ]
    whole = [line if len(line) != len(header) else [line[i] for i in kept] for line in lines]
    return write([header[i] for i in kept], whole)  # a line of another length is refused by who reads it


def read_money(name: str, content: bytes, *, per: int) -> Money:
    """Read what a table of pay tells of money, as it was handed on.

    :raises BadTable: if it is none, or does not say one unit for all its rows
    """
    if not (measure := measure_of(content)):
        raise BadTable(f"{name}: tells no sums or means beside its counts.")
    header, *lines = rows_of(content)
    at = [column.strip() for column in header].index(ROUNDED_TO)
    units = {line[at].strip() if at < len(line) else "" for line in lines if any(line)}
    unit = whole_number(units.pop()) if len(units) == 1 else None
    if not unit:
        raise BadTable(f"{name}: {ROUNDED_TO} must say the same whole number of 1 or more in every row.")
    return Money(name, measure, unit * per, content, per)


def dimensions_of(money: Money) -> list[str]:
    """Return the dimensions of a table of pay."""
    return [name for name in _header(money.content) if name not in (RELEASED, money.measure, ROUNDED_TO)]


def rows_of(content: bytes) -> list[list[str]]:
    """Return the lines of a CSV, header first; nothing if it is none."""
    try:
        return list(csv.reader(io.StringIO(content.decode("utf-8-sig"), newline="")))
    except (UnicodeDecodeError, csv.Error):
        return []


def _header(content: bytes) -> list[str]:
    return [name.strip() for name in next(iter(rows_of(content)), [])]
