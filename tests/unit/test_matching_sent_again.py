"""An accepted file is replaced before the sign-off: closed, removed, and what stood on it counts no more."""

import pytest
from django.urls import reverse

from matching import checks, reviewed, standing
from matching.models import Match, MatchStatus, Reopening
from matching.services import choosing, opening, reopening, running, signing
from p20win import clock
from p20win.audit.public import events_of
from p20win.custody import comparing, lifecycle, places, removal
from p20win.custody import public as custody
from p20win.deadlines import public as deadlines
from p20win.jobs.public import Job, State, perform
from p20win.notifications.public import Message, tell
from p20win.refusal import Blocked
from p20win.workflow import take
from tests import factories
from tests import factories_custody as files
from tests import factories_matching as matches
from tests.factories import START
from tests.unit.test_destruction_orders import held, lifted

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("vault")]
SAID = {"ground": "agency_asks", "asked_in": "Letter of March 4.", "reason": "A consent was revoked."}


def again(match, name="SDE", kind="matching", *, by=None, at=START, **changes):
    """Have an agency's file sent again."""
    expected = match.expected_files.get(agency=matches.agency(name), kind=kind)
    return reopening.send_again(expected, by=by or factories.hub_member(), at=at, **(SAID | changes))


def removed(file):
    """Have the vault do what it was asked, and return the file as it is now."""
    files.run_job(removal.WORK, file_id=file.pk)
    file.refresh_from_db()
    return file


def is_there(file):
    return places.blob(file.blob).exists()


def fresh(match):
    return Match.objects.select_related("project", "proposed").get(pk=match.pk)


@pytest.mark.obligation("O-51", "O-70")
class TestTheFile:
    def test_it_is_closed_at_once_removed_and_another_takes_its_place(self):
        match = matches.collecting()
        file = matches.send(match, "SDE", "matching")

        row = again(match)

        file.refresh_from_db()
        assert (row.file_id, file.status) == (file.pk, custody.FileStatus.SET_ASIDE)
        with pytest.raises(custody.NotOpenable):
            custody.open_bytes(file)
        assert not standing.accepted(match, "matching")
        assert fresh(match).status == MatchStatus.COLLECTING
        assert is_there(file)
        assert removed(file).status == custody.FileStatus.DESTROYED
        assert not is_there(file)
        assert [line.event for line in events_of(file)][-2:] == ["file.set_aside", "file.destroyed"]

        slot = matches.slot(match, "SDE", "matching")
        assert (slot.status, slot.opens_at) == (custody.SlotStatus.OPEN, START)
        assert len(deadlines.alive(opening.WINDOW, slot)) == 1
        later = matches.send(match, "SDE", "matching")
        assert later.status == custody.FileStatus.ACCEPTED
        assert [held for _, held in standing.accepted(match, "matching")] == [later]
        assert not deadlines.alive(opening.WINDOW, slot)
        assert comparing.differences() == []

    def test_another_is_taken_though_a_legal_hold_keeps_the_first(self):
        match = matches.collecting()
        file = matches.send(match, "SDE", "matching")
        hold = held(match)

        again(match)
        later = matches.send(match, "SDE", "matching")

        job = Job.objects.get(name=removal.WORK)
        perform(str(job.pk))
        job.refresh_from_db()
        assert (job.state, is_there(file)) == (State.QUEUED, True)
        assert later.status == custody.FileStatus.ACCEPTED
        lifted(hold)
        perform(str(job.pk))
        assert not is_there(file)

    def test_nothing_is_removed_that_the_ledger_does_not_tell_of(self):
        match = matches.collecting()
        file = matches.send(match, "SDE", "matching")
        take(
            lifecycle.SET_ASIDE, file, by=factories.hub_member(), at=START
        )  # as a broken-in web process could
        expected = match.expected_files.get(agency=matches.agency("SDE"), kind="matching")
        Reopening.objects.create(
            expected=expected, file=file, ground="rejected", reason="Because.",
            opened_by=factories.hub_member(), opened_at=START,
        )  # fmt: skip

        with pytest.raises(Blocked, match="still needed"):
            removal.remove(str(file.pk), at=START)
        assert is_there(file)

    def test_what_is_accepted_in_a_slot_goes_before_another_comes(self):
        match = matches.collecting()
        matches.send(match, "SDE", "matching")
        slot = matches.slot(match, "SDE", "matching")
        with pytest.raises(Blocked, match="set aside first"):
            take(lifecycle.REOPEN, slot, by=factories.hub_member(), at=START)

    def test_everybody_concerned_is_told(self):
        match = matches.collecting()
        matches.send(match, "SDE", "matching")
        stewards = {matches.steward(name) for name in matches.AGENCIES}
        coordinator = factories.operating_group_member()

        tell(events_of(again(match)).get(event=reopening.EVENT))

        told = {letter.person for letter in Message.objects.all()}
        assert {*stewards, coordinator} <= told
        assert any(person.has_role("requestor") for person in told)


