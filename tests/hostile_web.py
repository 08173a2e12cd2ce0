"""What somebody would try who got into the web process. Run as a program, with what the web process has.

It knows the schema, has the web's database role, its files, the vault's socket and, where it is told to
forge sessions, the key that signs them. It tells what came of each attempt, and how much plaintext it
got hold of, in bytes. Nothing of the portal is imported.
"""

import hashlib
import json
import os
import secrets
import socket
import sys
import uuid
from datetime import UTC, datetime, timedelta
from pathlib import Path

import psycopg2
from django.core.signing import JSONSerializer, TimestampSigner
from django.utils.crypto import salted_hmac

given = json.loads(sys.stdin.read())
if given["account"]:  # the interpreter may lie where that account cannot start it
    os.setgroups([])
    os.setresgid(given["account"][1], given["account"][1], given["account"][1])
    os.setresuid(given["account"][0], given["account"][0], given["account"][0])
canaries = [text.encode() for text in given["canaries"]]
db = psycopg2.connect(given["database"])
db.autocommit = True
got, outcome = {}, {}


def note(where, content):
    raw = content if isinstance(content, bytes) else str(content).encode()
    found = sum(raw.count(canary) * len(canary) for canary in canaries)
    if found:
        got[where] = got.get(where, 0) + found


def sql(name, statement, *values):
    with db.cursor() as cursor:
        try:
            cursor.execute(statement, values)
            outcome[name] = f"done ({cursor.rowcount})"
            return cursor.fetchall() if cursor.description else []
        except psycopg2.Error as refused:
            outcome[name] = type(refused).__name__
            return []


def ask(name, question):
    received = b""
    try:
        with socket.socket(socket.AF_UNIX) as line:
            line.settimeout(20)
            line.connect(given["socket"])
            line.sendall(question.encode() + b"\n")
            while part := line.recv(65536):
                received += part
    except OSError as refused:
        received = type(refused).__name__.encode()
    note(f"socket: {name}", received)
    outcome[f"socket: {name}"] = "refused" if received[:1] >= b"\x80" else received[:60].decode("latin-1")


def insert(table, **row):
    """Write a row by hand, with no word to the portal; return its id."""
    row = {"id": str(uuid.uuid4())} | row
    columns, places = ", ".join(f'"{name}"' for name in row), ", ".join(["%s"] * len(row))
    sql(f"insert {table}", f"INSERT INTO {table} ({columns}) VALUES ({places})", *row.values())
    return row["id"]


def every_table():
    for (table,) in sql("list tables", "SELECT tablename FROM pg_tables WHERE schemaname = 'public'"):
        for row in sql(f"read {table}", f'SELECT t::text FROM "{table}" t'):
            note(f"table {table}", row[0])


def every_file():
    read = 0
    for path in Path(given["data"]).rglob("*"):
        try:
            if path.is_file():
                note(f"file {path.name}", path.read_bytes())
                read += 1
        except OSError:
            continue
    outcome["files read"] = read
    for name in given["private"]:
        try:
            outcome[f"private {Path(name).name}"] = len(os.listdir(name))
        except OSError as refused:
            outcome[f"private {Path(name).name}"] = type(refused).__name__


def a_capability(**changes):
    """Write a capability by hand, as the portal would for an approved person; return its token."""
    token = secrets.token_urlsafe(32)
    row = {
        "id": "'" + secrets.token_hex(16) + "'::uuid",
        "token_digest": "'" + hashlib.sha256(token.encode()).hexdigest() + "'",
        "person_id": f"'{given['person']}'",
        "act": f"'{given['act']}'",
        "subject_type": "'custody.sealedfile'",
        "subject_id": f"'{given['file']}'",
        "project_id": f"'{given['project']}'",
        "data_class": "'matching'",
        "issued_at": "now()",
        "expires_at": "now() + interval '50 seconds'",
    } | changes
    columns, values = ", ".join(row), ", ".join(row.values())
    sql("write a capability", f"INSERT INTO custody_capability ({columns}) VALUES ({values})")
    return token


