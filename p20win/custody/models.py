"""Upload slots, sealed files, and capabilities to open them."""

import datetime as dt
from typing import Any, ClassVar, Final

from django.db import models
from django.db.models import F, Q

from p20win import policy
from p20win.audit.public import recorded
from p20win.custody.damage_models import Damage as Damage
from p20win.custody.damage_models import DamageStatus as DamageStatus
from p20win.custody.damage_models import Reread as Reread
from p20win.custody.destruction_models import HOLDING as HOLDING
from p20win.custody.destruction_models import Destruction as Destruction
from p20win.custody.destruction_models import DestructionStatus as DestructionStatus
from p20win.custody.destruction_models import HoldStatus as HoldStatus
from p20win.custody.destruction_models import LegalHold as LegalHold
from p20win.custody.engine.manifest import source_shown_by
from p20win.custody.id_models import UsedIds as UsedIds
from p20win.custody.invitation_models import INVITED as INVITED
from p20win.custody.invitation_models import Invitation as Invitation
from p20win.custody.invitation_models import InvitationStatus as InvitationStatus
from p20win.custody.ledger_models import Checkpoint as Checkpoint
from p20win.custody.ledger_models import CheckpointPin as CheckpointPin
from p20win.custody.ledger_models import LedgerTile as LedgerTile
from p20win.custody.room_models import Allowance as Allowance
from p20win.ids import uuid7

CAPABILITY_LIFE: Final = dt.timedelta(seconds=60)
TICKET_LIFE: Final = dt.timedelta(hours=policy.UPLOAD_TICKET_HOURS)


class DataClass(models.TextChoices):
    """What kind of data a file holds (O-103). Identifier lists are matching files by access."""

    MATCHING = "matching", "Matching file"
    ANALYTICAL = "analytical", "Analytical file"
    IDENTIFIER_LIST = "identifier_list", "Identifier list"
    KEY = "key", "Key"
    EXTRACT = "extract", "Extract"
    OUTPUT = "output", "Output"


class SlotStatus(models.TextChoices):
    """Whether a slot still takes a file."""

    OPEN = "open", "Waiting for the file"
    FILLED = "filled", "File accepted"
    CLOSED = "closed", "Closed"


class UploadSlot(models.Model):
    """One file that was agreed: from whom, of which kind, by which rules, in which window (O-59)."""

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    project = models.ForeignKey("projects.Project", on_delete=models.PROTECT, related_name="upload_slots")
    supplier = models.ForeignKey(
        "accounts.Organisation", on_delete=models.PROTECT, related_name="upload_slots"
    )
    invitation = models.ForeignKey(  # of a supplier that is no party; most slots are a party's
        "custody.Invitation", on_delete=models.PROTECT, null=True, related_name="slots"
    )
    data_class = models.CharField(max_length=16, choices=DataClass.choices)
    title = models.CharField(max_length=200)
    spec = models.JSONField()  # read by engine.rules.from_spec
    opens_at = models.DateTimeField()
    closes_at = models.DateTimeField()
    destroy_by = models.DateField(null=True)  # as the agreement says; stands in the log (O-64)
    on_accepted = models.CharField(max_length=80, blank=True)  # names of lines of work, see jobs
    on_refused = models.CharField(max_length=80, blank=True)
    opening_told_at = models.DateTimeField(null=True)  # when the sender was told that the window is open
    lateness_told_at = models.DateTimeField(null=True)  # and that it is over without a file
    status = models.CharField(max_length=8, choices=SlotStatus.choices, default=SlotStatus.OPEN)
    status_since = models.DateTimeField()

    history = recorded()

    class Meta:
        ordering: ClassVar = ["closes_at", "id"]
        constraints: ClassVar = [
            models.CheckConstraint(name="slot_status_known", condition=Q(status__in=SlotStatus.values)),
            models.CheckConstraint(name="slot_class_known", condition=Q(data_class__in=DataClass.values)),
            models.CheckConstraint(
                name="slot_closes_after_opening", condition=Q(closes_at__gt=F("opens_at"))
            ),
        ]

    def __str__(self) -> str:
        """Return the title."""
        return self.title

    @property
    def access_class(self) -> str:
        """Return the data class that the access decision asks about."""
        return DataClass.MATCHING if self.data_class == DataClass.IDENTIFIER_LIST else self.data_class

    @property
    def access_act(self) -> str:
        """Return the act that the access decision asks about."""
        if self.invitation_id is not None:
            return "supply"
        return "submit_output" if self.data_class == DataClass.OUTPUT else "upload"


