"""What people type on this desk."""

from collections.abc import Mapping, Sequence
from typing import Any

from django import forms

from agreements.public import MatchMethod
from matching.models import Form, QualityQuestion, Topic


class OpenForm(forms.Form):
    """In which form a match is delivered."""

    form = forms.ChoiceField(
        choices=Form.choices,
        initial=Form.PACKAGE,
        label="What does the recipient get?",
        help_text="As the agreement says. It is settled before the match and shown to every party. Where"
        " only the key is delivered, the agencies send no analytical files to the hub.",
        widget=forms.RadioSelect,
    )
    basis = forms.CharField(
        max_length=200,
        required=False,
        label="Where does the agreement say so?",
        help_text="The section. Needed if only the key is delivered.",
    )
    consents = forms.MultipleChoiceField(
        required=False,
        label="Who relies on individuals’ consents?",
        help_text="Each of them sends a list of consents. Who has none that holds is left out of the match.",
        widget=forms.CheckboxSelectMultiple,
    )

    def __init__(self, *args: Any, agencies: list[Any], **kwargs: Any) -> None:
        """Offer these agencies."""
        super().__init__(*args, **kwargs)
        self._known = {str(each.pk): each for each in agencies}
        self.fields["consents"].choices = [(key, each.short_name) for key, each in self._known.items()]  # type: ignore[attr-defined]

    def clean_consents(self) -> list[Any]:
        """Return the organisations themselves."""
        return [self._known[key] for key in self.cleaned_data["consents"]]

    encoding = forms.ChoiceField(
        choices=(
            ("", "Identifiers, as approved"),
            ("tokens", "Keyed tokens in their place, made by “p20 encode”"),
            ("clk", "Keyed tokens and Bloom filters, which find more and tell more"),
        ),
        required=False,
        label="What do the agencies send to match by?",
        help_text="Without identifiers the hub matches what it cannot read. The agencies share a key that the"
        " hub never has. Such files are pseudonymised, not anonymous, and clerical review is impossible.",
        widget=forms.RadioSelect,
        initial="",
    )
    commas = forms.BooleanField(
        required=False,
        label="Files may have commas between their columns, in place of tabs",
        help_text="Where the request says so. In such a file no cell can hold a comma.",
    )


class LimitationsForm(forms.Form):
    """What the recipient must know of a result's limits."""

    limitations = forms.CharField(
        label="Known limitations",
        help_text="What is missing, which groups are matched less often, what may not be concluded. It goes"
        " out with the data. Names and numbers of people do not belong here, nor how many identifiers of a"
        " list no agency knew: hub and supplier alone are told.",
        max_length=8000,
        widget=forms.Textarea(attrs={"rows": 10}),
    )


class ReasonForm(forms.Form):
    """Why something is recalled or replaced."""

    reason = forms.CharField(
        label="Why?",
        help_text="The recipient reads this. Names and numbers of people do not belong here.",
        max_length=2000,
        widget=forms.Textarea(attrs={"rows": 4}),
    )


class ReceiptForm(forms.Form):
    """What was received."""

    digest = forms.CharField(
        max_length=100,
        required=False,
        label="SHA-256 of your file",
        help_text="For example from “sha256sum FILE”. Leave it empty to confirm in words that the file opened"
        " and is whole.",
    )


class QuestionForm(forms.Form):
    """A question about completeness or matching accuracy."""

    topic = forms.ChoiceField(choices=Topic.choices, label="What is it about?", widget=forms.RadioSelect)
    text = forms.CharField(
        label="Your question",
        help_text="Say in which file and column, what you saw and what you expected. Names, numbers and link"
        " ids of people do not belong here.",
        max_length=4000,
        widget=forms.Textarea(attrs={"rows": 6}),
    )


class ForwardForm(forms.Form):
    """To whom a question is forwarded."""

    to = forms.ChoiceField(label="Who can tell?")
    note = forms.CharField(
        required=False, label="A word with it", max_length=1000, widget=forms.Textarea(attrs={"rows": 3})
    )

    def __init__(self, *args: Any, organisations: list[Any], **kwargs: Any) -> None:
        """Offer these organisations."""
        super().__init__(*args, **kwargs)
        self._known = {str(each.pk): each for each in organisations}
        self.fields["to"].choices = [(key, each.short_name) for key, each in self._known.items()]  # type: ignore[attr-defined]

    def clean_to(self) -> Any:
        """Return the organisation itself."""
        return self._known[self.cleaned_data["to"]]


