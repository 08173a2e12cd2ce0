"""Linking as the desk does it: a run in the vault, its result, and how it ends whatever stops it."""

import json
import re

import pytest
from django.urls import reverse

from matching import standing
from matching.engine import child, extract
from matching.engine.errors import LinkageError
from matching.models import MatchStatus, RunStatus
from matching.services import running
from p20win.audit.public import events_of
from p20win.custody import public as custody
from p20win.custody.engine.errors import Broken
from p20win.jobs import services as jobs
from p20win.jobs.public import LeaseLost, State
from p20win.refusal import Blocked
from tests import factories
from tests import factories_agreements as agreements
from tests import factories_custody as files
from tests import factories_matching as matches
from tests.factories import START
from tests.told import numbers

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("vault")]


def events(row):
    return [event.event for event in events_of(row)]


class TestLinking:
    @pytest.mark.obligation("O-67", "O-68")
    def test_it_gives_a_sealed_key_and_a_report_without_small_counts(self, vault):
        match = matches.linked()
        run = standing.latest_result(match)

        assert match.status == MatchStatus.LINKED
        assert run.report_digest == running.report_digest(run.report)
        key = extract.read_key(b"".join(custody.open_bytes(run.crosswalk)))
        ids = {one for name in matches.AGENCIES for one in matches.people().agencies[name].ids.to_pylist()}
        assert set(key["id"].to_pylist()) == ids
        assert run.crosswalk.owner == factories.hub()
        told = json.dumps(run.report)
        assert not any(one in told for one in list(ids)[:200])
        counted = list(numbers(run.report))
        assert len(counted) > 100
        assert [(where, number) for where, number in counted if 0 < number < 6] == []
        written = b"".join(path.read_bytes() for path in vault.rglob("*") if path.is_file())
        assert not any(one.encode() in written for one in list(ids)[:50])

    @pytest.mark.obligation("O-113")
    def test_race_in_an_analytical_file_is_told_and_never_matched_on(self, monkeypatch, signed_in):
        columns = ("GradeLevelCode", "RaceEthnicityReportingText")
        monkeypatch.setitem(matches.ANALYTICAL, "SDE", columns)

        run = standing.latest_result(matches.linked())

        assert "Race" not in json.dumps(run.spec)
        told = {(entry["file"], entry["by"]): entry for entry in run.report["subgroups"]}
        race = told["SDE", "RaceEthnicityReportingText"]
        assert sum(group["count"] is not None for group in race["groups"]) > 1
        assert {("SDE", "sex"), ("DOL", "SSN on file")} <= set(told)
        shown = signed_in(factories.hub_member()).get(reverse("matching:report", args=[run.pk])).text
        assert "SDE by RaceEthnicityReportingText" in shown
        assert [(where, number) for where, number in numbers(run.report) if 0 < number < 6] == []

    @pytest.mark.long
    @pytest.mark.obligation("O-113")
    def test_race_among_the_identifiers_is_told_and_never_matched_on(self, monkeypatch):
        everybody = matches.people().agencies["SDE"]
        race = dict(
            zip(
                everybody.analytical.table["SyntheticID"].to_pylist(),
                everybody.analytical.table["RaceEthnicityReportingText"].to_pylist(),
                strict=True,
            )
        )
        match = matches.collecting(extra=("Race",), extra_of=("SDE",))
        for name in matches.AGENCIES:
            for kind in ("matching", "analytical"):
                content = matches.contents(name, kind)
                if (name, kind) == ("SDE", "matching"):
                    head, *rows = content.decode().splitlines()
                    rows = [f"{row}\t{race.get(row.split(chr(9))[0], '')}" for row in rows]
                    content = "\n".join([f"{head}\tRace", *rows, ""]).encode()
                assert matches.send(match, name, kind, content).status == custody.FileStatus.ACCEPTED
        match.refresh_from_db()

        run = standing.latest_result(matches.linked(match))

        assert run.spec["files"]["SDE"]["groups"] == ["Race"]
        assert "Race" not in json.dumps([run.spec["comparisons"], run.spec["blocks"]])
        assert ("SDE", "Race") in {(entry["file"], entry["by"]) for entry in run.report["subgroups"]}

    @pytest.mark.long
    def test_done_twice_it_stores_one_result(self):
        match = matches.linked()
        run = standing.latest_result(match)

        again = running.link(run, job=agreements.NoJob(), at=START)

        assert again.crosswalk_id == run.crosswalk_id
        assert custody.accepted_files(match.project, "key").count() == 4  # the index of what is reviewed too

    @pytest.mark.long
    def test_the_same_files_give_the_same_people_when_a_killed_run_is_done_again(self, monkeypatch):
        run = matches.started()
        people = []
        for _ in range(2):
            outcome = running._outcome(run, [], agreements.NoJob())
            key = extract.read_key(outcome.crosswalk)
            of_person = {}
            for link, one in zip(key["link_id"].to_pylist(), key["id"].to_pylist(), strict=True):
                of_person.setdefault(link, set()).add(one)
            people.append((sorted(map(sorted, of_person.values())), set(of_person)))

        assert people[0][0] == people[1][0]
        assert not people[0][1] & people[1][1]

    def test_a_worker_that_lost_its_lease_stores_nothing(self):
        run = matches.started()

        class Lost(agreements.NoJob):
            def hold(self):
                raise LeaseLost("1")

        with pytest.raises(LeaseLost):
            running.link(run, job=Lost(), at=START)

        run.refresh_from_db()
        assert run.status == RunStatus.RUNNING
        assert not custody.accepted_files(run.match.project, "key").exists()

    def test_files_that_cannot_be_linked_end_the_run_and_say_why(self, settings):
        settings.P20WIN_MATCH_MEMORY = "50MB"
        run = matches.started()

        job = files.attempted("matching.run_match", run_id=run.pk)

        assert job.state == State.REFUSED
        assert re.search(r"needs about .* the limit is 50 MB", job.message)
        run.refresh_from_db()
        run.match.refresh_from_db()
        assert (run.status, run.match.status) == (RunStatus.FAILED, MatchStatus.READY)
        assert "the limit is 50 MB" in run.failure
        assert run.report is None

    @pytest.mark.long
    def test_a_lost_process_is_tried_again_and_given_up_at_last(self, monkeypatch):
        def lost(*_args, **_options):
            raise LinkageError("The linking process ended before it was done.")

        monkeypatch.setattr(child, "link", lost)
        run = matches.started()

        for _ in range(running.ATTEMPTS - 1):
            assert files.attempted("matching.run_match", run_id=run.pk).state == State.QUEUED
            run.refresh_from_db()
            assert run.status == RunStatus.RUNNING
        job = files.attempted("matching.run_match", run_id=run.pk)

        assert (job.state, job.message) == (State.REFUSED, "The linking process ended before it was done.")
        run.refresh_from_db()
        assert (run.status, run.failure) == (RunStatus.FAILED, job.message)

    @pytest.mark.parametrize("kind", [OSError, Broken])
    @pytest.mark.long
    def test_whatever_stops_a_run_the_match_can_be_linked_again(self, monkeypatch, kind):
        def stops(*_args, **_options):
            raise kind("Ada Invented 901-00-0001")

        run = matches.started()
        with monkeypatch.context() as patched:
            patched.setattr(child, "link", stops)
            for _ in range(running.ATTEMPTS):
                job = files.attempted("matching.run_match", run_id=run.pk)

        assert job.state == State.FAILED
        run.refresh_from_db()
        assert (run.status, run.match.status) == (RunStatus.FAILED, MatchStatus.READY)
        assert run.failure == job.message
        assert "901-00" not in run.failure
        with pytest.raises(Blocked, match="Begin it anew"):
            jobs.try_again(job, by=factories.operating_group_member(), at=START)
        assert standing.latest_result(matches.linked(run.match)) is not None

    @pytest.mark.obligation("O-23")
    def test_a_list_becomes_a_flag(self):
        match = matches.collecting(with_list=True)
        for name in matches.AGENCIES:
            for kind in ("matching", "analytical"):
                matches.send(match, name, kind)
        school = matches.people().agencies["SDE"].matching.table.slice(0, 9)
        text = f"SASID\t{matches.FLAG}\n" + "".join(f"{s}\t1\n" for s in school["SASID"].to_pylist())
        matches.send(match, "SDE", "identifier_list", text.encode())
        match.refresh_from_db()

        run = standing.latest_result(matches.linked(match))

        flags = extract.read_key(b"".join(custody.open_bytes(run.flags)))
        on = {
            i for i, f in zip(*(flags[c].to_pylist() for c in ("id", matches.FLAG)), strict=True) if f == "1"
        }
        assert on == set(school["SyntheticID"].to_pylist())
