"""The door of the disclosure desk.

`released()` is its end of the line. An output is submitted, checked in the vault, sent, cleared by every
agency and the operating group, and released; `look` and `fetch_package` go through the vault.
"""

from disclosure.copies import file_copy
from disclosure.models import POINTS, Output, OutputCheck, OutputStatus, PublishedCopy, Verdict
from disclosure.package import ACKNOWLEDGEMENT
from disclosure.selectors import clean_tables, clearances, latest_check, outputs, released, visible_to
from disclosure.services import (
    check_again,
    clear,
    fetch_package,
    look,
    release,
    return_to_author,
    send_new_file,
    send_to_agencies,
    submit,
    withdraw,
)

__all__ = [
    "ACKNOWLEDGEMENT",
    "POINTS",
    "Output",
    "OutputCheck",
    "OutputStatus",
    "PublishedCopy",
    "Verdict",
    "check_again",
    "clean_tables",
    "clear",
    "clearances",
    "fetch_package",
    "file_copy",
    "latest_check",
    "look",
    "outputs",
    "release",
    "released",
    "return_to_author",
    "send_new_file",
    "send_to_agencies",
    "submit",
    "visible_to",
    "withdraw",
]
