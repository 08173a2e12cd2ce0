"""Closing a project takes two people, an hour, a notice, a list and a certificate."""

import datetime as dt
import json
import threading

import pytest
from django.db import IntegrityError, connection, transaction
from django.urls import reverse
from pypdf import PdfReader

from agreements import public as agreements
from agreements import seal
from client import main
from disclosure import checks as release
from disclosure.lifecycle import RELEASE
from governance import checks, closing, closing_shown, selectors
from governance.models import Closing, ClosingStatus
from matching import checks as opening
from matching import standing
from p20win import access, clock, policy
from p20win.audit.public import Event, events_of, timeline
from p20win.custody import checkpoints
from p20win.custody import public as custody
from p20win.deadlines import public as deadlines
from p20win.notifications.public import Message, tell
from p20win.projects import public as projects
from p20win.refusal import Blocked
from p20win.workflow import blockers
from tests import factories
from tests import factories_custody as files
from tests import factories_disclosure as outputs
from tests import factories_governance as ends
from tests import factories_matching as matches
from tests.factories import START
from tests.unit import test_matching_abandonment as without_result

AFTER = START + closing.HOUR


@pytest.fixture
def project(db):
    row = factories.project(factories.organisation())
    projects.open_to_organisation(row, factories.hub(), ["view_project"])
    return row


def killed(*_, **__):
    raise MemoryError


def now_of(project):
    return projects.Project.objects.get(pk=project.pk).status


@pytest.mark.obligation("O-117")
class TestTwoPeople:
    def test_one_asks_and_nothing_changes_until_another_confirms(self, project):
        by = factories.operating_group_member()
        row = ends.asked(project, by=by)
        assert (row.status, now_of(project)) == (ClosingStatus.ASKED, "open")
        waits = deadlines.alive(closing.SECOND, row)
        assert {each.waiting_on_role for each in waits} == {"operating_group", "hub_staff"}
        with pytest.raises(Blocked, match="another person must confirm"):
            closing.confirm(row, by=by, at=START)

        row = closing.confirm(row, by=factories.hub_member(), at=START)

        assert (row.status, row.acts_at) == (ClosingStatus.SET, AFTER)
        assert now_of(project) == "closing"
        assert not deadlines.alive(closing.SECOND, row)
        assert deadlines.alive(closing.HOUR_CLOCK, row)[0].due_at == AFTER

    def test_the_database_refuses_the_same_person_twice(self, project):
        row = ends.asked(project)
        changes = {"confirmed_by": row.asked_by, "confirmed_at": START, "acts_at": AFTER, "status": "set"}
        with pytest.raises(IntegrityError, match="closing_confirmed_by_another"), transaction.atomic():
            Closing.objects.filter(pk=row.pk).update(**changes)

    def test_and_an_end_without_a_second_person_or_without_its_hour(self, project):
        row = ends.asked(project)
        with pytest.raises(IntegrityError, match="closing_of_two_people_and_an_hour"), transaction.atomic():
            Closing.objects.filter(pk=row.pk).update(status="begun", closed_at=AFTER)
        row = closing.confirm(row, by=factories.hub_member(), at=START)
        with pytest.raises(IntegrityError, match="closing_begun_after_its_hour"), transaction.atomic():
            Closing.objects.filter(pk=row.pk).update(status="begun", closed_at=START)

    def test_only_operating_group_and_hub_and_never_the_hub_alone(self, project):
        with pytest.raises(Blocked, match="Only the operating group or the hub"):
            ends.asked(project, by=factories.person())
        row = ends.asked(project, by=factories.hub_member())
        with pytest.raises(Blocked, match="One of the two must be of the operating group"):
            closing.confirm(row, by=factories.hub_member(), at=START)
        with pytest.raises(Blocked, match="Only the operating group or the hub"):
            closing.confirm(row, by=factories.person(), at=START)
        assert closing.confirm(row, by=factories.operating_group_member(), at=START).acts_at

    def test_it_says_why_and_is_asked_for_once(self, project):
        by = factories.operating_group_member()
        with pytest.raises(Blocked, match="Say why"):
            closing.ask(project, reason=" ", by=by, at=START)
        ends.asked(project, by=by)
        assert checks.why_not_close(project, by) == ["Somebody has asked for it already."]
        with pytest.raises(Blocked, match="asked for it already"):
            ends.asked(project)


