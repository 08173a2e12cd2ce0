"""How a match is linked: usual settings, versions, runs again, and which run is before the parties."""

import json

import pytest
from django.urls import reverse

from agreements.public import record_method, retire_method
from matching import compared, layouts, reviewed, ssn, standing
from matching.engine import child, defaults, differences, extract, sampled, suppress
from matching.engine import spec as specs
from matching.models import MatchStatus, RunStatus
from matching.services import choosing, opening, running, signing, specifying
from p20win.audit.public import events_of
from p20win.deadlines import public as deadlines
from p20win.refusal import Blocked
from tests import factories
from tests import factories_agreements as agreements
from tests import factories_custody as files
from tests import factories_matching as matches
from tests.factories import START

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("vault")]


def file(*fields):
    return specs.File(id_column="SyntheticID", columns={field: field for field in fields}, unique=True)


WAGES = file("ssn", "first_name", "last_name")
COLLEGE = file("ssn", "first_name", "last_name", "birth_date", "sex")
SCHOOLS = file("sasid", "first_name", "last_name", "birth_date")


def made(match, by, **changes):
    usual = specifying.usual(match, defaults.ENGINE)
    said = {
        "fields": usual.fields,
        "blocks": [block.name for block in usual.blocks],
        "accept": "auto",
        "auto_precision": 0.999,
        "grey_floor": 0.1,
        "note": "Hardly one wrong link.",
    } | changes
    method = said.pop("method", None) or specifying.agreements.approved_methods(START).first()
    return specifying.make(match, method, by=by, at=START, **said)


class TestUsualSettings:
    @pytest.mark.obligation("O-105")
    def test_the_ssn_is_compared_where_wage_records_need_it_and_nowhere_else(self):
        assert ssn.needed_by({"CSCU": COLLEGE, "DOL": WAGES}) == [("CSCU", "DOL")]
        assert ssn.needed_by({"SDE": SCHOOLS, "CSCU": COLLEGE, "UCONN": COLLEGE}) == []
        assert ssn.asked_of({"CSCU": COLLEGE, "DOL": WAGES, "SDE": SCHOOLS}) == {"CSCU", "DOL"}

    @pytest.mark.obligation("O-105")
    def test_without_wage_records_nobody_is_asked_for_it_though_it_is_approved(self, signed_in):
        row = matches.request(agencies=("SDE", "CSCU"), extra=("SSN",))
        matches.in_force(row)
        method = agreements.method()
        client = signed_in(factories.operating_group_member())
        address = reverse("matching:open", args=[row.project_id])
        assert "The SSN will not be asked for of CSCU, SDE" in client.get(address).text

        match = opening.open_match(row.project, by=factories.operating_group_member(), at=START)

        for name in ("SDE", "CSCU"):
            spec = matches.slot(match, name, "matching").spec
            assert "SSN" not in [column["name"] for column in spec["columns"]]
            assert spec["not_asked"] == ["SSN"]
            assert spec["one_person_per"]  # by SASID
        event = events_of(match).get(event="match.opened")
        assert event.details["ssn_not_asked_of"] == ["cscu", "sde"]
        assert (
            "not asked for of CSCU, SDE: no link to wage records" in client.get(match.get_absolute_url()).text
        )
        usual = specifying.usual(match, defaults.ENGINE)
        assert not any("ssn" in file.columns for file in usual.files.values())
        assert "ssn" not in usual.fields
        by = matches.hub_member(match.project)
        with pytest.raises(Blocked, match="only where a link to wage records needs it"):
            made(match, by, method=method, fields=["ssn", "last_name"])

    def test_without_any_number_two_people_can_agree_in_all_that_is_sent(self):
        spec = {"columns": [{"name": "Last", "form": "name"}], "one_person_per": [["Last"]]}
        numbered = {"columns": [{"name": "SASID", "form": "sasid"}], "one_person_per": [["SASID"]]}

        assert layouts.spared(spec, ["SSN"]) == spec | {"not_asked": ["SSN"], "one_person_per": []}
        assert layouts.spared(numbered, ["SSN"])["one_person_per"] == [["SASID"]]

    @pytest.mark.obligation("O-105")
    def test_what_is_not_compared_stands_in_no_file_of_the_settings(self):
        match = matches.ready()
        by = matches.hub_member(match.project)
        assert "ssn" in specifying.usual(match, defaults.ENGINE).fields

        row = made(match, by, fields=["first_name", "last_name", "birth_date"])

        assert "ssn" in specifying.usual(match, defaults.ENGINE).files["DOL"].columns
        assert not any("ssn" in file["columns"] for file in row.spec["files"].values())
        assert not any("ssn" in column for block in row.spec["blocks"] for column in block["on"])


