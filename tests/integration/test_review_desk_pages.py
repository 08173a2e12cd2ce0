"""The pages of the review desk: what is known, what is released, cell by cell, rulings and wishes."""

import datetime as dt
import json
import re

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.urls import reverse

from disclosure import known_services, services, standing
from disclosure.models import Known, Material, Output, PriorReview, Ruling
from p20win import clock
from p20win.custody.models import Capability
from p20win.projects import public as projects
from tests import factories
from tests import factories_agreements as agreements
from tests import factories_disclosure as outputs
from tests.factories import START

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("vault")]
LATER = START + dt.timedelta(days=60)
HIERARCHY = b"parent,child\nTotal,Alder\nTotal,Birch\nTotal,Cedar\n"


@pytest.fixture(autouse=True)
def time(monkeypatch):
    def set_to(at):
        monkeypatch.setattr(clock, "now", lambda: at)

    set_to(START)
    return set_to


@pytest.fixture
def relayed(monkeypatch):
    """Let the vault answer in this process."""

    def relay(token):
        granted = Capability.objects.latest("issued_at")
        check = standing.OutputCheck.objects.get(pk=granted.subject_id)
        return services.give_sheet(check, granted.person)

    monkeypatch.setattr("p20win.custody.public.relay", relay)


@pytest.fixture
def in_doubt(monkeypatch):
    """Let the audit leave one question open."""

    outputs.let_audit_find(monkeypatch, leaks=(outputs.OPEN,))


def page(client, name, pk, /, follow=True, **data):
    address = reverse(f"disclosure:{name}", args=[pk])
    return client.post(address, data, follow=follow) if data else client.get(address)


def text(response):
    return " ".join(response.content.decode().split())


def steward(project, which=0):
    person = factories.steward(projects.suppliers(project)[which])
    agreements.acknowledged(person)
    return person


class TestWhatIsKnown:
    def test_a_hierarchy_is_loaded_shown_and_removed(self, signed_in):
        project = outputs.project()
        client = signed_in(outputs.author(project))
        assert "Nothing is loaded." in text(page(client, "known", project.pk))
        assert "Two columns, parent and child" in text(page(client, "known-hierarchy", project.pk))
        file = SimpleUploadedFile("regions.csv", HIERARCHY)
        answer = text(page(client, "known-hierarchy", project.pk, dimension="school", file=file))
        assert "Loaded. Checks from now on know it." in answer
        row = Known.objects.get()
        shown = text(page(client, "known-one", row.pk))
        assert "Checks know this version." in shown
        assert "<td>Birch</td>" in shown
        assert "This field is required" in text(page(client, "known-remove", row.pk, reason=""))
        assert "Removed. Checks" in text(page(client, "known-remove", row.pk, reason="Wrong."))
        assert "Wrong." in text(page(client, "known-one", row.pk))

    def test_what_is_wrong_with_a_table_is_said_beside_the_form(self, signed_in):
        project = outputs.project()
        client = signed_in(factories.operating_group_member())
        said = {"name": "Report cards", "source": "example.org", "as_of": "2025-06-30"}
        said |= {"population": "All pupils of grade 12", "period": "School year 2020-21"}
        file = SimpleUploadedFile("t.csv", b"school,count\nBirch,40\n")
        answer = page(client, "known-table", project.pk, file=file, **said)
        assert "Call the column of published numbers" in text(answer)
        file = SimpleUploadedFile("t.csv", b"school,released\nBirch,40\n")
        assert "Report cards" in text(page(client, "known-table", project.pk, file=file, **said))
        assert not Known.objects.get().is_hierarchy

    def test_others_read_it_and_strangers_do_not(self, signed_in):
        project = outputs.project()
        client = signed_in(steward(project))
        assert "Only who submits this project" in text(page(client, "known", project.pk))
        assert "Only who submits this project" in text(page(client, "known-hierarchy", project.pk))
        assert page(signed_in(factories.person()), "known", project.pk).status_code == 404

    def test_a_list_costs_the_same_however_long(self, signed_in, django_assert_max_num_queries):
        project = outputs.project()
        by = outputs.author(project)
        for number in range(6):
            known_services.load_hierarchy(
                project, dimension=f"dimension {number}", content=HIERARCHY, by=by, at=START
            )
        client = signed_in(by)
        page(client, "known", project.pk)
        with django_assert_max_num_queries(30):
            shown = text(page(client, "known", project.pk))
        assert "dimension 5" in shown


