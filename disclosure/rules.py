"""The rules that bind a project's outputs, and whether they are still those of a check."""

from typing import TYPE_CHECKING

from disclosure.engine.policy import CellPolicy, strictest
from p20win import policy
from p20win.once import once
from p20win.projects import public as projects
from requests_app import public as requests

if TYPE_CHECKING:
    from disclosure.models import OutputCheck
    from p20win.projects.models import Project


@once
def rules_of(project: "Project") -> CellPolicy:
    """Return the strictest rules that bind this project: the policy's, each agency's, each decision's."""
    floor = CellPolicy(
        min_count=max(policy.MIN_CELL_COUNT, requests.min_cell_count(project)),
        hide_zeros=False,
        min_pct_base=policy.MIN_PERCENT_BASE,
        min_pct_count=policy.MIN_PERCENT_COUNT,
    )
    theirs = [
        CellPolicy(agency.min_cell_count, agency.hides_zeros, policy.MIN_PERCENT_BASE)
        for agency in projects.suppliers(project)
    ]
    # No agency at all is no leave to show zeros.
    return strictest([floor, *theirs] if theirs else [floor, CellPolicy(1, True, 1)])


def noted(rules: CellPolicy) -> dict[str, int | bool]:
    """Return the numbers in force, as a check keeps them."""
    return {
        "min_count": rules.min_count,
        "hide_zeros": rules.hide_zeros,
        "min_pct_base": rules.min_pct_base,
        "min_pct_count": rules.min_pct_count,
    }


def have_grown_since(found: "OutputCheck") -> bool:
    """Say whether a check was made by milder rules than those that bind its project now."""
    then = CellPolicy(**found.policy)
    return strictest([then, rules_of(found.project)]) != then
