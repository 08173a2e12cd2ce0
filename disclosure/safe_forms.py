"""What people fill in to have a table counted."""

import re
from typing import TYPE_CHECKING, Any

from django import forms

from disclosure import safe_checks, safe_choices, safe_pay
from disclosure.forms import AboutForm

if TYPE_CHECKING:
    from collections.abc import Sequence

    from disclosure.models import SafeTable
    from matching.models import Delivery

_AXES = range(1, safe_choices.MOST + 1)
_ONLY = (
    "Leave it empty to tell all values apart. Write values with commas between, and these are told together,"
    " apart from all the others: so you state a condition."
)
_BANDS = (
    "For an element of numbers: the lower bounds of bands, such as 16, 18, 25. All tables from one extract"
    " have the same bands of an element."
)
_BOUND = re.compile(r"-?[0-9]{1,9}")
_PAY = (
    "All rows of a person are added up, and who has none counts as nothing. The people counted are then those"
    " in the file that holds the amount. From what is told no employer can work out another's pay."
)
_ROUNDED = "The same for the whole table; it says so in each row."
_MEASURES = [*safe_pay.MEASURES.items()]
_NEAREST = [(each, f"{each:,} dollar{'' if each == 1 else 's'}") for each in safe_pay.NEAREST]


class SafeTableForm(AboutForm):
    """A table to be counted, and its context: the same words mean the same people."""

    population = forms.CharField(
        max_length=200,
        label="Who is counted?",
        help_text="Everybody in the file chosen below. All tables from one extract share these words.",
    )
    period = forms.CharField(max_length=100, label="Period", help_text="For example: school year 2020-21")
    counted = forms.ChoiceField(
        label="Whose people are counted?",
        help_text="Each person in this file counts once, whatever number of rows they have. People are joined"
        " with the other files inside the vault.",
    )

    def __init__(
        self, *args: Any, delivery: "Delivery", before: "Sequence[SafeTable]", **options: Any
    ) -> None:
        """Offer what is in this extract; who is counted stays who was counted before."""
        super().__init__(*args, **options)
        agencies = safe_choices.files(delivery)
        told = safe_checks.told_of_others(before)
        offered = [
            each
            for each in safe_choices.choices(delivery)
            if each.file not in told or told[each.file]["element"] == each.element
        ]
        self.fields["counted"].choices = [  # type: ignore[attr-defined]
            (file, f"People in the file of {agency}") for file, agency in agencies.items()
        ]
        grouped = [
            (agency, [(each.key, _label(each)) for each in offered if each.file == file])
            for file, agency in agencies.items()
        ]
        self._offer_pay(delivery, before)
        for number in _AXES:
            self.fields[f"by_{number}"] = forms.ChoiceField(
                label=f"Dimension {number}",
                required=number == 1,
                choices=[("", "None"), *grouped],
                help_text="" if number > 1 else "In the order in which the table tells them.",
            )
            self.fields[f"only_{number}"] = forms.CharField(
                label=f"Values of dimension {number}",
                required=False,
                max_length=500,
                help_text=_ONLY if number == 1 else "",
            )
            self.fields[f"bands_{number}"] = forms.CharField(
                label=f"Bands of dimension {number}",
                required=False,
                max_length=500,
                help_text=_BANDS if number == 1 else "",
            )
        if before:
            context = before[0].output
            said = {
                "population": context.population,
                "period": context.period,
                "counted": before[0].counted,
            }
            for name, value in said.items():
                self.fields[name].disabled = True
                self.fields[name].initial = value

    def _offer_pay(self, delivery: "Delivery", before: "Sequence[SafeTable]") -> None:
        """Offer sums of amounts that have an employer beside them; of one that is told already, that one."""
        told = {row.pay["name"] for row in before if row.pay}
        offered = [pay for pay in safe_pay.choices(delivery) if not told or pay.name in told]
        if not offered:
            return
        self.fields["pay"] = forms.ChoiceField(
            label="Of which amount is a sum or mean told, besides the count?",
            required=False,
            choices=[("", "None: people are counted"), *((pay.key, pay.name) for pay in offered)],
            help_text=_PAY,
        )
        self.fields["measure"] = forms.ChoiceField(label="What is told of it?", choices=_MEASURES)
        self.fields["nearest"] = forms.TypedChoiceField(
            label="Rounded to", choices=_NEAREST, coerce=int, help_text=_ROUNDED
        )

    def asked(self) -> dict[str, Any]:
        """Return what was asked for, as the service takes it."""
        said = {name: value for name, value in self.cleaned_data.items() if name[:3] != "by_"}
        said = {name: value for name, value in said.items() if not name.startswith(("only_", "bands_"))}
        file, _, element = said.pop("pay", "").partition("/")
        pay = {"file": file, "element": element}
        pay |= {name: said.pop(name) for name in ("measure", "nearest") if name in said}
        said["pay"] = pay if file else None
        return said | {"dimensions": [each for number in _AXES if (each := self._dimension(number))]}

    def _dimension(self, number: int) -> dict[str, Any] | None:
        file, _, element = self.cleaned_data[f"by_{number}"].partition("/")
        codes = [code.strip() for code in self.cleaned_data[f"only_{number}"].split(",")]
        said = {"file": file, "element": element, "codes": list(filter(None, codes))}
        return said | {"bands": self.cleaned_data[f"bands_{number}"]} if file else None

    def clean(self) -> dict[str, Any]:
        """Refuse values without a dimension."""
        said = super().clean() or self.cleaned_data
        for number in _AXES:
            told = said.get(f"only_{number}") or said.get(f"bands_{number}")
            if told and not said.get(f"by_{number}"):
                self.add_error(f"by_{number}", "Choose whose values these are.")
            said[f"bands_{number}"] = self._bands(number, said.get(f"bands_{number}", ""))
        return said

    def _bands(self, number: int, text: str) -> list[int]:
        """Read lower bounds: whole numbers that rise."""
        pieces = [piece.strip() for piece in text.split(",") if piece.strip()]
        if not all(_BOUND.fullmatch(piece) for piece in pieces):
            self.add_error(f"bands_{number}", "Write whole numbers with commas between, such as 16, 18, 25.")
            return []
        bounds = [int(piece) for piece in pieces]
        if bounds != sorted(set(bounds)):
            self.add_error(f"bands_{number}", "Let the lower bounds rise, each once.")
        return bounds


def _label(choice: safe_choices.Choice) -> str:
    if not choice.element:
        return "Whether they are in this file"
    return f"{choice.element}: {choice.note}" if choice.note not in ("", choice.element) else choice.element