def across_projects(there):
    """Use the sessions of people who are approved in one project, and signed in, to reach into another."""
    now, later = datetime.now(UTC), datetime.now(UTC) + timedelta(hours=1)

    def permitted(name, act, table, subject, *, project=there["own"], who="reader"):
        token = a_capability(
            act=f"'{act}'", subject_type=f"'{table}'", subject_id=f"'{subject}'", project_id=f"'{project}'",
            person_id=f"'{there[who]['person']}'", data_class="'extract'",
        )  # fmt: skip
        ask(name, f"{token} {there[who]['session']}")

    def a_fetch(delivery, project):
        download = insert(
            "matching_download", delivery_id=delivery, person_id=there["reader"]["person"], acknowledged="x",
            at=now, expires_at=later, size=there["size"], received_as="", deleted_as="",
        )  # fmt: skip
        return insert(
            "matching_fetch", download_id=download, project_id=project, start=0, stop=there["size"],
            asked_at=now, sent=0,
        )  # fmt: skip

    extract, look = "matching.download_extract", "matching.review_pair"
    permitted("own extract", extract, "matching.fetch", a_fetch(there["own_delivery"], there["own"]))
    in_theirs = a_fetch(there["delivery"], there["project"])
    permitted("their extract, own permission", extract, "matching.fetch", in_theirs)
    in_own = a_fetch(there["delivery"], there["own"])
    permitted("their extract, own range", extract, "matching.fetch", in_own)
    led = "UPDATE matching_delivery SET extract_id = %s WHERE id = %s"
    sql("lead a delivery elsewhere", led, there["extract"], there["own_delivery"])
    in_led = a_fetch(there["own_delivery"], there["own"])
    permitted("their extract, own delivery", extract, "matching.fetch", in_led)
    sql("lead a delivery to an input", led, there["input"], there["own_delivery"])
    permitted("own input, as an extract", extract, "matching.fetch", in_led)
    permitted("their counts", "disclosure.look", "disclosure.outputcheck", there["check"])
    led = "UPDATE disclosure_outputcheck SET sheet_id = %s WHERE id = %s"
    sql("lead a check elsewhere", led, there["sheet"], there["own_check"])
    permitted("their counts, own check", "disclosure.look", "disclosure.outputcheck", there["own_check"])
    permitted("their package", "disclosure.package", "disclosure.output", there["output"])
    pair = [{"stratum": 0, "left": [0, there["record"]], "right": [0, there["record"]], "twice": False}]
    sample = insert(
        "matching_reviewsample", run_id=there["own_run"], index_id=there["records"], drawn_at=now,
        strata=json.dumps([{"left": "x", "right": "x"}]), pairs=json.dumps(pair), groups="[]",
    )  # fmt: skip
    insert("matching_reviewsheet", sample_id=sample, name="x", file_id=there["records"])
    seen = insert(
        "matching_look", sample_id=sample, project_id=there["own"], pair=0,
        person_id=there["reviewer"]["person"], revealed=True, at=now,
    )  # fmt: skip
    permitted("their records, own pair", look, "matching.look", seen, who="reviewer")


def what_the_vault_did():
    """Write rows by hand that say what the vault alone can have done."""
    now = datetime.now(UTC)
    asked = {
        "project_id": given["project"], "organisation_id": given["other"], "asked_by_id": given["person"],
        "status": "asked", "status_since": now, "asked_at": now, "on_done": "", "method": "", "keys": "[]",
        "files": "[]",
    }  # fmt: skip
    done = asked | {"status": "done", "keys_destroyed_at": now, "destroyed_at": now, "method": "x"}
    for name, row in {
        "a destruction that was done": done,
        "a destruction that was begun": asked | {"begun_at": now},
        "a destruction with its proof": asked | {"files": '[{"file": "x", "proof": "KeyDestroyed"}]'},
        "a destruction that is asked for": asked,
    }.items():
        insert("custody_destruction", **row)
        outcome[name] = outcome.pop("insert custody_destruction")
    insert(
        "custody_damage", file_id=given["file"], status="found", status_since=now, found_at=now, what="x"
    )  # fmt: skip
    copied = "gen_random_uuid(), slot_id, project_id, owner_id, destination_id, data_class, name, %s, now()"
    sql(
        "write an accepted file",
        "INSERT INTO custody_sealedfile (id, slot_id, project_id, owner_id, destination_id, data_class, name,"
        " status, status_since, sent_by_id, received_bytes, scan, pieces, wrapping, report, profile, columns,"
        f" meta, blob, key_version, wrapped_key, manifest) SELECT {copied}, sent_by_id, 1, 'clean', '[]',"
        " 'plain', '{}', '{}', '[]', '{}', blob, key_version, wrapped_key, manifest FROM custody_sealedfile",
        "accepted",
    )
    sql("read which ids were used", "SELECT * FROM custody_usedids")


