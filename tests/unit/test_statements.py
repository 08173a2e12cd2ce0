"""The vault verifies a sender's statement again: the web process may have let in what it likes (T34)."""

import datetime as dt
import secrets

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from django.db import ProgrammingError, connection, transaction

from p20win import clock
from p20win.accounts.models import SigningKey
from p20win.accounts.public import enrol_key, hub, revoke_key
from p20win.audit.public import events_of, record
from p20win.custody import public as custody
from p20win.custody import services, statements, uploads, vault_keys
from p20win.custody.engine import manifest, pieces, signing
from p20win.custody.models import FileStatus, SealedFile
from p20win.ids import uuid7
from p20win.jobs.public import Job
from p20win.workflow import create
from tests import factories
from tests import factories_custody as files
from tests.factories import START

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("vault"), pytest.mark.obligation("O-58", "O-62")]
LONG_AGO = START - dt.timedelta(days=2)


@pytest.fixture(autouse=True)
def met():
    """No condition of any desk stands against sending."""
    factories.hub()
    with files.conditions_met():
        yield


class Agency:
    """An agency whose machine signs."""

    def __init__(self, *, enrolled=LONG_AGO):
        self.private = Ed25519PrivateKey.generate()
        self.organisation = factories.organisation()
        self.steward = factories.steward(self.organisation)
        raw = self.private.public_key().public_bytes(Encoding.Raw, PublicFormat.Raw)
        self.key = enrol_key(self.organisation, public_key=raw, label="Job", by=self.steward, at=enrolled)

    def states(self, slot, content=files.GOOD, **other):
        now = clock.real_now()
        document = manifest.statement(
            slot=str(slot.pk),
            project=str(slot.project_id),
            source=str(slot.supplier_id),
            destination=str(hub().pk),
            data_class=slot.data_class,
            name=files.name_for(slot),
            plain_bytes=len(content),
            plain_sha256=files.digest_of(content),
            nonce=secrets.token_hex(8),
            created=now.isoformat(),
            expires=(now + dt.timedelta(hours=1)).isoformat(),
        )
        return signing.sign(document | other, key=self.private, role=signing.SOURCE, at=now.isoformat())

    def sends(self, slot=None, content=files.GOOD, statement=None):
        """Return the file as it waits for the vault."""
        slot = slot or files.a_slot(self.organisation)
        statement, now = statement or self.states(slot, content), clock.real_now()
        upload = services.announce(slot, statement, key=self.key, real_now=now, at=START)
        place = pieces.Place(str(slot.pk), str(upload.pk), 0)
        sealed = b"".join(pieces.seal_piece([content], vault=vault_keys.vault_public(), place=place))
        uploads.append(upload, [sealed], offset=0, at=START, now=now)
        return uploads.complete(upload, at=START)


@pytest.fixture
def agency():
    return Agency()


def refused(file):
    """Have the vault judge a file; return the one reason for which it does not take it."""
    judged = files.checked(file)
    assert judged.status == FileStatus.REFUSED
    assert not judged.blob
    (finding,) = judged.report["findings"]
    (line,) = events_of(judged).filter(event="file.refused")
    assert line.details["rules"] == [
        finding["rule"]
    ]  # the ledger has the reason, and nothing of the contents
    return f"{finding['rule']}: {finding['hint']}"


def why_not(file):
    """Return by which rule, and why, a file is not its sender's; nothing if it is."""
    try:
        statements.expect_its_senders(file)
    except statements.Refused as refusal:
        return f"{refusal.rule}: {' '.join(refusal.reasons)}"
    return ""


def written(row, **changes):
    """Change a row behind the portal's back, as whoever has the tables could."""
    type(row).objects.filter(pk=row.pk).update(**changes)
    row.refresh_from_db()
    return row


def test_what_its_agency_signed_is_taken_and_its_manifest_carries_the_statement(agency):
    file = files.checked(agency.sends())
    assert file.status == FileStatus.ACCEPTED, file.report
    assert file.manifest["document"]["statement"] == file.statement


