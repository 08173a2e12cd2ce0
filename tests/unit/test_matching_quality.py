"""What is said of the quality of data: answers about a run, and the log of issues."""

import io
import re
from html import escape

import pytest
from django.urls import reverse
from pypdf import PdfReader

from agreements.public import papers_can_be_made
from matching import standing
from matching.models import QualityIssue, QualityQuestion
from matching.services import judging
from p20win.accounts.public import Role
from p20win.audit.public import events_of
from p20win.refusal import Blocked
from tests import factories
from tests import factories_matching as matches
from tests.factories import START

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("vault")]


class TestAnswers:
    @pytest.mark.obligation("O-112", "O-113")
    def test_the_hub_answers_beginning_from_what_the_report_says(self, signed_in):
        match = matches.linked()
        run = standing.latest_result(match)
        client = signed_in(factories.hub_member())
        address = reverse("matching:report-quality", args=[run.pk])

        shown = client.get(address).text
        for _, label in QualityQuestion.choices:
            assert label in shown
        told, beside = judging.told_by_the_run(run.report)
        assert re.search("SDE.*: .*SASID", told["fields"])
        assert "have nobody in" in told["unmatched"]
        assert set(beside) == {"proxies", "weighed"}
        assert all(escape(line) in shown for line in beside["weighed"].splitlines())
        said = told | {"weighed": "No: it shows a lower bound and says so.", "proxies": "None is known."}
        answer = client.post(address, said, follow=True).text

        assert "No: it shows a lower bound and says so." in answer
        assert "Not answered yet" not in answer
        assert "Who is matched less often" in answer
        assert run.answers.count() == len(QualityQuestion.values)
        changed = judging.answer(run, said | {"weighed": "Yes."}, by=factories.hub_member(), at=START)
        assert [row.question for row in changed] == ["weighed"]
        assert "quality.answer_changed" in [event.event for event in events_of(changed[0])]

    def test_nobody_else_answers_and_nobody_after_the_last_word(self, signed_in):
        match = matches.signed_off()
        run = standing.latest_result(match)
        steward = matches.steward("SDE")

        with pytest.raises(Blocked, match="Only staff of the data integration hub"):
            judging.answer(run, {"bias": "None."}, by=steward, at=START)
        with pytest.raises(Blocked, match="do not change any more"):
            judging.answer(run, {"bias": "None."}, by=factories.hub_member(), at=START)
        client = signed_in(steward)
        assert client.get(reverse("matching:report-quality", args=[run.pk])).status_code == 404
        assert "Not answered yet" in client.get(reverse("matching:report", args=[run.pk])).text

    @pytest.mark.skipif(not papers_can_be_made(), reason="Pango is not installed here")
    def test_the_report_is_a_tagged_paper(self, signed_in):
        match = matches.linked()
        run = standing.latest_result(match)

        answer = signed_in(matches.steward("SDE")).get(reverse("matching:report-pdf", args=[run.pk]))

        assert answer["Content-Type"] == "application/pdf"
        reader = PdfReader(io.BytesIO(answer.content))
        assert reader.trailer["/Root"]["/MarkInfo"]["/Marked"]
        assert "/StructTreeRoot" in reader.trailer["/Root"]
        text = " ".join(page.extract_text() for page in reader.pages)
        for title in ("Who is matched less often", "What is missed", "How a weight comes about"):
            assert title in text
        assert "any two records (prior)" in text  # the charts are drawn in it
        assert run.report_digest[:20] in text.replace("\n", "")
        assert f"match-report-{match.project.number}-run-1.pdf" in answer["Content-Disposition"]


class TestIssues:
    @pytest.mark.obligation("O-112")
    def test_the_operating_group_keeps_the_log_and_everybody_who_asks_reads_it(self, signed_in):
        agency = matches.agency("SDE")
        person = factories.operating_group_member()
        keeper = signed_in(person)
        said = {
            "source": str(agency.pk),
            "element": "ELL",
            "years": "2015 to 2017",
            "title": "Too few are flagged",
            "description": "One vendor sent no flag.",
            "advice": "Do not compare with later years.",
        }
        form = reverse("matching:issue-new")
        assert "There is something to correct" in keeper.post(form, said | {"title": ""}).text

        shown = keeper.post(form, said, follow=True).text

        assert "Everybody who asks for data can read it." in shown
        row = QualityIssue.objects.get()
        asks = factories.person(Role.REQUESTOR, at=factories.recipient_organisation())
        reader = signed_in(asks)
        listed = reader.get(reverse("matching:issues"), {"q": "ELL"}).text
        assert "Too few are flagged" in listed
        assert "Write an issue down" not in listed
        assert "No issue fits" in reader.get(reverse("matching:issues"), {"q": "Wage"}).text
        page = reverse("matching:issue", args=[row.pk])
        assert "Do not compare with later years." in reader.get(page).text
        assert reader.post(reverse("matching:issue-resolve", args=[row.pk])).status_code == 404

        resolve = reverse("matching:issue-resolve", args=[row.pk])
        keeper = signed_in(person)
        assert "Say how it was resolved" in keeper.post(resolve, {}, follow=True).text
        assert "Resolved." in keeper.post(resolve, {"resolution": "Sent again in 2024."}, follow=True).text
        assert "Sent again in 2024." in signed_in(asks).get(page).text
        keeper = signed_in(person)
        assert (
            "It is open again."
            in keeper.post(reverse("matching:issue-reopen", args=[row.pk]), follow=True).text
        )
        events = [event.event for event in events_of(row)]
        assert events == ["quality_issue.raised", "quality_issue.resolved", "quality_issue.reopened"]

    def test_nobody_else_writes_into_it(self):
        with pytest.raises(Blocked, match="operating group"):
            judging.raise_issue(
                matches.agency("SDE"),
                element="ELL",
                years="",
                title="x",
                description="y",
                advice="",
                by=factories.hub_member(),
                at=START,
            )
        assert not QualityIssue.objects.exists()
