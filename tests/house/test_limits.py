"""C21: the table of limits names constants and tests that are there."""

import re
from importlib import import_module
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
PAGE = ROOT / "docs" / "how-to" / "limits-of-what-is-sent.md"
ROWS = [
    [cell.strip().strip("`") for cell in line.strip("|").split("|")]
    for line in PAGE.read_text().splitlines()
    if "::" in line
]


@pytest.mark.parametrize(("constant", "test"), [(row[2], row[3]) for row in ROWS])
def test_a_limit_and_its_test_are_there(constant, test):
    file, _, name = test.partition("::")
    assert re.search(rf"^ *def {name}\(", (ROOT / file).read_text(), re.MULTILINE)
    if constant != "–":
        module, _, attribute = constant.rpartition(".")
        assert hasattr(import_module(module), attribute)


def test_the_table_is_read():
    assert len(ROWS) > 30
    assert all(len(row) == 4 for row in ROWS)
