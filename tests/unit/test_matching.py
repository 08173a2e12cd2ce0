"""The matching desk, one act at a time, on real PostgreSQL, with a vault inside the test's process."""

import datetime as dt

import pytest
from django.db import IntegrityError, transaction

from matching import layouts, lifecycle, selectors, standing
from matching.models import Delivery, DeliveryStatus, Match, MatchRun, MatchStatus
from matching.services import opening, running, signing
from p20win.audit.public import events_of
from p20win.custody import public as custody
from p20win.deadlines import public as deadlines
from p20win.refusal import Blocked
from p20win.workflow import take
from tests import factories, factories_matching
from tests import factories_agreements as agreements
from tests import factories_custody as files
from tests import factories_matching as matches
from tests.factories import START

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("vault")]


def events(row):
    return [event.event for event in events_of(row)]


class TestOpening:
    def test_every_agency_gets_a_place_for_each_of_its_files(self):
        match = matches.collecting()

        expected = {(row.agency.short_name, row.kind) for row in match.expected_files.all()}
        assert expected == {(name, kind) for name in matches.AGENCIES for kind in ("matching", "analytical")}
        assert match.status == MatchStatus.COLLECTING
        assert events(match) == ["match.opened"]
        waiting = deadlines.open_of_project(match.project).filter(slug="transmission-window")
        assert waiting.count() == 6

    @pytest.mark.obligation("O-61", "O-103")
    def test_the_places_take_the_approved_columns_and_no_others(self):
        match = matches.collecting()

        matching, analytical = (matches.slot(match, "CSCU", kind).spec for kind in ("matching", "analytical"))

        assert [c["name"] for c in matching["columns"]] == matches.people().agencies[
            "CSCU"
        ].matching.table.column_names
        assert {c["name"]: c["form"] for c in matching["columns"]}["DOB"] == "date"
        assert all(c.get("identifier") for c in matching["columns"][1:])
        assert [c["name"] for c in analytical["columns"]] == ["SyntheticID", *matches.ANALYTICAL["CSCU"]]
        assert not any(c.get("identifier") for c in analytical["columns"])

    @pytest.mark.obligation("O-104")
    def test_commas_are_taken_in_place_of_tabs_where_the_hub_says_so(self):
        match = matches.collecting(commas=True)
        content = matches.contents("DOL", "matching")

        assert {tuple(row.slot.spec["separators"]) for row in match.expected_files.all()} == {
            ("tab", "comma")
        }
        assert standing.takes_commas(match)
        with_commas = matches.send(match, "DOL", "matching", content.replace(b"\t", b","))
        assert with_commas.status == custody.FileStatus.ACCEPTED, with_commas.report
        assert matches.send(match, "CSCU", "matching").status == custody.FileStatus.ACCEPTED

    @pytest.mark.obligation("O-104")
    def test_and_nowhere_else(self):
        match = matches.collecting()

        file = matches.send(
            match, "DOL", "matching", matches.contents("DOL", "matching").replace(b"\t", b",")
        )

        assert not standing.takes_commas(match)
        assert file.report["findings"][0]["rule"] == "separator"

    def test_only_with_an_agreement_in_force_and_once(self):
        row = matches.request()
        by = factories.operating_group_member()

        with pytest.raises(Blocked, match="No data sharing agreement is in force"):
            opening.open_match(row.project, by=by, at=START)
        agreements.in_force(row)
        opening.open_match(row.project, by=by, at=START)
        with pytest.raises(Blocked, match="open already"):
            opening.open_match(row.project, by=by, at=START)
        assert Match.objects.count() == 1

    def test_only_by_hub_or_operating_group(self):
        row = matches.request()
        agreements.in_force(row)

        with pytest.raises(Blocked, match="hub's staff or the operating group"):
            opening.open_match(row.project, by=row.requestor, at=START)
        assert not Match.objects.exists()

    def test_a_list_of_a_third_party_has_a_place_that_need_not_be_filled(self):
        match = matches.collecting(with_list=True)

        row = match.expected_files.get(kind="identifier_list")
        assert row.agency.short_name == "SDE"
        assert not row.is_required
        assert (row.identifier, row.flag) == ("SASID", matches.FLAG)

    @pytest.mark.obligation("O-59")
    def test_the_senders_of_every_file_of_a_list_too_are_reminded_before_its_window_closes(self):
        match = matches.collecting(with_list=True)

        for row in match.expected_files.all():
            [clock] = deadlines.alive(opening.WINDOW, row.slot)
            assert clock.due_at == row.slot.closes_at
            assert clock.waiting_on_organisation == row.slot.supplier
            assert clock.marks.filter(kind="remind", planned_at__lt=clock.due_at).count() == 2

    @pytest.mark.parametrize(
        ("text", "codes"),
        [
            ("M, F, U", ["M", "F", "U"]),
            ("1 = yes; 0 = no", ["1", "0"]),
            ("All values of the year", []),
            ("", []),
        ],
    )
    def test_codes_are_read_from_a_list_and_not_from_a_sentence(self, text, codes):
        assert layouts._codes(text) == codes


