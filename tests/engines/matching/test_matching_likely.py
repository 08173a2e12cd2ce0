"""For whom true pairs are missed, estimated without labels."""

from __future__ import annotations

from dataclasses import replace

import jellyfish
import pytest

from bench.linkage import accuracy, files, models
from matching.engine import page, page_words, questions, subgroups, suppress
from matching.engine import spec as specs

CHANGED = ("surname in the two records", "another")


@pytest.fixture(scope="module")
def made():
    return files.make(20_000, seed=5, model=models.NO_NUMBER)


def linked_from(made, link, *, unique=True):
    tables = {"a": made.left, "b": made.right}
    described = {
        name: replace(specs.recognise(t.column_names, name), unique=unique) for name, t in tables.items()
    }
    return link(tables, specs.default(described))


def recall_of_another_surname(made, found):
    """Return which share of the true pairs was linked whose two surnames are not alike in any way."""
    linked = set(accuracy.pairs_of(found.crosswalk.to_pandas()).itertuples(index=False, name=None))
    sides = [
        table.to_pandas().assign(person=person)
        for table, person in ((made.left, made.left_person), (made.right, made.right_person))
    ]
    true = sides[0].merge(sides[1], on="person", suffixes=("_l", "_r"))
    hits = [
        (row.unique_id_l, row.unique_id_r) in linked
        for row in true.itertuples()
        if _is_another(row.last_name_l, row.last_name_r, (row.first_name_l, row.first_name_r))
    ]
    return sum(hits) / len(hits)


def _is_another(one, other, first_names):
    if not one or not other:
        return False
    one, other = one.lower(), other.lower()
    swapped = one in str(first_names[1]).lower() or other in str(first_names[0]).lower()
    shared = set(one.replace("-", " ").split()) & set(other.replace("-", " ").split())
    return not swapped and not shared and jellyfish.jaro_winkler_similarity(one, other) < 0.82


@pytest.fixture(scope="module")
def linked(made, link):
    return linked_from(made, link)


@pytest.fixture(scope="module")
def told(linked):
    return linked.report


def group(part, name):
    return next(each for each in part["groups"] if each["group"] == name)


class TestEstimate:
    @pytest.mark.obligation("O-113")
    def test_who_is_listed_as_missed_more_often_truly_is(self, made, linked, told):
        truth = accuracy.judge(made, accuracy.pairs_of(linked.crosswalk.to_pandas()))

        (listed,) = told["recall_behind"]

        assert (listed["left"], listed["right"], listed["by"], listed["group"]) == ("a", "b", *CHANGED)
        assert truth["behind"] == ["surname changed"]
        assert listed["rate"] == pytest.approx(recall_of_another_surname(made, linked), abs=0.07)
        assert listed["low"] < listed["rate"] < listed["high"]
        assert listed["rate"] < listed["whole"] - 0.03
        assert listed["size"] > 300

    def test_sex_surname_missing_numbers_and_twins_are_looked_at_each_with_size_and_interval(self, told):
        found = {entry["by"]: entry for entry in told["recall_by_group"]}

        assert list(found) == ["sex", CHANGED[0], "SSN in both records", subgroups.SHARED]
        for entry in found.values():
            assert sum(each["of"] for each in entry["groups"]) == pytest.approx(entry["whole"]["of"], abs=5)
            assert all(each["low"] <= each["count"] / each["of"] <= each["high"] for each in entry["groups"])
        held = found["SSN in both records"]
        missing, there = group(held, "no"), group(held, "yes")
        assert missing["count"] / missing["of"] < there["count"] / there["of"]

    @pytest.mark.long
    @pytest.mark.obligation("O-113")
    @pytest.mark.parametrize("model", [models.AGENCIES, models.NO_NUMBER, models.HASTY], ids=lambda m: m.name)
    @pytest.mark.parametrize("seed", [201, 202, 203])
    def test_of_those_without_a_number_and_with_another_surname_it_is_near_the_truth(self, link, model, seed):
        made = files.make(50_000, seed=seed, model=model)
        found = linked_from(made, link, unique=model.one_row_each)
        truth = accuracy.judge(made, accuracy.pairs_of(found.crosswalk.to_pandas()))
        told = {entry["by"]: entry for entry in found.report["recall_by_group"]}

        whole = told["sex"]["whole"]
        assert whole["count"] / whole["of"] == pytest.approx(truth["recall"], abs=0.006)
        for by, name, of, near in (
            ("SSN in both records", "no", "an SSN missing", 0.02),
            ("SSN in both records", "yes", "both SSNs there", 0.005),
        ):
            said = group(told[by], name)
            assert said["count"] / said["of"] == pytest.approx(truth["groups"][of]["recall"], abs=near)
        another = group(told[CHANGED[0]], CHANGED[1])
        truly = recall_of_another_surname(made, found)
        assert another["count"] / another["of"] == pytest.approx(truly, abs=0.04)
        assert CHANGED[1] in {each["group"] for each in found.report["recall_behind"]}


