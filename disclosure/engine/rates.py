"""Rates of people among people, such as 12.5 per 1,000: percentages in other clothes."""

import re

from disclosure.engine.errors import BadTable

_RATE = re.compile(r"[0-9]{1,9}(\.[0-9]{1,9})?")


def as_percentage(rate: str, *, per: int) -> str:
    """Return what goes into `pct` for a printed rate, saying exactly as much: same value, same rounding.

    A rate per 10 to some power is a percentage with the point moved: 12.5 per 1,000 lies between 12.45 and
    12.55, and 1.25 % between 1.245 and 1.255. The base is named by `pct_of`, as of any percentage, and the
    rules of percentages hold: the base counts enough people, and no withheld count is told.

    :raises BadTable: if the rate is not a number as printed, `per` is no power of 10 from 1 to 1,000,000,
        the rate is more than everybody, or rounded more coarsely than whole percents, which `pct` cannot say
    """
    if not _RATE.fullmatch(rate):
        raise BadTable("A rate is a number as it was printed, without sign or thousands separator.")
    if per not in {10**k for k in range(7)}:
        raise BadTable("A rate is per 1, 10, 100, 1,000 and so on, up to 1,000,000.")
    whole, _, part = rate.partition(".")
    places = len(part) + len(str(per)) - 3  # decimals of the percentage
    if places < 0:
        raise BadTable(
            f"{rate} per {per} is rounded more coarsely than whole percents. Give another decimal."
        )
    digits = int(whole + part)
    if digits > 100 * 10**places:
        raise BadTable(f"{rate} per {per} is more than everybody: no rate of people among people.")
    if not places:
        return str(digits)
    text = str(digits).zfill(places + 1)
    return f"{text[:-places]}.{text[-places:]}"
