"""The ladder of keys, and what destroying one means."""

import os
import stat

import pytest

from p20win.custody.engine import keys
from p20win.custody.engine.errors import Broken, KeyDestroyed, NoKey, Unreadable, WrongKey
from p20win.custody.engine.files import destroy_file, read_private, write_new
from p20win.custody.engine.keys import KeyStore, MasterKeyFile

PROJECT, AGENCY, OTHER = "0192aaaa-0000", "0192bbbb-0000", "0192cccc-0000"


@pytest.fixture
def master(tmp_path):
    MasterKeyFile.create(tmp_path / "master.key")
    return tmp_path / "master.key"


@pytest.fixture
def store(tmp_path, master):
    return KeyStore(tmp_path / "keys", MasterKeyFile(master))


def test_the_same_key_is_given_until_it_is_destroyed(store):
    version, key = store.current_or_new(PROJECT, AGENCY)

    assert store.current_or_new(PROJECT, AGENCY) == (version, key)
    assert store.key(PROJECT, AGENCY, version) == key
    assert store.current_or_new(PROJECT, OTHER)[1] != key


def test_no_file_holds_a_key_in_the_clear_and_nobody_else_may_read_it(store, tmp_path):
    _, key = store.current_or_new(PROJECT, AGENCY)
    for path in (tmp_path / "keys").iterdir():
        assert key not in path.read_bytes()
        assert stat.S_IMODE(path.stat().st_mode) == 0o600


@pytest.mark.obligation("O-65")
def test_a_destroyed_key_is_gone_with_its_bytes_and_stays_gone(store, tmp_path):
    version, key = store.current_or_new(PROJECT, AGENCY)
    kept, _ = store.current_or_new(PROJECT, OTHER)
    path = next((tmp_path / "keys").glob(f"*{AGENCY}*.key"))
    second_name = tmp_path / "second-name"
    os.link(path, second_name)  # shows what is left on the disk where the key lay

    destroyed = store.destroy(PROJECT, AGENCY)

    assert [mark.fingerprint for mark in destroyed] == [keys.fingerprint(key)]
    assert not path.exists()
    assert set(second_name.read_bytes()) == {0}
    with pytest.raises(KeyDestroyed):
        store.key(PROJECT, AGENCY, version)
    assert store.key(PROJECT, OTHER, kept)


def test_f16_a_reader_that_opened_a_key_just_before_it_was_wrapped_anew_reads_the_new_one(store, monkeypatch):
    version, key = store.current_or_new(PROJECT, AGENCY)
    blanked = iter([b"\0" * 40, b"\0" * 40])
    monkeypatch.setattr(keys, "read_private", lambda path: next(blanked, None) or read_private(path))

    assert store.key(PROJECT, AGENCY, version) == key


def test_destroying_twice_tells_the_same(store):
    store.current_or_new(PROJECT, AGENCY)
    assert store.destroy(PROJECT, AGENCY) == store.destroy(PROJECT, AGENCY)


def test_a_key_after_destruction_is_a_new_version(store):
    first, key = store.current_or_new(PROJECT, AGENCY)
    store.destroy(PROJECT, AGENCY)
    second, new = store.current_or_new(PROJECT, AGENCY)

    assert second == first + 1
    assert new != key


@pytest.mark.parametrize("moment", ["after the mark", "after overwriting", "with a draft left"])
def test_a_crash_in_the_middle_is_finished_by_the_next_call(store, tmp_path, moment, monkeypatch):
    _, key = store.current_or_new(PROJECT, AGENCY)
    path = next((tmp_path / "keys").glob("*.key"))

    def crash(*_):
        raise KeyboardInterrupt

    if moment == "with a draft left":
        path.with_name(f".{path.name}.abc").write_bytes(path.read_bytes())
    elif moment == "after the mark":
        monkeypatch.setattr("p20win.custody.engine.keys.destroy_file", crash)
    else:  # the mark's own draft is unlinked, too: crash at the key's alone
        monkeypatch.setattr("p20win.custody.engine.files.os.unlink", _crash_at(path, os.unlink))
    if moment != "with a draft left":
        with pytest.raises(KeyboardInterrupt):
            store.destroy(PROJECT, AGENCY)
    monkeypatch.undo()

    assert [mark.fingerprint for mark in store.destroy(PROJECT, AGENCY)] == [keys.fingerprint(key)]
    assert not list((tmp_path / "keys").glob("*.key*"))
    assert not list((tmp_path / "keys").glob(".*"))


def _crash_at(path, unlink):
    def crashing(target, *rest, **named):
        if str(target) == str(path):
            raise KeyboardInterrupt
        return unlink(target, *rest, **named)

    return crashing


def test_a_key_file_moved_to_another_agency_is_noticed(store, tmp_path):
    store.current_or_new(PROJECT, AGENCY)
    path = next((tmp_path / "keys").glob("*.key"))
    path.rename(path.with_name(path.name.replace(AGENCY, OTHER)))

    with pytest.raises(Broken):
        store.key(PROJECT, OTHER, 1)


def test_another_master_key_opens_nothing(store, tmp_path):
    version, _ = store.current_or_new(PROJECT, AGENCY)
    MasterKeyFile.create(tmp_path / "other.key")
    stranger = KeyStore(tmp_path / "keys", MasterKeyFile(tmp_path / "other.key"))

    with pytest.raises(WrongKey):
        stranger.key(PROJECT, AGENCY, version)


def test_a_key_that_never_was_is_told_from_a_destroyed_one(store):
    with pytest.raises(NoKey):
        store.key(PROJECT, AGENCY, 1)


def test_the_inventory_lists_the_living(store):
    store.current_or_new(PROJECT, AGENCY)
    store.current_or_new(PROJECT, OTHER)
    store.destroy(PROJECT, AGENCY)

    assert [record.organisation for record in store.inventory()] == [OTHER]


def test_keys_are_filed_under_plain_ids_only(store):
    with pytest.raises(ValueError, match="plain ids"):
        store.current_or_new("../../etc", AGENCY)


def test_a_wrapped_key_is_bound_to_its_purpose():
    under, key = os.urandom(32), os.urandom(32)
    wrapped = keys.wrap(key, under=under, context=b"file 1")

    assert keys.unwrap(wrapped, under=under, context=b"file 1") == key
    for bad in (wrapped[:-1], b"", bytes([wrapped[0] ^ 1]) + wrapped[1:]):
        with pytest.raises(WrongKey):
            keys.unwrap(bad, under=under, context=b"file 1")
    with pytest.raises(WrongKey):
        keys.unwrap(wrapped, under=under, context=b"file 2")


def test_a_master_key_is_never_replaced_and_never_readable_by_others(master):
    with pytest.raises(FileExistsError):
        MasterKeyFile.create(master)
    master.chmod(0o644)
    with pytest.raises(Unreadable, match="chmod 600"):
        MasterKeyFile(master)


def test_secret_files_are_written_whole_or_not_at_all(tmp_path, monkeypatch):
    def crash(*_):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", crash)
    with pytest.raises(OSError, match="No space"):
        write_new(tmp_path / "deep" / "secret", b"x")
    monkeypatch.undo()

    assert list((tmp_path / "deep").iterdir()) == []
    write_new(tmp_path / "deep" / "secret", b"x")
    assert read_private(tmp_path / "deep" / "secret") == b"x"
    destroy_file(tmp_path / "deep" / "secret")
    destroy_file(tmp_path / "deep" / "secret")
    assert list((tmp_path / "deep").iterdir()) == []
