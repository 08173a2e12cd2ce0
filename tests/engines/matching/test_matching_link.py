"""A whole linkage: how good it is, that it repeats itself, that it tells the truth about itself."""

from __future__ import annotations

import itertools
import re
from dataclasses import replace

import numpy as np
import pyarrow as pa
import pytest

from fixtures import quality
from fixtures.errors import MODELS
from fixtures.generate import generate
from matching.engine import adapter, crosswalk, io, memory, page_words
from matching.engine import spec as specs
from matching.engine.engines import comparing
from matching.engine.errors import BadInput, LinkageError, NeedsMoreMemory

COMPARED = re.compile(r"about ([\d,]+) of about [\d,]+ candidates compared")


def clusters(result):
    return result.clusters["person"].to_pylist()


class TestTelling:
    def test_it_tells_on_the_way_how_far_it_is_and_roughly_what_it_found(self, tables, spec, link):
        said = []
        link(tables, spec, progress=lambda percent, message: said.append((percent, message)))

        assert [percent for percent, _ in said] == sorted(percent for percent, _ in said)
        rows = sum(table.num_rows for table in tables.values())
        assert f"{rows:,} rows" in said[0][1]
        later = [message for _, message in said if message.startswith("Learning")][1:]
        assert later
        assert all(
            re.search(r"about [\d,]+ pairs scored so far, about [\d,]+ of them likely", m) for m in later
        )
        counts = [int(n.replace(",", "")) for _, m in said[1:] for n in re.findall(r"about ([\d,]+)", m)]
        assert all(int(str(count)[2:] or 0) == 0 for count in counts)  # two figures: nobody can be counted

    def test_of_two_files_it_tells_what_it_found_and_compared_while_it_does(
        self, tables, spec, link, monkeypatch
    ):
        two = {name: spec.files[name] for name in ("SDE", "CSCU")}
        monkeypatch.setattr(comparing, "_AT_ONCE", 200)
        said = []
        told = {name: tables[name] for name in two}
        link(told, specs.default(two), progress=lambda percent, message: said.append((percent, message)))

        within = [(percent, message) for percent, message in said if 10 < percent < 80]
        assert [percent for percent, _ in said] == sorted(percent for percent, _ in said)
        assert re.fullmatch(r"Comparing SDE with CSCU: about [\d,]+ candidates found", within[0][1])
        compared = [int(m[1].replace(",", "")) for _, message in within if (m := COMPARED.search(message))]
        assert len(compared) > 2
        assert compared == sorted(set(compared))
        assert len({percent for percent, _ in within}) > 3
        assert "about" in dict(said)[80]
        counts = [int(n.replace(",", "")) for _, m in within for n in re.findall(r"about ([\d,]+)", m)]
        assert all(int(str(count)[2:] or 0) == 0 for count in counts)

    @pytest.mark.parametrize(
        ("number", "said"),
        [(0, "fewer than 100"), (99, "fewer than 100"), (104, "about 100"), (2349, "about 2,300"),
         (99_600, "about 100,000")],
    )  # fmt: skip
    def test_counts_are_told_to_two_figures(self, number, said):
        assert page_words.roughly(number) == said


class TestQuality:
    @pytest.mark.obligation("O-67")
    def test_people_are_found_again_across_the_three_agencies(self, project, result):
        reached = quality.measure(project.truth, result.crosswalk)

        assert reached.precision > 0.985
        assert reached.recall > 0.96

    def test_the_second_engine_agrees_with_the_first(self, project, tables, spec, link, result):
        toolkit = link(tables, replace(spec, engine="toolkit"))

        reached = quality.measure(project.truth, toolkit.crosswalk)
        assert reached.precision > 0.985
        assert reached.recall > 0.96
        assert toolkit.report["engine"] == "toolkit"

    @pytest.mark.long
    @pytest.mark.parametrize("engine", ["splink", "toolkit"])
    def test_the_same_order_and_one_thread_give_the_same_people_again(self, tables, spec, link, engine):
        spec = replace(spec, engine=engine)
        first, again = (link(tables, spec, threads=1) for _ in range(2))
        assert clusters(first) == clusters(again)
        assert len(set(clusters(first))) < len(clusters(first))

    def test_the_seed_decides_nothing_about_the_ids(self, tables, spec, link):
        drawn = []
        for seed in (1, 1, 2):
            told = link(tables, replace(spec, seed=seed), token=crosswalk.tokens())
            drawn.append(set(told.crosswalk["link_id"].to_pylist()))
        assert not any(one & other for one, other in itertools.combinations(drawn, 2))

    def test_namesakes_are_not_learnt_from_as_if_they_were_the_same_people(self, link):
        project = generate(5000, seed=1, model=MODELS["hard"])
        tables = {n: io.from_text(pa.BufferReader(f.matching.tsv()), n) for n, f in project.agencies.items()}
        files = {n: replace(specs.recognise(t.column_names, n), unique=True) for n, t in tables.items()}

        found = link(tables, specs.default(files))

        school = next(p for p in found.report["pairs"] if {p["left"], p["right"]} == {"SDE", "CSCU"})
        same_day = next(w for w in school["weights"] if (w["field"], w["kind"]) == ("birth_date", "exact"))
        assert same_day["m"] > 0.9
        assert quality.measure(project.truth, found.crosswalk).precision > 0.985

    def test_the_estimate_of_precision_is_near_the_truth(self, project, result):
        reached = quality.measure(project.truth, result.crosswalk)

        assert abs(result.report["estimates"]["precision"] - reached.precision) < 0.02

    def test_files_with_no_telling_field_in_common_meet_through_a_third(self, result):
        (skipped,) = result.report["not_compared"]

        assert {skipped["left"], skipped["right"]} == {"SDE", "DOL"}
        assert "cannot tell people apart" in skipped["reason"]

    def test_one_file_is_searched_for_repeated_people(self, link):
        project = generate(400, seed=3)
        table = project.agencies["SDE"].matching.table.slice(0, 300)
        again = table.slice(0, 60).set_column(
            0, "SyntheticID", pa.array([f"SDE-AGAIN{n:04d}" for n in range(60)])
        )
        both = pa.concat_tables([table, again])
        spec = specs.default({"SDE": specs.recognise(both.column_names, "SDE")})

        found = link({"SDE": both}, spec)

        people = dict(zip(found.clusters["id"].to_pylist(), clusters(found), strict=True))
        own = table["SyntheticID"].to_pylist()[:60]
        together = sum(people[one] == people[f"SDE-AGAIN{n:04d}"] for n, one in enumerate(own))
        assert together >= 58


