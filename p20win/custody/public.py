"""The door of custody: what desks use.

Agencies' files. `open_slot` opens a slot for one file; `receive` takes it in (as the upload page does); the
vault checks it and calls the slot's `on_accepted` or `on_refused` line of work with `file_id`. `wait_for`
starts the clock of a slot. Who supplies a list and is no party is asked with `invite`; its slots name that.

In the vault's jobs (queue "vault") alone: `open_bytes`, `open_lazily`, `open_range`, `seal_bytes`,
`signed_by_the_hub`, `shred`, `tidy`. Whose result leaves opens within `open_only(project_id, data_class)`,
as the rows that lead to a file are the web's to write. A part is asked for `within` its opening, such as one
download: the whole file is verified before the first part of that, and not again for the next.

Work that opens files runs in `with damage_noted():`, outside any transaction: what turns out to be damaged
is written down and told, and the work is refused.

Pages: `capability(person, act, subject, at)` after the access decision, then `relay(token)`; what the act
gives is registered by its desk with `register_opening`. A person's program opens with a ticket instead of
their session: `ticket`, and views marked `access.by_download_ticket`.

What a desk has to say on the page of a slot it tells with `register_aside`, and to machines what a file is
made from with `register_instructor`.

Keys: `last_key_snapshot_expires` (in the vault) is when a key destroyed now is gone from every copy.

Ledger: `ledger_proof(event)` is the proof that a line is in it, with the signed checkpoint; a line of this
minute is in none yet: `ask_checkpoint`, and come back (it is Blocked until then). `ledger_leaf(event)` is the
hash that the proof is about.

`harmless` gives text that no spreadsheet program takes for a formula: for every CSV and sheet that is made.

`read_apart` runs a function of a module on a file in the sandbox (engine/sandbox.py says what that stops).

Logs: the vault compares the rows they show with the ledger; `register_comparison` adds a desk's rows, which
it compares with `lines_about` and `told_difference`. `rows_alarm` says which differ.

Destruction: `ask_destruction` from anywhere; the vault does it and calls `on_done` with `destruction_id`. It
does so only where a desk's ground (`register_ground`) says that an order or a clock stands behind it.
`ask_destruction_of_all` at a project's end, of all `with_anything`; nothing is sealed for a closed one.
While a legal hold is in force both refuse; `why_held` says it in words, and who starts a clock of destruction
calls `hold_clocks` after it. `ask_removal` has one file deleted while its owner's key is needed for others;
the vault waits for the end of a hold. `send_again` closes an accepted file so that another is sent instead.
"""

