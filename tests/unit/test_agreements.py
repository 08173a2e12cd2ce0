"""An agreement from the approved request to its end, and the papers around it."""

import datetime as dt
import io
import threading

import pytest
from django.db import connection
from pypdf import PdfReader

from agreements import certificates, checks, seal, selectors, services, statements
from agreements.models import Agreement, EmouSignature, Statement, StatementKind
from p20win import access, clock
from p20win.accounts.public import Role, operating_group, system_user
from p20win.audit.public import Event, events_of
from p20win.jobs.public import Job
from p20win.projects.public import open_to_person, suppliers
from p20win.refusal import Blocked
from requests_app.vocabulary import Outcome
from tests import factories
from tests import factories_agreements as made
from tests import factories_requests as requests
from tests.factories import PASSWORD, START

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def _seal_key(settings, tmp_path):
    settings.P20WIN_SEAL_KEY, settings.P20WIN_SEAL_CERTIFICATE = tmp_path / "k.pem", tmp_path / "c.pem"
    seal.make_key(settings.P20WIN_SEAL_KEY, settings.P20WIN_SEAL_CERTIFICATE, now=clock.real_now())


class TestDrawingUp:
    @pytest.mark.obligation("O-52", "O-138")
    def test_takes_parties_elements_people_and_dates_from_the_request(self):
        request = requests.approved()

        agreement = made.drawn_up(request)

        parties = {(p.organisation, p.capacity) for p in agreement.parties.all()}
        assert parties == {
            *((agency, "agency") for agency in suppliers(request.project)),
            (factories.hub(), "hub"),
            (request.recipient, "recipient"),
        }
        assert agreement.terms["number"] == request.project.number
        assert agreement.destruction_date == request.destruction_date
        text = "".join(
            page.extract_text() for page in PdfReader(io.BytesIO(agreement.document.content)).pages
        )
        assert request.project.number in text
        assert "matching only" in text
        assert request.requestor.name in text

    def test_needs_an_approved_request(self):
        request = requests.with_agencies()

        with pytest.raises(Blocked, match="not approved"):
            services.draw_up(
                request.project, ends_on=made.ENDS_ON, by=factories.operating_group_member(), at=START
            )

    @pytest.mark.obligation("O-166")
    def test_cannot_end_before_the_data_is_destroyed(self):
        request = requests.approved()

        with pytest.raises(Blocked, match="Let the agreement end then or later"):
            services.draw_up(
                request.project,
                ends_on=request.destruction_date - dt.timedelta(days=1),
                by=factories.operating_group_member(),
                at=START,
            )

    def test_only_the_operating_group_draws_up(self):
        request = requests.approved()

        with pytest.raises(Blocked, match="Only the operating group"):
            services.draw_up(request.project, ends_on=made.ENDS_ON, by=request.requestor, at=START)

    @pytest.mark.obligation("O-54")
    def test_a_new_version_voids_the_round_and_its_signatures_count_no_more(self):
        agreement = made.out_for_signature()
        made.sign(agreement, selectors.waiting_parties(agreement).first())

        again = services.draw_up(
            agreement.project, ends_on=made.ENDS_ON, by=factories.operating_group_member(), at=START
        )

        agreement.refresh_from_db()
        assert (agreement.status, again.version) == ("void", 2)
        assert selectors.waiting_parties(again).count() == again.parties.count()


class TestIssuing:
    @pytest.mark.obligation("O-39")
    def test_waits_for_the_memorandum_of_every_party(self):
        agreement = made.drawn_up()
        EmouSignature.objects.filter(organisation=operating_group()).delete()

        with pytest.raises(Blocked, match="memorandum is not in force for OG"):
            services.issue(agreement, by=factories.operating_group_member(), at=START)

    @pytest.mark.obligation("O-137")
    def test_waits_for_what_the_law_wants_in_it(self):
        agreement = made.drawn_up()
        agreement.terms = agreement.terms | {"safeguards": "", "legal_basis": ""}

        why = checks.says_what_law_requires(agreement, factories.operating_group_member())

        assert why == "The request does not state the legal basis, the safeguards."

    def test_gives_each_party_a_deadline(self):
        from p20win.deadlines.public import open_of_project

        agreement = made.out_for_signature()

        waiting = open_of_project(agreement.project).filter(slug="signature")
        assert {d.waiting_on_organisation for d in waiting} == {
            p.organisation for p in agreement.parties.all()
        }


