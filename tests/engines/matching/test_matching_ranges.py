"""Which bytes a request asks for."""

import pytest

from matching import ranges


@pytest.mark.parametrize(
    ("header", "found"),
    [
        ("bytes=0-9", (0, 10)),
        ("bytes=10-", (10, 100)),
        ("bytes=-30", (70, 100)),
        ("bytes=-300", (0, 100)),
        ("bytes=90-400", (90, 100)),
        ("bytes=99-99", (99, 100)),
        ("", None),
        ("bytes=-", None),
        ("bytes=9-3", None),
        ("bytes=0-1,5-6", None),
        ("rows=0-9", None),
        ("bytes=٣-9", None),
    ],
)
def test_a_range_is_read_as_the_standard_says(header, found):
    assert ranges.asked_for(header, size=100) == found


@pytest.mark.parametrize("header", ["bytes=100-", "bytes=200-300", "bytes=-0"])
def test_what_lies_outside_is_refused(header):
    with pytest.raises(ranges.OutOfRange):
        ranges.asked_for(header, size=100)
