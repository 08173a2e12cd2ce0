"""The list of the hub's public keys for those who seal for it: signed in the vault, served to everyone.

What serves it cannot change it: whoever seals checks the signature by the hub's key that they pinned. It
holds for some days and is signed anew every day, so that an old one cannot be shown for long.
"""

import datetime as dt
from typing import TYPE_CHECKING, Any, Final

from p20win import policy
from p20win.custody.engine import age, hubkeys, pieces, signing
from p20win.custody.engine.encoding import canonical, parse
from p20win.custody.engine.errors import CustodyError
from p20win.custody.engine.hubkeys import HubKey

if TYPE_CHECKING:
    from p20win.custody.vault_keys import VaultKeys

VAULT, HUB, AGE = "vault.key", "hub-signing.pem", "age.key"  # where the vault keeps them
HOLDS: Final = dt.timedelta(days=policy.HUB_KEYS_DAYS)
RENEWED: Final = dt.timedelta(days=1)


def renewed(keeper: "VaultKeys", published: bytes | None, *, now: dt.datetime) -> bytes | None:
    """Return the list signed anew; nothing if the published one is of today and names the same keys.

    Its number is the second of its signing, and more than the last one's: it grows without being remembered.
    """
    named = named_by(keeper)
    last = _read(published, keeper)
    if last is not None and last["keys"] == [vars(each) for each in named]:
        made = dt.datetime.fromisoformat(last["made"])
        if made <= now < made + RENEWED:
            return None
    number = max(int(now.timestamp()), last["version"] + 1 if last else 1)
    signed = hubkeys.sign_list(named, key=keeper.hub, version=number, made=now, expires=now + HOLDS)
    return canonical(signed) + b"\n"


def named_by(keeper: "VaultKeys") -> list[HubKey]:
    """Return the keys that the list names."""
    hub, vault = keeper.hub.public_key(), keeper.vault.public_key()
    named = [
        HubKey(hubkeys.SIGN, 1, signing.public_text(hub), keeper.made(HUB)),
        HubKey(hubkeys.SEAL, 1, pieces.vault_public_text(vault), keeper.made(VAULT)),
    ]
    if keeper.has(AGE):
        named.append(HubKey(hubkeys.AGE, 1, age.recipient(keeper.age.public_key()), keeper.made(AGE)))
    return named


def _read(published: bytes | None, keeper: "VaultKeys") -> dict[str, Any] | None:
    """Return what the vault published last, if that is its own."""
    try:
        document, signers = signing.verify(parse(published or b""))
        signing.expect(signers, role=signing.HUB, keys=[signing.public_text(keeper.hub.public_key())])
    except CustodyError:
        return None
    return document