class TestRepetition:
    def test_the_same_input_gives_the_same_people_and_other_ids(self, tables, spec, link, result):
        again = link(tables, spec, threads=1, token=lambda: __import__("secrets").token_hex(16))

        assert clusters(again) == clusters(result)
        assert again.edges.equals(result.edges)
        assert not set(again.crosswalk["link_id"].to_pylist()) & set(result.crosswalk["link_id"].to_pylist())

    def test_every_row_is_in_the_key_exactly_once(self, tables, result):
        rows = list(
            zip(result.crosswalk["file"].to_pylist(), result.crosswalk["id"].to_pylist(), strict=True)
        )

        wanted = {(n, i) for n, t in tables.items() for i in t["SyntheticID"].to_pylist()}
        assert set(rows) == wanted
        assert len(rows) == len(wanted)

    @pytest.mark.obligation("O-60")
    def test_nobody_has_two_rows_of_a_file_that_has_one_row_a_person(self, result):
        rows = list(zip(result.clusters["file"].to_pylist(), clusters(result), strict=True))

        assert len(set(rows)) == len(rows)

    def test_the_automatic_band_links_no_more_than_the_best_point(self, tables, spec, link, result):
        auto = link(tables, replace(spec, accept="auto"))

        assert len(set(clusters(auto))) >= len(set(clusters(result)))
        assert auto.report["thresholds"]["accepted"] == auto.report["thresholds"]["auto"]


class TestReport:
    @pytest.mark.obligation("O-68")
    def test_it_names_rules_parameters_versions_thresholds_rates_and_quality(self, spec, result):
        told = result.report

        assert told["spec_digest"] == specs.digest(spec)
        assert told["libraries"] == adapter.versions()
        assert set(told["thresholds"]) == {"f1", "auto", "grey", "accepted"}
        assert {(r["file"], r["with"]) for r in told["match_rates"]} == {
            (a, b) for a in spec.files for b in spec.files if a != b
        }
        for pair in told["pairs"]:
            linked = next(d["count"] for d in pair["decisions"] if d["decision"] == "link")
            assert sum(rule["count"] for rule in pair["links_by_rule"]) == linked
            assert all(0 < w["m"] < 1 and 0 < w["u"] < 1 for w in pair["weights"])
        assert 0.9 < told["estimates"]["precision"] <= 1

    @pytest.mark.obligation("O-113")
    def test_it_shows_match_rates_by_subgroup_with_intervals(self, result):
        of_college = {g["by"]: g["groups"] for g in result.report["subgroups"] if g["file"] == "CSCU"}

        assert {"sex", "year of birth", "SSN on file", "SASID on file"} <= set(of_college)
        for groups in of_college.values():
            assert all(g["low"] <= g["count"] / g["of"] <= g["high"] for g in groups)


