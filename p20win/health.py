"""Is everything there that the portal needs? One page for staff, one line for machines."""

import logging
import sys
from collections.abc import Callable
from dataclasses import dataclass

from django.conf import settings
from django.db import InterfaceError, OperationalError, connection
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.template.loader import render_to_string
from django.views.decorators.cache import never_cache
from django.views.defaults import server_error

from p20win import access, clock, policy
from p20win.access import SignedInRequest, public, roles_only
from p20win.celery import app
from p20win.postgres import QUIET

logger = logging.getLogger(__name__)


@dataclass(frozen=True)
class Finding:
    """One thing the portal needs, whether it is there, and what to do if not."""

    name: str
    ok: bool
    says: str


def _database() -> str:
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT current_setting('server_version_num')::int, current_user, usesuper FROM pg_user"
            " WHERE usename = current_user"
        )
        version, role, is_superuser = cursor.fetchone()
    if version < 150000:
        raise RuntimeError(f"PostgreSQL 15 or newer is needed; this is {version // 10000}.")
    if is_superuser:
        raise RuntimeError(f"The portal connects as {role}, a superuser. Give it a role that owns nothing.")
    if wordy := _wordy():
        raise RuntimeError(
            f"The database writes what is stored into its log. Set {', '.join(wordy)}. "
            "See docs/runbooks/processes.md."
        )
    return f"PostgreSQL {version // 10000}, as {role}"


