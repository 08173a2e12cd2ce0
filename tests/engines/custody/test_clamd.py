"""Scanning with the real clamd, and what is made of answers that it gives rarely."""

import datetime as dt
import socket
import threading

import pytest

from p20win.custody.engine.clamd import OVERLAP, Scan, ScannerAway, TooLarge, ask_version, read_address
from tests import clamd

MIB = 1 << 20


@pytest.fixture(scope="module")
def scanner():
    with clamd.running(most="3M") as running:
        yield read_address(running.address)


def scanned(address, *chunks, **options):
    scan = Scan(address, **options)
    for chunk in chunks:
        scan.update(chunk)
    return scan.finish()


@pytest.mark.xdist_group("clamd")
@clamd.needs_clamd
class TestTheRealScanner:
    @pytest.mark.obligation("O-62")
    def test_finds_the_test_string_and_nothing_in_a_plain_file(self, scanner):
        assert scanned(scanner, clamd.EICAR) == "Test.Eicar.UNOFFICIAL"
        assert scanned(scanner, b"ID\tNOTE\n", b"k3v9q2xw7z\tseen\n") == ""
        assert scanned(scanner) == ""

    @pytest.mark.parametrize("split", [1, 17, 40, 67])
    def test_finds_it_across_chunks(self, scanner, split):
        assert scanned(scanner, clamd.EICAR[:split], clamd.EICAR[split:])

    @pytest.mark.parametrize("before", [MIB - 30, MIB, 3 * MIB - 2 * OVERLAP - 5, 5 * MIB])
    def test_finds_it_in_any_window_of_a_long_file_and_across_their_ends(self, scanner, before):
        assert scanned(scanner, b"a" * before + clamd.EICAR + b"b" * MIB, window=MIB)

    def test_a_long_clean_file_is_clean_window_by_window(self, scanner):
        assert scanned(scanner, *[b"row\n" * (MIB // 4)] * 9, window=2 * MIB) == ""

    def test_a_scanner_that_takes_less_than_is_sent_clears_nothing_and_says_what_to_set(self, scanner):
        with pytest.raises(TooLarge, match="StreamMaxLength"):
            scanned(scanner, *[b"a" * MIB] * 6)

    def test_says_what_it_is(self, scanner):
        version = ask_version(scanner)
        assert version.program.startswith("ClamAV 1.")
        assert version.built is None  # our own signature has no date


class Answering:
    """Something that answers every connection alike, once it has read to the end of the question."""

    def __init__(self, answer, *, until=b"\0"):
        self._answer, self._until = answer, until
        self._socket = socket.create_server(("127.0.0.1", 0))
        self.address = read_address(f"tcp:127.0.0.1:{self._socket.getsockname()[1]}")
        threading.Thread(target=self._serve, daemon=True).start()

    def _serve(self):
        while True:
            try:
                line, _ = self._socket.accept()
            except OSError:
                return
            with line:
                said = b""
                while not said.endswith(self._until) and (part := line.recv(1 << 16)):
                    said = (said + part)[-16:]
                line.sendall(self._answer)

    def __enter__(self):
        return self.address

    def __exit__(self, *_):
        self._socket.close()


def test_the_age_of_the_definitions_is_read():
    with Answering(b"ClamAV 1.4.6/27500/Mon Nov 16 09:25:01 2026\0") as address:
        version = ask_version(address)
    assert (version.program, version.definitions) == ("ClamAV 1.4.6", "27500")
    assert version.built == dt.date(2026, 11, 16)
    with Answering(b"ClamAV 1.4.6/27500/yesterday\0") as address:
        assert ask_version(address).built is None


def test_what_is_no_clamav_is_not_believed():
    with (
        Answering(b"220 mail.example.org ESMTP\0") as address,
        pytest.raises(ScannerAway, match="not ClamAV"),
    ):
        ask_version(address)


@pytest.mark.parametrize(
    ("answer", "error", "why"),
    [
        (b"stream: Can't allocate memory ERROR\0", ScannerAway, "could not scan"),
        (b"stream: Heuristics.Limits.Exceeded.MaxFileSize FOUND\0", TooLarge, "MaxFileSize"),
        (b"", ScannerAway, "broke off"),
        (b"OK\0", ScannerAway, "could not scan"),
        (b"\xff" * 9000, ScannerAway, "could not scan"),
    ],
)
def test_only_its_own_ok_clears_a_file(answer, error, why):
    with Answering(answer, until=bytes(4)) as address, pytest.raises(error, match=why):
        scanned(address, b"rows")


def test_a_name_of_a_signature_is_made_safe_to_show():
    with Answering(b"stream: <b>Odd</b> name FOUND\0", until=bytes(4)) as address:
        assert scanned(address, b"rows") == "_b_Odd_/b__name"


def test_a_scanner_that_says_nothing_is_away_after_a_while():
    with socket.create_server(("127.0.0.1", 0)) as silent:
        address = read_address(f"tcp:127.0.0.1:{silent.getsockname()[1]}")
        with pytest.raises(ScannerAway, match="does not answer"):
            scanned(address, b"rows", patience=0.2)
        with pytest.raises(ScannerAway, match="does not answer"):
            ask_version(address, patience=0.2)


def test_nobody_there():
    with pytest.raises(ScannerAway, match="does not answer"):
        Scan(read_address("unix:/nowhere/clamd.sock"))


def test_a_scan_that_is_broken_off_leaves_no_connection():
    with Answering(b"stream: OK\0", until=bytes(4)) as address:
        scan = Scan(address)
        scan.update(b"rows")
        scan.close()
        assert scan.finish() == ""


@pytest.mark.parametrize(
    "text", ["", "clamd.sock", "unix:clamd.sock", "tcp:host", "tcp::3310", "http:host:80"]
)
def test_an_address_in_another_form_is_refused(text):
    with pytest.raises(ValueError, match="Write the scanner's address"):
        read_address(text)


def test_both_forms_of_address_are_read():
    assert read_address("unix:/run/clamav/clamd.ctl").path == "/run/clamav/clamd.ctl"
    assert read_address("tcp://scanner:3310") == read_address("tcp:scanner:3310")
    assert read_address("tcp:[::1]:3310").host == "::1"
