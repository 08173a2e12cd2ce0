"""`p20 receive`: fetch a delivery in one's own name, go on after every cut, and check what came."""

import hashlib
import os
import re
import time
import zipfile
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final
from urllib.parse import urlsplit

import httpx

from client.failure import Failure
from p20win.custody.engine import manifest, signing
from p20win.custody.engine.encoding import parse
from p20win.custody.engine.errors import CustodyError
from p20win.custody.engine.trust import Trust

MANIFEST: Final = "manifest.json"
PART: Final = 1 << 30  # bytes asked for at a time, so that a cut costs little
_BLOCK: Final = 1 << 16
_PAUSES: Final = (0.2, 1.0, 3.0, 10.0, 30.0)  # seconds before trying again without progress
_VERIFIED_WITHIN: Final = 3600.0  # seconds in which the portal has verified even the largest file whole
_NAME: Final = re.compile(r'filename="([A-Za-z0-9._-]+)"')
_DIGEST: Final = re.compile(r'"([0-9a-f]{64})"')


@dataclass(frozen=True)
class Offer:
    """What the portal has: its name, size and SHA-256."""

    name: str
    size: int
    digest: str


class _Later(Exception):
    """The portal cannot give it yet: it verifies all of the file first."""

    def __init__(self, words: str, seconds: float) -> None:
        """Keep what it says, and when it wants to be asked again."""
        self.seconds = seconds
        super().__init__(words)


class Delivery:
    """One delivery at one address, fetched with a ticket; used in a `with`, which closes the connection."""

    def __init__(
        self,
        address: str,
        ticket: str,
        *,
        part: int = PART,
        transport: httpx.BaseTransport | None = None,
    ) -> None:
        """Keep address and ticket. :raises Failure: if the address is none, or plain HTTP to elsewhere"""
        parts = urlsplit(address)
        local = parts.hostname in ("localhost", "127.0.0.1", "::1")
        if parts.scheme != "https" and not (parts.scheme == "http" and local):
            raise Failure("Give the address that the page of the download shows: https://…", code=2)
        self._address, self._part = address, part
        self._client = httpx.Client(
            headers={"Authorization": f"Bearer {ticket}"},
            timeout=httpx.Timeout(60, read=180),
            transport=transport,
        )

    def __enter__(self) -> "Delivery":
        """Begin."""
        return self

    def __exit__(self, *trouble: object) -> None:
        """Close the connection."""
        self._client.close()

    def offer(self) -> Offer:
        """This will ask what there is to fetch. :raises Failure: if the portal refuses, or is not reached"""
        try:
            answer = self._client.head(self._address)
        except httpx.HTTPError as problem:
            raise Failure(
                f"The portal was not reached ({type(problem).__name__}). Try again later."
            ) from problem
        if answer.is_error:
            _refuse(self._client.get(self._address, headers={"Range": "bytes=0-0"}))
        name = _NAME.search(answer.headers.get("Content-Disposition", ""))
        digest = _DIGEST.fullmatch(answer.headers.get("ETag", ""))
        if name is None or digest is None:
            raise Failure("This is not the address of a delivery.")
        return Offer(name.group(1), int(answer.headers["Content-Length"]), digest.group(1))

    def fetch(self, folder: Path, *, seen: Callable[[int, int], None]) -> tuple[Path, Offer]:
        """This will fetch the delivery into a folder, from where an earlier call stopped, and compare hashes.

        :raises Failure: if the file is there, the portal refuses, or what came is not what was offered
        """
        offer = self.offer()
        target = folder / offer.name
        if target.exists():
            raise Failure(f"{target} is there already. Move it away first.")
        part = folder / f".{offer.name}.{offer.digest[:16]}.part"  # never continued with another version
        waits, waited = iter(_PAUSES), 0.0
        while (have := _size(part)) < offer.size:
            try:
                problem = self._append(part, offer, have, seen)
            except _Later as later:
                if waited >= _VERIFIED_WITHIN:
                    raise Failure(f"{later} {have} of {offer.size} bytes are kept; call it again.") from None
                time.sleep(later.seconds)
                waited += later.seconds
                continue
            if _size(part) > have:
                waits = iter(_PAUSES)
            elif problem is not None:
                pause = next(waits, None)
                if pause is None:
                    raise Failure(f"{problem} {have} of {offer.size} bytes are kept; call it again.")
                time.sleep(pause)
        if _digest_of(part) != offer.digest:
            part.unlink()
            raise Failure("What arrived is not what was sent. It was deleted; fetch it again.")
        part.replace(target)
        return target, offer

    def _append(self, part: Path, offer: Offer, have: int, seen: Callable[[int, int], None]) -> str | None:
        """Add the next range to what is there; return what went wrong, if anything did."""
        stop = min(have + self._part, offer.size)
        headers = {"Range": f"bytes={have}-{stop - 1}", "If-Range": f'"{offer.digest}"'}
        try:
            with self._client.stream("GET", self._address, headers=headers) as answer:
                if answer.is_error:
                    answer.read()
                    _wait_if_asked_to(answer)
                    _refuse(answer)
                if answer.status_code != httpx.codes.PARTIAL_CONTENT:
                    part.unlink(missing_ok=True)
                    return "The delivery changed meanwhile."
                with open(part, "ab", opener=_private) as file:
                    for block in answer.iter_raw(_BLOCK):
                        file.write(block)
                        have += len(block)
                        seen(have, offer.size)
        except httpx.HTTPError as problem:
            return f"The connection was cut ({type(problem).__name__})."
        return None if have == stop else "The portal ended the download."


