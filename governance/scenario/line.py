"""The scenario's story: every step of one request, from the first draft to proven destruction."""

from __future__ import annotations

import secrets
from typing import Any

import numpy as np
import pyarrow as pa
from pyarrow import csv

from fixtures import canary, quality, schools
from fixtures.generate import Project as Invented
from fixtures.generate import generate
from governance.scenario import ending, wanted
from governance.scenario.places import Places
from governance.scenario.reopening import Reopener
from governance.scenario.telling import Setting, expect
from governance.seed import directory
from governance.seed.cast import Cast
from governance.seed.files import Collection
from governance.seed.line import Line, begin
from matching import public as matching
from p20win import clock
from requests_app import public as requests

RECIPIENT = "salt-meadow"
AGENCIES = ("sde", "cscu", "dol")
TITLE = "Manufacturing skills: from high school programmes to college and work"


def play(setting: Setting) -> dict[str, Any]:
    """Play the whole story and return what was found.

    :raises StepFailed: if something is not as promised
    :raises Blocked: if the portal refuses a step
    """
    places = Places(
        folders=setting.folders,
        owner_url=setting.env["OWNER_DATABASE_URL"],
        broker_url=setting.env["BROKER_URL"],
        since=setting.began_at,
    )
    with setting.step("Finding a planted canary in every place, to prove that looking works"):
        missed = places.prove(canary.mark(np.random.default_rng(secrets.randbits(64))))
        expect(not missed, f"The planted mark was not found in {', '.join(missed)}.")
    with setting.step(f"Inventing {setting.people} people of the school file, and the others") as told:
        invented = generate(setting.people, seed=setting.seed, canaries=secrets.randbits(64))
        told.append(f"{sum(1 for _ in invented.files())} files")
    with setting.step("Agencies, people and papers"):
        _cast(invented)
    line = _paperwork(setting)
    files = Collection(line, invented)
    with Reopener(setting.env) as reopener:
        _send(setting, files)
        _link(setting, files)
        extract = _deliver(setting, files)
        ending.play(setting, files, extract, places=places, reopener=reopener)
    return setting.found


def _cast(invented: Invented) -> None:
    at = clock.now()
    suppliers = {file.sender for file in invented.identifier_lists}
    known = directory.organisations(at, only={*AGENCIES, RECIPIENT, "opm", *suppliers})
    directory.people(known, at)
    directory.papers(known, at)


def _paperwork(setting: Setting) -> Line:
    """Walk from the draft to the agreement in force, with everyone approved."""
    with setting.step("Request: written, sections 1 to 6 with all data elements") as told:
        line = begin(Cast(RECIPIENT, AGENCIES), title=TITLE, schools=schools.SCHOOLS)
        told.append(
            f"{line.request.elements.count()} elements, {line.request.identifier_tables.count()} lists"
        )
    with setting.step("Request: signed and submitted") as told:
        line.submit()
        told.append(line.project.number)
    with setting.step("Decision: found complete by the operating group"):
        line.send_to_agencies()
    with setting.step("Decision: every agency approves, signed"):
        line.approve_by_all()
        expect(line.request.status == "approved", f"The request is {line.request.get_status_display()}.")
    with setting.step("People: every agency approves everyone on the user list"):
        line.approve_people()
    with setting.step("Agreement: drawn up, its document made"):
        line.draw_up()
    with setting.step("Agreement: signed by every party, in force, executed copy sealed") as told:
        line.issue()
        agreement = line.sign()
        expect(agreement.status == "in_force", f"The agreement is {agreement.get_status_display()}.")
        told.append(f"{agreement.parties.count()} signatures")
    with setting.step("People: confidentiality statements and acknowledgements signed"):
        line.sign_statements()
    return line


