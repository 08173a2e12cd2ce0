"""The disclosure desk, one act at a time, on real PostgreSQL, with a vault inside the test's process."""

import datetime as dt
import hashlib
import io
import json
import zipfile

import pytest
from django.db import IntegrityError, transaction

from disclosure import checking, checks, notices, package, rules, selectors, services, standing
from disclosure.models import POINTS, Clearance, Output, OutputStatus, Verdict
from p20win import clock
from p20win.accounts.public import Role, give_role, operating_group, system_user
from p20win.audit.public import events_of
from p20win.custody import public as custody
from p20win.deadlines import public as deadlines
from p20win.jobs import leases
from p20win.jobs.public import RunningJob
from p20win.projects import public as projects
from p20win.refusal import Blocked
from tests import factories
from tests import factories_agreements as agreements
from tests import factories_custody as files
from tests import factories_disclosure as outputs
from tests.factories import START

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("vault")]
LONG_AFTER = START + dt.timedelta(days=60)


@pytest.fixture
def time(monkeypatch):
    """Return a function that sets the portal's time; it begins at START."""

    def set_to(at):
        monkeypatch.setattr(clock, "now", lambda: at)

    set_to(START)
    return set_to


def events(row):
    return [event.event for event in events_of(row)]


class TestSubmitting:
    def test_the_file_is_sealed_and_its_check_asked_for(self):
        output = outputs.submitted()
        assert output.status == OutputStatus.UPLOADED
        assert events(output) == ["output.submitted"]
        assert output.slot.files.get().status == custody.FileStatus.ARRIVED

    def test_is_refused_to_people_who_are_not_on_the_list(self):
        project = outputs.project()
        with pytest.raises(Blocked):
            outputs.submitted(project, by=factories.person())
        assert not Output.objects.exists()

    def test_is_refused_for_an_extraction_that_lies_ahead(self):
        with pytest.raises(Blocked, match="lies ahead"):
            outputs.submitted(extracted_on=dt.date(2030, 1, 1))

    def test_is_refused_for_a_file_of_another_kind(self):
        project = outputs.project()
        with pytest.raises(Blocked, match=r"ends in \.csv, \.xlsx, \.docx"):
            outputs.submitted(project, name="table.odt")
        assert not Output.objects.exists()


