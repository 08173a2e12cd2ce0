"""Short labels of tables: those that count people are found, true categories are not suspected."""

import sys

import pytest

from disclosure.engine.documents.labels import counting
from disclosure.engine.examine import read_cells, read_submitted
from tests.engines.disclosure import labels as corpus
from tests.engines.disclosure.samples import RULES


def found_in(made):
    aside = read_submitted(made.name, *read_cells(made.name, made.content), policy=RULES)[1]
    return [finding.quote for finding in aside.findings] if aside else []


def measured(seeds):
    planted = found = alarms = clean = 0
    missed = []
    for make in (corpus.csv, corpus.xlsx):
        for seed in seeds:
            made, twin = make(seed), make(seed, planted=False)
            quotes = found_in(made)
            planted += len(made.phrases)
            found += sum(phrase in quotes for phrase in made.phrases)
            missed += [phrase for phrase in made.phrases if phrase not in quotes]
            alarms += len(found_in(twin))
            clean += 1
    return planted, found, alarms, clean, missed


@pytest.mark.obligation("O-78")
def test_short_labels_that_count_are_found_and_categories_are_not():
    planted, found, alarms, clean, missed = measured(range(40))
    assert found >= 0.95 * planted, missed
    assert alarms <= 0.02 * clean


@pytest.mark.long
@pytest.mark.timeout(900)
def test_short_labels_that_count_are_found_in_many_tables(capsys):
    planted, found, alarms, clean, _ = measured(range(1000, 1600))
    with capsys.disabled():
        sys.stdout.write(f"\nlabels: {found} of {planted}; {alarms} false alarms in {clean} clean tables\n")
    assert found >= 0.95 * planted
    assert alarms <= 0.02 * clean


@pytest.mark.parametrize("categories", corpus.CATEGORIES, ids=lambda each: each[0])
def test_no_set_of_categories_is_suspected_whole(categories):
    assert list(counting(categories)) == []


@pytest.mark.parametrize(
    "labels",
    [
        ["3 students transferred", "4 students transferred"],  # what happens to them is no size
        ["Alder (3 students)", "Birch (4 students)"],
        ["2 of 9 enrolled"],
        ["no students graduated"],
    ],
)
def test_alike_or_not_what_counts_is_found(labels):
    assert list(counting(labels)) == labels
