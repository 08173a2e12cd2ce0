"""The pages of the disclosure desk, through the client, with a vault in the test's process."""

import datetime as dt
import io
import zipfile

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.urls import reverse

from disclosure import services, standing
from disclosure.models import Output, OutputStatus
from disclosure.package import ACKNOWLEDGEMENT
from p20win import clock
from p20win.custody import vault_server
from p20win.custody.models import Capability
from tests import factories
from tests import factories_disclosure as outputs
from tests.factories import START

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("vault")]
LATER = START + dt.timedelta(days=60)


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
        if granted.act == services.LOOK:
            return services.give_sheet(
                standing.OutputCheck.objects.get(pk=granted.subject_id), granted.person
            )
        return services.give_package(Output.objects.get(pk=granted.subject_id), granted.person)

    monkeypatch.setattr("p20win.custody.public.relay", relay)


def page(client, name, row, **data):
    address = reverse(f"disclosure:{name}", args=[row.pk])
    return client.post(address, data, follow=True) if data else client.get(address)


def text(response):
    return " ".join(response.content.decode().split())


def upload(content=outputs.TABLE, name="table.csv"):
    return SimpleUploadedFile(name, content)


def test_submitting_through_the_page(signed_in):
    project = outputs.project()
    client = signed_in(outputs.author(project))
    assert project.number in text(client.get(reverse("disclosure:index")))
    asked = page(client, "submit", project)
    assert "Who is counted?" in text(asked)

    said = {"title": "Graduates", "file": upload()} | outputs.CONTEXT
    answer = page(client, "submit", project, **said)

    output = Output.objects.get()
    assert answer.redirect_chain[-1][0] == output.get_absolute_url()
    assert "The vault is checking the file." in text(answer)
    outputs.judged(output)
    shown = text(page(client, "detail", output))
    assert "4 of 12 cells are withheld" in shown
    assert "Send to the agencies" in shown


def test_what_lacks_is_said_beside_the_field(signed_in):
    project = outputs.project()
    client = signed_in(outputs.author(project))
    answer = page(client, "submit", project, title="Graduates")
    assert answer.status_code == 200
    assert "This field is required" in text(answer)
    answer = page(client, "submit", project, file=upload(name="t.odt"), title="G", **outputs.CONTEXT)
    assert "ends in .csv, .xlsx, .docx, .pptx or .pdf" in text(answer)
    assert not Output.objects.exists()


def test_nobody_else_may_submit(signed_in):
    project = outputs.project()
    outsider = signed_in(factories.person())
    assert page(outsider, "submit", project).status_code == 404


@pytest.mark.obligation("O-82")
def test_from_the_agencies_to_the_release(signed_in, relayed, time):
    output = outputs.checked()
    author = signed_in(output.author)
    sent = page(author, "send", output, go=1)
    assert "Sent to the agencies" in text(sent)
    people = outputs.reviewers(output)
    for person in people:
        client = signed_in(person)
        assert "Look at the tables" in text(page(client, "detail", output))
        tables = text(page(client, "look", output))
        assert "As uploaded" in tables
        assert "As it will be released" in tables
        assert ", complementary: its card" in tables
        assert "What an attacker still has to think possible" in tables
        refused = page(client, "clear", output, is_aggregated="on")
        assert "Confirm this, or return the output." in text(refused)
        confirmed = page(client, "clear", output, **dict.fromkeys(outputs.CONFIRMED, "on"))
        assert "Confirmed for your organisation." in text(confirmed)
    office = signed_in(people[-1])
    assert "ten business days" in text(page(office, "detail", output))
    early = page(office, "release", output, go=1)
    assert "Not before" in text(early)
    time(LATER)
    assert "Released." in text(page(office, "release", output, go=1))
    author = signed_in(output.author)
    answer = author.post(reverse("disclosure:package", args=[output.pk]))
    archive = zipfile.ZipFile(io.BytesIO(b"".join(answer.streaming_content)))
    assert "table-1.csv" in archive.namelist()
    assert answer["Cache-Control"] == "no-store"
    assert "This work would not be possible" in text(page(author, "detail", output))
    words = ACKNOWLEDGEMENT.replace("data provided", "data given")
    refused = page(author, "copy", output, where="example.org", copy=upload(words.encode(), "r.txt"))
    assert "“given” stands where “provided” must stand." in text(refused)
    assert '<ins><span class="usa-sr-only">Missing: </span>provided</ins>' in text(refused)
    assert not output.copies.exists()
    copy = upload(ACKNOWLEDGEMENT.encode(), "r.txt")
    filed = page(author, "copy", output, where="example.org", copy=copy)
    assert "The copy is filed." in text(filed)


