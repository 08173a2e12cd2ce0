"""Addresses above the desks."""

from django.urls import path

from governance import closing_pages, log_pages, organisation_pages, views

urlpatterns = [
    path("", views.home, name="home"),
    path("projects/<uuid:pk>/", views.project, name="project"),
    path("projects/<uuid:pk>/close/", closing_pages.ask, name="project-close"),
    path("projects/<uuid:pk>/close/confirm/", closing_pages.confirm, name="project-close-confirm"),
    path("projects/<uuid:pk>/close/withdraw/", closing_pages.withdraw, name="project-close-withdraw"),
    path("logs/", log_pages.index, name="logs"),
    path("logs/<slug:slug>/", log_pages.index, name="log"),
    path("logs/<slug:slug>/csv/", log_pages.sheet, {"form": "csv"}, name="log-csv"),
    path("logs/<slug:slug>/xlsx/", log_pages.sheet, {"form": "xlsx"}, name="log-xlsx"),
    path("organisations/", organisation_pages.index, name="organisations"),
    path(
        "organisations/<uuid:pk>/input-rule/", organisation_pages.input_rule, name="organisation-input-rule"
    ),
    path("demo/", views.demo, name="demo"),
    path("demo/sign-in/<uuid:pk>/", views.demo_sign_in, name="demo-sign-in"),
    path("demo/clock/", views.demo_clock, name="demo-clock"),
]
