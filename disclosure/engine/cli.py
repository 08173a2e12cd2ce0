"""The command line: protect tables, or audit what was released.

Exit codes of `protect`: 0 written and its own audit clean, 1 no safe pattern, 2 bad input,
3 stopped without a safe pattern. Of `audit`: 0 pass, 1 leak, 2 bad input, 3 the check itself failed.
"""

import argparse
import json
import sys
import time
from collections.abc import Sequence
from pathlib import Path

from disclosure.engine.audit.judge import Report, audit
from disclosure.engine.codes import read_hierarchy
from disclosure.engine.errors import BadTable, NoSafePattern, SolverFailed, Stopped
from disclosure.engine.examine import audit_release
from disclosure.engine.longform import read_long
from disclosure.engine.policy import CellPolicy, from_toml
from disclosure.engine.protect import Protection, protect

DEFAULTS = CellPolicy(min_count=6, hide_zeros=True, min_pct_base=20)


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command and return its exit code."""
    options = _parser().parse_args(arguments)
    try:
        return int(options.run(options))
    except BadTable as error:
        return _say(2, str(error))
    except NoSafePattern as error:
        for line in (str(error), *(f"  in the way: {fact}" for fact in error.facts)):
            _say(1, line)
        return 1
    except (Stopped, SolverFailed) as error:
        return _say(3, str(error))
    except OSError as error:
        return _say(2, f"{error.filename or 'File'}: {error.strerror}.")


def _say(code: int, text: str) -> int:
    print(text, file=sys.stderr)
    return code


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m disclosure.engine", description=__doc__)
    commands = parser.add_subparsers(required=True)
    one = commands.add_parser("protect", help="withhold what must not be shown")
    one.add_argument("tables", nargs="+", metavar="TABLE.csv")
    one.add_argument("--released", nargs="+", action="extend", default=[], metavar="FILE")
    one.add_argument("--seconds", type=float, default=60.0)
    one.add_argument("--out", required=True)
    one.add_argument("--public")
    one.set_defaults(run=_protect)
    two = commands.add_parser("audit", help="attack released tables")
    two.add_argument("tables", nargs="+", metavar="FILE")
    two.add_argument("--json", action="store_true")
    two.set_defaults(run=_audit)
    for command in (one, two):
        command.add_argument("--hier", action="append", default=[], metavar="DIM=FILE")
        command.add_argument("--policy", metavar="FILE.toml")
    return parser


def _text(path: str) -> str:
    try:
        return Path(path).read_text(encoding="utf-8-sig")
    except UnicodeDecodeError:
        raise BadTable(f"{path}: not UTF-8 text. Save the file as CSV UTF-8.") from None


def _policy(options: argparse.Namespace) -> CellPolicy:
    return from_toml(_text(options.policy), defaults=DEFAULTS) if options.policy else DEFAULTS


def _hierarchies(options: argparse.Namespace) -> dict[str, str]:
    files: dict[str, str] = {}
    for given in options.hier:
        name, equals, path = given.partition("=")
        if not equals or not name or not path:
            raise BadTable(f"--hier {given}: write DIM=FILE.")
        if name in files:
            raise BadTable(f"--hier {given}: {name} has a hierarchy already.")
        files[name] = path
    return files


def _protect(options: argparse.Namespace) -> int:
    if options.seconds <= 0:
        raise BadTable("--seconds must be more than 0.")
    tables = [read_long(path, _text(path)) for path in options.tables]
    several = len(tables) > 1
    if several and len({Path(path).name for path in options.tables}) < len(tables):
        raise BadTable("Two tables have the same file name; each is written under its own.")
    earlier = [read_long(path, _text(path)) for path in options.released]
    paths = _hierarchies(options)
    policy = _policy(options)
    end = time.monotonic() + options.seconds
    result = protect(
        tables,
        earlier,
        hierarchies={name: read_hierarchy(name, _text(path)) for name, path in paths.items()},
        policy=policy,
        seconds=options.seconds,
        left=lambda: end - time.monotonic(),
    )
    report = check(result, [(p, Path(p).read_bytes()) for p in options.released], paths, policy)
    if not report.passed:
        for leak in report.leaks[:20]:
            _say(3, f"own audit: {leak.kind}: {leak.people}: {leak.derivation}")
        return _say(3, "The pattern found does not pass its own audit; nothing was written.")
    _write(options, result, several=several)
    print(summary(result, report))
    return 0


def check(
    result: Protection, earlier: Sequence[tuple[str, bytes]], hierarchies: dict[str, str], policy: CellPolicy
) -> Report:
    """Audit the bytes that may be handed on, with the true counts and all earlier releases."""
    groups = {name: Path(path).read_bytes() for name, path in hierarchies.items()}
    return audit_release(result, earlier, groups=groups, policy=policy)


def _write(options: argparse.Namespace, result: Protection, *, several: bool) -> None:
    for target, side in ((options.out, "reviewer"), (options.public, "public")):
        if target is None:
            continue
        if several:
            Path(target).mkdir(parents=True, exist_ok=True)
        for table in result.tables:
            path = Path(target) / Path(table.table.name).name if several else Path(target)
            content = table.reviewer_bytes() if side == "reviewer" else table.public_bytes()
            scratch = path.with_name(path.name + ".part")
            scratch.write_bytes(content)
            scratch.replace(path)


def summary(result: Protection, report: Report) -> str:
    """Say in a line what was withheld and how good the choice is."""
    text = (
        f"{result.cells} cells: {result.primary} withheld by rule, {result.complementary} to protect them"
        f", {result.percentages_withheld} percentages withheld; audit clean ({report.questions} questions)"
    )
    if result.gap:
        text += f"; gap {100 * result.gap:.2f} %"
    if result.stopped_by_wall:
        text += "; stopped by the clock"
    return text


def _audit(options: argparse.Namespace) -> int:
    files = [(path, Path(path).read_bytes()) for path in options.tables]
    groups = {name: Path(path).read_bytes() for name, path in _hierarchies(options).items()}
    report = audit(files, groups=groups, policy=_policy(options))
    if options.json:
        print(json.dumps(as_json(report), indent=2, sort_keys=True))
    else:
        _print(report)
    return 0 if report.passed else 1


def as_json(report: Report) -> dict[str, object]:
    """Return the whole report for a machine."""
    return {
        "verdict": "pass" if report.passed else "leak",
        "cells": report.cells,
        "withheld": report.withheld,
        "leaks": [leak.as_json() for leak in report.leaks],
        "warnings": [warning.as_json() for warning in report.warnings],
    }


def _print(report: Report) -> None:
    for word, findings in (("LEAK", report.leaks), ("warning", report.warnings)):
        for finding in findings:
            high = "any" if finding.high == float("inf") else f"{finding.high:.0f}"
            print(
                f"{word} {finding.kind}: {finding.people}: {finding.low:.0f} to {high}. {finding.derivation}"
            )
    verdict = "pass" if report.passed else f"{len(report.leaks)} can be worked out"
    print(f"{report.cells} cells, {report.withheld} withheld: {verdict}")
