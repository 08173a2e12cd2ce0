"""The SFTP server's parts by themselves: its protocol, its guard, who is turned away, names of folders."""

import socket
import struct
from unittest import mock

import paramiko
import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from django.core.management import CommandError, call_command

from p20win import clock, programs
from p20win.accounts.public import SigningKey
from p20win.custody.sftp import host_key, logins, names, protocol, ssh
from p20win.custody.sftp import server as servers
from p20win.refusal import Blocked
from tests import factories
from tests import factories_custody as custody


class Line:
    """A client that says what it was given, and hears what is answered."""

    def __init__(self, *packets):
        self._said = b"".join(struct.pack(">I", len(each)) + each for each in packets)
        self.heard = b""

    def recv(self, size):
        taken, self._said = self._said[:size], self._said[size:]
        return taken

    def sendall(self, content):
        self.heard += content

    def answers(self):
        rest, found = self.heard, []
        while rest:
            size = int.from_bytes(rest[:4], "big")
            found.append(rest[4 : 4 + size])
            rest = rest[4 + size :]
        return found


class Nothing:
    """Folders in which nothing stands and every act is remembered."""

    def __init__(self):
        self.asked = []

    def look(self, path):
        self.asked.append(path)
        raise protocol.Refused(protocol.NO_SUCH_FILE, "There is nothing of that name.")

    def names(self, path):
        return []

    def open(self, path, wanted):
        raise Blocked("The time to send this file is over.")

    def remove(self, path):
        raise RuntimeError("Lindqvist")


def octets(text):
    raw = text.encode() if isinstance(text, str) else text
    return struct.pack(">I", len(raw)) + raw


def asked(kind, *parts, number=7):
    return bytes([kind]) + struct.pack(">I", number) + b"".join(parts)


HELLO = bytes([protocol.INIT]) + struct.pack(">I", 3)


def talked(*packets):
    line, folders, told = Line(HELLO, *packets), Nothing(), []
    talk = protocol.Conversation(line, folders, tell=told.append, done=lambda: None)
    talk.run()
    talk.end(keep=True)
    return line.answers()[1:], folders.asked, told


def status(answer):
    assert answer[0] == protocol.STATUS
    return int.from_bytes(answer[5:9], "big")


@pytest.mark.parametrize(
    ("path", "meant"),
    [
        ("../../etc/passwd", "/etc/passwd"),
        ("/a/../../b", "/b"),
        ("a//./b/", "/a/b"),
        ("", "/"),
        ("..", "/"),
        ("~/.ssh/key", "/~/.ssh/key"),
    ],
)
def test_above_the_root_there_is_nothing(path, meant):
    (answer,), paths, _ = talked(asked(protocol.STAT, octets(path)))
    assert paths == [meant]
    assert status(answer) == protocol.NO_SUCH_FILE


@pytest.mark.parametrize(
    "packet",
    [
        asked(protocol.STAT, octets("a" * 1025)),
        asked(protocol.STAT, octets(b"\xff\xfe")),
        asked(protocol.STAT, struct.pack(">I", 0xFFFFFFFF)),  # a name longer than its packet
        asked(protocol.OPEN, octets("x")),  # no flags
        asked(protocol.WRITE, octets(b"9"), struct.pack(">Q", 0), octets(b"x")),  # never opened
        asked(protocol.CLOSE, octets(b"1")),
        asked(protocol.FSETSTAT, octets(b"1"), struct.pack(">II", 0x80000000, 0xFFFFFFFF)),
        asked(protocol.MKDIR, octets("x")),
        asked(protocol.RENAME, octets("x"), octets("y")),
        asked(protocol.SYMLINK, octets("/etc/passwd"), octets("y")),
        asked(protocol.READLINK, octets("y")),
        asked(200, octets("posix-rename@openssh.com"), octets("x"), octets("y")),
        asked(99),
    ],
)
def test_what_makes_no_sense_or_is_not_done_here_is_refused_and_the_session_goes_on(packet):
    answers, _, _ = talked(packet, asked(protocol.REALPATH, octets(".")))
    assert status(answers[0]) not in (protocol.OK, protocol.EOF)
    assert answers[1][0] == protocol.NAME


def test_a_line_that_is_cut_ends_the_session_whatever_it_raises(monkeypatch):
    session = servers.Session(mock.Mock(), "192.0.2.7", Ed25519PrivateKey.generate())
    monkeypatch.setattr(session, "key", mock.Mock(pk=1))
    monkeypatch.setattr(servers.Session, "is_in", True)
    for trouble in ssh.CUT:
        channel = mock.Mock(recv=mock.Mock(return_value=struct.pack(">I", 5) + HELLO))
        channel.sendall.side_effect = channel.send_exit_status.side_effect = trouble
        session.converse(channel)
        assert channel.sendall.called
        assert session.has_left(float("inf"))


