"""Suppliers of lists who are no parties: invited, affirming, sending their own file alone (O-124)."""

import hashlib

import pytest
from django.db import IntegrityError, transaction

from matching import supplier_checks
from matching.models import Match
from matching.services import inviting, opening, reopening
from p20win.accounts.public import SigningKey
from p20win.audit.public import Event, events_of
from p20win.custody import affirmation, lifecycle, reception, selectors, upload_tickets, uploads
from p20win.custody import public as custody
from p20win.deadlines import public as deadlines
from p20win.notifications.models import Message
from p20win.notifications.public import tell
from p20win.projects import public as projects
from p20win.refusal import Blocked
from p20win.workflow import blockers
from requests_app.models import Population
from tests import factories, factories_suppliers
from tests import factories_custody as files
from tests import factories_matching as matches
from tests.factories import START

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("vault")]


def told_of(event):
    tell(Event.objects.filter(event=event).latest("seq"))
    return {message.person for message in Message.objects.filter(event=event)}


class TestInviting:
    @pytest.mark.obligation("O-124")
    def test_a_supplier_that_the_portal_knows_is_invited_when_the_match_is_opened(self):
        match, contact = factories_suppliers.collecting()

        row = factories_suppliers.listed(match)
        assert (row.slot.supplier, row.slot.invitation.contact) == (contact.organisation, contact)
        assert row.agency.short_name == "SDE"
        assert told_of("invitation.sent") == {contact}
        assert not projects.visible_to(contact).exists()
        [clock] = deadlines.alive(opening.WINDOW, row.slot)
        assert (clock.waiting_on_person, clock.project) == (contact, None)
        assert list(deadlines.waiting_for(contact)) == [clock]

    def test_a_request_that_is_matched_again_invites_again(self):
        match, contact = factories_suppliers.collecting()
        row = factories_suppliers.affirmed(match)
        opening.close_uploads(match, at=START, note="It is over.")

        again = custody.invite(match.project, contact, by=factories.hub_member(), at=START)

        row.refresh_from_db()
        assert (row.status, again.status) == ("lapsed", "sent")

    def test_of_several_people_the_one_whom_the_request_names_is_asked(self):
        district = factories_suppliers.district()
        one, two = (factories.person(at=district, name=name) for name in ("Ada Fenwick", "Bo Larkin"))
        project = factories.project(factories.organisation())

        def asked(said):
            population = Population(supplier_name="lindenport", supplier_contact=said)
            return inviting.contact_of(project, population)

        assert asked("Bo Larkin, registrar") == two
        assert asked(f"write to {one.email.upper()}") == one
        assert asked("") is None
        assert asked("Ada Fenwick and Bo Larkin") is None

    def test_nobody_of_a_party_is_invited_nor_who_sees_the_project(self):
        agency = factories.organisation()
        project = factories.project(agency)
        insider = factories.person(at=factories_suppliers.district())
        projects.open_to_person(project, insider, ["view_project"])

        for person, why in (
            (factories.steward(agency), "takes part in this project"),
            (factories.hub_member(), "takes part in this project"),
            (factories.person(at=projects.recipient(project)), "takes part in this project"),
            (insider, "sees this project already"),
        ):
            with pytest.raises(Blocked, match=why):
                custody.invite(project, person, by=factories.hub_member(), at=START)
        assert not custody.invitations(project).exists()

    def test_the_hub_invites_where_the_portal_did_not_know_whom_to_ask(self):
        match = matches.collecting(with_list=True)
        before, contact = (
            factories_suppliers.listed(match),
            factories.person(at=factories_suppliers.district()),
        )
        assert before.slot.supplier == before.agency

        inviting.invite(match, [before], contact, by=factories.operating_group_member(), at=START)

        after = factories_suppliers.listed(match)
        assert (after.slot.supplier, after.slot.invitation.contact) == (contact.organisation, contact)
        assert after.slot.title == "List: Takers of 2020-21, Lindenport"
        assert custody.UploadSlot.objects.get(pk=before.slot_id).status == "closed"
        assert factories_suppliers.sent(match).status == "accepted"

    def test_nobody_else_settles_who_sends_it_nor_once_the_files_are_linked(self):
        match = matches.collecting(with_list=True)
        row, contact = factories_suppliers.listed(match), factories.person(at=factories_suppliers.district())

        with pytest.raises(Blocked, match="Only the hub's staff or the operating group"):
            inviting.invite(match, [row], contact, by=matches.steward("SDE"), at=START)
        with pytest.raises(Blocked, match="Name lists that an agency is to send"):
            inviting.invite(match, [], contact, by=factories.hub_member(), at=START)
        late = Match(project=match.project, status="linked")
        assert "linked already" in supplier_checks.why_not_invite(late, factories.hub_member())[0]


