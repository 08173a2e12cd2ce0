"""The real clamd of Debian, with one signature of our own: that of the standard test string."""

import shutil
import subprocess
import tempfile
import time
from contextlib import contextmanager
from pathlib import Path

import pytest

from tools.machine import clamd

# In two halves, so that no scanner takes this file for the string itself.
EICAR = rb"X5O!P%@AP[4\PZX54(P^)7CC)7}$EICAR-STANDARD-" + rb"ANTIVIRUS-TEST-FILE!$H+H*"
CONFIG = """\
LocalSocket {folder}/clamd.sock
DatabaseDirectory {folder}/signatures
TemporaryDirectory {folder}/tmp
OfficialDatabaseOnly no
Foreground yes
SelfCheck 0
MaxThreads 2
StreamMaxLength {most}
"""
needs_clamd = pytest.mark.skipif(clamd() is None, reason="clamd is not installed (Debian: clamav-daemon)")


class Clamd:
    """One scanner that a test may stop and start again."""

    def __init__(self, folder, *, most):
        self.folder, self._process = folder, None
        for name in ("signatures", "tmp"):
            (folder / name).mkdir()
        (folder / "signatures" / "test.ndb").write_text(f"Test.Eicar:0:*:{EICAR.hex()}\n")
        (folder / "clamd.conf").write_text(CONFIG.format(folder=folder, most=most))
        self.address = f"unix:{folder}/clamd.sock"

    def start(self):
        self._process = subprocess.Popen(
            [clamd(), "-c", str(self.folder / "clamd.conf")],
            stdout=subprocess.DEVNULL,
            stderr=subprocess.STDOUT,
        )
        for _ in range(200):
            if (self.folder / "clamd.sock").exists():
                return
            time.sleep(0.05)
        raise AssertionError("clamd did not start.")

    def stop(self):
        if self._process:
            self._process.kill()
            self._process.wait()
            (self.folder / "clamd.sock").unlink(missing_ok=True)
            self._process = None


@contextmanager
def running(*, most="25M"):
    """Run a scanner of one's own; its folder has a short name, for that of a socket may not be long."""
    folder = Path(tempfile.mkdtemp(prefix="clamd-"))
    folder.chmod(0o755)
    scanner = Clamd(folder, most=most)
    try:
        scanner.start()
        yield scanner
    finally:
        scanner.stop()
        shutil.rmtree(folder)
