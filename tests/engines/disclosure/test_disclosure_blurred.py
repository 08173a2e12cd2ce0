"""Counts told less exactly: rounded to five, or as what a range of percentages stands for."""

import io
import json
from dataclasses import replace
from itertools import pairwise

import numpy as np
import pytest
from openpyxl import load_workbook

from disclosure.engine import blurred, release
from disclosure.engine.alternatives import Alternative, alternatives, price_of
from disclosure.engine.alternatives import _blurred as ways_that_blur
from disclosure.engine.audit.judge import audit
from disclosure.engine.codes import read_hierarchy
from disclosure.engine.errors import BadTable, NoSafePattern, SolverFailed, Stopped
from disclosure.engine.examine import Beside, examine
from disclosure.engine.longform import read_long
from disclosure.engine.recoding import NotPossible
from disclosure.engine.release import Outside
from disclosure.engine.sheet import written
from disclosure.engine.workbook import MARK, Told, suppressed
from tests.engines.disclosure.generators import project
from tests.engines.disclosure.oracle import Oracle
from tests.engines.disclosure.samples import RULES, cross, random_counts

KINDS = ("round", "ranges")


def counts(seed, shape=(5, 4)):
    return random_counts(np.random.default_rng(seed), shape)


def table(numbers):
    return cross(numbers, names=["a", "b"])


def with_percentages(text):
    """Print beside each count its percentage of the row."""
    head, *lines = text.splitlines()
    sizes = {
        line.split(",")[0]: int(line.split(",")[2]) for line in lines if ",Total," in line[line.index(",") :]
    }
    told = []
    for line in lines:
        a, _, count = line.split(",")
        told.append(f"{line},{100 * int(count) / sizes[a]:.1f},b" if sizes[a] else f"{line},,")
    return "\n".join([f"{head},pct,pct_of", *told]) + "\n"


def found_for(text, *, released=(), policy=RULES):
    now = examine("t.csv", text.encode(), Beside(released=released), policy=policy, seconds=5)
    outside = Outside(released, (), [read_long(label, content.decode()) for label, content in released])
    return now, alternatives(now.tables, outside, now.protection, policy=policy, seconds=5)


def blurred_way(text, **options):
    """Return the way that rounds or tells ranges, and how its file fares when it is submitted."""
    now, ways = found_for(text, **options)
    way = next((way for way in ways if way.kind in KINDS), None)
    if way is None:
        return now, None, None
    ending, content = way.file()
    beside = Beside(released=options.get("released", ()))
    policy = options.get("policy", RULES)
    return now, way, examine(f"t{ending}", content, beside, policy=policy, seconds=5)


@pytest.mark.long
@pytest.mark.obligation("O-81")
@pytest.mark.parametrize("first", range(0, 80, 10))
def test_projects_told_less_exactly_release_by_release_give_nothing_away(first):
    """Hierarchies, linked tables, several releases: each rounded, beside those before."""
    assert sum(came_out(seed) for seed in range(first, first + 10)) >= 5


def came_out(seed):
    """Return how many releases of a project came out, none of which the oracle objects to."""
    made, earlier = project(seed), []
    policy = replace(RULES, hide_zeros=made.zeros_hidden)
    for number, texts in enumerate(made.releases):
        tables = [read_long(f"{number}-{i}.csv", text) for i, text in enumerate(texts)]
        try:
            result, report = release.protect_and_audit(
                [blurred.rounded(one, policy) for one in tables],
                Outside(earlier, (), [read_long(name, content.decode()) for name, content in earlier]),
                hierarchies={name: read_hierarchy(name, text) for name, text in made.groups.items()},
                groups={name: text.encode() for name, text in made.groups.items()},
                policy=policy,
                seconds=1,
            )
        except (NotPossible, NoSafePattern, Stopped, SolverFailed):
            return number  # nothing more is released
        if not report.passed:
            return number
        public = [one.public_bytes().decode() for one in result.tables]
        everything = [*public, *(content.decode() for _, content in earlier)]
        assert Oracle(everything, texts, made.groups, zeros_hidden=made.zeros_hidden).leaks() == [], seed
        earlier += [(f"{number}-{i} (released)", content.encode()) for i, content in enumerate(public)]
    return len(made.releases)


