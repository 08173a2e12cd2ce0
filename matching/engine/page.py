"""The report of a run as one HTML page that stands alone: tables and charts, no script, no address."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from html import escape
from typing import Any, Final

from matching.engine import page_parts, questions
from matching.engine.page_charts import mu_charts, rate_chart, subgroup_chart, waterfall_charts, weight_chart
from matching.engine.page_parts import bullets, paragraphs, table
from matching.engine.page_words import count, number, percent, share

QUESTIONS: Final = "questions"
_STYLE: Final = """
body{font:16px/1.5 sans-serif;max-width:60rem;margin:1.5rem auto;padding:0 1rem;color:#1b1b1b;background:#fff}
h1{line-height:1.2}h2{margin-top:2.5rem;border-top:1px solid #a9aeb1;padding-top:1rem}
nav ul{columns:2 12rem;padding-left:1.2rem}nav a{display:inline-block;padding:.2rem 0}a{color:#005ea2}
table{border-collapse:collapse;margin:1rem 0;width:100%}caption{text-align:left;font-weight:bold}
th,td{border-bottom:1px solid #a9aeb1;padding:.3rem .6rem .3rem 0;text-align:left;vertical-align:top}
td.n,th.n{text-align:right}th[scope=row]{font-weight:normal}td{overflow-wrap:anywhere}td.n{white-space:nowrap}
.wide{overflow-x:auto}svg{display:block;max-width:100%;height:auto;margin:1rem 0}
.note{border-left:.3rem solid #005ea2;padding:.2rem 0 .2rem 1rem}
@media(max-width:40rem){body{font-size:15px}th,td{padding:.3rem .4rem .3rem 0;font-size:14px}}
@page{size:letter;margin:18mm 16mm}
@media print{body{max-width:none;margin:0;font-size:10pt}nav{display:none}.wide{overflow:visible}
svg,tr,caption{break-inside:avoid}h2,h3,caption{break-after:avoid}svg{max-width:100mm}}
"""


@dataclass(frozen=True)
class Section:
    """A part of a report: its name in addresses, its title, and its body as escaped HTML without styles."""

    slug: str
    title: str
    body: str


@dataclass(frozen=True)
class Said:
    """What people said of a run: their answer to a question by its name, and what their review says."""

    answers: Mapping[str, str] = field(default_factory=dict)
    review: tuple[tuple[str, str], ...] = ()


NOTHING: Final = Said()


def html(report: Mapping[str, Any], said: Said = NOTHING) -> str:
    """Return the whole page, with what people said beside what the numbers say."""
    parts = sections(report, said)
    contents = "".join(f'<li><a href="#{each.slug}">{escape(each.title)}</a></li>' for each in parts)
    body = "".join(
        f'<section aria-labelledby="{each.slug}"><h2 id="{each.slug}">{escape(each.title)}</h2>'
        f"{each.body}</section>"
        for each in parts
    )
    return (
        '<!doctype html><html lang="en"><head><meta charset="utf-8"><title>Match report</title>'
        '<meta name="viewport" content="width=device-width, initial-scale=1">'
        f"<style>{_STYLE}</style></head><body><main><h1>Match report</h1>"
        f"{page_parts.who_may_see(report)}{page_parts.encoded(report)}"
        f'<nav aria-label="Contents"><ul>{contents}</ul></nav>'
        f"{body}</main></body></html>\n"
    )


def sections(report: Mapping[str, Any], said: Said = NOTHING) -> tuple[Section, ...]:
    """Return the parts of a report that have something to say, in order; headings in them begin at h3."""
    return tuple(each for each in _sections(report, said) if each.body)


def _sections(report: Mapping[str, Any], said: Said) -> Iterator[Section]:
    yield Section("run", "The run", page_parts.run(report))
    yield Section("judged", "What people judged", table("Review", ("What", "Judged"), said.review))
    yield Section(QUESTIONS, "Questions of quality", _questions(report, said))
    yield Section("rates", "Match rates", _rates(report))
    yield Section("subgroups", "Who is matched less often", _subgroups(report))
    yield Section("missed", "What is missed", page_parts.missed(report))
    for place, pair in enumerate(report["pairs"], start=1):
        body = _pair(pair, report["thresholds"]["accepted"])
        yield Section(f"pair-{place}", page_parts.of(pair), body)
    held = "".join(page_parts.file(*entry) for entry in report["files"].items())
    yield Section("files", "What the files held", held)
    yield Section("people", "People", page_parts.people(report))
    yield Section("agreed", "What was decided elsewhere", page_parts.decided_elsewhere(report))


def _questions(report: Mapping[str, Any], said: Said) -> str:
    parts = []
    for answer in questions.answers(report):
        told = bullets(answer.says) if len(answer.says) > 1 else paragraphs(answer.says)
        parts.append(f"<h3>{escape(answer.question)}</h3>{told}")
        if words := said.answers.get(answer.slug):
            lines = "<br>".join(escape(line) for line in words.splitlines())
            parts.append(f'<p class="note"><strong>The hub’s staff:</strong> {lines}</p>')
        elif answer.staff:
            parts.append("<p><em>The hub's staff add in words what numbers do not tell.</em></p>")
    return "".join(parts)


def _rates(report: Mapping[str, Any]) -> str:
    if not report["match_rates"]:
        return ""
    rows = [
        (r["file"], r["with"], count(r), number(r["of"]), percent(share(r))) for r in report["match_rates"]
    ]
    return rate_chart(report) + table("Match rates", ("File", "With", "Rows matched#", "Of#", "Rate#"), rows)


def _subgroups(report: Mapping[str, Any]) -> str:
    if not report["subgroups"]:
        return ""
    headers = ("File", "By", "Group", "Matched#", "Whole file#", "95 % interval", "Rows#")
    listed = table(
        "More than three points below the whole of their file",
        headers,
        [
            (
                one["file"],
                one["by"],
                one["group"],
                percent(one["rate"]),
                percent(one["whole"]),
                f"{percent(one['low'])} to {percent(one['high'])}",
                f"{one['size']:,}",
            )
            for one in report.get("behind", [])
        ],
    )
    none = "<p>No group is more than three points below the whole of its file.</p>"
    shown = [each for each in report["subgroups"] if any(g["count"] is not None for g in each["groups"])]
    small = [f"{each['file']} by {each['by']}" for each in report["subgroups"] if each not in shown]
    hidden = paragraphs([f"Hidden wholly, as their groups are small: {'; '.join(small)}."]) if small else ""
    return (listed or none) + "".join(_subgroup(each) for each in shown) + hidden


def _subgroup(subgroup: Mapping[str, Any]) -> str:
    title = f"{subgroup['file']} by {subgroup['by']}"
    whole = f"{title} (whole file: {percent(share(subgroup['whole']))})"
    rows = [page_parts.group_row(group) for group in subgroup["groups"]]
    numbers = table(whole, ("Group", "Matched#", "Of#", "Rate#", "95 % interval", "Behind"), rows)
    return f"<h3>{escape(title)}</h3>{subgroup_chart(subgroup)}{numbers}"


def _pair(pair: Mapping[str, Any], accepted: float) -> str:
    parts = [paragraphs(pair["notes"]), weight_chart(pair), page_parts.decisions(pair)]
    parts += [page_parts.blocks(pair), page_parts.likely(pair)]
    if pair["weights"]:
        parts.append("<h3>How telling each level of agreement is</h3>")
        parts += [f"<h4>{escape(name[:1].upper() + name[1:])}</h4>{chart}" for name, chart in mu_charts(pair)]
        parts.append(page_parts.weights(pair))
        drawn = waterfall_charts(pair, accepted)
        parts.append("<h3>How a weight comes about</h3>")
        parts += ["<p>Two records that agree in everything they can hold:</p>", drawn[0]]
        parts += ["<p>Two that differ in surname and address, with numbers missing:</p>", drawn[1]]
        parts.append("<p>The dashed line is the weight from which pairs are linked.</p>")
    return "".join(parts)
