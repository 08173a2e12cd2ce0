"""Checks the list of parts of an Office file before anything is unpacked."""

import stat
import zipfile
from collections.abc import Sequence

from p20win.custody.engine.report import Report

_MOST_ENTRIES = 1000
_MOST_UNPACKED = 100 << 20
_MOST_RATIO = 100
_LOCAL_HEADER = 30  # bytes, without the name


def check_archive(archive: zipfile.ZipFile, report: Report, *, main: str, refused: Sequence[str]) -> bool:
    """This will say whether an archive is of sane size, with safe names, and holds what it should alone."""
    entries = archive.infolist()
    unpacked = sum(entry.file_size for entry in entries)
    packed = sum(entry.compress_size for entry in entries) or 1
    names = [entry.filename for entry in entries]
    if len(entries) > _MOST_ENTRIES:
        report.add("workbook", hint=f"The file has more than {_MOST_ENTRIES} parts.")
    elif _overlap(entries):
        report.add("workbook", hint="The file's parts lie over each other.")
    elif unpacked > _MOST_UNPACKED or unpacked > packed * _MOST_RATIO:
        report.add("workbook", hint="The file unpacks to far more than its size.")
    elif len(set(names)) != len(names) or any(
        name.startswith("/") or ".." in name.split("/") for name in names
    ):
        report.add("workbook", hint="The file's parts have unsafe names.")
    elif any(stat.S_ISLNK(entry.external_attr >> 16) for entry in entries):
        report.add("workbook", hint="The file holds a link to another file.")
    elif main not in names:
        report.add("workbook", hint="The file is not what its name says.")
    elif any(part in name.casefold() for name in names for part in refused):
        report.add("workbook", hint="Remove macros, links to other files and embedded objects.")
    return report.accepted


def _overlap(entries: list[zipfile.ZipInfo]) -> bool:
    """Say whether two parts share bytes: so a small archive can unpack to a huge one."""
    ordered = sorted(entries, key=lambda entry: entry.header_offset)
    ends = (entry.header_offset + _LOCAL_HEADER + entry.compress_size for entry in ordered)
    return any(end > after.header_offset for end, after in zip(ends, ordered[1:], strict=False))