class TestTheAffirmation:
    @pytest.mark.obligation("O-124", "O-59")
    @pytest.mark.parametrize("way", ["browser", "tus", "ticket", "machine"])
    def test_nothing_is_taken_before_it_by_any_way(self, way):
        match, contact = factories_suppliers.collecting()
        slot = factories_suppliers.listed(match).slot
        name, now = files.name_for(slot), START
        send = {
            "browser": lambda: reception.Reception(slot, by=contact, name=name, at=START).abandon(),
            "tus": lambda: uploads.begin(slot, name=name, length=9, by=contact, at=START, now=now),
            "ticket": lambda: upload_tickets.issue(slot, hours=1, by=contact, at=START, now=now),
            "machine": lambda: uploads.begin(
                slot, name=name, length=9, by=contact, at=START, now=now, is_sealed=True
            ),
        }[way]

        with pytest.raises(Blocked, match="Affirm first that your organisation may share this list"):
            send()

        factories_suppliers.affirmed(match)
        slot.refresh_from_db()
        send()

    @pytest.mark.obligation("O-124")
    def test_person_time_and_text_are_written_down(self):
        match, contact = factories_suppliers.collecting()

        row = factories_suppliers.affirmed(match)

        line = events_of(row).get(event="invitation.affirmed")
        assert (row.affirmed_at, row.text_version, line.actor_id) == (START, affirmation.VERSION, contact.pk)
        assert line.details["text_version"] == affirmation.VERSION
        assert line.details["text"] == hashlib.sha256(row.text.encode()).hexdigest()
        assert "A School District may share the lists" in row.text
        assert "List: Takers of 2020-21, Lindenport" in row.text

    def test_only_who_was_invited_affirms_and_once(self):
        match, contact = factories_suppliers.collecting()
        row = factories_suppliers.invitation(match)
        colleague = factories.person(at=contact.organisation)

        for person in (colleague, matches.steward("SDE"), factories.hub_member()):
            assert blockers(lifecycle.AFFIRM, row, person) == [
                f"Only {contact.name} can affirm it for Lindenport."
            ]
        factories_suppliers.affirmed(match)
        row.refresh_from_db()
        assert "Affirmed" in blockers(lifecycle.AFFIRM, row, contact)[0]

    def test_one_that_says_nothing_is_refused_by_the_database(self):
        match, _ = factories_suppliers.collecting()
        rows = custody.Invitation.objects.filter(project=match.project)
        with pytest.raises(IntegrityError, match="invitation_affirmed_says_what"), transaction.atomic():
            rows.update(status="affirmed")


@pytest.mark.obligation("O-59", "O-124")
class TestWhoSeesAndSends:
    def test_the_contact_sees_their_slot_and_receipt_and_sends_nothing_else(self):
        match, contact = factories_suppliers.collecting()
        file = factories_suppliers.sent(match)

        assert file.status == "accepted"
        assert [slot.pk for slot in selectors.visible_slots(contact)] == [file.slot_id]
        assert [row.pk for row in selectors.visible_files(contact)] == [file.pk]
        assert not selectors.files_with_profile(contact).exists()
        for row in match.expected_files.exclude(slot=file.slot_id):
            assert custody.why_not_send(row.slot, contact, START)

    def test_neither_a_colleague_nor_any_agency_sees_or_sends_it(self):
        match, contact = factories_suppliers.collecting()
        factories_suppliers.affirmed(match)
        slot = factories_suppliers.listed(match).slot

        others = [factories.person(at=contact.organisation), factories.steward(contact.organisation)]
        others += [matches.steward(name) for name in matches.AGENCIES]
        for person in others:
            assert not selectors.visible_slots(person).filter(pk=slot.pk).exists()
            assert custody.why_not_send(slot, person, START)

    def test_it_takes_an_agreement_in_force(self, monkeypatch):
        match, contact = factories_suppliers.collecting()
        factories_suppliers.affirmed(match)
        slot = factories_suppliers.listed(match).slot
        assert not custody.why_not_send(slot, contact, START)

        monkeypatch.setattr("agreements.standing.in_force", lambda *_: None)

        assert "is in force" in custody.why_not_send(slot, contact, START)[0]

    def test_who_is_suspended_or_has_left_sees_nothing(self):
        match, contact = factories_suppliers.collecting()
        factories_suppliers.affirmed(match)
        for field, value in (("standing", "suspended"), ("organisation", factories.organisation())):
            before = getattr(contact, field)
            setattr(contact, field, value)
            contact.save()
            fresh = type(contact).objects.get(pk=contact.pk)
            assert not selectors.visible_slots(fresh).exists()
            assert not selectors.visible_invitations(fresh).exists()
            setattr(contact, field, before)
            contact.save()

    def test_a_machine_sees_it_only_with_the_key_of_who_was_invited(self):
        match, contact = factories_suppliers.collecting()
        slot = factories_suppliers.listed(match).slot
        theirs = SigningKey(organisation=contact.organisation, enrolled_by=contact)
        other = SigningKey(
            organisation=contact.organisation, enrolled_by=factories.steward(contact.organisation)
        )
        assert list(selectors.slots_of_machine(theirs)) == [slot]
        assert not selectors.slots_of_machine(other).exists()

    def test_of_what_came_of_it_the_contact_hears_and_no_steward(self):
        match, contact = factories_suppliers.collecting()
        factories.steward(contact.organisation)
        file = factories_suppliers.sent(match)

        assert told_of("file.accepted") == {contact}
        assert file.sent_by == contact


