"""The command `p20`: what an agency's server, a researcher and a verifier need, without the portal.

Exit codes: 0 done or valid, 1 refused or broken, 2 unreadable, unknown or wrongly called, 3 not certain that
the portal speaks for the hub.
"""

import argparse
import getpass
import json
import logging
import os
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from client import config, encode_command, ledger, tables_command, trust_command
from client.checking import check_file, read_spec
from client.encoding import NotEncoded
from client.failure import Failure
from client.portal import Portal
from client.receiving import Delivery, check_delivery
from client.sending import Refused, check_receipt, send
from client.trust import (
    BEYOND_THE_PIN,
    BY_THE_PIN,
    NOT_CHECKED,
    Untrusted,
    given_or_asked,
    given_or_pinned,
    hub_keys,
)
from p20win.custody.engine import signing
from p20win.custody.engine.errors import CustodyError
from p20win.custody.engine.report import RULES, Report
from p20win.custody.engine.trust import Trust
from p20win.custody.engine.verify import BROKEN, VALID, Verdict, verify_file

_EXIT = {VALID: 0, BROKEN: 1}


def main(arguments: Sequence[str] | None = None) -> int:
    """This will run one command and give its exit code."""
    called = _parser().parse_args(arguments)
    logging.getLogger("pyhanko").setLevel(logging.CRITICAL)  # it tells on the screen what the verdict says
    try:
        code: int = called.run(called)
    except (Refused, NotEncoded) as refusal:
        print(refusal, file=sys.stderr)
        _show_report(refusal.report, as_json=called.json)
        return refusal.code
    except Failure as failure:
        print(failure, file=sys.stderr)
        return failure.code
    except OSError as problem:
        print(f"{problem.filename}: {problem.strerror}.", file=sys.stderr)
        return 2
    return code


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="p20", description="Send files to the P20 WIN hub, and verify its papers."
    )
    commands = parser.add_subparsers(required=True, metavar="command")

    keygen = commands.add_parser("keygen", help="make this machine's signing key")
    keygen.add_argument("--portal", help="address of the portal, remembered for later")
    keygen.set_defaults(run=_keygen, json=False)

    trust_command.add_commands(commands)

    check = commands.add_parser("check", help="check a file as the hub will, without sending it")
    check.add_argument("file", type=Path)
    source = check.add_mutually_exclusive_group(required=True)
    source.add_argument("--slot", help="id of the upload slot, whose rules the portal gives")
    source.add_argument(
        "--rules", type=Path, help="a file with the slot's rules, saved with “status --rules”"
    )
    _add_json(check)
    check.set_defaults(run=_check)

    encode_command.add_command(commands)
    tables_command.add_command(commands)

    sending = commands.add_parser("send", help="check, sign, seal and send a file")
    sending.add_argument("file", type=Path)
    sending.add_argument("--slot", required=True, help="id of the upload slot")
    _add_json(sending)
    sending.set_defaults(run=_send)

    status = commands.add_parser("status", help="say how far files are")
    status.add_argument("--slot", help="one slot alone")
    status.add_argument("--rules", action="store_true", help="print the slot's rules")
    _add_json(status)
    status.set_defaults(run=_status)

    instruction = commands.add_parser(
        "instruction", help="fetch what the file of a slot is made from, as it was approved"
    )
    instruction.add_argument("--slot", required=True, help="id of the upload slot")
    instruction.add_argument("--to", type=Path, help="where to write it; to the screen if left out")
    instruction.set_defaults(run=_instruction, json=False)

    receipt = commands.add_parser("receipt", help="fetch the hub's signed receipt for a file")
    receipt.add_argument("file_id")
    receipt.add_argument("--to", type=Path, help="where to write it; to the screen if left out")
    receipt.set_defaults(run=_receipt, json=False)

    receiving = commands.add_parser(
        "receive", help="fetch a delivery with the ticket that its page shows, and check it"
    )
    receiving.add_argument("address", help="address of the download, as its page shows it")
    receiving.add_argument("--to", type=Path, default=Path(), metavar="FOLDER", help="where to keep it")
    receiving.add_argument(
        "--trust",
        type=Path,
        metavar="PEM",
        help="the hub's public key; without it the one that is pinned here",
    )
    _add_json(receiving)
    receiving.set_defaults(run=_receive)

    verify = commands.add_parser(
        "verify", help="verify a sealed file, receipt, agreement, certificate, ledger or a proof from it"
    )
    verify.add_argument("file", type=Path)
    verify.add_argument(
        "--trust",
        type=Path,
        metavar="PEM",
        help="public keys and certificates that you trust; without it the hub's keys as pinned here",
    )
    verify.add_argument(
        "--proof",
        type=Path,
        action="append",
        default=[],
        metavar="FILE",
        help="a proof from the ledger that belongs to this certificate; may be given often",
    )
    _add_json(verify)
    verify.set_defaults(run=_verify)
    ledger.add_commands(commands)
    return parser


