"""Addresses of jobs."""

from django.urls import path

from p20win.jobs import views

app_name = "jobs"
urlpatterns = [
    path("failed/", views.failed, name="failed"),
    path("<uuid:pk>/progress/", views.progress, name="progress"),
    path("<uuid:pk>/again/", views.again, name="again"),
]