class TestWhatIsReleased:
    @pytest.mark.obligation("O-81")
    def test_every_table_stands_there_with_its_record(self, signed_in, time):
        project = outputs.project()
        client = signed_in(outputs.author(project))
        assert "Nothing is released yet." in text(page(client, "released", project.pk))
        output = outputs.cleared(outputs.sent(project))
        assert page(client, "record", output.pk).status_code == 404
        assert "What would be added" in text(page(client, "released", project.pk))
        time(LATER)
        services.release(output, by=factories.operating_group_member(), at=LATER)
        (table,) = standing.clean_tables(output)
        shown = text(page(client, "released", project.pk))
        assert table.digest in shown
        assert "1 table, 8 numbers" in shown
        assert "All pupils of grade 12" in shown
        record = page(client, "record", output.pk)
        assert record["Content-Type"] == "application/json"
        assert json.loads(record.content)["tables"][0]["sha256"] == table.digest
        searched = client.get(reverse("disclosure:released", args=[project.pk]), {"q": "nothing like it"})
        assert "No table fits this search." in text(searched)

    def test_one_on_its_way_says_what_it_would_add(self, signed_in, time):
        project = outputs.project()
        time(LATER)
        outputs.released(of=project, at=START)
        small = b"school,count\nAlder,43\nBirch,81\nCedar,57\nTotal,181\n"
        second = outputs.checked(project, small, title="Schools alone")
        check = standing.latest_check(second)
        assert check.adds == {"before": 8, "anew": 0, "again": 4}
        client = signed_in(second.author)
        assert "0 counts to the 8 known of these people; 4 it tells again" in text(
            page(client, "detail", second.pk)
        )
        assert "Schools alone" in text(page(client, "released", project.pk))

    def test_it_is_sorted_and_a_stranger_does_not_see_it(self, signed_in):
        project = outputs.project()
        client = signed_in(outputs.author(project))
        for sort in ("title", "-facts", "population", "since"):
            address = reverse("disclosure:released", args=[project.pk])
            assert client.get(address, {"sort": sort}).status_code == 200
        assert page(signed_in(factories.person()), "released", project.pk).status_code == 404


class TestCellByCell:
    @pytest.mark.obligation("O-82")
    def test_a_reviewer_walks_through_the_findings(self, signed_in, relayed):
        output = outputs.sent()
        client = signed_in(steward(output.project))
        address = reverse("disclosure:look", args=[output.pk])
        shown = client.get(address)
        assert "4 findings" in text(shown)
        cards = []
        while step := re.search(r'href="([^"]+)"[^>]*data-key="n"', shown.content.decode()):
            shown = client.get(address + step[1].replace("&amp;", "&").removesuffix("#card"))
            cards.append(re.search(r'id="card-title">([^<]+)<', shown.content.decode())[1])
        assert cards == ["Alder, female", "Alder, male", "Cedar, female", "Cedar, male"]
        assert "Finding 4 of 4" in text(shown)

    def test_a_card_says_rule_range_and_sum(self, signed_in, relayed):
        output = outputs.sent()
        client = signed_in(steward(output.project))
        address = reverse("disclosure:look", args=[output.pk])
        small = text(client.get(address, {"cell": "1"}))
        assert "No count below 6 is shown, zeros included." in small
        assert "An attacker gets" in small
        covered = text(client.get(address, {"cell": "2"}))
        assert "Alder, female could be worked out along sex: 43 − 40 = 3." in covered

    def test_the_released_layer_shows_no_withheld_count(self, signed_in, relayed):
        output = outputs.sent()
        client = signed_in(steward(output.project))
        address = reverse("disclosure:look", args=[output.pk])
        grid = re.compile(r"<tbody>.*?</tbody>", re.DOTALL)
        found = {
            layer: grid.search(client.get(address, {"layer": layer}).content.decode())[0]
            for layer in ("original", "released", "open")
        }
        assert ">22<" in re.sub(r"\s", "", found["original"])
        for layer in ("released", "open"):
            assert not re.search(r">(3|40|22|35)<", re.sub(r"\s", "", found[layer]))
        assert "p20-open--" in found["open"]


