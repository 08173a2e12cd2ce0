"""The second half of the line: files in, match, the parties' word, extract out. Continues `line.Line`."""

from __future__ import annotations

import hashlib
import io
import zipfile
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any, Final

from agreements import public as agreements
from fixtures.formats import FixtureFile
from fixtures.generate import Project as Invented
from governance.seed.line import Line, NotDone, proof, wait_for_job, wait_until
from governance.seed.presence import signed_in
from matching import public as matching
from p20win import clock
from p20win.accounts.public import Organisation
from p20win.custody import public as custody

if TYPE_CHECKING:
    from p20win.accounts.models import User
    from p20win.custody.models import SealedFile, UploadSlot

PIECE: Final = 1024 * 1024
RANGE: Final = 4 * PIECE
LIMITATIONS: Final = (
    "People without a social security number are linked to wages less often. Wages earned outside the state"
    " and by the self-employed are not in the data. Counts by small programmes are uncertain."
)


@dataclass
class Collection:
    """The files of one invented project, and the slots they go into."""

    line: Line
    invented: Invented
    sent: list[SealedFile] = field(default_factory=list)

    def open_upload(self) -> None:
        """The hub opens the upload: a slot for every file the approved request makes necessary."""
        matching.open_match(self.line.project, by=self.line.cast.hub_staff, at=self.line.now())
        self._invite_where_it_was_not_known_whom_to_ask()

    def _invite_where_it_was_not_known_whom_to_ask(self) -> None:
        """The operating group names somebody of the suppliers that have several people."""
        senders: dict[str, list[Any]] = {}
        for row in matching.expected(self.match).filter(kind=custody.DataClass.IDENTIFIER_LIST):
            file = self._file_for(row.slot)
            if row.slot.invitation is None and file is not None:
                senders.setdefault(file.sender, []).append(row)
        cast = self.line.cast
        for slug, rows in senders.items():
            contact = cast.contact(Organisation.objects.get(slug=slug))
            matching.invite_supplier(self.match, rows, contact, by=cast.coordinator, at=self.line.now())

    @property
    def match(self) -> matching.Match:
        """Return the project's match, read anew.

        :raises NotDone: if the upload was never opened
        """
        found = matching.match_for(self.line.project)
        if found is None:
            raise NotDone("The upload of the project's files was never opened.")
        return found

    def send(self, *, only: int | None = None) -> list[SealedFile]:
        """Stewards send the agencies' files, contacts their lists, all or so many; the vault checks each."""
        for row in list(matching.expected(self.match))[:only]:
            file = self._file_for(row.slot)
            if file is not None:
                self.sent.append(self.send_one(row.slot, _asked(file, row.slot).tsv(), name=self._name(file)))
        return self.sent

    def affirm_lists(self) -> list[custody.Invitation]:
        """The contact person of every invited supplier affirms that its lists may be shared."""
        rows = custody.invitations(self.line.project).filter(status=custody.InvitationStatus.SENT)
        return [self._affirm(row) for row in rows]

    def _affirm(self, invitation: custody.Invitation) -> custody.Invitation:
        by = self.line.cast.contact(invitation.supplier)
        return custody.affirm(invitation, by=by, at=self.line.now())

    def _is_affirmed(self, invitation: custody.Invitation) -> bool:
        invitation.refresh_from_db()
        return invitation.is_affirmed

    def send_one(self, slot: UploadSlot, content: bytes, *, name: str) -> SealedFile:
        """Send some bytes into a slot, as the upload page does; a supplier affirms first that it may."""
        cast, invitation = self.line.cast, slot.invitation
        if invitation is not None and not self._is_affirmed(invitation):
            self._affirm(invitation)
            invitation.refresh_from_db()
        by = cast.contact(slot.supplier) if invitation else cast.steward(slot.supplier)
        return custody.receive(_pieces(content), slot, by=by, name=name, at=self.line.now())

    def wait_until_judged(self, file: SealedFile) -> SealedFile:
        """Wait until the vault has accepted or refused a file."""

        def judged() -> bool:
            file.refresh_from_db()
            return file.status in (custody.FileStatus.ACCEPTED, custody.FileStatus.REFUSED)

        wait_until(judged, what=f"The check of {file.name}")
        return file

    def wait_until_accepted(self) -> None:
        """Wait until the vault has accepted all that was sent so far.

        :raises NotDone: if a file is refused, naming the rules
        """
        for file in self.sent:
            if self.wait_until_judged(file).status == custody.FileStatus.REFUSED:
                raise NotDone(f"{file.name} was refused: {file.report.get('counts') or file.report}")

    def wait_until_complete(self) -> None:
        """Wait until every file sent is accepted and the match is ready.

        :raises NotDone: if a file is refused
        """
        self.wait_until_accepted()
        wait_until(lambda: self.match.status == matching.MatchStatus.READY, what="The set of files")

    def _file_for(self, slot: UploadSlot) -> FixtureFile | None:
        if slot.data_class == custody.DataClass.IDENTIFIER_LIST:
            return next((f for f in self.invented.identifier_lists if f.part in slot.title), None)
        agency = self.invented.agencies[slot.supplier.short_name]
        return agency.matching if slot.data_class == custody.DataClass.MATCHING else agency.analytical

    def _name(self, file: FixtureFile) -> str:
        scheme = "underscored" if file.part else "dotted"
        return file.name(self.line.project.number, clock.state_date(self.line.now()), scheme=scheme)

    # ---------------------------------------------------------------- match

    def link(self, method: str = "hybrid") -> matching.MatchRun:
        """The hub runs an approved method; the vault links the files.

        :raises NotDone: if it does not come to a result
        """
        now = self.line.now()
        approved = agreements.approved_methods(now).get(slug=method)
        run = matching.start_run(self.match, approved, by=self.line.cast.hub_staff, at=now)
        wait_for_job("matching.run_match", run_id=run.pk)
        run.refresh_from_db()
        return run

    def representatives(self) -> list[User]:
        """Return who speaks for each party: a steward of every agency, and the requestor."""
        cast = self.line.cast
        return [*(cast.steward(agency) for agency in cast.agencies), cast.requestor]

    def describe(self) -> None:
        """The hub describes the limits of the result, which go out with the data."""
        matching.describe(
            self.match, limitations=LIMITATIONS, by=self.line.cast.hub_staff, at=self.line.now()
        )

    def agree(self, *, all_but: int = 0) -> None:
        """The parties agree that the match is optimal; the last word signs it off and builds the extract."""
        self.describe()
        speaking = self.representatives()
        for person in speaking[: len(speaking) - all_but]:
            matching.agree(self.match, by=person, at=self.line.now(), **proof(person))
        if not all_but:
            delivery = self.match.delivery
            wait_for_job("matching.build_extract", delivery_id=delivery.pk)

    # ---------------------------------------------------------------- destruction

    def order_destruction(self) -> None:
        """Two people of the hub order that the inputs be destroyed; an hour later the vault begins."""
        cast = self.line.cast
        reason = "The recipient has fetched the extract and asked no question."
        order = matching.order_destruction(self.match, reason=reason, by=cast.hub_staff, at=self.line.now())
        matching.confirm_destruction(order, by=cast.hub_colleague, at=self.line.now())

    def wait_until_ordered(self) -> matching.DestructionOrder:
        """Wait until the clock has ordered the destruction, and return the order."""
        found: matching.DestructionOrder = wait_until(
            lambda: matching.order_of(self.match), what="The order of the clock"
        )
        return found

    def wait_until_destroyed(self) -> None:
        """Wait until the inputs are shredded."""
        done = matching.MatchStatus.INPUTS_DESTROYED
        wait_until(lambda: self.match.status == done, what="The destruction of the inputs")

    # ---------------------------------------------------------------- delivery

    def fetch(self) -> dict[str, bytes]:
        """An approved researcher downloads the extract; return its files by name."""
        person = self.line.cast.requestor
        delivery = self.match.delivery
        download = matching.begin_download(delivery, by=person, acknowledges=True, at=self.line.now())
        content = b""
        with signed_in(person):
            for start in range(0, download.size, RANGE):
                stop = min(start + RANGE, download.size)
                token = matching.open_range(download, start, stop, by=person, at=self.line.now())
                content += b"".join(custody.relay(token))
        self._confirm(download, content)
        with zipfile.ZipFile(io.BytesIO(content)) as archive:
            return {name: archive.read(name) for name in archive.namelist()}

    def _confirm(self, download: matching.Download, content: bytes) -> None:
        """The researcher confirms by its hash that all of it arrived, once the vault has counted it."""

        def counted() -> bool:
            download.refresh_from_db()
            return download.complete_at is not None

        wait_until(counted, what="The count of the download")
        digest = hashlib.sha256(content).hexdigest()
        matching.confirm_receipt(download, digest=digest, by=download.person, at=self.line.now())


def _asked(file: FixtureFile, slot: UploadSlot) -> FixtureFile:
    """Leave out what is approved and not asked for: an SSN that no link needs (O-105)."""
    spared = [name for name in file.table.column_names if name in slot.spec.get("not_asked", ())]
    return replace(file, table=file.table.drop_columns(spared)) if spared else file


def _pieces(content: bytes) -> Iterator[bytes]:
    whole = memoryview(content)
    for start in range(0, len(content), PIECE):
        yield bytes(whole[start : start + PIECE])