class TestChecking:
    @pytest.mark.obligation("O-78", "O-81")
    def test_small_cells_are_withheld_and_nothing_can_be_worked_out(self):
        output = outputs.checked()
        found = standing.latest_check(output)

        assert output.status == OutputStatus.CHECKED
        assert found.verdict == Verdict.SAFE
        assert (found.cells, found.small, found.leaks) == (12, 1, 0)
        assert found.complementary == 3
        (table,) = standing.clean_tables(output)
        content = b"".join(custody.open_bytes(table.file))
        assert hashlib.sha256(content).hexdigest() == table.digest
        assert content.startswith(b"school,sex,released\nAlder,female,\nAlder,male,\n")

    def test_no_true_count_is_written_anywhere(self, vault):
        output = outputs.checked(content=outputs.CANARY)
        assert standing.latest_check(output).small == 1
        written = b"".join(path.read_bytes() for path in vault.rglob("*") if path.is_file())
        assert b"ZqCanary" not in written
        kept = json.dumps([event.details for event in events_of(output)], default=str)
        kept += json.dumps([str(vars(row)) for row in output.checks.all()], default=str)
        assert "4711" not in kept
        assert "ZqCanary" not in kept

    def test_a_file_of_another_project_is_not_checked_whatever_the_output_says(self):
        output, other = outputs.submitted(), outputs.submitted(content=outputs.CANARY)
        file = files.checked(other.slot.files.get())
        spare = files.a_slot(project=other.project)
        Output.objects.filter(pk=other.pk).update(slot=spare)
        Output.objects.filter(pk=output.pk).update(slot=other.slot)

        with pytest.raises(custody.CustodyError, match="not of the project and class"):
            files.run_job(standing.CHECK_JOB, file_id=file.pk)
        assert not output.checks.exists()

    @pytest.mark.obligation("O-81")
    def test_no_digest_of_the_true_counts_is_kept_that_could_be_tried_against(self, vault):
        output = outputs.checked()

        digest = hashlib.sha256(outputs.TABLE).hexdigest()
        file = output.slot.files.get()
        kept = json.dumps([file.manifest, file.receipt, file.statement], default=str)
        on_disk = b"".join(path.read_bytes() for path in vault.rglob("*") if path.is_file())
        assert digest not in kept
        assert digest.encode() not in on_disk

    def test_the_strictest_rules_of_policy_agencies_and_decisions_bind(self):
        project = outputs.project()
        agency = projects.suppliers(project).first()
        agency.min_cell_count, agency.hides_zeros = 12, False
        agency.save()
        found = rules.rules_of(project)
        assert (found.min_count, found.hide_zeros, found.min_pct_base) == (12, True, 20)

    @pytest.mark.obligation("O-80")
    def test_a_list_of_people_goes_back_without_repeating_a_value(self):
        rows = b"pupil,sex,count\n" + b"".join(b"Zq%d,f,1\n" % i for i in range(30))
        output = outputs.checked(content=rows)
        found = standing.latest_check(output)
        assert output.status == OutputStatus.RETURNED
        assert found.verdict == Verdict.UNREADABLE
        assert not standing.clean_tables(output)
        assert "Zq1" not in json.dumps([event.details for event in events_of(output)], default=str)
        said = json.loads(b"".join(services.give_sheet(found, output.author)))
        assert "Only tables of counts may leave" in said["message"]

    def test_a_file_that_custody_refuses_goes_back(self):
        output = outputs.checked(content=b"school,count\n=A1,40\nB,50\n")
        assert output.status == OutputStatus.RETURNED
        assert events(output)[-1] == "output.refused"

    def test_a_file_that_the_vault_could_not_check_may_be_replaced(self):
        output = outputs.submitted()
        with pytest.raises(Blocked, match="The vault is checking"):
            services.send_new_file(output, name="t.csv", content=[b"a"], by=output.author, at=START)
        file = output.slot.files.get()
        files.run_job("custody.check_file", file_id=file.pk)
        job = standing.latest_job(output)
        running = RunningJob(leases.claim(str(job.pk)))
        leases.finish_failed(running)
        output = services.send_new_file(
            output, name="t.csv", content=[outputs.TABLE], by=output.author, at=START
        )
        assert outputs.judged(output).status == OutputStatus.CHECKED

    def test_a_second_run_of_the_same_job_changes_nothing(self):
        output = outputs.checked()
        file = output.slot.files.get()
        checking.check_output(file, job=agreements.NoJob(), at=START)
        assert output.checks.count() == 1

    @pytest.mark.obligation("O-81")
    def test_what_was_released_before_is_held_against_it(self, time):
        project = outputs.project()
        time(LONG_AFTER)
        first = outputs.released(content=b"school,count\nAlder,30\nBirch,40\nTotal,70\n", of=project)
        second = outputs.checked(project, b"school,count\nAlder,30\nBirch,41\nTotal,71\n")
        found = standing.latest_check(second)
        assert found.compared_with == [str(first.pk)]
        assert found.verdict == Verdict.UNREADABLE  # the same people cannot be 70 and 71
        other = outputs.checked(
            project, b"school,count\nAlder,30\nBirch,41\nTotal,71\n", extracted_on=dt.date(2025, 12, 2)
        )
        assert standing.latest_check(other).verdict == Verdict.SAFE
        assert [row.output for row in standing.not_comparable(other)] == [first]


class TestSending:
    @pytest.mark.obligation("O-77", "O-82")
    def test_every_agency_and_the_operating_group_are_asked_and_the_clock_runs(self):
        output = outputs.sent()
        rows = standing.clearances(output)
        assert {row.organisation.pk for row in rows} == {p.pk for p in standing.expected_parties(output)}
        assert rows.count() == 3
        (clock_row,) = deadlines.alive("prepublication-review", output)
        assert clock_row.due_at == output.not_before
        clocks = deadlines.alive("output-clearance", output)
        assert len(clocks) == 3
        roles = {row.waiting_on_organisation: row.waiting_on_role for row in clocks}
        assert roles.pop(operating_group()) == Role.OPERATING_GROUP
        assert set(roles.values()) == {Role.DATA_STEWARD}

    def test_is_the_authors_alone(self):
        output = outputs.checked()
        with pytest.raises(Blocked, match="Only the author"):
            services.send_to_agencies(output, by=factories.operating_group_member(), at=START)

    def test_waits_for_a_new_check_when_another_went_ahead(self):
        project = outputs.project()
        first, second = outputs.checked(project), outputs.checked(project)
        services.send_to_agencies(first, by=first.author, at=START)
        with pytest.raises(Blocked, match="went ahead meanwhile"):
            services.send_to_agencies(second, by=second.author, at=START)
        second = services.check_again(second, by=second.author, at=START)
        files.run_job(standing.CHECK_JOB, file_id=second.slot.files.get().pk)
        second.refresh_from_db()
        assert services.send_to_agencies(second, by=second.author, at=START).status == OutputStatus.IN_REVIEW

    @pytest.mark.obligation("O-81")
    def test_waits_for_a_new_check_when_another_came_back_and_went_ahead_with_another_file(self):
        project = outputs.project()
        first = outputs.sent(project)
        second = outputs.checked(project)
        steward = outputs.reviewers(first)[0]
        services.return_to_author(first, comment="Without the totals.", by=steward, at=START)
        other = b"school \\ sex,female,male\nAlder,3,40\nBirch,51,30\nCedar,22,35\n"
        services.send_new_file(first, name="t.csv", content=[other], by=first.author, at=START)
        first.refresh_from_db()
        services.send_to_agencies(outputs.judged(first), by=first.author, at=START)
        with pytest.raises(Blocked, match="went ahead meanwhile"):
            services.send_to_agencies(second, by=second.author, at=START)


