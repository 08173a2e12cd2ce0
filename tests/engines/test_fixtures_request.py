"""The demo's request fits the files that the generator makes for it."""

import pytest

from fixtures import directory, request
from fixtures.generate import generate

REQUEST = request.request()


def columns(agency, *, matching):
    return {e.name for e in REQUEST.elements if e.agency == agency and e.matching == matching}


@pytest.fixture(scope="module")
def project():
    return generate(300, seed=1)


def test_every_column_of_every_file_is_an_element_of_the_request_and_the_reverse(project):
    for name, agency in project.agencies.items():
        matching = set(agency.matching.table.column_names) - {"SyntheticID"}
        analytical = set(agency.analytical.table.column_names) - {"SyntheticID"}
        assert matching == columns(name.lower(), matching=True)
        assert analytical == columns(name.lower(), matching=False)
    flags = {c for f in project.identifier_lists for c in f.table.column_names} - {"SASID"}
    assert flags == columns("", matching=False)


def test_an_element_stands_once_per_source_and_serves_a_question_unless_it_is_for_matching():
    keys = [(e.agency, e.name.casefold()) for e in REQUEST.elements]

    assert len(set(keys)) == len(keys)
    for element in REQUEST.elements:
        assert element.matching or (element.questions and element.explanation)


def test_every_question_is_served_and_every_agency_exists():
    served = {q for e in REQUEST.elements for q in e.questions}
    known = {o.slug for o in directory.organisations() if o.is_agency}

    assert served == {q["code"] for q in REQUEST.questions}
    assert {e.agency for e in REQUEST.elements} - {""} <= known


@pytest.mark.obligation("O-134")
def test_everything_from_wage_records_is_marked():
    assert all(e.uc for e in REQUEST.elements if e.agency == "dol" and not e.matching)
