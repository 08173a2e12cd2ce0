"""The list of the hub's public keys for those who seal for it: signed in the vault, served to everyone.

What serves it cannot change it: whoever seals checks the signature by the hub's key that they pinned. It
holds for some days and is signed anew every day, so that an old one cannot be shown for long.
"""

import datetime as dt
from typing import TYPE_CHECKING, Any, Final

from p20win import policy
from p20win.custody import key_ring
from p20win.custody.engine import hubkeys, signing
from p20win.custody.engine.encoding import canonical, parse
from p20win.custody.engine.errors import CustodyError
from p20win.custody.engine.hubkeys import HubKey

if TYPE_CHECKING:
    from p20win.custody.vault_keys import VaultKeys

HOLDS: Final = dt.timedelta(days=policy.HUB_KEYS_DAYS)
RENEWED: Final = dt.timedelta(days=1)
_PURPOSES: Final = {key_ring.HUB: hubkeys.SIGN, key_ring.VAULT: hubkeys.SEAL, key_ring.AGE: hubkeys.AGE}


def renewed(keeper: "VaultKeys", published: bytes | None, *, now: dt.datetime) -> bytes | None:
    """Return the list signed anew; nothing if the published one is of today and names the same keys.

    Its number is the second of its signing, and more than the last one's: it grows without being remembered.
    """
    named = _named(keeper)
    last = _read(published, keeper)
    if last is not None and last["keys"] == [vars(each) for each in named]:
        made = dt.datetime.fromisoformat(last["made"])
        if made <= now < made + RENEWED:
            return None
    signed = hubkeys.sign_list(
        named,
        key=keeper.hub,
        version=max(int(now.timestamp()), last["version"] + 1 if last else 1),
        made=now,
        expires=now + HOLDS,
        successions=[each.succession for each in keeper.ring if each.succession is not None],
    )
    return canonical(signed) + b"\n"


def _named(keeper: "VaultKeys") -> list[HubKey]:
    """Return the keys that the list names: those to seal for while they open, those that sign for ever.

    A former key of the hub ends, for what it signs, when the next came into use.
    """
    return [
        HubKey(
            _PURPOSES[each.kind],
            each.version,
            each.public,
            each.begins,
            each.superseded if each.kind == key_ring.HUB else each.ends,
        )
        for each in keeper.ring
        if each.kind == key_ring.HUB or not each.retired
    ]


def _read(published: bytes | None, keeper: "VaultKeys") -> dict[str, Any] | None:
    """Return what the vault published last, if that is its own."""
    try:
        document, signers = signing.verify(parse(published or b""))
        signing.expect(signers, role=signing.HUB, keys=keeper.hubs_public)
    except CustodyError:
        return None
    return document
