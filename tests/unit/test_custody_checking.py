"""What the vault does with a file that breaks its reader, and what it keeps of one that does not."""

import csv
import datetime as dt

import pytest
from django.urls import reverse

from p20win import policy
from p20win.custody import scanning
from p20win.custody.engine import sandbox, tables
from p20win.custody.public import FileStatus
from p20win.projects.public import open_to_organisation
from tests import factories
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


WAGES = [
    {"name": "ID", "form": "synthetic_id", "required": True},
    {"name": "WAGES", "form": "integer"},
    {"name": "LUNCH", "codes": ["F", "R"]},
]


def wages(count, *, less=0, codes="FR"):
    rows = [f"k{n:03d}v9q2x\t{-(less + n)}\t{codes[n % len(codes)]}" for n in range(count)]
    return "\n".join(["ID\tWAGES\tLUNCH", *rows, ""]).encode()


class TestProfilePage:
    def slot(self, **spec):
        return custody.a_slot(kind="analytical", spec={"id_column": "ID", "columns": WAGES, **spec})

    @pytest.mark.obligation("O-97")
    def test_the_sender_and_the_hub_see_it_and_what_moved_and_nobody_else(self, signed_in, client):
        slot = self.slot()
        steward = factories.steward(slot.supplier)
        first = custody.checked(custody.arrived(slot, wages(40), by=steward))
        second = custody.a_slot(slot.supplier, kind="analytical", spec={"id_column": "ID", "columns": WAGES})
        file = custody.checked(
            custody.arrived(
                second, wages(80, less=500, codes="FFFR"), by=steward, at=factories.START + dt.timedelta(1)
            )
        )
        assert first.profile["smallest"] == policy.MIN_CELL_COUNT

        page = signed_in(steward).get(reverse("custody:profile", args=[file.pk])).text
        assert "40 rows before, 80 now." in page
        assert "Code F: 50 % before, 75 % now." in page
        assert (
            reverse("custody:profile", args=[file.pk])
            in client.get(reverse("custody:slot", args=[second.pk])).text
        )
        assert "no earlier file" in client.get(reverse("custody:profile", args=[first.pk])).text
        hub_member = factories.hub_member()
        open_to_organisation(file.project, hub_member.organisation, ["view_project"])
        assert "80 rows" in signed_in(hub_member).get(reverse("custody:profile", args=[file.pk])).text
        other = signed_in(factories.steward(factories.organisation()))
        assert other.get(reverse("custody:profile", args=[file.pk])).status_code == 404
        assert other.get(reverse("custody:profile-csv", args=[file.pk])).status_code == 404

    def test_it_can_be_taken_along_and_no_cell_is_a_formula(self, signed_in):
        slot = self.slot(columns=[*WAGES[:2], {"name": "=CMD", "codes": ["@A", "B"]}])
        steward = factories.steward(slot.supplier)
        content = wages(40).replace(b"LUNCH", b"=CMD").replace(b"\tF", b"\t@A").replace(b"\tR", b"\tB")
        file = custody.checked(custody.arrived(slot, content, by=steward))
        answer = signed_in(steward).get(reverse("custody:profile-csv", args=[file.pk]))

        rows = list(csv.reader(answer.text.splitlines()))
        assert answer["Content-Disposition"].startswith("attachment")
        assert [row[0] for row in rows] == ["column", "ID", "WAGES", "'=CMD"]
        assert rows[2][8] == "-34"
        assert rows[3][10] == "'@A: 20; B: 20"

    def test_the_strictest_count_of_the_project_holds(self):
        file = custody.checked(custody.arrived(self.slot(min_cell_count=15), wages(40)))
        assert file.profile["smallest"] == 15

    def test_a_refused_file_has_one_to_correct_it_by_an_infected_one_has_none(self, monkeypatch):
        file = custody.checked(custody.arrived(self.slot(), wages(40).replace(b"\tR", b"\tZ")))
        assert file.status == FileStatus.REFUSED
        assert file.profile["columns"][2]["unfit"] == 20

        def infected(_scan, report):
            report.scan = {"state": "infected"}
            report.add("malware")

        monkeypatch.setattr(scanning.Scanning, "finish", infected)
        assert custody.checked(custody.arrived(self.slot(), wages(40))).profile == {}

    def test_a_table_has_none(self, signed_in):
        slot = custody.a_slot(kind="output", spec={})
        steward = factories.steward(slot.supplier)
        file = custody.checked(custody.arrived(slot, b"sex,count\nF,12\n", by=steward, name="t.csv"))
        assert signed_in(steward).get(reverse("custody:profile", args=[file.pk])).status_code == 404
