"""Fuzzing what reads strangers' bytes: `python -m tests.faults.fuzz WHAT SECONDS`, with atheris.

Whatever comes in, a reader answers with a report or with one of its own errors. Anything else is a finding,
and libFuzzer writes down the bytes that made it.
"""

import contextlib
import io
import sys
import tempfile

import atheris

with atheris.instrument_imports(include=["p20win.custody"]):
    from p20win.custody.engine import container, manifest, pieces, report, tables
    from p20win.custody.engine.encoding import canonical, parse
    from p20win.custody.engine.errors import CustodyError
    from p20win.custody.engine.intake import check_stream
    from p20win.custody.engine.rules import from_spec
    from tests.faults.readers import KEY, PLACE, READERS, VAULT

from tests.faults.hostile import ANALYTICAL, GOOD, HEADER, MATCHING, book, text

BINDING = container.Binding(
    file_id="f", project="p", source="s", destination="d", data_class="matching", key_version=1
)


def sealed():
    """Give a small container as it lies on the disk, and its root."""
    target = io.BytesIO()
    sealer = container.Sealer(KEY, BINDING, target)
    sealer.update(text(GOOD))
    seal = sealer.finish()
    return target.getvalue(), seal.root


SEALED, ROOT = sealed()


def containers(content):
    """Read bytes as a container, a piece, a manifest and a report."""
    with contextlib.suppress(CustodyError):
        list(container.open_verified(io.BytesIO(content), key=KEY, binding=BINDING, root=ROOT,
                                     sealed_bytes=len(content)))  # fmt: skip
    with contextlib.suppress(CustodyError):
        list(pieces.open_piece(io.BytesIO(content), vault=VAULT, place=PLACE))
    with contextlib.suppress(CustodyError):
        document = parse(content)
        assert parse(canonical(document)) == document
        with contextlib.suppress(CustodyError):
            manifest.check_statement(document)
        with contextlib.suppress(CustodyError):
            manifest.read_manifest(document)
        report.read_report(document)


def tables_and_text(content):
    """Read bytes as a workbook, as a table in text, and as the files that agencies send."""
    for name in ("t.xlsx", "t.csv"):
        found = tables.check_table(name, content)
        assert report.read_report(found.as_dict()).counts == found.counts
    for spec in (MATCHING, ANALYTICAL):
        check_stream([content[:7], content[7:]], from_spec(spec))


TARGETS = {
    "containers": (
        containers,
        [SEALED, SEALED[:-3], canonical({"document": {"root": "x"}, "signatures": []})],
        8192,
    ),
    "tables": (
        tables_and_text,
        [text(GOOD), book(), "\t".join(HEADER).encode(), b"sex,count\nF,12\n"],
        8192,
    ),
    **READERS,
}


def main() -> None:
    """Fuzz one target for so many seconds."""
    what, seconds = sys.argv[1:3]
    target, seeds, longest = TARGETS[what]
    with tempfile.TemporaryDirectory() as corpus, tempfile.TemporaryDirectory() as found:
        for number, seed in enumerate(seeds):
            with open(f"{corpus}/{number}", "wb") as file:
                file.write(seed)
        options = [f"-max_total_time={seconds}", f"-max_len={longest}", "-timeout=10", "-rss_limit_mb=2048"]
        atheris.Setup(
            [sys.argv[0], *options, f"-artifact_prefix={found}/", "-print_final_stats=1", corpus], target
        )
        atheris.Fuzz()


if __name__ == "__main__":
    main()