def _private(path: str, flags: int) -> int:
    return os.open(path, flags, 0o600)


def _size(path: Path) -> int:
    return path.stat().st_size if path.exists() else 0


def _digest_of(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _wait_if_asked_to(answer: httpx.Response) -> None:
    """:raises _Later: if the portal wants to be asked again"""
    after = answer.headers.get("Retry-After", "")
    if answer.status_code == httpx.codes.SERVICE_UNAVAILABLE and after.isdecimal():
        raise _Later("\n".join(_reasons(answer)), min(max(float(after), 1.0), 60.0))


def _refuse(answer: httpx.Response) -> None:
    """:raises Failure: with the portal's words, if they are a refusal"""
    if not answer.is_error:
        return
    reasons = _reasons(answer)
    if answer.status_code in (403, 404):
        reasons = ["The ticket is not one, is for another download, or holds no longer. Ask for another."]
    raise Failure("\n".join(reasons) or f"The portal answered {answer.status_code}.")


def _reasons(answer: httpx.Response) -> list[str]:
    try:
        return [str(reason) for reason in answer.json().get("reasons", [])]
    except (ValueError, AttributeError, TypeError):
        return []


def check_delivery(path: Path, trust: Trust) -> dict[str, Any]:
    """This will compare every file of a delivery with the manifest that the hub signed, and return that.

    :raises Failure: if something is missing, more, or other than what was signed for
    """
    try:
        with zipfile.ZipFile(path) as archive:
            signed = parse(archive.read(MANIFEST))
            document, signers = signing.verify(signed)
            signing.expect(signers, role=signing.HUB, keys=trust.keys)
            expected = _expected(document)
            if set(archive.namelist()) != {MANIFEST, *expected}:
                raise Failure("The archive does not hold the files that the hub signed for.")
            for name, digest in expected.items():
                with archive.open(name) as file:
                    if hashlib.file_digest(file, "sha256").hexdigest() != digest:  # type: ignore[arg-type]
                        raise Failure(f"{name} is not the one that the hub signed for.")
    except (zipfile.BadZipFile, KeyError, CustodyError) as problem:
        raise Failure(f"The archive does not hold: {problem}") from problem
    return document


def _expected(document: dict[str, Any]) -> dict[str, str]:
    if document.get("format") != manifest.DELIVERY_FORMAT:
        raise Failure("The archive's manifest is not one of a delivery.")
    return {entry["name"]: entry["sha256"] for entry in document["files"]} | document["papers"]
