"""The process that links for the portal: files come in over a pipe, results leave over one, nothing else.

It holds no address of a database and no key, can write to no file, leaves no core dump, and dies with the
process that started it.
"""

from __future__ import annotations

import io as memory_io
import json
import secrets
import sys
from collections.abc import Iterator
from hashlib import sha256
from typing import Any, BinaryIO

import pyarrow as pa

from matching.engine import (
    clerical,
    consents,
    crosswalk,
    frames,
    hardening,
    io,
    lists,
    memory,
    prepare,
    report,
    run,
    told,
    tryout,
)
from matching.engine import spec as specs
from matching.engine.errors import BadInput, LinkageError, NeedsMoreMemory


def serve(incoming: BinaryIO, outgoing: BinaryIO) -> None:
    """Read the set-up and the files, link them, and send back key, pairs, flags and report, or why not."""
    try:
        _work(incoming, outgoing)
    except BadInput as refusal:
        _fail(outgoing, "bad_input", str(refusal))
    except (NeedsMoreMemory, MemoryError) as refusal:
        _fail(outgoing, "memory", str(refusal) or "The memory limit was reached; give the run more memory.")
    except LinkageError as failure:
        _fail(outgoing, "internal", str(failure))
    except Exception as failure:  # noqa: BLE001 - a traceback could show values; its kind and place cannot
        _fail(outgoing, "internal", f"Internal error: {hardening.where(failure)}.")


def _fail(outgoing: BinaryIO, kind: str, message: str) -> None:
    frames.send_json(outgoing, frames.FAILURE, {"kind": kind, "message": message})


def _work(incoming: BinaryIO, outgoing: BinaryIO) -> None:
    setup, tables, digests = _read(incoming)
    spec = specs.from_json(json.dumps(setup["spec"]))
    joined = [_list(entry) for entry in setup.get("lists", [])]
    files = {name: tables[name] for name in spec.files if name in tables}
    for name, table in files.items():
        io.columns_of(spec.files[name], table.column_names, name)
        io.check_lengths(table, spec.files[name], name)

    def tell(percent: int, message: str) -> None:
        frames.send_json(outgoing, frames.PROGRESS, {"percent": percent, "message": message})

    held = [consents.Consents(**entry) for entry in setup.get("consents", [])]
    whole, left_out = consents.apply(held, tables, spec)
    files = {name: whole[name] for name in files}
    if setup.get("try_out"):
        files = tryout.sample(files, spec, salt=secrets.token_hex(8))
    review = setup.get("review") or {}
    salt = str(review.get("salt") or secrets.token_hex(8))
    before = told.carried(review.get("decided", []), files, specs.complete(spec), salt=salt)
    result = run.link(
        files,
        spec,
        token=crosswalk.tokens(),
        memory_limit=memory.parse(setup["memory"]),
        threads=int(setup["threads"]),
        progress=tell,
        told=before,
    )
    inputs = {name: digests[name] for name in files}
    numbers = report.completed(result.report, spec, files, result.clusters, inputs)
    if review.get("size") and specs.complete(spec).comparisons:  # tokens leave nothing to look at
        tell(95, "Drawing pairs for review")
        drawn = clerical.draw(
            result.edges,
            files,
            specs.complete(spec),
            result.report,
            size=int(review["size"]),
            salt=salt,
            told=before,
            groups=int(review.get("groups", 0)),
            stopped=result.stopped,
        )
        _send_sample(outgoing, drawn)
    flags, counts = _flags(joined, spec, whole)
    frames.send(outgoing, frames.CROSSWALK, io.as_csv(result.crosswalk))
    frames.send(outgoing, frames.EDGES, io.as_csv(result.edges))
    frames.send(outgoing, frames.FLAGS, io.as_csv(flags))
    frames.send_json(outgoing, frames.LISTS, counts)
    frames.send_json(outgoing, frames.REPORT, {**numbers, "reviewed": before.numbers(), "consents": left_out})


def _send_sample(outgoing: BinaryIO, drawn: clerical.Drawn) -> None:
    frames.send_json(outgoing, frames.SAMPLE, drawn.sample)
    frames.send_json(outgoing, frames.INDEX, drawn.index)
    for name, content in drawn.sheets.items():
        frames.send(outgoing, frames.SHEET, name.encode() + b"\n" + content)


def _list(said: dict[str, Any]) -> lists.List:
    several = {name: tuple(said.get(name, ())) for name in ("flags", "places")}
    return lists.List(**{**said, **several})


def _flags(
    joined: list[lists.List], spec: specs.Spec, tables: dict[str, pa.Table]
) -> tuple[pa.Table, list[dict[str, Any]]]:
    needed = {entry.file for entry in joined}
    prepared = {name: prepare.prepare(tables[name], spec.files[name]) for name in needed}
    ids = {name: prepare.ids(tables[name], spec.files[name], name) for name in needed}
    return lists.join(joined, tables, prepared, ids)


def _read(incoming: BinaryIO) -> tuple[dict[str, Any], dict[str, pa.Table], dict[str, str]]:
    """Return the set-up, each file as a table as soon as it is whole, and its SHA-256.

    :raises BadInput: if a file cannot be read
    """
    setup: dict[str, Any] = {}
    tables: dict[str, pa.Table] = {}
    digests: dict[str, str] = {}
    for name, content in _files(incoming, setup):
        tables[name] = io.from_text(memory_io.BytesIO(content), name)
        digests[name] = sha256(content).hexdigest()
    return setup, tables, digests


def _files(incoming: BinaryIO, setup: dict[str, Any]) -> Iterator[tuple[str, bytes]]:
    name, content = "", bytearray()
    for kind, piece in frames.receive(incoming):
        if kind == frames.SETUP:
            setup.update(json.loads(piece))
        elif kind == frames.PIECE:
            content += piece
        elif kind in (frames.FILE, frames.END):
            if name:
                yield name, bytes(content)
            name, content = piece.decode(), bytearray()
            if kind == frames.END:
                return


if __name__ == "__main__":
    hardening.keep_to_itself()
    hardening.write_no_file()
    hardening.end_with_parent(int(sys.argv[1]))
    serve(sys.stdin.buffer, sys.stdout.buffer)
    sys.stdout.buffer.flush()