@pytest.mark.parametrize("size", [0, protocol.LONGEST + 1, 0x7FFFFFFF])
def test_a_packet_of_such_a_size_ends_the_session_before_it_is_read(size):
    line = Line(HELLO)
    line._said += struct.pack(">I", size) + b"x" * 100
    protocol.Conversation(line, Nothing(), tell=print, done=lambda: None).run()
    assert len(line.answers()) == 1
    assert len(line._said) in (0, 100)


@pytest.mark.parametrize("kind", [protocol.WRITE, protocol.STAT, protocol.INIT, 200])
@pytest.mark.parametrize("size", [1, 2, 3, 4])
def test_a_packet_shorter_than_its_header_is_told_and_ends_the_session(kind, size):
    answers, paths, told = talked(asked(kind)[:size], asked(protocol.STAT, octets("/")))
    assert (answers, paths) == ([], [])
    assert told == ["A request must have a number. The session ends."]


@pytest.mark.parametrize("size", [1, 2, 3, 4])
def test_a_greeting_shorter_than_its_header_never_raises(size):
    line, told = Line(HELLO[:size], asked(protocol.STAT, octets("/"))), []
    protocol.Conversation(line, Nothing(), tell=told.append, done=lambda: None).run()
    assert (line.answers(), len(told)) == ([], 1)


def test_a_refusal_is_told_in_words_and_a_failure_tells_no_value(caplog):
    answers, _, told = talked(
        asked(protocol.OPEN, octets("x/y"), struct.pack(">II", 0x1A, 0)),
        asked(protocol.REMOVE, octets("x/y")),
    )
    assert status(answers[0]) == protocol.PERMISSION_DENIED
    assert told[0] == "The time to send this file is over."
    assert status(answers[1]) == protocol.FAILURE
    assert "Lindqvist" not in "".join(told) + caplog.text
    assert "RuntimeError" in caplog.text


def test_no_more_than_a_few_files_are_open_at_once():
    many = [asked(protocol.OPENDIR, octets("/"))] * (protocol.OPEN_AT_ONCE + 1)
    answers, _, _ = talked(*many)
    assert {each[0] for each in answers[:-1]} == {protocol.HANDLE}
    assert status(answers[-1]) == protocol.FAILURE


class TestGuard:
    @pytest.fixture
    def guarded(self):
        ours, theirs = socket.socketpair()
        with ours, theirs:
            yield ssh.Guarded(ours), theirs

    def test_a_packet_is_no_longer_than_its_limit_whatever_its_head_says(self, guarded):
        guard, theirs = guarded
        theirs.sendall(struct.pack(">IB", 0x7FFFFFF4, 4) + b"x" * 1000)
        with pytest.raises(ssh.Unwanted, match="too large"):
            guard.read_message()

    def test_a_greeting_ends(self, guarded):
        guard, theirs = guarded
        theirs.sendall(b"x" * 10_000)
        with pytest.raises(ssh.Unwanted, match="greeting"):
            guard.readline(5)

    @pytest.mark.parametrize("kind", [60, 61, 63, 66, 81, 91, 192])
    def test_messages_that_no_client_needs_are_not_read(self, guarded, kind):
        guard, theirs = guarded
        body = bytes([10, kind]) + b"\xff" * 5 + b"\0" * 13
        theirs.sendall(struct.pack(">I", len(body)) + body)
        with pytest.raises(ssh.Unwanted, match="kind"):
            guard.read_message()

    def test_what_a_client_tells_of_its_extensions_is_passed_over(self, guarded):
        guard, theirs = guarded
        body = bytes([10, 7]) + b"\xff" * 5 + b"\0" * 13
        theirs.sendall(struct.pack(">I", len(body)) + body)
        assert guard.read_message()[0] == 2

    def test_who_sends_more_than_was_asked_for_is_cut(self, guarded):
        guard, _ = guarded
        guard.waiting = lambda: 3 * ssh.WINDOW
        with pytest.raises(ssh.Unwanted, match="more than it may"):
            guard.read_all(16)

    def test_only_what_is_modern_is_offered(self):
        ours, theirs = socket.socketpair()
        with ours, theirs:
            made = ssh.transport(ours, Ed25519PrivateKey.generate())
        options = made.get_security_options()
        assert set(options.kex) == set(ssh.KEX)
        assert set(options.ciphers) == {"aes256-gcm@openssh.com", "aes128-gcm@openssh.com", "aes256-ctr"}
        assert all("sha2" in each and "etm" in each for each in options.digests)
        assert (options.compression, options.key_types) == (("none",), ("ssh-ed25519",))
        assert isinstance(made.packetizer, ssh.Guarded)
        assert paramiko.__version__.startswith("5.")  # the guard leans on a method that is its own affair


