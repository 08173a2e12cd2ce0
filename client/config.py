"""Where the client keeps what it must remember: the portal's address, its keys, the vault's public key.

Everything lies in one folder (`P20_HOME`, by default `.p20` in the home directory). The settings are one JSON
file; the private key is a file of its own that only its owner may read.
"""

import json
import os
from dataclasses import asdict, dataclass
from pathlib import Path

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from client.failure import Failure
from p20win.custody.engine import signing
from p20win.custody.engine.errors import Unreadable
from p20win.custody.engine.files import read_private, write_new


@dataclass(frozen=True)
class Config:
    """What the client was told once."""

    portal: str = ""


def home() -> Path:
    """This will give the client's folder."""
    return Path(os.environ.get("P20_HOME") or Path.home() / ".p20")


def key_path() -> Path:
    """This will give the place of the signing key."""
    return home() / "signing-key.pem"


def read_config() -> Config:
    """This will read the settings; the environment variable P20_PORTAL goes before them.

    :raises Failure: if the file cannot be read
    """
    path = home() / "config.json"
    stored = {}
    if path.exists():
        try:
            stored = json.loads(path.read_text("utf-8"))
        except ValueError as problem:
            raise Failure(f"{path} is not readable JSON. Correct or remove it.") from problem
    portal = os.environ.get("P20_PORTAL") or str(stored.get("portal", ""))
    return Config(portal=portal.rstrip("/"))


def write_config(config: Config) -> None:
    """This will store the settings."""
    home().mkdir(mode=0o700, parents=True, exist_ok=True)
    (home() / "config.json").write_text(json.dumps(asdict(config), indent=2) + "\n", "utf-8")


def new_key() -> Ed25519PrivateKey:
    """This will make a signing key; it never replaces one.

    :raises Failure: if there is one already
    """
    key = Ed25519PrivateKey.generate()
    try:
        write_new(key_path(), signing.private_pem(key))
    except FileExistsError:
        raise Failure(
            f"There is a key already: {key_path()}. Move it away first; files signed with it stay verifiable."
        ) from None
    return key


def read_key() -> Ed25519PrivateKey:
    """This will read the signing key.

    :raises Failure: if there is none, or others could read it
    """
    try:
        return signing.load_private(read_private(key_path()))
    except FileNotFoundError:
        raise Failure(
            "There is no signing key yet. Run “p20 keygen” and have your steward enrol it."
        ) from None
    except Unreadable as problem:
        raise Failure(str(problem)) from problem