ROUND, RANGE = table(counts(3, (6, 5))), with_percentages(table(counts(5)))


@pytest.mark.obligation("O-25", "O-78")
@pytest.mark.parametrize(
    ("make", "kind"), [(table, "round"), (lambda n: with_percentages(table(n)), "ranges")]
)
@pytest.mark.parametrize("seed", range(6))
def test_what_is_told_less_exactly_gives_nothing_away_to_a_third_opinion(make, kind, seed):
    text = make(counts(seed, (4, 3)))
    now, way, again = blurred_way(text)
    if way is None:
        assert now.verdict != "safe" or not price_of(now.protection).withheld or kind == "round"
        return
    assert way.kind == kind
    assert again.verdict == "safe"
    assert price_of(again.protection) == way.price
    assert way.price.withheld < price_of(now.protection).withheld or now.verdict != "safe"
    (public,) = again.released()
    assert Oracle([public.decode()], [text]).leaks() == []
    assert audit([("public.csv", public)], groups={}, policy=RULES).passed


class TestRounding:
    def test_every_shown_count_is_rounded_and_small_ones_stay_withheld(self):
        _, way, again = blurred_way(ROUND)
        assert way.what == "Round the counts to 5"
        truth = {tuple(row.codes.values()): row.count for row in read_long("t", ROUND).rows}
        shown = read_long("public", again.released()[0].decode())
        for row in shown.rows:
            count = truth[tuple(row.codes.values())]
            if row.rounded is None:
                assert row.shown is None
            else:
                assert row.rounded % 5 == 0
                assert abs(row.rounded - count) <= 2
                assert not RULES.is_small(count)
        assert any(row.rounded is not None for row in shown.rows)

    @pytest.mark.obligation("O-81")
    def test_the_rounded_numbers_bind_what_is_released_later(self):
        _, _, again = blurred_way(ROUND)
        (public,) = again.released()
        hidden = next(row.codes for row in read_long("p", public.decode()).rows if row.shown is None)
        truth = {tuple(row.codes.values()): row.count for row in read_long("t", ROUND).rows}
        small = truth[tuple(hidden.values())]
        later = f"a,b,count\n{','.join(hidden.values())},{small}\n".encode()
        assert audit([("1", public), ("2", later)], groups={}, policy=RULES).leaks

    def test_is_not_offered_beside_percentages(self):
        with pytest.raises(NotPossible):
            blurred.rounded(read_long("t.csv", RANGE), RULES)

    def test_of_two_tables_each_may_be_rounded_alone(self):
        rows = counts(3, (6, 5)).sum(axis=1)
        by_c = np.column_stack([rows // 3, rows - rows // 3 - 4, np.full(6, 4)])
        texts = [ROUND, cross(by_c, names=["a", "c"], codes=[[f"a{n}" for n in range(6)], list("xyz")])]
        tables = [read_long(name, text) for name, text in zip(("one.csv", "two.csv"), texts, strict=True)]
        found, _ = release.protect_and_audit(
            tables, Outside(), hierarchies={}, groups={}, policy=RULES, seconds=5
        )
        ways = alternatives(tables, Outside(), found, policy=RULES, seconds=5)
        assert "Round the counts to 5" in {way.what for way in ways}
        tried = {what: change for kind, what, change in ways_that_blur(tuple(tables), RULES)}
        one, two = tried["Round the counts of “one.csv” to 5"]()
        assert blurred.is_asked([one])
        assert two == tables[1]


class TestRanges:
    def test_a_small_count_is_told_as_a_range_that_covers_all_small_ones(self):
        _, way, again = blurred_way(RANGE)
        assert way.what == "Tell the percentages as ranges, wider where the base is small"
        truth = {tuple(row.codes.values()): row.count for row in read_long("t", RANGE).rows}
        ranges = [row for row in read_long("p", again.released()[0].decode()).rows if row.shown]
        small = [row.shown for row in ranges if RULES.is_small(truth[tuple(row.codes.values())])]
        assert small
        assert all(low == 0 and high >= 5 for low, high in small)
        assert all(
            low <= truth[tuple(row.codes.values())] <= high for row in ranges for low, high in [row.shown]
        )
        assert not any(row.percentage for row in ranges if row.shown[0] < row.shown[1])

    @pytest.mark.parametrize(
        ("count", "base", "told"),
        [
            (0, 20, "0-9"),
            (10, 20, "10-20"),
            (11, 80, "0-15"),  # 14 %
            (16, 80, "16-31"),  # 20 to 39 %
            (35, 143, "28-42"),  # 20 to 29 %
            (143, 143, "128-143"),  # 90 % or more
            (13, 300, "0-13"),  # 4.33 %, under 5 %
            (14, 300, "14-28"),
            (5, 19, ""),
        ],
    )
    def test_ranges_are_wider_where_the_base_is_small(self, count, base, told):
        assert blurred._range(count, base, RULES) == told

    @pytest.mark.parametrize("base", [*range(20, 60), 99, 100, 143, 200, 1001])
    def test_ranges_meet_without_a_gap_and_say_the_whole_percentages_they_are_named_for(self, base):
        ends = sorted({tuple(map(int, blurred._range(n, base, RULES).split("-"))) for n in range(base + 1)})
        assert (ends[0][0], ends[-1][1]) == (0, base)
        assert all(before[1] + 1 == after[0] for before, after in pairwise(ends))
        assert ends[0][1] >= RULES.min_count - 1

    def test_no_base_no_range(self):
        text = "a,b,count,pct,pct_of\nx,f,30,60,b\nx,m,20,40,b\n"
        with pytest.raises(NotPossible):
            blurred.in_ranges(read_long("t", text), RULES)
        with pytest.raises(NotPossible):
            blurred.in_ranges(read_long("t", ROUND), RULES)

    def test_the_workbook_prints_the_range_of_percentages_and_no_true_count(self):
        _, way, again = blurred_way(RANGE)
        ending, content = way.file()
        assert ending == ".xlsx"
        marked = suppressed("t.xlsx", content, again.protection.tables)
        sheet = load_workbook(io.BytesIO(marked)).worksheets[0]
        head, *rows = [[str(cell) for cell in row] for row in sheet.iter_rows(values_only=True)]
        told = {tuple(row[:2]): dict(zip(head, row, strict=True)) for row in rows if row[0] != "None"}
        sizes = {tuple(row.codes.values()): row.count for row in again.tables[0].rows}
        for row, shown in zip(again.tables[0].rows, again.protection.tables[0].shown, strict=True):
            line = told[tuple(row.codes.values())]
            assert line["count"] == ((row.told or str(row.count)) if shown else MARK)
            if shown and row.told:
                assert line["pct"] == blurred.as_percentages(row, sizes)
                assert line["pct"].endswith(" %")
                assert " to " in line["pct"]

    @pytest.mark.obligation("O-79", "O-81")
    def test_a_range_of_percentages_does_not_tell_a_base_that_is_withheld(self):
        """20 to 40 of B are f: as 50 to 100 % that would make B 40, and A 4."""
        numbers = [("A", 2, 2), ("B", 25, 15), ("C", 35, 25), ("Total", 62, 42)]
        lines = [(a, b, n) for a, f, m in numbers for b, n in (("f", f), ("m", m), ("Total", f + m))]
        text = with_percentages("a,b,count\n" + "".join(f"{a},{b},{n}\n" for a, b, n in lines))
        asked = blurred.in_ranges(read_long("t.csv", text), RULES)
        content = Alternative("ranges", "", (asked,), price_of(blurred.nothing_shown([asked], RULES))).file()[
            1
        ]
        found = examine("t.xlsx", content, policy=RULES, seconds=5)
        (table,) = found.protection.tables
        told = Told.of(table)
        rows = zip(table.table.rows, told.counts, told.others["pct"], strict=True)
        said = {tuple(row.codes.values()): (count, share) for row, count, share in rows}
        assert said["B", "Total"] == (MARK, MARK)
        assert said["B", "f"] == ("20-40", MARK)
        assert said["C", "f"] == ("24-35", "40 to 58 %")
        page = {tuple(row["codes"]): row for row in json.loads(written(found))["tables"][0]["rows"]}
        assert (page["B", "f"]["percentage_told"], page["C", "f"]["percentage_told"]) == ("", "40 to 58 %")

    def test_the_page_is_told_how_it_will_be_released(self):
        _, _, again = blurred_way(RANGE)
        assert b'"percentage_told": "0 to ' in written(again)


class TestHearing:
    @pytest.mark.parametrize(
        ("line", "why"),
        [
            ("A,30,~35", "not the count rounded to 5"),
            ("A,30,31-40", "not in the range"),
        ],
    )
    def test_what_is_not_the_count_is_refused(self, line, why):
        text = f"a,count,released\n{line}\nB,40,\nTotal,70,\n"
        assert why in examine("t.csv", text.encode(), policy=RULES, seconds=5).message
        with pytest.raises(BadTable, match=why):
            blurred.as_asked(read_long("t", text))

    def test_a_reviewers_file_is_taken_as_before(self):
        text = "a,count,released,reason\nA,3,,small\nB,40,40,\nC,8,<9,\nD,60,,complementary\nTotal,111,111,\n"
        read = read_long("t", text)
        assert blurred.as_asked(read) == read

    def test_a_range_that_gives_a_small_count_away_is_not_shown(self):
        text = "a,count,released\nA,3,2-4\nB,40,35-44\nC,50,45-54\nTotal,93,90-94\n"
        found = examine("t.csv", text.encode(), policy=RULES, seconds=5)
        assert found.verdict == "safe"
        assert "A,\n" in found.released()[0].decode()

    def test_without_the_audit_it_would_be(self, monkeypatch):
        text = "a,count,released\nA,3,0-7\nB,40,40-41\nC,50,50-51\nTotal,93,93-94\n"
        found = examine("t.csv", text.encode(), policy=RULES, seconds=5)
        assert "A,0-7" not in found.released()[0].decode() or "B,40-41" not in found.released()[0].decode()
        judge = release.audit_release
        monkeypatch.setattr(release, "audit_release", lambda *a, **k: replace(judge(*a, **k), leaks=()))
        careless = examine("t.csv", text.encode(), policy=RULES, seconds=5).released()[0]
        assert audit([("p", careless)], groups={}, policy=RULES, truth=[("t", b"a,count\nA,3\n")]).leaks

    def test_where_no_exact_release_is_safe_ranges_may_be(self):
        text = "a,count,released\nA,3,0-7\nB,40,35-44\n"
        old = [("old", b"a,released\nTotal,43\n")]
        found = examine("t.csv", text.encode(), Beside(released=old), policy=RULES, seconds=5)
        assert found.verdict == "safe"
        assert b"A,0-7" in found.released()[0] or b"B,35-44" in found.released()[0]

    def test_it_stops_when_the_time_is_over_and_says_so(self):
        found = examine("t.csv", ROUND.encode(), policy=RULES, seconds=5)
        asked = replace(found.protection.tables[0], table=blurred.rounded(found.tables[0], RULES))
        result = replace(found.protection, tables=(asked,))
        stopped, _ = blurred.revealed(
            result, found.report, lambda one: pytest.fail("asked"), policy=RULES, left=lambda: 0.0
        )
        assert stopped.stopped_by_wall
        assert stopped.tables[0].shown == asked.shown

    @pytest.mark.obligation("O-78")
    def test_what_is_withheld_for_the_money_behind_it_is_not_shown_again(self):
        tables = [blurred.rounded(read_long("t.csv", ROUND), RULES)]
        large = next(
            n for n, row in enumerate(tables[0].rows) if row.told and "Total" not in row.codes.values()
        )
        told = {"hierarchies": {}, "groups": {}, "policy": RULES, "seconds": 5}
        plain, _ = release.protect_and_audit(tables, Outside(), **told)
        assert plain.tables[0].shown[large]
        found, report = release.protect_and_audit(tables, Outside(), dominated=[(0, large)], **told)
        assert report.passed
        assert not found.tables[0].shown[large]
        assert found.tables[0].reasons[large] == "dominated"

    def test_it_is_the_same_each_time(self):
        first, again = (blurred_way(RANGE)[2].released() for _ in range(2))
        assert first == again