class TestVersions:
    @pytest.mark.obligation("O-68")
    def test_a_version_is_hashed_kept_and_the_same_again_is_the_same(self):
        match = matches.ready()
        by = matches.hub_member(match.project)

        first = specifying.usual_version(
            match, specifying.agreements.approved_methods(START).first(), by=by, at=START
        )
        second = made(match, by)

        assert (first.number, second.number) == (1, 2)
        assert second.digest == specs.digest(specs.from_json(json.dumps(second.spec)))
        assert made(match, by, note="Said otherwise.").pk == second.pk
        assert [event.event for event in events_of(second)] == ["spec.made"]
        said = specifying.changes(first.spec, second.spec)
        assert said == [
            "Point of acceptance: f1 → auto",
            "Automatic band: 0.995 → 0.999",
            "Grey floor: 0.05 → 0.1",
        ]

    def test_a_block_goes_with_the_fields_it_needs(self):
        match = matches.ready()
        row = made(match, matches.hub_member(match.project), fields=["first_name", "last_name", "ssn"])

        assert {block["name"] for block in row.spec["blocks"]} >= {"same SSN", "full name"}
        assert not any("birth" in column for block in row.spec["blocks"] for column in block["on"])
        said = specifying.changes(specs.as_dict(specifying.usual(match, defaults.ENGINE)), row.spec)
        assert any(words.startswith("Compared: without") and "birth date" in words for words in said)

    @pytest.mark.parametrize(
        ("change", "why"),
        [
            ({"fields": []}, "Choose fields to compare"),
            ({"blocks": []}, "Choose fields to compare"),
            ({"note": " "}, "Say what is different"),
            ({"accept": "everything"}, "accept is f1 or auto"),
            ({"grey_floor": 0.0}, "lie between 0 and 1"),
        ],
    )
    def test_what_cannot_work_is_refused(self, change, why):
        match = matches.ready()
        by = matches.hub_member(match.project)

        with pytest.raises(Blocked, match=why):
            made(match, by, **change)
        assert not match.specs.exists()

    @pytest.mark.obligation("O-48")
    def test_only_an_approved_method_and_its_own_engine_links(self):
        match = matches.ready()
        by = matches.hub_member(match.project)
        row = made(match, by)
        other = record_method(
            "toolkit", version=1, name="Toolkit", engine="toolkit", description="Small files.",
            approved_on=START.date(), reference="Minutes", by=factories.operating_group_member(), at=START,
        )  # fmt: skip
        method = retire_method(
            row.method, retired_on=START.date(), reason="Outdated.", by=factories.operating_group_member(),
            at=START,
        )  # fmt: skip

        with pytest.raises(Blocked, match="has not approved this method"):
            made(match, by, method=method, grey_floor=0.2)
        with pytest.raises(Blocked, match="has not approved this method"):
            running.start_run(match, other, link_spec=row, by=by, at=START)
        assert specifying.why_not_run(row, match, START)
        assert not match.runs.exists()

    def test_only_the_hub_makes_one(self):
        match = matches.ready()

        with pytest.raises(Blocked, match="Only staff of the data integration hub"):
            made(match, matches.steward("SDE"))


