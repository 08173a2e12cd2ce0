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
