"""Link files from the command line: `python -m matching.engine link --out DIR NAME=FILE ...`."""

from __future__ import annotations

import argparse
import os
import secrets
import sys
from dataclasses import replace
from pathlib import Path
from typing import Any, Final

import pyarrow as pa

from matching.engine import encoded, hardening, io, memory, page, run
from matching.engine import spec as specs
from matching.engine.errors import BadInput, LinkageError, NeedsMoreMemory
from matching.engine.spec import Spec

DONE: Final = 0
BAD_INPUT: Final = 2
TOO_LITTLE_MEMORY: Final = 3
INTERNAL: Final = 4


def main(argv: list[str] | None = None) -> int:
    """Read the command line, link, write the results, and return the exit code."""
    parser = _parser()
    try:
        asked = parser.parse_args(argv)
    except SystemExit as leaving:  # argparse leaves with 2 for a wrong call, 0 for --help
        return int(leaving.code or 0)
    try:
        _link(asked)
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


def _link(asked: argparse.Namespace) -> None:
    folder = io.Folder(asked.out, overwrite=asked.overwrite)
    limit = memory.parse(asked.memory)
    paths = _paths(asked.files)
    memory.check({}, sum(path.stat().st_size for path in paths.values()), limit=limit)
    tables = {name: io.read(path, name) for name, path in paths.items()}
    spec = _spec(asked, tables)
    result = run.link(
        tables,
        spec,
        token=lambda: secrets.token_hex(16),
        memory_limit=limit,
        threads=max(1, asked.threads),
        progress=_show,
    )
    folder.write(
        {
            "crosswalk.csv": io.as_csv(result.crosswalk),
            "edges.csv": io.as_csv(result.edges),
            "spec.json": specs.to_json(spec).encode(),
            "report.json": io.as_json(result.report),
            "report.html": page.html(result.report).encode(),
        }
    )


def _show(percent: int, message: str) -> None:
    sys.stderr.write(f"{percent:3d} %  {message}\n")


def _paths(said: list[str]) -> dict[str, Path]:
    paths: dict[str, Path] = {}
    for entry in said:
        name, equals, file = entry.partition("=")
        if not equals or not file:
            raise BadInput(f"“{entry}” should read NAME=FILE.")
        if specs.check_name(name) in paths:
            raise BadInput(f"The name {name} is given twice.")
        if not Path(file).is_file():
            raise BadInput(f"{name}: there is no file {file}.")
        paths[name] = Path(file)
    return paths


def _spec(asked: argparse.Namespace, tables: dict[str, pa.Table]) -> Spec:
    """Return the specification as given or recognised; the command line has the last word."""
    spec = _given(asked.spec) if asked.spec else Spec(files={}, comparisons=(), blocks=())
    if extra := sorted(set(spec.files) - set(tables)):
        raise BadInput(f"The specification names files that were not given: {', '.join(extra)}.")
    files = {
        name: spec.files.get(name) or specs.recognise(table.column_names, name)
        for name, table in tables.items()
    }
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
        return specs.from_json(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise BadInput(f"--spec {path} cannot be opened ({os.strerror(error.errno or 0)}).") from None
    except UnicodeDecodeError:
        raise BadInput(f"--spec {path} is not UTF-8 text.") from None


def _say(message: str, code: int) -> int:
    sys.stderr.write(f"{message}\n")
    return code


if __name__ == "__main__":
    hardening.keep_to_itself()
    raise SystemExit(main())
