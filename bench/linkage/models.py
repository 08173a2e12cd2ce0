"""How the invented files differ from the truth: several error models, so that no engine is fitted to one.

Every rate is the share of one file's records that suffer from it, each drawn on its own, for each file anew.
"""

from __future__ import annotations

import dataclasses as dc
from typing import Final


@dc.dataclass(frozen=True)
class Errors:
    """What goes wrong with the records of one file."""

    ssn_missing: float = 0.0
    ssn_wrong: float = 0.0  # one digit misread, or two neighbours changed places
    ssn_borrowed: float = 0.0  # another person's number
    ssn_junk: float = 0.0  # one of a few numbers that many share
    birth_missing: float = 0.0
    birth_swapped: float = 0.0  # day and month
    birth_off: float = 0.0  # one digit wrong
    birth_default: float = 0.0  # 1 January of the right year
    nickname: float = 0.0
    first_typo: float = 0.0
    last_typo: float = 0.0
    first_initial: float = 0.0
    first_middle_swapped: float = 0.0
    first_last_swapped: float = 0.0
    middle_missing: float = 0.0
    middle_initial: float = 0.0
    half_surname: float = 0.0  # of those with two: one is left out
    surname_changed: float = 0.0  # of women
    moved: float = 0.0
    place_missing: float = 0.0
    address_typo: float = 0.0
    sex_missing: float = 0.0
    sex_wrong: float = 0.0
    repeated: float = 0.0  # a second row of the same person, with errors of its own


@dc.dataclass(frozen=True)
class Model:
    """The people, and what each of the two files makes of them."""

    name: str
    columns: tuple[str, ...]
    left: Errors
    right: Errors
    overlap: float = 0.6  # share of a file's people who stand in the other as well
    twins: float = 0.015
    twins_next: float = 0.4  # of twins: the second has the number after the first's
    twins_digit: float = 0.0  # of twins: the first's number with another digit, more than nine apart
    twins_bare: float = 0.0  # of twins: the second has no number in any file
    siblings: float = 0.15
    double_surname: float = 0.05
    namesakes: float = 0.006  # parent and child of one name at one address
    born: tuple[int, int] = (1960, 2006)

    @property
    def one_row_each(self) -> bool:
        """Tell whether no file repeats a person."""
        return not self.left.repeated and not self.right.repeated


_ALL: Final = (
    "ssn", "first_name", "middle_name", "last_name", "birth_date", "sex", "address", "zip",
)  # fmt: skip

AGENCIES: Final = Model(
    name="agencies",
    columns=_ALL,
    left=Errors(
        ssn_missing=0.10, ssn_wrong=0.01, ssn_borrowed=0.001, ssn_junk=0.004,
        birth_missing=0.02, birth_swapped=0.008, birth_off=0.01, birth_default=0.004,
        nickname=0.05, first_typo=0.02, last_typo=0.02, first_initial=0.005, first_middle_swapped=0.006,
        first_last_swapped=0.003, middle_missing=0.3, middle_initial=0.3, half_surname=0.25,
        surname_changed=0.02, moved=0.10, place_missing=0.03, address_typo=0.06, sex_missing=0.02,
        sex_wrong=0.003,
    ),
    right=Errors(
        ssn_missing=0.25, ssn_wrong=0.015, ssn_borrowed=0.001, ssn_junk=0.006,
        birth_missing=0.10, birth_swapped=0.012, birth_off=0.02, birth_default=0.008,
        nickname=0.08, first_typo=0.03, last_typo=0.03, first_initial=0.02, first_middle_swapped=0.01,
        first_last_swapped=0.004, middle_missing=0.45, middle_initial=0.35, half_surname=0.3,
        surname_changed=0.06, moved=0.25, place_missing=0.05, address_typo=0.08, sex_missing=0.03,
        sex_wrong=0.004,
    ),
)  # fmt: skip
"""Two agencies that hold much and keep it moderately well."""

NO_NUMBER: Final = Model(
    name="no_number",
    columns=("ssn", "first_name", "middle_name", "last_name", "birth_date", "sex", "zip"),
    left=dc.replace(AGENCIES.left, ssn_missing=0.45, birth_missing=0.004),
    right=dc.replace(AGENCIES.right, ssn_missing=0.45, birth_missing=0.01, moved=0.2),
    overlap=0.5,
    born=(1985, 2006),
)
"""Numbers are often missing; birth dates and names must do. No addresses."""

HASTY: Final = Model(
    name="hasty",
    columns=_ALL,
    left=dc.replace(
        AGENCIES.left, first_typo=0.06, last_typo=0.06, birth_off=0.04, birth_swapped=0.02, nickname=0.10,
        ssn_wrong=0.04, address_typo=0.2, first_last_swapped=0.01,
    ),
    right=dc.replace(
        AGENCIES.right, first_typo=0.07, last_typo=0.07, birth_off=0.05, birth_swapped=0.03, nickname=0.12,
        ssn_wrong=0.05, ssn_missing=0.15, birth_missing=0.04, address_typo=0.2, first_last_swapped=0.01,
    ),
    overlap=0.7,
    born=(1970, 2006),
)  # fmt: skip
"""Typed in a hurry: slips everywhere."""

REPEATED: Final = dc.replace(
    AGENCIES,
    name="repeated",
    left=dc.replace(AGENCIES.left, repeated=0.05),
    right=dc.replace(AGENCIES.right, repeated=0.08),
)
"""Some people have two rows in one file."""

TWINS: Final = dc.replace(
    AGENCIES, name="twins", twins=0.06, twins_next=0.0, twins_digit=0.35, twins_bare=0.3
)
"""Many twins whose numbers come otherwise than the engine has it: hardly told apart, missing, or unrelated.

Whoever made out the second's papers wrote the first's number with a slip, and every file has it so.
"""

MODELS: Final = {model.name: model for model in (AGENCIES, NO_NUMBER, HASTY, REPEATED, TWINS)}
TRAINING_SEEDS: Final = (1, 2, 3)
"""What engines were tuned on."""
HELD_OUT_SEEDS: Final = tuple(range(101, 111))
"""What they are judged on."""
