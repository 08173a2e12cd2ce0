"""What the vault does with a file that breaks its reader, and what it keeps of one that does not."""

import pytest

from p20win.custody.engine import sandbox, tables
from p20win.custody.public import FileStatus
from tests import factories_custody as custody
from tests.faults import breaking

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("vault")]


@pytest.fixture
def vault(settings, tmp_path):
    with custody.own_vault(settings, tmp_path) as folder:
        yield folder


@pytest.mark.obligation("O-62")
@pytest.mark.parametrize("task", [breaking.segfault, breaking.eat_memory, breaking.hang])
def test_a_table_that_breaks_its_reader_is_refused_and_the_next_one_is_checked(vault, monkeypatch, task):
    with monkeypatch.context() as broken:
        broken.setattr(tables, "_as_dict", task)
        broken.setattr(tables.check_apart, "__kwdefaults__", {"limits": sandbox.Limits(64 << 20, seconds=1)})
        file = custody.checked(custody.arrived(custody.a_slot(kind="output", spec={}), b"x", name="t.csv"))
    assert file.status == FileStatus.REFUSED
    assert [found["rule"] for found in file.report["counts"]] == ["parser"]
    assert [path for path in (vault / "media").rglob("*") if path.is_file()] == []

    slot = custody.a_slot(kind="output", spec={})
    assert custody.checked(custody.arrived(slot, b"sex,count\nF,12\n", name="t.csv")).status == "accepted"