class TestSigning:
    @pytest.mark.obligation("O-53")
    def test_the_last_signature_puts_it_in_force(self):
        agreement = made.out_for_signature()
        *first, last = selectors.waiting_parties(agreement)
        for party in first:
            agreement = made.sign(agreement, party)
        assert agreement.status == "signing"

        agreement = made.sign(agreement, last, at=START + dt.timedelta(days=3))

        assert (agreement.status, agreement.effective_at) == ("in_force", START + dt.timedelta(days=3))
        assert selectors.in_force(agreement.project, START + dt.timedelta(days=4)) == agreement
        assert Job.objects.filter(name="agreements.execute").count() == 1

    def test_a_stranger_and_a_second_signature_are_refused(self):
        agreement = made.out_for_signature()
        party = selectors.waiting_parties(agreement).first()
        made.sign(agreement, party)

        with pytest.raises(Blocked, match="Only an authorised signatory"):
            made.sign(agreement, party, by=factories.person(Role.REQUESTOR))
        with pytest.raises(Blocked, match="Your organisation has signed"):
            made.sign(agreement, party)

    @pytest.mark.obligation("O-139")
    def test_needs_the_affirmation_of_authority(self):
        agreement = made.out_for_signature()

        with pytest.raises(Blocked, match="authority to bind"):
            made.sign(agreement, selectors.waiting_parties(agreement).first(), affirms_authority=False)

    def test_the_executed_copy_carries_the_signed_bytes_and_the_records(self):
        agreement = made.in_force()

        agreement = services.execute(agreement, made.NoJob(), by=system_user(), at=START)

        reader = PdfReader(io.BytesIO(agreement.executed.content))
        assert reader.attachments[agreement.document.name] == [bytes(agreement.document.content)]
        assert agreement.document.digest.encode() in reader.attachments["signatures.json"][0]
        assert (
            services.execute(agreement, made.NoJob(), by=system_user(), at=START).executed
            == agreement.executed
        )

    def test_a_document_that_was_changed_is_not_handed_out(self):
        agreement = made.in_force()
        agreement.document.content = bytes(agreement.document.content) + b"x"

        with pytest.raises(RuntimeError, match="not what was kept"):
            services.document_bytes(agreement.document)


@pytest.mark.django_db(transaction=True)
def test_two_signatories_of_one_party_at_once_one_signature():
    agreement = made.out_for_signature()
    party = selectors.waiting_parties(agreement).first()
    people = [made.signatory(party), made.signatory(party)]
    barrier, outcomes = threading.Barrier(2), []

    def press(person):
        barrier.wait()
        try:
            made.sign(Agreement.objects.get(pk=agreement.pk), party, by=person)
            outcomes.append("signed")
        except Blocked:
            outcomes.append("blocked")
        finally:
            connection.close()

    threads = [threading.Thread(target=press, args=[person]) for person in people]
    [t.start() for t in threads]
    [t.join() for t in threads]

    assert sorted(outcomes) == ["blocked", "signed"]
    assert Event.objects.filter(event="agreement.signed", project_id=agreement.project_id).count() == 1


class TestStatements:
    @pytest.mark.obligation("O-06")
    @pytest.mark.parametrize(
        ("signed", "lapse"),
        [
            (dt.datetime(2026, 1, 5, 15, tzinfo=dt.UTC), dt.datetime(2027, 1, 5, 15, tzinfo=dt.UTC)),
            (dt.datetime(2028, 2, 29, 15, tzinfo=dt.UTC), dt.datetime(2029, 2, 28, 15, tzinfo=dt.UTC)),
        ],
    )
    def test_holds_a_year_to_the_moment(self, signed, lapse):
        agreement, person = made.in_force(), factories.person()

        made.confidential(person, agreement.project, at=signed)

        second = dt.timedelta(seconds=1)
        assert selectors.confidentiality_current(person, agreement.project, lapse - second)
        assert not selectors.confidentiality_current(person, agreement.project, lapse)

    def test_is_for_one_project(self):
        one, two = made.in_force(), made.in_force()
        person = factories.person()

        made.confidential(person, one.project)

        assert not selectors.confidentiality_current(person, two.project, START)

    def test_is_signed_once_and_anew_when_it_nears_its_lapse(self):
        agreement, person = made.in_force(), factories.person()
        first = made.confidential(person, agreement.project)

        with pytest.raises(Blocked, match="still holds"):
            made.confidential(person, agreement.project, at=START + dt.timedelta(days=30))
        again = made.confidential(person, agreement.project, at=first.lapses_at - dt.timedelta(days=20))

        assert again.lapses_at > first.lapses_at
        assert Statement.objects.filter(person=person, kind=StatementKind.CONFIDENTIALITY).count() == 2


