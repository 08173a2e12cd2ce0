"""Signatures."""

from django.apps import AppConfig


class SignaturesConfig(AppConfig):
    """The one signing act."""

    name = "p20win.signatures"
    label = "signatures"
