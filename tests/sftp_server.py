"""An SFTP server of a test's own, the stock client of OpenSSH, and paramiko as a client."""

import shutil
import subprocess
import threading
from contextlib import contextmanager

import paramiko
import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat, PublicFormat

from p20win.accounts.public import enrol_key
from p20win.custody.sftp import host_key, names, server, ssh
from tests import factories
from tests import factories_custody as custody

ROWS = "".join(f"a{n * 7919 % 20_000:07d}b\t\tLindqvist{n}\t\n" for n in range(20_000))  # ids in no order
CONTENT = ("ID\tSSN\tLAST\tDOB\n" + ROWS).encode()

needs_sftp = pytest.mark.skipif(
    not shutil.which("sftp"), reason="sftp is missing: apt-get install openssh-client"
)


@contextmanager
def serving(settings, folder):
    """Serve SFTP in threads of this process; return the server."""
    settings.P20WIN_SFTP_HOST_KEY = folder / "host-key.pem"
    settings.P20WIN_SFTP_PUBLIC = folder / "sftp-public"
    settings.SFTP_ADDRESS = "localhost:2222"
    host_key.make()
    running, stop = server.Server(("127.0.0.1", 0), host_key.read()), threading.Event()
    thread = threading.Thread(target=running.serve, args=(stop,))
    thread.start()
    try:
        yield running
    finally:
        stop.set()
        thread.join(20)
        assert not thread.is_alive()


class Machine:
    """An agency's machine with a key of its own."""

    def __init__(self, folder, steward, port, *, label="Nightly job"):
        self.folder, self.port = folder, port
        folder.mkdir(exist_ok=True)
        self.private = Ed25519PrivateKey.generate()
        raw = self.private.public_key().public_bytes(Encoding.Raw, PublicFormat.Raw)
        self.key = enrol_key(
            steward.organisation, public_key=raw, label=label, by=steward, at=factories.START
        )
        self.name = steward.organisation.slug
        self.path = folder / "key"
        self.path.touch(0o600)
        self.path.write_bytes(self.private.private_bytes(Encoding.PEM, PrivateFormat.OpenSSH, NoEncryption()))
        (folder / "known_hosts").write_text(f"[127.0.0.1]:{port} {host_key.public_line(host_key.read())}\n")

    def sftp(self, *lines, name=None, port=None, folder=None):
        """Have OpenSSH's own client do these lines; return what came of it."""
        given = {
            "IdentitiesOnly": "yes",
            "UserKnownHostsFile": str(self.folder / "known_hosts"),
            "GlobalKnownHostsFile": "/dev/null",
            "StrictHostKeyChecking": "yes",
            "HostKeyAlias": f"[127.0.0.1]:{self.port}",
            "PreferredAuthentications": "publickey",
        }
        options = [f"-o{key}={value}" for key, value in given.items()]
        argv = [
            "sftp",
            "-F",
            "/dev/null",
            *options,
            "-i",
            str(self.path),
            "-P",
            str(port or self.port),
            "-b",
            "-",
        ]
        return subprocess.run(
            [*argv, f"{name or self.name}@127.0.0.1"],
            input="".join(f"{line}\n" for line in lines),
            capture_output=True,
            text=True,
            timeout=120,
            cwd=folder or self.folder,
        )

    def send(self, path, slot, *, hashed=None):
        """Send a file and its hash, as the page of its slot says."""
        digest = custody.digest_of(path.read_bytes()) if hashed is None else hashed
        path.with_name(path.name + ".sha256").write_text(f"{digest}  {path.name}\n")
        folder = names.folder_of(slot)
        return self.sftp(f"put {path} {folder}/", f"put {path}.sha256 {folder}/")

    @contextmanager
    def connected(self, *, name=None, key=None):
        """Connect with paramiko."""
        client = paramiko.Transport(("127.0.0.1", self.port))
        try:
            client.connect(username=name or self.name, pkey=key or ssh._key(self.private))
            yield paramiko.SFTPClient.from_transport(client)
        finally:
            client.close()


def on_disk(vault):
    """Return the files that lie under the media folder."""
    return [path for path in (vault / "media").rglob("*") if path.is_file()]


def place(slot, file):
    """Return where a file is sent to."""
    return f"{names.folder_of(slot)}/{file.name}"
