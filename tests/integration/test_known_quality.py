"""How good an element is, known before it is asked for: shares of the last file that held it, no record."""

import datetime as dt

import pytest
from django.urls import reverse

from p20win.custody.known_quality import known_quality, share
from tests import factories
from tests import factories_custody as custody
from tests import factories_requests as requests

COLUMNS = [
    {"name": "ID", "form": "synthetic_id", "required": True},
    {"name": "Outcome", "form": "integer"},
]


@pytest.mark.parametrize(
    ("part", "said"),
    [(0, "none"), (1, "hardly any"), (9, "hardly any"), (10, "1 %"), (500, "50 %"), (990, "99 %"),
     (991, "nearly all"), (999, "nearly all"), (1000, "all")],
)  # fmt: skip
@pytest.mark.obligation("O-97")
def test_what_stands_for_few_rows_is_told_in_words(part, said):
    assert share(part, 1000, 10) == said


@pytest.fixture
def vault(settings, tmp_path):
    with custody.own_vault(settings, tmp_path) as folder:
        yield folder


def sent(agency, *, filled, of, at=factories.START):
    """Return an accepted file of the agency in which so many of the rows have an outcome."""
    rows = [f"k{n:03d}v{filled:02d}q2x\t{n if n < filled else ''}" for n in range(of)]
    content = "\n".join(["ID\tOutcome", *rows, ""]).encode()
    slot = custody.a_slot(agency, kind="analytical", spec={"id_column": "ID", "columns": COLUMNS})
    file = custody.checked(custody.arrived(slot, content, by=factories.steward(agency), at=at))
    assert file.status == "accepted"
    return file


@pytest.mark.django_db
@pytest.mark.usefixtures("vault")
class TestKnownQuality:
    @pytest.mark.obligation("O-97")
    def test_the_requestor_reads_it_in_the_list_of_elements(self, signed_in):
        known, unknown = factories.organisation(), factories.organisation()
        sent(known, filled=20, of=100)
        sent(known, filled=80, of=100, at=factories.START + dt.timedelta(days=40))
        row = requests.complete(known, unknown)

        page = signed_in(row.requestor).get(reverse("requests_app:rows", args=[row.pk, "elements"])).text

        assert page.count("Filled: 80 %. Not of the agreed form: none.") == 1
        assert "20 %" not in page
        assert page.count("Filled: all. Not of the agreed form: none.") == 1  # its identifier
        assert page.count("Not known yet") == 2  # the other agency's

    def test_it_stays_known_when_the_file_is_destroyed(self):
        agency = factories.organisation()
        file = sent(agency, filled=80, of=100)
        type(file).objects.filter(pk=file.pk).update(status="destroyed")

        assert known_quality([(agency.pk, "OUTCOME")])[agency.pk, "outcome"].filled == "80 %"

    def test_a_file_of_few_rows_or_of_another_agency_tells_nothing(self):
        agency = factories.organisation()
        sent(agency, filled=2, of=5)
        sent(factories.organisation(), filled=80, of=100)

        assert known_quality([(agency.pk, "Outcome"), (None, "Outcome")]) == {}

    def test_it_is_one_question_however_many_are_asked_for(self, django_assert_num_queries):
        agency = factories.organisation()
        sent(agency, filled=80, of=100)

        with django_assert_num_queries(1):
            found = known_quality([(agency.pk, name) for name in ("id", "outcome", "none")])

        assert {name for _, name in found} == {"id", "outcome"}
