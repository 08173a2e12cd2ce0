"""Runs beside each other: the numbers on the page are those that the keys, read by themselves, give."""

import csv
import io
import itertools
import re
from functools import cache
from html import unescape

import pytest
from django.urls import reverse

from matching import standing
from matching.engine import defaults
from matching.services import running, specifying
from p20win.custody import public as custody
from tests import factories_matching as matches
from tests.factories import START
from tests.unit.test_matching_consents import content, ids, relying

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("vault")]

LEAST = 6
HIDDEN = "hidden (small)"
FILES = [("CSCU", "DOL"), ("CSCU", "SDE"), ("DOL", "SDE")]


@cache
def rows_of(file):
    """Return the rows of a sealed file, which never changes."""
    return list(csv.DictReader(io.StringIO(b"".join(custody.open_bytes(file)).decode())))


def joined(run):
    """Return which ids a run's key joins, for every two files, with nothing of the code that compares."""
    people = {}
    for row in rows_of(run.crosswalk):
        people.setdefault(row["link_id"], []).append((row["file"], row["id"]))
    found = {pair: set() for pair in FILES}
    for person in people.values():
        for (file, one), (other_file, other) in itertools.combinations(sorted(person), 2):
            found[file, other_file].add((one, other))
    return found


def linked_pairs(run):
    """Return the pairs that the run's own list of pairs calls linked."""
    found = {}
    for row in rows_of(run.pairs):
        if row["decision"] == "link":
            sides = sorted([(row["file_l"], row["id_l"]), (row["file_r"], row["id_r"])])
            found.setdefault((sides[0][0], sides[1][0]), set()).add((sides[0][1], sides[1][1]))
    return found


def rate(run, file, other):
    """Return the share of a file's rows that stand with one of another, as the page has it."""
    pairs = joined(run)[tuple(sorted((file, other)))]
    place = sorted((file, other)).index(file)
    rows = sum(row["file"] == file for row in rows_of(run.crosswalk))
    return f"{100 * len({pair[place] for pair in pairs}) / rows:.1f} %"


def expected(first, second):
    """Return the cells of the table of links that differ."""
    one, other = joined(first), joined(second)
    told = []
    for pair in FILES:
        counts = [len(one[pair] & other[pair]), len(one[pair] - other[pair]), len(other[pair] - one[pair])]
        if any(0 < count < LEAST for count in counts):
            told.append([", ".join(pair), *(HIDDEN if count else "0" for count in counts)])
        else:
            told.append([", ".join(pair), *map(str, counts)])
    return told


def table(text, caption):
    """Return the cells of a table on a page."""
    body = text.split(f">{caption}</caption>")[1].split("<tbody>")[1].split("</tbody>")[0]
    rows = re.findall(r"(?s)<tr.*?</tr>", body)
    cells = [re.findall(r"(?s)<t[hd].*?</t[hd]>", row) for row in rows]
    return [[" ".join(unescape(re.sub("<[^>]+>", "", cell)).split()) for cell in row] for row in cells]


def settings(match, by, *fields):
    """Return a version that compares these fields alone."""
    usual = specifying.usual(match, defaults.ENGINE)
    return specifying.make(
        match, standing.latest_run(match).method, fields=fields,
        blocks=[block.name for block in usual.blocks], accept="f1", auto_precision=0.995, grey_floor=0.05,
        note=f"By {', '.join(fields)}.", by=by, at=START,
    )  # fmt: skip


