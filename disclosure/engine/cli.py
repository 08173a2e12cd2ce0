"""The command line: protect tables, make tables of pay from records, or audit what was released.

Exit codes of `protect` and `pay`: 0 written and its own audit clean, 1 no safe pattern, 2 bad input,
3 stopped without a safe pattern. OUT exists only on 0.
Of `audit`: 0 pass, 1 leak, 2 bad input or not checked.
"""

import argparse
import csv
import json
import math
import os
import sys
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import NoReturn, TextIO

from disclosure.engine import given, outfiles
from disclosure.engine.audit.judge import Report, audit
from disclosure.engine.audit.reading import read
from disclosure.engine.clock import clock
from disclosure.engine.errors import BadTable, NoSafePattern, SolverFailed, Stopped
from disclosure.engine.longform import whole_number
from disclosure.engine.magnitude import paytable, records, told
from disclosure.engine.magnitude.published import MEAN, SUM
from disclosure.engine.policy import UI_WAGES, CellPolicy
from disclosure.engine.protect import Protection
from disclosure.engine.release import Outside, audit_release, protect_and_audit
from disclosure.engine.spelling import refuse_two_spellings

DEFAULTS = CellPolicy(min_count=6, hide_zeros=True, min_pct_base=20)
PAY_DEFAULTS = replace(DEFAULTS, dominance=UI_WAGES)
_LARGEST_UNIT = 1_000_000  # dollars
_PROCESSOR = 5  # times the seconds: work decides long before, but beside others it takes longer
_NAMED = 20  # facts and leaks told one by one


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command and return its exit code; whatever goes wrong, never 0."""
    words = list(sys.argv[1:] if arguments is None else arguments)
    try:
        options = _parser().parse_args(words)
    except WrongUse as error:
        _tell(error.usage, sys.stderr)
        _say(2, str(error))
        options, code = _meant(words), 2
    else:
        code = _run(options)
    if code and options.out:
        _sweep(options)
    return code


def _run(options: argparse.Namespace) -> int:
    try:
        return int(options.run(options))
    except BadTable as error:
        return _say(2, str(error))
    except NoSafePattern as error:
        facts = error.facts or [f"{path}: what it shows" for path in _inputs(options)[:_NAMED]]
        for line in (str(error), *(f"  in the way: {fact}" for fact in facts)):
            _say(1, line)
        return 1
    except (Stopped, SolverFailed) as error:
        return _say(options.stopped, str(error))
    except OSError as error:
        return _say(2, f"{error.filename or 'File'}: {error.strerror}.")
    except MemoryError:
        return _say(options.stopped, "The tables need more memory than there is.")
    except Exception as error:  # noqa: BLE001 - the last net: an error must not end as a verdict
        return _say(options.stopped, f"Stopped by an error of the program ({type(error).__name__}).")


def _sweep(options: argparse.Namespace) -> None:
    """Take away what an earlier run left at the targets: it must not be taken for what this one did."""
    try:
        outfiles.sweep(options.tables, (options.out, options.public), _inputs(options))
    except OSError as error:
        _tell(f"{error.filename}: an earlier result could not be taken away. Do not use it.", sys.stderr)


class WrongUse(Exception):
    """The words of the command line do not make a command."""

    def __init__(self, message: str, usage: str) -> None:
        super().__init__(message)
        self.usage = usage


class _Parser(argparse.ArgumentParser):
    """Leaves it to the caller to end the program: there may be something to clear away."""

    def error(self, message: str) -> NoReturn:
        raise WrongUse(message, self.format_usage().rstrip())


def _meant(arguments: Sequence[str]) -> argparse.Namespace:
    """Read from words that make no command what it would have written, and what it would have read."""
    try:
        options, rest = _lenient(arguments, abbreviated=True).parse_known_args(arguments[1:])
    except WrongUse:
        options, rest = _lenient(arguments, abbreviated=False).parse_known_args(arguments[1:])
    if arguments[:1] == ["audit"]:
        options.out = None  # it writes nothing
    options.hier = [each for each in options.hier if each]
    options.tables += [word for word in rest if not word.startswith("-")]
    return options


def _lenient(arguments: Sequence[str], *, abbreviated: bool) -> argparse.ArgumentParser:
    parser = _Parser(add_help=False, allow_abbrev=abbreviated)
    parser.add_argument("tables", nargs="*")
    names = ["--out", "--public", "--policy", "--seconds"]
    if arguments[:1] == ["pay"]:
        names += ["--person", "--employer", "--pay", "--by", "--measure", "--nearest"]
    for name in names:
        parser.add_argument(name, nargs="?")
    parser.add_argument("--hier", nargs="?", action="append", default=[])
    for name in ("--released", "--known"):
        parser.add_argument(name, nargs="*", action="extend", default=[])
    return parser


def _say(code: int, text: str) -> int:
    _tell(text, sys.stderr)
    return code


def _tell(text: str, stream: TextIO | None = None) -> None:
    """Print, whatever the stream can take: a broken pipe must not change a verdict."""
    stream = stream or sys.stdout
    try:
        try:
            print(text, file=stream, flush=True)
        except UnicodeEncodeError:
            print(text.encode("ascii", "backslashreplace").decode(), file=stream, flush=True)
    except OSError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), stream.fileno())


def _parser() -> argparse.ArgumentParser:
    parser = _Parser(prog="python -m disclosure.engine", description=__doc__)
    commands = parser.add_subparsers(required=True)
    one = commands.add_parser("protect", help="withhold what must not be shown")
    one.add_argument("tables", nargs="+", metavar="TABLE.csv")
    one.set_defaults(run=_protect)
    pay = commands.add_parser("pay", help="make a protected table of sums or means from records of pay")
    pay.add_argument("tables", nargs=1, metavar="RECORDS.csv")
    for name, what in (("person", "who"), ("employer", "who pays"), ("pay", "dollars")):
        pay.add_argument(f"--{name}", required=True, metavar="COLUMN", help=f"the column that says {what}")
    pay.add_argument("--by", required=True, action="append", metavar="COLUMN", help="a dimension; repeat it")
    pay.add_argument("--measure", choices=(SUM, MEAN), default=SUM)
    pay.add_argument("--nearest", default="1", metavar="DOLLARS", help="what sums or means are rounded to")
    pay.set_defaults(run=_pay)
    for command in (one, pay):
        command.add_argument("--released", nargs="+", action="extend", default=[], metavar="FILE")
        command.add_argument("--seconds", default="60")
        command.add_argument("--out", required=True)
        command.add_argument("--public")
        command.set_defaults(stopped=3)
    two = commands.add_parser("audit", help="attack released tables")
    two.add_argument("tables", nargs="+", metavar="FILE")
    two.add_argument("--json", action="store_true")
    two.set_defaults(run=_audit, stopped=2, released=[], out=None, public=None)
    for command in (one, pay, two):
        command.add_argument("--hier", action="append", default=[], metavar="DIM=FILE")
        command.add_argument("--policy", metavar="FILE.toml")
        command.add_argument(
            "--known", nargs="+", action="extend", default=[], metavar="FILE", help="public, not through us"
        )
    return parser


def _inputs(options: argparse.Namespace) -> list[str]:
    groups = [each.partition("=")[2] for each in options.hier]
    return [*options.tables, *options.released, *options.known, *groups, *filter(None, [options.policy])]


def _counts(files: Sequence[tuple[str, bytes]]) -> list[tuple[str, bytes]]:
    """Leave out what tables of pay say of money: it is no dimension of their counts."""
    return [(path, told.counts_of(content)) for path, content in files]


def _seconds(text: str) -> float:
    try:
        seconds = float(text)
    except ValueError:
        raise BadTable("--seconds must be a number.") from None
    if not math.isfinite(seconds) or seconds <= 0:
        raise BadTable("--seconds must be more than 0, and finite.")
    return seconds


def _protect(options: argparse.Namespace) -> int:
    if len({Path(path).name for path in options.tables}) < len(options.tables):
        raise BadTable("Two tables have the same file name; each is written under its own.")
    places = outfiles.targets(options.tables, options.out, options.public)
    outfiles.refuse_inputs(places, _inputs(options))
    outfiles.clear(places)
    folders = outfiles.folders(options.tables, (options.out, options.public))
    try:
        return _protect_into(options, places)
    finally:
        outfiles.clear_folders(folders)


def _protect_into(options: argparse.Namespace, places: Sequence[tuple[Path, Path | None]]) -> int:
    seconds = _seconds(options.seconds)
    tables = [given.table(path, content) for path, content in given.contents(options.tables)]
    outside = _outside(options)
    refuse_two_spellings([(t.name, [row.codes for row in t.rows]) for t in (*tables, *outside.tables)])
    groups = given.groups(options.hier)
    policy = given.policy(options.policy, DEFAULTS)
    hierarchies = {name: content for name, (_, content) in groups.items()}
    read = {name: given.hierarchy(name, path, content) for name, (path, content) in groups.items()}
    known = {name: (groups[name][0], each.codes()) for name, each in read.items()}
    _look_over(given.used_in([*tables, *outside.tables]), known)
    result, report = protect_and_audit(
        tables,
        outside,
        hierarchies=read,
        groups=hierarchies,
        policy=policy,
        seconds=seconds,
        left=clock(_PROCESSOR * seconds),
    )
    if not report.passed:
        alone = audit_release(result, Outside(), groups=hierarchies, policy=policy)
        return _refuse(report, by_itself_safe=alone.passed and bool(outside.tables))
    files = []
    for (out, handed_on), table in zip(places, result.tables, strict=True):
        files.append((out, table.reviewer_bytes()))
        if handed_on:
            files.append((handed_on, table.public_bytes()))
    outfiles.write_all(files)
    _tell(summary(result, report))
    return 0


def _look_over(used: Sequence[given.Used], known: Mapping[str, tuple[str, set[str]]]) -> None:
    """Refuse codes that mean nothing, and tell on stderr of what may mean something else, or nothing."""
    given.refuse_strange_codes(used, known)
    for warning in (*given.idle_groups(used, known), *given.doubtful_totals(used, known)):
        _tell(warning, sys.stderr)


def _outside(options: argparse.Namespace) -> Outside:
    earlier, public = _counts(given.contents(options.released)), _counts(given.contents(options.known))
    before = [given.table(path, content) for path, content in earlier]
    before += [replace(given.table(path, content), ours=False) for path, content in public]
    return Outside(earlier, public, before)


def _pay(options: argparse.Namespace) -> int:
    places = outfiles.targets(options.tables, options.out, options.public)
    outfiles.refuse_inputs(places, _inputs(options))
    outfiles.clear(places)
    ((out, handed_on),) = places
    seconds, nearest = _seconds(options.seconds), whole_number(options.nearest)
    if not nearest or nearest > _LARGEST_UNIT:
        raise BadTable(f"--nearest must be whole dollars, from 1 to {_LARGEST_UNIT:,}.")
    groups, policy = given.groups(options.hier), given.policy(options.policy, PAY_DEFAULTS)
    outside = _outside(options)
    out_already = [
        each for each in given.contents([*options.released, *options.known]) if told.measure_of(each[1])
    ]
    known = [told.read_money(path, content, per=records.CENTS) for path, content in out_already]
    also = tuple(dim for money in known for dim in told.dimensions_of(money) if dim not in options.by)
    columns = records.Columns(options.person, options.employer, options.pay, tuple(options.by), also)
    hierarchies = {name: given.hierarchy(name, path, content) for name, (path, content) in groups.items()}
    ((path, content),) = given.contents(options.tables)
    try:
        paid = records.read_records(path, given.text(path, content), columns, hierarchies)
    except csv.Error as error:
        raise BadTable(f"{path}: not a CSV ({error}). Check the quotation marks.") from None
    made = paytable.make(
        records.table_of(path, paid, columns.by, hierarchies),
        paid,
        outside,
        measure=options.measure,
        dollars=nearest,
        known=known,
        hierarchies=hierarchies,
        groups={name: content for name, (_, content) in groups.items()},
        policy=policy,
        seconds=seconds,
    )
    files = [(out, made.reviewer_bytes())]
    if handed_on:
        files.append((handed_on, made.public_bytes()))
    outfiles.write_all(files)
    attacked = made.pattern.attack.asked if made.pattern.attack else 0
    _tell(summary(made.pattern.protection, made.pattern.counts))
    _tell(f"{made.shown} of {len(made.table.rows)} {options.measure}s shown; attack clean ({attacked} asked)")
    return 0


def _refuse(report: Report, *, by_itself_safe: bool) -> int:
    """Say what the own audit found, and whether it is what is out already that stands in the way."""
    told = [f"{leak.kind}: {leak.people}: {leak.derivation}" for leak in report.leaks[:_NAMED]]
    if by_itself_safe:
        raise NoSafePattern("Together with what is out already, small counts can be worked out.", told)
    for line in told:
        _say(3, f"own audit: {line}")
    return _say(3, "The pattern found does not pass its own audit; nothing was written.")


def summary(result: Protection, report: Report) -> str:
    """Say in a line what was withheld and how good the choice is."""
    text = (
        f"{result.cells} cells: {result.primary} withheld by rule, {result.complementary} to protect them"
        f", {result.percentages_withheld} percentages withheld; audit clean ({report.questions} questions)"
    )
    if result.gap:
        text += f"; gap {100 * result.gap:.2f} %"
    if result.stopped_by_wall:
        text += "; stopped by the clock: another run may withhold other cells"
    return text


def _audit(options: argparse.Namespace) -> int:
    groups = given.groups(options.hier)
    files = given.contents(options.tables)
    for path in (path for path, content in files if told.measure_of(content)):
        _say(0, f"{path}: only its counts are audited here; its sums or means cannot be without the records.")
    counts, public = _counts(files), _counts(given.contents(options.known))
    lines = [(path, read(path, text)) for path, text in counts + public]
    refuse_two_spellings([(path, [line.people for line in each]) for path, each in lines])
    known = {n: (path, given.group_codes(n, path, text)) for n, (path, text) in groups.items()}
    used = [(path, line.number, line.people) for path, each in lines for line in each]
    _look_over([given.Used(p, n, dim, code) for p, n, codes in used for dim, code in codes.items()], known)
    report = audit(
        counts,
        groups={name: content for name, (_, content) in groups.items()},
        policy=given.policy(options.policy, DEFAULTS),
        known=public,
    )
    if options.json:
        _tell(json.dumps(as_json(report), indent=2, sort_keys=True))
    else:
        _tell(_in_words(report))
    return 0 if report.passed else 1


def as_json(report: Report) -> dict[str, object]:
    """Return the whole report for a machine."""
    return {
        "verdict": "pass" if report.passed else "leak",
        "cells": report.cells,
        "withheld": report.withheld,
        "leaks": [leak.as_json() for leak in report.leaks],
        "warnings": [warning.as_json() for warning in report.warnings],
        "intervals": [interval.as_json() for interval in report.intervals],
    }


def _in_words(report: Report) -> str:
    said = []
    for word, findings in (("LEAK", report.leaks), ("warning", report.warnings)):
        for found in findings:
            high = "any" if found.high == float("inf") else f"{found.high:.0f}"
            said.append(f"{word} {found.kind}: {found.people}: {found.low:.0f} to {high}. {found.derivation}")
    verdict = "pass" if report.passed else f"{len(report.leaks)} can be worked out"
    said.append(f"{report.cells} cells, {report.withheld} withheld: {verdict}")
    return "\n".join(said)
