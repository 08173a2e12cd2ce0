"""Linking by tokens: as good as its files allow, whatever the order of the rows, and never across keys."""

from __future__ import annotations

import json
from dataclasses import replace

import numpy as np
import pyarrow as pa
import pytest

from fixtures import quality
from matching.engine import encode, io
from matching.engine import encoded as encoded_files
from matching.engine import spec as specs
from matching.engine.__main__ import main
from matching.engine.engines import joins
from matching.engine.errors import BadInput
from matching.engine.rules import MARK

KEY = encode.new_key("DR-0034")


def encoded(table, name, *, key=KEY, clk=False):
    file = specs.recognise(table.column_names, name)
    columns = {field: table[column] for field, column in file.columns.items()}
    made = encode.Encoder(key, columns, clk=clk).encode(columns)
    return pa.table({file.id_column: table[file.id_column], **made})


def spec_of(tables, engine="tokens", *, unique=True):
    files = {n: replace(specs.recognise(t.column_names, n), unique=unique) for n, t in tables.items()}
    return specs.default(files, engine=engine)


@pytest.fixture(scope="module")
def sent(tables):
    return {name: encoded(table, name) for name, table in tables.items()}


@pytest.fixture(scope="module")
def filtered(tables):
    return {name: encoded(table, name, clk=True) for name, table in tables.items()}


def groups(result):
    """Return the people as sets of ids."""
    found = {}
    for person, row in zip(*(result.clusters[c].to_pylist() for c in ("person", "id")), strict=True):
        found.setdefault(person, set()).add(row)
    return {frozenset(rows) for rows in found.values()}


@pytest.mark.obligation("O-72", "O-67")
def test_people_are_found_again_without_identifiers(project, sent, link):
    result = link(sent, spec_of(sent))

    reached = quality.measure(project.truth, result.crosswalk)
    assert reached.precision > 0.985
    assert reached.recall > 0.95
    assert abs(result.report["estimates"]["precision"] - reached.precision) < 0.02
    assert result.report["engine"] == "tokens"


def test_filters_find_more_and_are_no_less_right(project, sent, filtered, link):
    plain = quality.measure(project.truth, link(sent, spec_of(sent)).crosswalk)

    reached = quality.measure(project.truth, link(filtered, spec_of(filtered, "clk")).crosswalk)

    assert reached.right_pairs >= plain.right_pairs
    assert reached.precision > 0.985


@pytest.mark.parametrize("engine", ["tokens", "clk"])
@pytest.mark.obligation("O-67")
def test_the_same_people_whatever_the_order_of_the_rows_and_the_threads(engine, filtered, link):
    rng = np.random.default_rng(8)
    mixed = {name: table.take(rng.permutation(table.num_rows)) for name, table in filtered.items()}

    one = link(filtered, spec_of(filtered, engine), threads=1)
    other = link(mixed, spec_of(mixed, engine), threads=4)

    assert groups(one) == groups(other)
    assert one.report["estimates"]["links"] == other.report["estimates"]["links"]


def test_one_file_is_searched_for_repeated_people(sent, link):
    table = sent["CSCU"].slice(0, 300)
    again = table.slice(0, 60).set_column(0, "SyntheticID", pa.array([f"CSCU-AGAIN{n}" for n in range(60)]))
    both = {"CSCU": pa.concat_tables([table, again])}

    found = groups(link(both, spec_of(both, unique=False)))

    own = table["SyntheticID"].to_pylist()
    assert sum({own[n], f"CSCU-AGAIN{n}"} <= group for group in found for n in range(60)) >= 58


def test_a_value_that_many_share_does_not_make_a_block_of_everybody(link):
    rows = 3000
    table = pa.table(
        {"id": [f"A-{n:05d}" for n in range(rows)], MARK: [KEY.mark] * rows, "T_SSN": ["x" * 24] * rows}
    )
    tables = {"A": table, "B": table.set_column(0, "id", pa.array([f"B-{n:05d}" for n in range(rows)]))}

    result = link(tables, spec_of(tables))

    (block,) = result.report["pairs"][0]["blocks"]
    assert block["keys_left_out"] == {"count": 1}
    assert block["pairs_left_out"] == {"count": rows * rows}
    assert not result.edges.num_rows


def test_no_token_is_never_alike():
    left = pa.table({"t_ssn": pa.array([None, "a" * 24, None])})
    right = pa.table({"t_ssn": pa.array([None, "b" * 24], pa.string())})
    column = joins.coded(left, right, "t_ssn")

    found = list(joins.pairs([column], one_file=False, key_cap=100, total_cap=100))

    assert [len(left) for _, left, _, _ in found] == [0]


