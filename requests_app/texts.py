"""The texts that a requestor affirms and signs. A version is a file that never changes."""

from dataclasses import dataclass
from functools import lru_cache
from hashlib import sha256
from typing import Final

from django.template.loader import get_template

from p20win import policy

CURRENT: Final = {"confidentiality": "2026-1", "certification": "2026-1"}


@dataclass(frozen=True)
class Text:
    """One version of a text, a statement a line."""

    kind: str
    version: str
    statements: tuple[str, ...]

    @property
    def digest(self) -> str:
        """Return the SHA-256 of the text, hex."""
        return sha256("\n".join(self.statements).encode()).hexdigest()


@lru_cache(maxsize=32)
def text(kind: str, version: str) -> Text:
    """Return a text in one version.

    :raises ValueError: if the confidentiality statements are not as many as promised
    """
    lines = get_template(f"requests_app/texts/{kind}-{version}.txt").template.source.strip().splitlines()  # type: ignore[attr-defined]
    if kind == "confidentiality" and len(lines) != policy.CONFIDENTIALITY_STATEMENTS:
        raise ValueError(f"Version {version} has {len(lines)} confidentiality statements.")
    return Text(kind, version, tuple(lines))


def current(kind: str) -> Text:
    """Return the version of a text that is signed now."""
    return text(kind, CURRENT[kind])
