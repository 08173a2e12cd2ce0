"""The filters, tags and parts that pages are made of."""

import datetime as dt

import pytest
from django import forms
from django.template import RequestContext, Template
from django.template.loader import render_to_string
from django.test import RequestFactory

from p20win.templatetags import p20, p20_frame

NIGHT = dt.datetime(2026, 3, 5, 3, 30, tzinfo=dt.UTC)  # still the 4th in Connecticut


@pytest.fixture
def clock_at_real_time(monkeypatch):
    """Keep the frame's clock from reading the demo offset, so that these tests need no database."""
    monkeypatch.setattr("p20win.clock._offset", None)


pytestmark = pytest.mark.usefixtures("clock_at_real_time")


class AskForm(forms.Form):
    title = forms.CharField(max_length=200, label="Title", help_text="One line.")
    purpose = forms.CharField(max_length=500, widget=forms.Textarea, required=False)
    kind = forms.ChoiceField(choices=[("i", "Initial"), ("m", "Modification")], widget=forms.RadioSelect)
    agencies = forms.MultipleChoiceField(
        choices=[("a", "A"), ("b", "B")], widget=forms.CheckboxSelectMultiple, required=False
    )
    until = forms.DateField()
    agrees = forms.BooleanField(help_text="All of it.")
    table = forms.FileField()


def part(name, request=None, **values):
    return render_to_string(f"components/{name}.html", values, request=request)


@pytest.mark.parametrize(
    ("address", "place"),
    [
        ("/", "Home"),
        ("/deadlines/closed-days/", "Home"),
        ("/files/slots/1/", "Files"),
        ("/files/machine-keys/", "Files"),
        ("/files/keys/ceremonies/", "Health"),
        ("/files/holds/1/", "Legal holds"),
        ("/ledger/lines/3/proof/", "Logs"),
        ("/projects/1/", "Requests"),
        ("/organisations/1/input-rule/", "Agreements"),
        ("/accounts/2fa/", None),
    ],
)
def test_a_page_belongs_to_one_place_of_the_navigation(address, place):
    found = p20_frame._place_of(address)
    assert (found.label if found else None) == place


def test_a_long_name_breaks_after_its_dots_and_shows_as_text():
    assert p20.breakable("DOL.0034_<b>.csv") == "DOL.<wbr>0034_<wbr>&lt;b&gt;.<wbr>csv"
    assert p20.breakable("") == ""


class TestTimes:
    def test_a_moment_is_shown_by_the_clocks_of_the_state(self):
        assert p20.statetime(NIGHT) == "Mar 4, 2026, 10:30 p.m. ET"
        assert p20.statedate(NIGHT) == "Mar 4, 2026"

    def test_noon_and_midnight_are_twelve(self):
        noon = dt.datetime(2026, 7, 1, 16, 0, tzinfo=dt.UTC)
        assert p20.statetime(noon) == "Jul 1, 2026, 12:00 p.m. ET"
        assert p20.statetime(noon - dt.timedelta(hours=12)) == "Jul 1, 2026, 12:00 a.m. ET"

    def test_stored_texts_are_read_and_days_stay_days(self):
        assert p20.statetime(NIGHT.isoformat()) == p20.statetime(NIGHT)
        assert p20.statedate("2026-03-05") == p20.statedate(dt.date(2026, 3, 5)) == "Mar 5, 2026"
        assert p20.isotime(NIGHT) == p20.isotime(NIGHT.isoformat()) == "2026-03-05T03:30:00+00:00"

    @pytest.mark.parametrize("shown", [p20.statetime, p20.statedate, p20.isotime])
    def test_no_moment_is_an_empty_text(self, shown):
        assert shown(None) == ""

    def test_a_moment_without_zone_is_refused(self):
        with pytest.raises(ValueError, match="time zone"):
            p20.statetime(dt.datetime(2026, 3, 4))


