"""What the pages ask for one row of a list."""

from typing import Any

from django import forms

from p20win.accounts.public import agencies
from requests_app.models import (
    DataElement,
    DataRequest,
    Discussion,
    IdentifierTable,
    NamedPerson,
    PlannedOutput,
    Population,
    ResearchQuestion,
)


class RowForm(forms.ModelForm):
    """One row. It is stored by a service, never by save()."""

    def __init__(self, request: DataRequest, *args: Any, **kwargs: Any) -> None:
        """Offer only what belongs to this request."""
        super().__init__(*args, **kwargs)
        self.request_row = request
        self.narrow()

    def narrow(self) -> None:
        """Limit choices to rows of this request."""

    def offer(self, name: str, rows: Any, empty: str | None = None) -> None:
        """Set the choices of a field of rows."""
        field: Any = self.fields[name]
        field.queryset = rows
        if empty is not None:
            field.empty_label = empty


class DiscussionForm(RowForm):
    """Who was talked to."""

    class Meta:
        model = Discussion
        fields = ("agency", "person_name")

    def narrow(self) -> None:
        """Offer the agencies that take part."""
        self.offer("agency", agencies())


class QuestionForm(RowForm):
    """A research question."""

    class Meta:
        model = ResearchQuestion
        fields = ("code", "parent", "text")
        help_texts = {
            "code": "RQ0, RQ1 …, and letters for the parts of a question: RQ1A.",
            "parent": "Only for a part of another question.",
        }
        widgets = {"text": forms.Textarea(attrs={"rows": 3})}

    def narrow(self) -> None:
        """Offer the other questions of this request."""
        self.offer("parent", self.request_row.questions.exclude(pk=self.instance.pk), "A question of its own")

    def clean_code(self) -> str:
        """Write the number in capitals."""
        return str(self.cleaned_data["code"]).strip().upper()


class ElementForm(RowForm):
    """A data element."""

    class Meta:
        model = DataElement
        fields = (
            "name",
            "source",
            "source_element",
            "is_matching_identifier",
            "is_uc",
            "data_type",
            "format",
            "category",
            "codes",
            "qualifier",
            "questions",
            "explanation",
        )
        help_texts = {
            "name": "The name of the column you want to receive.",
            "source_element": "As the agency calls it; for an identifier it may be the same name.",
            "is_matching_identifier": "Used to link the files only: it never reaches you.",
            "is_uc": "Wages, claims, employers: anything from the unemployment-compensation system.",
            "category": "Such as Employment: needed where a population does not want every category.",
            "codes": "Only if you do not want every value.",
            "format": "For example YYYYMMDD, or 10 digits.",
            "questions": "Every element but a matching identifier serves at least one.",
            "explanation": "Not needed for a matching identifier.",
        }
        widgets = {
            "questions": forms.CheckboxSelectMultiple,
            "codes": forms.Textarea(attrs={"rows": 2}),
            "explanation": forms.Textarea(attrs={"rows": 3}),
        }

    def narrow(self) -> None:
        """Offer the agencies that take part, and the questions of this request."""
        self.offer("source", agencies(), "The files of schools and districts")
        self.offer("questions", self.request_row.questions.all())
        self.fields["questions"].required = False


class PopulationForm(RowForm):
    """Whom the data is about."""

    class Meta:
        model = Population
        fields = (
            "name",
            "kind",
            "school",
            "school_code",
            "start_year",
            "end_year",
            "grades",
            "is_comparison",
            "categories",
            "supplier_name",
            "supplier_contact",
            "membership",
            "membership_text",
            "not_wanted_from",
            "not_wanted",
        )
        help_texts = {
            "start_year": "A year or a school year: 1925, 2013, 2018-2019.",
            "end_year": "A year, or “most recent available”.",
            "grades": "One or several; each is a cohort of its own.",
            "supplier_name": "Only if a school or district sends a list of people.",
            "school_code": "The supplier can fill it in later.",
            "not_wanted_from": "Nothing of these agencies reaches you on people in this population alone.",
            "not_wanted": "As the data elements name their category; a comma between two. Those elements are"
            " empty for people in this population alone.",
        }
        widgets = {"not_wanted_from": forms.CheckboxSelectMultiple}

    def narrow(self) -> None:
        """Offer the agencies that take part."""
        self.offer("not_wanted_from", agencies())


class TableForm(RowForm):
    """A file of identifiers."""

    class Meta:
        model = IdentifierTable
        fields = (
            "population",
            "title",
            "school_year",
            "identifier_column",
            "flag_column",
            "flag_value",
            "later_years",
        )
        help_texts = {
            "flag_column": "It is a data element of the request too.",
            "flag_value": "What stands in the column for those who belong to it.",
            "later_years": "For example 2018-19 to 2020-21; empty for none.",
        }

    def narrow(self) -> None:
        """Offer the populations of this request."""
        self.offer("population", self.request_row.populations.all())


class OutputForm(RowForm):
    """A planned document."""

    class Meta:
        model = PlannedOutput
        fields = ("document", "audience", "measures")
        widgets = {"measures": forms.Textarea(attrs={"rows": 3})}


class PersonForm(RowForm):
    """Somebody on the user list."""

    class Meta:
        model = NamedPerson
        fields = (
            "side",
            "name",
            "organisation",
            "email",
            "phone",
            "position",
            "project_role",
            "is_state_employee",
            "is_contractor",
            "contract",
            "scope",
            "justification",
        )
        help_texts = {
            "email": "The address of their account; they can get one later.",
            "is_state_employee": "Of the State of Connecticut; federal, municipal and other staff are not.",
            "contract": "For contractors: what binds them to the agreement and its controls, with its date.",
            "scope": "For people of an agency or contributing institution (2.h).",
            "justification": "For people of an agency or contributing institution (2.h).",
        }
        widgets = {
            "side": forms.RadioSelect,
            "justification": forms.Textarea(attrs={"rows": 3}),
        }