class TestNotEstimated:
    @pytest.mark.obligation("O-112", "O-113")
    @pytest.mark.parametrize("engine", ["cascade", "splink", "toolkit"])
    def test_a_report_of_another_engine_says_that_nobody_knows_and_why(self, engine, tables, spec, link):
        found = link(tables, replace(spec, engine=engine)).report

        assert (found["recall_by_group"], found["recall_behind"]) == ([], [])
        pairs = [{"left": pair["left"], "right": pair["right"]} for pair in found["pairs"]]
        assert found["recall_not_by_group"] == pairs
        assert pairs
        for report in (found, suppress.suppressed(found, 6)):
            words = f"is not known: the engine “{engine}” does not learn"
            part = page.html(report).partition("<h3>Who is missed more often</h3>")[2].partition("<h3>")[0]
            assert words in part
            answers = {answer.slug: answer for answer in questions.answers(report)}
            assert [words in concern for concern in answers["bias"].concerns].count(True) == 1
            assert any(words in said for said in answers["weighed"].says)

    def test_where_what_was_compared_tells_no_groups_apart_that_is_said(self, told):
        text = page.html(told | {"recall_by_group": [], "recall_behind": []})

        assert "is not known: what was compared tells no groups apart" in text
        assert "No group is more than three points of estimated recall" not in text

    def test_a_report_of_before_says_nothing(self, told):
        gone = ("recall_by_group", "recall_behind", "recall_not_by_group")
        old = {key: value for key, value in told.items() if key not in gone}

        assert "Who is missed more often" not in page.html(old)
        assert page_words.not_by_group(old | {"recall_by_group": []}) == ""

    def test_of_the_hubs_own_engine_it_is_known(self, told):
        assert told["recall_not_by_group"] == []
        assert page_words.not_by_group(told) == ""


class TestShown:
    def test_the_page_and_the_answer_on_bias_list_it_with_size_and_interval(self, told):
        (listed,) = told["recall_behind"]

        text = page.html(told)
        bias = next(answer for answer in questions.answers(told) if answer.slug == "bias")

        row = text.split("below all pairs of their two files</caption>")[1].split("</table>")[0]
        for said in (*map(page_words.percent, (listed["rate"], listed["low"], listed["high"])), "another"):
            assert said in row
            assert any(said in concern for concern in bias.concerns)
        assert f"{listed['size']:,}" in row

    @pytest.mark.obligation("O-68")
    def test_a_small_group_leaves_the_hub_neither_counted_nor_listed(self, told):
        part = next(each for each in told["recall_by_group"] if each["by"] == CHANGED[0])
        few = [
            each | {"count": 3, "of": 9} if each["group"] == CHANGED[1] else each for each in part["groups"]
        ]
        report = told | {"recall_by_group": [part | {"groups": few}]}

        shown = suppress.suppressed(report, 6)

        hidden = [each for each in shown["recall_by_group"][0]["groups"] if each["count"] is None]
        assert CHANGED[1] in {each["group"] for each in hidden}
        assert len(hidden) > 1
        assert all(each["of"] is None and each["low"] is None for each in hidden)
        assert shown["recall_behind"] == []
        assert suppress.suppressed(told, 6)["recall_behind"] == told["recall_behind"]

    def test_where_nobody_is_behind_the_page_says_so(self, told):
        text = page.html(told | {"recall_behind": []})

        assert "No group is more than three points of estimated recall below" in text

    def test_where_groups_are_hidden_nothing_is_said_of_them(self, told):
        text = page.html(suppress.suppressed(told, 800) | {"recall_behind": []})

        assert "None of the groups that are large enough to be shown is more than three points of" in text
        assert "No group is more than three points of estimated recall" not in text
