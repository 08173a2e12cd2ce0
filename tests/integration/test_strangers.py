"""C01: whatever belongs to a project one has no part in does not exist, at any address and by any method.

Every address with an id is asked for, as every role of an organisation that takes no part, once with the id
of something real and once with an id that was never given: the two answers must be the same.
"""

import datetime as dt
import re

import pytest
from django.test import Client
from django.urls import URLPattern, get_resolver, reverse

from agreements.models import Document
from matching.models import Reading
from matching.services import asking
from p20win import clock
from p20win.accounts.public import Role, enrol_key
from p20win.audit.public import timeline
from p20win.custody import upload_tickets, uploads
from p20win.custody.public import Invitation, UploadSlot, affirm, ask_hold, invite, open_slot
from p20win.deadlines.models import Deadline
from p20win.jobs.public import Job
from p20win.notifications.models import Message
from requests_app.public import approved_request
from tests import factories
from tests import factories_custody as custody
from tests import factories_disclosure as disclosure
from tests import factories_matching as matching

pytestmark = pytest.mark.django_db
NEVER_GIVEN = "018f0000-0000-7000-8000-00000000dead"
# What a machine or a program with a ticket asks carries no session; a feed's secret and the demo's people
# are no project's.
ELSEWHERE = re.compile(
    r"^(custody|ledger):machine-|^custody:ticket-upload$|-by-program$|^deadlines:feed$|^demo-sign-in$"
)
CHANGES_WITH_EVERY_ANSWER = re.compile(
    r'name="csrfmiddlewaretoken" value="[^"]+"|X-CSRFToken[^}]*}|' + NEVER_GIVEN
)
ROLES = {
    "a requestor of another organisation": Role.REQUESTOR,
    "a data steward of another agency": Role.DATA_STEWARD,
    "a signatory of another agency": Role.SIGNATORY,
    "a board member of another agency": Role.BOARD_MEMBER,
    "a person without any role": None,
}


def addresses():
    """Give the name of every address with an id, and which parts it needs."""

    def walk(resolver, before=""):
        for entry in resolver.url_patterns:
            if isinstance(entry, URLPattern):
                if entry.pattern.converters and entry.name:
                    yield before + entry.name, tuple(entry.pattern.converters)
            else:
                yield from walk(entry, f"{entry.namespace}:" if entry.namespace else before)

    return sorted(
        {(name, parts) for name, parts in walk(get_resolver()) if not ELSEWHERE.search(name)}
        - {(name, parts) for name, parts in walk(get_resolver()) if name.startswith(("account", "mfa"))}
    )


@pytest.fixture
def there(settings, tmp_path):
    """Return the ids of one thing of every kind, all of one project."""
    with custody.own_vault(settings, tmp_path):
        output = disclosure.sent()
        request = approved_request(output.project)
        slot = custody.a_slot(project=output.project)
        waiting = custody.a_slot(slot.supplier, project=output.project)
        file = custody.checked(custody.arrived(slot))
        sender = factories.steward(slot.supplier)
        upload = uploads.begin(
            waiting, name=custody.name_for(waiting), length=9, by=sender, at=clock.now(), now=clock.real_now()
        )
        key = enrol_key(slot.supplier, public_key=b"k" * 32, label="a machine", by=sender, at=factories.START)
        delivery = matching.delivered()
        match = delivery.match
        download, _ = matching.fetched(delivery)
        question = asking.ask(
            delivery, topic="accuracy", text="Few wages.", by=download.person, at=factories.START
        )
        ticket, _ = upload_tickets.issue(waiting, hours=1, by=sender, at=clock.now(), now=clock.real_now())
        hold = ask_hold(
            output.project,
            authority="A court",
            reason="A dispute.",
            until=clock.state_date(clock.now()),
            by=factories.hub_member(),
            at=clock.now(),
        )
        person = request.people.filter(approvals__isnull=False).first()
        contact = factories.person(at=factories.organisation(is_agency=False), email="contact@example.org")
        invitation = invite(output.project, contact, by=factories.hub_member(), at=clock.now())
        yield {
            "invitation": invitation.pk,
            "project": output.project.pk,
            "request": request.pk,
            "agreement": output.project.agreements.get().pk,
            "document": Document.objects.filter(project=output.project).first().pk,
            "output": output.pk,
            **disclosure.beside(output),
            "slot": waiting.pk,
            "file": file.pk,
            "upload": upload.pk,
            "key": key.pk,
            "person": person.pk,
            "approval": person.approvals.first().pk,
            "element": request.elements.first().pk,
            "match": match.pk,
            "run": match.runs.first().pk,
            "version": match.specs.first().pk,
            "sample": match.runs.first().sample.pk,
            "reading": Reading.objects.create(
                sample=match.runs.first().sample,
                pair=0,
                reader=factories.hub_member(),
                verdict="link",
                at=factories.START,
            ).pk,
            "delivery": delivery.pk,
            "download": download.pk,
            "question": question.pk,
            "ticket": ticket.pk,
            "hold": hold.pk,
            "line": timeline(output.project).last().pk,
            "deadline": Deadline.objects.filter(project=output.project).first().pk,
            "job": Job.objects.filter(project_id=output.project.pk).first().pk,
            "message": Message.objects.create(
                person=sender,
                event_seq=1,
                event="file.accepted",
                subject="A file",
                text="It came.",
                at=clock.now(),
            ).pk,
        }


