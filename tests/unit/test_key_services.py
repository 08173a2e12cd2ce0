"""The three who may hold the master key keep one contract; one that is away makes work wait."""

import json
import os
import time

import boto3
import pytest
from botocore.exceptions import ClientError
from moto import mock_aws

from p20win import clock
from p20win.custody import key_services, vault_keys
from p20win.custody.engine.errors import KeyDestroyed, RetiredKey, WrongKey
from p20win.custody.engine.keys import KeyStore, MasterKeyFile
from p20win.custody.key_services import AwsKms, KeyServiceAway, NotOurs, VaultTransit
from p20win.custody.public import FileStatus, open_bytes
from p20win.jobs.public import Job, State, perform
from tests import factories_custody as custody
from tests.transit import TOKEN, Transit

KEY, CONTEXT = os.urandom(32), b"project and agency"
PROJECT, AGENCY = "0192aaaa-0000", "0192bbbb-0000"


@pytest.fixture
def transit():
    server = Transit()
    yield server
    server.stop()


@pytest.fixture
def aws(monkeypatch):
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN"):
        monkeypatch.setenv(name, "testing")
    with mock_aws():
        yield boto3.client("kms", region_name="us-east-1")


class Rotating:
    """AWS KMS as the hub rotates it: a new key, named in the settings, and the vault started again."""

    name = "aws"

    def __init__(self, kms):
        self._kms, self._keys = kms, []
        self.rotate()

    def rotate(self):
        self._keys.append(self._kms.create_key()["KeyMetadata"]["KeyId"])
        self.service = AwsKms(keys=self._keys, region="us-east-1")
        self.service._kms.meta.events.register("before-call.kms.Decrypt", self._as_documented)
        return len(self._keys)

    def _as_documented(self, params, **_):
        """Moto decrypts with a disabled key; KMS answers DisabledException, as its documentation says."""
        key = json.loads(params["body"])["KeyId"]
        if self._kms.describe_key(KeyId=key)["KeyMetadata"]["KeyState"] != "Enabled":
            raise ClientError({"Error": {"Code": "DisabledException"}}, "Decrypt")

    def __getattr__(self, name):
        return getattr(self.service, name)


@pytest.fixture(params=["file", "vault", "aws"])
def service(request, tmp_path):
    if request.param == "file":
        MasterKeyFile.create(tmp_path / "master.key")
        return MasterKeyFile(tmp_path / "master.key")
    if request.param == "vault":
        address = request.getfixturevalue("transit").address
        return VaultTransit(address=address, token=TOKEN, key="p20win")
    return Rotating(request.getfixturevalue("aws"))


class TestContract:
    def test_c14_a_retired_version_refuses_to_unwrap_and_the_others_open(self, service):
        first, wrapped = service.wrap(KEY, context=CONTEXT)
        assert (first, service.unwrap(wrapped, version=1, context=CONTEXT)) == (1, KEY)
        assert service.rotate() == 2
        second, again = service.wrap(KEY, context=CONTEXT)
        assert second == 2
        assert service.unwrap(wrapped, version=1, context=CONTEXT) == KEY  # mixed versions
        with pytest.raises(RetiredKey, match="Rotate first"):
            service.retire(2)

        service.retire(1)
        with pytest.raises(RetiredKey):
            service.unwrap(wrapped, version=1, context=CONTEXT)
        assert service.unwrap(again, version=2, context=CONTEXT) == KEY
        assert [(each.version, each.state) for each in service.versions()] == [(1, "retired"), (2, "current")]

    def test_a_wrapped_key_opens_for_its_purpose_and_version_alone(self, service):
        _, wrapped = service.wrap(KEY, context=CONTEXT)
        assert KEY not in wrapped
        for altered in (wrapped[:-1] + bytes([wrapped[-1] ^ 1]), b"x" * 40):
            with pytest.raises((WrongKey, KeyServiceAway)):
                service.unwrap(altered, version=1, context=CONTEXT)
        with pytest.raises(WrongKey):
            service.unwrap(wrapped, version=1, context=b"another agency")
        with pytest.raises(WrongKey):
            service.unwrap(wrapped, version=9, context=CONTEXT)

    def test_a_key_store_stands_on_any_of_them(self, service, tmp_path):
        store = KeyStore(tmp_path / "keys", service)
        version, key = store.current_or_new(PROJECT, AGENCY)
        service.rotate()
        assert store.rewrap() == 1
        assert store.rewrap() == 0
        service.retire(1)
        assert store.key(PROJECT, AGENCY, version) == key
        assert [(record.master, record.service) for record in store.inventory()] == [(2, service.name)]
        store.destroy(PROJECT, AGENCY)
        with pytest.raises(KeyDestroyed):
            store.key(PROJECT, AGENCY, version)


