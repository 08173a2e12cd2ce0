"""What somebody would try who got into the web process. Run as a program, with what the web process has.

It knows the schema, has the web's database role, the web's files and the vault's socket. It tells what came
of each attempt, and how many bytes of plaintext it got hold of. Nothing of the portal is imported.
"""

import hashlib
import json
import os
import secrets
import socket
import sys
from pathlib import Path

import psycopg2

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
sql("become the vault", "SET ROLE p20_vault")
sql("become the owner", "SET ROLE p20_owner")
sql("give itself rights", "ALTER ROLE p20_web SUPERUSER")
sql("take the guards away", "ALTER TABLE custody_capability DISABLE TRIGGER ALL")
sql("rewrite the ledger", "UPDATE audit_event SET note = 'nothing happened'")
sql("read the server's files", "SELECT pg_read_file('/etc/passwd')")
sql("run a program", "COPY custody_capability TO PROGRAM 'cat'")
every_table()
sys.stdout.write(json.dumps({"plaintext": got, "outcome": outcome}))
