"""The report of a run as one HTML page that stands alone: tables and charts, no script, no address."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from html import escape
from typing import Any, Final

from matching.engine import charts, defaults

HIDDEN: Final = "hidden (small)"
_STYLE: Final = """
body{font:16px/1.5 sans-serif;max-width:60rem;margin:2rem auto;padding:0 1rem;color:#1b1b1b}
table{border-collapse:collapse;margin:1rem 0;width:100%}caption{text-align:left;font-weight:bold}
th,td{border-bottom:1px solid #a9aeb1;padding:.3rem .6rem;text-align:left}td.n{text-align:right}
"""


def html(report: Mapping[str, Any]) -> str:
    """Return the whole page."""
    body = "".join(_sections(report))
    return (
        '<!doctype html><html lang="en"><head><meta charset="utf-8"><title>Match report</title>'
        f"<style>{_STYLE}</style></head><body><main><h1>Match report</h1>{body}</main></body></html>\n"
    )


def count(entry: Mapping[str, Any] | None) -> str:
    """Return a count in words: thousands parted, hidden ones named so."""
    if entry is None or entry["count"] is None:
        return HIDDEN
    return f"{entry['count']:,}"


def share(entry: Mapping[str, Any]) -> float | None:
    """Return a count over its whole, or None if it is hidden or of nothing."""
    if entry.get("count") is None or not entry.get("of"):
        return None
    return float(entry["count"] / entry["of"])


def percent(value: float | None) -> str:
    """Return a share as a percentage with one decimal."""
    return "–" if value is None else f"{100 * value:.1f} %"


def rate_chart(report: Mapping[str, Any]) -> str:
    """Return the chart of match rates between files."""
    rows = [(f"{r['file']} found in {r['with']}", share(r), percent(share(r))) for r in report["match_rates"]]
    return charts.bars("Match rate of each file with each other", rows)


def weight_chart(pair: Mapping[str, Any]) -> str:
    """Return the histogram of the weights of a pair of files."""
    rows = [
        (f"{bar['from']} to {bar['to']} bits", bar["linked"]["count"], bar["not_linked"]["count"])
        for bar in pair["weights_of_pairs"]
    ]
    return charts.stacked(
        f"Weights of pairs, {pair['left']} with {pair['right']}", rows, ("linked", "not linked")
    )


def subgroup_chart(subgroup: Mapping[str, Any]) -> str:
    """Return the chart of match rates of the subgroups of a file."""
    rows = [(group["group"], share(group), percent(share(group))) for group in subgroup["groups"]]
    return charts.bars(f"Match rate of {subgroup['file']} by {subgroup['by']}", rows)


def _sections(report: Mapping[str, Any]) -> Iterator[str]:
    points, estimates = report["thresholds"], report["estimates"]
    if encoded := report.get("encoded"):
        under = f"key {encoded['key_fingerprint']}, {encoded['project']}, version {encoded['version']}"
        yield f"<p><strong>Encoded files: {escape(encoded['label'])}.</strong> Encoded under {escape(under)}."
        yield f" {escape(encoded['review'])}</p>"
    yield _table(
        "The run",
        ("What", "Value"),
        [
            ("Engine", f"{report['engine']} ({_versions(report)})"),
            ("Specification (SHA-256)", report["spec_digest"]),
            ("Seed", str(report["seed"])),
            ("Point of acceptance", f"{points['accepted']:.4f} ({report['accept']}), learnt in this run"),
            ("Automatic band from", f"{points['auto']:.4f}"),
            ("Pairs linked", count(estimates["links"])),
            ("Estimated precision of the links", percent(estimates["precision"])),
            ("Estimated recall among the candidates", percent(estimates["recall"])),
        ],
    )
    for name, file in report["files"].items():
        yield _table(
            f"File {name}: {file['rows']:,} rows",
            ("Field", "Filled", "Usable", "Different values", "Commonest value"),
            [
                (
                    defaults.WORDS[f["field"]],
                    count(f["filled"]),
                    count(f["usable"]),
                    count(f["distinct"]),
                    count(f["commonest"]),
                )
                for f in file["fields"]
            ],
        )
    yield "<h2>Match rates</h2>" + rate_chart(report)
    yield _table(
        "Match rates",
        ("File", "With", "Rows matched", "Of", "Rate"),
        [(r["file"], r["with"], count(r), f"{r['of']:,}", percent(share(r))) for r in report["match_rates"]],
    )
    for subgroup in report["subgroups"]:
        yield _table(
            f"{subgroup['file']} by {subgroup['by']} (whole file: {percent(share(subgroup['whole']))})",
            ("Group", "Matched", "Rate", "95 % interval", "Behind"),
            [_subgroup_row(group) for group in subgroup["groups"]],
        )
    for pair in report["pairs"]:
        yield from _pair(pair)
    yield _table(
        "Not compared directly",
        ("Files", "Why"),
        [(f"{s['left']} and {s['right']}", s["reason"]) for s in report["not_compared"]],
    )
    yield _table(
        "Rows per person", ("Rows", "People"), [(str(s["rows"]), count(s)) for s in report["people"]]
    )
    yield _table("Merges refused", ("Why", "Times"), [(s["reason"], count(s)) for s in report["refused"]])


def _subgroup_row(group: Mapping[str, Any]) -> tuple[str, ...]:
    if group["count"] is None:
        return (group["group"], HIDDEN, "–", "–", "–")
    interval = f"{percent(group['low'])} to {percent(group['high'])}"
    return (group["group"], count(group), percent(share(group)), interval, "yes" if group["behind"] else "no")


def _pair(pair: Mapping[str, Any]) -> Iterator[str]:
    title = (
        f"{pair['left']} with {pair['right']}"
        if pair["left"] != pair["right"]
        else f"{pair['left']} within itself"
    )
    yield f"<h2>{escape(title)}</h2>" + "".join(f"<p>{escape(note)}</p>" for note in pair["notes"])
    yield weight_chart(pair)
    yield _table("Decisions", ("Decision", "Pairs"), [(d["decision"], count(d)) for d in pair["decisions"]])
    yield _table(
        "Blocks: how candidates were found",
        ("Block", "Pairs", "Keys left out as too full", "Linked pairs first found"),
        [
            (b["block"], f"{b['pairs']:,}", f"{b['keys_left_out']:,}", count(r))
            for b, r in zip(pair["blocks"], pair["links_by_rule"], strict=True)
        ],
    )
    yield _table(
        "How telling each level of agreement is",
        ("Field", "Level", "True pairs (m)", "Chance pairs (u)", "Weight, bits"),
        [
            (
                defaults.WORDS[w["field"]],
                w["kind"] + (f" {w['at']:g}" if w["at"] else ""),
                f"{w['m']:.4f}",
                f"{w['u']:.2e}",
                f"{w['weight']:+.1f}",
            )
            for w in pair["weights"]
        ],
    )


def _versions(report: Mapping[str, Any]) -> str:
    return ", ".join(f"{name} {version}" for name, version in sorted(report["libraries"].items()))


def _table(caption: str, headers: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    head = "".join(f'<th scope="col">{escape(h)}</th>' for h in headers)
    body = "".join("<tr>" + "".join(f"<td>{escape(cell)}</td>" for cell in row) + "</tr>" for row in rows)
    if not body:
        return ""
    top = f"<caption>{escape(caption)}</caption><thead><tr>{head}</tr></thead>"
    return f"<table>{top}<tbody>{body}</tbody></table>"
