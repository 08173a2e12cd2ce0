"""A vault, a server, a slot, and a machine whose key is enrolled."""

import pytest

from p20win.custody.sftp import server as servers
from tests import factories
from tests import factories_custody as custody
from tests.sftp_server import CONTENT, Machine, serving


@pytest.fixture
def vault(settings, tmp_path):
    factories.hub()
    with custody.own_vault(settings, tmp_path / "vault") as folder:
        yield folder


@pytest.fixture
def server(vault, settings, tmp_path, monkeypatch):
    monkeypatch.setattr(servers, "WATCH_SECONDS", 0.2)
    with serving(settings, tmp_path) as running:
        yield running


@pytest.fixture
def slot(vault):
    return custody.a_slot(title="Matching file, IA")


@pytest.fixture
def steward(slot):
    return factories.steward(slot.supplier)


@pytest.fixture
def machine(server, steward, tmp_path):
    return Machine(tmp_path / "machine", steward, server.port)


@pytest.fixture
def file(machine, slot):
    path = machine.folder / custody.name_for(slot)
    path.write_bytes(CONTENT)
    return path