class ReplyForm(forms.Form):
    """What an organisation knows about a question."""

    text = forms.CharField(
        label="What do you know about it?",
        help_text="The operating group reads this and answers the recipient.",
        max_length=4000,
        widget=forms.Textarea(attrs={"rows": 6}),
    )


class AnswerForm(forms.Form):
    """The answer, and what follows from it."""

    text = forms.CharField(
        label="Your answer",
        help_text="The recipient reads this.",
        max_length=4000,
        widget=forms.Textarea(attrs={"rows": 6}),
    )
    outcome = forms.ChoiceField(label="What follows?", widget=forms.RadioSelect)

    def __init__(self, *args: Any, outcomes: Sequence[tuple[str, str]], **kwargs: Any) -> None:
        """Offer what can still be done alone."""
        super().__init__(*args, **kwargs)
        field = self.fields["outcome"]
        field.choices = outcomes  # type: ignore[attr-defined]  # a choice field's


class AgreeForm(forms.Form):
    """The proof of who agrees."""

    typed_name = forms.CharField(
        max_length=150,
        label="Your full name",
        help_text="As it stands on your account. It is your signature.",
    )
    password = forms.CharField(
        label="Your password",
        strip=False,
        help_text="You prove once more that it is you who signs.",
        widget=forms.PasswordInput(attrs={"autocomplete": "current-password"}),
    )


class RejectForm(forms.Form):
    """Why a match is not optimal."""

    reasons = forms.CharField(
        label="What should be better?",
        help_text="Say what you saw in the report. Names and numbers of people do not belong here.",
        max_length=2000,
        widget=forms.Textarea(attrs={"rows": 5}),
    )


class AcknowledgeForm(forms.Form):
    """What is acknowledged before each download: one box for each rule."""

    def __init__(self, *args: Any, rules: list[str], **kwargs: Any) -> None:
        """Ask for each rule by itself."""
        super().__init__(*args, **kwargs)
        for number, rule in enumerate(rules):
            self.fields[f"rule_{number}"] = forms.BooleanField(label=rule)


class MoreTimeForm(forms.Form):
    """Until when a version can be fetched, and why."""

    until = forms.DateField(
        label="Last day",
        help_text="It can be fetched until the end of this day, Eastern time.",
        widget=forms.DateInput(attrs={"type": "date"}),
    )
    reason = forms.CharField(
        label="Why?", help_text="Everyone in the project can read it; name no person.", max_length=300
    )


class DestroyForm(forms.Form):
    """Why the inputs are destroyed before their time."""

    reason = forms.CharField(
        label="Why before the clock has run out?",
        help_text="Such as “Everyone has the extract”. Every party reads it; name no person.",
        max_length=500,
        widget=forms.Textarea(attrs={"rows": 3}),
    )


class WithdrawForm(forms.Form):
    """Why an order to destroy is withdrawn."""

    reason = forms.CharField(
        label="Why is it withdrawn?",
        help_text="Every party reads it; name no person.",
        max_length=500,
        widget=forms.Textarea(attrs={"rows": 3}),
    )


class StartForm(forms.Form):
    """Which version links the files, and, if they were linked before, why again."""

    version = forms.ChoiceField(
        label="Which settings?",
        help_text="Only methods that the governing board approved can run.",
        widget=forms.RadioSelect,
    )
    reason = forms.CharField(
        label="Why is it linked again, and what is different?",
        help_text="The parties read this beside the report.",
        max_length=500,
        widget=forms.Textarea(attrs={"rows": 3}),
    )

    def __init__(self, *args: Any, versions: list[tuple[str, str]], again: bool, **kwargs: Any) -> None:
        """Offer these versions, the first one chosen; ask why only if there is a result."""
        super().__init__(*args, **kwargs)
        self.fields["version"].choices = versions  # type: ignore[attr-defined]
        self.fields["version"].initial = versions[0][0] if versions else None
        if not again:
            del self.fields["reason"]


