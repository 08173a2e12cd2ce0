"""Who is missed, and the questions of quality, from the numbers of a run."""

from __future__ import annotations

import numpy as np
import pyarrow as pa
import pytest

from matching.engine import charts, page, page_words, questions, recall, report, subgroups, suppress
from matching.engine import spec as specs
from matching.engine.engines.edges import Edges, Model, Pair
from matching.engine.spec import File
from tests.told import numbers


@pytest.fixture(scope="module")
def told(result, spec, tables):
    digests = dict.fromkeys(tables, "0" * 64)
    return report.completed(result.report, spec, tables, result.clusters, digests)


class TestRecall:
    @pytest.mark.obligation("O-68")
    def test_the_estimate_from_two_independent_ways_is_near_the_truth(self, project, result, told):
        person = dict(zip(*(project.truth[c].to_pylist() for c in ("id", "person")), strict=True))
        held = {}
        rows = zip(*(result.clusters[c].to_pylist() for c in ("file", "id", "person")), strict=True)
        for file, one, group in rows:
            held.setdefault(file, {})[person[one]] = group

        for entry in told["recall"]:
            one, other = held[entry["left"]], held[entry["right"]]
            both = one.keys() & other.keys()
            truth = sum(one[p] == other[p] for p in both) / len(both)
            assert abs(entry["recall"] - truth) < 0.015
            assert entry["low"] <= entry["recall"] <= entry["high"]
            assert not recall.fields_of(spec_block(entry, 0)) & recall.fields_of(spec_block(entry, 1))

    @pytest.mark.parametrize("missed", [0.05, 0.2])
    def test_what_both_ways_miss_is_estimated(self, missed):
        rng = np.random.default_rng(3)
        first, second = rng.random(20_000) > missed, rng.random(20_000) > missed
        found = first | second
        blocks = [specs.Block("same SSN", ("ssn",)), specs.Block("birth date", ("birth_date", "last_name"))]

        made = recall._chapman(blocks, [first[found], second[found]], int(found.sum()))

        assert abs(made["recall"] - (1 - missed**2)) < 0.01
        assert sum(kind["count"] for kind in made["caught"]) == found.sum()

    def test_those_who_could_not_be_linked_at_all_count_as_missed(self):
        made = recall._bounded({"recall": 0.99, "low": 0.98, "high": 1.0}, 0.9)

        assert (made["recall"], made["high"]) == (0.9, 0.9)
        assert made["low"] == pytest.approx(0.882)
        assert recall._bounded({}, 0.9) == {}

    def test_rows_that_hold_too_little_are_counted_and_bound_the_recall(self):
        table = prepared(ssn=["1", None, None, None], last_name=["A", "B", None, "D"])
        weights = [weight("ssn", 25.0), weight("last_name", 8.0)]
        spec = specs.default({"a": File("id", {"ssn": "s"}), "b": File("id", {"ssn": "s"})})
        edges = Edges(Pair("a", "b"), *(np.zeros(1, np.int64),) * 2, np.zeros(1), np.zeros(1), 0.001)
        model = Model(edges.pair, 0.001, weights, [], {}, [])

        made = recall.estimate(
            spec, edges, model, 0.001, 0.5, np.zeros(1, np.int64), {"a": table, "b": table}
        )

        assert [(side["count"], side["of"]) for side in made["unlinkable"]] == [(3, 4), (3, 4)]
        assert made["upper_bound"] == pytest.approx(1 / 16)
        assert made["recall"] is None
        assert "no two blocks" in made["note"]


def spec_block(entry, number):
    from matching.engine.defaults import BLOCKS

    return specs.Block(entry["blocks"][number], BLOCKS[entry["blocks"][number]])


def weight(field, bits):
    return {"field": field, "level": 0, "kind": "exact", "at": None, "m": 0.9, "u": 0.1, "weight": bits}


def prepared(**columns):
    return pa.table({name: pa.array(values, pa.string()) for name, values in columns.items()})

    def test_blocks_of_which_nobody_knows_what_they_are_made_of_are_not_taken(self, monkeypatch):
        block, best = specs.Block("x", ("names", "birth_year")), {"last_name": 20.0, "birth_date": 20.0}
        monkeypatch.setitem(recall.defaults.COLUMNS, "names", "last_name")

        assert recall.fields_of(block) == {"first_name", "last_name", "birth_date"}
        assert recall._enough(block, best, 30.0)
        monkeypatch.setitem(recall.defaults.COLUMNS, "odd", "odd")
        assert not recall._enough(specs.Block("y", ("odd",)), {"odd": 50.0}, 30.0)


