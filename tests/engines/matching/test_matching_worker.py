"""The process that links for the portal, and what it is fed and gives."""

from __future__ import annotations

import io
import json
import os
import signal
import subprocess
import sys
import textwrap
import zipfile
from pathlib import Path

import pyarrow as pa
import pytest

from matching.engine import child, extract, frames, lists, suppress, worker
from matching.engine import spec as specs
from matching.engine.errors import BadInput, LinkageError, NeedsMoreMemory
from p20win.processes import wait_until


def setup(spec, **more):
    return {"spec": json.loads(specs.to_json(spec)), "memory": "2GB", "threads": 1, **more}


def pieces(content, size=70_000):
    return (content[at : at + size] for at in range(0, len(content), size))


def sent(project):
    return {name: pieces(files.matching.tsv()) for name, files in project.agencies.items()}


@pytest.fixture(scope="module")
def listed(project):
    return next(file for file in project.identifier_lists if file.table.num_rows > 3)


@pytest.fixture(scope="module")
def outcome(project, spec, listed):
    flag = listed.table.column_names[1]
    joined = [{"name": "list0", "file": "SDE", "identifier": "SASID", "flags": [flag], "value": "1"}]
    told = []
    found = child.link(
        setup(spec, lists=joined),
        {**sent(project), "list0": pieces(listed.tsv())},
        progress=lambda percent, message: told.append(percent),
    )
    assert told == sorted(told)
    assert len(told) > 3
    return found


def test_it_gives_the_same_people_as_the_engine_itself(outcome, result):
    key = extract.read_key(outcome.crosswalk)
    people = {}
    for link, file, one in zip(*(key[c].to_pylist() for c in ("link_id", "file", "id")), strict=True):
        people.setdefault(link, set()).add((file, one))
    own = {}
    rows = zip(*(result.clusters[c].to_pylist() for c in ("person", "file", "id")), strict=True)
    for person, file, one in rows:
        own.setdefault(person, set()).add((file, one))
    assert sorted(map(sorted, people.values())) == sorted(map(sorted, own.values()))
    assert outcome.report["spec_digest"] == result.report["spec_digest"]


@pytest.mark.obligation("O-23")
def test_lists_of_third_parties_become_flags_without_their_identifiers(project, outcome, listed):
    flag = listed.table.column_names[1]
    flags = extract.read_key(outcome.flags)
    school = project.agencies["SDE"].matching.table
    named = set(listed.table["SASID"].to_pylist())
    wanted = {
        i
        for i, s in zip(*(school[c].to_pylist() for c in ("SyntheticID", "SASID")), strict=True)
        if s in named
    }

    got = {i for i, on in zip(flags["id"].to_pylist(), flags[flag].to_pylist(), strict=True) if on == "1"}

    assert got == wanted
    (counted,) = outcome.lists
    assert "lists" not in outcome.report  # which everybody reads (O-126)
    assert counted["named"]["count"] - counted["unknown"]["count"] == len(wanted)
    assert not any(number.encode() in outcome.flags for number in named)


@pytest.mark.obligation("O-126")
@pytest.mark.parametrize(
    ("named", "unknown", "kept"),
    [(30, 1, (30, None)), (30, 29, (30, None)), (1, 0, (None, None)), (30, 0, (30, 0)), (30, 9, (30, 9))],
)
def test_a_short_list_does_not_tell_its_supplier_of_one_person(named, unknown, kept):
    numbers = [str(each) for each in range(1, named + 1)]
    school = pa.table({"sasid": [*numbers[unknown:], "0"], "high_school": [None] * (named - unknown + 1)})
    school = school.set_column(1, "high_school", school["high_school"].cast(pa.string()))
    listed = {"l": pa.table({"SASID": numbers, "FLAG": ["1"] * named})}
    ids = {"SDE": pa.array([f"i{each}" for each in range(school.num_rows)])}

    _, counts = lists.join([lists.List("l", "SDE", "SASID", ("FLAG",), "1")], listed, {"SDE": school}, ids)

    (told,) = suppress.suppressed({"lists": counts}, 6)["lists"]
    assert (told["named"]["count"], told["unknown"]["count"]) == kept