class TestRulings:
    @pytest.mark.obligation("O-81")
    def test_two_people_let_pass_what_is_open(self, signed_in, in_doubt, relayed):
        output = outputs.sent()
        group, agency = factories.operating_group_member(), steward(output.project)
        agreements.acknowledged(group)
        client = signed_in(group)
        assert "Ask to let it pass" in text(page(client, "detail", output.pk))
        assert "What could not be settled" in text(page(client, "look", output.pk))
        assert "This field is required" in text(page(client, "ruling", output.pk, reason=""))
        said = {"agency": projects.suppliers(output.project)[0].pk, "reason": "Wide in earlier years."}
        assert "A person of the other side answers." in text(page(client, "ruling", output.pk, **said))
        ruling = Ruling.objects.get()
        assert "You asked for it" in text(page(client, "ruling-answer", ruling.pk))
        client = signed_in(agency)
        assert "Wide in earlier years." in text(page(client, "ruling-answer", ruling.pk))
        answer = page(client, "ruling-answer", ruling.pk, answer="I agree.", confirm="1")
        assert "Confirmed by two." in text(answer)
        assert "I agree." in text(answer)

    def test_to_decline_is_the_other_button(self, signed_in, in_doubt):
        output = outputs.sent()
        group = factories.operating_group_member()
        agreements.acknowledged(group)
        agency = steward(output.project)
        client = signed_in(agency)
        said = {"agency": agency.organisation.pk, "reason": "It is fine."}
        page(client, "ruling", output.pk, **said)
        ruling = Ruling.objects.get()
        answer = page(signed_in(group), "ruling-answer", ruling.pk, answer="It is not.", decline="1")
        assert "Declined." in text(answer)
        assert "It is not." in text(answer)

    def test_the_author_does_not_rule(self, signed_in, in_doubt):
        output = outputs.sent()
        client = signed_in(output.author)
        assert "Ask to let it pass" not in text(page(client, "detail", output.pk))
        assert page(client, "ruling", output.pk).status_code == 404


class TestWishes:
    @pytest.mark.obligation("O-82")
    def test_an_agency_asks_and_the_author_reads_it(self, signed_in):
        project = outputs.project()
        person = steward(project)
        client = signed_in(person)
        assert "No agency asked for this." in text(page(client, "wishes", project.pk))
        said = {"agency": person.organisation.pk, "material": Material.PRESS, "reason": "Our name is in it."}
        assert "Outputs of this kind wait for your agency." in text(
            page(client, "wishes", project.pk, **said)
        )
        output = outputs.checked(project, material=Material.PRESS)
        shown = text(page(signed_in(output.author), "detail", output.pk))
        assert f"{person.organisation.short_name} asked to read this before: Our name is in it." in shown
        client = signed_in(person)
        assert "Ended." in text(page(client, "wish-end", PriorReview.objects.get().pk, go="1"))

    def test_only_a_participating_agency_is_offered_it(self, signed_in):
        project = outputs.project()
        shown = text(page(signed_in(factories.operating_group_member()), "wishes", project.pk))
        assert "Ask to read a kind of material before" not in shown
        assert page(signed_in(factories.person()), "wishes", project.pk).status_code == 404


class TestSelfChecks:
    def test_a_table_is_checked_and_then_submitted(self, signed_in, relayed):
        project = outputs.project()
        client = signed_in(outputs.author(project))
        assert "Check a table for yourself" in text(client.get(reverse("disclosure:index")))
        about = {name: outputs.CONTEXT[name] for name in ("population", "period", "extracted_on")}
        file = SimpleUploadedFile("t.csv", outputs.TABLE)
        assert "The vault is checking it." in text(page(client, "try", project.pk, file=file, **about))
        output = outputs.judged(Output.objects.get())
        shown = text(page(client, "detail", output.pk))
        assert "Nobody but you sees it" in shown
        assert "Send to the agencies" not in shown
        assert "4 findings" in text(page(client, "look", output.pk))
        listed = text(client.get(reverse("disclosure:index")))
        assert "Your self-checks" in listed
        assert "No outputs yet." in listed
        refused = page(client, "submit-tried", output.pk, title="")
        assert "This field is required" in text(refused)
        answer = page(client, "submit-tried", output.pk, title="Graduates", material="report")
        assert "Submitted, with the check it had." in text(answer)
        assert "Send to the agencies" in text(answer)
        assert page(client, "submit-tried", output.pk).status_code == 404

    def test_nobody_else_finds_it(self, signed_in):
        project = outputs.project()
        assert page(signed_in(factories.person()), "try", project.pk).status_code == 404
        client = signed_in(steward(project))
        assert "no part in this project" in text(page(client, "try", project.pk))
