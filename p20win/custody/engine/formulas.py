"""What a spreadsheet program may take for a formula: refused where it comes in, marked where it goes out.

One place for both. `-1` is a number and stays one where numbers are expected; `-1+cmd|…` is none.
"""

import re
from typing import Final

_MARKS: Final = tuple("=+@＝＋＠")
_MINUS: Final = tuple("-－")
_OUTSIDE: Final = tuple(
    "\t\r\n|%"
)  # begin one in some program; a file that comes in may hold | and % as text
_NUMBER: Final = re.compile(r"-?[0-9][0-9,]*(\.[0-9]+)?([eE][+-]?[0-9]{1,3})?%?")
_DASHES: Final = re.compile(r"[-－]+")
_LABEL: Final = re.compile(r"[-－][ \d](?!.*([|!]|[A-Za-z_.]\()).*")  # calls no function and no program
_UNSHOWN: Final = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f]")


def may_run(text: str, *, label: bool = False) -> bool:
    """This will say whether a text may be taken for a formula; a number below zero and a dash are none.

    Labels of tables are often “- Girls” or “-5 to 0”; neither are they, if nothing is called by them.
    """
    begins = text.lstrip(" ")
    if label and _LABEL.fullmatch(begins):
        return False
    if begins.startswith(_MINUS):
        return not (_NUMBER.fullmatch(begins.rstrip(" ")) or _DASHES.fullmatch(begins))
    return begins.startswith(_MARKS)


def harmless(text: str, *, numbers: bool = False) -> str:
    """This will give text that every spreadsheet program shows as text; with `numbers`, numbers stay so."""
    shown = _UNSHOWN.sub("", text)
    if numbers and _NUMBER.fullmatch(shown):
        return shown
    return f"'{shown}" if shown.lstrip(" ").startswith((*_MARKS, *_MINUS, *_OUTSIDE)) else shown
