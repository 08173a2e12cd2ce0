"""The ledger."""

from django.apps import AppConfig


class AuditConfig(AppConfig):
    """The append-only ledger of everything that happened."""

    name = "p20win.audit"
    label = "audit"
