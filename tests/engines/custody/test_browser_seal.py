"""What the page's script seals, the vault opens: run in Node, whose WebCrypto is that of a browser."""

import hashlib
import json
import random
import shutil
import subprocess
import sys
from io import BytesIO
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey

from p20win.custody.engine import pieces
from p20win.custody.engine.errors import Broken, WrongKey
from p20win.custody.engine.streaming import HEADER_SIZE, ROOM

SCRIPT = Path(__file__).resolve().parents[3] / "static" / "p20" / "seal.js"
NODE = shutil.which("node") or shutil.which("node", path=str(Path(sys.executable).parent))
RUN = """
const fs = require("fs");
eval(fs.readFileSync(process.argv[1], "utf8"));
const told = JSON.parse(process.argv[2]);
(async () => {
  const file = new Blob([fs.readFileSync(told.file)]);
  const vault = p20seal.readKey(told.vault);
  const source = p20seal.source(file, { vault, slot: "slot-1", attempt: () => "attempt-1" });
  const out = fs.openSync(told.out, "w");
  for (let at = 0; at < source.size; at += told.part) {
    await source.slice(at, at + told.part);  // sent, lost, and sent again
    const { value, done } = await source.slice(at, at + told.part);
    fs.writeSync(out, new Uint8Array(await value.arrayBuffer()));
    if (done !== at + told.part >= source.size) throw new Error("done");
  }
  fs.closeSync(out);
  if (told.changes) {
    const slice = (a, b) => told.changes-- > 0 ? file.slice(a, b) : new Blob(["x"]);
    const other = { size: file.size, slice };
    const changing = p20seal.source(other, { vault, slot: "s", attempt: () => "a" });
    await changing.slice(0, 1000);
    await changing.slice(0, 1000).then(() => { throw new Error("sent"); }, () => 0);
  }
})();
"""

pytestmark = pytest.mark.skipif(not NODE, reason="Node is missing; ./run and ./test install it")


def sealed(folder, content, key, part, changes=0):
    (folder / "plain").write_bytes(content)
    told = {
        "file": str(folder / "plain"),
        "out": str(folder / "sealed"),
        "vault": pieces.vault_public_text(key.public_key()),
        "part": part,
        "changes": changes,
    }
    subprocess.run([NODE, "-e", RUN, str(SCRIPT), json.dumps(told)], check=True, timeout=120)
    return (folder / "sealed").read_bytes()


MIB = 1 << 20
EDGE = ROOM - HEADER_SIZE


@pytest.mark.parametrize(
    ("size", "part"),
    [(1, 50), (900, 100), (EDGE, MIB), (EDGE + 1, MIB), (EDGE + ROOM, 700_001), (2_500_000, 16 * MIB)],
)
def test_whatever_its_size_and_parts_the_vault_opens_it(tmp_path, size, part):
    key, content = X25519PrivateKey.generate(), random.Random(size).randbytes(size)
    made = sealed(tmp_path, content, key, part)

    assert len(made) == pieces.piece_size(size)
    place = pieces.Place("slot-1", "attempt-1", 0)
    opened = b"".join(pieces.open_piece(BytesIO(made), vault=key, place=place))
    assert hashlib.sha256(opened).digest() == hashlib.sha256(content).digest()


def test_it_is_bound_to_its_slot_and_attempt_and_shows_what_was_altered(tmp_path):
    key = X25519PrivateKey.generate()
    made = sealed(tmp_path, b"ID\tLAST\n", key, 1 << 20)
    for place in (pieces.Place("slot-2", "attempt-1", 0), pieces.Place("slot-1", "attempt-2", 0)):
        with pytest.raises(WrongKey):
            list(pieces.open_piece(BytesIO(made), vault=key, place=place))
    altered = made[:-1] + bytes([made[-1] ^ 1])
    with pytest.raises(Broken):
        list(pieces.open_piece(BytesIO(altered), vault=key, place=pieces.Place("slot-1", "attempt-1", 0)))


def test_a_file_that_changes_while_it_is_sent_is_not_sealed_twice_under_one_nonce(tmp_path):
    sealed(tmp_path, b"ID\tLAST\n", X25519PrivateKey.generate(), 1 << 20, changes=1)
