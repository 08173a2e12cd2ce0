"""What people fill in about who is counted: a name of the project's list, or a new one and how it stands."""

from typing import TYPE_CHECKING, Any, Final

from django import forms
from django.db.models import Q

from disclosure import people, together
from disclosure.models import Output, OutputStatus
from p20win.projects.public import Project

if TYPE_CHECKING:
    from p20win.accounts.models import User

_LISTS: Final = {together.POPULATION: "populations", together.PERIOD: "periods"}
_FROZEN: Final = (
    "Choose one only if nothing was added to the data or corrected in them since. Tables from data of"
    " different days are not held against each other."
)


class _Earlier(forms.ModelChoiceField):
    def label_from_instance(self, obj: Any) -> str:
        return f"{obj.title}, data of {obj.extracted_on:%b} {obj.extracted_on.day}, {obj.extracted_on.year}"


class PeopleForm(forms.Form):
    """Who is counted, when, and from which data."""

    population = forms.CharField(
        max_length=200,
        label="Who is counted?",
        help_text="Take a name from the project's list where you count the same people. A new one is added to"
        " the list: then say below how it stands to the others, so that their tables are checked together.",
        widget=forms.TextInput(attrs={"list": "populations", "autocomplete": "off"}),
    )
    period = forms.CharField(
        max_length=100,
        label="Period",
        help_text="For example: school year 2020-21. From the list, or a new one.",
        widget=forms.TextInput(attrs={"list": "periods", "autocomplete": "off"}),
    )
    extracted_on = forms.DateField(
        label="Day of the extraction",
        help_text="Of the data from which the tables were made.",
        widget=forms.DateInput(attrs={"type": "date"}),
    )
    frozen_as = _Earlier(
        queryset=Output.objects.none(),
        required=False,
        label="Are these the data of an earlier output, frozen?",
        help_text=_FROZEN,
        empty_label="No, or both were extracted on one day",
    )

    def __init__(self, *args: Any, project: Project, user: "User", **options: Any) -> None:
        """Ask how a new name stands to each that the project has."""
        super().__init__(*args, **options)
        self.names = {what: together.names(project, what) for what in together.KINDS}
        for what, names in self.names.items():
            for number, name in enumerate(names):
                self.fields[f"{what}_to_{number}"] = forms.ChoiceField(
                    label=f"If new: how does it stand to “{name}”?",
                    required=False,
                    choices=[("", "It is not new"), *people.HOW[what].items()],
                )
        seen = Q(sent_at__isnull=False) | Q(author=user)
        rows = Output.objects.filter(seen, project=project, is_trial=False)
        earlier: Any = self.fields["frozen_as"]
        earlier.queryset = rows.exclude(status=OutputStatus.WITHDRAWN).order_by("-extracted_on", "title")
        order = [name for name in self.field_order or self.fields if name in self.fields]
        for what in together.KINDS:
            at = order.index(what) + 1
            order[at:at] = [f"{what}_to_{number}" for number in range(len(self.names[what]))]
        self.order_fields(order)

    def clean(self) -> dict[str, Any]:
        """Want an answer for each name that is there, if this one is new."""
        said = super().clean() or self.cleaned_data
        for what, names in self.names.items():
            is_new = together.key(said.get(what, "")) not in map(together.key, names)
            for number, name in enumerate(names):
                if is_new and said.get(what) and not said.get(f"{what}_to_{number}"):
                    self.add_error(
                        f"{what}_to_{number}",
                        f"“{said[what]}” is new in this project. Say how it stands to “{name}”.",
                    )
        return said

    def said(self) -> dict[str, Any]:
        """Return what was filled in, as the service takes it."""
        asked = {f"{what}_to_{n}" for what, names in self.names.items() for n in range(len(names))}
        told = {name: value for name, value in self.cleaned_data.items() if name not in asked}
        return told | {
            "stands": {
                what: {
                    name: how
                    for number, name in enumerate(names)
                    if (how := self.cleaned_data[f"{what}_to_{number}"])
                }
                for what, names in self.names.items()
            }
        }


class KinForm(forms.Form):
    """How two names of a list stand to each other."""

    one = forms.ChoiceField()
    how = forms.ChoiceField(label="How does it stand?")
    other = forms.ChoiceField()

    def __init__(self, *args: Any, what: str, names: list[str], **options: Any) -> None:
        """Offer the names of the list."""
        super().__init__(*args, **options)
        self.prefix = what
        listed = [("", "Choose one"), *((name, name) for name in names)]
        word = "population" if what == together.POPULATION else "period"
        for name, label in (("one", f"This {word}"), ("other", f"To this {word}")):
            self.fields[name] = forms.ChoiceField(label=label, choices=listed)
        chosen: Any = self.fields["how"]
        chosen.choices = [("", "Choose one"), *people.HOW[what].items()]
        self.order_fields(["one", "how", "other"])
