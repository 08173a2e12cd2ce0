"""Who is let in by SFTP, and what they cannot do: other agencies, ended keys, hostile paths, two at once."""

import datetime as dt
import socket
import stat
import struct
import time

import paramiko
import pytest

from p20win import clock
from p20win.accounts.public import Standing, revoke_key
from p20win.custody.models import Upload
from p20win.custody.public import FileStatus, SealedFile, open_bytes
from p20win.custody.sftp import logins, names, ssh
from p20win.custody.sftp import server as servers
from p20win.processes import wait_until
from tests import factories
from tests import factories_custody as custody
from tests.sftp_server import CONTENT, Machine, needs_sftp, on_disk, place

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.xdist_group("sftp")]


HOSTILE = (
    "../../etc/passwd", "/etc/passwd", "{}/../../../etc/passwd", "{}/x/y", "{}/" + "a" * 300, "a" * 5000,
    "{}/..", "{}/x\0y", "{}/x\ny", "\u202e/x", "{}/-rf", "{}/'; DROP TABLE x", "{}/%2e%2e%2fx",
)  # fmt: skip


@needs_sftp
class TestLoggingIn:
    def refused(self, machine, **how):
        done = machine.sftp("ls", **how)
        return done.returncode != 0 and "Permission denied (publickey)" in done.stderr

    @pytest.mark.obligation("O-124")
    def test_another_agency_sees_and_fills_nothing_of_it(self, slot, machine, file, server, tmp_path):
        stranger = Machine(tmp_path / "stranger", factories.steward(factories.organisation()), server.port)
        other = custody.a_slot(stranger.key.organisation, title="Another file")
        folder = names.folder_of(slot)
        assert machine.sftp(f"put {file} {folder}/").returncode == 0
        listed = stranger.sftp("ls -1").stdout.splitlines()
        assert names.folder_of(other) in listed
        assert folder not in listed
        for line in (f"ls {folder}", f"put {file} {folder}/", f"get {place(slot, file)}.report.txt"):
            assert stranger.sftp(line).returncode != 0
        assert self.refused(stranger, name=machine.name)
        assert self.refused(machine, name=stranger.name)
        assert Upload.objects.get().sent_by == machine.key.enrolled_by

    def test_a_key_that_is_revoked_waits_or_is_unknown_opens_nothing(
        self, machine, steward, server, tmp_path
    ):
        assert machine.sftp("ls").returncode == 0
        agency = type(machine.key.organisation).objects.filter(pk=machine.key.organisation_id)
        agency.update(standing=Standing.SUSPENDED)
        assert self.refused(machine)
        agency.update(standing=Standing.ACTIVE)
        hosts = machine.folder / "known_hosts"
        right = hosts.read_text()
        hosts.write_text(right.replace("AAAAC3NzaC1lZDI1NTE5AAAAI", "AAAAC3NzaC1lZDI1NTE5AAAAJ"))
        assert machine.sftp("ls").returncode != 0  # the client stops before a server with another key
        hosts.write_text(right)
        revoke_key(machine.key, by=steward, at=clock.now())
        assert self.refused(machine)
        waiting = Machine(tmp_path / "waiting", steward, server.port)
        type(waiting.key).objects.filter(pk=waiting.key.pk).update(
            usable_from=clock.now() + dt.timedelta(hours=1)
        )
        assert self.refused(waiting)
        unknown = Machine(tmp_path / "unknown", steward, server.port)
        type(unknown.key).objects.filter(pk=unknown.key.pk).update(fingerprint="f" * 64)
        assert self.refused(unknown)


