"""Nothing of a sealed file is given before all of it was found to be what was signed for (C13, F13)."""

import io
import json
import os
import shutil
import threading
import zipfile

import pytest
from django.urls import reverse

from disclosure import safe_services, standing
from disclosure.models import OutputStatus
from matching import reviewed
from matching.models import GroupLook, Look, ReviewSample
from matching.services import fetching, grouped_reviewing, reviewing
from matching.standing import latest_result
from p20win.accounts.public import system_user
from p20win.audit.public import Event
from p20win.custody import opening, places
from p20win.custody import public as custody
from p20win.custody.engine import container
from p20win.custody.engine.streaming import SEGMENT
from p20win.jobs.public import State
from tests import factories
from tests import factories_custody as files
from tests import factories_matching as matches
from tests.factories import START

pytestmark = [
    pytest.mark.django_db,
    pytest.mark.usefixtures("vault", "at_start"),
    pytest.mark.obligation("O-63", "O-74"),
]
each_way = pytest.mark.parametrize("what", files.HARMS)


@pytest.fixture
def looks(monkeypatch):
    """Which files were looked at whole, in order."""
    really, seen = container.verify_whole, []

    def looking(source, **known):
        seen.append(known["binding"].file_id)
        really(source, **known)

    monkeypatch.setattr(container, "verify_whole", looking)
    return seen


@pytest.fixture
def given(monkeypatch):
    """Whatever anybody is given of a file, whole or in part."""
    seen = []

    def noting(really):
        def noted(*args, **known):
            for chunk in really(*args, **known):
                seen.append(len(chunk))
                yield chunk

        return noted

    for name in ("open_range", "open_stream"):
        monkeypatch.setattr(container, name, noting(getattr(container, name)))
    return seen


@pytest.fixture
def file():
    agency = factories.organisation()
    return files.large(factories.project(agency), agency)


def opened(file, start=0, stop=10, **how):
    return b"".join(custody.open_range(file, start, stop, **{"within": "a download"} | how))


class TestAPart:
    @each_way
    @pytest.mark.parametrize("place", [0, SEGMENT + 5, 4 * SEGMENT - 50])
    def test_is_not_given_of_a_file_that_is_damaged_elsewhere(self, file, given, what, place):
        files.harm(file, what)
        with pytest.raises(custody.Damaged, match=f"was {what}"):
            custody.open_range(file, place, place + 10, within="a download")
        assert given == []

    def test_is_given_after_one_look_for_all_parts_of_its_opening(self, file, looks):
        whole = b"".join(custody.open_bytes(file))
        looks.clear()
        for start in (0, 10, 3 * SEGMENT):
            assert opened(file, start, start + 10) == whole[start : start + 10]
        assert opened(file, 0, len(whole)) == whole
        assert looks == [str(file.pk)]
        opened(file, within="another download")
        assert len(looks) == 2

    def test_is_looked_for_anew_in_a_file_put_in_its_place(self, file, looks):
        path = places.blob(file.blob)
        opened(file)
        shutil.copy2(path, path.with_suffix(".other"))
        path.with_suffix(".other").replace(path)
        opened(file)
        assert len(looks) == 2
        files.harm(file, "altered")
        with pytest.raises(custody.Damaged, match="was altered"):
            opened(file)

    def test_is_proven_by_itself_too_should_the_disk_not_tell_that_it_changed(self, file, looks, monkeypatch):
        monkeypatch.setattr(opening, "_identity", lambda source, sealed: ("the same",))
        opened(file)
        files.harm(file, "altered")
        assert opened(file)
        with pytest.raises(custody.Damaged):
            opened(file, 2 * SEGMENT, 2 * SEGMENT + 10)
        assert len(looks) == 1

    def test_what_changes_during_the_look_is_not_what_was_looked_at(self, file, looks, monkeypatch):
        really = opening._identity
        told = iter([("before",)])
        monkeypatch.setattr(
            opening, "_identity", lambda source, sealed: next(told, None) or really(source, sealed)
        )
        with pytest.raises(custody.Damaged, match="replaced"):
            opened(file)
        assert looks == []

    def test_when_many_ask_at_once_it_is_looked_at_once(self, file, looks):
        got = []
        asking = [threading.Thread(target=lambda: got.append(opened(file))) for _ in range(4)]
        kek = opening._kek(file)
        with pytest.MonkeyPatch.context() as without_database:  # these threads have no part in the test's
            without_database.setattr(opening, "_kek_of_openable", lambda file: kek)
            for thread in asking:
                thread.start()
            for thread in asking:
                thread.join()
        assert len(set(got)) == 1
        assert len(got) == 4
        assert len(looks) == 1


