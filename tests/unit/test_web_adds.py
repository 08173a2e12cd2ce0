"""Rows that the web may add begin where the vault has done nothing yet (T34)."""

import pytest
from django.db import ProgrammingError, connection, transaction

from p20win import clock
from p20win.accounts.public import system_user
from p20win.custody import capabilities, damage, destruction
from p20win.custody import public as custody
from p20win.custody.models import Capability, Damage, Destruction, DestructionStatus, FileStatus, SealedFile
from p20win.ids import uuid7
from tests import factories
from tests import factories_custody as files
from tests.factories import START

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("vault")]


@pytest.fixture(autouse=True)
def met():
    """No condition of any desk stands against sending."""
    with files.conditions_met():
        yield


def as_web():
    """From here to the end of the transaction this is the web process, to the database."""
    with connection.cursor() as cursor:
        cursor.execute("SET LOCAL ROLE p20_web")


def refused(row):
    with pytest.raises(ProgrammingError, match="permission denied"), transaction.atomic():
        as_web()
        row.save_base(raw=True, force_insert=True)  # the row alone, without its history


@pytest.mark.obligation("O-65")
class TestDestructions:
    def asked(self, **fields):
        agency = factories.organisation()
        row = {"project": factories.project(agency), "organisation": agency, "asked_by": system_user()}
        return Destruction(**row | {"asked_at": START, "status_since": START} | fields)

    def test_one_can_be_asked_for_as_the_portal_does(self):
        agency = factories.organisation()
        project = factories.project(agency)
        with transaction.atomic():
            as_web()
            row = destruction.ask_destruction(project, agency, by=system_user(), at=START)
            with connection.cursor() as cursor:
                cursor.execute("RESET ROLE")
        assert row.status == DestructionStatus.ASKED

    @pytest.mark.parametrize(
        "fields",
        [
            {"status": "done", "keys_destroyed_at": START, "destroyed_at": START},
            {"begun_at": START},
            {"keys_destroyed_at": START},
            {"snapshots_gone_at": START},
            {"destroyed_at": START},
            {"method": "fire"},
            {"keys": [{"version": 1, "fingerprint": "x"}]},
            {"files": [{"file": "x", "proof": "KeyDestroyed"}]},
        ],
    )
    def test_none_can_be_said_to_be_done_or_begun(self, fields):
        refused(self.asked(**fields))
        assert not Destruction.objects.exists()

    def test_the_vault_and_the_owner_write_what_they_did(self):
        agency = files.checked(files.arrived(files.a_slot())).owner
        project = SealedFile.objects.get().project
        assert custody.shred(project, agency, by=factories.hub_member(), at=START).status == "done"
        with transaction.atomic(), connection.cursor() as cursor:
            cursor.execute("SET LOCAL ROLE p20_vault")
            self.asked(begun_at=START).save_base(raw=True, force_insert=True)
            cursor.execute("RESET ROLE")


@pytest.mark.obligation("O-62")
class TestFiles:
    def test_one_arrives_as_the_portal_takes_it_in(self):
        slot = files.a_slot()
        factories.hub()
        sender = factories.steward(slot.supplier)
        with transaction.atomic():
            as_web()
            file = custody.receive([files.GOOD], slot, by=sender, name=files.name_for(slot), at=START)
            with connection.cursor() as cursor:
                cursor.execute("RESET ROLE")
        assert files.checked(file).status == FileStatus.ACCEPTED

    @pytest.mark.parametrize("field", ["status", "scan", "manifest", "receipt", "report", "rows"])
    def test_none_is_said_to_be_checked(self, field):
        file = files.checked(files.arrived(files.a_slot()))
        fresh = {"status": "arrived", "scan": "unscanned", "blob": "", "key_version": None, "rows": None}
        fresh |= {"wrapped_key": None, "plain_bytes": None, "manifest": None, "receipt": None, "report": {}}
        fresh |= {"profile": {}, "columns": [], "pk": uuid7()}
        judged = {field: getattr(file, field)}
        for name, value in (fresh | judged).items():
            setattr(file, name, value)
        refused(file)


def test_none_is_said_to_be_damaged():
    file = files.checked(files.arrived(files.a_slot()))
    refused(Damage(file=file, found_at=START, status_since=START, what="x"))
    assert not damage.standing()


def test_no_capability_is_used_before_the_vault_used_it():
    now = clock.real_now()
    row = Capability(
        token_digest="x", person=factories.person(), act="x", subject_type="x", subject_id="x",
        project=factories.project(), data_class="matching", issued_at=now,
        expires_at=now + capabilities.CAPABILITY_LIFE, used_at=now,
    )  # fmt: skip
    refused(row)