class TestAccess:
    @pytest.mark.obligation("O-59", "O-141")
    def test_data_moves_only_while_the_agreement_is_in_force(self):
        agreement = made.in_force()
        steward = factories.steward(suppliers(agreement.project)[0])
        made.acknowledged(steward)
        open_to_person(agreement.project, steward, ["send_files"])
        ask = (steward, "upload", agreement.project, "matching")
        last_moment = dt.datetime(2029, 1, 1, 4, 59, 59, tzinfo=dt.UTC)  # 23:59:59 in Connecticut

        assert access.why_not(*ask, START) == []
        assert access.why_not(*ask, last_moment) == []
        assert "is in force" in access.why_not(*ask, last_moment + dt.timedelta(seconds=1))[0]
        services.end(agreement, by=factories.operating_group_member(), at=START)
        assert "is in force" in access.why_not(*ask, START)[0]

    @pytest.mark.obligation("O-07")
    def test_agency_people_acknowledge_first(self):
        agreement = made.in_force()
        steward = factories.steward(suppliers(agreement.project)[0])
        open_to_person(agreement.project, steward, ["send_files"])

        [why] = access.why_not(steward, "upload", agreement.project, "matching", START)

        assert "Exhibit B" in why

    @pytest.mark.obligation("O-06", "O-10")
    def test_hub_staff_sign_exhibit_c_for_the_very_project(self):
        agreement, other = made.in_force(), made.in_force()
        person = factories.hub_member()
        for project in (agreement.project, other.project):
            open_to_person(project, person, ["run_match"])
        made.confidential(person, other.project)

        assert "Exhibit C" in access.why_not(person, "match", agreement.project, "matching", START)[0]
        assert access.why_not(person, "match", other.project, "matching", START) == []


class TestMemorandumAndMethods:
    def test_one_signature_at_a_time(self):
        agency = factories.organisation()
        made.emou(agency)

        with pytest.raises(Blocked, match="in force for"):
            statements.record_emou(
                agency,
                starts_on=made.EMOU[0],
                ends_on=made.EMOU[1],
                by=factories.operating_group_member(),
                at=START,
            )

    @pytest.mark.obligation("O-48")
    def test_a_method_is_approved_once_a_version(self):
        method = made.method()

        with pytest.raises(Blocked, match="new version"):
            made.method()
        assert list(selectors.approved_methods(START)) == [method]


class TestCertificates:
    def _file(self, agreement, by, **changes):
        arguments = {
            "kind": "destruction",
            "method": "Cryptographic erase",
            "happened_on": START.date(),
            "typed_name": by.name,
            "password": PASSWORD,
            "at": START,
        }
        return certificates.file_certificate(agreement.project, by=by, **(arguments | changes))

    @pytest.mark.obligation("O-85")
    def test_the_recipient_files_one_and_its_paper_is_sealed(self):
        agreement = made.in_force()
        by = factories.person(at=agreement.parties.get(capacity="recipient").organisation)

        certificate = self._file(agreement, by)
        certificate = certificates.make_certificate(certificate, made.NoJob(), by=system_user(), at=START)

        text = PdfReader(io.BytesIO(certificate.document.content)).pages[0].extract_text()
        assert agreement.project.number in text
        assert "Cryptographic erase" in text
        assert [e.event for e in events_of(certificate)] == ["certificate.filed", "certificate.made"]
        with pytest.raises(Blocked, match="has been filed"):
            self._file(agreement, by)

    def test_nobody_else_files_it_nor_for_a_day_to_come(self):
        agreement = made.in_force()
        by = factories.person(at=agreement.parties.get(capacity="recipient").organisation)

        with pytest.raises(Blocked, match="Only people of the data recipient"):
            self._file(agreement, factories.person())
        with pytest.raises(Blocked, match="yet to come"):
            self._file(agreement, by, happened_on=START.date() + dt.timedelta(days=1))

    def test_the_hub_certifies_its_inputs(self):
        agreement = made.in_force()
        file = {"file": "f1", "class": "matching", "bytes": 10, "root": "ab", "proof": "key gone"}
        files = [file | {"organisation": "sde"}]

        certificate = certificates.issue_hub_certificate(
            agreement.project,
            method="Cryptographic erase",
            facts={"files": files},
            by=system_user(),
            at=START,
        )
        certificate = certificates.make_certificate(certificate, made.NoJob(), by=system_user(), at=START)

        text = PdfReader(io.BytesIO(certificate.document.content)).pages[0].extract_text()
        assert all(word in text for word in ("f1", "SDE", "matching", "10", "No: key gone"))


def test_one_refusal_leaves_nothing_to_draw_up():
    request = requests.with_agencies()
    agency = requests.agencies_of(request)[0]
    requests.decide(request, agency, Outcome.DISAPPROVAL)

    with pytest.raises(Blocked, match="not approved"):
        made.drawn_up(request)
