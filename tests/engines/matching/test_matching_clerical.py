"""Clerical review in the engine: the draw, what reviewers told, and what a sample says of a run."""

from __future__ import annotations

import json
import re
from html import unescape

import numpy as np
import pyarrow as pa
import pytest

from matching import readings
from matching.engine import clerical, likeness, page_charts, sampled, told
from matching.engine import spec as specs

SALT = "0123456789abcdef"


@pytest.fixture(scope="module")
def complete(spec):
    return specs.complete(spec)


@pytest.fixture(scope="module")
def drawn(result, tables, complete):
    return clerical.draw(result.edges, tables, complete, result.report, size=120, salt=SALT)


def decided(index, verdicts):
    return [{**index["pairs"][number], "verdict": verdict} for number, verdict in verdicts.items()]


def shown(tables, complete, drawn, number, side):
    pair = drawn.sample["pairs"][number]
    name = drawn.sample["strata"][pair["stratum"]][side]
    start, stop = pair[side]
    return name, json.loads(drawn.sheets[name][start:stop])


class TestDraw:
    def test_strata_hold_every_kept_pair_and_each_has_pairs_to_read(self, drawn, result):
        strata, pairs = drawn.sample["strata"], drawn.sample["pairs"]

        assert sum(s["pairs"] for s in strata) == result.edges.num_rows
        read = {pair["stratum"] for pair in pairs}
        assert read == set(range(len(strata)))
        assert {s["linked"] for s in strata} == {True, False}
        assert 60 < len(pairs) < 240
        assert 0.15 < np.mean([pair["twice"] for pair in pairs]) < 0.4

    @pytest.mark.obligation("O-69")
    def test_the_sample_holds_no_id_and_no_value(self, drawn, tables, complete):
        # Whole words: eight digits of a digest or of a share can be anybody's birth date.
        said = set(re.findall(r"\w+", json.dumps(drawn.sample) + json.dumps(drawn.index)))

        for name, table in tables.items():
            file = complete.files[name]
            for row in range(0, table.num_rows, 50):
                assert not set(re.findall(r"\w+", table[file.id_column][row].as_py())) <= said
            for field in ("last_name", "ssn", "birth_date"):
                if column := file.columns.get(field):
                    values = {value for value in table[column].to_pylist() if value and len(value) > 5}
                    assert not any(set(re.findall(r"\w+", value)) <= said for value in values)

    def test_a_pair_explains_its_weight_to_the_last_bit(self, drawn):
        for pair in drawn.sample["pairs"]:
            bits = sum(step["bits"] for step in pair["steps"]) + pair["rest"]
            assert bits == pytest.approx(pair["weight"], abs=0.1)
            steps = page_charts.steps_of(pair)
            assert sum(bits for _, bits in steps) == pytest.approx(page_charts.total_of(pair), abs=0.1)
            drawn_chart = page_charts.drawn_pair_chart(pair)
            assert all(label in unescape(drawn_chart) for label, _ in steps)

    def test_places_in_the_sheets_are_those_of_the_records(self, drawn, tables, complete):
        name, said = shown(tables, complete, drawn, 0, "left")
        columns = complete.files[name].columns
        held = tables[name].select(list(columns.values())).to_pylist()
        assert {columns[field]: value for field, value in said.items()} in held

    def test_a_rerun_draws_the_same_pairs_whatever_the_order_of_the_rows(self, link, tables, complete, drawn):
        turned = {name: table.take(pa.array(range(table.num_rows)[::-1])) for name, table in tables.items()}
        again = link(turned, complete)

        other = clerical.draw(again.edges, turned, complete, again.report, size=120, salt=SALT)

        ours, theirs = (
            {json.dumps(pair, sort_keys=True) for pair in each.index["pairs"]} for each in (drawn, other)
        )
        assert len(ours & theirs) >= 0.95 * len(ours)