class TestTheEnd:
    @pytest.mark.obligation("O-124")
    def test_it_is_withdrawn_before_a_file_is_accepted_and_the_agency_is_asked(self):
        match, contact = factories_suppliers.collecting()
        row = factories_suppliers.affirmed(match)
        old = factories_suppliers.listed(match).slot

        with pytest.raises(Blocked, match="Say why"):
            inviting.withdraw(match, row, reason=" ", by=factories.hub_member(), at=START)
        inviting.withdraw(match, row, reason="Not theirs.", by=factories.hub_member(), at=START)

        row.refresh_from_db()
        after = factories_suppliers.listed(match).slot
        assert (row.status, after.supplier.short_name, after.invitation) == ("withdrawn", "SDE", None)
        assert not selectors.visible_slots(contact).exists()
        assert not contact.has_perm("projects.supply_list", match.project)
        assert not deadlines.alive(opening.WINDOW, old)
        assert told_of("invitation.withdrawn") == {contact}
        old.refresh_from_db()
        assert custody.why_not_send(old, contact, START)

    def test_it_is_not_withdrawn_once_a_file_came_in_nor_by_an_agency(self):
        match, _ = factories_suppliers.collecting()
        row = factories_suppliers.affirmed(match)
        with pytest.raises(Blocked, match="Only the hub's staff or the operating group"):
            inviting.withdraw(match, row, reason="No.", by=matches.steward("SDE"), at=START)
        factories_suppliers.sent(match)

        with pytest.raises(Blocked, match="A file came in on it"):
            inviting.withdraw(match, row, reason="Too late.", by=factories.hub_member(), at=START)

    @pytest.mark.obligation("O-124")
    def test_it_lapses_with_its_slot(self):
        match, contact = factories_suppliers.collecting()
        row = factories_suppliers.affirmed(match)

        opening.close_uploads(match, at=START, note="The match has ended.")

        row.refresh_from_db()
        assert row.status == "lapsed"
        assert not contact.has_perm("projects.supply_list", match.project)
        assert told_of("invitation.lapsed") == {contact}

    def test_one_that_was_filled_does_not_lapse(self):
        match, _ = factories_suppliers.collecting()
        factories_suppliers.sent(match)
        opening.close_uploads(match, at=START, note="The match has ended.")
        assert factories_suppliers.invitation(match).status == "affirmed"

    def test_a_list_that_is_to_be_sent_again_is_asked_of_the_contact(self):
        match, contact = factories_suppliers.collecting()
        factories_suppliers.sent(match)
        row = match.expected_files.get(kind="identifier_list")
        reopening.send_again(
            row,
            ground="agency_asks",
            reason="The flag was wrong.",
            asked_in="A letter",
            by=matches.hub_member(match.project),
            at=START,
        )

        assert contact in told_of("match.file_reopened")
        told = {message.person.organisation.short_name for message in Message.objects.all()}
        assert not told & {"CSCU", "DOL"}
        assert factories_suppliers.sent(match, factories_suppliers.content()).status == "accepted"
