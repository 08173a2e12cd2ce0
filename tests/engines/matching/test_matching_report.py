"""Small counts do not leave the hub."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from matching.engine import calibrate, page, suppress


def family(*counts):
    return [{"group": str(n), "count": count} for n, count in enumerate(counts)]


@given(st.lists(st.integers(0, 40), min_size=2, max_size=6))
def test_no_small_count_can_be_read_or_had_by_subtraction(counts):
    shown = [entry["count"] for entry in suppress.suppressed({"part": family(*counts)}, 6)["part"]]

    assert not any(count is not None and 0 < count < 6 for count in shown)
    hidden = [n for n, count in enumerate(shown) if count is None]
    assert len(hidden) != 1 or not any(shown)


@pytest.mark.parametrize(
    ("count", "of", "hidden"),
    [(3, 100, True), (97, 100, True), (50, 100, False), (0, 100, False), (100, 100, False), (4, 5, True)],
)
def test_a_share_is_hidden_where_either_side_of_it_is_small(count, of, hidden):
    told = suppress.suppressed({"rate": {"count": count, "of": of}}, 6)

    assert (told["rate"]["count"] is None) is hidden


def test_the_parts_of_a_histogram_are_looked_at_each_by_itself():
    bars = [{"from": n, "linked": {"count": c}, "not_linked": {"count": 0}} for n, c in enumerate((2, 30, 9))]

    shown = suppress.suppressed({"bars": bars}, 6)["bars"]

    assert [bar["linked"]["count"] for bar in shown] == [None, 30, None]
    assert [bar["not_linked"]["count"] for bar in shown] == [0, 0, 0]


def test_what_was_reckoned_from_a_hidden_count_goes_with_it():
    entry = {"group": "F", "count": 2, "of": 30, "low": 0.1, "high": 0.2, "behind": True}

    (told,) = suppress.suppressed({"groups": [entry]}, 6)["groups"]

    assert told == {"group": "F", "count": None, "of": None, "low": None, "high": None, "behind": None}


def test_the_page_shows_the_report_without_script_style_attribute_or_address(result):
    text = page.html(suppress.suppressed(result.report, 6))

    assert "<h1>Match report</h1>" in text
    assert "hidden (small)" in text
    for forbidden in ("<script", " style=", "http://", "https://"):
        assert forbidden not in text.replace("http://www.w3.org/2000/svg", "")


def test_the_report_holds_no_value_of_any_record(tables, result):
    told = page.html(result.report) + str(result.report)

    for files in tables.values():
        for column in ("SyntheticID", "SSN", "SASID"):
            if column in files.column_names:
                values = [v for v in files[column].to_pylist()[:300] if v]
                assert not any(value in told for value in values)


def test_thresholds_of_nothing_accept_nothing(spec):
    points = calibrate.thresholds([], spec)

    assert points.expected_links == 0
    assert points.accepted("auto") == 1.0


@pytest.mark.obligation("O-68")
def test_the_page_hides_what_a_way_found_where_its_links_are_hidden(result):
    (pair, *_) = result.report["pairs"]
    blocks = [block | {"pairs": {"count": 4}} for block in pair["blocks"][:1]] + pair["blocks"][1:]
    rules = [pair["links_by_rule"][0] | {"count": 4}, *pair["links_by_rule"][1:]]
    report = result.report | {"pairs": [pair | {"blocks": blocks, "links_by_rule": rules}]}

    text = page.html(suppress.suppressed(report, 6))

    row = text.split(f'<th scope="row">{blocks[0]["block"]}</th>')[1].split("</tr>")[0]
    assert row.count("hidden (small)") >= 2
    assert ">4<" not in row


def test_a_report_of_before_hides_what_it_told_in_bare_numbers(result):
    (pair, *_) = result.report["pairs"]
    old = [{"block": "sure", "pairs": 4_321, "keys_left_out": 1} for _ in pair["links_by_rule"]]

    text = page.html(result.report | {"pairs": [pair | {"blocks": old}]})

    assert "4,321" not in text
    assert text.count("hidden (small)") >= 2 * len(old)