def _add_json(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--json", action="store_true", help="answer as JSON")


def _portal() -> Portal:
    return Portal(config.read_config().portal, config.read_key())


def _keygen(called: argparse.Namespace) -> int:
    key = config.new_key()
    if called.portal:
        config.write_config(config.Config(portal=called.portal))
    print(f"The private key is in {config.key_path()} and never leaves this machine.")
    print("Have your data steward enrol this public key in the portal:")
    print(signing.public_pem(key.public_key()).decode(), end="")
    print("Then have the hub tell you the fingerprint of its own key, and pin that: p20 trust")
    return 0


def _check(called: argparse.Namespace) -> int:
    if called.rules:
        spec = read_spec(called.rules)
    else:
        with _portal() as portal:
            spec = portal.get(f"/files/machine/slots/{called.slot}/")["spec"]
    report = check_file(called.file, spec)
    _show_report(report, as_json=called.json)
    return 0 if report.accepted else 1


def _send(called: argparse.Namespace) -> int:
    with _portal() as portal:
        answer = send(portal, config.read_key(), called.slot, called.file, seen=_show_progress)
    if called.json:
        print(json.dumps(answer, indent=2))
    else:
        print(f"Sent as {answer['file_id']}. The vault checks it now: p20 status --slot {called.slot}")
    return 0


def _show_progress(sent: int, size: int) -> None:
    _show(sent, size, "sent")


def _show(done: int, size: int, what: str) -> None:
    if sys.stderr.isatty():
        end = "\n" if done >= size else ""
        print(f"\r{done * 100 // max(size, 1):3d} % {what}", end=end, file=sys.stderr, flush=True)


def _status(called: argparse.Namespace) -> int:
    if called.rules and not called.slot:
        raise Failure("Name the slot whose rules you want: --slot ID.", code=2)
    with _portal() as portal:
        hub_keys(portal)
        answer = portal.get(
            f"/files/machine/slots/{called.slot}/" if called.slot else "/files/machine/slots/"
        )
    if called.rules:
        print(json.dumps(answer["spec"], indent=2))
    elif called.json:
        print(json.dumps(answer, indent=2))
    else:
        _show_slots([answer] if called.slot else answer["slots"])
    return 0


def _show_slots(slots: list[dict[str, Any]]) -> None:
    for slot in slots:
        print(f"{slot['slot']}  {slot['project_number']}  {slot['data_class']}  {slot['status']}")
        for file in slot["files"]:
            print(f"    {file['file_id']}  {file['status']}  received {file['received']}")
            for finding in file["report"].get("findings", []):
                place = _place(finding["row"], finding["column"])
                print(f"        {place}{finding['asks']} {finding['hint']}".rstrip())


def _instruction(called: argparse.Namespace) -> int:
    with _portal() as portal:
        hub_keys(portal)
        said = portal.get(f"/files/machine/slots/{called.slot}/instruction/")
    _write(said["instruction"], called.to, "Instruction")
    for note in said["notes"]:
        print(note, file=sys.stderr)
    return 0


def _receipt(called: argparse.Namespace) -> int:
    with _portal() as portal:
        keys = hub_keys(portal)
        receipt = portal.get(f"/files/machine/files/{called.file_id}/receipt/")
    try:
        check_receipt(receipt, keys, called.file_id)
    except CustodyError as problem:
        raise Untrusted(f"The receipt does not hold: {problem} Tell the hub.") from problem
    _write(receipt, called.to, "Receipt")
    return 0


def _write(document: dict[str, Any], to: Path | None, what: str) -> None:
    text = json.dumps(document, indent=2, ensure_ascii=False) + "\n"
    if to:
        to.write_text(text, "utf-8")
        print(f"{what} written to {to}.")
    else:
        print(text, end="")


def _receive(called: argparse.Namespace) -> int:
    ticket = os.environ.get("P20_TICKET") or getpass.getpass("Ticket: ")
    trust = given_or_asked(called.trust)
    with Delivery(called.address, ticket.strip()) as delivery:
        path, offer = delivery.fetch(called.to, seen=_show_received)
    document = check_delivery(path, trust)
    if called.json:
        print(json.dumps({"file": str(path), "sha256": offer.digest, "manifest": document}, indent=2))
        return 0
    print(f"{path}: {offer.size} bytes, whole; every file is the one that the hub signed for.")
    for entry in document["files"]:
        left = "".join(f"; {count} left out: {why}" for why, count in entry["without_link"].items())
        print(f"  {entry['name']}: {entry['rows_out']} of {entry['rows_in']} rows{left}")
    print(f"Confirm it on the page of the delivery. SHA-256: {offer.digest}")
    return 0


def _show_received(have: int, size: int) -> None:
    _show(have, size, "received")


def _verify(called: argparse.Namespace) -> int:
    trust = given_or_pinned(called.trust)
    verdict = verify_file(called.file, trust, called.proof)
    _show_verdict(verdict, as_json=called.json)
    if not called.json and called.trust is None and (note := _note(verdict, trust)):
        print(note)
    return _EXIT.get(verdict.state, 2)


def _note(verdict: Verdict, trust: Trust | None) -> str:
    """Say by what it was judged, where no trust file was named."""
    unsure = verdict.state == VALID and verdict.details.get("trusted") is None
    if trust is None:
        return NOT_CHECKED if unsure else ""
    return BEYOND_THE_PIN if unsure else BY_THE_PIN


def _show_verdict(verdict: Verdict, *, as_json: bool) -> None:
    if as_json:
        shown = {"kind": verdict.kind, "state": verdict.state, "says": verdict.says, **verdict.details}
        print(json.dumps(shown, indent=2, ensure_ascii=False))
        return
    print(f"{verdict.state.upper()}: {verdict.kind}. {verdict.says}")
    for name, value in verdict.details.items():
        if value not in (None, "", []):
            text = ", ".join(map(str, value)) if isinstance(value, list) else value
            print(f"  {name.replace('_', ' ')}: {text}")


def _show_report(report: Report, *, as_json: bool) -> None:
    if as_json:
        print(json.dumps(report.as_dict(), indent=2))
        return
    if report.accepted:
        print(f"The file keeps all rules: {report.rows} rows, {len(report.columns)} columns.")
    for finding in report.findings:
        print(f"{_place(finding.row, finding.column)}{RULES[finding.rule]} {finding.hint}".rstrip())
    if report.total > len(report.findings):
        print(f"{report.total - len(report.findings)} more places are not listed.")


def _place(row: int | None, column: str | None) -> str:
    parts = [f"row {row}" if row else "", f"column {column}" if column else ""]
    place = ", ".join(part for part in parts if part)
    return f"{place}: " if place else ""


if __name__ == "__main__":
    sys.exit(main())
