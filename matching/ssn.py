"""The SSN, which is asked for, sent and used only where a link to wage records needs it (O-105)."""

from collections.abc import Mapping
from dataclasses import replace
from itertools import combinations
from typing import TYPE_CHECKING, Final

from matching import layouts, standing
from matching.engine import defaults
from matching.engine import spec as specs
from requests_app import public as requests

if TYPE_CHECKING:
    from p20win.accounts.models import Organisation
    from p20win.projects.models import Project

SSN: Final = "ssn"


def approved_files(project: "Project") -> dict[str, specs.File]:
    """Return which column of each agency's file would be which field, if all that is approved were sent."""
    files = {}
    for agency in standing.agencies(project):
        elements = requests.approved_elements(project, agency)
        identifiers = [element for element in elements if element.is_matching_identifier]
        files[layouts.file_name(agency)] = layouts.engine_file(agency, identifiers)
    return files


def needed_by(files: Mapping[str, specs.File]) -> list[tuple[str, str]]:
    """Return the pairs of files that hold an SSN and too little else to tell people apart.

    Wage records are such: a name and an SSN.
    """
    found = []
    for one, other in combinations(files, 2):
        common = set(files[one].columns) & set(files[other].columns)
        rest = sum(defaults.BITS[field] for field in common - {SSN})
        if SSN in common and rest < defaults.LEAST_BITS:
            found.append((one, other))
    return found


def asked_of(files: Mapping[str, specs.File]) -> set[str]:
    """Return the files whose SSN a link needs."""
    return {name for pair in needed_by(files) for name in pair}


def without(file: specs.File) -> specs.File:
    """Return a file without its SSN."""
    return replace(file, columns={k: v for k, v in file.columns.items() if k != SSN})


def not_asked_of(project: "Project") -> "list[Organisation]":
    """Return the agencies whose SSN is approved and not asked for, as nothing needs it."""
    files = approved_files(project)
    asked = asked_of(files)
    return [
        agency
        for agency in standing.agencies(project)
        if SSN in files[name := layouts.file_name(agency)].columns and name not in asked
    ]
