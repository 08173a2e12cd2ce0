"""The demo's organisations and people."""

import collections

import pytest

from fixtures import directory, schools

ORGANISATIONS = {o.slug: o for o in directory.organisations()}
PEOPLE = directory.people()


@pytest.mark.obligation("O-174", "O-123")
def test_there_are_fourteen_agencies_and_no_name_leads_to_two_of_them():
    names = [n for o in ORGANISATIONS.values() for n in {o.slug, o.short_name, o.legal_name, *o.aliases}]
    owners = collections.defaultdict(set)
    for o in ORGANISATIONS.values():
        for name in (o.slug, o.short_name, o.legal_name, *o.aliases):
            owners[name.casefold()].add(o.slug)

    assert sum(o.is_agency for o in ORGANISATIONS.values()) == 14
    assert {o.slug for o in ORGANISATIONS.values() if o.is_agency and not o.is_state_body} == {"ccic", "cceh"}
    assert all(len(slugs) == 1 for slugs in owners.values())
    assert len(names) == len(set(names))


def test_the_labour_agency_is_the_hub_and_one_office_is_the_operating_group():
    assert [o.slug for o in ORGANISATIONS.values() if o.is_hub] == ["dol"]
    assert [o.slug for o in ORGANISATIONS.values() if o.is_operating_group] == ["opm"]


@pytest.mark.obligation("O-101", "O-03")
def test_every_agency_has_two_stewards_a_signatory_and_a_board_member():
    held = collections.Counter((p.organisation, role) for p in PEOPLE for role in p.roles)
    for o in ORGANISATIONS.values():
        if o.is_agency:
            assert held[o.slug, "data_steward"] == 2
            assert held[o.slug, "signatory"] >= 1
            assert held[o.slug, "board_member"] == 1


def test_people_are_invented_and_reachable_nowhere():
    assert len({p.email for p in PEOPLE}) == len({p.name for p in PEOPLE}) == len(PEOPLE)
    for person in PEOPLE:
        assert person.email.endswith(f"@{person.organisation}.example.org")
        assert " 555 01" in person.phone
        assert person.organisation in ORGANISATIONS


def test_every_supplier_of_lists_is_an_organisation_with_a_contact():
    for district in schools.SUPPLIERS:
        slug = schools.supplier_slug(district)
        assert ORGANISATIONS[slug].legal_name == district
        assert any(p.organisation == slug for p in PEOPLE)
