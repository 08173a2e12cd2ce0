"""What sealing, opening, reading what arrives and checking take at most, above the idle process.

python -m bench.custody_memory ACT FOLDER     does one act on FOLDER/plain; prints its peak in KiB
"""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, BinaryIO, Final

import pyrage
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey

from p20win.custody.engine import age, container, pieces
from p20win.custody.engine.container import Binding
from p20win.custody.engine.intake import IntakeCheck
from p20win.custody.engine.rules import from_spec

CHUNK: Final = 4 << 20
BINDING: Final = Binding("file", "project", "agency", "hub", "matching", 1)
_VAULT: Final = X25519PrivateKey.from_private_bytes(bytes(range(32)))
_PLACE: Final = pieces.Place("slot", "attempt", 0)
_RULE: Final = {
    "kind": "matching", "number": "DR-0034", "agencies": ["SDE"], "id_column": "ID", "id_prefix": "",
    "one_row_per": [["ID"]], "columns": [
        {"name": "ID", "form": "synthetic_id", "required": True}, {"name": "NOTE", "form": "text"},
    ],
}  # fmt: skip
_NOTE: Final = " ".join(["quiet", "meadow", "seven", "lantern"] * 18)


def chunks_of(source: BinaryIO) -> Iterator[memoryview]:
    """Give a file in chunks, each in the same memory."""
    room = memoryview(bytearray(CHUNK))
    while size := source.readinto(room):  # type: ignore[attr-defined]
        yield room[:size]


def _seal(place: Path) -> None:
    with (place / "plain").open("rb") as source, (place / "sealed").open("wb") as target:
        made = container.seal(chunks_of(source), target, key=bytes(32), binding=BINDING)
    (place / "told").write_text(f"{made.root.hex()} {made.sealed_bytes}")


def _open(place: Path) -> None:
    root, size = (place / "told").read_text().split()
    with (place / "sealed").open("rb") as source:
        _use(
            container.open_verified(
                source, key=bytes(32), binding=BINDING, root=bytes.fromhex(root), sealed_bytes=int(size)
            )
        )


def _arrive(place: Path) -> None:
    with (place / "plain").open("rb") as source, (place / "piece").open("wb") as target:
        sealer = pieces.PieceSealer(_VAULT.public_key(), _PLACE)
        for chunk in chunks_of(source):
            target.write(sealer.update(chunk))
        target.write(sealer.finish())


def _read_piece(place: Path) -> None:
    with (place / "piece").open("rb") as source:
        _use(pieces.open_piece(source, vault=_VAULT, place=_PLACE))


def _encrypt(place: Path) -> None:
    whom = pyrage.x25519.Recipient.from_str(age.recipient(_VAULT.public_key()))
    pyrage.encrypt_file(str(place / "plain"), str(place / "age"), [whom])


def _read_age(place: Path) -> None:
    with (place / "age").open("rb") as source:
        _use(age.open_file(source, identity=_VAULT))


def _check(place: Path) -> None:
    check = IntakeCheck(from_spec(_RULE), spill=place, smallest=6)
    left, number = (place / "plain").stat().st_size, 0
    check.update(b"ID\tNOTE\n")
    while left > 0:
        numbers = (n * 2654435761 % (1 << 32) for n in range(number, number + 2000))
        rows = "".join(f"a{n:010d}b\t{_NOTE}\n" for n in numbers)
        check.update(rows.encode())
        number, left = number + 2000, left - len(rows)
    report = check.finish()
    if not report.accepted or report.rows != number:
        raise SystemExit(f"The file was not taken: {dict(report.counts)}")


def _use(chunks: Iterator[Any]) -> None:
    for _ in chunks:
        pass


# What each act needs is made by the one before it; what is no reader's is not told of.
ACTS: Final[dict[str, Callable[[Path], None]]] = {
    "idle": lambda place: None,
    "seal": _seal,
    "open": _open,
    "arrive": _arrive,
    "read a piece": _read_piece,
    "encrypt with age": _encrypt,
    "read age": _read_age,
    "check": _check,
}
_OTHERS: Final = frozenset({"idle", "encrypt with age"})


def peaks(place: Path) -> dict[str, float]:
    """Measure each act on FOLDER/plain in a process of its own, in MiB above the idle one."""
    found = {}
    for act in ACTS:
        said = subprocess.run(
            [sys.executable, "-m", "bench.custody_memory", act, str(place)],
            cwd=Path(__file__).parents[1], capture_output=True, text=True, check=True,
        )  # fmt: skip
        found[act] = int(said.stdout) / 1024
    return {act: round(peak - found["idle"], 1) for act, peak in found.items() if act not in _OTHERS}


def main() -> None:
    """Do one act, and print this process's peak memory in KiB."""
    act, place = sys.argv[1:]
    Path("/proc/self/clear_refs").write_text("5")  # a process begins with the peak of the one that started it
    ACTS[act](Path(place))
    status = Path("/proc/self/status").read_text().splitlines()
    print(next(line.split()[1] for line in status if line.startswith("VmHWM")))


if __name__ == "__main__":
    main()
