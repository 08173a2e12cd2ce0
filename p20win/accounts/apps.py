"""People and organisations."""

from django.apps import AppConfig


class AccountsConfig(AppConfig):
    """People, organisations, roles, standing, sign-in."""

    name = "p20win.accounts"
    label = "accounts"

    def ready(self) -> None:
        """Tell the access decision how to ask for standing."""
        from p20win import access
        from p20win.accounts import checks, machines

        access.register_condition("standing", checks.why_not_in_standing)
        access.register_machine_verifier(machines.verified_key)
