"""Long work."""

from django.apps import AppConfig


class JobsConfig(AppConfig):
    """Work that outlives a request."""

    name = "p20win.jobs"
    label = "jobs"
