"""The one signing act (O-53): intent, identity, time and the document's digest on record."""

import datetime as dt
from typing import TYPE_CHECKING, Final

from django.core.cache import cache
from django.db import IntegrityError, transaction

from p20win import clock
from p20win.refusal import Blocked
from p20win.signatures.models import Signature
from p20win.workflow import create

if TYPE_CHECKING:
    from p20win.accounts.models import Organisation, User
    from p20win.projects.models import Project

MOST_WRONG: Final = 5
WAIT_AFTER_WRONG: Final = dt.timedelta(minutes=15)


def sign(
    *,
    signer: "User",
    organisation: "Organisation | None",
    capacity: str,
    project: "Project | None",
    document_kind: str,
    document_id: object,
    document_digest: str,
    text_version: str,
    intent: str,
    typed_name: str,
    password: str,
    at: dt.datetime,
) -> Signature:
    """Sign one exact text. The signer proves once more who they are, by their password and typed name.

    :raises Blocked: if the password or the name is not theirs, they are not in good standing, or signed
    before
    """
    reasons = []
    if not signer.has_good_standing:
        reasons.append("Your account does not take part at present.")
    reasons += why_not_this_person(signer, password)
    if _folded(typed_name) != _folded(signer.name):
        reasons.append(f"Type your name as it stands on your account: {signer.name}.")
    if reasons:
        raise Blocked(reasons)
    row = Signature(
        signer=signer,
        organisation=organisation,
        capacity=capacity,
        project=project,
        document_kind=document_kind,
        document_id=str(document_id),
        document_digest=document_digest,
        text_version=text_version,
        intent=intent,
        typed_name=" ".join(typed_name.split()),
        signed_at=clock.real_now(),
        at=at,
    )
    details = {
        "document_kind": document_kind,
        "document_id": str(document_id),
        "document_digest": document_digest,
        "text_version": text_version,
        "capacity": capacity,
    }
    try:
        with transaction.atomic():
            return create("document.signed", row, by=signer, at=at, details=details)
    except IntegrityError:
        raise Blocked("You have signed this already.") from None


def why_not_this_person(person: "User", password: str) -> list[str]:
    """Say why this is not shown to be the person; after some wrong passwords even the right one must wait."""
    key = f"wrong-passwords:{person.pk}"
    if cache.get(key, 0) >= MOST_WRONG:
        minutes = WAIT_AFTER_WRONG // dt.timedelta(minutes=1)
        return [f"Too many wrong passwords. Wait {minutes} minutes, then try again."]
    if person.check_password(password):
        cache.delete(key)
        return []
    cache.add(key, 0, timeout=WAIT_AFTER_WRONG.total_seconds())
    cache.incr(key)
    return ["The password is not right. Type the one you sign in with."]


def _folded(name: str) -> str:
    return " ".join(name.split()).casefold()