from p20win.custody.asides import Aside, register_aside, register_instructor
from p20win.custody.bounds import only as open_only
from p20win.custody.capabilities import capability, register_opening
from p20win.custody.checkpoints import alarm as ledger_alarm
from p20win.custody.checkpoints import ask_checkpoint, unsigned_for
from p20win.custody.checkpoints import covers as ledger_covers
from p20win.custody.checkpoints import leaf_of as ledger_leaf
from p20win.custody.checkpoints import name as ledger_name
from p20win.custody.checkpoints import prove as ledger_proof
from p20win.custody.checkpoints import prove_line as ledger_proof_of_line
from p20win.custody.checks import why_not_invited, why_not_send
from p20win.custody.comparing import Lines, lines_about, register_comparison
from p20win.custody.comparing import alarm as rows_alarm
from p20win.custody.comparing import differences as row_differences
from p20win.custody.comparing import told as told_difference
from p20win.custody.damage import Damaged
from p20win.custody.damage import noted as damage_noted
from p20win.custody.damage import standing as damaged_files
from p20win.custody.destruction import (
    StillReadable,
    ask_destruction,
    ask_destruction_of_all,
    register_ground,
    shred,
    with_anything,
)
from p20win.custody.download_tickets import ticket
from p20win.custody.engine.certificate import FORMAT as CERTIFICATE_FORMAT
from p20win.custody.engine.certificate import NAME as CERTIFICATE_NAME
from p20win.custody.engine.errors import Broken, CustodyError, KeyDestroyed
from p20win.custody.engine.formulas import harmless
from p20win.custody.engine.sandbox import Failed as NotRead
from p20win.custody.engine.sandbox import Limits
from p20win.custody.engine.sandbox import run as read_apart
from p20win.custody.holds import (
    ask_hold,
    ask_lift,
    confirm_hold,
    hold_clocks,
    lift_hold,
    why_held,
)
from p20win.custody.holds import why_not_ask as why_not_ask_hold
from p20win.custody.invitations import affirm, close_slot, invite, why_over
from p20win.custody.invitations import withdraw as withdraw_invitation
from p20win.custody.key_desk import files_without_key
from p20win.custody.key_snapshots import last_expiry as last_key_snapshot_expires
from p20win.custody.known_quality import known_quality
from p20win.custody.models import (
    DataClass,
    Destruction,
    DestructionStatus,
    FileStatus,
    Invitation,
    InvitationStatus,
    SealedFile,
    SlotStatus,
    UploadSlot,
)
from p20win.custody.opening import open_bytes, open_lazily, open_range, why_unreadable
from p20win.custody.reception import Reception, receive
from p20win.custody.removal import ask_removal, register_removable
from p20win.custody.replacing import send_again
from p20win.custody.rereading import overdue as files_not_reread
from p20win.custody.room import state as room_state
from p20win.custody.schedule import wait_for
from p20win.custody.sealing import NotOpenable, signed_by_the_hub
from p20win.custody.selectors import (
    accepted_files,
    destructions,
    holds_in_force,
    invitations,
    living_files,
    may_prove,
    removed_files,
    slots,
    slots_of,
    visible_files,
    visible_slots,
)
from p20win.custody.services import open_slot, seal_bytes, tidy
from p20win.custody.sftp.host_key import state as sftp_state
from p20win.custody.vault_client import NotYet, relay, scanner_state, vault_answers, vault_keys_state
from p20win.custody.vault_keys import NotTheVault, hub_public_pem
from p20win.custody.wire import Cut

__all__ = [
    "CERTIFICATE_FORMAT",
    "CERTIFICATE_NAME",
    "Aside",
    "Broken",
    "CustodyError",
    "Cut",
    "Damaged",
    "DataClass",
    "Destruction",
    "DestructionStatus",
    "FileStatus",
    "Invitation",
    "InvitationStatus",
    "KeyDestroyed",
    "Limits",
    "Lines",
    "NotOpenable",
    "NotRead",
    "NotTheVault",
    "NotYet",
    "Reception",
    "SealedFile",
    "SlotStatus",
    "StillReadable",
    "UploadSlot",
    "accepted_files",
    "affirm",
    "ask_checkpoint",
    "ask_destruction",
    "ask_destruction_of_all",
    "ask_hold",
    "ask_lift",
    "ask_removal",
    "capability",
    "close_slot",
    "confirm_hold",
    "damage_noted",
    "damaged_files",
    "destructions",
    "files_not_reread",
    "files_without_key",
    "harmless",
    "hold_clocks",
    "holds_in_force",
    "hub_public_pem",
    "invitations",
    "invite",
    "known_quality",
    "last_key_snapshot_expires",
    "ledger_alarm",
    "ledger_covers",
    "ledger_leaf",
    "ledger_name",
    "ledger_proof",
    "ledger_proof_of_line",
    "lift_hold",
    "lines_about",
    "living_files",
    "may_prove",
    "open_bytes",
    "open_lazily",
    "open_only",
    "open_range",
    "open_slot",
    "read_apart",
    "receive",
    "register_aside",
    "register_comparison",
    "register_ground",
    "register_instructor",
    "register_opening",
    "register_removable",
    "relay",
    "removed_files",
    "room_state",
    "row_differences",
    "rows_alarm",
    "scanner_state",
    "seal_bytes",
    "send_again",
    "sftp_state",
    "shred",
    "signed_by_the_hub",
    "slots",
    "slots_of",
    "ticket",
    "tidy",
    "told_difference",
    "unsigned_for",
    "vault_answers",
    "vault_keys_state",
    "visible_files",
    "visible_slots",
    "wait_for",
    "why_held",
    "why_not_ask_hold",
    "why_not_invited",
    "why_not_send",
    "why_over",
    "why_unreadable",
    "with_anything",
    "withdraw_invitation",
]
