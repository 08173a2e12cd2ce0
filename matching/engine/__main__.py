"""Link files from the command line: `python -m matching.engine link --out DIR NAME=FILE ...`."""

from __future__ import annotations

import argparse
import contextlib
import os
import sys
from collections.abc import Mapping
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any, Final

import pyarrow as pa

from matching.engine import crosswalk, encoded, hardening, io, memory, page, report, run
from matching.engine import spec as specs
from matching.engine.errors import BadInput, LinkageError, NeedsMoreMemory
from matching.engine.folder import Folder
from matching.engine.spec import Spec

DONE: Final = 0
BAD_INPUT: Final = 2
TOO_LITTLE_MEMORY: Final = 3
INTERNAL: Final = 4


def main(argv: list[str] | None = None, *, alone: bool = False) -> int:
    """Read the command line, link, write the results, and return the exit code.

    `alone` says that this process does nothing else. A signal to end has no exit code: it ends the process,
    as everywhere.
    """
    parser = _parser()
    try:
        asked = parser.parse_args(argv)
    except SystemExit as leaving:  # argparse leaves with 2 for a wrong call, 0 for --help
        return int(leaving.code or 0)
    try:
        _link(asked, alone=alone)
    except BadInput as refusal:
        return _say(str(refusal), BAD_INPUT)
    except NeedsMoreMemory as refusal:
        return _say(str(refusal), TOO_LITTLE_MEMORY)
    except LinkageError as failure:
        return _say(str(failure), INTERNAL)
    except MemoryError:
        return _say("The memory limit was reached; give the run more memory.", TOO_LITTLE_MEMORY)
    except Exception as failure:  # noqa: BLE001 - a traceback could show values; its kind and place cannot
        return _say(f"Internal error: {hardening.where(failure)}.", INTERNAL)
    return DONE


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m matching.engine", description=__doc__)
    commands = parser.add_subparsers(dest="command", required=True)
    link = commands.add_parser("link", help="link files, or find repeated people in one file")
    link.add_argument("files", nargs="+", metavar="NAME=FILE", help="delimited text with headers, or Parquet")
    link.add_argument("--out", type=Path, required=True, metavar="DIR", help="folder for the results")
    link.add_argument(
        "--spec", type=Path, metavar="SPEC.json", help="linkage specification; else from the headers"
    )
    link.add_argument("--engine", choices=sorted(run.ENGINES), help=f"default: {run.DEFAULT_ENGINE}")
    link.add_argument("--accept", choices=("f1", "auto"), help="point of acceptance; default: f1")
    link.add_argument(
        "--unique", action="append", default=[], metavar="NAME", help="this file has one row a person"
    )
    link.add_argument("--memory", default="2GB", help="what the run may use; default: 2GB")
    link.add_argument("--threads", type=int, default=min(4, os.cpu_count() or 1), help="default: 4 at most")
    link.add_argument("--seed", type=int, help="for what is sampled while learning; never for the ids")
    link.add_argument(
        "--overwrite", action="store_true", help="replace results in a folder that is not empty"
    )
    return parser