def a_forged_session(person):
    """Write a session of somebody who is not there, signed as the web process signs them; return its key."""
    key, secret = secrets.token_hex(16), given["secret_key"]
    ((password,),) = sql("read a password's hash", "SELECT password FROM accounts_user WHERE id = %s", person)
    proof = salted_hmac(
        "django.contrib.auth.models.AbstractBaseUser.get_session_auth_hash", password,
        secret=secret, algorithm="sha256",
    )  # fmt: skip
    told = {
        "_auth_user_id": person,
        "_auth_user_backend": "allauth.account.auth_backends.AuthenticationBackend",
        "_auth_user_hash": proof.hexdigest(),
    }
    salt = "django.contrib.sessions.SessionStore"
    signer = TimestampSigner(key=secret, salt=salt, fallback_keys=[])
    said = signer.sign_object(told, serializer=JSONSerializer, compress=True)
    sql(
        "forge a session",
        "INSERT INTO django_session (session_key, session_data, expire_date)"
        " VALUES (%s, %s, now() + interval '1 hour')",
        key,
        said,
    )
    return key


def in_anothers_name():
    """Forge the session of an approved person who is not there; ask for what they may have, and may not."""
    forged = a_forged_session(given["person"])
    ask("forged session, their file", f"{a_capability()} {forged}")
    theirs = {"subject_id": f"'{given['their_file']}'", "project_id": f"'{given['their_project']}'"}
    ask("forged session, file of another project", f"{a_capability(**theirs)} {forged}")
    theirs["project_id"] = f"'{given['project']}'"
    ask("forged session, the same as if of theirs", f"{a_capability(**theirs)} {forged}")
    sql("take back that it was used", "UPDATE custody_capability SET used_at = NULL")
    sql("take back the line of it", "DELETE FROM audit_event WHERE event LIKE 'capability.%%'")


if given.get("secret_key"):
    in_anothers_name()
    sys.stdout.write(json.dumps({"plaintext": got, "outcome": outcome}))
    sys.exit()
if given.get("across"):
    across_projects(given["across"])
    sys.stdout.write(json.dumps({"plaintext": got, "outcome": outcome}))
    sys.exit()
every_table()
every_file()
ask("invented token", secrets.token_urlsafe(32))
ask("used token", f"{given['used']} {given['session']}")
ask("expired token", f"{given['expired']} {given['session']}")
ask("written capability", a_capability())
ask("written capability, invented session", f"{a_capability()} {secrets.token_hex(16)}")
ask("written capability, session of another", f"{a_capability()} {given['session']}")
ask("written capability, long past", a_capability(issued_at="now() - interval '1 day'"))
sql("make a used one fresh", "UPDATE custody_capability SET used_at = NULL")
sql("lengthen one", "UPDATE custody_capability SET expires_at = now() + interval '1 day'")
sql("remove one", "DELETE FROM custody_capability")
sql("move a file to another owner", "UPDATE custody_sealedfile SET owner_id = %s", given["other"])
sql("change a manifest", "UPDATE custody_sealedfile SET manifest = NULL")
sql("change a wrapped key", "UPDATE custody_sealedfile SET wrapped_key = '\\x00'")
sql("remove a file", "DELETE FROM custody_sealedfile")
sql("take a statement away", "UPDATE custody_sealedfile SET statement = NULL, signing_key_id = NULL")
sql("put another key in", "UPDATE accounts_signingkey SET public_key = '\\x00'")
what_the_vault_did()
sql("become the vault", "SET ROLE p20_vault")
sql("become the owner", "SET ROLE p20_owner")
sql("give itself rights", "ALTER ROLE p20_web SUPERUSER")
sql("take the guards away", "ALTER TABLE custody_capability DISABLE TRIGGER ALL")
sql("rewrite the ledger", "UPDATE audit_event SET note = 'nothing happened'")
sql("read the server's files", "SELECT pg_read_file('/etc/passwd')")
sql("run a program", "COPY custody_capability TO PROGRAM 'cat'")
every_table()
sys.stdout.write(json.dumps({"plaintext": got, "outcome": outcome}))