@pytest.mark.obligation("O-51", "O-70")
class TestTheMatch:
    def test_a_match_that_was_ready_waits_for_the_file_again(self):
        match = matches.ready()
        again(match)

        assert fresh(match).status == MatchStatus.COLLECTING
        assert [str(row) for row in standing.missing(match)] == ["SDE: matching"]
        with pytest.raises(Blocked, match="Waiting for files"):
            matches.started(fresh(match))

        matches.send(match, "SDE", "matching")
        assert fresh(match).status == MatchStatus.READY

    @pytest.mark.long
    def test_runs_on_the_earlier_file_count_no_more(self):
        match = matches.linked()
        run = standing.latest_result(match)
        matches.described(match)
        row = standing.signoffs(run).first()
        matches.agree(match, row)
        open_words = [word for word in standing.signoffs(run) if word.signature_id is None]
        sheets = [sheet.file for sheet in reviewed.sheets(run.sample)]
        before = fresh(match)

        reopened = again(before, "CSCU", "analytical")

        match, run = fresh(match), standing.results(match).get()
        assert (match.status, match.proposed) == (MatchStatus.COLLECTING, None)
        assert run.outdated_by == reopened
        assert standing.latest_result(match) is None
        assert not any(deadlines.alive(choosing.AGREEMENT, word) for word in open_words)
        with pytest.raises(Blocked, match="Not possible while"):
            matches.agree(match, open_words[0])
        for made in (run.crosswalk, run.pairs, run.flags, *sheets):
            assert removed(made).status == custody.FileStatus.DESTROYED
        assert run.sample.index.status == custody.FileStatus.ACCEPTED  # decisions are carried on
        assert (
            "earlier file" in reviewed.why_not_read(run.sample, matches.hub_member(match.project), START)[0]
        )

        matches.send(match, "CSCU", "analytical")
        assert fresh(match).status == MatchStatus.READY
        assert "made on an earlier file" in checks.why_not_choose(run, fresh(match))[0]
        with pytest.raises(Blocked, match="earlier file"):
            choosing.choose(run, by=matches.hub_member(match.project), at=START)

        newer = matches.again(fresh(match), reason="The file was sent again.")
        match = fresh(match)
        assert (match.status, match.proposed, newer.number) == (MatchStatus.LINKED, newer, 2)
        assert {word.signature_id for word in standing.signoffs(newer)} == {None}
        assert newer.differences == {}
        assert matches.signed_off(match).status == MatchStatus.SIGNED_OFF

    def test_a_list_that_need_not_come_holds_nothing_up(self):
        match = matches.collecting(with_list=True)
        rows = match.expected_files.filter(is_required=False)
        Match.objects.filter(pk=match.pk).update(status=MatchStatus.LINKED)
        custody.UploadSlot.objects.filter(expected_by__match=match, expected_by__is_required=True).update(
            status="filled"
        )
        file = matches.send(match, "SDE", "identifier_list", _list(match))
        assert file.status == custody.FileStatus.ACCEPTED, file.report

        reopening.send_again(rows.get(), by=factories.hub_member(), at=START, **SAID)

        assert fresh(match).status == MatchStatus.READY
        assert rows.get().slot.status == custody.SlotStatus.OPEN


