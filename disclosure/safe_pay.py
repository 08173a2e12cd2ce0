"""Sums and means of pay in a safe table: what may be asked for, and what its check attacks."""

import contextlib
import datetime as dt
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, Final

from disclosure import safe_checks, safe_choices, standing, tabulating
from disclosure.models import Output, SafeTable, Verdict
from p20win.custody import public as custody
from requests_app import public as requests

if TYPE_CHECKING:
    from disclosure.checking import Case
    from disclosure.engine.crosstab import Axis
    from disclosure.engine.examine import Examination
    from disclosure.engine.magnitude.contributions import Contributions
    from disclosure.engine.policy import CellPolicy
    from disclosure.models import OutputCheck
    from matching.models import Delivery

MEASURES: Final = {"sum": "Sum", "mean": "Mean"}
NEAREST: Final = (1, 10, 100, 1_000, 10_000)  # dollars
NOT_SAFE: Final[dict[str, str]] = {  # what the author of a table of pay reads
    Verdict.UNREADABLE: "The pay cannot be added up from the extract, or its categories do not fit what is"
    " known. Ask the hub, or ask for the counts alone.",
    Verdict.NO_PATTERN: "No sum or mean can be shown from which no employer's pay and no small count could be"
    " worked out. Ask for fewer or wider categories.",
    Verdict.NOT_SETTLED: "It could not be settled whether the pay is safe, or the extract can no longer be"
    " opened for it. Nothing of the table is released. Ask for fewer categories, or for the counts alone.",
}
SECONDS: Final = 15.0  # of solver work for each of the patterns that are tried


@dataclass(frozen=True)
class Pay:
    """An approved amount in a file, with the one element of that file that says who pays."""

    file: str
    element: str
    employer: str
    name: str  # what people call it

    @property
    def key(self) -> str:
        """Return how a form names it."""
        return f"{self.file}/{self.element}"


def choices(delivery: "Delivery") -> list[Pay]:
    """Return the amounts of which sums may be told: without who pays, nobody can tell who stands out."""
    approved = requests.approved_elements(delivery.project)
    delivered = {entry["file"]: set(entry["columns"]) for entry in delivery.contents}
    found = []
    for file, agency in safe_choices.files(delivery).items():
        there = [
            each
            for each in approved
            if safe_choices.file_of(each) == file
            and each.name in delivered[file]
            and not each.is_matching_identifier
        ]
        employers = [each.name for each in there if each.data_type == requests.DataType.EMPLOYER]
        if len(employers) == 1:
            amounts = [each.name for each in there if each.data_type == requests.DataType.AMOUNT]
            found += [Pay(file, name, employers[0], f"{name} ({agency})") for name in amounts]
    return found


def written(delivery: "Delivery", asked: Mapping[str, Any] | None) -> dict[str, Any]:
    """Return what a table keeps of the pay that was asked for; one that may not be told has no name."""
    if not asked:
        return {}
    there = {pay.key: pay for pay in choices(delivery)}
    pay = there.get(f"{asked['file']}/{asked['element']}")
    told = {"name": pay.name, "employer": pay.employer} if pay else {"name": "", "employer": ""}
    return {name: asked[name] for name in ("file", "element", "measure", "nearest")} | told


def why_not_told(table: SafeTable) -> list[str]:
    """Say why this pay may not be told: not offered, of others than those counted, or beside other pay."""
    said = table.pay
    if not said:
        return []
    if written(table.delivery, said) != said or not said["name"]:
        return ["That is no amount of the extract with an employer beside it. Take another, or count people."]
    if said["measure"] not in MEASURES or said["nearest"] not in NEAREST:
        return ["Choose a sum or a mean, and what it is rounded to."]
    reasons = []
    if said["file"] != table.counted:
        reasons.append("Sums are of the people who are counted: count those in the file that holds the pay.")
    rows = safe_checks.standing_tables(table.delivery).exclude(pk=table.pk)
    others = {row.pay["name"] for row in rows if row.pay} - {said["name"]}
    if others:
        reasons.append(
            f"The tables counted from this extract tell pay of one element: “{min(others)}”."
            " Take that, or withdraw the tables that stand."
        )
    return reasons


def told_in(output: Output) -> dict[str, Any]:
    """Return what an output tells besides counts; nothing for one of counts alone."""
    table = standing.safe_table_of(output)
    return dict(table.pay) if table else {}


def in_words(table: SafeTable) -> str:
    """Say what is told besides counts; nothing for a table of counts alone."""
    if not (said := table.pay):
        return ""
    dollars = "whole dollars" if said["nearest"] == 1 else f"{said['nearest']:,} dollars"
    return f"{MEASURES[said['measure']]} of {said['name']}, to {dollars}"


def shown(found: "OutputCheck") -> str:
    """Say in a sentence how much of the pay is shown; nothing for a table of counts."""
    adds = found.adds or {}
    return f" Pay is told of {adds['pay']} of its {adds['of_pay']} cells." if adds.get("of_pay") else ""


def in_record(output: Output) -> dict[str, str] | None:
    """Return what an audit record says of pay; of what is no table of pay, nothing."""
    table = standing.safe_table_of(output)
    if table is None or not table.pay:
        return None
    return {"told": in_words(table), "attacked_by": "every employer"}


# --- in the vault


def examined(
    table: SafeTable, case: "Case", *, told: Callable[[int, str], None], at: dt.datetime
) -> "Examination":
    """Check a table of pay: the extract is opened again, for who paid what is kept nowhere else."""
    from disclosure.engine.examine import NOT_SETTLED, Examination
    from disclosure.engine.examine_pay import examine_pay

    output = table.output
    reasons = safe_checks.why_not_count(output.project, table.delivery, output.author, at)
    reasons += [*safe_checks.why_not_beside_others(table), *why_not_told(table)]
    others = [row for row in map(standing.safe_table_of, case.others) if row is not None and row.pay]
    if any(row.delivery_id != table.delivery_id or row.pay["name"] != table.pay["name"] for row in others):
        reasons.append(
            "Pay of another extract or element is told already; the two cannot be checked together."
        )
    if reasons:
        return Examination(NOT_SETTLED, " ".join(reasons))
    return examine_pay(
        case.name,
        case.content,
        case.beside,
        read=lambda: _paid(table, others, told),
        measure=table.pay["measure"],
        dollars=table.pay["nearest"],
        known=case.money,
        policy=rules_for_pay(case.rules),
        seconds=SECONDS,
        progress=told,
    )


def rules_for_pay(rules: "CellPolicy") -> "CellPolicy":
    """Return a project's rules with those for what employers pay."""
    from disclosure.engine.policy import UI_WAGES

    return replace(rules, dominance=UI_WAGES)


def _paid(table: SafeTable, others: Sequence[SafeTable], told: Callable[[int, str], None]) -> "Contributions":
    from disclosure.engine.crosstab_pay import PayColumns, read_paid

    said = table.pay
    wanted = PayColumns(said["name"], said["element"], said["employer"])
    with _open(table) as files:
        return read_paid(table.counted, _axes([table, *others]), wanted, files, told=told)


def _axes(tables: Sequence[SafeTable]) -> "list[Axis]":
    """Return every dimension of these tables once, told by its finest values."""
    every = [replace(axis, codes=()) for table in tables for axis in safe_choices.axes(table)]
    return list({axis.name: axis for axis in every}.values())


@contextlib.contextmanager
def _open(table: SafeTable) -> Iterator[dict[str, Any]]:
    with (
        custody.open_only(table.project_id, custody.DataClass.EXTRACT),
        tabulating.opened_files(table) as files,
    ):
        yield files
