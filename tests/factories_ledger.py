"""Ledgers with some lines, and what a superuser of the database can do to them."""

from contextlib import contextmanager

from django.db import connection, transaction

from p20win.accounts.public import system_user
from p20win.audit.public import Event, record
from p20win.custody.engine.proofs import TILE
from tests import factories

CHAIN_ANEW = """
DO $$
DECLARE line audit_event; before bytea := decode(repeat('00', 32), 'hex');
BEGIN
    FOR line IN SELECT * FROM audit_event ORDER BY seq LOOP
        line.prev_hash := before;
        before := sha256(before || convert_to(audit_canonical(line), 'UTF8'));
        UPDATE audit_event SET prev_hash = line.prev_hash, hash = before WHERE seq = line.seq;
    END LOOP;
END $$
"""
# Closes the gaps that deleted lines leave, as if they had never been.
RENUMBER = """
UPDATE audit_event SET seq = -seq;
UPDATE audit_event SET seq = numbered.place
FROM (SELECT seq, row_number() OVER (ORDER BY seq DESC) AS place FROM audit_event) numbered
WHERE audit_event.seq = numbered.seq
"""


def count():
    """Return how many lines the ledger holds."""
    last = Event.objects.order_by("-seq").first()
    return last.seq if last else 0


def lines(number, *, row=None):
    """Write so many lines about a row, and return the number of the last."""
    row = row or factories.project()
    with transaction.atomic():
        for place in range(number):
            record("thing.happened", row, by=system_user(), at=factories.START, details={"n": place})
    return count()


def past_a_tile():
    """Write lines until the ledger goes over the edge of a tile, and return the number of the last."""
    return lines(TILE - count() % TILE + 5)


@contextmanager
def superuser():
    """Give a cursor whose triggers are off, as a superuser of the database can have it."""
    with connection.cursor() as cursor:
        cursor.execute("ALTER TABLE audit_event DISABLE TRIGGER USER")
        try:
            yield cursor
        finally:
            cursor.execute("ALTER TABLE audit_event ENABLE TRIGGER USER")


def rewritten(*statements):
    """Change the ledger as a superuser, and write the whole chain anew so that it holds together again."""
    with superuser() as cursor:
        for statement in statements:
            cursor.execute(statement)
        cursor.execute(CHAIN_ANEW)