class Wrapping(models.TextChoices):
    """What the sender did to a file before the portal saw it. The vault takes it off again."""

    PLAIN = "plain", "As it is"
    SEALED = "sealed", "Sealed for the vault"  # by `p20`, or in the browser
    AGE = "age", "Encrypted with age"


class Encryption(models.TextChoices):
    """Where a request's files are encrypted, as its parties agreed before anything is sent (O-58)."""

    ARRIVAL = "arrival", "By the portal, while they arrive"
    BROWSER = "browser", "By the sender's browser, before they leave the machine"
    AGE = "age", "By the sender, with the program age"


TAKEN: Final = {
    Encryption.ARRIVAL: frozenset({Wrapping.PLAIN, Wrapping.SEALED}),
    Encryption.BROWSER: frozenset({Wrapping.SEALED}),
    Encryption.AGE: frozenset({Wrapping.AGE, Wrapping.SEALED}),
}
"""What a file may come wrapped in. What `p20` seals for the vault alone is always taken."""


class FileStatus(models.TextChoices):
    """Where a file stands."""

    ANNOUNCED = "announced", "Announced, not yet sent"
    GIVEN_UP = "given_up", "Announced, never came"
    ARRIVED = "arrived", "Received, being checked"
    ACCEPTED = "accepted", "Accepted and sealed"
    REFUSED = "refused", "Refused"
    SET_ASIDE = "set_aside", "Closed: another is sent in its place"
    DESTROYED = "destroyed", "Destroyed"


LIVING: Final = (FileStatus.ANNOUNCED, FileStatus.ARRIVED, FileStatus.ACCEPTED, FileStatus.SET_ASIDE)
"""In these something of a file lies at the hub, or is on its way."""


class ScanState(models.TextChoices):
    """What the malware scanner said of a file."""

    UNSCANNED = "unscanned", "Not scanned for malware yet: not usable"
    CLEAN = "clean", "Scanned: no malware found"
    INFECTED = "infected", "Malware found"
    NO_SCANNER = "no_scanner", "Not scanned for malware: no scanner configured"
    OWN = "own", "Made by the hub"


