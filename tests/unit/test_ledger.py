"""The ledger only grows, and shows when somebody changed it all the same."""

import pytest
from django.db import InternalError, ProgrammingError, connection, transaction

from p20win.audit.public import Event, NotInTransaction, record, timeline, verify_chain
from p20win.projects.public import open_project
from tests import factories

pytestmark = pytest.mark.django_db


@pytest.mark.obligation("O-95", "O-64")
class TestOnlyGrows:
    @pytest.mark.parametrize(
        "statement",
        ["UPDATE audit_event SET note = 'x'", "DELETE FROM audit_event", "TRUNCATE audit_event"],
    )
    def test_refuses_even_the_owner(self, statement):
        factories.project()

        with pytest.raises(ProgrammingError, match="it only grows"), transaction.atomic():
            with connection.cursor() as cursor:
                cursor.execute(statement)

        assert verify_chain().ok

    def test_refuses_the_portals_role_by_grant(self):
        factories.project()

        for statement in (
            "UPDATE audit_event SET note = 'x'",
            "DELETE FROM audit_event",
            "TRUNCATE audit_event",
        ):
            with pytest.raises(ProgrammingError, match="permission denied"), transaction.atomic():
                with connection.cursor() as cursor:
                    cursor.execute("SET LOCAL ROLE p20_web")
                    cursor.execute(statement)

    def test_history_of_a_row_refuses_change(self):
        row = factories.project()

        with pytest.raises(ProgrammingError, match="it only grows"), transaction.atomic():
            row.history.all().delete()

        assert row.history.count() >= 1


class TestChain:
    def test_each_line_follows_the_one_before(self):
        row = factories.project()

        lines = list(timeline(row))

        assert [e.event for e in lines][0] == "project.opened"
        assert verify_chain().ok
        assert verify_chain().lines == Event.objects.count()

    @pytest.mark.obligation("O-64")
    def test_finds_the_line_that_a_superuser_changed(self):
        row = factories.project()
        victim = timeline(row).first()

        with connection.cursor() as cursor:
            cursor.execute("ALTER TABLE audit_event DISABLE TRIGGER audit_keep")
            cursor.execute("UPDATE audit_event SET note = 'never happened' WHERE seq = %s", [victim.seq])
            cursor.execute("ALTER TABLE audit_event ENABLE TRIGGER audit_keep")

        assert verify_chain().broken_at == victim.seq


@pytest.mark.django_db(transaction=True)
def test_a_line_needs_the_transaction_of_its_change():
    row = factories.project()

    with pytest.raises(NotInTransaction):
        record("thing.happened", row, by=factories.person(), at=factories.START)


def test_numbers_have_no_gap_after_a_rollback():
    factories.project()
    before = Event.objects.order_by("-seq").first().seq

    with pytest.raises(InternalError), transaction.atomic():
        open_project("Given up", by=factories.person(), at=factories.START)
        raise InternalError

    open_project("Kept", by=factories.person(), at=factories.START)
    seqs = list(Event.objects.filter(seq__gt=before).order_by("seq").values_list("seq", flat=True))
    assert seqs == list(range(before + 1, before + 1 + len(seqs)))
