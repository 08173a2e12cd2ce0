"""The scenario's second half: output review, destruction, closing, and what was left on disk."""

from __future__ import annotations

import datetime as dt
import json
import subprocess
import sys
import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Final

from django.conf import settings

from agreements import public as agreements
from governance.scenario import copies
from governance.scenario.places import Places
from governance.scenario.reopening import KeptAside, Reopener
from governance.scenario.telling import Setting, StepFailed, expect
from governance.seed.files import Collection
from governance.seed.line import NotDone, wait_for_job, wait_until
from governance.seed.outputs import Review, table_from
from governance.seed.projects import end, is_ended, move_clock, pass_review_time
from matching import public as matching
from p20win import clock
from p20win.audit.public import verify_chain
from p20win.custody import public as custody
from p20win.deadlines import public as deadlines
from p20win.programs import ROOT
from p20win.refusal import Blocked

if TYPE_CHECKING:
    pass

HOUR: Final = dt.timedelta(hours=1)


def play(
    setting: Setting,
    files: Collection,
    extract: Mapping[str, bytes],
    *,
    places: Places,
    reopener: Reopener,
) -> None:
    """Play from the delivered extract to the closed project."""
    marks = _marks(files)
    review = Review(files.line)
    _submit(setting, review, extract, files)
    with setting.step("Backup: the key store copied, database and sealed files backed up") as told:
        told += copies.take(setting)
    with setting.step("Canaries: looked for while everything is there") as told:
        found = look(setting, places, marks)
        told.append(f"{found} found")
    inputs = [str(file.pk) for file in files.sent]
    aside = KeptAside(Path(settings.P20WIN_MEDIA), setting.folders[0] / "kept-aside")
    with setting.step("Destruction: before it, the vault can open every input"):
        expect(reopener.how_many_open(inputs) == len(inputs), "The vault cannot open its own files.")
    _order(setting, files)
    _shred(setting, files, reopener, aside, inputs)
    _move_the_clock(setting, files)
    released = _release(setting, review)
    _certify(setting, files)
    _close(setting, files)
    with setting.step("Ledger: every line as it was written") as told:
        ledger = verify_chain()
        setting.found["ledger_ok"] = ledger.ok
        expect(ledger.ok, f"The ledger is broken at line {ledger.broken_at}.")
        told.append(f"{ledger.lines} lines")
        differing = custody.row_differences()
        expect(not differing, f"The logs show something else: {' '.join(differing[:3])}")
    with setting.step("Canaries: looked for at the end") as told:
        found += look(setting, places, marks)
        setting.found["canaries_found"] = found
        expect(found == 0, f"{found} canaries were found.")
    if setting.keep is not None:
        with setting.step(f"Keeping the documents in {setting.keep}") as told:
            told += keep(setting.keep, files, extract, released)
    setting.found["ok"] = True


# -------------------------------------------------------------------------------- output review


def _submit(setting: Setting, review: Review, extract: Mapping[str, bytes], files: Collection) -> None:
    with setting.step("Output: unit records are refused"):
        review.submit(_some_records(extract["sde.csv"], files))
        expect(review.submitted.status == "returned", "Unit records were taken for a table.")
    with setting.step("Output: a table with small cells is submitted and protected") as told:
        review.submit(table_from(extract))
        expect(review.submitted.status == "checked", f"The table is {review.submitted.get_status_display()}.")
        check = review.found
        setting.found["cells_hidden"] = check.withheld
        told.append(f"{check.cells} cells, {check.small} small and {check.complementary} more withheld")
    with setting.step("Output: every agency and the operating group clear it; not released before its time"):
        review.send_to_agencies()
        review.clear()
        try:
            review.release()
        except Blocked as refusal:
            expect("Not before" in " ".join(refusal.reasons), f"Refused for another reason: {refusal}")
        else:
            expect(False, "The output was released before the ten business days.")


