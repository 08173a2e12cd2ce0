"""Addresses of the requests desk."""

from django.urls import path, register_converter
from django.urls.converters import StringConverter

from requests_app import outline
from requests_app.views import form, people, reviewing, rows
from requests_app.vocabulary import Kind


class SectionConverter(StringConverter):
    """A section of the form."""

    regex = "|".join(outline.BY_SLUG)


class RevisionConverter(StringConverter):
    """A kind of revision."""

    regex = f"{Kind.CONTINUATION}|{Kind.MODIFICATION}"


register_converter(SectionConverter, "section")
register_converter(RevisionConverter, "revision")

app_name = "requests_app"
urlpatterns = [
    path("", form.index, name="index"),
    path("new/", form.new, name="new"),
    path("<uuid:pk>/", form.home, name="home"),
    path("<uuid:pk>/section/<section:slug>/", form.section, name="section"),
    path("<uuid:pk>/answers/", form.answers, name="answers"),
    path("<uuid:pk>/answers/reason/", form.explain, name="explain"),
    path("<uuid:pk>/submit/", form.submit, name="submit"),
    path("<uuid:pk>/elements/import/", rows.import_elements, name="import"),
    path("<uuid:pk>/elements/template.csv", rows.template, name="template"),
    path("<uuid:pk>/lists/<slug:kind>/", rows.index, name="rows"),
    path("<uuid:pk>/lists/<slug:kind>/new/", rows.edit, name="row-new"),
    path("<uuid:pk>/lists/<slug:kind>/<uuid:row_pk>/", rows.edit, name="row"),
    path("<uuid:pk>/lists/<slug:kind>/<uuid:row_pk>/remove/", rows.remove, name="row-remove"),
    path("<uuid:pk>/completeness/", reviewing.completeness_check, name="completeness"),
    path("<uuid:pk>/send/", reviewing.send, name="send"),
    path("<uuid:pk>/return/", reviewing.send_back, name="return"),
    path("<uuid:pk>/decide/", reviewing.decide, name="decide"),
    path("<uuid:pk>/withdraw/", reviewing.withdraw, name="withdraw"),
    path("<uuid:pk>/revise/<revision:kind>/", reviewing.revise, name="revise"),
    path("<uuid:pk>/people/", people.index, name="people"),
    path("<uuid:pk>/people/<slug:slug>/approve/", people.approve, name="people-approve"),
    path("<uuid:pk>/people/<slug:slug>/<uuid:person_pk>/refuse/", people.refuse, name="person-refuse"),
    path(
        "<uuid:pk>/people/approvals/<uuid:approval_pk>/withdraw/", people.withdraw, name="approval-withdraw"
    ),
]
