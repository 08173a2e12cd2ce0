"""What the checks of a project know beside its releases: hierarchies, and tables that others published."""

import datetime as dt

import pytest
from django.db import IntegrityError, transaction

from disclosure import known_services, services, standing
from disclosure.models import Known, KnownKind, OutputStatus, Verdict
from p20win import clock
from p20win.audit.public import events_of
from p20win.custody import public as custody
from p20win.refusal import Blocked
from tests import factories
from tests import factories_disclosure as outputs
from tests.factories import START

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("vault")]
LONG_AFTER = START + dt.timedelta(days=60)
REGIONS = b"parent,child\nNorth,Alder\nNorth,Birch\nTotal,North\nTotal,Cedar\nTotal,Dune\n"
GROUPED = b"school,count\nAlder,3\nBirch,40\nNorth,43\nCedar,50\nDune,30\nTotal,123\n"
PLAIN = b"school,count\nAlder,3\nBirch,40\nCedar,57\nTotal,100\n"


@pytest.fixture
def time(monkeypatch):
    """Return a function that sets the portal's time; it begins at START."""

    def set_to(at):
        monkeypatch.setattr(clock, "now", lambda: at)

    set_to(START)
    return set_to


def events(row):
    return [event.event for event in events_of(row)]


def hierarchy(project, content=REGIONS, *, by=None, at=START, dimension="school"):
    by = by or outputs.author(project)
    return known_services.load_hierarchy(project, dimension=dimension, content=content, by=by, at=at)


def public_table(project, content=b"school,released\nBirch,40\n", *, by=None, at=START, **said):
    what = {
        "name": "School report cards",
        "source": "example.org/report-cards",
        "as_of": dt.date(2025, 6, 30),
        "population": outputs.CONTEXT["population"],
        "period": outputs.CONTEXT["period"],
    }
    by = by or outputs.author(project)
    return known_services.load_public_table(project, content=content, by=by, at=at, **what | said)


@pytest.mark.parametrize("more", [0, 1])
def test_c21_a_list_as_large_as_may_be(time, more, monkeypatch):
    monkeypatch.setattr(known_services, "LARGEST", len(REGIONS) - more)
    project = outputs.project()
    if more:
        with pytest.raises(Blocked, match="at most 1 MB"):
            hierarchy(project)
    assert more or hierarchy(project).rows == 5
    assert Known.objects.count() == 1 - more


def check_again(output, at=START):
    output = services.check_again(output, by=output.author, at=at)
    outputs.files.run_job(standing.CHECK_JOB, file_id=output.slot.files.get().pk)
    output.refresh_from_db()
    return output


def bytes_of(output):
    return [b"".join(custody.open_bytes(table.file)) for table in standing.clean_tables(output)]


class TestLoading:
    def test_by_who_submits_and_by_the_operating_group_with_a_line_in_the_ledger(self):
        project = outputs.project()
        first = hierarchy(project)
        second = hierarchy(project, by=factories.operating_group_member())
        assert [first.version, second.version] == [1, 2]
        assert events(first) == ["known.loaded"]
        assert (first.rows, len(first.digest)) == (5, 64)
        assert standing.known_now(project) == [second]
        assert Known.history.filter(id=first.pk).count() == 1

    def test_by_nobody_else(self):
        project = outputs.project()
        for person in (factories.person(), factories.hub_member()):
            with pytest.raises(Blocked, match="Only who submits"):
                hierarchy(project, by=person)
        assert not Known.objects.exists()

    @pytest.mark.parametrize(
        ("content", "why"),
        [
            (b"group,code\nNorth,Alder\n", "must be parent,child"),
            (b"parent,child\nNorth,South\nSouth,North\n", "below itself"),
            (b"parent,child\n", "no line below"),
            (b"parent,child\nTotal,=1+1\n", "begins like a formula"),
            (b"parent,child\nTotal,\xff\n", "not UTF-8"),
            (b"parent,child\n" + b"Total,a\n" * 200_000, "at most 1 MB"),
        ],
    )
    def test_is_refused_for_what_is_no_hierarchy(self, content, why):
        with pytest.raises(Blocked, match=why):
            hierarchy(outputs.project(), content)

    @pytest.mark.parametrize(
        ("content", "why"),
        [
            (b"school,count\nBirch,40\n", "Call the column"),
            (b"school,pct,pct_of\nBirch,40,school\n", "Call the column"),
            (b"school,released\nBirch,many\n", "released must be"),
        ],
    )
    def test_is_refused_for_what_is_no_public_table(self, content, why):
        with pytest.raises(Blocked, match=why):
            public_table(outputs.project(), content)

    def test_is_refused_for_a_public_table_of_nobody_knows_whom_or_of_tomorrow(self):
        project = outputs.project()
        for missing in ("population", "period", "source"):
            with pytest.raises(Blocked, match="Say who is counted"):
                public_table(project, **{missing: " "})
        with pytest.raises(Blocked, match="lies ahead"):
            public_table(project, as_of=dt.date(2030, 1, 1))
        row = public_table(project)
        with pytest.raises(IntegrityError), transaction.atomic():
            Known.objects.create(
                **{f.attname: getattr(row, f.attname) for f in Known._meta.concrete_fields}
                | {"id": project.pk, "version": 2, "source": ""}
            )