def _list(match):
    row = match.expected_files.get(is_required=False)
    held = matches.people().agencies["SDE"].matching.table["SASID"].to_pylist()
    lines = [f"{row.identifier}\t{row.flag}", *(f"{each}\t1" for each in held[:20] if each)]
    return ("\n".join(lines) + "\n").encode()


@pytest.mark.obligation("O-51", "O-70")
@pytest.mark.long
class TestWhyNot:
    def test_only_the_hub_and_it_says_on_what_and_why(self):
        match = matches.collecting()
        matches.send(match, "SDE", "matching")
        for by in (factories.operating_group_member(), matches.steward("SDE")):
            with pytest.raises(Blocked, match="Only staff of the data integration hub"):
                again(match, by=by)
        for changes, why in (
            ({"reason": " "}, "Say why"),
            ({"asked_in": " "}, "Say where the agency’s request is kept"),
            ({"ground": "rejected"}, "No party has said"),
        ):
            with pytest.raises(Blocked, match=why):
                again(match, **changes)
        with pytest.raises(Blocked, match="No file was accepted here yet"):
            again(match, "DOL")
        assert not Reopening.objects.exists()

    def test_after_a_party_said_no(self):
        match = matches.linked()
        word = standing.signoffs(standing.latest_result(match)).first()
        match = signing.reject(match, reasons="Resend it.", by=matches.representative(word), at=START)

        row = again(match, ground="rejected", asked_in="")

        assert row.get_ground_display() == "A party said that the match is not optimal"
        assert fresh(match).status == MatchStatus.COLLECTING

    def test_not_while_the_vault_reads_and_not_after_the_sign_off(self):
        run = matches.started()
        with pytest.raises(Blocked, match="The vault links the files now"):
            again(fresh(run.match))
        matches.finished(run)
        match = matches.signed_off(fresh(run.match))
        with pytest.raises(Blocked, match="has come to its end"):
            again(match)

    def test_a_run_that_was_outdated_meanwhile_stores_nothing(self):
        run = matches.started()
        Match.objects.filter(pk=run.match_id).update(status=MatchStatus.READY)
        again(fresh(run.match))
        run.refresh_from_db()
        with pytest.raises((Blocked, custody.NotOpenable)):
            running.link(run, job=files_job(), at=START)
        assert not standing.results(run.match).exists()


def files_job():
    from tests.factories_agreements import NoJob

    return NoJob()


@pytest.mark.long
def test_the_page_asks_once_more_and_the_match_shows_what_happened(signed_in, monkeypatch):
    match = matches.linked()
    monkeypatch.setattr(clock, "now", lambda: START)
    expected = match.expected_files.get(agency=matches.agency("DOL"), kind="matching")
    page, address = match.get_absolute_url(), reverse("matching:send-again", args=[expected.pk])
    assert address not in signed_in(matches.steward("DOL")).get(page).text
    client = signed_in(factories.hub_member())
    assert address in client.get(page).text
    assert "Nobody can undo this." in client.get(address).text
    assert "There is something to correct" in client.post(address, {}).text

    shown = client.post(address, SAID, follow=True).text

    assert "its upload is open again" in shown
    assert "Files that were asked for again" in shown
    assert "the agency asks for it (Letter of March 4.). A consent was revoked." in shown
    assert "Made on an earlier file (Matching file, DOL); it counts no more." in shown
    assert "Waiting for files of DOL." in shown
    slot = signed_in(matches.steward("DOL")).get(reverse("custody:slot", args=[expected.slot_id])).text
    assert "asked for again. The file that was accepted is closed. The reason: A consent was revoked." in slot
