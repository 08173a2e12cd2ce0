"""Lists of third parties: whom they flag, and who is left out of a delivery for it."""

import io
import zipfile

import pytest

from matching import standing
from matching.engine import extract
from p20win.custody import public as custody
from tests import factories_matching as matches

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("vault")]


@pytest.mark.obligation("O-23", "O-125")
def test_the_flag_is_the_value_that_the_request_names_up_to_what_is_left_out():
    match = matches.collecting(with_list=True, flag_value="X", not_wanted_from=["CSCU"])
    for name in matches.AGENCIES:
        for kind in ("matching", "analytical"):
            matches.send(match, name, kind)
    school = matches.people().agencies["SDE"].matching.table
    for value, status in (("1", "refused"), ("X", "accepted")):
        rows = "".join(f"{s}\t{value}\n" for s in school["SASID"].to_pylist() if s)
        text = f"SASID\t{matches.FLAG}\n{rows}".encode()
        assert matches.send(match, "SDE", "identifier_list", text).status == status
    match.refresh_from_db()

    match = matches.linked(match)

    run = standing.latest_result(match)
    flags = extract.read_key(b"".join(custody.open_bytes(run.flags))).to_pylist()
    key = extract.read_key(b"".join(custody.open_bytes(run.crosswalk))).to_pylist()
    on = {row["id"] for row in flags if row[matches.FLAG] == "1"}
    assert on == {row["SyntheticID"] for row in school.to_pylist() if row["SASID"]}
    flagged = {row["link_id"] for row in key if row["file"] == "SDE" and row["id"] in on}
    met = {row["link_id"] for row in key if row["file"] == "CSCU"} & flagged
    assert met
    _, content = matches.fetched(matches.delivered(matches.signed_off(match)))
    with zipfile.ZipFile(io.BytesIO(content)) as archive:
        delivered = {line.split(",")[0] for line in archive.read("cscu.csv").decode().splitlines()[1:]}
    assert delivered
    assert not delivered & met


@pytest.mark.obligation("O-125", "O-126")
@pytest.mark.parametrize("form", ["package", "key"])
def test_populations_that_share_a_flag_are_told_apart_by_their_lists(form):
    """As in the revised request: schools of one year have one flag, and some want no postsecondary data."""
    match = matches.collecting(
        form=form,
        with_list=True,
        flag_value="Z",
        not_wanted_from=["CSCU"],
        not_wanted="grades",
        more_lists_of=("Finishers",),
        category_of=(("GradeLevelCode", "Grades"),),
    )
    for name in matches.AGENCIES:
        for kind in ("matching", "analytical") if form == "package" else ("matching",):
            matches.send(match, name, kind)
    school = [row for row in matches.people().agencies["SDE"].matching.table.to_pylist() if row["SASID"]]
    third = len(school) // 3
    lists = {"Takers": school[: 2 * third], "Finishers": school[third:]}  # some are in both
    for population, people in lists.items():
        rows = "".join(f"{row['SASID']}\tZ\n" for row in people)
        expected = match.expected_files.get(population=population)
        text = f"SASID\t{matches.FLAG}\n{rows}".encode()
        assert matches.send(match, "SDE", "identifier_list", text, to=expected.slot).status == "accepted"
    match.refresh_from_db()

    match = matches.signed_off(matches.linked(match))

    run = standing.latest_result(match)
    key = extract.read_key(b"".join(custody.open_bytes(run.crosswalk))).to_pylist()
    link = {(row["file"], row["id"]): row["link_id"] for row in key}
    alone = {link["SDE", row["SyntheticID"]] for row in school[:third]}
    colleges = {one for (file, _), one in link.items() if file == "CSCU"}
    assert alone & colleges
    _, content = matches.fetched(matches.delivered(match))
    ending = "-key.csv" if form == "key" else ".csv"
    with zipfile.ZipFile(io.BytesIO(content)) as archive:
        told = {name: archive.read(name).decode().splitlines() for name in archive.namelist()}
    assert {line.split(",")[0] for line in told[f"cscu{ending}"][1:]} == colleges - alone
    school_rows = [line.split(",") for line in told[f"sde{ending}"][1:]]
    if form == "key":
        assert alone <= {row[0] for row in school_rows}
        return
    assert told["sde.csv"][0] == f"link_id,GradeLevelCode,ELL,{matches.FLAG}"
    assert {row[0] for row in school_rows if not row[1]} == alone & {row[0] for row in school_rows}
    assert all(row[3] == "1" for row in school_rows if row[0] in alone)
    (grades,) = [line for line in told["dictionary.csv"] if "GradeLevelCode" in line]
    assert "empty for people in “Takers” alone: the request does not want it of them" in grades