@pytest.mark.obligation("O-68")
@pytest.mark.usefixtures("at_start")
def test_of_runs_with_other_settings_the_links_of_each_alone_and_of_both_are_counted(signed_in):
    match = matches.linked()
    by = matches.hub_member(match.project)
    by_ssn = settings(match, by, "ssn", "first_name", "last_name")
    by_sasid = settings(match, by, "sasid", "first_name", "last_name", "birth_date")
    runs = [standing.latest_result(match)]
    runs += [matches.again(match, reason="To compare.", link_spec=spec, by=by) for spec in (by_ssn, by_sasid)]
    client, page = signed_in(by), reverse("matching:compare", args=[match.pk])
    counts = [[len(joined(run)[pair]) for pair in FILES] for run in runs]
    assert min(counts[0]) > 30
    assert counts[1] == [counts[1][0], 0, 0]
    assert counts[2] == [0, counts[2][1], 0]
    assert min(counts[1][0], counts[2][1]) > 50

    for first, second in itertools.permutations(runs, 2):
        shown = client.get(page, {"run": first.number, "with": second.number}).text

        assert f"Only in run {first.number}" in shown
        assert table(shown, "Links that differ") == expected(first, second)
        found = {row[0]: row[1:] for row in table(shown, "What the two runs found")}
        for file, other in itertools.permutations(matches.AGENCIES, 2):
            name = f"{file} found in {other}"
            assert found[name] == [rate(first, file, other), rate(second, file, other)], name
        pairs = [linked_pairs(run) for run in (first, second)]
        assert found["Pairs linked"] == [str(sum(map(len, each.values()))) for each in pairs]
    told = dict(zip(FILES, expected(runs[1], runs[2]), strict=True))
    assert told["CSCU", "DOL"][1:] == ["0", str(counts[1][0]), "0"]
    assert told["CSCU", "SDE"][1:] == ["0", "0", str(counts[2][1])]


@pytest.mark.long
@pytest.mark.obligation("O-51")
def test_of_runs_before_and_after_consents_ran_out_the_links_that_are_gone_are_counted(signed_in):
    match, known = relying(), ids()
    lapsing = set(known[:40])
    for name in matches.AGENCIES:
        for kind in ("matching", "analytical"):
            matches.send(match, name, kind)
    until = f"{START + matches.a_day(5):%Y%m%d}"
    rows = [(each, "given", until if each in lapsing else "", "") for each in known]
    matches.send(match, "SDE", "identifier_list", content(rows))
    match.refresh_from_db()
    first = standing.latest_result(matches.linked(match))
    by = matches.hub_member(match.project)

    run = running.start_run(
        match, first.method, by=by, at=START + matches.a_day(10), reason="Consents ran out."
    )
    second = matches.finished(run)

    before, after = joined(first), joined(second)
    gone = before["CSCU", "SDE"] - after["CSCU", "SDE"]
    assert len(gone) >= LEAST
    assert {school for _, school in gone} <= lapsing
    assert not {school for _, school in after["CSCU", "SDE"]} & lapsing
    shown = signed_in(by).get(reverse("matching:compare", args=[match.pk])).text
    told = table(shown, "Links that differ")
    assert told == expected(first, second)
    assert told[1] == ["CSCU, SDE", str(len(after["CSCU", "SDE"])), str(len(gone)), "0"]
    assert "Their settings are the same." in shown
    found = {row[0]: row[1:] for row in table(shown, "What the two runs found")}
    assert found["SDE found in CSCU"] == [rate(each, "SDE", "CSCU") for each in (first, second)]


@pytest.mark.usefixtures("at_start")
def test_linked_again_by_the_same_settings_the_ids_are_new_and_no_link_differs(signed_in):
    match = matches.linked()
    first = standing.latest_result(match)

    second = matches.again(match)

    ids = [{row["link_id"] for row in rows_of(run.crosswalk)} for run in (first, second)]
    assert not ids[0] & ids[1]
    by = matches.hub_member(match.project)
    shown = signed_in(by).get(reverse("matching:compare", args=[match.pk])).text
    both = [[", ".join(pair), str(len(joined(first)[pair])), "0", "0"] for pair in FILES]
    assert table(shown, "Links that differ") == expected(first, second) == both
    direct = linked_pairs(second)
    assert {pair: joined(second)[pair] for pair in direct} == direct