class SealedFile(models.Model):
    """One file, never in plaintext on any disk.

    While it is `arrived` it lies as a piece that only the vault can open. Accepted, it lies in a container
    under a key of its own, which is wrapped by the key of its owner in its project. Files that the hub makes
    are born accepted and have no slot.
    """

    # The web process announces a file and says that it arrived; it cannot change whose it is or how it opens.
    vault_writes = frozenset(
        {"id", "project", "owner", "destination", "data_class", "blob", "key_version", "wrapped_key"}
        | {"manifest", "receipt", "scan", "profile", "slot", "statement", "signing_key"}
    )
    web_adds: ClassVar[dict[str, Any]] = {
        "status": ("announced", "arrived"),
        "scan": "unscanned",
        "blob": "",
        **dict.fromkeys(("key_version", "wrapped_key", "plain_bytes", "manifest", "receipt", "rows")),
        **{"report": {}, "profile": {}, "columns": []},
    }

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    slot = models.ForeignKey(UploadSlot, on_delete=models.PROTECT, null=True, related_name="files")
    project = models.ForeignKey("projects.Project", on_delete=models.PROTECT, related_name="sealed_files")
    owner = models.ForeignKey("accounts.Organisation", on_delete=models.PROTECT, related_name="sealed_files")
    destination = models.ForeignKey("accounts.Organisation", on_delete=models.PROTECT, related_name="+")
    data_class = models.CharField(max_length=16, choices=DataClass.choices)
    name = models.CharField(max_length=200)  # follows the agreed scheme, or is a generic one: names may tell
    status = models.CharField(max_length=10, choices=FileStatus.choices, default=FileStatus.ARRIVED)
    status_since = models.DateTimeField()
    sent_by = models.ForeignKey("accounts.User", on_delete=models.PROTECT, related_name="+")
    signing_key = models.ForeignKey(
        "accounts.SigningKey", on_delete=models.PROTECT, null=True, related_name="+"
    )
    statement = models.JSONField(null=True)  # what the sender's machine signed
    received_at = models.DateTimeField(null=True)
    received_bytes = models.BigIntegerField(default=0)
    scan = models.CharField(max_length=10, choices=ScanState.choices, default=ScanState.UNSCANNED)
    pieces = models.JSONField(
        default=list
    )  # where what arrived lies, in order, until the vault has checked it
    wrapping = models.CharField(max_length=6, choices=Wrapping.choices, default=Wrapping.PLAIN)
    report = models.JSONField(default=dict)  # rows, columns and rules; never a value
    profile = models.JSONField(default=dict)  # counts for each column (O-97); never a record
    rows = models.PositiveBigIntegerField(null=True)
    columns = models.JSONField(default=list)
    # What the desk that made it wants to remember, slugs and counts; of one sent, the hash that came with it.
    meta = models.JSONField(default=dict)
    blob = models.CharField(max_length=120, blank=True)  # where the container lies, under the media folder
    key_version = models.PositiveIntegerField(null=True)
    wrapped_key = models.BinaryField(max_length=100, null=True)
    plain_bytes = models.BigIntegerField(null=True)
    manifest = models.JSONField(null=True)  # signed by the hub: binding, Merkle root, sizes
    receipt = models.JSONField(null=True)  # signed by the hub, for the sender

    history = recorded()

    class Meta:
        ordering: ClassVar = ["-status_since", "-id"]
        constraints: ClassVar = [
            models.CheckConstraint(name="file_status_known", condition=Q(status__in=FileStatus.values)),
            models.CheckConstraint(name="file_class_known", condition=Q(data_class__in=DataClass.values)),
            models.CheckConstraint(name="file_wrapping_known", condition=Q(wrapping__in=Wrapping.values)),
            models.CheckConstraint(
                name="file_accepted_is_sealed",
                condition=~Q(status=FileStatus.ACCEPTED)
                | Q(manifest__isnull=False, wrapped_key__isnull=False, key_version__isnull=False)
                & ~Q(blob=""),
            ),
            models.CheckConstraint(name="file_scan_known", condition=Q(scan__in=ScanState.values)),
            models.CheckConstraint(
                name="file_accepted_was_scanned",
                condition=~Q(status=FileStatus.ACCEPTED)
                | Q(scan__in=[ScanState.CLEAN, ScanState.NO_SCANNER, ScanState.OWN]),
            ),
            models.UniqueConstraint(
                name="slot_accepts_one_file", fields=["slot"], condition=Q(status=FileStatus.ACCEPTED)
            ),
        ]

    def __str__(self) -> str:
        """Return the name."""
        return self.name

    @property
    def access_class(self) -> str:
        """Return the data class that the access decision asks about."""
        return DataClass.MATCHING if self.data_class == DataClass.IDENTIFIER_LIST else self.data_class

    @property
    def was_invited(self) -> bool:
        """Say whether an invited supplier sent it, who is no party (O-124)."""
        return self.slot is not None and self.slot.invitation_id is not None

    @property
    def source_shown_by(self) -> str:
        """Return what shows that the file is its owner's, in words."""
        by_machine = self.signing_key_id is not None
        return source_shown_by(is_signed=self.statement is not None, by_machine=by_machine)


class SendingTerms(models.Model):
    """How the files of one request are sent: a choice of its parties, on record before anything is sent."""

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    project = models.OneToOneField("projects.Project", on_delete=models.PROTECT, related_name="sending_terms")
    encryption = models.CharField(max_length=8, choices=Encryption.choices)
    reason = models.CharField(max_length=300)  # where it was agreed, or why
    changed_by = models.ForeignKey("accounts.User", on_delete=models.PROTECT, related_name="+")
    changed_at = models.DateTimeField()

    history = recorded()

    class Meta:
        constraints: ClassVar = [
            models.CheckConstraint(name="terms_known", condition=Q(encryption__in=Encryption.values))
        ]

    def __str__(self) -> str:
        """Return the choice."""
        return self.get_encryption_display()


