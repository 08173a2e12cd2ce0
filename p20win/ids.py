"""Identifiers of rows: time-ordered and unguessable (UUID version 7, RFC 9562)."""

import secrets
import time
import uuid


def uuid7() -> uuid.UUID:
    """Return a new UUID version 7: 48 bits of Unix milliseconds, 74 random bits."""
    value = (time.time_ns() // 1_000_000) << 80 | secrets.randbits(80)
    value = value & ~(0xF << 76) | 0x7 << 76
    value = value & ~(0x3 << 62) | 0x2 << 62
    return uuid.UUID(int=value)
