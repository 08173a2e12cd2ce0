"""Parts of the page of a report: its tables, and what they say."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from html import escape
from typing import Any, Final

from matching.engine import defaults
from matching.engine.page_words import (
    HIDDEN,
    count,
    level,
    not_by_group,
    number,
    percent,
    share,
    with_count,
)

_MISSED_MORE_OFTEN: Final = "Who is missed more often"


def of(pair: Mapping[str, Any]) -> str:
    """Return the two files of a pair in words."""
    if pair["left"] == pair["right"]:
        return f"{pair['left']} within itself"
    return f"{pair['left']} with {pair['right']}"


def who_may_see(report: Mapping[str, Any]) -> str:
    """Return the line that says whether small counts are hidden, and where the page may go."""
    least = report.get("least_count")
    told = (
        f"Counts below {least}, and what they could be worked out from, are hidden:"
        " this page may leave the hub."
        if least
        else "Small counts are shown in full: this page is for the hub and does not leave it."
    )
    return f'<p class="note">{told} It holds no record and no identifier.</p>'


def encoded(report: Mapping[str, Any]) -> str:
    """Return what is said of files that came encoded; nothing of others."""
    told = report.get("encoded")
    if not told:
        return ""
    under = f"key {told['key_fingerprint']}, {told['project']}, version {told['version']}"
    return (
        f"<p><strong>Encoded files: {escape(told['label'])}.</strong> Encoded under {escape(under)}."
        f" {escape(told['review'])}</p>"
    )


def run(report: Mapping[str, Any]) -> str:
    """Return what ran, with what, and what came of it."""
    points, estimates = report["thresholds"], report["estimates"]
    rows = [
        ("Engine", report["engine"]),
        ("Versions", ", ".join(f"{name} {number}" for name, number in sorted(report["libraries"].items()))),
        ("Specification (SHA-256)", report["spec_digest"]),
        ("Seed of what is sampled while learning", str(report["seed"])),
        ("Point of acceptance", f"{points['accepted']:.4f} ({report['accept']}), learnt in this run"),
        ("Automatic band from", f"{points['auto']:.4f}"),
        ("Pairs kept from", f"{points['grey']:.4f}"),
        ("Pairs linked", count(estimates["links"])),
        ("Estimated precision of the links", percent(estimates["precision"])),
        ("Estimated precision in the automatic band", percent(estimates["precision_automatic"])),
        ("Estimated recall among the candidates", percent(estimates["recall"])),
    ]
    rows += [(f"Input {name} (SHA-256)", digest) for name, digest in report.get("inputs", {}).items()]
    return table("What ran", ("What", "Value"), rows)


def file(name: str, told: Mapping[str, Any]) -> str:
    """Return what one file held: rows in and out, and what of each field was lost on the way."""
    lead = f"Rows that came in: {number(told['rows'])}"
    lead += f"; in the key: {number(told['rows_out'])}" if "rows_out" in told else ""
    lead += f"; together with another file: {with_count(told['matched'])}" if "matched" in told else ""
    rows = [
        (
            defaults.WORDS[field["field"]],
            count(field["filled"]),
            percent(share(field["filled"])),
            count(field["usable"]),
            count(field["lost"]) if "lost" in field else "–",
            count(field["distinct"]),
            count(field["commonest"]),
        )
        for field in told["fields"]
    ]
    headers = ("Field", "Filled#", "Share#", "Usable#", "Lost#", "Different#", "Commonest#")
    note = "Lost: filled, but nothing that could be compared, such as a day that never was."
    return (
        f"<h3>{escape(name)}</h3><p>{escape(lead)}.</p>"
        f"{table(f'Fields of {name}', headers, rows)}<p>{note}</p>"
    )


def missed(report: Mapping[str, Any]) -> str:
    """Return the estimate of what no candidate or no link shows."""
    parts = []
    for entry in report.get("recall", []):
        parts.append(f"<h3>{escape(of(entry))}: estimated recall</h3>")
        if entry["recall"] is not None:
            one, other = entry["blocks"]
            said = (
                f"{percent(entry['recall'])} of all true pairs are linked, by estimate"
                f" ({percent(entry['low'])} to {percent(entry['high'])}). “{one}” and “{other}” have no"
                " field in common, so each shows how much the other misses (capture and recapture);"
                " it is no more than what could be linked at all."
            )
            parts.append(paragraphs([said]))
            caught = [(kind["by"].capitalize(), count(kind)) for kind in entry["caught"]]
            parts.append(
                table(f"Links found by “{one}” (first) and “{other}” (second)", ("By", "Links#"), caught)
            )
        elif entry["note"]:
            bound = percent(entry["upper_bound"])
            parts.append(paragraphs([f"No estimate: {entry['note']}. Upper bound: {bound}."]))
        else:
            parts.append(paragraphs([f"Estimate: {HIDDEN}."]))
        rows = [
            (side["file"], count(side), number(side["of"]), percent(share(side)))
            for side in entry["unlinkable"]
        ]
        parts.append(
            table("Rows that hold too little to be linked at all", ("File", "Rows#", "Of#", "Share#"), rows)
        )
    parts.append(_missed_more_often(report))
    parts.append(
        table(
            "Not compared directly",
            ("Files", "Why"),
            [(f"{s['left']} and {s['right']}", s["reason"]) for s in report["not_compared"]],
        )
    )
    return "".join(parts)


def _missed_more_often(report: Mapping[str, Any]) -> str:
    """Return the estimated recall by group, those first that lie behind; nothing of a report of before."""
    if unknown := not_by_group(report):
        return f"<h3>{_MISSED_MORE_OFTEN}</h3>{paragraphs([unknown])}"
    if not report.get("recall_by_group"):
        return ""
    headers = ("Files", "By", "Group", "Estimated recall#", "All pairs#", "95 % interval", "True pairs#")
    listed = table(
        "More than three points of estimated recall below all pairs of their two files",
        headers,
        [
            (of(one), one["by"], one["group"], *map(percent, (one["rate"], one["whole"])), *_interval(one))
            for one in report.get("recall_behind", [])
        ],
    )
    hidden = any(group["count"] is None for entry in report["recall_by_group"] for group in entry["groups"])
    nobody = "None of the groups that are large enough to be shown is" if hidden else "No group is"
    none = f"<p>{nobody} more than three points of estimated recall below all pairs of its two files.</p>"
    told = (
        "Estimated without labels: each pair is counted by its likelihood, and those that were likely enough"
        " stand, by what this run learnt, for others of their kind that were not. True pairs that no block"
        " finds are not in it. The interval takes what was learnt as right."
    )
    every = [
        table(
            f"{of(entry)} by {entry['by']} (all: {percent(share(entry['whole']))})",
            ("Group", "Linked#", "True pairs, expected#", "Estimated recall#", "95 % interval", "Behind"),
            [group_row(group) for group in entry["groups"]],
        )
        for entry in report["recall_by_group"]
    ]
    return f"<h3>{_MISSED_MORE_OFTEN}</h3>{paragraphs([told])}{listed or none}{''.join(every)}"


def _interval(one: Mapping[str, Any]) -> tuple[str, str]:
    return f"{percent(one['low'])} to {percent(one['high'])}", f"{one['size']:,}"


def group_row(group: Mapping[str, Any]) -> tuple[str, ...]:
    """Return the row of one subgroup."""
    if group["count"] is None:
        return (group["group"], HIDDEN, "–", "–", "–", "–")
    interval = f"{percent(group['low'])} to {percent(group['high'])}"
    behind = "yes" if group["behind"] else "no"
    return (group["group"], count(group), number(group["of"]), percent(share(group)), interval, behind)


def decisions(pair: Mapping[str, Any]) -> str:
    """Return how many pairs came out how."""
    return table("Decisions", ("Decision", "Pairs#"), [(d["decision"], count(d)) for d in pair["decisions"]])


def blocks(pair: Mapping[str, Any]) -> str:
    """Return how candidates were found, and the links by rule."""
    return table(
        "Blocks: how candidates were found",
        ("Block", "Pairs#", "Keys left out as too full#", "Links first found#"),
        [
            (b["block"], count(b["pairs"]), count(b["keys_left_out"]), count(r))
            for b, r in zip(pair["blocks"], pair["links_by_rule"], strict=True)
        ],
    )


def likely(pair: Mapping[str, Any]) -> str:
    """Return how many of the likely pairs were linked, by what changed between two records."""
    rows = [
        (entry["by"], group["pairs"], count(group), percent(group["share"]))
        for entry in pair.get("likely_pairs", [])
        for group in entry["groups"]
    ]
    headers = ("By", "Between the two records", "Links#", "Of likely pairs#")
    return table("Likely pairs that were linked", headers, rows)


def weights(pair: Mapping[str, Any]) -> str:
    """Return m, u and weight of every level, and the prior."""
    rows = [
        (
            defaults.WORDS[w["field"]],
            level(w),
            f"{w['m']:.4f}",
            f"{w['u']:.2e}",
            f"{w['weight']:+.1f}",
        )
        for w in pair["weights"]
    ]
    headers = ("Field", "Level", "True pairs (m)#", "Chance pairs (u)#", "Weight, bits#")
    prior = (
        f"Two records drawn at random are one person with a likelihood of {pair['prior']:.2e} (the prior)."
    )
    return table("Weights of the levels", headers, rows) + f"<p>{prior}</p>"


def people(report: Mapping[str, Any]) -> str:
    """Return how large people came out, and what was refused."""
    sizes = [(str(s["rows"]), count(s)) for s in report["people"]]
    refused = [(s["reason"], count(s)) for s in report["refused"]]
    return table("Rows of a person", ("Rows#", "People#"), sizes) + table(
        "Merges refused", ("Why", "Times#"), refused
    )


def decided_elsewhere(report: Mapping[str, Any]) -> str:
    """Return what people decided of pairs, and who did not consent.

    Of lists of third parties nothing: hub and supplier alone are told what no agency knew (O-126). How many a
    list named, less those who are flagged in a delivery, would tell it. A report of before may hold it still.
    """
    left_out = [
        (entry["file"], each["reason"], count(each))
        for entry in report.get("consents", [])
        for each in entry["left_out"]
    ]
    applied = report.get("reviewed", {})
    rows = [
        (words, count(applied[name]))
        for name, words in (("together", "Joined"), ("apart", "Told apart"), ("lost", "Not found any more"))
        if name in applied
    ]
    nobody = report.get("consents") and not left_out
    return (
        table("Left out before linking: consents", ("File", "Why", "Rows#"), left_out)
        + (paragraphs(["Nobody was left out for want of consent."]) if nobody else "")
        + table("Pairs that people decided", ("Decision", "Pairs#"), rows)
    )


def paragraphs(said: Iterable[str]) -> str:
    """Return sentences as paragraphs."""
    return "".join(f"<p>{escape(one)}</p>" for one in said)


def bullets(said: Iterable[str]) -> str:
    """Return sentences as a list."""
    return "<ul>" + "".join(f"<li>{escape(one)}</li>" for one in said) + "</ul>"


def table(caption: str, headers: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """Return a table, or nothing where it has no row. A header that ends in # heads numbers."""
    numbers = [header.endswith("#") for header in headers]
    head = "".join(
        f'<th scope="col"{_right(right)}>{escape(h.removesuffix("#"))}</th>'
        for h, right in zip(headers, numbers, strict=True)
    )
    body = "".join(f"<tr>{_row(row, numbers)}</tr>" for row in rows)
    if not body:
        return ""
    return (
        f'<div class="wide" role="group" tabindex="0" aria-label="{escape(caption)}"><table>'
        f"<caption>{escape(caption)}</caption><thead><tr>{head}</tr></thead><tbody>{body}</tbody></table></div>"
    )


def _row(row: Sequence[str], numbers: Sequence[bool]) -> str:
    first, *rest = zip(row, numbers, strict=True)
    cells = [f'<th scope="row"{_right(first[1])}>{escape(first[0])}</th>']
    cells += [f"<td{_right(right)}>{escape(cell)}</td>" for cell, right in rest]
    return "".join(cells)


def _right(right: bool) -> str:
    return ' class="n"' if right else ""
