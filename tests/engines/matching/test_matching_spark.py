"""Splink on Spark, from the specification of one machine."""

from __future__ import annotations

import importlib.util
import shutil
from dataclasses import replace

import pyarrow as pa
import pyarrow.compute as pc
import pytest

from matching.engine import crosswalk, run, spark
from matching.engine.errors import LinkageError

FOUND_BY = {"same SASID", "birth date and surname", "birth date and first name", "names and birth year"}
HERE = importlib.util.find_spec("pyspark") is not None and shutil.which("java") is not None


class Session:
    """A session that says what it is set to."""

    def __init__(self, **settings):
        self.conf = spark.ENCRYPTED | {name.replace("_", "."): value for name, value in settings.items()}


@pytest.mark.parametrize("name", spark.ENCRYPTED)
def test_a_session_that_does_not_encrypt_is_given_nothing(name):
    spark.check(Session())
    session = Session()
    session.conf[name] = "no"

    with pytest.raises(LinkageError, match=name):
        spark.check(session)


def test_conditions_are_said_in_the_sql_of_spark():
    assert spark.spoken("ELSE") == "ELSE"
    assert spark.spoken("jaro_winkler_similarity(a_l, a_r) >= 0.92") == "jaro_winkler(a_l, a_r) >= 0.92"
    assert "::" not in spark.spoken("(left(a_l, 4) = left(a_r, 4))::INT + (right(a_l, 2) = 'x')::INT >= 2")
    shortcut = "CASE WHEN hamming(a_l, a_r) > 2 THEN false ELSE damerau_levenshtein(a_l, a_r) <= 1 END"
    assert spark.spoken(shortcut).lower() == "damerau_levenshtein(a_l, a_r) <= 1"


@pytest.fixture(scope="module")
def session(tmp_path_factory):
    session = spark.local_session(cores=2, memory="2g", folder=str(tmp_path_factory.mktemp("spark")))
    session.sparkContext.setLogLevel("ERROR")
    yield session
    session.stop()


def linked(files, spec, **options):
    """Link, and return the groups of more than one record with the report of the only pair of files."""
    told = run.link(files, spec, token=crosswalk.tokens(), memory_limit=2**31, threads=2, **options)
    groups = {}
    for row in told.clusters.to_pylist():
        groups.setdefault(row["person"], set()).add((row["file"], row["id"]))
    return {frozenset(group) for group in groups.values() if len(group) > 1}, told.report["pairs"][0]


@pytest.mark.long
@pytest.mark.timeout(1200)
@pytest.mark.filterwarnings("ignore::ResourceWarning", "ignore::pytest.PytestUnraisableExceptionWarning")
@pytest.mark.skipif(not HERE, reason="PySpark (requirements/spark.txt) or Java is missing")
@pytest.mark.parametrize(
    ("names", "cap", "blocks"),
    [(("SDE", "CSCU"), 2, 99), (("CSCU",), None, 4)],
    ids=["two files and a low cap", "one file"],
)
def test_it_finds_the_people_that_one_machine_finds(tables, spec, session, names, cap, blocks):
    described = {name: replace(spec.files[name], unique=len(names) > 1) for name in names}
    spec = replace(spec, engine="splink", files=described, blocks=spec.blocks[:blocks])
    spec = replace(spec, block_cap=cap or spec.block_cap)
    files = {name: tables[name] for name in names}
    if len(names) == 1:  # some of its people twice
        twice = files["CSCU"].slice(0, 200)
        ids = pc.binary_join_element_wise(twice["SyntheticID"], "B", "")
        twice = twice.set_column(twice.column_names.index("SyntheticID"), "SyntheticID", ids)
        files = {"CSCU": pa.concat_tables([files["CSCU"], twice])}

    ours, on_spark = linked(files, spec, engine=spark.Engine(session))
    theirs, on_duckdb = linked(files, spec)

    assert len(on_spark["blocks"]) > (8 if len(names) > 1 else 2)
    assert on_spark["blocks"] == on_duckdb["blocks"]  # the same candidates, and the same left out
    assert any(block["keys_left_out"]["count"] for block in on_spark["blocks"]) == (cap is not None)
    assert len(theirs) > (500 if len(names) > 1 else 150)
    assert len(ours & theirs) / len(ours | theirs) > 0.99