class TestReview:
    @pytest.mark.obligation("O-82")
    def test_each_party_confirms_all_five_points(self):
        output = outputs.sent()
        steward = outputs.reviewers(output)[0]
        for missing in POINTS:
            with pytest.raises(Blocked, match="all five points"):
                services.clear(output, points=outputs.CONFIRMED | {missing: False}, by=steward, at=START)
        services.clear(output, points=outputs.CONFIRMED, by=steward, at=START)
        row = standing.clearances(output).get(organisation=steward.organisation)
        assert row.cleared_at == START
        assert events(row) == ["clearance.asked", "clearance.given"]
        assert standing.clearances(output).filter(cleared_at__isnull=True).count() == 2
        with pytest.raises(Blocked, match="has cleared it"):
            services.clear(output, points=outputs.CONFIRMED, by=steward, at=START)

    def test_nobody_reviews_their_own(self):
        output = outputs.sent()
        agency = projects.suppliers(output.project).first()

        give_role(
            output.author,
            Role.DATA_STEWARD,
            organisation=agency,
            by=system_user(),
            at=START,
            since=START.date(),
        )
        with pytest.raises(Blocked, match="somebody else reviews it"):
            services.clear(output, points=outputs.CONFIRMED, by=output.author, at=START)

    def test_people_of_no_party_do_not_review(self):
        output = outputs.sent()
        with pytest.raises(Blocked, match="Only a data steward"):
            services.clear(output, points=outputs.CONFIRMED, by=factories.hub_member(), at=START)

    def test_it_goes_back_with_a_comment_and_its_clocks_stop(self):
        output = outputs.sent()
        steward = outputs.reviewers(output)[0]
        with pytest.raises(Blocked, match="Say what must change"):
            services.return_to_author(output, comment=" ", by=steward, at=START)
        output = services.return_to_author(output, comment="Label the columns.", by=steward, at=START)
        assert output.status == OutputStatus.RETURNED
        assert not deadlines.alive("prepublication-review", output)

    def test_a_corrected_file_is_read_by_everyone_anew(self):
        output = outputs.sent()
        people = outputs.reviewers(output)
        services.clear(output, points=outputs.CONFIRMED, by=people[0], at=START)
        output = services.return_to_author(output, comment="Not yet.", by=people[1], at=START)
        output = services.send_new_file(
            output, name="t.csv", content=[outputs.TABLE], by=output.author, at=START
        )
        output = outputs.judged(output)
        output = services.send_to_agencies(output, by=output.author, at=START)
        assert output.round == 2
        assert not standing.clearances(output).filter(cleared_at__isnull=False).exists()
        assert Clearance.objects.filter(output=output, round=1, cleared_at__isnull=False).count() == 1

    def test_the_database_keeps_no_clearance_without_its_points(self):
        row = standing.clearances(outputs.sent()).first()
        row.cleared_at, row.decided_by = START, factories.person()
        with pytest.raises(IntegrityError), transaction.atomic():
            row.save()


