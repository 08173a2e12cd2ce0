"""Sending by SFTP with the stock client of OpenSSH: sent, cut, refused, corrected; and what the pages say."""

import errno
import json
import os
import random
import sys
import threading
import time
from pathlib import Path

import pytest
from django.urls import reverse

from p20win import clock
from p20win.audit.public import events_of
from p20win.custody import room, uploads
from p20win.custody.engine.files import EagerFile
from p20win.custody.models import Allowance, SendingTerms, Upload, UploadSlot
from p20win.custody.public import FileStatus, SealedFile, close_slot, open_bytes
from p20win.custody.sftp import names
from p20win.processes import wait_until
from tests import factories
from tests import factories_custody as custody
from tests.senders import Cutting
from tests.sftp_server import CONTENT, needs_sftp, on_disk, place

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.xdist_group("sftp")]


def resident():
    """Return the memory of this process, in bytes."""
    return int(Path("/proc/self/statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE")


@needs_sftp
class TestStockClient:
    @pytest.mark.obligation("O-58", "O-59", "O-62")
    def test_sent_with_its_hash_it_is_the_file_and_its_receipt_is_fetched(
        self, vault, slot, machine, file, caplog
    ):
        folder = names.folder_of(slot)
        sent = machine.sftp(f"put {file} {folder}/", "ls -1", f"ls -1 {folder}")
        assert sent.returncode == 0, sent.stderr
        assert folder in sent.stdout.splitlines()
        assert file.name not in sent.stdout.replace(str(file), "")  # what was sent is not listed
        assert f"{len(CONTENT)} bytes of {file.name} are here" in sent.stderr
        assert SealedFile.objects.get().status == FileStatus.ANNOUNCED  # without its hash it is not sent
        assert all(b"Lindqvist" not in path.read_bytes() for path in on_disk(vault))

        sent = machine.send(file, slot)
        assert sent.returncode == 0, sent.stderr
        assert "has arrived and is being checked" in sent.stderr
        row = custody.checked(SealedFile.objects.get())
        assert row.status == FileStatus.ACCEPTED, row.report
        assert row.manifest["document"]["plain_sha256"] == custody.digest_of(CONTENT)
        assert (row.signing_key, row.sent_by) == (machine.key, machine.key.enrolled_by)
        announced = events_of(row).filter(event="file.announced").get()
        assert announced.details == {"key": machine.key.fingerprint, "by": "sftp"}
        assert not Upload.objects.exists()
        assert not list((vault / "media" / "incoming").iterdir())

        got = machine.sftp(
            "ls -1", f"get {folder}/{file.name}.receipt.json", f"get {folder}/{file.name}.report.txt"
        )
        assert got.returncode == 0, got.stderr
        assert folder not in got.stdout.splitlines()  # it is filled
        receipt = (machine.folder / f"{file.name}.receipt.json").read_text()
        assert custody.digest_of(CONTENT) in receipt
        assert "login of a machine" in json.loads(receipt)["document"]["source_shown_by"]
        assert "Rows      20000" in (machine.folder / f"{file.name}.report.txt").read_text()
        assert "Lindqvist" not in caplog.text
        assert file.name not in caplog.text

    def test_what_the_vault_refuses_is_said_in_its_report_and_corrected(self, slot, machine, file):
        file.write_bytes(custody.BAD)
        assert machine.send(file, slot).returncode == 0
        assert custody.checked(SealedFile.objects.get()).status == FileStatus.REFUSED
        assert machine.sftp(f"get {place(slot, file)}.report.txt").returncode == 0
        report = (machine.folder / f"{file.name}.report.txt").read_text()
        assert "- row 1, column LAST: " in report or "- row 2, column LAST: " in report
        assert "2005-03-17" not in report
        assert machine.sftp(f"get {place(slot, file)}.receipt.json").returncode != 0

        file.write_bytes(CONTENT)
        assert machine.send(file, slot).returncode == 0
        assert custody.checked(SealedFile.objects.latest("received_at")).status == FileStatus.ACCEPTED

    def test_cut_off_at_the_sender_it_is_not_taken_for_the_whole(self, slot, machine, file):
        whole = custody.digest_of(CONTENT)
        file.write_bytes(CONTENT[: CONTENT.index(b"Lindqvist9000\t") - 12])  # ends with a row
        assert machine.send(file, slot, hashed=whole).returncode == 0
        row = custody.checked(SealedFile.objects.get())
        assert row.status == FileStatus.REFUSED
        assert "another SHA-256" in row.report["findings"][0]["hint"]

    @pytest.mark.parametrize("seed", [0, *(pytest.param(n, marks=pytest.mark.long) for n in range(1, 7))])
    def test_f02_cut_at_random_points_it_goes_on_from_there(self, slot, machine, file, seed, vault):
        chance = random.Random(seed)
        door = Cutting(
            f"http://127.0.0.1:{machine.port}",
            [chance.randrange(5_000, 300_000) for _ in range(4)],
            harsh=False,
        )
        port, ends = int(door.url.rpartition(":")[2]), []
        folder = names.folder_of(slot)
        for _ in range(12):
            how = "put -a" if Upload.objects.exists() else "put"
            done = machine.sftp(f"{how} {file} {folder}/", port=port)
            if done.returncode == 0:
                break
            ends.append(_settled())
        door.close()
        assert ends == sorted(ends)  # what came is kept
        assert door.done >= 3
        assert Upload.objects.get().offset == len(CONTENT)
        (machine.folder / "sum").write_text(custody.digest_of(CONTENT))
        assert machine.sftp(f"put sum {place(slot, file)}.sha256").returncode == 0
        row = custody.checked(SealedFile.objects.get())
        assert row.status == FileStatus.ACCEPTED, row.report
        assert b"".join(open_bytes(row)) == CONTENT

    @pytest.mark.long
    def test_a_large_file_takes_little_memory_and_crosses_new_session_keys(self, slot, machine, file):
        size = 600 << 20  # the session's keys are renewed after 512 MiB
        with file.open("wb") as written:
            for _ in range(size >> 20):
                written.write(b"Lindqvist\tk3v9q2xw7z\t20050317\n" * (1 << 15))
        before, most, stop = resident(), [0], threading.Event()

        def watch():
            while not stop.wait(0.1):
                most[0] = max(most[0], resident())

        watching = threading.Thread(target=watch)
        watching.start()
        began = time.monotonic()
        try:
            assert machine.sftp(f"put {file} {names.folder_of(slot)}/").returncode == 0
        finally:
            seconds = time.monotonic() - began
            stop.set()
            watching.join()
        row = Upload.objects.get()
        assert row.offset == file.stat().st_size
        assert len(row.pieces) == -(-row.offset // uploads.PIECE)
        sys.stdout.write(f"{row.offset / seconds / 1e6:.0f} MB/s, {(most[0] - before) >> 20} MiB more\n")
        assert most[0] - before < 64 << 20

    def test_only_sending_is_possible(self, vault, slot, machine, file):
        folder = names.folder_of(slot)
        assert machine.sftp(f"put {file} {folder}/").returncode == 0
        for line in (
            f"get {place(slot, file)} stolen",
            f"rename {place(slot, file)} {folder}/other",
            f"mkdir {folder}/sub",
            f"rmdir {folder}",
            f"symlink /etc/passwd {folder}/link",
            f"rm {folder}/another",
            f"put {file} /{file.name}",
            f"put {file} {folder}/{file.name}.receipt.json",
            f"put {file} {folder}/wages.txt",
            "ls elsewhere",
        ):
            assert machine.sftp(line).returncode != 0, line
        assert not (machine.folder / "stolen").exists() or not (machine.folder / "stolen").read_bytes()
        assert Upload.objects.get().offset == len(CONTENT)
        assert machine.sftp(f"chmod 644 {place(slot, file)}", f"rm {place(slot, file)}").returncode == 0
        assert not Upload.objects.exists()
        assert not list((vault / "media" / "incoming").iterdir())

    def test_f08_a_full_disk_is_said_and_the_sender_goes_on_when_there_is_room(
        self, vault, slot, machine, file, monkeypatch
    ):
        def full(self, data):
            raise OSError(errno.ENOSPC, "No space left on device")

        with monkeypatch.context() as patch:
            patch.setattr(EagerFile, "write", full)
            done = machine.sftp(f"put {file} {names.folder_of(slot)}/")
            assert done.returncode != 0
            assert "no room for this file now" in done.stderr
        with monkeypatch.context() as patch:
            patch.setattr(room, "free_on_disk", lambda: 1)
            done = machine.sftp(f"put {file} {names.folder_of(slot)}/")
            assert "no room for this file now" in done.stderr
        assert not on_disk(vault / "media" / "incoming")
        assert machine.send(file, slot).returncode == 0
        assert custody.checked(SealedFile.objects.get()).status == FileStatus.ACCEPTED

    @pytest.mark.parametrize("short", [0, 1])
    def test_c21_what_its_agency_may_keep_here_is_taken_and_one_byte_more_is_not(
        self, slot, machine, file, short, vault
    ):
        Allowance.objects.create(
            organisation=slot.supplier, most_bytes=len(CONTENT) - short, reason="Minutes",
            changed_by=factories.operating_group_member(), changed_at=factories.START,
        )  # fmt: skip
        sent = machine.send(file, slot)
        if short:
            assert "1 byte too much" in sent.stderr
            assert "ask the operating group for more room" in sent.stderr
            assert not list((vault / "media" / "incoming").iterdir())
            assert room.of(slot.supplier).taken == 0
            handed_over = machine.sftp(f"put {file}.sha256 {names.folder_of(slot)}/")
            assert handed_over.returncode != 0
            assert SealedFile.objects.get().status == FileStatus.ANNOUNCED
        else:
            assert sent.returncode == 0, sent.stderr
            assert custody.checked(SealedFile.objects.get()).status == FileStatus.ACCEPTED
            assert room.of(slot.supplier).left == 0

    @pytest.mark.parametrize("more", [0, 1])
    def test_c21_as_large_as_agreed_it_is_taken_and_one_byte_more_is_not(self, slot, machine, file, more):
        spec = slot.spec | {"largest": len(CONTENT) - more}
        UploadSlot.objects.filter(pk=slot.pk).update(spec=spec)
        sent = machine.send(file, slot)
        assert ("larger than agreed" in sent.stderr) is bool(more)
        assert SealedFile.objects.get().status == (FileStatus.ANNOUNCED if more else FileStatus.ARRIVED)

    def test_outside_its_window_or_against_what_was_agreed_nothing_is_taken(self, slot, machine, file):
        SendingTerms.objects.create(
            project=slot.project, encryption="browser", reason="Minutes", changed_by=factories.hub_member(),
            changed_at=factories.START,
        )  # fmt: skip
        assert "before they leave your machine" in machine.send(file, slot).stderr
        SendingTerms.objects.all().delete()
        close_slot(slot, by=factories.hub_member(), at=clock.now())
        sent = machine.sftp("ls -1", f"put {file} {names.folder_of(slot)}/")
        assert "is over: it ended on" in sent.stderr
        assert names.folder_of(slot) not in sent.stdout.splitlines()
        assert not SealedFile.objects.exists()


def _settled():
    """Return how far the upload is, once the server has noticed that the line is gone."""
    found = []
    wait_until(
        lambda: (
            found.append(sum(Upload.objects.values_list("offset", flat=True))) or found[-4:-1] == found[-3:]
        ),
        5,
        every=0.1,
    )
    return found[-1]


class TestPages:
    def test_the_pages_say_how_it_is_sent_and_whose_the_server_is(
        self, server, slot, steward, machine, signed_in
    ):
        client = signed_in(steward)
        page = client.get(reverse("custody:slot", args=[slot.pk])).text
        shown = names.folder_of(slot)
        assert f"put FILE.sha256 {shown}/" in page
        assert f"{steward.organisation.slug}@localhost" in page
        listed = client.get(reverse("custody:agency-keys")).text
        line = (machine.folder / "known_hosts").read_text().split(" ", 1)[1].strip()
        assert f"[localhost]:2222 {line}" in listed

    def test_where_it_is_off_no_page_speaks_of_it(self, slot, steward, signed_in):
        page = signed_in(steward).get(reverse("custody:slot", args=[slot.pk])).text
        assert "SFTP" not in page
