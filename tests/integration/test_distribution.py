"""The distribution stands on its own: `p20` and the engines run where there is no Django."""

import csv
import datetime as dt
import json
import os
import random
import subprocess
import sys
import threading
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey

from p20win.custody.engine import age, hubkeys, signing

FIRST = "Ada Bo Cyril Dora Emil Freya Gus Hedda Ivo Juno Karl Lena Milo Nora Otto Pia".split()
LAST = "Aalto Birk Corvin Dahl Ekman Falk Grimm Holt Iversen Jarl Krogh Lund Moen".split()
ROOT = Path(__file__).resolve().parents[2]
UV = Path(sys.executable).with_name("uv")

pytestmark = pytest.mark.long


def _run(*argv, cwd=None, check=True):
    return subprocess.run(
        [str(each) for each in argv], cwd=cwd, check=check, capture_output=True, text=True, timeout=600
    )


@pytest.fixture(scope="module")
def empty_home(tmp_path_factory):
    """Return an environment that holds the distribution and its locked base, and nothing else."""
    folder = tmp_path_factory.mktemp("empty")
    _run(UV, "build", "--wheel", "--out-dir", folder / "dist", ROOT)
    _run(UV, "venv", "--python", sys.executable, folder / "venv")
    python = folder / "venv" / "bin" / "python"
    _run(
        UV, "pip", "install", "--python", python, "--require-hashes", "-r", ROOT / "requirements" / "base.txt"
    )
    _run(UV, "pip", "install", "--python", python, "--no-deps", *(folder / "dist").glob("*.whl"))
    return folder


def _python(home):
    return home / "venv" / "bin" / "python"


def test_there_is_no_django_in_it(empty_home):
    found = _run(
        _python(empty_home),
        "-c",
        "import importlib.util as u; print([n for n in ('django', 'celery', 'guardian') if u.find_spec(n)])",
        cwd=empty_home,
    )

    assert found.stdout.strip() == "[]"


def test_p20_makes_a_key_and_tells_what_a_file_is(empty_home):
    p20 = empty_home / "venv" / "bin" / "p20"
    unknown = empty_home / "unknown.bin"
    unknown.write_bytes(b"nothing we know")

    made = _run(p20, "keygen", "--help", cwd=empty_home)
    verdict = _run(p20, "verify", unknown, "--json", cwd=empty_home, check=False)

    assert "keygen" in made.stdout
    assert verdict.returncode == 2
    assert json.loads(verdict.stdout)


def test_p20_pins_the_hubs_key_and_shows_what_that_signed(empty_home):
    now, hub = dt.datetime.now(dt.UTC), Ed25519PrivateKey.generate()
    recipient = age.recipient(X25519PrivateKey.generate().public_key())
    signs = signing.public_text(hub.public_key())
    keys = [
        hubkeys.HubKey("sign", 1, signs, now.isoformat()),
        hubkeys.HubKey("age", 1, recipient, now.isoformat()),
    ]
    signed = hubkeys.sign_list(keys, key=hub, version=1, made=now, expires=now + dt.timedelta(days=7))

    class Portal(BaseHTTPRequestHandler):
        def do_GET(self):
            self.send_response(200)
            self.end_headers()
            self.wfile.write(json.dumps(signed).encode())

    server = HTTPServer(("127.0.0.1", 0), Portal)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    told = {"P20_HOME": str(empty_home / "machine"), "PATH": os.environ["PATH"]}

    def p20(*argv):
        command = [empty_home / "venv" / "bin" / "p20", *argv]
        return subprocess.run(command, env=told, cwd=empty_home, capture_output=True, text=True, timeout=60)

    where = f"http://127.0.0.1:{server.server_port}"
    refused = p20("trust", where, "--fingerprint", "0" * 64)
    pinned = p20("trust", where, "--fingerprint", hubkeys.fingerprint(signs))
    shown = p20("keys", "--age")
    server.shutdown()
    server.server_close()

    assert (refused.returncode, pinned.returncode) == (3, 0)
    assert shown.stdout.strip() == recipient


def test_the_matching_engine_links(empty_home):
    draw = random.Random(5)
    people = [
        (
            f"{901000000 + 17 * n}",
            draw.choice(FIRST),
            draw.choice(LAST),
            f"{1990 + n % 12}{1 + n % 12:02d}{1 + n % 28:02d}",
        )
        for n in range(60)
    ]
    for name, prefix in (("a", "A"), ("b", "B")):
        with (empty_home / f"{name}.txt").open("w", newline="") as file:
            out = csv.writer(file, delimiter="\t")
            out.writerow(["synthetic_id", "SSN", "FirstName", "LastName", "DOB"])
            out.writerows([f"{prefix}{n:04d}", *person] for n, person in enumerate(people))

    _run(
        _python(empty_home),
        *("-m", "matching.engine", "link", "--out", "linked", "a=a.txt", "b=b.txt"),
        cwd=empty_home,
    )

    with (empty_home / "linked" / "crosswalk.csv").open() as file:
        crosswalk = list(csv.DictReader(file))
    assert len(crosswalk) == 120
    assert len({row["link_id"] for row in crosswalk}) == 60


def test_the_disclosure_engine_protects_and_audits(empty_home):
    (empty_home / "table.csv").write_text(
        "school,result,count\nEast,yes,3\nEast,no,40\nEast,Total,43\nWest,yes,30\nWest,no,50\nWest,Total,80\n"
        "South,yes,20\nSouth,no,25\nSouth,Total,45\nTotal,yes,53\nTotal,no,115\nTotal,Total,168\n"
    )

    _run(
        _python(empty_home),
        *("-m", "disclosure.engine", "protect", "table.csv", "--out", "out.csv", "--public", "public.csv"),
        cwd=empty_home,
    )
    audited = _run(_python(empty_home), "-m", "disclosure.engine", "audit", "public.csv", cwd=empty_home)

    assert audited.returncode == 0
    with (empty_home / "public.csv").open() as file:
        shown = {(r["school"], r["result"]): r["released"] for r in csv.DictReader(file)}
    assert shown["East", "yes"] == ""