class TestSessions:
    def test_passwords_and_old_algorithms_are_not_taken(self, machine):
        client = paramiko.Transport(("127.0.0.1", machine.port))
        client.start_client(timeout=10)
        with pytest.raises(paramiko.BadAuthenticationType):
            client.auth_password(machine.name, factories.PASSWORD)
        client.close()
        old = paramiko.Transport(("127.0.0.1", machine.port))
        old.get_security_options().ciphers = ("aes128-cbc", "3des-cbc")
        with pytest.raises(paramiko.SSHException):
            old.start_client(timeout=10)
        old.close()

    def test_there_is_no_shell_no_forwarding_and_no_second_channel(self, machine):
        with machine.connected() as sftp:
            line = sftp.get_channel().get_transport()
            with pytest.raises(paramiko.ChannelException):
                line.open_session(timeout=5)
            with pytest.raises(paramiko.ChannelException):
                line.open_channel("direct-tcpip", ("127.0.0.1", 22), ("127.0.0.1", 1), timeout=5)
            with pytest.raises(paramiko.SSHException):
                line.request_port_forward("", 0)
            assert sftp.listdir("/")

    def test_hostile_paths_lead_nowhere(self, machine, slot, vault):
        before, folder = on_disk(vault), names.folder_of(slot)
        with machine.connected() as sftp:
            for path in HOSTILE:
                path = path.format(folder)
                for act in (
                    lambda path: sftp.open(path, "w").write("x"),
                    lambda path: sftp.open(path).read(),
                    lambda path: sftp.symlink("/etc/passwd", path),
                    lambda path: sftp.posix_rename(path, "/x"),
                    lambda path: sftp.remove(path),
                ):
                    with pytest.raises(OSError):  # noqa: PT011  # whatever it says
                        act(path)
            assert stat.S_ISDIR(sftp.stat("/..").st_mode)
        assert on_disk(vault) == before
        assert not Upload.objects.exists()

    def test_what_was_sent_is_not_read_and_not_written_out_of_order(self, machine, slot, file):
        with machine.connected() as sftp:
            sent = sftp.open(place(slot, file), "w+")
            sent.write(b"ID\tSSN")
            with pytest.raises(OSError, match="cannot be read"):
                sftp.open(place(slot, file)).read()
            sent.seek(100)
            with pytest.raises(OSError, match="Send in order: 6 bytes are here"):
                sent.write(b"x")
            with pytest.raises(OSError, match="size of a file cannot be set"):
                sent.truncate(2)
            sent.seek(6)
            sent.write(b"\tLAST")
            sent.close()
            assert sftp.stat(place(slot, file)).st_size == 11
        assert Upload.objects.get().offset == 11

    @pytest.mark.obligation("O-58")
    def test_revoked_in_the_middle_it_is_cut_within_five_seconds_and_nothing_more_counts(
        self, machine, slot, file, steward, vault
    ):
        with machine.connected() as sftp:
            sent = sftp.open(place(slot, file), "w")
            sent.write(CONTENT[:5000])
            revoke_key(machine.key, by=steward, at=clock.now())
            began = time.monotonic()
            with pytest.raises(ssh.CUT):
                while time.monotonic() - began < 20:
                    sent.write(CONTENT[5000:5010])
                    time.sleep(0.05)
            assert time.monotonic() - began < 5
        assert wait_until(lambda: not on_disk(vault / "media" / "incoming"), 5)
        assert Upload.objects.get().offset == 0
        assert SealedFile.objects.get().status == FileStatus.ANNOUNCED

    def test_of_two_connections_on_one_slot_one_is_believed(self, machine, slot, file):
        with machine.connected() as one, machine.connected() as other:
            first = one.open(place(slot, file), "w")
            first.write(CONTENT[:5000])
            second = other.open(place(slot, file), "w")  # begins anew
            second.write(custody.GOOD)
            second.close()
            first.close()  # paramiko does not look how that went
            assert b"Another connection began or continued this file" in one.get_channel().recv_stderr(1000)
            assert one.stat(place(slot, file)).st_size == len(custody.GOOD)
            hashed = other.open(place(slot, file) + ".sha256", "w")
            hashed.write(custody.digest_of(custody.GOOD))
            hashed.close()
            with pytest.raises(OSError, match="being checked already"):
                one.open(place(slot, file), "w")
            late = one.open(place(slot, file) + ".sha256", "w")
            with pytest.raises(OSError, match="Send the file first"):
                late.write("a" * 64)
        row = custody.checked(SealedFile.objects.get())
        assert row.status == FileStatus.ACCEPTED, row.report
        assert b"".join(open_bytes(row)) == custody.GOOD

    def test_a_client_that_looks_whether_all_is_there_finds_it(self, machine, slot, file):
        (machine.folder / "sum").write_text(custody.digest_of(CONTENT))
        with machine.connected() as sftp:
            sftp.put(str(file), place(slot, file), confirm=True)
            sftp.put(str(machine.folder / "sum"), place(slot, file) + ".sha256", confirm=True)
        assert custody.checked(SealedFile.objects.get()).status == FileStatus.ACCEPTED

    def test_a_packet_shorter_than_its_header_ends_its_session_and_no_other(
        self, machine, slot, file, server, monkeypatch
    ):
        raised = []
        monkeypatch.setattr(paramiko.SubsystemHandler, "_run", _noting(raised))
        with machine.connected() as good:
            for raw in (b"\x06", b"\x06\0", b"\x06\0\0", b"\x06\0\0\0"):
                with machine.connected() as bad:
                    line = bad.get_channel()
                    line.settimeout(5)
                    line.sendall(struct.pack(">I", len(raw)) + raw)
                    assert line.recv(100) == b""
                    assert line.recv_exit_status() == 0
                    assert (
                        line.recv_stderr(200) == b"p20win: A request must have a number. The session ends.\n"
                    )
            assert good.listdir("/") == [names.folder_of(slot)]
        assert wait_until(lambda: len(raised) == 5, 10)
        assert set(raised) == {None}

    def test_who_tries_keys_in_vain_is_turned_away(self, machine, server, monkeypatch):
        monkeypatch.setattr(logins, "FAILURES", 2)
        for _ in range(2):
            with pytest.raises(paramiko.AuthenticationException), machine.connected(name="nobody"):
                pass
        assert wait_until(lambda: server._throttle.turns_away("127.0.0.1", now=time.monotonic()), 10)
        assert _hangs_up(machine.port)
        server._throttle.succeeded("127.0.0.1")
        with machine.connected() as sftp:
            assert sftp.listdir("/")

    def test_a_stranger_who_says_nothing_or_too_much_is_cut(self, machine, monkeypatch):
        monkeypatch.setattr(servers, "LOGIN_SECONDS", 1.0)
        for said in (b"", b"SSH-2.0-x\r\n" + struct.pack(">I", 0x7FFFFFF4) + b"x" * 1000, b"x" * 100_000):
            with socket.create_connection(("127.0.0.1", machine.port), timeout=10) as line:
                line.sendall(said)
                assert _ends(line)


def _noting(raised):
    """Return what starts a subsystem as paramiko does, and notes what comes out of it."""

    def run(handler):
        try:
            handler.start_subsystem("sftp", handler.get_server(), handler._SubsystemHandler__channel)
            raised.append(None)
        except Exception as trouble:  # whatever it is
            raised.append(type(trouble).__name__)
        finally:
            handler._SubsystemHandler__channel.close()

    return run


def _ends(line):
    try:
        while line.recv(4096):
            pass
    except ConnectionResetError:
        pass
    return True


def _hangs_up(port):
    with socket.create_connection(("127.0.0.1", port), timeout=10) as line:
        try:
            return line.recv(4) == b""
        except ConnectionResetError:
            return True
