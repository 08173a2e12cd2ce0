"""From pairs to people, and the key."""

from __future__ import annotations

import itertools
import re
import secrets

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from matching.engine import crosswalk
from matching.engine.errors import LinkageError
from matching.engine.facts import Facts
from matching.engine.resolve import LINK, REFUSED, REVIEW, Scored, resolve
from matching.engine.stops import APART, CONTRADICTION, TOO_MANY, TWINS, TWO_ROWS, words

FIELDS = ("ssn", "sasid", "birth_date", "last_name", "first_name", "middle_name")


def facts(*people):
    rows = [dict(zip(FIELDS, person, strict=True)) for person in people]
    return Facts([pa.table({f: pa.array([row[f] for row in rows], pa.string()) for f in FIELDS})])


def unknown(count):
    return facts(*[(None,) * len(FIELDS)] * count)


def scored(*edges):
    left, right, chance = (np.array(part) for part in zip(*edges, strict=True)) if edges else ([],) * 3
    return Scored(np.array(left, int), np.array(right, int), np.array(chance, float), np.zeros(len(left)))


def joined(edges, *, file_of, unique=frozenset(), known=None, accept=0.5, cap=10):
    return resolve(
        scored(*edges),
        file_of=np.array(file_of),
        unique=frozenset(unique),
        facts=known or unknown(len(file_of)),
        accept=accept,
        cap=cap,
    )


def test_the_likelier_pair_wins_where_a_file_has_one_row_a_person():
    found = joined([(0, 1, 0.8), (0, 2, 0.9)], file_of=[0, 1, 1], unique={0, 1})

    assert found.decision.tolist() == [REFUSED, LINK]
    assert found.refused == {TWO_ROWS: 1}
    assert found.stopped == {0: TWO_ROWS}
    assert found.cluster.tolist() == [0, 1, 0]


def test_what_stopped_a_pair_is_not_told_of_one_that_is_linked_in_the_end():
    people = facts(
        (None, None, "2002", "lee", "ann", None),
        (None, None, "2002", "lee", "bea", None),
        (None, None, "2002", "lee", None, None),
    )
    edges = [(0, 1, 0.9), (0, 2, 0.8), (1, 2, 0.7)]

    found = joined(edges, file_of=[0, 1, 2], known=people)

    assert found.decision.tolist() == [REVIEW, LINK, REVIEW]
    assert found.stopped == {0: TWINS, 2: TWINS}
    told = resolve(
        scored(*edges), file_of=np.array([0, 1, 2]), unique=frozenset(), facts=people, accept=0.5, cap=10,
        together=[(0, 1)],
    )  # fmt: skip
    assert set(told.stopped) <= {place for place, word in enumerate(told.decision) if word != LINK}


def test_every_reason_has_words_for_people():
    for reason in (TWO_ROWS, TOO_MANY, CONTRADICTION, TWINS, APART):
        assert len(words(reason)) > len(reason)
    assert words("") == ""


def test_below_the_point_of_acceptance_a_pair_waits_for_review():
    found = joined([(0, 1, 0.4)], file_of=[0, 1])

    assert found.decision.tolist() == [REVIEW]
    assert found.cluster.tolist() == [0, 1]


def test_two_valid_numbers_and_two_names_contradict_each_other():
    known = facts(
        ("900123456", None, None, "LEE", "EMMA", None), ("900987654", None, None, "LEE", "OLIVIA", None)
    )

    found = joined([(0, 1, 0.99)], file_of=[0, 1], known=known)

    assert found.decision.tolist() == [REFUSED]
    assert found.refused == {CONTRADICTION: 1}


def test_probable_twins_are_never_linked_automatically():
    known = facts(
        (None, None, "20040101", "LEE", "EMMA", None), (None, None, "20040101", "LEE", "OLIVIA", None)
    )

    found = joined([(0, 1, 0.99)], file_of=[0, 1], known=known)

    assert found.decision.tolist() == [REVIEW]
    assert found.refused == {TWINS: 1}


def test_twins_are_not_joined_through_a_third_record_either():
    known = facts(
        (None, None, "20040101", "LEE", "EMMA", None),
        (None, None, None, "LEE", None, None),
        (None, None, "20040101", "LEE", "OLIVIA", None),
    )

    found = joined([(0, 1, 0.99), (1, 2, 0.98)], file_of=[0, 1, 2], known=known)

    assert found.cluster.tolist() == [0, 0, 2]


