"""A small project of invented people, made once for all tests of the engine."""

from __future__ import annotations

import itertools
from dataclasses import replace

import pyarrow as pa
import pytest

from fixtures.generate import Project, generate
from matching.engine import io, run
from matching.engine import spec as specs


@pytest.fixture(scope="session")
def project() -> Project:
    return generate(1500, seed=11)


@pytest.fixture(scope="session")
def tables(project):
    return {
        name: io.from_text(pa.BufferReader(files.matching.tsv()), name)
        for name, files in project.agencies.items()
    }


@pytest.fixture(scope="session")
def spec(tables):
    files = {name: replace(specs.recognise(t.column_names, name), unique=True) for name, t in tables.items()}
    return specs.default(files)


@pytest.fixture(scope="session")
def link():
    def linked(tables, spec, **options):
        numbers = itertools.count()
        chosen = {"memory_limit": 2 * 2**30, "threads": 2, "token": lambda: f"{next(numbers):032x}"} | options
        return run.link(tables, spec, **chosen)

    return linked


@pytest.fixture(scope="session")
def result(tables, spec, link):
    return link(tables, spec)
