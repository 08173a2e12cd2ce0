"""What the pages ask. Forms ask; services decide."""

from typing import Any, Final

from django import forms
from django.contrib.postgres.fields import ArrayField
from django.db import models

from p20win import policy
from p20win.accounts.public import Organisation, agencies
from p20win.uploading import small
from requests_app import content, outline, texts
from requests_app.helps import HELP
from requests_app.models import DataRequest, Decision
from requests_app.vocabulary import Outcome, Status

YES_NO: Final = (("yes", "Yes"), ("no", "No"))


class NewRequestForm(forms.Form):
    """A title is enough to begin."""

    title = forms.CharField(
        max_length=200, label="What is the request called?", help_text="It can be changed until you submit."
    )


class ListForm(forms.Form):
    """Search and filter of the list."""

    q = forms.CharField(required=False, label="Number, title or requestor")
    status = forms.ChoiceField(
        required=False, label="Status", choices=[("", "Any"), *Status.choices], widget=forms.Select
    )


class SearchForm(forms.Form):
    """Search in a long list of rows."""

    q = forms.CharField(required=False, label="Name")


class SectionForm(forms.Form):
    """One section of Exhibit A. Nothing must be filled in to save; submission asks for the rest."""

    def __init__(self, request: DataRequest, section: outline.Section, said: Any = None) -> None:
        """Ask for the fields of this section, beginning with what is saved."""
        self.section = section
        initial = {name: _initial(request, name) for _, name in section.fields}
        if section.slug == "basics":
            initial["agencies"] = list(request.requested_agencies.values_list("agency_id", flat=True))
        if section.slug == "confidentiality":
            initial["affirmations"] = [
                str(number) for number in request.affirmations.values_list("number", flat=True)
            ]
        super().__init__(said, initial=initial)
        for number, name in section.fields:
            self.fields[name] = _field(name, number)
        if section.slug == "basics":
            self.fields["agencies"] = AgenciesField()
            self.order_fields(["title", "agencies", "discussed"])
        if section.slug == "confidentiality":
            self.fields["affirmations"] = _affirmations()

    def values(self) -> dict[str, Any]:
        """Return what was entered in the section's own fields."""
        return {name: self.cleaned_data[name] for _, name in self.section.fields}


class AgenciesField(forms.ModelMultipleChoiceField):
    """Checkboxes of the agencies that take part."""

    def __init__(self) -> None:
        """Offer every active agency."""
        super().__init__(
            queryset=agencies(),
            required=False,
            widget=forms.CheckboxSelectMultiple,
            label="Agencies whose data you ask for (1.e)",
            help_text=f"{policy.MIN_AGENCIES} or more. For data of one agency, ask that agency directly.",
        )

    def label_from_instance(self, obj: Any) -> str:
        """Show the legal name."""
        return str(obj.legal_name)


def _affirmations() -> forms.MultipleChoiceField:
    statements = enumerate(texts.current("confidentiality").statements, start=1)
    return forms.MultipleChoiceField(
        required=False,
        choices=[(str(number), f"4.b.{number} {text}") for number, text in statements],
        widget=forms.CheckboxSelectMultiple,
        label="Statements you stand by (4.b)",
        help_text="Tick each one after reading it. You sign them when you submit.",
    )


def _initial(request: DataRequest, name: str) -> Any:
    value = getattr(request, name)
    if name == "discussed":
        return "" if value is None else "yes" if value else "no"
    return value


def _field(name: str, number: str) -> forms.Field:
    column: Any = DataRequest._meta.get_field(name)
    label = content.label(name) + (f" ({number})" if number else "")
    common: dict[str, Any] = {"required": name == "title", "label": label, "help_text": HELP.get(name, "")}
    if name == "discussed":
        return forms.TypedChoiceField(
            choices=YES_NO,
            coerce=lambda said: said == "yes",
            empty_value=None,
            widget=forms.RadioSelect,
            **common,
        )
    if isinstance(column, ArrayField):
        choices: Any = column.base_field.choices
        return forms.MultipleChoiceField(choices=choices, widget=forms.CheckboxSelectMultiple, **common)
    if column.choices:
        return forms.ChoiceField(choices=column.choices, widget=forms.RadioSelect, **common)
    if isinstance(column, models.DateField):
        return forms.DateField(widget=forms.DateInput, **common)
    if isinstance(column, models.TextField):
        return forms.CharField(
            max_length=column.max_length, widget=forms.Textarea(attrs={"rows": 5}), **common
        )
    field: forms.Field = column.formfield(**common)
    return field


class ImportForm(forms.Form):
    """A spreadsheet of elements."""

    sheet = forms.FileField(
        label="The spreadsheet",
        validators=[small],
        help_text="CSV or XLSX, 5 MB at most. Nothing is imported while a row has an error.",
        widget=forms.FileInput(attrs={"accept": ".csv,.xlsx"}),
    )


class ReasonForm(forms.Form):
    """Words that go with an act."""

    reason = forms.CharField(widget=forms.Textarea(attrs={"rows": 3}), label="Reason", max_length=1000)


