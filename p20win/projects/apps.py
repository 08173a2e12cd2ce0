"""Projects."""

from django.apps import AppConfig


class ProjectsConfig(AppConfig):
    """The ground-floor row that keys, permissions, files and released facts hang on."""

    name = "p20win.projects"
    label = "projects"

    def ready(self) -> None:
        """Tell the access decision and the jobs how to ask for a project's permissions."""
        from p20win import access
        from p20win.jobs import public as jobs
        from p20win.projects import checks, selectors

        access.register_condition("project_permission", checks.why_no_permission)
        jobs.register_visibility(selectors.is_visible)
