"""Who holds a link of its own gets no key before its word that it is gone: by the pages (O-108)."""

import io
import zipfile

import pytest
from django.urls import reverse

from matching import standing
from matching.models import Download, LinkAttestation
from matching.services import attesting, fetching
from p20win import access
from p20win.accounts.public import Role
from p20win.audit.public import events_of
from p20win.custody import capabilities
from p20win.custody.models import Capability
from p20win.notifications.public import Message, tell
from p20win.projects.public import recipient
from p20win.refusal import Blocked
from requests_app.public import approved_request
from requests_app.vocabulary import Scope, Side
from tests import factories
from tests import factories_agreements as agreements
from tests import factories_matching as matches
from tests import factories_requests as requests
from tests.factories import PASSWORD, START

pytestmark = [
    pytest.mark.django_db,
    pytest.mark.usefixtures("vault", "at_start", "relayed"),
    pytest.mark.obligation("O-108"),
]
FIRST = "First your organisation attests that its own link from real to synthetic ids is destroyed."


@pytest.fixture
def relayed(monkeypatch):
    """The vault without its socket: it uses the capability up, asks every condition anew, and counts."""

    def relay(token):
        granted = capabilities.use_up(token)
        capabilities.expect_there(granted, access.session_now.get())
        content = b"".join(capabilities.opened_bytes(granted))
        capabilities.end(granted, sent=len(content))
        return (piece for piece in [content])

    monkeypatch.setattr("p20win.custody.public.relay", relay)


def who_asks_at(organisation):
    """Return someone who may ask, of an organisation that supplies data or is the hub."""
    return factories.person(Role.REQUESTOR, at=organisation, is_state_employee=True)


def page(client, name, *, of, **form):
    address = reverse(f"matching:{name}", args=[of.pk])
    return client.post(address, form, follow=True) if form else client.get(address)


def signs(person):
    return {"typed_name": person.name, "password": PASSWORD}


def gets_nothing(client, delivery, person, *, why=FIRST):
    """By no way does this person come to the key, and the pages say why."""
    assert why in page(client, "download", of=delivery).text
    refused = page(client, "download", of=delivery, rule_0="on", rule_1="on")
    assert why in refused.text
    assert not refused.streaming
    with pytest.raises(Blocked, match="First "):
        fetching.begin(delivery, by=person, acknowledges=True, at=START)
    forged = Download.objects.create(  # as who has the tables could write it
        delivery=delivery, person=person, acknowledged="x", at=START,
        expires_at=START + matches.a_day(1), size=delivery.extract.plain_bytes,
    )  # fmt: skip
    for answer in (
        client.get(reverse("matching:download-file", args=[forged.pk])),
        client.head(reverse("matching:download-file", args=[forged.pk])),
    ):
        assert answer.status_code == 409
    with pytest.raises(Blocked, match="First "):
        fetching.ticket(forged, by=person, at=START)
    assert not Capability.objects.filter(act=fetching.OPENING).exists()
    forged.delete()


def gets_the_key(client, delivery, **rules):
    """Begin a download on its page and fetch it; return the files in it."""
    answer = client.post(reverse("matching:download", args=[delivery.pk]), rules)
    assert answer.status_code == 302, answer.text
    whole = client.get(answer.url)
    assert whole.status_code == 200
    with zipfile.ZipFile(io.BytesIO(b"".join(whole.streaming_content))) as archive:
        return set(archive.namelist())


def told_of(row):
    tell(events_of(row).last())
    return {message.person for message in Message.objects.filter(subject__contains="attested")}