class TestThrottle:
    def test_after_some_failures_an_address_is_turned_away_for_a_while(self):
        throttle = logins.Throttle()
        for second in range(logins.FAILURES):
            assert not throttle.turns_away("192.0.2.7", now=second)
            throttle.failed("192.0.2.7", now=second)
        assert throttle.turns_away("192.0.2.7", now=logins.FAILURES)
        assert not throttle.turns_away("192.0.2.8", now=logins.FAILURES)
        assert not throttle.turns_away("192.0.2.7", now=logins.WITHIN + 1)
        throttle.succeeded("192.0.2.7")
        assert not throttle.turns_away("192.0.2.7", now=logins.FAILURES)

    def test_a_subscriber_of_many_addresses_is_one(self):
        throttle = logins.Throttle()
        for each in range(logins.FAILURES):
            throttle.failed(f"2001:db8:1:2::{each:x}", now=0)
        assert throttle.turns_away("2001:db8:1:2:ffff::1", now=1)
        assert not throttle.turns_away("2001:db8:1:3::1", now=1)

    def test_it_forgets_rather_than_grows(self, monkeypatch):
        monkeypatch.setattr(logins, "ADDRESSES", 10)
        throttle = logins.Throttle()
        for each in range(100):
            throttle.failed(f"192.0.2.{each}", now=each)
        assert len(throttle._failures) == 10


@pytest.mark.parametrize(
    ("written", "read"),
    [
        (b"A" * 64 + b"  FILE\n", "a" * 64),
        (b"SHA256 (FILE) = " + b"b" * 64, "b" * 64),
        (b"a" * 64 + b" " + b"b" * 64, ""),
        (b"a" * 63, ""),
        (b"a" * 128, ""),
        (b"", ""),
    ],
)
def test_a_hash_is_read_as_the_usual_programs_write_it(written, read):
    assert names.read_sum(written) == read


@pytest.mark.parametrize("text", ["host", "host:", ":22", "host:0", "host:99999", "host:2x"])
def test_an_address_that_is_none_is_refused(text):
    with pytest.raises(ValueError, match="not a host and a port"):
        host_key.read_address(text)


def test_it_is_off_unless_configured_and_never_part_of_the_vault(settings, tmp_path):
    with pytest.raises(CommandError, match="SFTP is off"):
        call_command("sftp")
    settings.SFTP_ADDRESS, settings.P20WIN_IS_VAULT = "localhost:2222", True
    with pytest.raises(CommandError, match="must not be able to open"):
        call_command("sftp")
    settings.P20WIN_IS_VAULT, settings.PRODUCTION = False, True
    settings.P20WIN_VAULT_PUBLIC = tmp_path
    with pytest.raises(CommandError, match="custody_keys init"):
        call_command("sftp")
    assert "sftp" not in programs.wanted({})
    assert programs.wanted({"SFTP_ADDRESS": "localhost:2222"})[-1] == "sftp"


def test_the_health_page_says_how_it_is(settings, tmp_path, monkeypatch):
    assert host_key.state() == (True, "Off: SFTP_ADDRESS is not set.")
    settings.SFTP_ADDRESS = "sftp.example.org:22"
    settings.P20WIN_SFTP_PUBLIC, settings.P20WIN_SFTP_HOST_KEY = tmp_path / "public", tmp_path / "key.pem"
    assert host_key.state()[0] is False
    assert host_key.door() is None
    assert host_key.make()
    assert not host_key.make()
    host_key.publish(host_key.read())
    host_key.say_serving(3)
    ok, says = host_key.state()
    assert ok
    assert "3 logged in" in says
    assert host_key.door().fingerprint in says
    later = clock.real_now() + 2 * host_key.SILENT_AFTER
    monkeypatch.setattr(clock, "real_now", lambda: later)
    assert "does not serve" in host_key.state()[1]


@pytest.mark.django_db
def test_a_folder_keeps_its_name_whatever_else_is_opened():
    agency = factories.organisation()
    first = custody.a_slot(agency, title="Matching file, SDE")
    name = names.folder_of(first)
    assert name == f"{first.project.number}-matching-file-sde"
    second = custody.a_slot(agency, project=first.project, title="Matching file, SDE")
    assert names.folder_of(first) == name
    assert names.folder_of(second).startswith(f"{name}-")
    key = SigningKey(organisation=agency, enrolled_by=factories.steward(agency))
    assert names.folders_of(key) == {name: first, names.folder_of(second): second}