class TestSubgroups:
    @pytest.mark.obligation("O-113")
    def test_each_group_more_than_three_points_below_is_listed_with_size_and_interval(self):
        hit = np.array([True] * 90 + [False] * 10 + [True] * 70 + [False] * 30)
        labels = subgroups.Labels(np.repeat([0, 1], 100), ("F", "M"))

        entry = {"file": "a", **subgroups.by("sex", labels, hit)}
        (listed,) = subgroups.behind([entry])

        assert (listed["group"], listed["size"], listed["rate"], listed["whole"]) == ("M", 100, 0.7, 0.8)
        assert listed["low"] < 0.7 < listed["high"]

    def test_race_is_told_by_its_codes_and_free_text_is_not_told(self):
        table = pa.table(
            {
                "Race": ["W"] * 60 + ["B"] * 40 + [" "] * 12 + ["Q"],
                "Ethnicity": [f"Person {n}" for n in range(113)],
            }
        )
        file = File("id", {}, groups=("Race", "Ethnicity"))

        (made,) = subgroups.of_columns("a", table, file, np.arange(113) % 2 == 0)

        sizes = {group["group"]: group["of"] for group in made["groups"]}
        assert sizes == {"W": 60, "B": 40, "not known": 12, "other values": 1}

    def test_twins_are_told_apart_from_the_rest(self):
        people = [
            ("Ada", "Marsh", "20010203"),
            ("Eve", "Marsh", "20010203"),  # her twin
            ("Ann", "Stone", "20010203"),
            ("Ann", "Stone", "20010203"),  # the same person twice
            ("Ida", "Marsh", None),
            (None, "Stone", "20010203"),
        ]
        columns = [pa.array(column, pa.string()) for column in zip(*people, strict=True)]
        table = pa.table(dict(zip(("first_name", "last_name", "birth_date"), columns, strict=True)))
        assert subgroups._shared(table).tolist() == [True, True, False, False, False, False]

    @pytest.mark.obligation("O-112", "O-113")
    def test_where_no_group_was_looked_at_nothing_is_said_to_be_well(self, told):
        def said(groups):
            by_slug = {answer.slug: answer for answer in questions.answers({**told, **groups})}
            return by_slug["bias"], " ".join(by_slug["weighed"].says)

        bias, weighed = said({"subgroups": [], "behind": []})
        assert "No group was looked at" in bias.says[0]
        assert "is not known" in weighed
        few = {"group": "F", "count": None, "of": None, "low": None, "high": None, "behind": None}
        one = {"file": "CSCU", "by": "sex", "whole": {"count": 9, "of": 12}, "groups": [few]}
        bias, weighed = said({"subgroups": [one], "behind": []})
        assert "too small to be shown" in bias.says[0]
        assert "cannot be told here" in weighed

    def test_years_of_birth_come_in_bands_and_surnames_by_what_changed(self, told):
        bands = next(g for g in told["subgroups"] if g["file"] == "CSCU" and g["by"] == "year of birth")
        assert {"1995–1999", "2000–2004"} <= {group["group"] for group in bands["groups"]}
        for pair in told["pairs"]:
            linked = next(d["count"] for d in pair["decisions"] if d["decision"] == "link")
            for way in pair["likely_pairs"]:
                assert sum(group["count"] for group in way["groups"]) == linked
            changed = next(g for g in pair["likely_pairs"][0]["groups"] if g["pairs"] == "another")
            assert changed["count"] > 0
            assert 0 < changed["share"] <= 1

    def test_rows_in_and_out_and_what_normalisation_lost(self, told, tables):
        for name, file in told["files"].items():
            assert file["rows"] == file["rows_out"] == tables[name].num_rows
            for field in file["fields"]:
                assert field["lost"]["count"] == field["filled"]["count"] - field["usable"]["count"]
        college = {field["field"]: field for field in told["files"]["CSCU"]["fields"]}
        assert college["sex"]["lost"]["count"] > 0