class UploadTicket(models.Model):
    """Permission for a program to send one slot's file in one person's name, for some hours of real time.

    The ticket itself is shown once and never stored.
    """

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    slot = models.ForeignKey(UploadSlot, on_delete=models.PROTECT, related_name="tickets")
    person = models.ForeignKey("accounts.User", on_delete=models.PROTECT, related_name="+")
    token_digest = models.CharField(max_length=64, unique=True)
    issued_at = models.DateTimeField()
    expires_at = models.DateTimeField()
    revoked_at = models.DateTimeField(null=True)

    history = recorded()

    class Meta:
        ordering: ClassVar = ["-issued_at"]
        constraints: ClassVar = [
            models.CheckConstraint(
                name="ticket_is_short",
                condition=Q(expires_at__gt=F("issued_at")) & Q(expires_at__lte=F("issued_at") + TICKET_LIFE),
            )
        ]

    def __str__(self) -> str:
        """Return until when."""
        return f"until {self.expires_at.isoformat()}"

    @property
    def project_id(self) -> object:
        """Return the project whose ledger tells of it."""
        return self.slot.project_id


class Upload(models.Model):
    """A file on its way in, piece by piece; it can be resumed where it stopped. Its id becomes the file's."""

    bookkeeping = True  # the file it becomes has the history

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    slot = models.ForeignKey(UploadSlot, on_delete=models.PROTECT, related_name="uploads")
    sent_by = models.ForeignKey("accounts.User", on_delete=models.PROTECT, related_name="+")
    name = models.CharField(max_length=200)
    wrapping = models.CharField(max_length=6, choices=Wrapping.choices, default=Wrapping.PLAIN)
    ticket = models.ForeignKey("UploadTicket", on_delete=models.PROTECT, null=True, related_name="uploads")
    length = models.BigIntegerField()
    is_measured = models.BooleanField(default=True, db_default=True)  # else `length` is what may come at most
    offset = models.BigIntegerField(default=0)  # bytes that lie sealed
    pieces = models.JSONField(default=list)
    begun_at = models.DateTimeField()
    expires_at = models.DateTimeField()  # both in real time

    class Meta:
        constraints: ClassVar = [
            models.CheckConstraint(
                name="upload_offset_within", condition=Q(offset__gte=0, offset__lte=F("length"))
            )
        ]

    def __str__(self) -> str:
        """Return how far it is."""
        return f"{self.offset} of {self.length} bytes"


class StatementNonce(models.Model):
    """The nonce of a sender's statement, used up: the same statement cannot be sent twice."""

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    owner = models.ForeignKey("accounts.Organisation", on_delete=models.PROTECT, related_name="+")
    nonce = models.CharField(max_length=300)
    seen_at = models.DateTimeField()

    class Meta:
        constraints: ClassVar = [models.UniqueConstraint(name="statement_once", fields=["owner", "nonce"])]

    def __str__(self) -> str:
        """Return the nonce."""
        return self.nonce


class Capability(models.Model):
    """Permission to open one thing once: person, act, object, and a moment. All its times are real.

    The token itself is never stored. The vault uses a capability up before it gives the first byte.
    """

    # The web process issues a capability; used up or changed it is by the vault alone.
    vault_writes = frozenset(
        {"id", "token_digest", "person", "act", "subject_type", "subject_id", "project", "data_class"}
        | {"issued_at", "expires_at", "used_at"}
    )
    web_adds: ClassVar[dict[str, Any]] = {"used_at": None}

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    token_digest = models.CharField(max_length=64, unique=True)
    person = models.ForeignKey("accounts.User", on_delete=models.PROTECT, related_name="+")
    act = models.CharField(max_length=60)  # an opening that a desk registered
    subject_type = models.CharField(max_length=100)
    subject_id = models.CharField(max_length=64)
    project = models.ForeignKey("projects.Project", on_delete=models.PROTECT, related_name="+")
    data_class = models.CharField(max_length=16)
    issued_at = models.DateTimeField()
    expires_at = models.DateTimeField()
    used_at = models.DateTimeField(null=True)

    class Meta:
        constraints: ClassVar = [
            models.CheckConstraint(
                name="capability_is_short",
                condition=Q(expires_at__gt=F("issued_at"))
                & Q(expires_at__lte=F("issued_at") + CAPABILITY_LIFE),
            ),
        ]

    def __str__(self) -> str:
        """Return the act."""
        return self.act
