"""No mail and no notice holds anything of a record, and mail leaves by one door (O-66)."""

import importlib

import pytest
from django.core import mail as sent
from django.template import Context
from django.template.loader import get_template

from p20win.custody.public import FileStatus
from p20win.jobs.public import Job, perform
from p20win.notifications import outbox
from p20win.notifications.models import Mail, Message
from p20win.notifications.public import registered
from tests import factories, told_words
from tests import factories_custody as custody
from tests.house.source import ROOT, files
from tests.told_words import REASON, RECORDS, value

NOTICES = [(event, notice) for event, notices in sorted(registered().items()) for notice in notices]
FLAGS = [dict.fromkeys(told_words.QUESTIONS - {"bare"}, flag) for flag in (False, True)]


def name(case):
    return f"{case[0]}, {case[1].template}"


class Planted(Context):
    """Everything that a template may ask for is there."""

    def __getitem__(self, key):
        """Give it."""
        try:
            return super().__getitem__(key)
        except KeyError:
            return value(key)


class Names(dict):
    """The same for a subject."""

    def __missing__(self, key):
        """Give it."""
        return value(key)


def rendered(notice, *, bare):
    """Return subject and words of a notice whatever its conditions say."""
    texts = [notice.subject.format_map(Names())]
    for flags in FLAGS:
        told_words.flags.update(flags)
        texts.append(get_template(notice.template).template.render(Planted({"bare": bare})))
    return "\n".join(texts)


def test_every_notice_that_a_desk_declares_and_every_template_is_looked_at():
    desks = [path.removesuffix(".py").replace("/", ".") for path in files() if path.endswith("/notices.py")]
    declared = [importlib.import_module(desk).NOTICES for desk in desks if not desk.startswith("tests")]
    assert len(declared) >= 7
    assert {(event, notice) for each in declared for event, notice in each.items()} <= set(NOTICES)
    used = {notice.template for _, notice in NOTICES} | {"emails/base.txt", "emails/generic.txt"}
    assert used == {
        str(path.relative_to(ROOT / "templates")) for path in (ROOT / "templates/emails").iterdir()
    }


@pytest.mark.obligation("O-66")
@pytest.mark.parametrize("case", NOTICES, ids=name)
def test_whatever_a_notice_is_given_it_tells_nothing_of_a_record(case):
    _, notice = case
    letter, message = rendered(notice, bare=False), rendered(notice, bare=True)

    assert "(link)" in letter  # it was rendered with all this
    assert [mark for mark in RECORDS if mark in letter + message] == []
    assert REASON not in letter  # what people typed is read after signing in, and not in their mail


def test_what_no_template_may_say_would_be_seen():
    for path in ("file.name", "file.report", "slot.supplier.contact", "row", "output.table", "question.text"):
        root, *rest = path.split(".")
        found = value(root)
        for step in rest:
            found = getattr(found, step)
        assert RECORDS[0] in str(found), path


@pytest.fixture
def vault(settings, tmp_path):
    factories.hub()
    with custody.own_vault(settings, tmp_path):
        yield


HEADER = "ID\tSSN\tLAST\tDOB\n"
FILES = {
    "accepted": HEADER + "k3v9q2xw7z\t323451111\tLindqvistzz\t20050317\n",
    "refused": HEADER
    + "x\t323-45-1111\tLindqvistzz\t2005-03-17\n" * 2
    + "323451111\t323451111\tLindqvistzz\t\n",
    "no table": "%PDF-Lindqvistzz 323451111",
    "other columns": "Lindqvistzz\t323451111\n1\t2\n",
}
MARKS = ("323451111", "323-45-1111", "Lindqvistzz", "k3v9q2xw7z", "20050317", "2005-03-17")


@pytest.mark.obligation("O-66")
@pytest.mark.django_db
@pytest.mark.parametrize("how", FILES)
def test_of_a_file_with_people_in_it_the_mail_says_nothing_and_brings_nothing(vault, how):
    slot = custody.a_slot()
    factories.steward(slot.supplier)

    file = custody.checked(custody.arrived(slot, FILES[how].encode()))
    for job in Job.objects.filter(name="notifications.announce"):
        perform(str(job.pk))

    assert file.status == (FileStatus.ACCEPTED if how == "accepted" else FileStatus.REFUSED), file.report
    assert Message.objects.exists()
    assert outbox.deliver() == len(sent.outbox) == Mail.objects.count() > 0
    for letter in sent.outbox:
        whole = letter.message().as_string()
        said = letter.subject + letter.body + whole + letter.message().get_payload(decode=True).decode()
        assert [mark for mark in MARKS if mark in said] == []
        assert file.name not in said
        assert letter.attachments == []
        assert letter.message().get_content_type() == "text/plain"
        assert not letter.message().is_multipart()
    told = " ".join(Message.objects.values_list("subject", flat=True)) + " ".join(
        Message.objects.values_list("text", flat=True)
    )
    assert [mark for mark in MARKS if mark in told] == []