# What the id of an address is of; the first that fits.
KINDS = (
    ("jobs:", "job"),
    ("deadlines:detail", "deadline"),
    ("notifications:", "message"),
    ("custody:receipt", "file"),
    ("custody:invitation", "invitation"),
    ("custody:agency-key", "key"),
    ("custody:hold-ask-lift", "hold"),
    ("custody:hold-ask", "project"),
    ("custody:hold", "hold"),
    ("custody:profile", "file"),
    ("custody:", "slot"),
    ("requests_app:", "request"),
    ("agreements:document", "document"),
    ("agreements:", "agreement"),
    ("matching:report", "run"),
    ("matching:run-choose", "run"),
    ("matching:specs", "match"),
    ("matching:spec-new", "match"),
    ("matching:spec", "version"),
    ("matching:review-take-back", "reading"),
    ("matching:review", "sample"),
    ("matching:question-", "question"),
    ("matching:download-", "download"),
    ("matching:receipt", "download"),
    ("matching:ticket", "download"),
    *(
        (f"matching:{name}", "delivery")
        for name in ("delivery", "papers", "download", "recall", "deleted", "ask")
    ),
    ("matching:", "match"),
    ("disclosure:known-", "known"),
    ("disclosure:ruling-answer", "ruling"),
    ("disclosure:wish-end", "wish"),
    ("disclosure:offer-ask", "check"),
    ("disclosure:offer-take", "offer"),
    ("disclosure:", "output"),
    ("project", "project"),
)
PARTS = {
    "project_pk": "project",
    "upload_pk": "upload",
    "ticket_pk": "ticket",
    "row_pk": "element",
    "person_pk": "person",
    "approval_pk": "approval",
    "invitation_pk": "invitation",
}
WORDS = {"slug": "an-agency", "kind": "elements"}
NOT_OF_A_PROJECT = {"deadlines:withdraw_closed_day", "custody:key-ceremony"}
NOT_OF_A_PROJECT |= {"ledger:checkpoint", "ledger:hashes"}  # of the whole ledger, and of no line's content
NOT_OF_A_PROJECT |= {"matching:issue", "matching:issue-resolve", "matching:issue-reopen"}  # of a source
NOT_OF_A_PROJECT |= {"agreements:method-retire"}  # of a method, for the operating group alone
NOT_OF_A_PROJECT |= {"organisation-input-rule", "custody:room"}  # of an organisation, likewise
NOT_OF_A_PROJECT |= {"log", "log-csv", "log-xlsx"}  # lists, narrowed to the reader's own agency


def filled(name, parts, there):
    """Give what an address needs: of something real, and of something that never was."""
    real, never = {}, {}
    for part in parts:
        if part in PARTS:
            real[part], never[part] = there[PARTS[part]], NEVER_GIVEN
        elif part == "pk":
            kind = next(what for begins, what in KINDS if name.startswith(begins))
            real[part], never[part] = there[kind], NEVER_GIVEN
        elif part == "seq":
            real[part], never[part] = there["line"], 10**9
        else:
            real[part] = never[part] = CHOICES.get((name, part), WORDS.get(part, "x"))
    return real, never


CHOICES = {
    **{(f"matching:instruction{kind}", "agency"): "sde" for kind in ("", "-pdf", "-json")},
    ("matching:review-pair", "number"): 1,
    ("matching:review-group", "number"): 1,
    ("requests_app:revise", "kind"): "continuation",
    ("requests_app:section", "slug"): "purpose",
}


def answers(client, name, parts):
    """Ask in every way, and give what came back, without what is new in every answer."""
    address = reverse(name, kwargs=parts)
    for method in ("get", "post", "put", "patch", "delete", "head"):
        answer = getattr(client, method)(address)
        body = b"".join(answer) if answer.streaming else answer.content
        said = CHANGES_WITH_EVERY_ANSWER.sub("", body.decode(errors="replace"))
        yield method, answer.status_code, said, answer.headers.get("Content-Type")


def differing_for(who, client, there, names):
    """Return at which addresses something real is answered otherwise than what never was, or is shown."""
    found = []
    for name, parts in names:
        real, never = filled(name, parts, there)
        for shown, nothing in zip(answers(client, name, real), answers(client, name, never), strict=True):
            if shown != nothing or shown[1] not in (403, 404, 405):
                found.append(f"{who}, {name}: {shown[0]} gives {shown[1]}, for nothing {nothing[1]}")
    return found


NAMES = [(name, parts) for name, parts in addresses() if name not in NOT_OF_A_PROJECT]


ALWAYS = ("a data steward of another agency",)
OTHERS = tuple(who for who in ROLES if who not in ALWAYS)  # at as many addresses: a minute and a half


