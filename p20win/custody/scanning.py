"""The malware scanner, as the vault uses it: what it found in a file, and how it is. In the vault alone."""

import datetime as dt
from typing import Any, Final

from django.conf import settings

from p20win import clock, policy
from p20win.custody.engine.clamd import Address, Scan, ScannerAway, Version, ask_version, read_address
from p20win.custody.engine.report import Report
from p20win.custody.models import ScanState
from p20win.jobs.public import MustWait

NO_SCANNER: Final = "no scanner configured"
_WAITS: Final = "The file waits, unscanned and not usable, and is scanned as soon as that is possible."


def address() -> Address | None:
    """Return where the scanner is, or nothing if none is configured."""
    return read_address(settings.CLAMD_ADDRESS) if settings.CLAMD_ADDRESS else None


class Scanning:
    """One file on its way past the scanner; without one, in the demo alone, past nothing."""

    def __init__(self) -> None:
        """Reach the scanner. :raises MustWait: if it is away, or none is configured in production"""
        self._scan: Scan | None = None
        self._version: Version | None = None
        where = address()
        if where is None:
            if settings.PRODUCTION:
                raise MustWait(f"There is {NO_SCANNER}. {_WAITS}")
            return
        try:
            self._version = ask_version(where)
            self._scan = Scan(where)
        except ScannerAway as away:
            raise MustWait(f"{away} {_WAITS}") from None

    def update(self, chunk: bytes) -> None:
        """Pass the next plaintext on. :raises MustWait: if the scanner went away"""
        if self._scan:
            try:
                self._scan.update(chunk)
            except ScannerAway as away:
                raise MustWait(f"{away} {_WAITS}") from None

    def finish(self, report: Report) -> None:
        """Write the verdict into the report. :raises MustWait: if the scanner gave none"""
        report.scan = self._told(ScanState.NO_SCANNER)
        if self._scan:
            try:
                found = self._scan.finish()
            except ScannerAway as away:
                raise MustWait(f"{away} {_WAITS}") from None
            report.scan = self._told(ScanState.INFECTED if found else ScanState.CLEAN)
            if found:
                report.add("malware", hint=f"The scanner calls it {found}. Tell your security staff.")

    def close(self) -> None:
        """Break off what is still open."""
        if self._scan:
            self._scan.close()

    def _told(self, state: ScanState) -> dict[str, Any]:
        version = self._version
        return {
            "state": str(state),
            "by": version.program if version else NO_SCANNER,
            "definitions": version.definitions if version else "",
            "built": version.built.isoformat() if version and version.built else "",
        }


def state() -> tuple[bool, str]:
    """Say whether the scanner is as it should be, and how it is, for the health page."""
    try:
        where = address()
    except ValueError as problem:
        return False, f"CLAMD_ADDRESS cannot be read. {problem}"
    if where is None:
        taken = (
            "no file is accepted"
            if settings.PRODUCTION
            else "files are accepted unscanned, in the demo alone"
        )
        return False, f"No scanner configured: {taken}. Set CLAMD_ADDRESS for the vault."
    try:
        version = ask_version(where)
    except ScannerAway as away:
        return False, f"{away} What arrives waits, unscanned and not usable, until it is back."
    return _age(version, clock.real_now().date())


def _age(version: Version, today: dt.date) -> tuple[bool, str]:
    if version.built is None:
        return False, f"{version.program} answers, but its definitions bear no date. Run freshclam beside it."
    days = (today - version.built).days
    told = f"{version.program}, definitions {version.definitions} of {version.built:%d %B %Y}"
    if days > policy.MALWARE_DEFINITIONS_DAYS:
        return False, f"{told}, {days} days old. Look why freshclam does not renew them."
    return True, told
