"""The way to the database and the broker: TLS 1.2, one authority, the right name, or nothing (C11)."""

import datetime as dt
import os
import socket
import ssl
import struct
import subprocess
import sys
import threading
import warnings
from contextlib import closing, suppress

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from cryptography.x509.oid import NameOID
from django.conf import settings

from tests.unit.test_modes import PRODUCTION

pytestmark = [pytest.mark.obligation("O-58")]
SSL_REQUEST = struct.pack(">II", 8, 80877103)
GO_AWAY = b"E" + struct.pack(">I", 28) + b"SFATAL\0C28000\0Mgo away\0\0"
HUSH = "hush-hush-password"


def certificate(folder, name, host):
    """Write a certificate that signs itself, and its key; return the path of both in one file."""
    key, title = (
        ec.generate_private_key(ec.SECP256R1()),
        x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, host)]),
    )
    now = dt.datetime.now(dt.UTC)
    made = (
        x509.CertificateBuilder(title, title, key.public_key(), x509.random_serial_number())
        .not_valid_before(now - dt.timedelta(hours=1))
        .not_valid_after(now + dt.timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([x509.DNSName(host)]), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .sign(key, SHA256())
    )
    path = folder / f"{name}.pem"
    path.write_bytes(
        key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()) + made.public_bytes(Encoding.PEM)
    )
    return path


@pytest.fixture(scope="module")
def papers(tmp_path_factory):
    """Return the right authority, another one for the same host, and one for another host."""
    folder = tmp_path_factory.mktemp("papers")
    hosts = {"right": "localhost", "other": "localhost", "elsewhere": "elsewhere.example.org"}
    return {name: certificate(folder, name, host) for name, host in hosts.items()}


class Listener(threading.Thread):
    """A server that notes what it is told first, by TLS or in the clear."""

    def __init__(self, paper, *, speaks="tls", like_postgres=False):
        super().__init__()
        self._door = socket.create_server(("localhost", 0))
        self.port = self._door.getsockname()[1]
        self._speaks, self._like_postgres = speaks, like_postgres
        self.asked, self.told = 0, b""
        self._context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        self._context.load_cert_chain(paper)
        if speaks == "old tls":
            self._context.set_ciphers("ALL:@SECLEVEL=0")
            with warnings.catch_warnings(action="ignore"):
                self._context.minimum_version = self._context.maximum_version = ssl.TLSVersion.TLSv1_1
        self.start()

    def run(self):
        while True:
            line, _ = self._door.accept()
            line.settimeout(5)
            self.asked += 1
            with closing(line), suppress(OSError):
                if line.recv(4, socket.MSG_PEEK) == b"over":
                    return
                self._answer(line)

    def _answer(self, line):
        if self._like_postgres:
            while (asked := line.recv(8)) and asked != SSL_REQUEST:
                line.sendall(b"N")  # another kind of encryption than TLS
            line.sendall(b"N" if self._speaks == "nothing" else b"S")
        if self._speaks == "nothing":
            self._hear(line)
        else:
            with self._context.wrap_socket(line, server_side=True) as sealed:
                self._hear(sealed)

    def _hear(self, line):
        self.told += line.recv(1000)
        line.sendall(GO_AWAY if self._like_postgres else b"-ERR go away\r\n")

    def close(self):
        with socket.create_connection(("localhost", self.port)) as line:
            line.sendall(b"over")
        self.join(20)
        self._door.close()


def start(what, paper, **environment):
    """Start what a program of production begins with; return whether it did, and its words."""
    kept = {k: v for k, v in os.environ.items() if not k.startswith(("P20WIN_", "PG"))} | PRODUCTION
    kept |= {"DJANGO_SETTINGS_MODULE": "p20win.settings", "PGSSLROOTCERT": str(paper)} | environment
    done = subprocess.run(
        [sys.executable, *what], cwd=settings.BASE_DIR, env=kept, capture_output=True, text=True, timeout=60
    )
    return done.returncode == 0, done.stdout + done.stderr


REFUSED = {
    "another authority": ("other", "tls"),
    "another name": ("elsewhere", "tls"),
    "an old version": ("right", "old tls"),
    "no TLS": ("right", "nothing"),
}


def to_database(listener, paper):
    address = f"postgres://p20_web:{HUSH}@localhost:{listener.port}/p20win"
    return start(["manage.py", "check", "--database", "default"], paper, DATABASE_URL=address)


def to_broker(listener, paper):
    address = f"rediss://:{HUSH}@localhost:{listener.port}/0?ssl_cert_reqs=required&ssl_ca_certs={paper}"
    look = (
        "import django; django.setup(); from p20win.celery import app;"
        "app.connection().ensure_connection(max_retries=1, interval_start=0)"
    )
    return start(["-c", look], paper, BROKER_URL=address)


@pytest.mark.parametrize("case", REFUSED)
@pytest.mark.parametrize("reach", [to_database, to_broker])
def test_c11_a_server_that_is_not_the_right_one_is_told_nothing_and_nothing_starts(papers, reach, case):
    paper, speaks = REFUSED[case]
    trusted = papers["elsewhere"] if paper == "elsewhere" else papers["right"]
    with closing(Listener(papers[paper], speaks=speaks, like_postgres=reach is to_database)) as listener:
        started, said = reach(listener, trusted)
    assert not started
    assert listener.asked > 1  # it was tried; the last who came was we
    assert HUSH.encode() not in listener.told
    assert b"p20_web" not in listener.told
    assert HUSH not in said


@pytest.mark.parametrize(("reach", "told"), [(to_database, b"p20_web"), (to_broker, HUSH.encode())])
def test_c11_the_right_one_is_spoken_to(papers, reach, told):
    with closing(Listener(papers["right"], like_postgres=reach is to_database)) as listener:
        reach(listener, papers["right"])
    assert told in listener.told


@pytest.mark.parametrize("mode", ["disable", "prefer", "require", "verify-ca"])
def test_c11_no_address_of_the_database_weakens_that(mode):
    address = f"postgres://portal:{HUSH}@db.example.org/p20win?sslmode={mode}"
    started, said = start(
        ["-c", "from django.conf import settings; settings.DEBUG"], "/x", DATABASE_URL=address
    )
    assert not started
    assert f"sslmode={mode}" in said
    assert HUSH not in said
