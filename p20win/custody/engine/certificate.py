"""What a certificate of destruction says of the ledger, held against the proofs of its lines."""

from collections.abc import Collection, Iterable
from dataclasses import dataclass
from typing import Any

from p20win.custody.engine import ledger_proof
from p20win.custody.engine.encoding import parse
from p20win.custody.engine.errors import Broken, Unreadable
from p20win.custody.engine.merkle import leaf_hash
from p20win.custody.engine.notes import Checkpoint

FORMAT = "p20win/certificate/1"
NAME = "certificate.json"  # the attachment of the PDF that programs read
PROOFS = "proof-line-"  # how the names of the attached proofs begin
TOLD = "data.destroyed"  # the event of which these lines tell


@dataclass(frozen=True)
class ProvenLines:
    """The lines of the ledger that a certificate names, which of them are proven, and by whose signature."""

    named: list[int]
    proven: list[int]
    checkpoint: Checkpoint | None

    @property
    def unproven(self) -> list[int]:
        """Return the lines for which no proof was given."""
        return [line for line in self.named if line not in self.proven]


def check(content: bytes, proofs: Iterable[bytes], keys: Collection[str] | None) -> ProvenLines:
    """This will hold the proofs against what the certificate says of the ledger.

    :raises Unreadable: if the certificate's own words, or a proof, cannot be read
    :raises Broken: if a proof is not of a line that it names, or of another ledger, or does not hold
    """
    said = parse(content)
    if said.get("format") != FORMAT or not isinstance(said.get("ledger"), list):
        raise Unreadable("What the certificate says of the ledger is not readable.")
    leaves: dict[Any, Any] = {
        entry.get("line"): entry.get("leaf") for entry in said["ledger"] if isinstance(entry, dict)
    }
    proven: dict[int, Checkpoint] = {}
    for each in proofs:
        document = parse(each)
        found = ledger_proof.verify(document, keys)
        _expect(found, document, leaves, origin=said.get("ledger_name"))
        proven[found.seq] = found.checkpoint
    return ProvenLines(sorted(leaves), sorted(proven), next(iter(proven.values()), None))


def _expect(
    found: ledger_proof.Proven, document: dict[str, Any], leaves: dict[Any, Any], *, origin: object
) -> None:
    if found.checkpoint.origin != origin:
        raise Broken("The proof is from another ledger than the certificate names.")
    if leaves.get(found.seq) != leaf_hash(str(document["line"]).encode()).hex():
        raise Broken(f"Line {found.seq} is proven, but it is not the line that the certificate names.")
    if found.line[1] != TOLD:
        raise Broken(f"Line {found.seq} does not tell of a destruction.")
