"""Removing one sealed file that nobody may open any more, while its owner's key is still needed for others.

Its container is deleted; the key goes with all of its owner's files, at the project's end. So this proves
less than a destruction does, and no certificate rests on it.
"""

import datetime as dt
from collections.abc import Callable
from typing import TYPE_CHECKING, Final

from django.db import transaction

from p20win.accounts.public import system_user
from p20win.audit.public import first_in_line
from p20win.custody import holds, lifecycle, sealing, vault_keys
from p20win.custody.models import LIVING, SealedFile
from p20win.custody.registers import Register
from p20win.jobs import public as jobs
from p20win.refusal import Blocked
from p20win.workflow import take

if TYPE_CHECKING:
    from p20win.accounts.models import User
    from p20win.jobs.public import RunningJob

WORK: Final = "custody.remove_file"
UNFOUNDED: Final = "This file is still needed: nothing says that nobody may open it any more. It stays."
METHOD: Final = "deletion of the encrypted file; its key is destroyed when the project ends"


Ground = Callable[[SealedFile], bool]
_grounds: Final = Register[Ground]("grounds of removal")


def register_removable(name: str, ground: Ground) -> None:
    """Let the vault remove a file of which this says that it is over. Called when Django starts, everywhere.

    :raises ValueError: if the name is taken
    """
    _grounds.add(name, ground)


def ask_removal(file: SealedFile, *, by: "User") -> None:
    """Have the vault remove a file. The caller has seen to it that nobody may open it any more.

    While a legal hold is in force the vault waits; what is gone already is left as it is.
    """
    if file.status in LIVING:
        jobs.after_commit(WORK, project_id=file.project_id, asked_by_id=by.pk, file_id=file.pk)


@transaction.atomic
def remove(file_id: str, *, at: dt.datetime, job: "RunningJob | None" = None) -> SealedFile:
    """Delete a file's container and write it down. In the vault alone; safe to do twice.

    :raises Blocked: if no desk says that the file is over: a row alone removes nothing
    :raises MustWait: while a legal hold is in force
    """
    vault_keys.expect_vault()
    first_in_line()  # a hold is put in force in the same line: before this, or after
    if job is not None:
        job.hold()
    file = SealedFile.objects.select_related("project", "owner").get(pk=file_id)
    if file.status not in LIVING:
        return file
    if why := holds.why_held(file.project):
        raise jobs.MustWait(why)
    if not any(ground(file) for ground in _grounds):
        raise Blocked(UNFOUNDED)
    if file.blob:
        sealing.remove_blob(file.blob)
    return take(lifecycle.DESTROY, file, by=system_user(), at=at, details={"method": METHOD})