@pytest.mark.obligation("O-117")
class TestTheHour:
    def test_everyone_concerned_is_told(self, project):
        agency = projects.suppliers(project)[0]
        heard = [factories.steward(agency), factories.hub_member(), factories.operating_group_member()]
        row = ends.confirmed(project)
        tell(events_of(row).get(event="closing.set"))
        said = Message.objects.filter(subject__contains="will be closed in an hour")
        assert {person.pk for person in heard} <= {message.person_id for message in said}
        assert "nothing new starts" in selectors.whereabouts(project).sentence

    def test_nothing_new_starts_meanwhile(self, project):
        steward = factories.steward(projects.suppliers(project)[0])
        row = ends.confirmed(project)
        project.refresh_from_db()
        said = access.why_not(steward, "upload", project, "matching", START)
        assert "is being closed." in " ".join(said)
        assert projects.is_open(project) == "The project is being closed."
        assert "The project is being closed." in opening.why_not_open(project, factories.hub_member(), START)
        assert row.status == ClosingStatus.SET

    def test_neither_a_file_nor_an_output_nor_its_release(self, project, vault):
        slot = files.a_slot(project=project)
        output = outputs.sent(outputs.project())
        ends.confirmed(project), ends.confirmed(output.project)
        slot.refresh_from_db(), output.refresh_from_db()
        slot.project.refresh_from_db(), output.project.refresh_from_db()
        for said in (
            custody.why_not_send(slot, factories.steward(slot.supplier), START),
            release.why_not_submit(output.project, output.author, START),
            blockers(RELEASE, output, factories.operating_group_member()),
        ):
            assert "is being closed." in " ".join(said)

    def test_before_it_is_over_nothing_happens(self, project):
        row = ends.confirmed(project)
        assert closing.carry_out(row, at=AFTER - dt.timedelta(seconds=1)).status == ClosingStatus.SET
        assert now_of(project) == "closing"

    def test_the_clock_carries_it_out_and_again_changes_nothing(self, project):
        row = ends.confirmed(project)
        deadlines.tick(at=AFTER)
        files.run_job("governance.carry_out_closing", subject_id=row.pk)
        closing.carry_out(row, at=AFTER)  # as a repeated sweep would
        assert now_of(project) == "closed"
        assert timeline(project).filter(event="project.closed").count() == 1
        assert events_of(row).filter(event="closing.done").count() == 1

    def test_a_worker_that_dies_in_the_middle_has_done_nothing_and_the_next_does_it_once(
        self, project, monkeypatch
    ):
        row = ends.confirmed(project)
        with monkeypatch.context() as patched, pytest.raises(MemoryError), transaction.atomic():
            patched.setattr("p20win.projects.public.close_project", killed)
            closing.carry_out(row, at=AFTER)
        row.refresh_from_db()
        assert (row.status, now_of(project)) == (ClosingStatus.SET, "closing")
        assert deadlines.alive(closing.HOUR_CLOCK, row)
        assert closing.carry_out(row, at=AFTER).status == ClosingStatus.DONE
        assert timeline(project).filter(event="project.closed").count() == 1

    def test_one_of_the_two_or_the_operating_group_withdraws_it_with_a_reason(self, project):
        confirms = factories.hub_member()
        row = ends.confirmed(project, by=confirms)
        with pytest.raises(Blocked, match="Only one of the two people"):
            closing.withdraw(row, reason="No.", by=factories.hub_member(), at=START)
        with pytest.raises(Blocked, match="Say why"):
            closing.withdraw(row, reason=" ", by=confirms, at=START)

        row = closing.withdraw(row, reason="An output is still to be released.", by=confirms, at=START)

        assert (row.status, now_of(project)) == (ClosingStatus.WITHDRAWN, "open")
        assert not deadlines.alive(closing.HOUR_CLOCK, row)
        assert closing.carry_out(row, at=AFTER).status == ClosingStatus.WITHDRAWN
        assert now_of(project) == "open"
        assert ends.closed(project).closed_at  # and it can be asked for again

    def test_once_closed_it_is_not_withdrawn(self, project):
        row = ends.closed(project, at=AFTER)
        with pytest.raises(Blocked, match="Not possible while"):
            closing.withdraw(row, reason="Too late.", by=factories.operating_group_member(), at=AFTER)

    def test_a_legal_hold_withdraws_it(self, project):
        row = ends.confirmed(project)
        said = {"authority": "a court", "reason": "Evidence."}
        hold = custody.ask_hold(project, until=START.date(), by=factories.hub_member(), at=START, **said)
        custody.confirm_hold(hold, by=factories.operating_group_member(), at=START)

        row = closing.carry_out(row, at=AFTER)

        assert (row.status, now_of(project)) == (ClosingStatus.WITHDRAWN, "open")
        assert "legal hold" in row.withdrawal
        assert row.withdrawn_by.is_system
        with pytest.raises(Blocked, match="legal hold"):
            ends.asked(project)


def the_end(project):
    return agreements.certificates(project).get(kind="project_end")


