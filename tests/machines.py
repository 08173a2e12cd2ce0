"""An agency's machine with the command `p20`, talking to the portal in this process."""

from contextlib import contextmanager

import httpx
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from django.core.signals import request_finished, request_started
from django.db import close_old_connections

from client import config, portal
from p20win.accounts.public import enrol_key
from p20win.wsgi import application
from tests import factories
from tests.senders import pinned


@contextmanager
def machine_of(organisation, folder, monkeypatch, *, at=factories.START):
    """Let `p20` be an organisation's machine, the hub's key pinned; give its own key as it is enrolled."""
    monkeypatch.setenv("P20_HOME", str(folder))
    key = config.new_key()
    config.write_config(config.Config(portal="http://localhost"))
    transport = httpx.WSGITransport(app=application)
    for signal in (request_started, request_finished):  # as Django's own test client does
        signal.disconnect(close_old_connections)
    original = portal.Portal.__init__

    def connected(self, address, signing_key, **_):
        original(self, address, signing_key, transport=transport)

    monkeypatch.setattr(portal.Portal, "__init__", connected)
    pinned()
    raw = key.public_key().public_bytes(Encoding.Raw, PublicFormat.Raw)
    steward = factories.steward(organisation)
    try:
        yield enrol_key(organisation, public_key=raw, label="Nightly job", by=steward, at=at)
    finally:
        for signal in (request_started, request_finished):
            signal.connect(close_old_connections)