class TestQuestions:
    @pytest.mark.obligation("O-112")
    def test_every_question_is_answered_from_the_numbers(self, told):
        answers = {answer.slug: answer for answer in questions.answers(told)}

        assert list(answers) == [
            "fields", "confidence", "nulls", "unmatched", "proxies", "bias", "weighed",
        ]  # fmt: skip
        assert all(answer.says and all(answer.says) for answer in answers.values())
        assert {slug for slug, answer in answers.items() if answer.staff} == {"proxies", "weighed"}
        assert "SDE and DOL were not compared directly" in " ".join(answers["fields"].says)
        assert page_words.percent(told["estimates"]["precision"]) in answers["confidence"].says[0]
        middle = next(f for f in told["files"]["DOL"]["fields"] if f["field"] == "middle_name")
        assert f"middle name {page_words.percent(1 - page_words.share(middle['usable']))}" in " ".join(
            answers["nulls"].says
        )
        assert len(answers["bias"].concerns) == len(told["behind"]) + len(told["recall_behind"])
        assert set(answers["bias"].concerns) <= set(answers["weighed"].says)

    def test_hidden_counts_are_not_answered_and_nothing_is_left_out(self, told):
        hidden = suppress.suppressed(told, 400)

        words = " ".join(sentence for answer in questions.answers(hidden) for sentence in answer.says)

        assert "hidden (small)" in words
        assert all(one["size"] >= 400 for one in hidden["behind"])

    def test_a_match_without_concerns_says_so(self, told):
        fine = told | {
            "behind": [],
            "recall_behind": [],
            "pairs": [],
            "recall": [],
            "files": {},
            "not_compared": [],
        }

        answers = {answer.slug: answer for answer in questions.answers(fine)}

        assert answers["weighed"].says == ("The numbers of this match raise no concern.",)
        assert answers["bias"].says[0].startswith("No group is matched more than three points less")


class TestPage:
    def test_it_says_whether_it_may_leave_the_hub(self, told):
        assert "does not leave it" in page.html(told)
        assert "Counts below 6" in page.html(suppress.suppressed(told, 6))

    def test_every_chart_stands_there_with_its_figures_in_words(self, told):
        text = page.html(told)

        for title in (
            "Match rate of each file",
            "Weights of pairs",
            "Levels of agreement",
            "Agreement in everything",
        ):
            assert title in text
        assert text.count("<svg") == text.count("<desc>") == text.count('role="img"') > 10
        assert "<desc>" in text
        assert 'name="viewport"' in text
        assert "@media print" in text

    def test_a_report_of_before_is_still_shown(self, told):
        gone = {"recall", "behind", "inputs"}
        old = {key: value for key, value in told.items() if key not in gone} | {"version": 1}
        old["pairs"] = [{k: v for k, v in pair.items() if k != "likely_pairs"} for pair in told["pairs"]]

        assert "<h1>Match report</h1>" in page.html(old)

    def test_files_that_came_encoded_are_called_so(self, told):
        mark = {"label": "<pseudonymised>", "key_fingerprint": "ab", "project": "DR-34", "version": "1"}

        text = page.html(told | {"encoded": mark | {"review": "Nobody can look."}})

        assert "Encoded files: &lt;pseudonymised&gt;." in text
        assert "Nobody can look." in text

    @pytest.mark.obligation("O-126")
    def test_it_tells_who_was_left_out_and_what_people_decided_and_nothing_of_lists(self, told):
        elsewhere = {
            "consents": [{"file": "SDE", "left_out": [{"reason": "<expired>", "count": 61}]}],
            "reviewed": {"together": {"count": 31}, "apart": {"count": None}, "lost": {"count": 0}},
            "lists": [{"named": {"count": 4127}, "unknown": {"count": 3194}}],  # as reports once held it
        }

        (body,) = [s.body for s in page.sections(told | elsewhere) if s.slug == "agreed"]
        assert all(word in body for word in ("SDE", "&lt;expired&gt;", "61", "Joined", "31"))
        assert body.count(page_words.HIDDEN) == 1
        whole = page.html(told | elsewhere)
        assert not any(said in whole for said in ("4,127", "3,194", "4127", "3194", "Lists of third"))

        nobody = {"consents": [{"file": "SDE", "left_out": []}]}
        (body,) = [s.body for s in page.sections(told | nobody) if s.slug == "agreed"]
        assert "Nobody was left out" in body
        assert "agreed" not in [section.slug for section in page.sections(told)]

    def test_groups_that_are_all_hidden_are_named_in_one_line(self, told):
        small = {"file": "SDE", "by": "<size>", "whole": {"count": 9, "of": 9}}
        small["groups"] = [{"group": "no", "count": None, "of": None, "behind": None}] * 2

        (body,) = [
            section.body
            for section in page.sections(told | {"subgroups": [*told["subgroups"], small]})
            if section.slug == "subgroups"
        ]

        assert "Hidden wholly, as their groups are small: SDE by &lt;size&gt;." in body
        assert "<h3>SDE by &lt;size&gt;</h3>" not in body
        assert body.count("<h3>") == len(told["subgroups"])

    def test_a_weight_is_drawn_step_by_step_to_its_sum(self):
        drawn = charts.waterfall(
            "A weight", [("prior", -12.0), ("SSN", 25.5), ("<name>", -3.0)], threshold=0.5
        )

        assert "Sum: +10.5 bits" in drawn
        assert "&lt;name&gt;: -3.0 bits" in drawn
        assert drawn.count("stroke-dasharray") == 4