def _send(setting: Setting, files: Collection) -> None:
    """The agencies send their files; one with a column nobody approved is refused first."""
    with setting.step("Files: the hub opens the upload") as told:
        files.open_upload()
        told.append(f"{matching.expected(files.match).count()} slots")
    with setting.step("Files: one with a column that nobody approved is refused") as told:
        slot = next(row.slot for row in matching.expected(files.match) if row.kind == "analytical")
        name = f"{slot.supplier.short_name}.{files.line.project.number[3:]}.01_31_2026.analytical"
        wrong = files.send_one(slot, b"SyntheticID\tShoeSize\nAB-QWRTZPSD\t9\n", name=name)
        files.wait_until_judged(wrong)
        expect(wrong.status == "refused", "The file was accepted.")
        told.append(
            "the report names " + ", ".join(sorted({str(f["rule"]) for f in wrong.report["findings"]}))
        )
    with setting.step("Files: the districts' contact persons affirm that their lists may be shared") as told:
        affirmed = files.affirm_lists()
        expect(bool(affirmed), "No district was invited.")
        told.append(f"{len(affirmed)} districts, {sum(row.slots.count() for row in affirmed)} lists")
    with setting.step("Files: sent, sealed on arrival") as told:
        sent = files.send()
        lists = [f for f in sent if f.data_class == "identifier_list"]
        by_others = [f for f in lists if f.sent_by.organisation_id != f.owner_id or not f.was_invited]
        expect(not by_others, f"{len(by_others)} lists were not sent by their own district.")
        told.append(f"{len(sent)} files, {sum(f.received_bytes for f in sent) / 1e6:.1f} MB")
        told.append(f"{len(lists)} of them lists, sent by the districts themselves")
    with setting.step("Files: checked against what was approved, and accepted") as told:
        files.wait_until_complete()
        told.append(f"{sum(f.rows or 0 for f in files.sent)} rows")


def _link(setting: Setting, files: Collection) -> None:
    """The hub links the files, and every party agrees."""
    with setting.step("Match: linked by an approved method, in the vault") as told:
        run = files.link()
        expect(run.status == "done", f"The run is {run.get_status_display()}: {run.failure}")
        told.append(f"report {run.report_digest[:12]}")
    with setting.step("Match: every party agrees that it is optimal; signed off, extract built") as told:
        files.agree()
        expect(files.match.status == "delivered", f"The match is {files.match.get_status_display()}.")


def _deliver(setting: Setting, files: Collection) -> dict[str, bytes]:
    """The recipient downloads the extract; what it holds is looked at and measured against the truth."""
    with setting.step("Delivery: downloaded by the approved requestor") as told:
        extract = files.fetch()
        told.append(", ".join(f"{name} {len(content) / 1e6:.1f} MB" for name, content in extract.items()))
    with setting.step("Delivery: no matching identifier in it; quality against the truth") as told:
        hidden = {e.name for e in requests.elements(files.line.project) if e.is_matching_identifier}
        sent = {name: agency.analytical.table for name, agency in files.invented.agencies.items()}
        parts = {name: read_csv(extract[f"{name.lower()}.csv"]) for name in sent}
        came_out = {name: wanted.rows_of(sent[name], part) for name, part in parts.items()}
        known = wanted.listed(files.invented, parts[wanted.SCHOOLS], came_out[wanted.SCHOOLS])
        links = []
        for name, part in parts.items():
            there = set(part.column_names)
            expect(not there & hidden, f"{name}'s part holds {', '.join(sorted(there & hidden))}.")
            if left_out := wanted.left_out(files.invented, name, part, came_out[name], known):
                told.append(f"{name}: {left_out} rows left out of people in lists that do not want them")
            ids = sent[name]["SyntheticID"].take(came_out[name])
            links.append(pa.table({"link_id": part["link_id"], "id": ids}))
        pairs = pa.concat_tables(links).group_by(["link_id", "id"]).aggregate([])
        found = quality.measure(files.invented.truth, pairs)
        setting.found |= {
            "precision": round(found.precision, 5),
            "recall": round(found.recall, 5),
            "recall_of_all_pairs": round(found.recall_of_all, 5),
        }
        told.append(f"precision {found.precision:.4f}, recall {found.recall:.4f}")
    return extract


def read_csv(content: bytes) -> pa.Table:
    """Read a delivered file, every column as text."""
    names = content.split(b"\n", 1)[0].decode().strip().split(",")
    options = csv.ConvertOptions(column_types=dict.fromkeys(names, pa.string()))
    return csv.read_csv(pa.BufferReader(content), convert_options=options)
