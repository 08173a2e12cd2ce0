"""`p20 encode`: what it writes, what it refuses, that nothing is left behind and memory does not grow."""

import csv
import json
import os
import stat
import tracemalloc

import pytest

from client import main
from fixtures.formats import as_text
from fixtures.generate import generate

PROJECT = "DR-0034"
HEADER = "SyntheticID,SSN,LastName,FirstName,DOB,Sex"
ROW = "CSCU-BCDFGHJKLM{n:04d},9001{n:05d},Okonkwo,Ann,20050317,F"


def p20(*said):
    return main.main([str(word) for word in said])


@pytest.fixture
def key(tmp_path):
    path = tmp_path / "key.txt"
    assert p20("encode", "--new-key", "--key", path, "--project", PROJECT) == 0
    return path


@pytest.fixture
def source(tmp_path):
    path = tmp_path / "plain.csv"
    path.write_text("\n".join([HEADER, *(ROW.format(n=n) for n in range(1, 200))]) + "\n")
    return path


def encode(source, key, out, *more):
    return p20("encode", source, "--key", key, "--project", PROJECT, "--out", out, *more)


def rows_of(path):
    with path.open(newline="") as lines:
        return list(csv.DictReader(lines, delimiter="\t"))


class TestKey:
    @pytest.mark.obligation("O-72")
    def test_is_its_owners_alone_and_never_replaced(self, key, capsys):
        assert stat.S_IMODE(key.stat().st_mode) == 0o600
        before = key.read_bytes()

        assert p20("encode", "--new-key", "--key", key, "--project", PROJECT) == 1

        assert "nothing was replaced" in capsys.readouterr().err
        assert key.read_bytes() == before

    @pytest.mark.obligation("O-72")
    def test_that_others_could_read_is_refused(self, key, source, tmp_path, capsys):
        key.chmod(0o640)

        assert encode(source, key, tmp_path / "out.tsv") == 2

        assert "chmod 600" in capsys.readouterr().err
        assert not (tmp_path / "out.tsv").exists()

    def test_is_not_shown_when_it_is_made(self, tmp_path, capsys):
        key = tmp_path / "key.txt"

        assert p20("encode", "--new-key", "--key", key, "--project", PROJECT) == 0

        told = capsys.readouterr().out
        secret = next(line for line in key.read_text().splitlines() if line.startswith("key:"))[5:]
        assert "Fingerprint: " in told
        assert secret.strip() not in told

    @pytest.mark.parametrize("content", ["", "secret", b"\xff\xfe"])
    def test_what_is_no_key_is_said(self, content, source, tmp_path, capsys):
        path = tmp_path / "other.txt"
        path.write_bytes(content if isinstance(content, bytes) else content.encode())
        path.chmod(0o600)

        assert encode(source, path, tmp_path / "out.tsv") == 2
        assert "no key file" in capsys.readouterr().err

    def test_of_another_project_is_refused(self, key, source, tmp_path, capsys):
        done = p20("encode", source, "--key", key, "--project", "DR-0035", "--out", tmp_path / "o")

        assert done == 2
        assert "The key is of DR-0034" in capsys.readouterr().err