class TestHiding:
    def test_what_normalisation_lost_cannot_be_had_by_subtraction(self):
        field = {"field": "ssn", "filled": {"count": 900, "of": 1000}, "usable": {"count": 897, "of": 1000}}
        part = {"fields": [field | {"lost": {"count": 3}}]}

        (told,) = suppress.suppressed(part, 6)["fields"]

        assert told["filled"]["count"] == 900
        assert told["usable"]["count"] is None
        assert told["lost"]["count"] is None

    def test_an_estimate_from_hidden_counts_is_hidden(self):
        caught = [{"by": str(n), "count": c} for n, c in enumerate((900, 40, 30, 2))]
        sides = [{"file": "a", "with": "all", "count": 3, "of": 900}]
        part = {
            "recall": 0.99,
            "low": 0.98,
            "high": 1.0,
            "upper_bound": 0.99,
            "caught": caught,
            "unlinkable": sides,
        }

        told = suppress.suppressed({"recall": [part]}, 6)["recall"][0]

        assert [kind["count"] for kind in told["caught"]] == [900, 40, None, None]
        assert (told["recall"], told["upper_bound"], told["unlinkable"][0]["count"]) == (None, None, None)

    @pytest.mark.parametrize(("rows", "shown"), [(900, None), (5_000, 0.99)])
    def test_an_estimate_does_not_tell_of_a_few_who_could_not_be_linked(self, rows, shown):
        caught = [{"by": str(n), "count": c} for n, c in enumerate((900, 40, 30, 20))]
        sides = [{"file": "a", "with": "all", "count": 3, "of": rows}]
        part = {"recall": 0.9894, "low": 0.9894, "high": 0.9894, "upper_bound": 0.99, "caught": caught}

        told = suppress.suppressed({"recall": [part | {"unlinkable": sides}]}, 6)["recall"][0]

        assert (told["recall"], told["low"], told["high"], told["upper_bound"]) == (shown, shown, shown, None)

    def test_hiding_twice_hides_no_more(self, told):
        once = suppress.suppressed(told, 6)

        assert suppress.suppressed(once, 6) == once

    def test_no_small_number_stands_anywhere_in_what_leaves(self, told):
        shown = list(numbers(suppress.suppressed(told, 6)))

        assert len(shown) > 200
        assert [(where, number) for where, number in shown if 0 < number < 6] == []

    def test_how_many_pairs_a_way_found_does_not_tell_how_many_of_them_are_links(self):
        found = [("sure", 4, 4), ("names", 900, 40), ("dates", 33, 30), ("rest", 700, 90)]
        part = {
            "candidates": {"count": 1_204},
            "blocks": [
                {"block": name, "pairs": {"count": pairs}, "keys_left_out": {"count": 2}, "right": 0.9}
                for name, pairs, _ in found
            ],
            "links_by_rule": [{"rule": name, "count": links} for name, _, links in found],
            "decisions": [{"decision": "link", "count": 164}, {"decision": "review", "count": 1_036}],
        }

        (told,) = suppress.suppressed({"pairs": [part]}, 6)["pairs"]

        assert [entry["count"] for entry in told["links_by_rule"]] == [None, 40, None, 90]
        assert [entry["pairs"]["count"] for entry in told["blocks"]] == [None, 900, None, 700]
        assert told["blocks"][0]["right"] is None
        assert {entry["keys_left_out"]["count"] for entry in told["blocks"]} == {None}
        assert told["candidates"]["count"] is None
        assert suppress.suppressed({"pairs": [told]}, 6)["pairs"] == [told]

    def test_a_file_of_a_few_rows_does_not_tell_how_many(self):
        part = {"rows": 4, "fields": [{"filled": {"count": 3, "of": 4}}]}

        told = suppress.suppressed({"files": {"a": part}}, 6)["files"]["a"]

        assert told == {"rows": None, "fields": [{"filled": {"count": None, "of": None}}]}
