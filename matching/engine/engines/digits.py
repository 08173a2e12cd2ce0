"""Numbers and dates of a fixed width as packed digits: slips are told by bits, without reading text."""

from __future__ import annotations

from typing import Final

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

WIDTH: Final = {"ssn": 9, "birth_date": 8}
"""Fields whose normal form always has so many digits."""
_DIGIT: Final = np.uint64(4)
_ONES: Final = np.uint64(0x1111111111111111)
_LOW: Final = np.uint64(15)
_TWO: Final = np.uint64(0x11)


def packed(values: pa.Array, width: int) -> np.ndarray | None:
    """Return each value as one number of four bits a digit, or None if not all have this form."""
    if not len(values):
        return np.empty(0, np.uint64)
    plain = pc.ascii_is_decimal(values)
    if values.null_count or not pc.all(pc.and_(plain, pc.equal(pc.binary_length(values), width))).as_py():
        return None
    letters = np.frombuffer(pa.concat_arrays([values, values[:0]]).buffers()[2], np.uint8)
    digits = letters[: len(values) * width].reshape(-1, width)
    number = np.zeros(len(values), np.uint64)
    for place in range(width):
        number = (number << _DIGIT) | (digits[:, place].astype(np.uint64) & _LOW)
    return number


def slipped(one: np.ndarray, other: np.ndarray) -> np.ndarray:
    """Tell where two numbers differ by one digit, or by two neighbours that changed places."""
    apart = one ^ other
    marked = (apart | (apart >> np.uint64(1)) | (apart >> np.uint64(2)) | (apart >> np.uint64(3))) & _ONES
    differing = np.bitwise_count(marked)
    slip: np.ndarray = differing == 1
    two = np.flatnonzero(differing == 2)
    low = marked[two] & (~marked[two] + np.uint64(1))  # the lowest digit that differs, as a power of 16
    digit = (apart[two] // low) & _LOW
    swapped = (apart[two] == digit * _TWO * low) & ((one[two] ^ (one[two] >> _DIGIT)) // low & _LOW == digit)
    slip[two[swapped]] = True
    return slip


def swapped_day(one: np.ndarray, other: np.ndarray) -> np.ndarray:
    """Tell where one date is the other with day and month changed round."""
    day, month = other & np.uint64(0xFF), (other >> np.uint64(8)) & np.uint64(0xFF)
    turned: np.ndarray = one == ((other >> np.uint64(16)) << np.uint64(16) | day << np.uint64(8) | month)
    return turned


def first_of_january(one: np.ndarray, other: np.ndarray) -> np.ndarray:
    """Tell where two dates of one year are not the same day, and one is a first of January."""
    first, rest = np.uint64(0x0101), np.uint64(0xFFFF)
    default: np.ndarray = ((one & rest) == first) | ((other & rest) == first)
    return default & ((one >> np.uint64(16)) == (other >> np.uint64(16)))


def two_of_three(one: np.ndarray, other: np.ndarray) -> np.ndarray:
    """Tell where two of year, month and day agree."""
    apart = one ^ other
    year = (apart >> np.uint64(16)) == 0
    month, day = (apart & np.uint64(0xFF00)) == 0, (apart & np.uint64(0xFF)) == 0
    enough: np.ndarray = year.astype(np.int8) + month + day >= 2
    return enough