class ContradictionForm(ReasonForm):
    """Why a contradiction is left as it is."""

    key = forms.CharField(widget=forms.HiddenInput, max_length=120)


class SubmitForm(forms.Form):
    """Two signatures: under 4.b and under 6.a."""

    name_under_statements = forms.CharField(
        max_length=150,
        label="Signature under 4.b: type your full name",
        widget=forms.TextInput(attrs={"autocomplete": "name"}),
    )
    name_under_certification = forms.CharField(
        max_length=150,
        label="Signature under 6.a: type your full name",
        widget=forms.TextInput(attrs={"autocomplete": "name"}),
    )
    password = forms.CharField(
        label="Your password",
        widget=forms.PasswordInput(attrs={"autocomplete": "current-password"}),
        help_text="Once more, so that nobody else signs for you.",
    )


class CommentForm(forms.Form):
    """What should change in one part."""

    about = forms.ChoiceField(label="Which part")
    text = forms.CharField(
        label="What should change", max_length=2000, widget=forms.Textarea(attrs={"rows": 3})
    )

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        """Offer every field and list of the form."""
        super().__init__(*args, **kwargs)
        chosen: Any = self.fields["about"]
        chosen.choices = [
            (
                f"{section.number} {section.title}".strip(),
                [(name, content.label(name)) for name in parts_of(section)],
            )
            for section in outline.SECTIONS
        ]


def parts_of(section: outline.Section) -> list[str]:
    """Return the fields and lists of a section that a comment can be about."""
    more = [name for name, slug in outline.SECTION_OF_FIELD.items() if slug == section.slug]
    return [*more, *section.rows]


class DecisionForm(forms.Form):
    """An agency's decision, with what it sets for this request, and its signature."""

    outcome = forms.ChoiceField(label="Decision", choices=Outcome.choices, widget=forms.RadioSelect)
    data_available = forms.BooleanField(
        required=False, label="The data is available and may be shared for this purpose"
    )
    reasons = forms.CharField(required=False, label="Reasons", help_text="Needed for a disapproval.")
    conditions = forms.CharField(
        required=False, label="What more is needed", help_text="Needed for an approval on conditions."
    )
    refused = forms.MultipleChoiceField(
        required=False,
        label="Elements you do not give",
        widget=forms.CheckboxSelectMultiple,
        help_text="Only with an approval on conditions. The request goes on without them.",
    )
    refusal_reason = forms.CharField(required=False, label="Why you do not give them")
    destruction_limit = forms.DateField(
        required=False,
        label="Latest destruction date",
        widget=forms.DateInput,
        help_text="Only if the date in the request is too late for you.",
    )
    min_cell_count = forms.IntegerField(
        required=False,
        label="Smallest count shown",
        min_value=policy.MIN_CELL_COUNT,
        help_text=f"Only if stricter than your usual one; {policy.MIN_CELL_COUNT} at least.",
    )
    privacy_requirements = forms.CharField(required=False, label="Privacy requirements")
    dissemination_limits = forms.CharField(required=False, label="Limits on dissemination")
    transmission_terms = forms.CharField(required=False, label="Terms of transmission")
    known_limitations = forms.CharField(required=False, label="Known limitations of your data")
    typed_name = forms.CharField(
        max_length=150,
        label="Signature: type your full name",
        widget=forms.TextInput(attrs={"autocomplete": "name"}),
    )
    password = forms.CharField(
        label="Your password", widget=forms.PasswordInput(attrs={"autocomplete": "current-password"})
    )

    seen = forms.CharField(required=False, widget=forms.HiddenInput)
    """The digest of the version that the page showed: on another nothing is decided."""

    OWN: Final = ("refused", "refusal_reason")

    def __init__(self, request: DataRequest, agency: Organisation | None, *args: Any, **kwargs: Any) -> None:
        """Offer the agency's own elements for refusal, and long boxes for long texts."""
        super().__init__(*args, **kwargs)
        self._shown = request.submissions.order_by("-round").values_list("digest", flat=True).first() or ""
        self.initial["seen"] = self._shown
        own = request.elements.filter(source=agency).values_list("name", flat=True) if agency else []
        chosen: Any = self.fields["refused"]
        chosen.choices = [(name, name) for name in own]
        for name, field in self.fields.items():
            if name != "outcome" and isinstance(_column(name), models.TextField):
                field.widget = forms.Textarea(attrs={"rows": 3})

    def show_anew(self) -> None:
        """Let the form be of the version that the page shows now; what was typed stays."""
        typed: Any = self.data  # a QueryDict: several refused elements stay several
        typed = typed.copy()
        typed["seen"] = self._shown
        self.data = typed

    def said(self) -> dict[str, Any]:
        """Return what `decide` takes."""
        said = {name: value for name, value in self.cleaned_data.items() if name not in self.OWN}
        reason = self.cleaned_data["refusal_reason"]
        return said | {"refused": dict.fromkeys(self.cleaned_data["refused"], reason)}


def _column(name: str) -> Any:
    return next((field for field in Decision._meta.concrete_fields if field.name == name), None)