class SpecForm(forms.Form):
    """The settings of a version."""

    method = forms.ModelChoiceField(
        queryset=MatchMethod.objects.none(),
        label="Approved method",
        widget=forms.RadioSelect,
        empty_label=None,
    )
    fields_compared = forms.MultipleChoiceField(
        label="Fields to compare",
        help_text="Fields that at least two files hold. Leave out what is often wrong.",
        widget=forms.CheckboxSelectMultiple,
    )
    blocks = forms.MultipleChoiceField(
        label="How candidates are found",
        help_text="Two records are compared if they agree on one of these. A way whose fields are not"
        " compared is left out by itself.",
        widget=forms.CheckboxSelectMultiple,
    )
    accept = forms.ChoiceField(
        label="Which pairs are linked?",
        choices=[
            ("f1", "Where right links and found links balance best"),
            ("auto", "Only the automatic band: fewer links, and hardly one wrong"),
        ],
        widget=forms.RadioSelect,
    )
    auto_precision = forms.DecimalField(
        label="The automatic band is right at least this often, in percent",
        min_value=90,
        max_value=100,
        decimal_places=2,
        max_digits=5,
    )
    grey_floor = forms.DecimalField(
        label="Pairs are kept for review from this likelihood, in percent",
        min_value=1,
        max_value=50,
        decimal_places=1,
        max_digits=3,
    )
    note = forms.CharField(
        label="What is different, and why?",
        help_text="It stands in the history. Names and numbers of people do not belong here.",
        max_length=500,
        widget=forms.Textarea(attrs={"rows": 3}),
    )

    def __init__(
        self,
        *args: Any,
        methods: Any,
        held: list[tuple[str, str]],
        blocks: list[tuple[str, str]],
        **kwargs: Any,
    ) -> None:
        """Offer these methods, fields and blocks."""
        super().__init__(*args, **kwargs)
        self.fields["method"].queryset = methods  # type: ignore[attr-defined]
        self.fields["fields_compared"].choices = held  # type: ignore[attr-defined]
        self.fields["blocks"].choices = blocks  # type: ignore[attr-defined]

    def chosen(self) -> dict[str, Any]:
        """Return what was chosen, as the service takes it."""
        said = self.cleaned_data
        return {
            "method": said["method"],
            "fields": said["fields_compared"],
            "blocks": said["blocks"],
            "accept": said["accept"],
            "auto_precision": min(float(said["auto_precision"]) / 100, 0.99999),
            "grey_floor": float(said["grey_floor"]) / 100,
            "note": said["note"],
        }


class AnswersForm(forms.Form):
    """The questions about the quality of a run."""

    def __init__(self, *args: Any, beside: Mapping[str, str], **kwargs: Any) -> None:
        """Ask each question, with what the numbers say beside it; none must be answered at once."""
        super().__init__(*args, **kwargs)
        for value, label in QualityQuestion.choices:
            self.fields[value] = forms.CharField(
                label=label,
                help_text=beside.get(value, ""),
                required=False,
                max_length=4000,
                widget=forms.Textarea(attrs={"rows": 4}),
            )


class IssueForm(forms.Form):
    """An issue of the quality of data."""

    source = forms.ChoiceField(label="Whose data?")
    element = forms.CharField(
        max_length=120, label="Which element?", help_text="As the agency calls it. “All” if it is the file."
    )
    years = forms.CharField(max_length=60, required=False, label="Which years?")
    title = forms.CharField(max_length=160, label="What is wrong, in a few words?")
    description = forms.CharField(
        label="What is known of it?",
        help_text="Everybody who asks for data reads this. Name no person and no project.",
        max_length=4000,
        widget=forms.Textarea(attrs={"rows": 5}),
    )
    advice = forms.CharField(
        required=False,
        label="What should who uses it do?",
        max_length=2000,
        widget=forms.Textarea(attrs={"rows": 3}),
    )

    def __init__(self, *args: Any, sources: list[Any], **kwargs: Any) -> None:
        """Offer these sources."""
        super().__init__(*args, **kwargs)
        self._known = {str(each.pk): each for each in sources}
        self.fields["source"].choices = [(key, each.short_name) for key, each in self._known.items()]  # type: ignore[attr-defined]

    def clean_source(self) -> Any:
        """Return the organisation itself."""
        return self._known[self.cleaned_data["source"]]


class ResolveForm(forms.Form):
    """How an issue was resolved."""

    resolution = forms.CharField(
        label="How was it resolved, and since when?", max_length=2000, widget=forms.Textarea({"rows": 3})
    )
