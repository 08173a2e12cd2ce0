"""Which combinations of identifiers are encoded: the rules that agencies and hub both know.

A token is made from a whole combination, never from one field that few values fill: who holds no key learns
nothing from how often a token occurs. Each rule stands for itself; the engine learns what each is worth.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from typing import Final

from matching.engine import bloom

VERSION: Final = 1
"""The version of the rules, of the normal forms beneath them, and of the form of a token."""
MARK: Final = "EncodedWith"
"""The column that says, in every row, under which version, project and key the row was encoded."""
CLK: Final = "CLK"
"""The column of the Bloom filter, where one was agreed."""
MARK_FIELD: Final = MARK.lower()
CLK_FIELD: Final = CLK.lower()
LABEL: Final = "pseudonymised, not anonymous"
"""How encoded files, and all that is made of them, are called."""


@dataclass(frozen=True)
class Rule:
    """One combination: its column, its parts, how it is called, and about how telling agreement is, in bits.

    A block is a looser combination by which Bloom filters are compared; it is sent with them alone.
    """

    column: str
    parts: tuple[str, ...]
    words: str
    bits: float
    is_block: bool = False

    @property
    def field(self) -> str:
        """Return how a specification calls the column."""
        return self.column.lower()


RULES: Final[tuple[Rule, ...]] = (
    Rule("T_SSN", ("ssn",), "SSN", 26),
    Rule("T_SSN_DOB", ("ssn", "dob"), "SSN and birth date", 32),
    Rule("T_SSN_FIRST", ("ssn", "nick"), "SSN and first name", 32),
    Rule("T_SSN_LAST", ("ssn", "last"), "SSN and surname", 32),
    Rule("T_SSN5_NAMES", ("ssn5", "nick", "last"), "start of the SSN and names", 28),
    Rule("T_SSN4_NAMES", ("ssn4", "nick", "last"), "end of the SSN and names", 26),
    Rule("T_SASID", ("sasid",), "SASID", 26),
    Rule("T_NAMES_DOB", ("first", "last", "dob"), "names and birth date", 28),
    Rule("T_PARTA_DOB", ("nick", "last_a", "dob"), "first name, start of the surname, birth date", 26),
    Rule("T_PARTB_DOB", ("nick", "last_b", "dob"), "first name, end of the surname, birth date", 26),
    Rule("T_SOUNDS_DOB", ("first_sound", "last_sound", "dob"), "sounds of the names, birth date", 22),
    Rule("T_INITIAL_DOB", ("initial", "last", "dob"), "initial, surname, birth date", 22),
    Rule("T_SWAPPED_DOB", ("nick", "last", "dob_either_way"), "names, day and month either way", 25),
    Rule("T_FIRST_SCHOOL", ("nick", "dob", "school"), "first name, birth date, high school", 24),
    Rule("T_YEAR_SCHOOL", ("nick", "last", "year", "school"), "names, birth year, high school", 24),
    Rule("T_FIRST_ZIP", ("nick", "dob", "zip"), "first name, birth date, ZIP code", 24),
    Rule("B_SOUNDS_YEAR", ("first_sound", "last_sound", "year"), "block: sounds and year", 16, True),
    Rule("B_DOB_SEX", ("dob", "sex"), "block: birth date and sex", 13, True),
)
"""Every rule, in the order in which a pair is counted to the first that found it."""

FIELD_OF_PART: Final[dict[str, str]] = {
    "ssn": "ssn", "ssn5": "ssn", "ssn4": "ssn", "sasid": "sasid",
    "first": "first_name", "nick": "first_name", "first_sound": "first_name", "initial": "first_name",
    "last": "last_name", "last_a": "last_name", "last_b": "last_name", "last_sound": "last_name",
    "dob": "birth_date", "dob_either_way": "birth_date", "year": "birth_date",
    "school": "high_school", "zip": "zip", "sex": "sex",
}  # fmt: skip
"""From which field each part is made."""

FIELDS: Final = frozenset(FIELD_OF_PART.values())
"""The fields that are encoded."""
BY_COLUMN: Final = {rule.column: rule for rule in RULES}
BY_FIELD: Final = {rule.field: rule for rule in RULES}


def rules_for(fields: Collection[str], *, clk: bool = False) -> list[Rule]:
    """Return the rules all of whose parts a file with these fields has."""
    return [
        rule
        for rule in RULES
        if (clk or not rule.is_block) and all(FIELD_OF_PART[part] in fields for part in rule.parts)
    ]


def columns_for(fields: Collection[str], *, clk: bool = False) -> list[str]:
    """Return the columns of an encoded file made from these fields, after the generic id."""
    tokens = [rule.column for rule in rules_for(fields, clk=clk)]
    return [MARK, *tokens, *([CLK] if clk and set(fields) >= bloom.NEEDED else [])]