class TestFile:
    @pytest.mark.obligation("O-72")
    def test_holds_ids_and_tokens_and_nothing_of_the_people(self, key, source, tmp_path, capsys):
        out = tmp_path / "out.tsv"

        assert encode(source, key, out) == 0

        told = capsys.readouterr().out
        assert "199 rows, pseudonymised, not anonymous" in told
        assert "Left out, for no token is made from them: Sex." in told
        made = rows_of(out)
        assert {row["SyntheticID"] for row in made} == {ROW.format(n=n).split(",")[0] for n in range(1, 200)}
        assert {row["EncodedWith"] for row in made} == {made[0]["EncodedWith"]}
        content = out.read_text()
        assert not any(word in content for word in ("Okonkwo", "OKONKWO", "20050317", "900100001"))
        assert not {"Ann", "ANN"} & {value for row in made for value in row.values()}
        assert stat.S_IMODE(out.stat().st_mode) == 0o600

    @pytest.mark.obligation("O-72")
    def test_comes_in_an_order_that_chance_decides(self, key, source, tmp_path):
        for out in ("one", "other"):
            assert encode(source, key, tmp_path / out) == 0
        one, other = ([row["SyntheticID"] for row in rows_of(tmp_path / out)] for out in ("one", "other"))

        assert sorted(one) == sorted(other)
        assert len({tuple(one), tuple(other), tuple(sorted(one))}) == 3

    def test_is_read_with_quotes_tabs_and_a_byte_order_mark(self, key, tmp_path):
        path = tmp_path / "plain.tsv"
        path.write_bytes(
            '\ufeffSyntheticID\tSSN\tLastName\tFirstName\r\nCSCU-BCDFGHJK\t900100001\t"O""Neil"\tAnn\r\n'.encode()
        )

        assert encode(path, key, tmp_path / "out.tsv") == 0
        assert rows_of(tmp_path / "out.tsv")[0]["T_SSN_LAST"]

    def test_a_file_that_is_there_is_not_replaced(self, key, source, tmp_path, capsys):
        (tmp_path / "out.tsv").write_text("mine")

        assert encode(source, key, tmp_path / "out.tsv") == 2

        assert "There is a file already" in capsys.readouterr().err
        assert (tmp_path / "out.tsv").read_text() == "mine"

    @pytest.mark.parametrize(
        ("change", "code", "why"),
        [
            (lambda text: text.replace("CSCU-BCDFGHJKLM0007", "CSCU-BCDFGHJKLM0008"), 1, "row 9, column"),
            (lambda text: text.replace("CSCU-BCDFGHJKLM0007", ""), 1, "row 8, column SyntheticID"),
            (lambda text: text.replace(",F", "", 1), 1, "row 2: "),
            (lambda text: text.replace("Okonkwo", 'Oko"nkwo"x"', 1), 0, ""),
            (lambda text: text.replace("Okonkwo", '"Okonkwo', 1), 1, "row 2: "),
            (lambda text: HEADER + "\n", 1, "at least one row"),
            (lambda text: "", 2, "first line"),
            (lambda text: text.replace("SSN", "Colour").replace("DOB", "Shape"), 2, "Nothing can be encoded"),
            (lambda text: text.replace("SyntheticID", "Who"), 2, "no id column"),
            (lambda text: text.replace("Okonkwo", "Núñez").encode("latin-1"), 1, "UTF-8"),
        ],
    )
    def test_what_is_wrong_is_named_and_nothing_is_left(
        self, change, code, why, key, source, tmp_path, capsys
    ):
        content = change(source.read_text())
        source.write_bytes(content if isinstance(content, bytes) else content.encode())

        assert encode(source, key, tmp_path / "out.tsv") == code

        said = capsys.readouterr()
        assert why in said.out + said.err
        assert "Okonkwo" not in said.out + said.err
        left = {path.name for path in tmp_path.iterdir()} - {"key.txt", "plain.csv"}
        assert left == ({"out.tsv"} if code == 0 else set())

    def test_the_agreed_columns_alone_are_made(self, key, source, tmp_path, capsys):
        rules = tmp_path / "rules.json"
        agreed = {"encoded": True, "id_column": "SyntheticID"}
        names = ["SyntheticID", "EncodedWith", "T_SSN"]
        rules.write_text(json.dumps(agreed | {"columns": [{"name": name} for name in names]}))
        assert encode(source, key, tmp_path / "out.tsv", "--rules", rules) == 0
        assert list(rows_of(tmp_path / "out.tsv")[0]) == names

        more = [*names, "T_SASID"]
        rules.write_text(json.dumps(agreed | {"columns": [{"name": name} for name in more]}))
        assert encode(source, key, tmp_path / "other.tsv", "--rules", rules) == 2
        assert "not to be made from the columns of this file: T_SASID" in capsys.readouterr().err

        rules.write_text(json.dumps({"columns": [{"name": "SSN"}]}))
        assert encode(source, key, tmp_path / "other.tsv", "--rules", rules) == 2

    def test_tokens_are_not_encoded_again(self, key, source, tmp_path, capsys):
        assert encode(source, key, tmp_path / "out.tsv") == 0

        assert encode(tmp_path / "out.tsv", key, tmp_path / "again.tsv") == 2
        assert "holds tokens already" in capsys.readouterr().err

    def test_json_for_programs(self, key, source, tmp_path, capsys):
        capsys.readouterr()

        assert encode(source, key, tmp_path / "out.tsv", "--json") == 0

        told = json.loads(capsys.readouterr().out)
        assert (told["rows"], told["label"]) == (199, "pseudonymised, not anonymous")

    def test_calls_that_make_no_sense_are_said(self, key, source, tmp_path, capsys):
        assert p20("encode", "--key", key, "--project", PROJECT) == 2
        assert p20("encode", source, "--new-key", "--key", tmp_path / "k", "--project", PROJECT) == 2
        assert p20("encode", "--new-key", "--key", tmp_path / "k", "--project", "mine") == 2
        assert "by its number" in capsys.readouterr().err
        assert not (tmp_path / "k").exists()


@pytest.mark.long
@pytest.mark.obligation("O-72")
def test_memory_does_not_grow_with_the_file(tmp_path, monkeypatch):
    key = tmp_path / "key.txt"
    assert p20("encode", "--new-key", "--key", key, "--project", PROJECT) == 0
    peaks = []
    for people in (30_000, 150_000):
        path = tmp_path / f"{people}.tsv"
        path.write_bytes(as_text(generate(people, seed=4).agencies["SDE"].matching.table))
        tracemalloc.start()
        assert encode(path, key, tmp_path / f"{people}.out") == 0
        peaks.append(tracemalloc.get_traced_memory()[1])
        tracemalloc.stop()
        os.unlink(path)

    assert peaks[1] < peaks[0] * 1.6 + (8 << 20)
