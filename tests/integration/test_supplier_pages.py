"""The pages of an invited supplier, and those on which hub and operating group settle who sends a list."""

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.urls import reverse

from governance import selectors as whereabouts
from matching import standing
from p20win.custody import public as custody
from tests import factories, factories_suppliers
from tests import factories_custody as files
from tests import factories_matching as matches

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("vault", "at_start")]


def slot_page(row):
    return reverse("custody:slot", args=[row.slot_id])


def upload(client, row, content=None):
    file = SimpleUploadedFile(
        files.name_for(row.slot), content or factories_suppliers.content(), "text/plain"
    )
    return client.post(reverse("custody:upload", args=[row.slot_id]), {"file": file}, follow=True)


@pytest.mark.obligation("O-124", "O-59")
def test_the_contact_finds_it_at_home_affirms_sends_and_has_a_receipt(signed_in):
    match, contact = factories_suppliers.collecting()
    row, invitation = factories_suppliers.listed(match), factories_suppliers.invitation(match)
    client = signed_in(contact)

    home = client.get("/").text
    assert f'href="{slot_page(row)}"' in home
    assert "List: Takers of 2020-21, Lindenport" in home
    assert match.project.title not in home
    assert "affirm first that Lindenport may share this list" in client.get(slot_page(row)).text
    assert "Affirm first that your organisation may share this list" in upload(client, row).text
    assert not row.slot.files.exists()

    address = reverse("custody:invitation", args=[invitation.pk])
    assert address in client.get(reverse("custody:slots")).text
    assert "Tick it if all of it is so" in client.post(address, {}).text
    assert "Taken down" in client.post(address, {"affirms": "on"}, follow=True).text
    assert "What was affirmed" in client.get(address).text

    assert "is being checked" in upload(client, row).text
    file = files.checked(row.slot.files.get())
    files.run_job("matching.file_accepted", file_id=file.pk)
    shown = client.get(slot_page(row)).text
    assert "The file was accepted and is sealed" in shown
    assert reverse("custody:profile", args=[file.pk]) not in shown
    assert (
        client.get(reverse("custody:receipt", args=[file.pk])).json()["document"]["source"]
        == "A School District"
    )
    assert not whereabouts.waiting_for(contact)


@pytest.mark.obligation("O-124")
def test_its_agency_is_told_that_it_came_and_the_other_parties_nothing(signed_in):
    match, _ = factories_suppliers.collecting()
    row = factories_suppliers.listed(match)
    file = factories_suppliers.sent(match)
    title, page = row.slot.title, match.get_absolute_url()

    owner = signed_in(matches.steward("SDE")).get(page).text
    assert title in owner
    assert "Its supplier was invited and sends it." in owner
    assert slot_page(row) not in owner
    for name in ("CSCU", "DOL"):
        client = signed_in(matches.steward(name))
        assert title not in client.get(page).text
        told = client.get(reverse("project", args=[match.project_id]) + "?all").text
        assert "The supplier of a list was invited" not in told
        assert "Lindenport" not in told
    for person in (matches.steward("SDE"), matches.steward("DOL")):
        client = signed_in(person)
        for name, pk in (("slot", row.slot_id), ("receipt", file.pk), ("profile", file.pk)):
            assert client.get(reverse(f"custody:{name}", args=[pk])).status_code == 404
    hub = signed_in(factories.hub_member())
    assert slot_page(row) in hub.get(page).text
    assert "Lindenport" in hub.get(slot_page(row)).text


@pytest.mark.obligation("O-124")
def test_the_hub_invites_and_withdraws_on_the_pages(signed_in):
    match = matches.collecting(with_list=True)
    contact = factories.person(at=factories_suppliers.district())
    row = factories_suppliers.listed(match)
    client = signed_in(factories.operating_group_member())
    page = match.get_absolute_url()
    assert "The portal does not know whom to ask at its supplier: SDE sends it." in client.get(page).text
    address = reverse("matching:invite", args=[match.pk])
    assert "Lindenport: Person Number" in client.get(address).text
    assert "SDE:" not in client.get(address).text

    answer = client.post(address, {"lists": [row.pk], "contact": contact.pk}, follow=True).text

    assert "Invited. The supplier is told." in answer
    assert "Invite the supplier of a list" not in answer
    invitation = factories_suppliers.invitation(match)
    address = reverse("matching:invitation-withdraw", args=[match.pk, invitation.pk])
    assert address in answer
    assert "Once a file is accepted" in client.get(address).text
    answer = client.post(address, {"reason": "It was the wrong school."}, follow=True).text
    assert "The invitation is withdrawn." in answer
    assert custody.invitations(match.project).get().status == "withdrawn"
    rest = answer.partition("Suppliers of lists")[2]
    for said in ("Lindenport", "Withdrawn", "It was the wrong school.", "Invite the supplier of a list"):
        assert said in rest  # it stays to be seen that they were asked, and why not any more
    assert reverse("matching:invitation-withdraw", args=[match.pk, invitation.pk]) not in rest
    assert not standing.invited(match).exists()  # their rule of destruction is none of this match's
    assert signed_in(contact).get(reverse("custody:invitation", args=[invitation.pk])).status_code == 404
    steward = signed_in(matches.steward("SDE"))
    for path in (address, reverse("matching:invite", args=[match.pk])):
        assert steward.get(path).status_code == 404


def test_of_a_withdrawn_or_lapsed_one_the_page_says_so_to_those_who_see_it(signed_in):
    match, contact = factories_suppliers.collecting()
    row = factories_suppliers.invitation(match)
    address = reverse("custody:invitation", args=[row.pk])
    hub = signed_in(factories.hub_member())
    assert "Only" in hub.get(address).text  # it is not the hub's to affirm
    assert hub.post(address, {"affirms": "on"}).status_code == 302
    row.refresh_from_db()
    assert row.status == "sent"

    custody.close_slot(factories_suppliers.listed(match).slot, by=factories.hub_member(), at=factories.START)

    assert "no list came in" in signed_in(contact).get(address).text
