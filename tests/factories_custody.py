"""The smallest true slots and files, and a vault inside the test's own process."""

import datetime as dt
import hashlib
from contextlib import contextmanager

from django.contrib.auth import BACKEND_SESSION_KEY, HASH_SESSION_KEY, SESSION_KEY
from django.contrib.sessions.backends.db import SessionStore

from p20win import access
from p20win.accounts.public import system_user
from p20win.custody import places, vault_keys
from p20win.custody.engine.streaming import SEGMENT
from p20win.custody.public import SealedFile, open_slot, receive, relay, seal_bytes
from p20win.jobs import leases
from p20win.jobs.lines import line
from p20win.jobs.public import Job, RunningJob, perform
from p20win.projects.public import assign_number, open_to_organisation
from p20win.workflow import create
from tests import factories

COLUMNS = [
    {"name": "ID", "form": "synthetic_id", "required": True},
    {"name": "SSN", "form": "ssn", "identifier": True},
    {"name": "LAST", "form": "name", "identifier": True, "required": True},
    {"name": "DOB", "form": "date", "identifier": True},
]
SPEC = {"id_column": "ID", "one_row_per": [["ID"]], "one_person_per": [["SSN", "DOB"]], "columns": COLUMNS}
GOOD = b"ID\tSSN\tLAST\tDOB\nk3v9q2xw7z\t900123456\tOkonkwo\t20050317\np8m4t6yb1c\t\tLindqvist\t20051101\n"
BAD = b"ID\tSSN\tLAST\tDOB\nk3v9q2xw7z\t900123456\t\t2005-03-17\n"


@contextmanager
def conditions_met(*, against=None):
    """Let the access decision meet no condition of any desk, or one that the test controls."""
    before = dict(access._conditions)
    for name in access.EXPECTED_CONDITIONS:
        access._conditions[name] = lambda ask: against(ask) if against else None
    try:
        yield
    finally:
        access._conditions.clear()
        access._conditions.update(before)


def become_vault(settings, folder):
    """Let this process be a vault whose files lie in this folder."""
    settings.P20WIN_MEDIA = folder / "media"
    settings.P20WIN_KEYSTORE = folder / "keystore"
    settings.P20WIN_VAULT_KEYS = folder / "vault-keys"
    settings.P20WIN_VAULT_PUBLIC = folder / "public"
    settings.P20WIN_VAULT_SOCKET = folder / "line" / "vault.sock"  # a folder that others may enter
    settings.P20WIN_IS_VAULT = True
    vault_keys.make_keys()


@contextmanager
def own_vault(settings, folder):
    """Let this process be a vault whose files lie in this folder; the access decision meets no condition."""
    become_vault(settings, folder)
    with conditions_met():
        yield folder


def a_slot(supplier=None, *, project=None, kind="matching", spec=None, at=factories.START, **fields):
    """Return an open slot of a numbered project."""
    agency = supplier or factories.organisation()
    if project is None:
        project = assign_number(factories.project(agency), by=system_user(), at=at)
    open_to_organisation(project, agency, ["view_project", "send_files"])
    return open_slot(
        project=project,
        supplier=agency,
        kind=kind,
        title=fields.pop("title", "Matching file"),
        spec=SPEC if spec is None else spec,
        closes_at=fields.pop("closes_at", at + dt.timedelta(days=3650)),
        by=system_user(),
        at=at,
        **fields,
    )


def name_for(slot, *, version=1):
    """Return a file name that fits the slot."""
    word = {"matching": "match", "analytical": "analysis", "identifier_list": "list"}[slot.data_class]
    return f"P20_DR{slot.project.number[3:]}_{slot.supplier.short_name}_{word}_v{version}"


def arrived(slot, content=GOOD, *, by=None, at=factories.START, name=None):
    """Return a file that has arrived and waits for the vault."""
    factories.hub()
    sender = by or factories.steward(slot.supplier)
    return receive([content], slot, by=sender, name=name or name_for(slot), at=at)


def run_job(name, **ids):
    """Do the newest job of this name, as its worker would; the row must say that it is done."""
    job = Job.objects.filter(name=name, arguments__contains={k: str(v) for k, v in ids.items()}).latest(
        "created_at"
    )
    running = RunningJob(leases.claim(str(job.pk)))
    line(name).work(running, **job.arguments)
    leases.finish_done(running)
    return job


def attempted(name, **ids):
    """Let a worker take up the newest job of this name, come what may, and return the job after it."""
    job = Job.objects.filter(name=name, arguments__contains={k: str(v) for k, v in ids.items()}).latest(
        "created_at"
    )
    perform(str(job.pk))
    job.refresh_from_db()
    return job


def checked(file):
    """Return the file after the vault has judged it."""
    run_job("custody.check_file", file_id=file.pk)
    file.refresh_from_db()
    return file


def digest_of(content):
    """Return the SHA-256 of these bytes, in hex."""
    return hashlib.sha256(content).hexdigest()


def session_of(person):
    """Return the key of a live session of this person."""
    session = SessionStore()
    session[SESSION_KEY] = str(person.pk)
    session[BACKEND_SESSION_KEY] = "allauth.account.auth_backends.AuthenticationBackend"
    session[HASH_SESSION_KEY] = person.get_session_auth_hash()
    session.create()
    return session.session_key


def relayed(token, session):
    """Relay what a capability opens, as a page of this session would; return the chunks."""
    mark = access.session_now.set(session)
    try:
        return relay(token)
    finally:
        access.session_now.reset(mark)


def announced(slot, key):
    """Return a file that a machine announced with this key, as the portal writes it down."""
    row = SealedFile(
        slot=slot,
        project=slot.project,
        owner=slot.supplier,
        destination=factories.hub(),
        data_class=slot.data_class,
        name=name_for(slot),
        status="announced",
        status_since=factories.START,
        sent_by=key.enrolled_by,
        signing_key=key,
        statement={"document": {}},
    )
    return create("file.announced", row, by=key.enrolled_by, at=factories.START)


LARGE = 4 * SEGMENT  # bytes of a file that has several segments


def large(project, organisation, *, data_class="extract", begin=b"", name="large.zip"):
    """Return a sealed file of several segments that begins with these bytes."""
    block = hashlib.sha256(b"invented").digest() * (1 << 10)
    rest = [block] * (LARGE // len(block))
    return seal_bytes(
        project=project,
        organisation=organisation,
        data_class=data_class,
        name=name,
        chunks=[begin, *rest],
        by=system_user(),
        at=factories.START,
    )


def _flipped(raw):
    raw[2 * SEGMENT + 7] ^= 1


def _truncated(raw):
    del raw[2 * SEGMENT :]


def _extended(raw):
    raw += bytes(100)


def _reordered(raw):
    one, two, three = SEGMENT, 2 * SEGMENT, 3 * SEGMENT
    raw[one:two], raw[two:three] = raw[two:three], raw[one:two]


HARMS = {"altered": _flipped, "cut": _truncated, "extended": _extended, "reordered": _reordered}
"""What can befall a large file behind its first segment, by the word that the vault says of it."""


def harm(file, how):
    """Let this befall a sealed file on the disk."""
    path = places.blob(file.blob)
    raw = bytearray(path.read_bytes())
    HARMS[how](raw)
    path.write_bytes(raw)