class TestTold:
    @pytest.mark.obligation("O-69")
    def test_records_that_lack_the_same_field_are_told_apart(self):
        columns = {"id": ["1", "2", "3"], "address": [None, None, "1 Elm"], "last": ["Ray", "Lee", "Ray"]}
        table = pa.table({name: pa.array(values, pa.string()) for name, values in columns.items()})
        file = specs.File("id", {"address": "address", "last_name": "last"})

        together = told.digests(table, file, None, salt=SALT).tolist()
        alone = [told.digests(table, file, np.array([row]), salt=SALT)[0] for row in range(3)]

        assert together == alone
        assert len(set(together)) == 3

    def test_decisions_are_found_again_in_turned_and_in_replaced_files_and_lost_with_their_record(
        self, drawn, tables, complete
    ):
        words = decided(drawn.index, {0: "link", 1: "not", 2: "link"})
        name = words[2]["left"][0]
        column = complete.files[name].columns["last_name"]
        digests = told.digests(tables[name], complete.files[name], None, salt=SALT).tolist()
        corrected = tables[name][column].to_pylist()
        corrected[digests.index(words[2]["left"][1])] = "Corrected"
        place = tables[name].column_names.index(column)
        replaced = tables[name].set_column(place, column, pa.array(corrected))
        fresh_ids = pa.array([f"new-{number}" for number in range(replaced.num_rows)])
        replaced = replaced.set_column(0, complete.files[name].id_column, fresh_ids)
        replaced = replaced.take(pa.array(range(replaced.num_rows)[::-1]))

        found = told.carried(words, {**tables, name: replaced}, complete, salt=SALT)

        assert (len(found.together), len(found.apart), found.lost) == (1, 1, 1)

    @pytest.mark.obligation("O-69")
    def test_a_rerun_joins_and_parts_as_it_was_told(self, link, result, tables, complete, drawn):
        pairs, strata = drawn.sample["pairs"], drawn.sample["strata"]
        linked = next(n for n, pair in enumerate(pairs) if strata[pair["stratum"]]["linked"])
        parted = next(n for n, pair in enumerate(pairs) if not strata[pair["stratum"]]["linked"])
        words = told.carried(
            decided(drawn.index, {linked: "not", parted: "link"}), tables, complete, salt=SALT
        )

        again = link(tables, complete, told=words)

        person = again.clusters["person"].to_pylist()
        ((a, b),), ((c, d),) = words.together, words.apart
        assert person[a] == person[b]
        assert person[c] != person[d]
        before = result.clusters["person"].to_pylist()
        assert (before[a] == before[b], before[c] == before[d]) == (False, True)
        drawn_again = clerical.draw(
            again.edges, tables, complete, again.report, size=120, salt=SALT, told=words
        )
        known = [words_of for words_of in drawn_again.index["pairs"] if words_of in drawn.index["pairs"]]
        assert drawn.index["pairs"][linked] not in known
        assert sum(s["told_link"] + s["told_not"] for s in drawn_again.sample["strata"]) == 2


class TestLikeness:
    def test_what_differs_is_marked_and_masked_letters_are_dots(self):
        one, other = {"last_name": "Rivera-Cruz", "ssn": None}, {"last_name": "RIVERO CRUZ", "zip": "06103"}

        found = {entry["field"]: entry for entry in likeness.beside(one, other, masked=False)}
        hidden = likeness.beside(one, other, masked=True)

        assert found["last_name"]["word"] == likeness.DIFFERS
        assert found["last_name"]["left"] == [["River", False], ["a-", True], ["Cruz", False]]
        assert found["zip"]["word"] == likeness.ONE_LACKS
        assert found["ssn"]["word"] == likeness.BOTH_LACK
        assert not any(letter.isalnum() for entry in hidden for text, _ in entry["left"] for letter in text)
        assert ["•••••", False] in next(e for e in hidden if e["field"] == "last_name")["left"]