class TestFields:
    @pytest.fixture
    def page(self):
        form = AskForm({})
        return {field.name: part("field", field=field) for field in form}

    def test_an_input_points_to_its_hint_and_its_error(self, page):
        assert 'aria-describedby="id_title_helptext id_title_error"' in page["title"]
        assert 'id="id_title_helptext"' in page["title"]
        assert 'id="id_title_error"' in page["title"]
        assert 'aria-invalid="true"' in page["title"]

    def test_a_group_has_a_legend_and_its_error_on_the_fieldset(self, page):
        assert "<fieldset" in page["kind"]
        assert "id_kind_error" in page["kind"].split("<legend")[0]
        assert page["kind"].count('class="usa-radio__input"') == 2
        assert page["agencies"].count('class="usa-checkbox__input"') == 2

    def test_dates_use_the_browsers_own_input(self, page):
        assert 'type="date"' in page["until"]

    def test_a_day_given_before_is_written_as_browsers_read_it(self):
        form = AskForm(initial={"until": dt.date(2027, 6, 30)})
        assert 'value="2027-06-30"' in part("field", field=form["until"])

    def test_long_texts_with_a_limit_say_how_much_is_left(self, page):
        assert 'data-maxlength="500"' in page["purpose"]
        assert 'aria-describedby="id_purpose_count"' in page["purpose"]

    def test_what_must_be_filled_in_is_marked(self, page):
        assert "required" in page["title"]
        assert "usa-hint--required" not in page["agencies"]

    def test_errors_on_top_link_to_where_they_are_corrected(self):
        form = AskForm({})
        page = part("form_errors", form=form)
        for anchor in ("#id_title", "#id_kind_0", "#id_until", "#id_agrees", "#id_table"):
            assert f'href="{anchor}"' in page

    def test_a_form_without_errors_shows_no_summary(self):
        assert "alert" not in part("form_errors", form=AskForm())

    def test_a_form_with_a_file_is_sent_as_parts_and_carries_its_token(self):
        page = part("form", request=RequestFactory().get("/"), form=AskForm(), submit="Save")
        assert 'enctype="multipart/form-data"' in page
        assert 'name="csrfmiddlewaretoken"' in page


class TestStepButton:
    def test_blockers_grey_the_button_and_are_read_with_it(self):
        page = part(
            "step_button",
            request=RequestFactory().get("/"),
            label="Approve",
            url="/a/",
            blockers=["Too soon."],
        )
        assert 'disabled aria-describedby="why-approve"' in page
        assert "Too soon." in page

    def test_the_token_is_there_when_included_with_only(self):
        request = RequestFactory().get("/")
        source = '{% include "components/step_button.html" with label="Go" url="/" blockers="" only %}'
        page = Template(source).render(RequestContext(request))
        assert 'name="csrfmiddlewaretoken"' in page
        assert "disabled" not in page


class TestStatusTag:
    def test_the_word_is_always_shown_and_the_tone_follows_the_slug(self):
        page = part("status_tag", status="in_force", label="In force")
        assert "In force" in page
        assert "p20-tag--good" in page

    def test_an_unknown_state_is_plain_and_a_given_tone_wins(self):
        assert "p20-tag--plain" in part("status_tag", status="somewhere", label="Somewhere")
        assert "p20-tag--bad" in part("status_tag", status="in_force", label="In force", tone="bad")

    def test_no_slug_has_two_tones(self):
        slugs = [slug for words in p20.STATUS_TONES.values() for slug in words.split()]
        assert len(slugs) == len(set(slugs))


class TestSorting:
    def test_a_column_turns_round_and_says_how_it_is_sorted(self):
        request = RequestFactory().get("/", {"q": "wages", "page": "3", "sort": "due"})
        page = part("sort_header", request=request, label="Due", key="due", sort="due")
        assert 'aria-sort="ascending"' in page
        assert "sort=-due" in page
        assert "q=wages" in page
        assert "page=" not in page

    @pytest.mark.parametrize(("now", "then"), [(None, "due"), ("-due", "due"), ("title", "due")])
    def test_the_next_order(self, now, then):
        assert p20.sort_link("due", now)["next"] == then


def test_a_deadline_shows_its_derivation():
    page = part(
        "deadline",
        what="Agencies read",
        due=NIGHT,
        who="Department of Labor",
        kind="from",
        derivation={
            "start": NIGHT.isoformat(),
            "rule": "at least 10 business days before",
            "first_day": "2026-03-05",
            "last_day": "2026-03-18",
            "skipped": [{"day": "2026-03-07", "why": "Saturday"}],
        },
    )
    assert "Possible from" in page
    assert "Mar 7, 2026 (Saturday)" in page
    assert "at least 10 business days before" in page


def test_plain_templates_need_no_request():
    assert "on our side" in render_to_string("500.html")
    assert "Wait a minute" in render_to_string("503.html")
