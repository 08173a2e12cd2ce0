"""The keys of an agency's machines, looked after by its data stewards: enrol, replace, revoke (T03).

Each act is signed like a paper, with name and password, and every steward of the agency hears of it. A new
key waits a day for its first use. Keys are kept for ever: a signature stands if the ledger has it between the
key's enrolment and its revocation.
"""

import datetime as dt
import hashlib
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from django.db import transaction
from django.db.models import QuerySet

from p20win.accounts.public import Role, SigningKey, User, enrol_key, people_with_role, revoke_key
from p20win.audit.public import events_of
from p20win.custody.engine import signing
from p20win.custody.engine.encoding import canonical
from p20win.custody.engine.errors import Unreadable
from p20win.custody.models import SealedFile
from p20win.refusal import Blocked
from p20win.signatures.public import sign

if TYPE_CHECKING:
    from p20win.accounts.models import Organisation

TEXT_VERSION: Final = "1"
ENROL: Final = "I enrol this key: what it signs counts as sent by my agency."
REVOKE: Final = "I revoke this key: nothing that it signs from now on is taken."


@dataclass(frozen=True)
class Proof:
    """How a steward shows once more who they are."""

    typed_name: str
    password: str


def keys_of(person: User) -> QuerySet[SigningKey]:
    """Return the keys of the agencies whose data steward this person is."""
    agencies = {organisation for role, organisation in person.roles() if role == Role.DATA_STEWARD}
    rows = SigningKey.objects.filter(organisation__in=agencies if person.has_good_standing else [])
    return rows.select_related("organisation", "enrolled_by", "revoked_by", "replaces")


def other_stewards(agency: "Organisation", person: User) -> QuerySet[User]:
    """Return who else watches over the agency's keys."""
    return people_with_role(Role.DATA_STEWARD, agency).exclude(pk=person.pk)


def read_public_key(text: str) -> bytes:
    """Read what `p20 keygen` or `ssh-keygen` made; return the raw key. :raises Blocked: if it is none"""
    try:
        key = signing.load_public(text.strip().encode())
    except Unreadable:
        raise Blocked(
            "This is not a public key. Copy what “p20 keygen” prints, BEGIN to END, or the one line in the "
            ".pub file that “ssh-keygen -t ed25519” made."
        ) from None
    return key.public_bytes(Encoding.Raw, PublicFormat.Raw)


@transaction.atomic
def enrol(
    agency: "Organisation",
    *,
    public_key: str,
    label: str,
    replaces: SigningKey | None,
    proof: Proof,
    by: User,
    at: dt.datetime,
) -> SigningKey:
    """Enrol a key, in place of another if one is named.

    :raises Blocked: if it is no key or known, the person is no steward, or did not prove who they are
    """
    raw = read_public_key(public_key)
    key = enrol_key(agency, public_key=raw, label=label, by=by, at=at, replaces=replaces)
    _sign("signing_key_enrolment", key, ENROL, proof, by=by, at=at)
    return key


@transaction.atomic
def revoke(key: SigningKey, *, reason: str, proof: Proof, by: User, at: dt.datetime) -> SigningKey:
    """Revoke a key at once.

    :raises Blocked: if it was before, the person is no steward, or did not prove who they are
    """
    revoked = revoke_key(key, by=by, at=at, note=reason)
    _sign("signing_key_revocation", key, REVOKE, proof, by=by, at=at)
    return revoked


def _sign(kind: str, key: SigningKey, intent: str, proof: Proof, *, by: User, at: dt.datetime) -> None:
    what = {
        "kind": kind,
        "organisation": key.organisation.slug,
        "key": key.fingerprint,
        "label": key.label,
        "replaces": key.replaces.fingerprint if key.replaces else None,
        "intent": intent,
    }
    sign(
        signer=by,
        organisation=key.organisation,
        capacity="data steward",
        project=None,
        document_kind=kind,
        document_id=key.pk,
        document_digest=hashlib.sha256(canonical(what)).hexdigest(),
        text_version=TEXT_VERSION,
        intent=intent,
        typed_name=proof.typed_name,
        password=proof.password,
        at=at,
    )


@dataclass(frozen=True)
class Signed:
    """A file whose statement a key signed, and whether that signature stands."""

    file: SealedFile
    line: int  # of the ledger
    stands: bool


def signed_with(key: SigningKey) -> list[Signed]:
    """Return what this key signed, each with its place in the ledger between enrolment and revocation."""
    lines = {event.event: event.seq for event in events_of(key)}
    begins, ends = lines.get("signing_key.enrolled"), lines.get("signing_key.revoked")
    found = []
    for file in SealedFile.objects.filter(signing_key=key).select_related("project").order_by("-pk"):
        announced = events_of(file).filter(event="file.announced").first()
        if announced is None:
            continue
        after = begins is not None and begins < announced.seq
        found.append(Signed(file, announced.seq, after and (ends is None or announced.seq < ends)))
    return found
