"""Addresses of the matching desk."""

from django.urls import path

from matching import destruction_pages, views

app_name = "matching"
urlpatterns = [
    path("", views.index, name="index"),
    path("for/<uuid:project_pk>/open/", views.open_match, name="open"),
    path("runs/<uuid:pk>/", views.report, name="report"),
    path("runs/<uuid:pk>/report.html", views.report_file, name="report-file"),
    path("<uuid:pk>/", views.detail, name="detail"),
    path("<uuid:pk>/start/", views.start, name="start"),
    path("<uuid:pk>/agree/", views.agree, name="agree"),
    path("<uuid:pk>/reject/", views.reject, name="reject"),
    path("<uuid:pk>/destroy/", destruction_pages.ask, name="destroy"),
    path("<uuid:pk>/destroy/confirm/", destruction_pages.confirm, name="destroy-confirm"),
    path("<uuid:pk>/destroy/withdraw/", destruction_pages.withdraw, name="destroy-withdraw"),
    path("<uuid:pk>/download/", views.download, name="download"),
]