@pytest.mark.obligation("O-65", "O-117")
@pytest.mark.django_db
@pytest.mark.usefixtures("vault")
class TestTheCertificate:
    @pytest.fixture(autouse=True)
    def snapshots(self, settings, tmp_path):
        settings.P20WIN_KEY_SNAPSHOTS = tmp_path / "snapshots"

    @pytest.fixture
    def ended(self):
        """A project whose inputs are destroyed; a key of its match is left."""
        match = matches.collecting()
        matches.send(match, "SDE", "matching")
        project = without_result.ordered(without_result.abandoned(match)).project
        custody.seal_bytes(
            project=project,
            organisation=standing.keeper(project),
            data_class=custody.DataClass.KEY,
            name="crosswalk.csv",
            chunks=[b"a,b\n1,2\n"],
            by=factories.hub_member(),
            at=START,
        )
        return project

    def test_the_list_says_whose_key_and_what_goes_and_what_remains(self, ended):
        listed = closing_shown.inventory(ended)
        [goes] = listed["goes"]
        assert goes["organisation"] == standing.keeper(ended)
        assert [(kind["label"], kind["count"]) for kind in goes["kinds"]] == [
            (custody.DataClass.KEY.label, 1)
        ]
        assert dict(listed["remains"])["certificates of destruction"] == 1
        assert dict(listed["remains"])["lines of the ledger"] > 10
        assert listed["gone"]

    def test_when_the_last_key_is_gone_it_names_people_times_keys_proofs_and_copies(self, ended):
        row = ends.closed(ended)
        assert row.status == ClosingStatus.BEGUN
        assert "is being destroyed" in selectors.whereabouts(ended).sentence

        row = ends.destroyed(row)

        assert row.status == ClosingStatus.DONE
        assert "all that was left of it is destroyed" in selectors.whereabouts(ended).sentence
        facts = the_end(ended).facts
        end = facts["end"]
        assert end["asked_by"].startswith(row.asked_by.name)
        assert end["confirmed_by"].startswith(row.confirmed_by.name)
        assert (end["closed_at"], end["reason"]) == (START.isoformat(), ends.WHY)
        assert end["backup_days"] == policy.BACKUP_DAYS
        assert end["backups_until"]
        assert {file["proof"] for file in facts["files"]} <= {"KeyDestroyed", "never sealed"}
        of = {each["organisation"] for each in facts["keys"]}
        assert standing.keeper(ended).slug in of
        assert len(of) >= 2  # the suppliers' that went before stand there, too
        assert {each["organisation"] for each in facts["ledger"]} >= of
        assert not custody.with_anything(ended)

    def test_noted_twice_it_ends_once(self, ended):
        row = ends.destroyed(ends.closed(ended))
        for _ in range(2):
            closing.note_destroyed(ended, at=START)
            closing.carry_out(row, at=START)
        assert events_of(row).filter(event="closing.done").count() == 1
        assert timeline(ended).filter(event="project.closed").count() == 1
        assert agreements.certificates(ended).filter(kind="project_end").count() == 1

    def test_its_paper_says_all_of_it_and_carries_the_proofs(self, ended, settings, tmp_path, client, capsys):
        settings.P20WIN_SEAL_KEY, settings.P20WIN_SEAL_CERTIFICATE = tmp_path / "k.pem", tmp_path / "c.pem"
        seal.make_key(settings.P20WIN_SEAL_KEY, settings.P20WIN_SEAL_CERTIFICATE, now=clock.real_now())
        trust, paper = tmp_path / "hub.pem", tmp_path / "certificate.pdf"
        trust.write_bytes(client.get(reverse("custody:trust")).content)
        row = ends.destroyed(ends.closed(ended))
        checkpoints.publish(now=clock.real_now())

        files.run_job("agreements.make_certificate", certificate_id=the_end(ended).pk)

        paper.write_bytes(the_end(ended).document.content)
        text = " ".join(" ".join(page.extract_text() for page in PdfReader(paper).pages).split())
        for said in (row.asked_by.name, row.confirmed_by.name, ends.WHY, "Destroyed keys", "Backups"):
            assert said in text
        assert main.main(["verify", str(paper), "--trust", str(trust), "--json"]) == 0
        told = json.loads(capsys.readouterr().out)
        assert told["checkpoint_trusted"]

    def test_before_the_vault_is_done_there_is_none(self, ended):
        row = ends.closed(ended)
        closing.note_destroyed(ended, at=START)
        row.refresh_from_db()
        assert row.status == ClosingStatus.BEGUN
        assert not agreements.certificates(ended).filter(kind="project_end").exists()

    def test_without_any_data_it_says_that_nothing_was_held(self):
        project = factories.project(factories.organisation())
        row = ends.closed(project)
        assert row.status == ClosingStatus.DONE
        assert the_end(project).facts["end"]["nothing_held"]
        assert the_end(project).facts["keys"] == []


@pytest.mark.django_db(transaction=True)
@pytest.mark.obligation("O-117")
def test_two_people_confirm_at_once_one_act_one_event():
    project = factories.project(factories.organisation())
    row = ends.asked(project)
    people = [factories.operating_group_member(), factories.hub_member()]
    barrier, outcomes = threading.Barrier(2), []

    def press(person):
        barrier.wait()
        try:
            closing.confirm(Closing.objects.get(pk=row.pk), by=person, at=START)
            outcomes.append("done")
        except Blocked:
            outcomes.append("blocked")
        finally:
            connection.close()

    threads = [threading.Thread(target=press, args=[person]) for person in people]
    [t.start() for t in threads]
    [t.join() for t in threads]

    assert sorted(outcomes) == ["blocked", "done"]
    assert Event.objects.filter(event="closing.set", subject_id=str(row.pk)).count() == 1
    assert Event.objects.filter(event="project.stopped", project_id=project.pk).count() == 1
    assert len(deadlines.alive(closing.HOUR_CLOCK, row)) == 1