class TestEstimate:
    def test_two_who_agree_by_chance_have_no_kappa_and_two_who_agree_always_have_one(self):
        same = [("link", "link"), ("not", "not")] * 5
        crossed = [("link", "link"), ("link", "not"), ("not", "link"), ("not", "not")]

        assert (sampled.kappa(same), sampled.kappa(crossed), sampled.kappa([])) == (1.0, 0.0, None)

    def test_without_a_reading_nothing_is_said(self, drawn):
        found = sampled.estimate(drawn.sample["strata"], [])

        assert (found.precision, found.missed, found.reviewed) == (None, None, 0)

    @pytest.mark.obligation("O-68")
    @pytest.mark.parametrize("truly", [(0.9995, 0.97, 0.7, 0.15), (0.998, 0.93, 0.6, 0.2)])
    def test_the_interval_holds_the_truth_as_often_as_it_says_though_readers_err(self, truly):
        """Sixty reviews by readers who are wrong three times in a hundred, of a run that knows itself and of
        one that thinks too well of itself."""
        strata = [_of(4000, 0.9995), _of(300, 0.97), _of(120, 0.7), _of(200, 0.15, linked=False)]
        drawn = (30, 40, 40, 25)
        chance, held, missed_held, wide = np.random.default_rng(7), 0, 0, []
        for _ in range(60):
            true = [chance.binomial(s["pairs"], share) for s, share in zip(strata, truly, strict=True)]
            read = []
            for number, (right, size) in enumerate(zip(true, drawn, strict=True)):
                one_person = chance.permutation(np.arange(strata[number]["pairs"]) < right)[:size]
                read += [
                    (number, _words(bool(one), at % 4 == 0, chance)) for at, one in enumerate(one_person)
                ]
            found = sampled.estimate(strata, read)
            precision = sum(true[:3]) / sum(s["pairs"] for s in strata[:3])
            held += found.precision.low <= precision <= found.precision.high
            missed_held += found.missed.low <= true[3] <= found.missed.high
            wide.append(found.precision.high - found.precision.low)

        assert held >= 56
        assert missed_held >= 54
        assert np.median(wide) < 0.04

    def test_small_strata_of_a_run_that_knows_itself_do_not_add_up_to_a_precision_told_too_low(self):
        strata = [_of(600_000, 0.9998)] + [_of(4000, share) for share in (0.65, 0.8, 0.9, 0.97, 0.98, 0.99)]
        true = sum(s["pairs"] * s["chance"] for s in strata) / sum(s["pairs"] for s in strata)
        chance, held = np.random.default_rng(11), 0
        for _ in range(40):
            read = []
            for number, size in enumerate((60, 6, 6, 6, 6, 6, 6)):
                one_person = chance.random(size) < strata[number]["chance"]
                read += [
                    (number, _words(bool(one), at % 4 == 0, chance)) for at, one in enumerate(one_person)
                ]
            found = sampled.estimate(strata, read)
            held += found.precision.low <= true <= found.precision.high

        assert held >= 36

    def test_who_reads_badly_is_told_by_the_pairs_that_two_have_read(self):
        strata, chance = [_of(1000, 0.999)], np.random.default_rng(3)
        error = {
            wrong: sampled.estimate(
                strata, [(0, _words(True, True, chance, wrong=wrong)) for _ in range(120)]
            ).error
            for wrong in (0.01, 0.12)
        }

        assert error[0.01] < 0.04
        assert 0.07 < error[0.12] < 0.17

    def test_what_two_people_agree_on_weighs_more_than_the_word_of_one(self):
        strata = [_of(1000, 0.5)]
        one, two = (
            sampled.estimate(strata, [(0, words)] * 30, compared=100, differing=12).precision
            for words in (["not"], ["not", "not"])
        )

        assert two.high < one.high

    def test_pairs_told_apart_before_are_no_links_and_count_for_their_stratum(self):
        stratum = {"pairs": 100, "chance": 0.9, "linked": True, "told_link": 10, "told_not": 10}

        found = sampled.estimate(
            [stratum], [(0, ["link"])] * 4 + [(0, ["not"])] * 4, compared=40, differing=0
        )

        assert 0.4 < found.precision.value < 0.72
        assert found.unsure == 0


def _of(pairs: int, share: float, *, linked: bool = True) -> dict:
    return {"pairs": pairs, "chance": share, "linked": linked, "told_link": 0, "told_not": 0}


def _words(one: bool, twice: bool, chance: np.random.Generator, *, wrong: float = 0.03) -> list[str]:
    """What readers say of a pair, who are wrong so often."""
    said: list[str] = []
    while readings.state(said, twice=twice).waits_for:
        said.append("link" if one == (chance.random() >= wrong) else "not")
    return said
