"""What people of a match do, and what is prepared for them, in a portal of its own; run as `acts` are."""

import datetime as dt
import hashlib

from allauth.mfa.models import Authenticator
from django.contrib.sessions.models import Session
from django.db import Error, connection
from django.urls import reverse

from matching.models import Match
from matching.services import fetching
from p20win import clock
from p20win.accounts.public import Role, User, enrol_key, system_user
from p20win.audit.public import Event, verify_chain
from p20win.custody import vault_keys
from p20win.custody.public import SealedFile, open_bytes, seal_bytes
from p20win.jobs.public import Job
from requests_app.models import DataRequest
from tests import factories
from tests import factories_custody as custody
from tests import factories_matching as matches
from tests import factories_requests as requests
from tests.factories import START

BIG = {
    "id_column": "ID",
    "id_prefix": "",
    "columns": [{"name": "ID", "form": "synthetic_id", "required": True}, {"name": "NOTE", "form": "text"}],
}


def a_delivered_match(mebibytes, downloads):
    """Take a request to its delivery, and begin so many downloads of an extract of this size.

    For the vault, while no worker runs. The portal's clock stands where the invented people live.
    """
    factories.clock_to_start()
    delivery = matches.delivered()
    delivery.extract = seal_bytes(
        project=delivery.project,
        organisation=delivery.extract.owner,
        data_class="extract",
        name=delivery.file_name,
        chunks=[b"invented" * (1 << 17)] * mebibytes,
        by=system_user(),
        at=START,
    )
    delivery.digest = delivery.extract.manifest["document"]["plain_sha256"]
    delivery.save()
    begun, by = [], matches.downloader(delivery)
    for _ in range(downloads):
        row = fetching.begin(delivery, by=by, acknowledges=True, at=clock.now())
        token = fetching.ticket(row, by=by, at=clock.now())
        begun.append({"path": f"/matching/downloads/{row.pk}/by-program/", "ticket": token})
    Job.objects.all().delete()  # they were for workers that are not there
    return {"digest": delivery.digest, "size": delivery.extract.plain_bytes, "downloads": begun}


def more_keys(count):
    """Make so many keys of other projects, so that a rotation takes its time. In the vault."""
    store = vault_keys.private_keys().store
    for number in range(count):
        store.current_or_new(f"0192aaaa-{number:08d}", "0192bbbb-0000")
    return {"keys": count}


def masters():
    """Say how many keys each version of the master key wraps. In the vault."""
    found = {}
    for key in vault_keys.private_keys().store.inventory():
        found[str(key.master)] = found.get(str(key.master), 0) + 1
    return found


def slots(count, kind="matching", big=False):
    """Open slots for an agency of the match; say where they are, and the session of its steward."""
    agency, project = matches.agency("SDE"), Match.objects.get().project
    spec = BIG if big else None
    made = [
        custody.a_slot(agency, project=project, kind=kind, spec=spec, closes_at=START + dt.timedelta(days=30))
        for _ in range(count)
    ]
    steward = matches.steward("SDE")
    Authenticator.objects.create(user=steward, type=Authenticator.Type.TOTP, data={"secret": "x"})
    return {
        "slots": [{"pk": str(slot.pk), "name": f"{custody.name_for(slot)}.txt"} for slot in made],
        "session": custody.session_of(steward),
        "steward": str(steward.pk),
    }


def a_machine(steward, public_key):
    """Enrol the key of an agency's machine, long enough ago."""
    person = User.objects.get(pk=steward)
    enrolled = START - dt.timedelta(days=2)
    raw = bytes.fromhex(public_key)
    enrol_key(person.organisation, public_key=raw, label="Nightly job", by=person, at=enrolled)
    return {}


def files(slots):
    """Say how each file of these slots stands."""
    rows = SealedFile.objects.filter(slot__in=slots)
    return {
        str(row.slot_id): {"pk": str(row.pk), "status": row.status, "bytes": row.plain_bytes} for row in rows
    }


def opened(files):
    """Open files and say the SHA-256 of each, by file. In the vault."""
    found = {}
    for file in SealedFile.objects.filter(pk__in=files):
        digest = hashlib.sha256()
        for chunk in open_bytes(file):
            digest.update(chunk)
        found[str(file.pk)] = digest.hexdigest()
    return found


def careless(mark):
    """Do what a fault in our code might: send the database a mark in statements that fail or are slow."""
    failed = 0
    for statement in (
        "SELECT %s::int",
        "SELECT pg_sleep(0.3), 1 / length(%s) / 0",
        "INSERT INTO no_table VALUES (%s)",
    ):
        try:
            with connection.cursor() as cursor:
                cursor.execute(statement, [mark])
        except Error:
            failed += 1
    return {"failed": failed}


def told_to_workers():
    """Return every value that was ever handed to a worker."""
    return {"values": sorted({v for row in Job.objects.all() for v in row.arguments.values()})}


def a_match_that_waits_for_files():
    """Take a request to where its files are awaited. While no worker runs."""
    factories.clock_to_start()
    matches.collecting()
    return {}


def a_request_to_decide(members):
    """Let a request wait for an agency's decision; say where, and who of the agency could decide."""
    factories.clock_to_start()
    row = requests.with_agencies()
    people = [requests.board_member(requests.agencies_of(row)[0]) for _ in range(members)]
    for each in people:
        Authenticator.objects.create(user=each, type=Authenticator.Type.TOTP, data={"secret": "x"})
    return {
        "pk": str(row.pk),
        "path": reverse("requests_app:decide", args=[row.pk]),
        "people": [{"name": each.name, "session": custody.session_of(each)} for each in people],
        "password": factories.PASSWORD,
    }


def decisions(pk):
    """Return what was decided on a request, and how often the ledger says that something was."""
    row = DataRequest.objects.get(pk=pk)
    events = Event.objects.filter(project_id=row.project_id).values_list("event", flat=True)
    return {
        "outcomes": list(row.decisions.values_list("outcome", flat=True)),
        "events": sum(event == "decision.made" for event in events),
        "signatures": sum(event == "document.signed" for event in events),
        "ledger": verify_chain().ok,
    }


def visitors():
    """Return sessions of somebody who writes requests, and of somebody of the operating group."""
    made = (factories.person(Role.REQUESTOR), factories.operating_group_member())
    for each in made:
        Authenticator.objects.create(user=each, type=Authenticator.Type.TOTP, data={"secret": "x"})
    return {"requestor": custody.session_of(made[0]), "office": custody.session_of(made[1])}


def sessions():
    """Return what every session holds, unpacked."""
    return {"held": [row.get_decoded() for row in Session.objects.all()]}