class TestRelease:
    @pytest.mark.obligation("O-77")
    def test_not_before_ten_business_days(self, time):
        output = outputs.cleared()
        by = factories.operating_group_member()
        time(output.not_before - dt.timedelta(seconds=1))
        with pytest.raises(Blocked, match="ten business days"):
            services.release(output, by=by, at=clock.now())
        time(output.not_before)
        output = services.release(output, by=by, at=clock.now())
        assert output.status == OutputStatus.RELEASED
        assert output.not_before - START > dt.timedelta(days=14)

    @pytest.mark.obligation("O-82")
    def test_not_before_every_party_cleared(self, time):
        output = outputs.sent()
        people = outputs.reviewers(output)
        time(LONG_AFTER)
        for person in people:
            with pytest.raises(Blocked, match="Waiting for"):
                services.release(output, by=factories.operating_group_member(), at=LONG_AFTER)
            services.clear(output, points=outputs.CONFIRMED, by=person, at=LONG_AFTER)
        services.release(output, by=factories.operating_group_member(), at=LONG_AFTER)

    def test_by_the_operating_group_alone(self, time):
        output = outputs.cleared()
        time(LONG_AFTER)
        with pytest.raises(Blocked):
            services.release(output, by=output.author, at=LONG_AFTER)

    def test_the_database_releases_nothing_early(self):
        output = outputs.cleared()
        with pytest.raises(IntegrityError), transaction.atomic():
            Output.objects.filter(pk=output.pk).update(status="released", released_at=START)

    @pytest.mark.obligation("O-83")
    def test_the_package_is_exactly_the_audited_bytes(self, time):
        time(LONG_AFTER)
        output = outputs.released()
        content = b"".join(services.give_package(output, output.author))
        assert content == b"".join(services.give_package(output, output.author))
        archive = zipfile.ZipFile(io.BytesIO(content))
        assert archive.namelist() == ["table-1.csv", "README.txt", "audit.json"]
        (table,) = standing.clean_tables(output)
        assert hashlib.sha256(archive.read("table-1.csv")).hexdigest() == table.digest
        assert table.digest in archive.read("README.txt").decode()
        assert package.ACKNOWLEDGEMENT in archive.read("README.txt").decode()
        cited = archive.read("README.txt").decode().split("Suggested citation:\n\n")[1].split("\n")[0]
        assert cited == package.citation(output)
        assert cited.startswith(f"{output.author.name}, {output.author.organisation} (")
        assert f"). {output.title}: {output.population}, {output.period} [data tables]." in cited
        assert f"request {output.project.number}, released " in cited
        assert json.loads(archive.read("audit.json"))["audit"]["leaks"] == 0

    def test_no_package_before_its_time(self):
        output = outputs.cleared()
        assert checks.why_no_package(output, output.author, START)

    def test_the_operating_group_hears_when_it_can_be_released(self):
        output = outputs.cleared()
        services.note_review_time_over(output, by=output.author, at=LONG_AFTER)
        assert events(output)[-1] == "output.may_be_released"
        other = outputs.sent(output.project, population="Others")
        services.note_review_time_over(other, by=other.author, at=LONG_AFTER)
        assert events(other)[-1] == "output.sent"

    def test_withdrawn_is_over(self):
        output = outputs.sent()
        output = services.withdraw(output, by=output.author, at=START)
        assert output.status == OutputStatus.WITHDRAWN
        with pytest.raises(Blocked):
            services.send_to_agencies(output, by=output.author, at=START)


class TestWhoSees:
    def test_before_it_is_sent_only_its_author(self):
        output = outputs.checked()
        steward = outputs.reviewers(output)[0]
        assert output in selectors.visible_to(output.author)
        assert output not in selectors.visible_to(steward)
        services.send_to_agencies(output, by=output.author, at=START)
        assert output in selectors.visible_to(steward)
        assert output not in selectors.visible_to(factories.steward(factories.organisation()))

    def test_true_counts_are_for_author_and_reviewers(self):
        output = outputs.sent()
        found = standing.latest_check(output)
        steward = outputs.reviewers(output)[0]
        for person in (output.author, steward):
            assert custody.capability(person, services.LOOK, found, START)
        for person in (factories.hub_member(), factories.steward(factories.organisation())):
            with pytest.raises(Blocked):
                custody.capability(person, services.LOOK, found, START)

    def test_the_reviewers_hear_of_it_and_the_author_does_not(self):
        output = outputs.checked()
        steward = outputs.reviewers(output)[0]
        output = services.send_to_agencies(output, by=output.author, at=START)
        event = next(each for each in events_of(output) if each.event == "output.sent")
        people = list(notices.reviewers(event))
        assert steward in people
        assert output.author not in people