class TestAgain:
    def test_a_run_again_says_why_and_asks_the_parties_anew(self):
        match = matches.linked()
        matches.described(match)
        first, by = standing.latest_result(match), matches.hub_member(match.project)
        with pytest.raises(Blocked, match="Say why it is linked again"):
            running.start_run(match, first.method, by=by, at=START)
        row = made(match, by)

        run = running.start_run(
            match, row.method, link_spec=row, reason="Fewer wrong links.", by=by, at=START
        )

        waiting = deadlines.open_of_project(match.project).filter(slug=choosing.AGREEMENT)
        assert not waiting.exists()
        run = matches.finished(run)
        match.refresh_from_db()
        assert (match.status, match.proposed_id, run.link_spec_id) == (MatchStatus.LINKED, run.pk, row.pk)
        assert waiting.count() == standing.signoffs(run).count() > 0
        assert standing.latest_result(match) == run
        entry = run.differences["1"][0]
        assert set(entry) == {"left", "right", "both", "before", "after"}

    @pytest.mark.obligation("O-70")
    @pytest.mark.long
    def test_another_run_is_put_before_the_parties_and_words_on_it_count(self):
        match = matches.linked()
        matches.described(match)
        first = standing.latest_result(match)
        word = standing.signoffs(first).first()
        matches.agree(match, word)
        second = matches.again(match)
        match.refresh_from_db()
        by = matches.hub_member(match.project)
        with pytest.raises(Blocked, match="is before the parties"):
            choosing.choose(second, by=by, at=START)

        match = choosing.choose(first, by=by, at=START)

        assert standing.latest_result(match) == first
        open_now = deadlines.open_of_project(match.project).filter(slug=choosing.AGREEMENT).count()
        assert open_now == standing.signoffs(first).count() - 1
        for row in standing.signoffs(first).filter(signature=None):
            match = matches.agree(match, row)
        assert match.status == MatchStatus.SIGNED_OFF
        with pytest.raises(Blocked, match="Not possible while the status"):
            choosing.choose(second, by=by, at=START)

    @pytest.mark.obligation("O-70")
    @pytest.mark.long
    def test_a_run_that_a_party_rejected_is_not_put_before_them_again(self):
        match = matches.linked()
        first = standing.latest_result(match)
        row = standing.signoffs(first).first()
        signing.reject(match, reasons="Too few.", by=matches.representative(row), at=START)
        match.refresh_from_db()
        by = matches.hub_member(match.project)

        with pytest.raises(Blocked, match=f"{row.organisation.short_name} said that this run is not optimal"):
            choosing.choose(first, by=by, at=START)
        assert [word.reasons for word in standing.rejections(match)] == ["Too few."]
        run = matches.again(match, reason="More fields.")
        assert run.status == RunStatus.DONE
        assert standing.signoffs(run).filter(rejected_at=None).count() == standing.signoffs(run).count()


class TestDifferences:
    def test_links_of_both_and_of_one_alone_are_counted(self):
        before, after = (
            extract.read_key(b"link_id,file,id\n" + rows)
            for rows in (
                b"a,A,1\na,B,1\nb,A,2\nb,B,2\nc,C,9\n",
                b"x,A,1\nx,B,1\ny,A,2\nz,B,2\nz,A,3\nw,C,9\n",
            )
        )

        found = {(e["left"], e["right"]): e for e in differences.between(before, after)}

        counts = [found["A", "B"][name]["count"] for name in ("both", "before", "after")]
        assert counts == [1, 1, 1]
        assert found["A", "C"]["both"]["count"] == 0
        hidden = choosing._hidden(found["A", "B"], 6)
        assert {hidden[name]["count"] for name in ("both", "before", "after")} == {None}
        assert suppress.suppressed({"entry": found["A", "B"]}, 6)["entry"]["both"]["count"] is None