class TestTheStatement:
    def test_altered_after_signing(self, agency):
        file = agency.sends()
        other = file.statement | {"document": file.statement["document"] | {"plain_bytes": 7}}
        assert "changed after signing" in refused(written(file, statement=other))

    def test_signed_anew_by_another_key(self, agency):
        file, other = agency.sends(), Agency()
        assert "by a key you trust" in refused(written(file, statement=other.states(file.slot)))

    def test_taken_away(self, agency):
        assert "is not there" in refused(written(agency.sends(), statement=None))

    def test_taken_away_with_its_key_as_if_a_person_had_sent_it(self, agency):
        assert "another key" in refused(written(agency.sends(), statement=None, signing_key=None))

    def test_not_one_at_all(self, agency):
        assert "not a signed document" in refused(written(agency.sends(), statement={"x": 1}))

    def test_of_another_slot_of_the_agency(self, agency):
        there = files.a_slot(agency.organisation)
        assert "for another project, slot" in refused(written(agency.sends(), statement=agency.states(there)))

    def test_of_another_file(self, agency):
        file = agency.sends()
        assert "hash or size is another" in refused(
            written(file, statement=agency.states(file.slot, b"other"))
        )

    def test_of_long_ago(self, agency):
        file, old = agency.sends(), (clock.real_now() - dt.timedelta(days=3)).isoformat()
        assert "more than a day old" in refused(
            written(file, statement=agency.states(file.slot, created=old))
        )

    def test_sent_twice_though_its_nonce_was_forgotten(self, agency):
        first = agency.sends()
        slot, statement = first.slot, first.statement
        assert files.checked(first).status == FileStatus.ACCEPTED
        written(slot, status="open")
        services.StatementNonce.objects.all().delete()
        assert "sent before" in refused(agency.sends(slot, statement=statement))

    def test_with_no_word_of_it_in_the_ledger(self, agency):
        """A row that the web wrote by hand, statement and all."""
        file = agency.sends()
        forged = SealedFile.objects.get(pk=file.pk)
        forged.pk = uuid7()
        forged.pieces = []
        forged.save()
        assert "another key" in why_not(forged)

    def test_put_to_a_file_that_a_machines_login_brought(self, agency):
        file = agency.sends()
        slot, by = file.slot, agency.steward
        row = SealedFile(
            slot=slot, project=slot.project, owner=slot.supplier, destination=hub(), name="x",
            data_class=slot.data_class, status="announced", status_since=START, sent_by=by,
            signing_key=agency.key,
        )  # fmt: skip
        told = {"key": agency.key.fingerprint, "by": "sftp"}
        row = create("file.announced", row, by=by, at=START, details=told)
        assert why_not(row) == ""
        row = written(row, statement=agency.states(slot))
        assert "and there is one" in why_not(row)

    def test_moved_to_another_request(self, agency):
        there = files.a_slot(agency.organisation)
        file = written(agency.sends(), slot=there)
        assert "another request or agency" in why_not(file)


class TestTheKey:
    def test_another_put_in_its_row(self, agency):
        file, other = agency.sends(), Ed25519PrivateKey.generate()
        raw = other.public_key().public_bytes(Encoding.Raw, PublicFormat.Raw)
        agency.private = other
        written(agency.key, public_key=raw)
        assert "another key" in refused(written(file, statement=agency.states(file.slot)))

    def test_of_another_agency(self, agency):
        file, other = agency.sends(), Agency()
        record("file.announced", file, by=other.steward, at=START, details={"key": other.key.fingerprint})
        changed = written(file, signing_key=other.key, statement=other.states(file.slot))
        assert "another key" in refused(changed)  # the first line counts: none is taken back

    def test_made_another_agencys_by_its_row(self, agency):
        other = Agency()
        slot = files.a_slot(agency.organisation)
        written(other.key, organisation=agency.organisation, enrolled_by=agency.steward)
        other.key.refresh_from_db()
        file = other.sends(slot)
        assert "not enrolled by this agency" in refused(file)

    def test_written_by_hand_a_moment_before(self, agency):
        made = Ed25519PrivateKey.generate()
        raw = made.public_key().public_bytes(Encoding.Raw, PublicFormat.Raw)
        mark = statements.hashlib.sha256(raw).hexdigest()
        fields = {"organisation": agency.organisation, "public_key": raw, "fingerprint": mark}
        fields |= {
            "label": "x",
            "enrolled_by": agency.steward,
            "enrolled_at": LONG_AGO,
            "usable_from": LONG_AGO,
        }
        agency.key, agency.private = SigningKey.objects.create(**fields), made
        slot = files.a_slot(agency.organisation)
        file = agency.sends(slot)
        assert "not enrolled by this agency" in why_not(file)
        with transaction.atomic():  # and its line afterwards comes too late
            record(
                "signing_key.enrolled",
                agency.key,
                by=agency.steward,
                at=LONG_AGO,
                details={"fingerprint": mark},
            )
        assert "not enrolled by this agency" in refused(file)

    def test_enrolled_with_an_early_date_is_no_older_than_the_database_says(self, agency, settings):
        settings.DEMO_CLOCK = False
        assert "too short a time" in refused(agency.sends())

    def test_revoked_before(self, agency):
        slot = files.a_slot(agency.organisation)
        revoke_key(agency.key, by=agency.steward, at=START)
        assert "revoked before" in refused(agency.sends(slot))


@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE custody_sealedfile SET statement = NULL",
        "UPDATE custody_sealedfile SET signing_key_id = NULL",
        "UPDATE custody_sealedfile SET slot_id = NULL",
        "UPDATE accounts_signingkey SET public_key = '\\x00'",
        "UPDATE accounts_signingkey SET usable_from = now()",
        "DELETE FROM accounts_signingkey",
    ],
)
def test_t34_the_webs_role_can_take_back_neither_statement_nor_key(agency, statement):
    agency.sends()
    with pytest.raises(ProgrammingError, match="permission denied"), transaction.atomic():
        with connection.cursor() as cursor:
            cursor.execute("SET LOCAL ROLE p20_web")
            cursor.execute(statement)


def test_a_refused_one_leaves_nothing_and_its_slot_takes_another(agency):
    file = agency.sends()
    slot = file.slot
    refused(written(file, statement=None))
    assert Job.objects.filter(name="custody.check_file").count() == 1
    again = files.checked(agency.sends(slot))
    assert again.status == FileStatus.ACCEPTED
    assert b"".join(custody.open_bytes(again)) == files.GOOD