@pytest.mark.obligation("O-82")
def test_two_files_go_together_from_the_form_to_the_word_of_a_reader(signed_in):
    first = outputs.checked()
    author = signed_in(first.author)
    assert "Add a file that goes with it" in text(page(author, "detail", first))
    address = f"{reverse('disclosure:submit', args=[first.project_id])}?with={first.pk}"
    asked = text(author.get(address))
    assert f'It goes with <a class="usa-link" href="{first.get_absolute_url()}">' in asked
    assert 'value="All pupils of grade 12"' in asked  # what holds of the first is there already
    said = {"title": "The slides", "file": upload()} | outputs.CONTEXT
    author.post(address, said)
    second = outputs.judged(Output.objects.exclude(pk=first.pk).get())
    shown = text(page(author, "detail", second))
    assert "Send all that go together to the agencies" in shown
    assert "Goes with" in shown
    page(author, "send", second, go=1)
    steward = outputs.reviewers(first)[0]
    reader = signed_in(steward)
    asked = text(page(reader, "clear", first))
    assert "You read these as well, and confirm the same of them" in asked
    points = dict.fromkeys(outputs.CONFIRMED, "on")
    answer = page(reader, "clear", first, same_for=[str(second.pk)], **points)
    assert "Confirmed for your organisation." in text(answer)
    for output in (first, second):
        assert standing.clearances(output).filter(cleared_at__isnull=False).count() == 1
    assert "You read these as well" not in text(page(reader, "clear", second))


def test_a_file_goes_with_nothing_that_one_may_not_see(signed_in):
    first, project = outputs.checked(), outputs.project()
    address = reverse("disclosure:submit", args=[project.pk])
    stranger = signed_in(outputs.author(project))
    assert stranger.get(f"{address}?with={first.pk}").status_code == 404
    assert stranger.get(f"{address}?with=nothing").status_code == 404


def test_the_others_words_are_shown_when_all_are_in(signed_in):
    output = outputs.sent()
    people = outputs.reviewers(output)
    services.clear(output, points=outputs.CONFIRMED, by=people[0], at=START, comment="Well done.")
    assert "Well done." not in text(page(signed_in(people[1]), "detail", output))
    for person in people[1:]:
        services.clear(output, points=outputs.CONFIRMED, by=person, at=START)
    assert "Well done." in text(page(signed_in(people[1]), "detail", output))


def test_returning_with_a_comment_and_sending_a_corrected_file(signed_in):
    output = outputs.sent()
    steward = outputs.reviewers(output)[0]
    answer = page(signed_in(steward), "return", output, comment="Name the year.")
    assert "Returned to its author." in text(answer)
    client = signed_in(output.author)
    shown = text(page(client, "detail", output))
    assert "Name the year." in shown
    assert "Send a corrected file" in shown
    answer = page(client, "new-file", output, file=upload())
    assert "The vault is checking the file." in text(answer)
    output.refresh_from_db()
    assert output.round == 2


def test_a_file_that_cannot_be_read_says_why_to_its_author_alone(signed_in, relayed):
    output = outputs.checked(content=b"pupil,sex,count\n" + b"".join(b"Zq%d,f,1\n" % i for i in range(30)))
    client = signed_in(output.author)
    shown = text(page(client, "detail", output))
    assert "cannot be read as tables of counts" in shown
    assert "one person or none" in text(page(client, "look", output))


def test_counts_are_not_shown_to_those_who_do_not_review(signed_in, relayed):
    output = outputs.sent()
    signatory = factories.person(at=standing.expected_parties(output)[0])
    answer = signed_in(signatory).get(reverse("disclosure:look", args=[output.pk]), follow=True)
    assert "As uploaded" not in text(answer)
    stranger = signed_in(factories.person())
    assert page(stranger, "look", output).status_code == 404
    assert page(stranger, "detail", output).status_code == 404


def test_withdrawing(signed_in):
    output = outputs.checked()
    client = signed_in(output.author)
    assert "Withdrawn." in text(page(client, "withdraw", output, go=1))
    output.refresh_from_db()
    assert output.status == OutputStatus.WITHDRAWN


def test_a_list_costs_the_same_however_long(signed_in, django_assert_max_num_queries):
    output = outputs.sent()
    for number in range(5):
        outputs.sent(output.project, title=f"Table {number}", population=f"Pupils of town {number}")
    client = signed_in(output.author)
    client.get(reverse("disclosure:index"))
    with django_assert_max_num_queries(30):
        shown = text(client.get(reverse("disclosure:index"), {"q": "Table"}))
    assert "Table 4" in shown


@pytest.mark.django_db(transaction=True)
def test_true_counts_come_over_the_vaults_socket(settings, signed_in, vault, monkeypatch):
    monkeypatch.undo()
    settings.P20WIN_IS_VAULT = True
    output = outputs.checked()
    server = vault_server.VaultServer(settings.P20WIN_VAULT_SOCKET)
    thread = server.start()
    try:
        shown = page(signed_in(output.author), "look", output)
    finally:
        server.stop()
        thread.join()
    assert "As uploaded" in text(shown)
    assert shown["Cache-Control"].startswith("max-age=0")
    assert Capability.objects.get(act=services.LOOK).used_at is not None