def _wordy() -> list[str]:
    """Return the settings of the database by which values of rows get into its log, as they should be."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT name, setting FROM pg_settings WHERE name = ANY(%s)", [list(QUIET)])
        found = dict(cursor.fetchall())
    return sorted(f"{name} = {wanted}" for name, wanted in QUIET.items() if found.get(name, wanted) != wanted)


def _broker() -> str:
    with app.connection_for_write() as broker:
        broker.ensure_connection(max_retries=1, timeout=2)
    return "reached"


def _workers() -> str:
    queues = app.control.inspect(timeout=1.0).active_queues() or {}
    served = {queue["name"] for worker in queues.values() for queue in worker}
    if missing := {"default", "vault"} - served:
        raise RuntimeError(
            f"No worker serves {', '.join(sorted(missing))}. Start one: see docs/runbooks/processes.md."
        )
    return f"{len(queues)} running"


def _vault() -> str:
    from p20win.custody.public import vault_answers

    if not vault_answers():
        raise RuntimeError("The vault does not answer on its socket. Start it: manage.py vault.")
    return "answers"


def _keys() -> str:
    from p20win.custody.public import files_without_key, vault_keys_state
    from p20win.refusal import Blocked

    try:
        state = f"master key {vault_keys_state()}"
    except Blocked as refusal:
        raise RuntimeError(" ".join(refusal.reasons)) from None
    if lost := files_without_key():
        raise RuntimeError(
            f"The database is older than the keys: {lost} files are said to be there, and their key is gone. "
            "See docs/runbooks/keys-and-backups.md."
        )
    return state


def _sealed_files() -> str:
    from p20win.custody.public import damaged_files, files_not_reread

    files = [row.file for row in damaged_files()]
    if found := [f"{file.project.number}, {file.owner.short_name}, {file}" for file in files]:
        raise RuntimeError(
            f"Found damaged and kept closed: {'; '.join(found)}. Put the sealed file back from a backup, or"
            " have it sent again; look into whether it is an incident. See docs/runbooks/damaged-files.md."
        )
    if waiting := files_not_reread(now=clock.real_now()):
        raise RuntimeError(
            f"{waiting} were not read again for {policy.REREAD_DAYS} days: damage of them would not be known."
            " The vault reads some every hour: see docs/runbooks/damaged-files.md."
        )
    return "none was found damaged"


def _room() -> str:
    from p20win.custody.public import room_state

    ok, says = room_state()
    if not ok:
        raise RuntimeError(says)
    return says


def _ledger() -> str:
    from p20win.audit.public import why_not_recorded
    from p20win.custody.public import ledger_alarm, rows_alarm, unsigned_for

    if code := why_not_recorded(at=clock.now()):
        raise RuntimeError(
            f"It takes no line (the database says {code}), so every act is refused; pages can be read. "
            "See docs/runbooks/processes.md."
        )
    if trouble := ledger_alarm():
        raise RuntimeError(f"{trouble} No checkpoint is signed. See docs/how-to/verify-the-ledger.md.")
    if differs := rows_alarm():
        raise RuntimeError(
            f"The logs show something else than the ledger tells. {differs}"
            " See docs/how-to/verify-the-ledger.md."
        )
    if late := unsigned_for():
        raise RuntimeError(f"The ledger's last checkpoint is {late} old. The vault signs one every hour.")
    return "signed every hour"


def _scanner() -> str:
    from p20win.custody.public import scanner_state
    from p20win.refusal import Blocked

    try:
        return scanner_state()
    except Blocked as refusal:
        raise RuntimeError(" ".join(refusal.reasons)) from None


def _sftp() -> str:
    from p20win.custody.public import sftp_state

    ok, says = sftp_state()
    if not ok:
        raise RuntimeError(says)
    return says


def _pdf() -> str:
    try:
        import weasyprint
    except OSError:
        raise RuntimeError(
            "Pango is missing, so PDF documents wait. Run once as root: apt-get install -y"
            " --no-install-recommends libpango-1.0-0 libpangoft2-1.0-0 libharfbuzz-subset0"
        ) from None
    return f"WeasyPrint {weasyprint.__version__}"


def _mail() -> str:
    from p20win.notifications.public import undelivered

    if waiting := undelivered().count():
        raise RuntimeError(
            f"{waiting} mails could not be sent. Look at the mail server, then at the worker's log."
        )
    return "none is stuck"


def _jobs() -> str:
    from p20win.jobs.public import failed

    if given_up := failed().count():
        raise RuntimeError(f"{given_up} given up. See below which; try them again when the cause is mended.")
    return "none is given up"


def _destructions() -> str:
    from p20win.deadlines.public import stuck_destructions

    if stuck := {row.project.number: None for row in stuck_destructions() if row.project}:
        raise RuntimeError(
            f"Input files of {', '.join(stuck)} should be destroyed and are not. The page of the match says"
            " what it waits for; see docs/runbooks/destruction.md."
        )
    return "none is late or stuck"


def _desks() -> str:
    if missing := access.missing_conditions():
        raise RuntimeError(f"Access is denied to all: nobody answers {', '.join(missing)}.")
    return "all there"


_NEEDS: tuple[tuple[str, Callable[[], str]], ...] = (
    ("Database", _database),
    ("Broker", _broker),
    ("Workers", _workers),
    ("Vault", _vault),
    ("Keys", _keys),
    ("Sealed files", _sealed_files),
    ("Room for files", _room),
    ("Ledger", _ledger),
    ("Malware scanner", _scanner),
    ("Sending by SFTP", _sftp),
    ("PDF documents", _pdf),
    ("Mail", _mail),
    ("Jobs", _jobs),
    ("Destruction", _destructions),
    ("Desks", _desks),
)


def findings() -> list[Finding]:
    """Look at everything the portal needs."""
    found = []
    for name, look in _NEEDS:
        try:
            found.append(Finding(name, True, look()))
        except RuntimeError as trouble:
            found.append(Finding(name, False, str(trouble)))
        except Exception as trouble:  # noqa: BLE001  # whatever is wrong with it, the page must show it
            logger.warning("health: %s: %s", name, type(trouble).__name__)
            found.append(Finding(name, False, "Not reached."))
    return found


@roles_only("operating_group", "hub_staff")
@never_cache
def page(request: SignedInRequest) -> HttpResponse:
    """Show what is there and what is not."""
    return render(request, "health.html", {"findings": findings(), "mode": settings.P20WIN_MODE})


def broken(request: HttpRequest) -> HttpResponse:
    """Answer when a page failed: with 503 and what to do if the database was away, with 500 otherwise."""
    from p20win.audit.public import NotRecorded

    trouble = sys.exception()
    if isinstance(trouble, OperationalError | InterfaceError):
        told = {"ledger": isinstance(trouble, NotRecorded)}
        said = render_to_string("503.html", told)  # not for a request: that asks the database who it is
        return HttpResponse(said, status=503, headers={"Retry-After": "60"})
    return server_error(request)


@public
@never_cache
def live(request: HttpRequest) -> HttpResponse:
    """Say whether this process serves and reaches the database, for machines that watch it."""
    try:
        connection.ensure_connection()
    except Exception as trouble:  # noqa: BLE001
        logger.warning("health: %s", type(trouble).__name__)
        return HttpResponse("no database\n", status=503, content_type="text/plain")
    return HttpResponse("ok\n", content_type="text/plain")