def _some_records(content: bytes, files: Collection) -> bytes:
    """Return some of the delivered records as they are, one with a mark among them."""
    lines = content.splitlines(keepends=True)
    marks = [mark.encode() for mark in files.invented.agencies["SDE"].analytical.canaries]
    marked = [line for line in lines[1:] if any(mark in line for mark in marks)]
    expect(bool(marked), "The delivered file has lost its mark.")
    return b"".join([*lines[:400], *marked])


def _release(setting: Setting, review: Review) -> bytes:
    with setting.step("Output: released, fetched, a copy of what was published filed"):
        review.release()
        released = review.package()["table-1.csv"]
        review.file_copy()
    with setting.step("Output: the released bytes attacked by the auditor") as told:
        path = Path(tempfile.gettempdir()) / "released.csv"
        path.write_bytes(released)
        done = subprocess.run(
            [sys.executable, "-m", "disclosure.engine", "audit", str(path), "--json"],
            cwd=ROOT,
            capture_output=True,
            text=True,
            check=False,
        )
        path.unlink()
        expect(done.returncode in (0, 1), f"The auditor could not work: {done.stderr.strip()[-500:]}")
        setting.found["leaks"] = len(json.loads(done.stdout)["leaks"])
        expect(setting.found["leaks"] == 0, f"{setting.found['leaks']} leaks.")
        told.append(f"no leak in {len(released.splitlines()) - 1} rows")
    return released


# -------------------------------------------------------------------------------- canaries


def _marks(files: Collection) -> tuple[dict[str, str], dict[str, str]]:
    """Return all marks by label, and those of them that no other run can have written."""
    every, own = {}, {}
    for file in files.invented.files():
        whose = " ".join(filter(None, (file.sender, file.kind.replace("_", " "), file.part)))
        for number, mark in enumerate(file.canaries, start=1):
            every[f"{whose}, mark {number}"] = mark
            if mark.startswith("Zq") or file.part:
                own[f"{whose}, mark {number}"] = mark
    return every, own


def look(setting: Setting, places: Places, marks: tuple[dict[str, str], dict[str, str]]) -> int:
    """Look for every mark wherever this run can have written, say what was found, and return how many."""
    every, own = marks
    report = places.search(every, own=own)
    expect(not report.unreadable, f"Could not be read: {', '.join(report.unreadable[:5])}.")
    for finding in report.findings:
        setting.say(f"            found: {finding}")
    setting.say(f"            looked at {report.files} files and tables, {report.bytes / 1e6:.0f} MB")
    return len(report.findings)


# -------------------------------------------------------------------------------- destruction


def _move_the_clock(setting: Setting, files: Collection) -> None:
    with setting.step("Demo clock: moved past the ten business days of the review") as told:
        before = clock.offset()
        pass_review_time(files.line)
        told.append(f"{(clock.offset() - before).days} days")


def _order(setting: Setting, files: Collection) -> None:
    """The clock orders the destruction in good time; a legal hold stops it; lifted, it is ordered anew."""
    project, cast = files.line.project, files.line.cast
    with setting.step("Destruction: ordered by the clock in good time, with an hour's notice") as told:
        when = matching.orders_itself_at(files.match)
        if when is None:
            raise StepFailed("The clock of the inputs does not run.")
        move_clock(max(when - clock.now(), dt.timedelta()) + dt.timedelta(seconds=1))
        order = files.wait_until_ordered()
        expect(order.is_automatic, "Somebody else ordered it.")
        told.append(f"ordered {order.status_since:%d %B %H:%M} UTC, the vault begins an hour later")
    with setting.step(
        "Destruction: stopped by a legal hold of two people, lifted by two, ordered anew"
    ) as told:
        now = files.line.now
        until = clock.state_date(now()) + dt.timedelta(days=1)
        by = (cast.coordinator, cast.hub_staff)
        said = {"authority": "an invented court, case 34", "reason": "Evidence in an invented case."}
        hold = custody.ask_hold(project, until=until, by=by[0], at=now(), **said)
        custody.confirm_hold(hold, by=by[1], at=now())
        move_clock(HOUR)
        withdrawn = matching.OrderStatus.WITHDRAWN
        wait_until(lambda: _read(order).status == withdrawn, what="The withdrawal by the hold")
        expect(not custody.destructions(project).exists(), "Something was destroyed under a legal hold.")
        hold = custody.ask_lift(hold, reason="The invented case is over.", by=by[1], at=now())
        custody.lift_hold(hold, by=by[0], at=now())
        again = files.wait_until_ordered()
        told.append(f"ordered anew {again.status_since:%d %B %H:%M} UTC")
        move_clock(HOUR)