class TestChecking:
    @pytest.mark.obligation("O-81")
    def test_a_group_is_protected_as_its_hierarchy_says(self):
        project = outputs.project()
        without = outputs.checked(project, GROUPED)
        assert standing.latest_check(without).verdict == Verdict.UNREADABLE
        row = hierarchy(project)
        output = outputs.checked(project, GROUPED)
        found = standing.latest_check(output)
        assert found.verdict == Verdict.SAFE
        assert found.known == [str(row.pk)]
        (content,) = bytes_of(output)
        shown = dict(line.split(",") for line in content.decode().splitlines()[1:])
        assert shown["Alder"] == shown["Birch"] == ""
        assert shown["North"] == "43"

    @pytest.mark.obligation("O-81")
    def test_a_count_that_others_published_covers_no_small_one(self):
        project = outputs.project()
        (before,) = bytes_of(outputs.checked(project, PLAIN))
        assert b"Alder,\nBirch,\nCedar,57\n" in before
        public_table(project)
        output = outputs.checked(project, PLAIN)
        (after,) = bytes_of(output)
        assert b"Alder,\nBirch,40\nCedar,\n" in after
        assert standing.latest_check(output).adds == {"before": 1, "anew": 1, "again": 1}

    def test_a_table_about_other_people_is_not_held_against_it(self):
        project = outputs.project()
        public_table(project, population="All pupils of grade 11")
        output = outputs.checked(project, PLAIN)
        assert standing.latest_check(output).known == []
        assert b"Alder,\nBirch,\n" in bytes_of(output)[0]

    def test_the_same_words_in_other_letters_are_the_same_people(self):
        project = outputs.project()
        row = public_table(project, population="all pupils  of Grade 12")
        assert standing.latest_check(outputs.checked(project, PLAIN)).known == [str(row.pk)]


class TestAfterTheCheck:
    @pytest.mark.obligation("O-81")
    def test_what_was_loaded_since_asks_for_a_new_check_before_it_is_sent(self):
        project = outputs.project()
        output = outputs.checked(project, PLAIN)
        public_table(project)
        with pytest.raises(Blocked, match=r"has changed since the check\. Check it again"):
            services.send_to_agencies(output, by=output.author, at=START)
        output = check_again(output)
        sent = services.send_to_agencies(output, by=output.author, at=START)
        assert sent.status == OutputStatus.IN_REVIEW

    @pytest.mark.obligation("O-81")
    def test_and_before_it_is_released(self, time):
        project = outputs.project()
        output = outputs.cleared(outputs.sent(project, PLAIN))
        public_table(project)
        time(LONG_AFTER)
        with pytest.raises(Blocked, match="Return it, so that it is checked anew"):
            services.release(output, by=factories.operating_group_member(), at=LONG_AFTER)

    def test_what_was_released_under_another_hierarchy_stays_as_it_was(self, time):
        project = outputs.project()
        first = hierarchy(project)
        output = outputs.cleared(outputs.sent(project, GROUPED))
        time(LONG_AFTER)
        output = services.release(output, by=factories.operating_group_member(), at=LONG_AFTER)
        digests = [table.digest for table in standing.clean_tables(output)]
        hierarchy(project, REGIONS.replace(b"Total,Dune", b"North,Dune"), at=LONG_AFTER)
        output.refresh_from_db()
        assert output.status == OutputStatus.RELEASED
        assert standing.latest_check(output).known == [str(first.pk)]
        assert [table.digest for table in standing.clean_tables(output)] == digests


class TestRemoving:
    def test_the_version_before_holds_again_and_the_record_stays(self):
        project = outputs.project()
        first, second = hierarchy(project), hierarchy(project)
        removed = known_services.remove(second, reason="A wrong list.", by=second.loaded_by, at=START)
        assert removed.removed_by == second.loaded_by
        assert standing.known_now(project) == [first]
        assert events(second) == ["known.loaded", "known.removed"]
        with pytest.raises(Blocked, match="removed already"):
            known_services.remove(second, reason="Again.", by=second.loaded_by, at=START)

    def test_takes_a_reason_and_the_right(self):
        row = hierarchy(outputs.project())
        with pytest.raises(Blocked, match="Say why"):
            known_services.remove(row, reason=" ", by=row.loaded_by, at=START)
        with pytest.raises(Blocked, match="Only who submits"):
            known_services.remove(row, reason="No.", by=factories.hub_member(), at=START)

    def test_is_refused_once_something_was_released_with_it(self, time):
        project = outputs.project()
        row = hierarchy(project)
        output = outputs.cleared(outputs.sent(project, GROUPED))
        time(LONG_AFTER)
        services.release(output, by=factories.operating_group_member(), at=LONG_AFTER)
        with pytest.raises(Blocked, match="was released with it"):
            known_services.remove(row, reason="Not used.", by=row.loaded_by, at=LONG_AFTER)
        row.refresh_from_db()
        assert row.removed_at is None
        assert row.kind == KnownKind.HIERARCHY