@pytest.mark.obligation("O-178")
def test_a_flag_is_empty_for_those_about_whom_no_list_came_in():
    school = pa.table(
        {"sasid": ["1", "2", "3", None], "high_school": ["070011", "070011", "070012", "070011"]}
    )
    tables = {"l": pa.table({"SASID": ["0001", "9"], "FLAG": ["1", "1"]})}
    entry = lists.List("l", "SDE", "SASID", ("FLAG",), "1", places=("070011",))

    flags, counts = lists.join([entry], tables, {"SDE": school}, {"SDE": pa.array(["a", "b", "c", "d"])})

    assert flags["FLAG"].to_pylist() == [1, 0, None, 0]
    assert (counts[0]["named"]["count"], counts[0]["unknown"]["count"]) == (2, 1)
    everybody, _ = lists.join(
        [lists.List("l", "SDE", "SASID", ("FLAG",), "1")],
        tables,
        {"SDE": school},
        {"SDE": pa.array(list("abcd"))},
    )
    assert everybody["FLAG"].to_pylist() == [1, 0, 0, 0]


@pytest.mark.obligation("O-23")
def test_only_the_agreed_value_flags_anybody():
    school = pa.table({"sasid": ["1", "2", "3"], "high_school": pa.array([None] * 3, pa.string())})
    tables = {"l": pa.table({"SASID": ["1", "2", "3"], "FLAG": [" X ", "1", None]})}
    entry = lists.List("l", "SDE", "SASID", ("FLAG",), "X")

    flags, _ = lists.join([entry], tables, {"SDE": school}, {"SDE": pa.array(["a", "b", "c"])})

    assert flags["FLAG"].to_pylist() == [1, 0, 0]


@pytest.mark.parametrize(
    ("table", "message"),
    [
        ({"ID": ["1"], "FLAG": ["1"]}, "no column “SASID”"),
        ({"SASID": ["1"], "FLAG": ["1"]}, "holds no sasid"),
    ],
)
def test_a_list_that_cannot_be_joined_says_why(table, message):
    held = pa.array(["1"] if "ID" in table else [None], pa.string())
    school = pa.table({"sasid": held, "high_school": pa.array([None], pa.string())})

    with pytest.raises(BadInput, match=message):
        lists.join(
            [lists.List("l", "SDE", "SASID", ("FLAG",), "1")],
            {"l": pa.table(table)},
            {"SDE": school},
            {"SDE": pa.array(["a"])},
        )


class TestExtract:
    @pytest.mark.obligation("O-73")
    def test_it_holds_link_ids_approved_columns_and_flags_and_no_identifier(self, project, outcome):
        key, flags, counts = (
            extract.read_key(outcome.crosswalk),
            extract.read_key(outcome.flags),
            extract.Counts(),
        )
        approved = {"SDE": ("GradeLevelCode", "ELL"), "DOL": ("Quarter", "Wage")}
        bytes_of = {name: project.agencies[name].analytical.tsv() for name in approved}
        parts = [
            extract.Part(
                name, f"{name.lower()}.csv", "SyntheticID", columns, lambda n=name: pieces(bytes_of[n])
            )
            for name, columns in approved.items()
        ]

        content = b"".join(extract.stream(key, flags, parts, counts))

        with zipfile.ZipFile(io.BytesIO(content)) as archive:
            assert archive.testzip() is None
            school, wages = (archive.read(name).decode().splitlines() for name in ("sde.csv", "dol.csv"))
        assert school[0].split(",")[:3] == ["link_id", "GradeLevelCode", "ELL"]
        assert school[0].split(",")[3].startswith("FLAG_")
        assert wages[0] == "link_id,Quarter,Wage"
        found = {name: (entry.rows_in, entry.rows_out) for name, entry in counts.entries.items()}
        assert found == {name: (len(rows) - 1,) * 2 for name, rows in (("SDE", school), ("DOL", wages))}
        every = "\n".join(school + wages)
        for agency in project.agencies.values():
            assert not any(one in every for one in agency.ids.to_pylist()[:200])

    def test_rows_that_the_key_does_not_know_are_left_out_and_counted(self):
        key = pa.table({"link_id": ["x"], "file": ["a"], "id": ["1"]})
        none = pa.table({"file": pa.array([], pa.string()), "id": pa.array([], pa.string())})
        part = extract.Part(
            "a", "a.csv", "id", ("v",), lambda: [b"id\tv\tw\n1\t5\t6\n", b"2\t7\t8\n1\t9\t9\n"]
        )
        counts = extract.Counts()

        content = b"".join(extract.stream(key, none, [part], counts))

        assert zipfile.ZipFile(io.BytesIO(content)).read("a.csv") == b"link_id,v\nx,5\nx,9\n"
        assert (counts.entries["a"].rows_in, counts.entries["a"].rows_out) == (3, 2)

    def test_a_missing_column_is_named(self):
        key = pa.table({"link_id": ["x"], "file": ["a"], "id": ["1"]})
        part = extract.Part("a", "a.csv", "id", ("wage",), lambda: [b"id\tv\n1\t5\n"])

        with pytest.raises(BadInput, match="no column “wage”"):
            list(extract.stream(key, key.select(["file", "id"]), [part], extract.Counts()))


