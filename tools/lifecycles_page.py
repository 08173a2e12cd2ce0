"""Print docs/lifecycles.md: what can follow what, drawn from the tables of steps.

python -m tools.lifecycles_page [--write | --check]
"""

from __future__ import annotations

import importlib
import os
import sys
from types import ModuleType
from typing import TYPE_CHECKING

import django

from tools.printing import ROOT, PrintedPage

if TYPE_CHECKING:
    from p20win.workflow import Step

APPS = (
    "p20win.projects",
    "requests_app",
    "agreements",
    "p20win.custody",
    "matching",
    "disclosure",
    "governance",
)


def tables() -> dict[str, dict[str, list[Step]]]:
    """Return the steps of each app, by the thing they move."""
    found = {}
    for app in APPS:
        if not (ROOT / app.replace(".", "/") / "lifecycle.py").is_file():
            continue
        by_thing: dict[str, list[Step]] = {}
        for step in _steps(importlib.import_module(f"{app}.lifecycle")):
            by_thing.setdefault(step.event.rpartition(".")[0], []).append(step)
        found[app] = by_thing
    return found


def _steps(module: ModuleType) -> list[Step]:
    """Return the steps of a module in the order in which they are written, each once."""
    from p20win.workflow import Step  # Django is set up by now

    found: list[Step] = []
    for value in vars(module).values():
        for item in value if isinstance(value, tuple | list) else [value]:
            if isinstance(item, Step) and item not in found:
                found.append(item)
    return found


def _row(step: Step) -> str:
    checks = ", ".join(f"`{getattr(check, '__name__', 'check')}`" for check in step.checks) or "none"
    sources = ", ".join(sorted(map(str, step.sources))) or "(new)"
    return f"| {step.label or step.event} | {sources} | {step.target} | {checks} | `{step.event}` |"


def page() -> str:
    """Return the text of docs/lifecycles.md."""
    lines = [
        "# What can follow what",
        "",
        "Printed from each desk's `lifecycle.py` by `python -m tools.lifecycles_page --write`; do not edit.",
        "An arrow is one step: it is taken by `workflow.take()` alone, if no check says why not.",
    ]
    for app, things in tables().items():
        lines += ["", f"## {app}"]
        for thing, steps in things.items():
            lines += [
                "",
                f"### {thing.replace('_', ' ').replace('.', ', ')}",
                "",
                "```mermaid",
                "stateDiagram-v2",
            ]
            lines += [
                f"  {source} --> {step.target}: {step.label or step.event}"
                for step in steps
                for source in sorted(map(str, step.sources))
            ]
            lines += ["```", "", "| Step | From | To | Checks | Event |", "|---|---|---|---|---|"]
            lines += [_row(step) for step in steps]
    return "\n".join(lines) + "\n"


PRINTED = PrintedPage(ROOT / "docs" / "lifecycles.md", "tools.lifecycles_page", page)

if __name__ == "__main__":
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "p20win.settings")
    django.setup()
    sys.exit(PRINTED.main(sys.argv[1:]))
