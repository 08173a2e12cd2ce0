"""Pages of the agreements desk, through the client."""

import datetime as dt

import pytest
from django.urls import reverse

from agreements import seal, selectors
from agreements.models import Agreement, Certificate, Statement
from p20win import clock
from p20win.accounts.public import Role
from p20win.projects.public import open_to_person
from tests import factories
from tests import factories_agreements as made
from tests import factories_requests as requests
from tests.factories import PASSWORD

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def _seal_key(settings, tmp_path):
    settings.P20WIN_SEAL_KEY, settings.P20WIN_SEAL_CERTIFICATE = tmp_path / "k.pem", tmp_path / "c.pem"
    seal.make_key(settings.P20WIN_SEAL_KEY, settings.P20WIN_SEAL_CERTIFICATE, now=clock.real_now())


def _proof(person, **more):
    return {"typed_name": person.name, "password": PASSWORD} | more


class TestWhoSeesWhat:
    def test_a_stranger_gets_the_same_404_as_for_nothing(self, signed_in):
        agreement = made.out_for_signature()
        client = signed_in(factories.person())

        there = client.get(reverse("agreements:detail", args=[agreement.pk]))
        nothing = client.get(reverse("agreements:detail", args=[agreement.project_id]))

        assert there.status_code == nothing.status_code == 404
        paper = client.get(reverse("agreements:document", args=[agreement.document_id]))
        assert paper.status_code == 404

    def test_without_a_second_factor_nobody_gets_in(self, client):
        client.force_login(factories.person(), backend="allauth.account.auth_backends.AuthenticationBackend")

        assert client.get(reverse("agreements:index")).status_code == 302

    def test_the_list_searches_and_sorts(self, signed_in):
        agreement = made.out_for_signature()
        client = signed_in(factories.operating_group_member())

        found = client.get(reverse("agreements:index"), {"q": agreement.project.number, "sort": "number"})
        lost = client.get(reverse("agreements:index"), {"q": "no such thing"})

        assert agreement.project.number in found.text
        assert "No agreement fits this search" in lost.text

    def test_the_list_asks_the_database_no_more_when_it_grows(self, signed_in, django_assert_max_num_queries):
        for _ in range(3):
            made.out_for_signature()
        client = signed_in(factories.operating_group_member())

        with django_assert_max_num_queries(30):
            client.get(reverse("agreements:index"))


class TestDrawingUpAndSigning:
    def test_from_the_approved_request_to_force(self, signed_in, client):
        request = requests.approved()
        made.emou(*requests.agencies_of(request), factories.hub(), factories.operating_group())
        og = factories.operating_group_member()
        page = signed_in(og).get(reverse("agreements:index"))
        assert f"Draw up the agreement on {request.project.number}" in page.text

        early = signed_in(og).post(
            reverse("agreements:draw-up", args=[request.project_id]), {"ends_on": "2026-06-01"}
        )
        assert "Let the agreement end then or later" in early.text
        signed_in(og).post(
            reverse("agreements:draw-up", args=[request.project_id]), {"ends_on": "2028-12-31"}
        )
        agreement = Agreement.objects.get()
        not_yet = signed_in(og).get(reverse("agreements:detail", args=[agreement.pk]))
        assert "The document is still being made" in not_yet.text
        made.services.make_document(agreement, made.NoJob(), by=og, at=clock.now())

        signed_in(og).post(reverse("agreements:issue", args=[agreement.pk]))
        for party in selectors.waiting_parties(agreement):
            person = made.signatory(party)
            open_to_person(agreement.project, person, ["view_project"])
            page = signed_in(person).get(reverse("agreements:sign", args=[agreement.pk]))
            assert agreement.project.number in page.text
            signed_in(person).post(
                reverse("agreements:sign", args=[agreement.pk]), _proof(person, affirms_authority="on")
            )

        agreement.refresh_from_db()
        assert agreement.status == "in_force"
        paper = client.get(reverse("agreements:document", args=[agreement.document_id]))
        assert paper.content.startswith(b"%PDF")
        assert "attachment" in paper["Content-Disposition"]

    def test_a_wrong_password_is_said_beside_the_form_and_nothing_is_signed(self, signed_in):
        agreement = made.out_for_signature()
        party = selectors.waiting_parties(agreement).first()
        person = made.signatory(party)
        open_to_person(agreement.project, person, ["view_project"])

        page = signed_in(person).post(
            reverse("agreements:sign", args=[agreement.pk]),
            _proof(person, affirms_authority="on", password="wrong"),
        )

        assert "The password is not right" in page.text
        party.refresh_from_db()
        assert party.signature is None

    def test_who_may_not_sign_has_no_such_page(self, signed_in):
        agreement = made.out_for_signature()
        client = signed_in(factories.operating_group_member())

        assert client.get(reverse("agreements:sign", args=[agreement.pk])).status_code == 404


class TestStatements:
    @pytest.mark.obligation("O-06")
    def test_a_person_signs_for_a_project_they_see(self, signed_in):
        agreement = made.in_force()
        person = factories.person(Role.HUB_STAFF, at=factories.hub())
        open_to_person(agreement.project, person, ["view_project"])
        client = signed_in(person)
        address = reverse("agreements:sign-confidentiality", args=[agreement.project_id])
        assert agreement.project.number in client.get(address).text

        client.post(address, _proof(person))

        assert Statement.objects.get(person=person).project == agreement.project
        assert "holds until" in client.get(reverse("agreements:statements")).text

    def test_the_acknowledgement(self, signed_in):
        person = factories.steward(factories.organisation())
        client = signed_in(person)
        assert "You have not signed it" in client.get(reverse("agreements:statements")).text

        client.post(reverse("agreements:sign-acknowledgement"), _proof(person))

        assert "You signed it on" in client.get(reverse("agreements:statements")).text


class TestCertificate:
    def test_the_recipient_files_it_and_others_have_no_such_page(self, signed_in):
        agreement = made.in_force()
        by = factories.person(at=agreement.parties.get(capacity="recipient").organisation)
        open_to_person(agreement.project, by, ["view_project"])
        address = reverse("agreements:certificate", args=[agreement.project_id])
        data = _proof(by, kind="destruction", method="Shredded", happened_on=str(dt.date(2026, 1, 5)))

        assert signed_in(factories.operating_group_member()).get(address).status_code == 404
        assert signed_in(by).get(address).status_code == 200
        signed_in(by).post(address, data)

        assert Certificate.objects.get().filed_by == by


def test_the_methods_page(signed_in):
    client = signed_in(factories.person())
    assert "No method is approved" in client.get(reverse("agreements:methods")).text
    made.method()
    assert "Method hybrid, version 1" in client.get(reverse("agreements:methods")).text
