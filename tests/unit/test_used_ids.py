"""A synthetic id is used for one request and no second (O-106)."""

import pytest
from django.db import ProgrammingError, connection, transaction

from p20win.accounts.public import system_user
from p20win.custody import key_desk, services, used_ids, vault_keys
from p20win.custody import public as custody
from p20win.custody.management.commands.vault import look_after_keys
from p20win.custody.models import FileStatus, UsedIds
from p20win.projects.public import assign_number
from tests import factories
from tests import factories_custody as files
from tests.factories import START

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("vault")]
FIRST, SECOND = b"k3v9q2xw7z", b"p8m4t6yb1c"  # the ids in files.GOOD
MIXED = files.GOOD.replace(FIRST, b"z6d1h8rj5w")
CONTENT = {"id_column": "ID", "columns": [files.COLUMNS[0], {"name": "CREDITS", "form": "integer"}]}


@pytest.fixture(autouse=True)
def met():
    """No condition of any desk stands against sending."""
    with files.conditions_met():
        yield


@pytest.fixture
def agency():
    return factories.organisation()


def another_project(agency):
    return assign_number(factories.project(agency), by=system_user(), at=START)


def sent(agency, content=files.GOOD, **slot):
    return files.checked(files.arrived(files.a_slot(agency, **slot), content))


def rules(file):
    return [(entry["rule"], entry["count"]) for entry in file.report["counts"]]


@pytest.mark.obligation("O-106", "O-60")
class TestAnotherRequest:
    def test_an_id_that_it_had_is_refused_naming_row_and_rule_and_no_value(self, agency):
        assert sent(agency).status == FileStatus.ACCEPTED

        file = sent(agency, MIXED)

        assert file.status == FileStatus.REFUSED
        assert rules(file) == [("id_used", 1)]
        (finding,) = file.report["findings"]
        assert (finding["row"], finding["column"]) == (3, "ID")
        assert "Make new ids" in finding["hint"]
        assert SECOND.decode() not in str(file.report)
        assert not (custody.SealedFile.objects.get(pk=file.pk).blob)

    def test_nothing_of_a_refused_file_is_kept_so_mended_it_comes_in(self, agency):
        sent(agency, files.GOOD.replace(SECOND, b"q7n5b3xk9d"))
        slot = files.a_slot(agency)
        refused = files.checked(files.arrived(slot))
        assert refused.status == FileStatus.REFUSED
        mended = files.GOOD.replace(FIRST, b"z6d1h8rj5w")

        assert files.checked(files.arrived(slot, mended)).status == FileStatus.ACCEPTED

    def test_a_file_refused_for_another_reason_uses_no_id_up(self, agency):
        assert sent(agency, files.BAD).status == FileStatus.REFUSED
        assert not UsedIds.objects.exists()
        assert sent(agency).status == FileStatus.ACCEPTED

    def test_it_is_told_beside_what_else_is_wrong(self, agency):
        sent(agency)
        assert ("id_used", 1) in rules(sent(agency, files.BAD))

    def test_what_another_agency_used_is_no_matter(self, agency):
        assert sent(agency).status == FileStatus.ACCEPTED
        assert sent(factories.organisation()).status == FileStatus.ACCEPTED

    def test_the_inputs_being_destroyed_changes_nothing(self, agency):
        first = sent(agency)
        custody.shred(first.project, agency, by=factories.hub_member(), at=START)
        assert rules(sent(agency)) == [("id_used", 2)]


@pytest.mark.obligation("O-106")
class TestTheSameRequest:
    def test_the_analytical_file_carries_the_ids_of_its_matching_file(self, agency):
        project = another_project(agency)
        sent(agency, project=project)
        rows = b"ID\tCREDITS\n" + FIRST + b"\t3\n" + FIRST + b"\t4\n" + SECOND + b"\t5\n"

        content = sent(agency, rows, project=project, kind="analytical", spec=CONTENT)

        assert content.status == FileStatus.ACCEPTED, content.report
        assert UsedIds.objects.get().digests  # kept once
        elsewhere = sent(agency, rows, kind="analytical", spec=CONTENT)
        assert rules(elsewhere) == [("id_used", 3)]

    def test_a_file_sent_anew_and_a_repeat_keep_their_ids(self, agency):
        project = another_project(agency)
        sent(agency, project=project)
        assert sent(agency, project=project).status == FileStatus.ACCEPTED
        assert len(bytes(UsedIds.objects.get().digests)) == 2 * 8

    def test_new_ids_of_a_repeat_are_kept_beside_the_old(self, agency):
        project = another_project(agency)
        sent(agency, project=project)
        sent(agency, MIXED, project=project)
        assert [len(bytes(row.digests)) // 8 for row in UsedIds.objects.all()] == [2, 1]
        assert rules(sent(agency, MIXED)) == [("id_used", 2)]


@pytest.mark.obligation("O-58", "O-106")
class TestWhatIsKept:
    def test_the_web_can_neither_read_nor_write_it(self, agency):
        sent(agency)
        for statement in (
            "SELECT digests FROM custody_usedids",
            "SELECT count(*) FROM custody_usedids",
            "INSERT INTO custody_usedids (organisation_id) SELECT id FROM accounts_organisation",
            "UPDATE custody_usedids SET key = ''",
            "DELETE FROM custody_usedids",
        ):
            with pytest.raises(ProgrammingError, match="permission denied"), transaction.atomic():
                with connection.cursor() as cursor:
                    cursor.execute("SET LOCAL ROLE p20_web")
                    cursor.execute(statement)

    def test_the_same_id_is_another_number_for_each_agency_and_after_the_key_is_gone_nothing(self, agency):
        sent(agency)
        sent(factories.organisation())
        one, other = (bytes(row.digests) for row in UsedIds.objects.all())
        assert one != other
        assert not {one[:8], one[8:]} & {other[:8], other[8:]}

        vault_keys.private_keys().store.destroy(used_ids.IN_NO_PROJECT, str(agency.pk))

        assert sent(agency).status == FileStatus.ACCEPTED  # what stands there is noise now

    def test_two_files_at_once_are_compared_one_after_the_other(self, agency, monkeypatch):
        """The second is looked at only when the first was judged: a lock of the agency, held until then."""
        taken = []
        judge = services._judge

        def judging(file, *rest, **more):
            with connection.cursor() as cursor:
                cursor.execute(
                    "SELECT count(*) FROM pg_locks JOIN pg_database d ON d.oid = database"
                    " WHERE d.datname = current_database() AND locktype = 'advisory' AND classid = 7023"
                    " AND granted"
                )
                taken.append(cursor.fetchone()[0])
            return judge(file, *rest, **more)

        monkeypatch.setattr(services, "_judge", judging)
        sent(agency)
        assert taken == [1]


def test_the_inventory_of_keys_names_what_the_key_is_for(agency, signed_in):
    sent(agency)
    assert "Ids used before" in {each.purpose for each in key_desk.listed()}
    look_after_keys()
    page = signed_in(factories.hub_member()).get("/files/keys/").content.decode()
    assert "Every request: ids used before" in page