def _link(asked: argparse.Namespace, *, alone: bool) -> None:
    folder = Folder(asked.out, overwrite=asked.overwrite)
    if folder.earlier:
        _write(f"The earlier results are in {folder.earlier} until this run is done.")
    limit = memory.parse(asked.memory)
    asked.spec = asked.spec and folder.now(asked.spec)
    sources = {name: io.Source(folder.now(path), name) for name, path in _paths(asked.files).items()}
    rows = {name: source.rows for name, source in sources.items()}
    spec = _spec(asked, {name: source.headers for name, source in sources.items()})
    size = sum(source.size for source in sources.values())
    memory.check(rows, size, limit=limit, engine=spec.engine)
    if alone and spec.engine in run.WITHOUT_PANDAS:
        _without_pandas()
    tables = {name: source.read(spec.files[name]) for name, source in sources.items()}
    if empty := sorted(name for name, table in tables.items() if not table.num_rows):
        raise BadInput(f"{empty[0]}: there is a line of headers and no row below it; leave the file out.")
    result = run.link(
        tables,
        spec,
        token=crosswalk.tokens(),
        memory_limit=limit,
        threads=max(1, asked.threads),
        progress=_show,
    )
    inputs = {name: source.sha256 for name, source in sources.items()}
    numbers = report.completed(result.report, spec, tables, result.clusters, inputs)
    folder.write(
        {
            "crosswalk.csv": partial(io.write_csv, result.crosswalk),
            "edges.csv": partial(io.write_csv, result.edges),
            "spec.json": lambda sink: sink.write(specs.to_json(spec).encode()),
            "report.json": lambda sink: sink.write(io.as_json(numbers)),
            "report.html": lambda sink: sink.write(page.html(numbers).encode()),
        }
    )


class _NoPandas:
    """Finds every module but pandas where it is."""

    @staticmethod
    def find_spec(name: str, *_: object) -> None:
        """Say that somebody else may know where a module is.

        :raises ImportError: if it is pandas
        """
        if name == "pandas":
            raise ImportError(name)


def _without_pandas() -> None:
    """Let Arrow make its first array while pandas cannot be found.

    Given a list or a NumPy array, it imports pandas to see whether it was given something of its kind; that
    takes longer than to link a small file, and nothing of pandas is used here.
    """
    finder: Any = _NoPandas
    sys.meta_path.insert(0, finder)
    try:
        pa.array([0])
    finally:
        sys.meta_path.remove(finder)


def _show(percent: int, message: str) -> None:
    _write(f"{percent:3d} %  {message}")


def _paths(said: list[str]) -> dict[str, Path]:
    paths: dict[str, Path] = {}
    for entry in said:
        name, equals, file = entry.partition("=")
        if not equals or not file:
            raise BadInput(f"“{entry}” should read NAME=FILE.")
        if specs.check_name(name) in paths:
            raise BadInput(f"The name {name} is given twice.")
        paths[name] = Path(file)
    return paths


def _spec(asked: argparse.Namespace, headers: Mapping[str, list[str]]) -> Spec:
    """Return the specification as given or recognised; the command line has the last word."""
    none = Spec(files={}, comparisons=(), blocks=(), engine=run.DEFAULT_ENGINE)
    spec = _given(asked.spec) if asked.spec else none
    if extra := sorted(set(spec.files) - set(headers)):
        raise BadInput(f"The specification names files that were not given: {', '.join(extra)}.")
    files = {name: spec.files.get(name) or specs.recognise(named, name) for name, named in headers.items()}
    for name in asked.unique:
        if name not in files:
            raise BadInput(f"--unique {name}: there is no file of that name.")
        files[name] = replace(files[name], unique=True)
    spec = replace(spec, files=files)
    chosen: dict[str, Any] = {
        "engine": asked.engine or (None if asked.spec else encoded.engine_of(spec)),
        "accept": asked.accept,
        "seed": asked.seed,
    }
    return specs.complete(replace(spec, **{k: v for k, v in chosen.items() if v is not None}))


def _given(path: Path) -> Spec:
    try:
        return specs.from_json(path.read_text(encoding="utf-8-sig"))
    except OSError as error:
        raise BadInput(f"--spec {path} cannot be opened ({os.strerror(error.errno or 0)}).") from None
    except UnicodeDecodeError:
        raise BadInput(f"--spec {path} is not UTF-8 text.") from None


def _say(message: str, code: int) -> int:
    _write(message)
    return code


def _write(line: str) -> None:
    with contextlib.suppress(OSError):  # nobody reads it any more; the run goes on, and its code stands
        sys.stderr.write(f"{line}\n")
        sys.stderr.flush()


if __name__ == "__main__":
    hardening.keep_to_itself()
    hardening.end_at_once()
    raise SystemExit(main(alone=True))