def test_one_number_in_common_outweighs_two_given_names():
    known = facts(
        ("900123456", None, "20040101", "LEE", "EMMA", None),
        ("900123456", None, "20040101", "LEE", "OLIVIA", None),
    )

    assert joined([(0, 1, 0.99)], file_of=[0, 1], known=known).decision.tolist() == [LINK]


def test_nobody_has_more_rows_than_the_cap():
    found = joined([(0, 1, 0.9), (1, 2, 0.8), (2, 3, 0.7)], file_of=[0] * 4, cap=3)

    assert found.refused == {TOO_MANY: 1}
    assert found.cluster.tolist() == [0, 0, 0, 3]


@given(
    st.lists(st.tuples(st.integers(0, 11), st.integers(0, 11), st.floats(0.3, 1)), max_size=40), st.randoms()
)
def test_no_person_has_two_rows_of_a_one_row_file_and_the_order_of_pairs_is_nothing(edges, random):
    file_of = [0, 0, 0, 0, 1, 1, 1, 1, 2, 2, 2, 2]
    edges = list({(min(a, b), max(a, b)): c for a, b, c in edges if a != b}.items())
    edges = [(a, b, c) for (a, b), c in edges]
    shuffled = random.sample(edges, len(edges))

    found = joined(edges, file_of=file_of, unique={0, 1})

    for people in (found.cluster[:4], found.cluster[4:8]):
        assert len(set(people.tolist())) == 4
    assert found.cluster.tolist() == joined(shuffled, file_of=file_of, unique={0, 1}).cluster.tolist()


class TestCrosswalk:
    IDS = (pa.array(["a1", "a2", "a3"]), pa.array(["b1", "b2"]))

    @pytest.mark.obligation("O-67")
    def test_every_row_has_one_new_id_that_comes_from_the_token_source_alone(self):
        cluster = np.array([0, 1, 2, 1, 4])

        key = crosswalk.draw(cluster, ["a", "b"], self.IDS, token=lambda: secrets.token_hex(16))

        rows = {(row["file"], row["id"]): row["link_id"] for row in key.to_pylist()}
        assert len(rows) == 5
        assert rows["a", "a2"] == rows["b", "b1"]
        assert len(set(rows.values())) == 4
        again = crosswalk.draw(cluster, ["a", "b"], self.IDS, token=lambda: secrets.token_hex(16))
        assert not set(rows.values()) & set(again["link_id"].to_pylist())
        assert key["link_id"].to_pylist() == sorted(key["link_id"].to_pylist())

    @pytest.mark.obligation("O-67")
    @given(
        st.lists(st.integers(0, 40), min_size=2, max_size=40),
    )
    def test_fresh_ids_follow_neither_from_the_people_nor_from_their_order(self, groups):
        cluster = np.unique(groups, return_inverse=True)[1]
        half = len(cluster) // 2
        names = [f"{n:03d}" for n in range(len(cluster))]
        drawn = []
        for _ in range(2):
            ids = [pa.array(names[:half], pa.string()), pa.array(names[half:], pa.string())]
            key = crosswalk.draw(cluster, ["a", "b"], ids, token=crosswalk.tokens())
            drawn.append({row["id"]: row["link_id"] for row in key.to_pylist()})
            assert all(re.fullmatch("[0-9a-f]{32}", link) for link in drawn[-1].values())
            assert key["link_id"].to_pylist() == sorted(key["link_id"].to_pylist())
            for group in set(cluster.tolist()):
                members = {drawn[-1][names[n]] for n in np.flatnonzero(cluster == group)}
                assert len(members) == 1
        assert len(set(drawn[0].values())) == len(set(cluster.tolist()))
        assert not set(drawn[0].values()) & set(drawn[1].values())

    def test_a_source_that_repeats_itself_now_and_then_is_asked_again(self):
        numbers = itertools.chain(["same", "same"], (f"other{n}" for n in itertools.count()))

        key = crosswalk.draw(np.arange(5), ["a", "b"], self.IDS, token=lambda: next(numbers))

        assert len(set(key["link_id"].to_pylist())) == 5

    def test_a_source_that_only_repeats_itself_is_refused(self):
        with pytest.raises(LinkageError, match="repeats itself"):
            crosswalk.draw(np.arange(5), ["a", "b"], self.IDS, token=lambda: "same")
