"""By which ways anything leaves the portal: a closed list, so that a new one is judged first (O-66)."""

import re

import pytest
from django.conf import settings
from django.core import mail
from django.urls import get_resolver, reverse
from django.urls.resolvers import URLResolver

from tests import factories
from tests.house.source import OURS, ROOT, files, modules

LETTERS = "p20win/notifications/outbox.py"
SENDS = re.compile(
    r"django\.core\.mail|django\.core import mail|smtplib|email\.mime|EmailMessage|EmailMulti"
    r"|send_mail|send_mass_mail|mail_admins|mail_managers|AdminEmailHandler|email_user|sendmail"
)
ATTACHES = re.compile(r"\.attach(_file|_alternative)?\(")
DEVICE = re.compile(
    r"\b(usb|thumb ?drives?|flash ?drives?|memory (stick|card)s?|pen ?drives?|(portable|removable|mobile)"
    r" (devices?|media|disks?|drives?|storage)|external (disks?|drives?)|dvds?|cd-?roms?|burn(ed)? to"
    r"|laptops?|notebooks?|unencrypted)\b",
    re.IGNORECASE,
)
# Where such a device is named to forbid it, or to ask where data will be kept.
FORBID_IT = {
    "agreements/texts/agreement.v1.md",
    "agreements/texts/confidentiality.v1.md",
    "matching/services/fetching.py",
    "requests_app/helps.py",
    "templates/requests_app/texts/confidentiality-2026-1.txt",
}
# What answers with a file to be saved, and what stands in it.
HANDS_OUT = {
    "agreements/views.py": "papers of an agreement",
    "disclosure/released_pages.py": "audited tables",
    "disclosure/trying_pages.py": "a protected table of the sender's own counts",
    "disclosure/views.py": "audited tables",
    "governance/log_pages.py": "logs of O-64, without values",
    "matching/instruction_pages.py": "which elements of whom an agency is to send, without a record (O-125)",
    "matching/quality_pages.py": "counts of a match",
    "matching/streaming.py": "an extract, to an approved person for one use (O-108)",
    "matching/views.py": "papers of a match",
    "p20win/custody/ledger_pages.py": "the ledger's proofs",
    "p20win/custody/profile_pages.py": "counts for each column",
    "p20win/custody/views.py": "receipts, and the hub's public key",
    "requests_app/views/rows.py": "a list of data elements",
}
COMMANDS = {  # of the machine; what they write holds no record in the clear
    "agreements": {"seal_key"},
    "governance": {"seed_demo"},
    "p20win/audit": {"migrate"},
    "p20win/custody": {
        *(
            "backup",
            "checkpoint_ledger",
            "custody_keys",
            "export_ledger",
            "key_ceremony",
            "restore",
            "sftp",
            "vault",
        ),
    },
}


def addresses(patterns, before=""):
    """Give every address with its name."""
    for each in patterns:
        route = before + str(each.pattern)
        if isinstance(each, URLResolver):
            yield from addresses(each.url_patterns, route)
        else:
            yield f"{route} {each.name}"


@pytest.mark.obligation("O-66")
def test_mail_leaves_by_one_door_and_nothing_is_attached():
    senders = {module.path for module in modules() if SENDS.search(module.text)}
    assert senders - {"p20win/settings.py"} == {LETTERS}
    assert not re.search(r"AdminEmailHandler|mail_admins", (ROOT / "p20win/settings.py").read_text())
    assert (settings.ADMINS, settings.MANAGERS) == ([], [])
    assert [module.path for module in modules() if ATTACHES.search(module.text)] == []
    letters = (ROOT / LETTERS).read_text()
    assert letters.count("EmailMessage(") == 1
    assert "attach" not in letters


@pytest.mark.obligation("O-66")
@pytest.mark.django_db
def test_what_the_sign_in_library_mails_holds_a_link_and_nothing_else(client):
    person = factories.person()

    client.post(reverse("account_reset_password"), {"email": person.email})

    (letter,) = mail.outbox
    assert letter.attachments == []
    assert reverse("account_reset_password_from_key", args=["x", "y"]).split("x-y")[0] in letter.body
    assert [word for word in re.findall(r"\S*\d{4,}\S*", letter.body) if "/password/" not in word] == []


@pytest.mark.obligation("O-66")
def test_nothing_offers_to_write_to_a_device():
    offered = {address for address in addresses(get_resolver().url_patterns) if DEVICE.search(address)}
    read = [
        path
        for path in files()
        if path.split("/")[0] in {*OURS, "templates", "static"}
        and path.endswith((".py", ".html", ".txt", ".md", ".js"))
        and "/vendor/" not in path
        and "/migrations/" not in path
    ]
    named = {path for path in read if DEVICE.search((ROOT / path).read_text(encoding="utf-8"))}

    assert len(read) > 500
    assert offered == set()
    assert named == FORBID_IT


@pytest.mark.obligation("O-66")
def test_what_hands_out_a_file_and_which_commands_there_are_is_known():
    hands_out = re.compile("Content-Disposition|FileResponse|as_attachment")
    web = [module for module in modules() if not module.path.startswith("client/")]
    assert {module.path for module in web if hands_out.search(module.text)} == set(HANDS_OUT)
    found = {}
    for path in files():
        if "/management/commands/" in path and not path.endswith("__init__.py"):
            desk, command = path.split("/management/commands/")
            found.setdefault(desk, set()).add(command.removesuffix(".py"))
    assert found == COMMANDS