class TestFailures:
    def test_bad_input_is_told_with_the_name_of_the_file(self, project, spec):
        files = sent(project) | {"SDE": iter([b"SyntheticID\tLastName\n1\tLee\tsecret\n"])}

        with pytest.raises(BadInput, match="SDE: line 2 has another number of fields"):
            child.link(setup(spec), files)

    def test_a_limit_that_is_too_low_is_told(self, project, spec):
        with pytest.raises(NeedsMoreMemory, match="the limit is 100 MB"):
            child.link(setup(spec) | {"memory": "100MB"}, sent(project))

    def test_an_error_inside_tells_its_kind_and_place_only(self, monkeypatch, spec, project):
        def broken(*_args, **_options):
            raise RuntimeError("Ann Lee")

        monkeypatch.setattr(worker.run, "link", broken)
        incoming, outgoing = io.BytesIO(), io.BytesIO()
        frames.send_json(incoming, frames.SETUP, setup(spec))
        frames.send(incoming, frames.END)
        incoming.seek(0)

        worker.serve(incoming, outgoing)

        ((kind, content),) = frames.receive(io.BytesIO(outgoing.getvalue()))
        assert kind == frames.FAILURE
        assert "RuntimeError in broken" in json.loads(content)["message"]
        assert b"Ann" not in content

    def test_a_killed_process_is_told_and_leaves_nothing_behind(self, project, spec, monkeypatch):
        started = []
        popen = child.subprocess.Popen

        def watched(*args, **options):
            started.append(popen(*args, **options))
            return started[-1]

        monkeypatch.setattr(child.subprocess, "Popen", watched)

        def kill(percent, message):
            os.kill(started[0].pid, signal.SIGKILL)

        with pytest.raises(LinkageError, match=r"ended (before|in the middle)"):
            child.link(setup(spec), sent(project), progress=kill)
        assert started[0].poll() is not None

    def test_why_a_file_ends_early_is_not_hidden_by_a_process_that_is_gone(self, spec, monkeypatch):
        """What is still to be sent to it when the file turns out damaged is nobody's failure."""
        started = []
        kept = subprocess.Popen

        def start(*arguments, **options):
            started.append(kept(*arguments, **options))
            return started[-1]

        def damaged():
            yield b"unique_id"
            started[0].kill()
            os.waitid(os.P_PID, started[0].pid, os.WEXITED | os.WNOWAIT)
            raise LookupError("the file is damaged")

        monkeypatch.setattr(child.subprocess, "Popen", start)
        with pytest.raises(LookupError, match="damaged"):
            child.link(setup(spec), {"a": damaged()})

    def test_it_dies_with_the_worker_that_started_it(self):
        script = """
            import os, time
            from matching.engine import child
            def waits():
                holder = os.fork()  # keeps the pipe open, so that its end tells the process nothing
                if not holder:
                    time.sleep(60)
                    os._exit(0)
                print(holder, flush=True)
                time.sleep(60)
                yield b""
            child.link({"spec": {}, "memory": "1GB", "threads": 1}, {"a": waits()})
            """
        command = [sys.executable, "-c", textwrap.dedent(script)]
        with subprocess.Popen(command, stdout=subprocess.PIPE, cwd=child._ROOT) as parent:
            holder = int(parent.stdout.readline())
            children = Path(f"/proc/{parent.pid}/task/{parent.pid}/children").read_text().split()
            (linking,) = {int(pid) for pid in children} - {holder}
            parent.kill()
        try:
            assert wait_until(lambda: not Path(f"/proc/{linking}").exists(), 20)
            assert Path(f"/proc/{holder}").exists()
        finally:
            os.kill(holder, signal.SIGKILL)

    def test_a_message_cut_short_is_refused(self):
        with pytest.raises(LinkageError, match="middle of a message"):
            list(frames.receive(io.BytesIO(b"R\x00")))


def test_the_process_knows_no_secret_of_the_portal(monkeypatch, project, spec):
    monkeypatch.setenv("DATABASE_URL", "postgres://secret")
    seen = {}

    def spy(*args, **options):
        seen.update(options["env"])
        raise OSError("enough")

    monkeypatch.setattr(child.subprocess, "Popen", spy)

    with pytest.raises(OSError, match="enough"):
        child.link(setup(spec), sent(project))
    assert "DATABASE_URL" not in seen
    assert "SECRET_KEY" not in seen