def test_f15_vault_away_slow_or_refusing_is_told_apart_from_a_wrong_key(transit, monkeypatch):
    service = VaultTransit(address=transit.address, token=TOKEN, key="p20win")
    _, wrapped = service.wrap(KEY, context=CONTEXT)

    transit.allowed = False
    with pytest.raises(KeyServiceAway, match="permission"):
        service.unwrap(wrapped, version=1, context=CONTEXT)
    transit.allowed, transit.sealed = True, True
    with pytest.raises(KeyServiceAway, match="does not answer"):
        service.unwrap(wrapped, version=1, context=CONTEXT)
    transit.sealed, transit.delay = False, 1.0
    monkeypatch.setattr(key_services, "PATIENCE", 0.2)
    hurried = VaultTransit(address=transit.address, token=TOKEN, key="p20win")
    began = time.monotonic()
    with pytest.raises(KeyServiceAway, match="does not answer"):
        hurried.unwrap(wrapped, version=1, context=CONTEXT)
    assert time.monotonic() - began < 0.9
    with pytest.raises(KeyServiceAway):
        VaultTransit(address="http://127.0.0.1:9", token=TOKEN, key="p20win").versions()
    transit.delay = 0.0
    with pytest.raises(KeyServiceAway, match="does not know the key"):
        VaultTransit(address=transit.address, token=TOKEN, key="another").wrap(KEY, context=CONTEXT)


def test_f15_kms_gone_or_keys_not_named(aws, monkeypatch):
    with pytest.raises(NotOurs, match="P20WIN_KMS_KEYS"):
        AwsKms(keys=[], region="us-east-1")
    key = aws.create_key()["KeyMetadata"]["KeyId"]
    service = AwsKms(keys=[key], region="us-east-1")
    with pytest.raises(NotOurs, match="the last of P20WIN_KMS_KEYS"):
        service.rotate()
    with pytest.raises(KeyServiceAway):
        AwsKms(keys=["0" * 36], region="us-east-1").wrap(KEY, context=CONTEXT)
    monkeypatch.setattr(key_services, "PATIENCE", 0.2)
    nowhere = AwsKms(keys=[key], region="us-east-1", endpoint="http://127.0.0.1:9")
    with pytest.raises(KeyServiceAway):
        nowhere.wrap(KEY, context=CONTEXT)


@pytest.mark.django_db
class TestWork:
    @pytest.fixture
    def vault(self, settings, tmp_path, transit):
        settings.P20WIN_KEY_SERVICE = "vault"
        settings.P20WIN_TRANSIT_ADDRESS, settings.P20WIN_TRANSIT_TOKEN = transit.address, TOKEN
        vault_keys._read_private.cache_clear()
        with custody.own_vault(settings, tmp_path):
            yield tmp_path
        vault_keys._read_private.cache_clear()

    def test_f15_a_job_waits_longer_each_time_and_then_goes_on_by_itself(self, vault, transit):
        file = custody.arrived(custody.a_slot())
        job = Job.objects.get(name="custody.check_file")
        transit.allowed, waits = False, []
        for _ in range(3):
            before = len(transit.asked)
            perform(str(job.pk))
            job.refresh_from_db()
            waits.append((job.not_before - clock.real_now()).total_seconds())
            assert len(transit.asked) - before == 1  # asked once, not in a loop
        assert (job.state, job.attempts) == (State.QUEUED, 0)
        assert "permission" in job.message
        assert waits == pytest.approx([60, 120, 180], abs=5)
        assert not [path for path in (vault / "media" / "sealed").rglob("*") if path.is_file()]

        transit.allowed = True
        perform(str(job.pk))
        file.refresh_from_db()
        assert file.status == FileStatus.ACCEPTED
        assert not (vault / "vault-keys" / "master.key").exists()
        assert b"".join(open_bytes(file)) == custody.GOOD
        transit.sealed = True  # nothing that was unwrapped before is kept
        with pytest.raises(KeyServiceAway):
            open_bytes(file)