class TestLimits:
    @pytest.mark.parametrize("setting", adapter._ASSERTED)
    def test_no_record_is_loaded_where_a_lock_did_not_take(self, monkeypatch, setting):
        monkeypatch.setattr(adapter, "_LOCKS", [lock for lock in adapter._LOCKS if setting not in lock])
        with pytest.raises(LinkageError, match=f"did not take the setting {setting}"):
            adapter.database(memory=80 * 2**20, threads=1).__enter__()

    def test_nor_where_the_limit_of_memory_did_not(self, monkeypatch):
        connect = adapter.duckdb.connect
        monkeypatch.setattr(adapter.duckdb, "connect", lambda where, config: connect(where))
        with pytest.raises(LinkageError, match="limit of its memory"):
            adapter.database(memory=80 * 2**20, threads=1).__enter__()

    def test_a_database_can_neither_spill_nor_reach_out(self, tmp_path, monkeypatch):
        monkeypatch.chdir(tmp_path)
        with adapter.database(memory=80 * 2**20, threads=1) as connection:
            with (
                pytest.raises(NeedsMoreMemory, match="memory limit was reached while testing"),
                adapter.quiet("testing"),
            ):
                connection.execute("CREATE TABLE t AS SELECT md5(i::VARCHAR) AS a FROM range(9000000) x(i)")
            for forbidden in (
                "COPY (SELECT 1) TO 'here.csv'",
                "SELECT * FROM read_csv('/etc/hostname')",
                "INSTALL httpfs",
                "SET temp_directory='/tmp'",
                "SET memory_limit='100GB'",
            ):
                with pytest.raises(LinkageError, match="failed while testing"), adapter.quiet("testing"):
                    connection.execute(forbidden)
        assert not list(tmp_path.iterdir())

    def test_a_library_that_fails_says_its_kind_and_never_a_value(self):
        with pytest.raises(LinkageError) as caught, adapter.quiet("testing"):
            raise ValueError("Smith, 900-12-3456")

        assert "Smith" not in str(caught.value)
        assert caught.value.__cause__ is None
        assert caught.value.__suppress_context__

    def test_a_need_beyond_the_limit_is_refused_before_the_start(self, tables, spec, link):
        with pytest.raises(NeedsMoreMemory, match=r"needs about .* MB of memory; the limit is 200 MB"):
            link(tables, spec, memory_limit=200 * 2**20)

    @pytest.mark.parametrize(
        ("text", "amount"), [("2GB", 2 * 2**30), ("1.5 GiB", 1.5 * 2**30), ("800m", 800 * 2**20)]
    )
    def test_amounts_of_memory(self, text, amount):
        assert memory.parse(text) == amount

    def test_what_is_no_amount_of_memory(self):
        with pytest.raises(BadInput, match="no amount"):
            memory.parse("lots")


def table(text):
    return io.from_text(pa.BufferReader(text.encode()), "a")


class TestOddFiles:
    HEADERS = "id,first_name,last_name,dob,ssn\n"

    def linked(self, link, *texts, **options):
        tables = {f"f{n}": table(self.HEADERS + text) for n, text in enumerate(texts)}
        files = {name: specs.recognise(t.column_names, name) for name, t in tables.items()}
        return link(tables, specs.default(files, **options))

    def test_an_empty_file_beside_one_row(self, link):
        assert len(self.linked(link, "", "1,Ann,Lee,20000102,900121234\n").crosswalk) == 1

    def test_one_row_beside_the_same_row(self, link):
        row = "1,Ann,Lee,20000102,900121234\n"

        found = self.linked(link, row, row)

        assert len(set(clusters(found))) == 1

    def test_nothing_known_of_anybody(self, link):
        found = self.linked(link, "1,,,,\n2,,,,\n3,,,,\n", "1,,,,\n2,,,,\n")

        assert len(set(clusters(found))) == 5

    def test_a_number_that_everybody_shares_links_nobody(self, link):
        people = "".join(
            f"{n},Name{chr(97 + n % 26)}{chr(97 + n // 26)},Sur{n % 7},,999999999\n" for n in range(200)
        )

        assert len(set(clusters(self.linked(link, people)))) == 200

    def test_very_many_identical_names_neither_hang_nor_link(self, link):
        days = np.random.default_rng(1).integers(1, 29, 30_000)
        people = "".join(f"{n},Mary,Smith,1990{1 + n % 12:02d}{day:02d},\n" for n, day in enumerate(days))

        found = self.linked(link, people, block_cap=5_000)

        (pair,) = found.report["pairs"]
        assert any(block["keys_left_out"]["count"] for block in pair["blocks"])

    def test_files_that_are_not_those_of_the_specification(self, link, spec):
        with pytest.raises(BadInput, match="not the files"):
            link({}, spec)

    def test_an_engine_that_does_not_exist(self, link):
        with pytest.raises(BadInput, match="no engine “magic”"):
            self.linked(link, "", "", engine="magic")

    @pytest.mark.parametrize(
        ("rows", "message"),
        [
            ("1,A,B,,\n1,C,D,,\n", "repeated in row 2"),
            ("1,A,B,,\n ,C,D,,\n", "empty in row 2"),
            (",A,B,,\n", "row 1"),
        ],
    )
    def test_ids_that_are_empty_or_repeated(self, link, rows, message):
        with pytest.raises(BadInput, match=message):
            self.linked(link, rows)