@pytest.mark.obligation("O-10", "O-124")
@pytest.mark.parametrize("those", [ALWAYS, pytest.param(OTHERS, marks=pytest.mark.long)])
def test_c01_to_those_who_take_no_part_nothing_of_a_project_exists(there, signed_in, those):
    assert len(NAMES) > 45
    differing = []
    for who in those:
        role = ROLES[who]
        client = signed_in(factories.person(*([role] if role else []), at=factories.organisation()))
        differing += differing_for(who, client, there, NAMES)
    assert not differing, "\n".join(differing)


@pytest.fixture
def supplied(there):
    """Return the invitation of a supplier, the file that its contact sent on it, and a slot still open."""
    row = Invitation.objects.get(pk=there["invitation"])
    slots = [
        open_slot(
            project=row.project, supplier=row.supplier, kind="matching", title=title, spec=custody.SPEC,
            closes_at=clock.now() + dt.timedelta(days=9), by=factories.hub_member(), at=factories.START,
            invitation=row,
        )
        for title in ("A list, sent", "A list, awaited")
    ]  # fmt: skip
    row = affirm(row, by=row.contact, at=clock.now())
    slots = [UploadSlot.objects.get(pk=slot.pk) for slot in slots]  # which have it that it was affirmed
    return row, custody.checked(custody.arrived(slots[0], by=row.contact)), slots[1]


@pytest.mark.obligation("O-10", "O-124")
def test_c01_to_an_invited_supplier_nothing_exists_but_their_own_slots_and_receipts(
    there, supplied, signed_in
):
    row, file, waiting = supplied
    client = signed_in(row.contact)
    others = [(name, parts) for name, parts in NAMES if name != "custody:invitation"]

    assert not differing_for("who was invited", client, there, others)

    own = {
        "custody:slot": file.slot_id, "custody:receipt": file.pk, "custody:invitation": row.pk,
        "custody:ticket-issue": waiting.pk,
    }  # fmt: skip
    codes = {name: client.get(reverse(name, args=[pk])).status_code for name, pk in own.items()}
    assert codes == dict.fromkeys(own, 200)
    for name in ("custody:profile", "custody:profile-csv"):
        assert client.get(reverse(name, args=[file.pk])).status_code == 404
    for name in ("custody:slot-window", "custody:slot-terms"):
        assert client.get(reverse(name, args=[waiting.pk])).status_code == 404


@pytest.mark.obligation("O-124")
def test_c01_no_list_or_search_tells_an_invited_supplier_of_the_project(there, supplied, signed_in):
    row, _, waiting = supplied
    client = signed_in(row.contact)
    title = row.project.title
    names = ["home", "custody:slots", "custody:holds", "notifications:inbox", "deadlines:mine", "logs"]
    names += [f"{desk}:index" for desk in ("requests_app", "agreements", "matching", "disclosure", "ledger")]
    for name in names:
        answer = client.get(reverse(name))
        assert answer.status_code in (200, 404), name
        assert title not in answer.text, name
    assert client.get(reverse("logs")).status_code == 404
    files = client.get(reverse("custody:slots"), {"q": title})
    assert waiting.title not in files.text  # a search is not answered by what they may not read
    assert waiting.title in client.get(reverse("custody:slots"), {"q": "A list"}).text
    assert title not in client.get(reverse("custody:slot", args=[waiting.pk])).text


@pytest.mark.obligation("O-124")
def test_c01_nor_do_their_colleagues_or_the_agencies_see_what_they_send(there, supplied, signed_in):
    row, file, waiting = supplied
    agency = custody.a_slot(project=row.project).supplier  # a party, whose identifier the list does not hold
    for person in (factories.person(at=row.supplier), factories.steward(agency)):
        client = signed_in(person)
        for name, pk in (
            ("slot", waiting.pk),
            ("upload", waiting.pk),
            ("receipt", file.pk),
            ("invitation", row.pk),
        ):
            address = reverse(f"custody:{name}", args=[pk])
            assert {client.get(address).status_code, client.post(address).status_code} <= {404, 405}, name
        assert waiting.title not in client.get(reverse("custody:slots")).text


@pytest.mark.long
def test_c01_to_those_who_are_not_signed_in_every_address_answers_alike(there):
    client = Client()
    for name, parts in NAMES:
        real, never = filled(name, parts, there)
        codes = [[code for _, code, _, _ in answers(client, name, ids)] for ids in (real, never)]
        assert codes[0] == codes[1], name
        assert set(codes[0]) <= {302, 404, 405}, (name, codes[0])


@pytest.mark.long
def test_c01_the_same_addresses_are_there_for_those_who_run_the_process(there, signed_in):
    """Else the tests above would pass on addresses that answer nobody."""
    client = signed_in(factories.operating_group_member())
    found = {
        name
        for name, parts in NAMES
        if client.get(reverse(name, kwargs=filled(name, parts, there)[0])).status_code == 200
    }
    assert found >= {
        "custody:slot", "deadlines:detail", "requests_app:home", "requests_app:people", "agreements:detail",
        "matching:detail", "matching:report", "disclosure:detail", "project",
    }  # fmt: skip