class TestALargeFile:
    """That takes longer to verify than somebody waits for a first byte."""

    @pytest.fixture
    def may_end(self, monkeypatch):
        really, may_end = container.verify_whole, threading.Event()

        def slowly(source, **known):
            known["told"](known["sealed_bytes"] // 2)
            may_end.wait(30)
            really(source, **known)

        monkeypatch.setattr(container, "verify_whole", slowly)
        yield may_end
        may_end.set()

    def test_how_far_it_is_is_said_and_it_goes_on_without_anybody_waiting(self, file, may_end, looks):
        with pytest.raises(opening.StillVerifying, match="50 % are done"):
            opened(file, patience=1.0)
        may_end.set()
        assert opened(file, patience=30.0)
        assert looks == [str(file.pk)]

    def test_damage_is_told_to_who_asks_next(self, file, may_end, given):
        files.harm(file, "altered")
        with pytest.raises(opening.StillVerifying):
            opened(file, patience=0.0)
        may_end.set()
        with pytest.raises(custody.Damaged, match="was altered"):
            opened(file, patience=30.0)
        assert given == []

    def test_a_look_that_came_to_no_end_is_no_look(self, file, monkeypatch):
        def stopped(source, **known):
            raise MemoryError

        with monkeypatch.context() as now:
            now.setattr(container, "verify_whole", stopped)
            with pytest.raises(MemoryError):
                opened(file)
        assert opened(file)

    def test_only_the_latest_looks_are_remembered(self, file, looks, monkeypatch):
        monkeypatch.setattr(opening, "REMEMBERED", 2)
        for name in ("one", "two", "three", "three", "one"):
            opened(file, within=name)
        assert len(looks) == 4


# --- what people are given


def damaged(call):
    """Do what reads a damaged file; return what is said."""
    with pytest.raises(custody.Damaged) as told:
        call()
    return str(told.value)


@each_way
def test_the_first_range_of_a_download(given, what):
    delivery = matches.delivered()
    delivery.extract = files.large(delivery.project, delivery.extract.owner)
    delivery.save()
    download = fetching.begin(delivery, by=matches.downloader(delivery), acknowledges=True, at=START)
    fetching.open_range(download, 0, 10, by=download.person, at=START)
    files.harm(delivery.extract, what)
    given.clear()

    said = damaged(lambda: list(fetching.give(download.fetches.get(), download.person)))

    assert what in said
    assert given == []


def test_a_browser_is_told_when_to_come_back(signed_in, monkeypatch):
    delivery = matches.delivered()
    person = matches.downloader(delivery)
    download = fetching.begin(delivery, by=person, acknowledges=True, at=START)

    def relay(token):
        raise custody.NotYet(["It is large; 50 % are done."], 10)

    monkeypatch.setattr("p20win.custody.public.relay", relay)
    answer = signed_in(person).get(reverse("matching:download-file", args=[download.pk]))

    assert (answer.status_code, answer["Retry-After"]) == (503, "10")
    assert answer.json() == {"reasons": ["It is large; 50 % are done."]}


@pytest.fixture
def sample(monkeypatch):
    """A run's sample whose sheets go on for some segments after their last record."""
    sample = ReviewSample.objects.get(run=latest_result(matches.linked()))
    sheets = list(sample.sheets.all())
    for sheet in sheets:
        begin, was = b"".join(custody.open_bytes(sheet.file)), sheet.file
        sheet.file = files.large(was.project, was.owner, data_class=was.data_class, begin=begin)
    monkeypatch.setattr(reviewed, "sheets", lambda sample: sheets)
    return sample


def sheet_of(sample, name):
    return next(sheet.file for sheet in reviewed.sheets(sample) if sheet.name == name)


def a_group_of(sample):
    """Lay the records of two pairs side by side: the small files hold no group."""
    records = [
        {"file": sample.strata[pair["stratum"]][side], "place": pair[side]}
        for pair in sample.pairs[:2]
        for side in ("left", "right")
    ]
    sample.groups = [{"records": records, "pairs": []}]
    return GroupLook(sample=sample, group=0)


@each_way
def test_a_pair_under_review(sample, given, what):
    look = Look(sample=sample, pair=0)
    assert json.loads(b"".join(reviewing.give(look, None)))
    given.clear()
    stratum = sample.strata[sample.pairs[0]["stratum"]]
    files.harm(sheet_of(sample, stratum["left"]), what)

    said = damaged(lambda: list(reviewing.give(Look(sample=sample, pair=0), None)))

    assert what in said
    assert given == []


@each_way
def test_a_group_under_review(sample, given, looks, what):
    look = a_group_of(sample)
    looks.clear()
    assert json.loads(b"".join(grouped_reviewing.give(look, None)))
    names = {record["file"] for record in sample.groups[0]["records"]}
    assert len(looks) == len(names)  # each sheet once, whatever number of its records
    given.clear()
    files.harm(sheet_of(sample, sample.groups[0]["records"][0]["file"]), what)

    said = damaged(lambda: list(grouped_reviewing.give(a_group_of(sample), None)))

    assert what in said
    assert given == []


@pytest.fixture
def table():
    """A safe table that waits to be counted, of an extract of several segments."""
    delivery = matches.delivered()
    person = matches.downloader(delivery)
    archive = io.BytesIO(b"".join(custody.open_bytes(delivery.extract)))
    with zipfile.ZipFile(archive, "a", zipfile.ZIP_STORED) as more:
        more.writestr("more.bin", os.urandom(files.LARGE))
    delivery.extract = custody.seal_bytes(
        project=delivery.project,
        organisation=delivery.extract.owner,
        data_class="extract",
        name=delivery.file_name,
        chunks=[archive.getvalue()],
        by=system_user(),
        at=START,
    )
    delivery.save()
    return safe_services.define(
        delivery.project,
        dimensions=(
            {"file": "sde.csv", "element": "ELL", "codes": []},
            {"file": "cscu.csv", "element": "", "codes": []},
        ),
        by=person,
        at=START,
        title="Learners of English who went to college",
        population="Pupils of the schools",
        period="2020-21",
        counted="sde.csv",
    )


@each_way
def test_a_safe_table(table, given, what):
    files.harm(table.delivery.extract, what)
    given.clear()

    job = files.attempted(standing.COUNT_JOB, table_id=table.pk)

    assert job.state == State.REFUSED
    assert "found damaged" in job.message
    assert given == []
    assert what in Event.objects.get(event="file.damaged").details["what"]


def test_a_safe_table_is_counted_after_one_look(table, looks):
    files.run_job(standing.COUNT_JOB, table_id=table.pk)
    table.output.refresh_from_db()
    assert table.output.status == OutputStatus.UPLOADED
    assert table.output.slot.files.exists()
    assert looks.count(str(table.delivery.extract_id)) == 1
