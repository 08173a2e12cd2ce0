"""The signed list of agencies' keys, beside the hub's in the trust file: made by the vault from the ledger.

No row is believed (T34): a key stands in the list as the ledger has it enrolled, replaced and revoked, with
the times at which the lines were written.
"""

import datetime as dt
from collections.abc import Iterator
from pathlib import Path
from typing import Final

from django.conf import settings

from p20win.accounts.public import SigningKey
from p20win.audit.public import Event, events_of
from p20win.custody import statements, vault_keys
from p20win.custody.engine import agencykeys, signing
from p20win.custody.engine.agencykeys import AgencyKey
from p20win.custody.engine.encoding import to_text
from p20win.custody.engine.errors import CustodyError

FILE: Final = "agency-keys.pem"
RENEWED: Final = dt.timedelta(days=1)


def publish_if_due(*, now: dt.datetime) -> None:
    """Sign the list anew if a key came, ended or was revoked, or the last is a day old. In the vault."""
    key, listed = vault_keys.private_keys().hub, list(_listed())
    signs = signing.public_text(key.public_key())
    try:
        last = agencykeys.read_list(agencykeys.read_block(block()), hub=[signs])
        made = dt.datetime.fromisoformat(last.made)
        if list(last.keys) == listed and made <= now < made + RENEWED:
            return
    except CustodyError:
        pass  # there is none yet, or the hub's former key signed it
    vault_keys.publish(FILE, agencykeys.as_block(agencykeys.sign_list(listed, key=key, made=now)))


def block() -> bytes:
    """Return the list as a block of the trust file, as the vault published it last; empty if it has not."""
    try:
        return (Path(settings.P20WIN_VAULT_PUBLIC) / FILE).read_bytes()
    except FileNotFoundError:
        return b""


def _listed() -> Iterator[AgencyKey]:
    for key in SigningKey.objects.select_related("organisation").order_by("enrolled_at", "pk"):
        if (listed := _as_the_ledger_has_it(key)) is not None:
            yield listed


def _as_the_ledger_has_it(key: SigningKey) -> AgencyKey | None:
    """Return a key with its times; nothing if no line enrolled this very key for this agency."""
    lines: dict[str, Event] = {}
    for line in events_of(key).order_by("seq"):
        lines.setdefault(line.event, line)  # the first: what somebody adds later changes nothing
    text = to_text(bytes(key.public_key))
    enrolled = lines.get("signing_key.enrolled")
    if enrolled is None or enrolled.organisation_id != key.organisation_id:
        return None
    if enrolled.details.get("fingerprint") != agencykeys.mark_of(text):
        return None
    begins = statements.written(enrolled)
    replaced, revoked = lines.get("signing_key.replaced"), lines.get("signing_key.revoked")
    return AgencyKey(
        key=text,
        organisation=str(key.organisation_id),
        name=key.organisation.legal_name,
        enrolled=begins.isoformat(),
        usable=(begins + statements.COOLING).isoformat(),
        ends=str(replaced.details.get("ends_at", "")) if replaced else "",
        revoked=statements.written(revoked).isoformat() if revoked else "",
    )