class TestFiles:
    def test_with_the_last_file_the_match_is_ready(self):
        match = matches.ready()

        assert match.status == MatchStatus.READY
        assert "match.files_complete" in events(match)
        assert not deadlines.open_of_project(match.project).filter(slug="transmission-window").exists()

    def test_a_refused_file_leaves_the_match_waiting(self):
        match = matches.collecting()

        file = matches.send(match, "SDE", "matching", b"SyntheticID\tLastName\n1\tLee\n")

        match.refresh_from_db()
        assert file.status == custody.FileStatus.REFUSED
        assert match.status == MatchStatus.COLLECTING
        assert standing.missing(match)

    def test_a_file_of_no_match_changes_nothing(self):
        with files.conditions_met():
            file = files.checked(files.arrived(files.a_slot()))

            assert opening.note_accepted(str(file.pk), at=START) is None


@pytest.mark.obligation("O-48")
class TestStarting:
    def test_only_with_a_method_that_the_board_approved(self):
        match = matches.ready()
        method = agreements.method("toolkit")
        by = matches.hub_member(match.project)

        with pytest.raises(Blocked, match="not approved this method"):
            running.start_run(match, method, by=by, at=START - dt.timedelta(days=2))
        run = running.start_run(match, method, by=by, at=START)

        assert run.spec["engine"] == "toolkit"
        assert run.match.status == MatchStatus.LINKING
        assert events(run) == ["run.started"]

    def test_only_by_the_hub_and_with_its_papers(self):
        match = matches.ready()
        method = agreements.method("toolkit")

        with pytest.raises(Blocked, match="staff of the data integration hub"):
            running.start_run(match, method, by=matches.steward("SDE"), at=START)
        with pytest.raises(Blocked, match="Exhibit C"):
            running.start_run(match, method, by=factories.hub_member(), at=START)

    def test_not_while_a_file_is_missing(self):
        match = matches.collecting()

        with pytest.raises(Blocked, match="Waiting for files"):
            matches.started(match)

    def test_one_at_a_time(self):
        run = matches.started()

        with pytest.raises(Blocked, match="Linking"):
            matches.started(run.match)
        with pytest.raises(IntegrityError), transaction.atomic():
            MatchRun.objects.create(
                match=run.match, number=9, method=run.method, status_since=START, started_at=START,
                started_by=run.started_by, spec={},
            )  # fmt: skip


@pytest.mark.obligation("O-70")
class TestTheWordOfTheParties:
    def test_the_last_word_signs_off_and_starts_the_clock(self):
        match = matches.linked()
        matches.described(match)
        rows = list(standing.signoffs(standing.latest_result(match)))
        assert [row.is_recipient for row in rows] == [False, False, False, True]

        for row in rows[:-1]:
            match = matches.agree(match, row)
            assert match.status == MatchStatus.LINKED
        match = matches.agree(match, rows[-1])

        assert match.status == MatchStatus.SIGNED_OFF
        (clock,) = deadlines.open_of_project(match.project).filter(slug="input-destruction")
        assert clock.due_at == deadlines.due("input-destruction", start=START).at
        assert Delivery.objects.get(match=match).status == DeliveryStatus.PREPARING
        assert not deadlines.open_of_project(match.project).filter(slug="match-agreement").exists()

    def test_nobody_speaks_for_another_party_or_without_proof(self):
        match = matches.linked()
        matches.described(match)
        row = standing.signoffs(standing.latest_result(match)).first()
        other = factories.steward(factories.organisation())

        with pytest.raises(Blocked, match="representative of a party"):
            matches.agree(match, row, by=other)
        with pytest.raises(Blocked, match="password is not right"):
            matches.agree(match, row, password="wrong")
        with pytest.raises(Blocked, match="Waiting for"):
            take(lifecycle.SIGN_OFF, match, by=other, at=START)

    def test_nobody_agrees_twice(self):
        match = matches.linked()
        matches.described(match)
        row = standing.signoffs(standing.latest_result(match)).first()
        by = matches.representative(row)
        matches.agree(match, row, by=by)

        with pytest.raises(Blocked, match="has agreed"):
            matches.agree(match, row, by=by)

    def test_one_party_that_refuses_has_it_linked_again(self):
        match = matches.linked()
        row = standing.signoffs(standing.latest_result(match)).first()
        by = matches.representative(row)

        with pytest.raises(Blocked, match="Say what should be better"):
            signing.reject(match, reasons=" ", by=by, at=START)
        match = signing.reject(match, reasons="Too few matched.", by=by, at=START)

        assert match.status == MatchStatus.READY
        asked = deadlines.open_of_project(match.project).filter(slug__in=["match-agreement", "limitations"])
        assert not asked.exists()
        again = matches.again(match)
        assert again.number == 2
        assert not standing.signoffs(again).exclude(signature=None).exists()


class TestWhatPeopleSee:
    def test_a_match_is_seen_by_those_who_see_its_project(self):
        match = matches.collecting()

        assert match in selectors.visible_to(matches.steward("SDE"))
        assert match not in selectors.visible_to(factories.steward(factories.organisation()))

    def test_agreements_without_a_match_wait_at_hub_and_operating_group(self):
        row = matches.request()
        agreement = agreements.in_force(row)

        assert selectors.waiting_to_open(factories.operating_group_member()) == [agreement]
        assert selectors.waiting_to_open(matches.steward("SDE")) == []
        opening.open_match(row.project, by=factories.operating_group_member(), at=START)
        assert selectors.waiting_to_open(factories.operating_group_member()) == []

    def test_the_out_tray_holds_what_was_made_available(self):
        assert not selectors.delivered().exists()

        delivery = matches.delivered()

        assert list(selectors.delivered()) == [delivery]
        assert factories_matching.selectors.match_for(delivery.project) == delivery.match