@pytest.mark.parametrize("rows", [0, 1])
def test_small_files_give_a_result(rows, sent, link):
    few = {name: table.slice(0, rows) for name, table in sent.items()}

    assert link(few, spec_of(few)).crosswalk.num_rows == 3 * rows


class TestRefusals:
    @pytest.mark.obligation("O-72")
    def test_files_under_different_keys_are_not_linked(self, tables, sent, link):
        other = encode.new_key("DR-0034")
        mixed = sent | {"DOL": encoded(tables["DOL"], "DOL", key=other)}

        with pytest.raises(BadInput, match="different keys") as refusal:
            link(mixed, spec_of(mixed))

        assert f"DOL {other.fingerprint}" in str(refusal.value)
        assert f"SDE {KEY.fingerprint}" in str(refusal.value)

    @pytest.mark.obligation("O-72")
    def test_nor_files_of_different_projects(self, tables, sent, link):
        elsewhere = encode.Key("DR-0035", KEY.secret)
        mixed = sent | {"DOL": encoded(tables["DOL"], "DOL", key=elsewhere)}

        with pytest.raises(BadInput, match="different projects"):
            link(mixed, spec_of(mixed))

    def test_nor_tokens_with_identifiers(self, tables, sent, link):
        mixed = sent | {"DOL": tables["DOL"]}
        with pytest.raises(BadInput, match="Not encoded: DOL"):
            link(mixed, spec_of(mixed))
        both = {"CSCU": sent["CSCU"].append_column("SSN", tables["CSCU"]["SSN"]), "DOL": sent["DOL"]}
        with pytest.raises(BadInput, match="tokens and identifiers"):
            link(both, spec_of(both))

    def test_nor_with_an_engine_for_the_other_kind(self, tables, spec, sent, link):
        with pytest.raises(BadInput, match="linked by clk or tokens"):
            link(sent, spec_of(sent, "splink"))
        with pytest.raises(BadInput, match="these hold identifiers"):
            link(tables, replace(spec, engine="tokens"))

    @pytest.mark.parametrize("mark", ["", "P20-1.DR-0034", "mine"])
    def test_nor_without_saying_under_what_they_were_encoded(self, mark, sent, link):
        rows = sent["DOL"].num_rows
        wrong = sent["DOL"].set_column(1, MARK, pa.array([mark or None] * rows, pa.string()))
        mixed = sent | {"DOL": wrong}

        with pytest.raises(BadInput, match="DOL: the column EncodedWith must name"):
            link(mixed, spec_of(mixed))


class TestCommandLine:
    def write(self, folder, tables):
        for name, table in tables.items():
            (folder / f"{name}.csv").write_bytes(io.as_csv(table))
        unique = [word for name in tables for word in ("--unique", name)]
        return [*unique, *(f"{name}={folder / name}.csv" for name in tables)]

    @pytest.mark.parametrize(("which", "engine"), [("sent", "tokens"), ("filtered", "clk")])
    @pytest.mark.obligation("O-72", "O-68")
    def test_encoded_files_are_recognised_from_their_headers(self, which, engine, request, tmp_path):
        said = self.write(tmp_path, request.getfixturevalue(which))

        assert main(["link", "--out", str(tmp_path / "out"), *said]) == 0

        report = json.loads((tmp_path / "out" / "report.json").read_text())
        assert report["engine"] == engine
        assert report["encoded"]["label"] == "pseudonymised, not anonymous"
        assert report["encoded"]["key_fingerprint"] == KEY.fingerprint
        shown = (tmp_path / "out" / "report.html").read_text()
        assert "pseudonymised, not anonymous" in shown
        assert "Clerical review is impossible here" in shown
        again = json.loads((tmp_path / "out" / "spec.json").read_text())
        assert again["engine"] == engine

    def test_another_engine_is_refused_and_nothing_is_left(self, sent, tmp_path, capsys):
        said = self.write(tmp_path, sent)

        assert main(["link", "--out", str(tmp_path / "out"), "--engine", "splink", *said]) == 2

        assert "Encoded files are linked by" in capsys.readouterr().err
        assert not (tmp_path / "out").exists()


def test_nothing_is_said_of_encoding_where_there_is_none(tables, spec):
    assert encoded_files.told(encoded_files.check(tables, spec)) == {}
