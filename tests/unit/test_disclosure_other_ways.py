"""Other ways to tell an output: asked for by its author, worked out by the vault, one sent instead."""

import pytest
from django.urls import reverse

from disclosure import offering, standing
from disclosure.models import Offer, OutputStatus, Verdict
from disclosure.sheet_shown import Sheet
from p20win.audit.public import events_of
from p20win.custody import public as custody
from p20win.jobs import public as jobs
from p20win.refusal import Blocked
from tests import factories_custody as files
from tests import factories_disclosure as outputs
from tests.factories import START

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("vault", "at_start")]
TABLE = b"age,count\n15,60\n16,71\n17,38\n18,3\n19,4\nTotal,176\n"
SHARES = b"""age,count,pct,pct_of
15,60,34.1,age
16,71,40.3,age
17,38,21.6,age
18,3,1.7,age
19,4,2.3,age
Total,176,100.0,age
"""
TOGETHER = "Put “18” and “19” of “age” together"


@pytest.fixture
def relayed(monkeypatch):
    """Let the vault answer in this process."""
    give = lambda token: offering.give(Offer.objects.get(pk=token.subject_id), token.person)  # noqa: E731
    monkeypatch.setattr("p20win.custody.public.capability", lambda by, act, row, at: Asked(row.pk, by))
    monkeypatch.setattr("p20win.custody.public.relay", give)


class Asked:
    def __init__(self, subject_id, person):
        self.subject_id, self.person = subject_id, person


def offered(content=TABLE, **fields):
    """Return an output whose other ways were tried."""
    output = outputs.checked(content=content, **fields)
    found = standing.latest_check(output)
    offering.ask(found, by=output.author, at=START)
    files.run_job(offering.JOB, found_id=found.pk)
    return output, found


class TestAsking:
    @pytest.mark.obligation("O-25")
    def test_the_vault_offers_what_withholds_less_and_keeps_the_counts_sealed(self):
        output, found = offered()
        assert found.withheld == 2
        first = found.offers.first()
        assert (first.what, first.withheld, first.numbers) == (TOGETHER, 0, 5)
        assert b"18|19,7" in b"".join(custody.open_bytes(first.file))
        assert jobs.latest(offering.JOB, found_id=found.pk).is_over
        assert "output.ways_asked" in [event.event for event in events_of(output)]

    def test_is_the_authors_alone_and_once(self):
        output, found = offered()
        assert offering.why_not_ask(found, output.author, START) == [
            "Other ways were tried already; they would come out the same."
        ]
        reviewer = outputs.reviewers(output)[0]
        assert "Only the author can do this." in offering.why_not_ask(found, reviewer, START)
        with pytest.raises(Blocked, match="tried already"):
            offering.ask(found, by=output.author, at=START)

    def test_nothing_is_tried_where_nothing_is_withheld_or_the_agencies_read(self):
        whole = outputs.checked(content=b"age,count\n15,60\n16,71\nTotal,131\n")
        with pytest.raises(Blocked, match="Nothing is withheld"):
            offering.ask(standing.latest_check(whole), by=whole.author, at=START)
        sent = outputs.sent(content=TABLE)
        with pytest.raises(Blocked, match="With the agencies"):
            offering.ask(standing.latest_check(sent), by=sent.author, at=START)

    def test_work_done_twice_offers_once(self):
        _, found = offered()
        before = found.offers.count()
        jobs.after_commit(offering.JOB, project_id=found.project_id, asked_by_id=None, found_id=found.pk)
        files.run_job(offering.JOB, found_id=found.pk)
        assert found.offers.count() == before > 0


@pytest.mark.usefixtures("relayed")
class TestTaking:
    def test_it_takes_the_files_place_and_is_checked_like_any_file(self):
        output, found = offered()
        output = offering.take(found.offers.first(), by=output.author, at=START)
        assert (output.round, output.status) == (2, OutputStatus.UPLOADED)
        output = outputs.judged(output)
        fresh = standing.latest_check(output)
        assert (fresh.verdict, fresh.withheld) == (Verdict.SAFE, 0)
        with pytest.raises(Blocked, match="replaced or checked again"):
            offering.take(found.offers.last(), by=output.author, at=START)

    def test_it_is_nobody_elses_to_take(self):
        output, found = offered()
        for person in outputs.reviewers(output):
            with pytest.raises(Blocked, match="Only the author"):
                offering.take(found.offers.first(), by=person, at=START)

    @pytest.mark.obligation("O-25", "O-81")
    def test_percentages_told_as_ranges_go_out_as_ranges_and_bind_as_ranges(self):
        output, found = offered(content=SHARES)
        way = found.offers.get(what="Tell the percentages as ranges, wider where the base is small")
        assert way.withheld < found.withheld
        output = outputs.judged(offering.take(way, by=output.author, at=START))
        fresh = standing.latest_check(output)
        assert (fresh.verdict, fresh.withheld) == (Verdict.SAFE, way.withheld)
        (table,) = standing.clean_tables(output)
        content = b"".join(custody.open_bytes(table.file))
        assert b"18,,age,0-16" in content
        assert b"18,3" not in content
        workbook = standing.workbook_of(fresh)
        assert workbook.file is not None, workbook.why_not
        sheet = Sheet(b"".join(custody.open_bytes(fresh.sheet)), fresh)
        cells = [sheet._cell(0, n, {"layer": "released"}, is_here=False) for n in range(5)]
        assert [(cell["number"], cell["percentage"]) for cell in cells[3:4]] == [("0-16", "0 to 9 %")]


@pytest.mark.usefixtures("relayed")
class TestPages:
    def test_from_the_button_to_the_new_file(self, signed_in):
        output = outputs.checked(content=TABLE)
        client = signed_in(output.author)
        page, found = reverse("disclosure:detail", args=[output.pk]), standing.latest_check(output)
        assert "Try other ways" in client.get(page).text
        told = client.post(reverse("disclosure:offer-ask", args=[found.pk]), follow=True).text
        assert "The vault is trying other ways." in told
        files.run_job(offering.JOB, found_id=found.pk)
        told = client.get(page).text
        assert TOGETHER in told
        assert "0 of 5 numbers" in " ".join(told.split())
        address = reverse("disclosure:offer-take", args=[found.offers.first().pk])
        assert "takes the file’s place" in client.post(address, follow=True).text

    def test_to_others_none_of_it_exists(self, signed_in):
        output, found = offered()
        client = signed_in(outputs.reviewers(output)[0])
        for name, row in (("offer-ask", found), ("offer-take", found.offers.first())):
            assert client.post(reverse(f"disclosure:{name}", args=[row.pk])).status_code == 404