def _read(order: matching.DestructionOrder) -> matching.DestructionOrder:
    order.refresh_from_db()
    return order


def _shred(
    setting: Setting, files: Collection, reopener: Reopener, aside: KeptAside, inputs: list[str]
) -> None:
    with setting.step("Destruction: inputs shredded by their clock, certified by the hub") as told:
        files.wait_until_destroyed()
        rows = [
            r for r in custody.destructions(files.line.project) if r.status == custody.DestructionStatus.DONE
        ]
        late = [d for d in deadlines.of_subject(files.match, "input-destruction") if d.is_late]
        expect(not late, "The inputs were destroyed too late.")
        told.append(f"{sum(len(r.files) for r in rows)} files of {len(rows)} suppliers, in time")
        [certificate] = agreements.certificates(files.line.project)
        gone = certificate.facts["snapshots_gone_at"]
        expect(gone is not None, "The certificate does not say when the last copy of a key is gone.")
        told.append(f"the last copy of a key is gone on {gone[:16]} UTC")
    with setting.step(
        "Destruction: with the bytes put back and all keys of the vault, nothing opens"
    ) as told:
        told.append(f"{aside.put_back()} files put back")
        opened = reopener.how_many_open(inputs)
        aside.remove()
        setting.found["shredded_unreadable"] = opened == 0
        expect(opened == 0, f"{opened} shredded files opened.")


def _certify(setting: Setting, files: Collection) -> None:
    with setting.step("Destruction: the recipient certifies its own, signed") as told:
        certificate = files.line.certify()
        told.append(certificate.document.name if certificate.document else "without a paper")


def _close(setting: Setting, files: Collection) -> None:
    with setting.step(
        "Closing: asked for and confirmed by two people, an hour later closed, and what is left destroyed"
    ) as told:
        project = files.line.project
        owners = [owner.short_name for owner in custody.with_anything(project)]
        if not owners:
            raise NotDone("Nothing of the hub's results is left to destroy.")
        end(files.line)
        wait_until(lambda: is_ended(files.line), what="The destruction of what is left")
        left = list(custody.living_files(project))
        expect(not left, f"{len(left)} sealed files are left.")
        told.append(f"of {', '.join(owners)}")
        project.refresh_from_db()
        expect(project.status == "closed", "The project is not closed.")
    with setting.step("Closing: the hub certifies the end, with the proofs") as told:
        certificate = agreements.certificates(project).get(kind=agreements.TextKind.PROJECT_END)
        wait_for_job("agreements.make_certificate", certificate_id=certificate.pk)
        certificate.refresh_from_db()
        told.append(certificate.document.name if certificate.document else "without a paper")


# -------------------------------------------------------------------------------- what people keep


def keep(folder: Path, files: Collection, extract: Mapping[str, bytes], released: bytes) -> list[str]:
    """Write down what people would keep: agreement, match report, released table, certificates."""
    folder.mkdir(parents=True, exist_ok=True)
    project = files.line.project
    kept = {
        "match-report.html": extract["match-report.html"],
        f"released-{project.number}-1.csv": released,
    }
    agreement = agreements.agreement_for(project)
    papers = [agreement.executed if agreement else None]
    papers += [certificate.document for certificate in agreements.certificates(project)]
    for paper in papers:
        if paper is None:
            raise StepFailed("A paper that people would keep was not made.")
        kept[paper.name] = agreements.document_bytes(paper)
    for name, content in kept.items():
        (folder / name).write_bytes(content)
    return sorted(kept)
