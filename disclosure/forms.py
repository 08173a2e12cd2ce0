"""What people fill in on this desk."""

from typing import Any

from django import forms
from django.db.models import QuerySet

from disclosure.models import POINTS, Material, Output
from disclosure.people_forms import PeopleForm
from p20win.uploading import small
from requests_app import public as requests


class FileForm(forms.Form):
    """A file of tables."""

    file = forms.FileField(
        label="The tables, as CSV or XLSX, or a document with them, as DOCX, PPTX or PDF",
        validators=[small],
        help_text="Counts only, at most 5 MB: row labels on the left, column labels on top, totals where you"
        " publish them. True counts, nothing withheld: the portal withholds what must not be shown. In a"
        " document its text, notes and charts are looked through, too; its tables alone are released.",
        widget=forms.ClearableFileInput(attrs={"accept": ".csv,.xlsx,.docx,.pptx,.pdf"}),
    )


class ContextForm(PeopleForm, FileForm):
    """A file and its context."""

    field_order = ["population", "period", "extracted_on", "frozen_as", "file"]


class AboutForm(forms.Form):
    """What an output is for."""

    title = forms.CharField(max_length=200, label="What do the tables show?")
    planned: Any = forms.ModelChoiceField(
        queryset=None,
        required=False,
        label="Document they are for",
        help_text="As planned in the request.",
        empty_label="None of those planned",
    )
    material = forms.ChoiceField(
        label="What will they appear in?",
        choices=Material.choices,
        initial=Material.REPORT,
        help_text="Some agencies want to read some kinds before.",
    )

    def __init__(
        self,
        *args: Any,
        planned: "QuerySet[requests.PlannedOutput]",
        goes_with: Output | None = None,
        **options: Any,
    ) -> None:
        """Offer the documents of this project's request; begin with what holds of the output it goes with."""
        if goes_with is not None:
            names = ("planned", "material", "population", "period", "extracted_on", "frozen_as")
            options["initial"] = {name: getattr(goes_with, name) for name in names}
        super().__init__(*args, **options)
        chosen: Any = self.fields["planned"]
        chosen.queryset = planned


class OutputForm(AboutForm, ContextForm):
    """An output and its context."""

    field_order = [
        "title",
        "planned",
        "material",
        "population",
        "period",
        "extracted_on",
        "frozen_as",
        "file",
    ]


class ClearForm(forms.Form):
    """The five points, each confirmed by itself."""

    comment = forms.CharField(
        required=False, max_length=2000, label="Remark", widget=forms.Textarea(attrs={"rows": 3})
    )

    same_for: Any = forms.ModelMultipleChoiceField(
        queryset=None,
        required=False,
        label="You read these as well, and confirm the same of them",
        help_text="They were submitted together with it.",
        widget=forms.CheckboxSelectMultiple,
    )

    def __init__(self, *args: Any, others: QuerySet[Output], **options: Any) -> None:
        """Ask one question for each point, and for which others of its package they are answered as well."""
        super().__init__(*args, **options)
        same_for: Any = self.fields.pop("same_for")
        same_for.queryset = others
        asked: dict[str, forms.Field] = {
            name: forms.BooleanField(
                label=text, error_messages={"required": "Confirm this, or return the output."}
            )
            for name, text in POINTS.items()
        }
        self.fields = asked | ({"same_for": same_for} if others else {}) | self.fields

    def points(self) -> dict[str, bool]:
        """Return what was confirmed."""
        return {name: self.cleaned_data[name] for name in POINTS}


class ReturnForm(forms.Form):
    """Why it goes back."""

    comment = forms.CharField(
        max_length=2000,
        label="What must change?",
        help_text="The author reads this. Write no count that is withheld.",
        widget=forms.Textarea(attrs={"rows": 5}),
    )


class CopyForm(forms.Form):
    """The copy of what was published."""

    difference: tuple[tuple[str, str], ...] = ()  # where the acknowledgement's words differ in the file

    where = forms.CharField(max_length=300, label="Where was it published?")
    copy = forms.FileField(
        label="The document as published",
        validators=[small],
        help_text="PDF, DOCX, PPTX, XLSX, a web page or plain text, at most 5 MB. The portal looks for the"
        " acknowledgement in it; a scan cannot be read.",
    )