@pytest.mark.usefixtures("at_start")
class TestPages:
    def test_settings_are_made_from_the_usual_ones_and_shown_with_their_history(self, signed_in):
        match = matches.ready()
        client = signed_in(matches.hub_member(match.project))
        assert "No version yet" in client.get(reverse("matching:specs", args=[match.pk])).text
        address = reverse("matching:spec-new", args=[match.pk])
        shown = client.get(address)
        assert "CSCU and DOL hold too little else" in shown.text
        together = " ".join(shown.text.split())
        assert "CSCU and SDE: compared by SASID, first name" in together
        assert "CSCU and DOL: compared by SSN, first name" in together
        assert "DOL and SDE: first name, middle name, surname cannot tell people apart" in together
        said = {
            "method": specifying.agreements.approved_methods(START).get().pk,
            "fields_compared": ["first_name", "last_name", "birth_date", "ssn"],
            "blocks": ["same SSN", "full name", "birth date and surname"],
            "accept": "auto",
            "auto_precision": "99.9",
            "grey_floor": "10",
            "note": "Without sex and middle name.",
        }
        assert "There is something to correct" in client.post(address, said | {"note": ""}).text

        answer = client.post(address, said)

        row = match.specs.get()
        assert answer.url == reverse("matching:spec", args=[row.pk])
        assert row.digest in client.get(answer.url).text
        assert "Without sex and middle name." in client.get(reverse("matching:specs", args=[match.pk])).text
        start = client.get(reverse("matching:start", args=[match.pk])).text
        assert "Version 1: Without sex and middle name." in start
        client.post(reverse("matching:start", args=[match.pk]), {"version": str(row.pk)})
        assert match.runs.get().link_spec == row

    @pytest.mark.long
    def test_runs_are_compared_and_one_is_chosen(self, signed_in):
        match = matches.linked()
        first = standing.latest_result(match)
        by = matches.hub_member(match.project)
        client = signed_in(by)
        page = reverse("matching:compare", args=[match.pk])
        assert "Two runs with a result are needed." in client.get(page).text
        matches.again(match, reason="To see whether it comes out the same.")

        shown = client.get(page, {"run": "1", "with": "2"}).text
        assert "Only in run 1" in shown
        assert "Their settings are the same." in shown
        assert "This run is before the parties." in shown
        client.post(reverse("matching:run-choose", args=[first.pk]))

        match.refresh_from_db()
        assert match.proposed == first
        steward = signed_in(matches.steward("SDE"))
        theirs = steward.get(page).text
        assert "Which one is before the parties?" not in theirs
        assert "To see whether it comes out the same." in theirs
        assert compared.page(match, by, {"run": "2", "with": "2"})["first"]["run"] == first

    def test_why_a_party_said_no_stands_where_the_hub_links_again(self, signed_in):
        match = matches.linked()
        row = standing.signoffs(standing.latest_result(match)).first()
        signing.reject(match, reasons="Too few in 2021.", by=matches.representative(row), at=START)
        client = signed_in(matches.hub_member(match.project))

        shown = client.get(reverse("matching:start", args=[match.pk])).text

        assert "Too few in 2021." in shown
        assert "Why is it linked again, and what is different?" in shown


@pytest.mark.long
def test_whatever_stops_a_try_out_another_can_begin(monkeypatch):
    def stops(*_args, **_options):
        raise OSError

    match = matches.ready()
    by = matches.hub_member(match.project)
    row = made(match, by)
    trial = specifying.try_out(row, by=by, at=START)
    monkeypatch.setattr(child, "link", stops)
    for _ in range(specifying.ATTEMPTS):
        job = files.attempted("matching.try_spec", try_out_id=trial.pk)
    trial.refresh_from_db()
    assert (trial.status, trial.failure) == ("failed", job.message)
    assert specifying.try_out(row, by=by, at=START).status == "running"


@pytest.mark.long
@pytest.mark.usefixtures("at_start")
def test_a_version_is_tried_in_earnest_and_nothing_but_the_report_stays(signed_in):
    from p20win.custody.public import SealedFile

    match = matches.ready()
    by = matches.hub_member(match.project)
    row = made(match, by)
    client = signed_in(by)
    before = SealedFile.objects.count()
    shown = client.post(reverse("matching:spec-try", args=[row.pk]), follow=True).text
    assert "Nothing but the report is kept." in shown
    with pytest.raises(Blocked, match="It is being tried"):
        specifying.try_out(row, by=by, at=START)

    trial = row.try_outs.get()
    files.run_job("matching.try_spec", try_out_id=trial.pk)

    trial.refresh_from_db()
    assert trial.status == "done"
    assert trial.report["match_rates"]
    assert SealedFile.objects.count() == before
    assert "are expected to be right" in client.get(reverse("matching:spec", args=[row.pk])).text
    assert match.status == MatchStatus.READY


@pytest.mark.obligation("O-68")
def test_a_small_estimate_of_people_is_not_told_and_a_share_is():
    assert reviewed.interval(sampled.Interval(4.2, 1.0, 9.4), least=6) == (
        "fewer than 6 (95 % interval fewer than 6 to 9)"
    )
    assert reviewed.interval(sampled.Interval(1200.4, 6.0, 2000.0), least=6) == (
        "1,200 (95 % interval 6 to 2,000)"
    )
    assert reviewed.interval(sampled.Interval(0.99, 0.98, 1.0)).startswith("99.0 %")