class TestARecipientThatSuppliesItself:
    @pytest.fixture
    def person(self):
        return who_asks_at(matches.agency("SDE"))

    def test_attests_after_sign_off_and_then_gets_the_key(self, person, signed_in):
        match = matches.linked(by=person)
        matches.described(match)
        assert recipient(match.project) == person.organisation
        client = signed_in(person)
        agreements.confidential(person, match.project)
        early = page(client, "attest", of=match)
        assert "The link may still be needed" in early.text
        page(client, "attest", of=match, **signs(person))
        assert not LinkAttestation.objects.exists()
        for row in standing.signoffs(standing.latest_result(match)):
            assert not page(client, "attest", of=match, **signs(person)).redirect_chain
            match = matches.agree(match, row)
        delivery, steward = matches.delivered(match), matches.steward("DOL")

        assert "Attest that your link is destroyed" in page(client, "delivery", of=delivery).text
        gets_nothing(client, delivery, person)
        page(client, "attest", of=match, typed_name="Somebody Else", password=PASSWORD)
        page(client, "attest", of=match, typed_name=person.name, password="wrong")
        assert not LinkAttestation.objects.exists()
        gets_nothing(client, delivery, person)

        said = page(client, "attest", of=match, **signs(person))

        assert "The agencies have been told" in said.text
        row = LinkAttestation.objects.get()
        assert row.organisation == person.organisation
        assert "sent for" in row.signature.intent
        assert steward in told_of(row)
        assert "Attest that your link is destroyed" not in page(client, "delivery", of=delivery).text
        assert "There is something to correct" in page(client, "download", of=delivery, rule_0="on").text
        assert "sde.csv" in gets_the_key(client, delivery, rule_0="on", rule_1="on")
        assert fetching.OWN_LINK_RULE in Download.objects.get().acknowledged

    def test_a_person_without_a_clearance_can_neither_attest_nor_download(self, person, signed_in):
        delivery = matches.delivered(by=person)
        colleague = factories.person(at=person.organisation, is_state_employee=True)
        entry = requests.named(approved_request(delivery.project), user=colleague, side=Side.RECIPIENT)
        client = signed_in(colleague)
        with pytest.raises(Blocked):
            attesting.attest(delivery.match, by=colleague, at=START, **signs(colleague))
        requests.approve_person(entry)
        colleague = type(colleague).objects.get(pk=colleague.pk)
        with pytest.raises(Blocked, match="Exhibit C"):
            attesting.attest(delivery.match, by=colleague, at=START, **signs(colleague))
        agreements.confidential(colleague, delivery.project)
        gets_nothing(client, delivery, colleague)

        page(client, "attest", of=delivery.match, **signs(colleague))

        assert "sde.csv" in gets_the_key(client, delivery, rule_0="on", rule_1="on")

    def test_nor_does_somebody_of_another_house_get_it_for_them(self, person, signed_in):
        delivery = matches.delivered(by=person)
        contractor = factories.person(is_state_employee=True)
        entry = requests.named(approved_request(delivery.project), user=contractor, side=Side.RECIPIENT)
        requests.approve_person(entry)
        agreements.confidential(contractor, delivery.project)
        client = signed_in(contractor)
        assert page(client, "attest", of=delivery.match).status_code == 404
        gets_nothing(client, delivery, contractor, why="First SDE attests that its own link")

        agreements.confidential(person, delivery.project)
        attesting.attest(delivery.match, by=person, at=START, **signs(person))

        assert "sde.csv" in gets_the_key(client, delivery, rule_0="on")


def test_an_agencys_own_researcher_attests_for_the_agency(signed_in):
    delivery = matches.delivered()
    researcher = factories.person(at=matches.agency("DOL"), is_state_employee=True)
    entry = requests.named(
        approved_request(delivery.project),
        user=researcher,
        side=Side.AGENCY,
        scope=Scope.OWN_DATA,
        justification="Links its own data.",
    )
    requests.approve_person(entry)
    agreements.confidential(researcher, delivery.project)
    client = signed_in(researcher)
    gets_nothing(client, delivery, researcher)
    assert "sde.csv" in gets_the_key(signed_in(matches.downloader(delivery)), delivery, rule_0="on")

    client = signed_in(researcher)
    page(client, "attest", of=delivery.match, **signs(researcher))

    assert "sde.csv" in gets_the_key(client, delivery, rule_0="on", rule_1="on")
    assert LinkAttestation.objects.get().organisation == matches.agency("DOL")


def test_who_does_not_get_the_key_is_not_asked_to_attest(signed_in):
    delivery = matches.delivered()
    for person in (matches.steward("SDE"), factories.hub_member(), factories.operating_group_member()):
        shown = page(signed_in(person), "delivery", of=delivery)
        assert shown.status_code == 200
        assert "Attest that your link is destroyed" not in shown.text


class TestTheHubAsAnalyst:
    def test_gives_its_word_to_the_agencies_before_it_has_the_key(self, signed_in):
        analyst = who_asks_at(factories.hub())
        stewards = {matches.steward(name) for name in matches.AGENCIES}
        delivery = matches.delivered(by=analyst)
        match = delivery.match
        assert recipient(match.project).is_hub
        agreements.confidential(analyst, match.project)
        client = signed_in(analyst)
        gets_nothing(client, delivery, analyst)

        asked = page(client, "attest", of=match).text
        assert "gives this word to the participating agencies" in asked
        page(client, "attest", of=match, **signs(analyst))

        row = LinkAttestation.objects.get()
        assert row.signature.capacity == "data integration hub"
        assert stewards <= told_of(row)
        for steward in stewards:
            shown = page(signed_in(steward), "detail", of=match).text
            assert "HUB attested" in shown
            assert analyst.name in shown
        assert "sde.csv" in gets_the_key(signed_in(analyst), delivery, rule_0="on", rule_1="on")

    def test_also_when_another_organisation_receives_and_the_hub_analyses_for_it(self, signed_in):
        delivery = matches.delivered()
        analyst = factories.person(Role.HUB_STAFF, at=factories.hub(), is_state_employee=True)
        entry = requests.named(approved_request(delivery.project), user=analyst, side=Side.RECIPIENT)
        requests.approve_person(entry)
        agreements.confidential(analyst, delivery.project)
        client = signed_in(analyst)
        gets_nothing(client, delivery, analyst)

        page(client, "attest", of=delivery.match, **signs(analyst))

        assert LinkAttestation.objects.get().organisation.is_hub
        assert "sde.csv" in gets_the_key(client, delivery, rule_0="on", rule_1="on")
