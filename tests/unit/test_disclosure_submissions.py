"""A package of outputs: each checked beside those before it, sent all at once, confirmed together."""

import datetime as dt

import pytest

from disclosure import checks, notices, services, standing, submissions
from disclosure.models import Output, OutputStatus
from p20win import clock
from p20win.audit.public import events_of
from p20win.refusal import Blocked
from tests import factories
from tests import factories_custody as files
from tests import factories_disclosure as outputs
from tests.factories import START

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("vault")]

BY_SEX = b"school \\ sex,female,male,Total\nAlder,30,40,70\nBirch,51,33,84\nTotal,81,73,154\n"
ALL = b"school,count\nAlder,73\nBirch,84\nTotal,157\n"  # Alder: three more than female and male


@pytest.fixture
def package(monkeypatch):
    """Return two outputs that were submitted together, both checked."""
    monkeypatch.setattr(clock, "now", lambda: START)
    first = outputs.checked(title="The tables")
    second = outputs.judged(outputs.submitted(first.project, title="The slides", goes_with=first))
    first.refresh_from_db()
    return first, second


def again(output):
    """Have an output checked once more."""
    services.check_again(output, by=output.author, at=START)
    files.run_job(standing.CHECK_JOB, file_id=output.slot.files.get().pk)
    output.refresh_from_db()
    return output


class TestSubmitting:
    def test_the_second_file_makes_a_package_of_both(self, package):
        first, second = package
        assert first.submission == second.submission
        assert list(submissions.others(first)) == [second]
        assert list(submissions.others(second)) == [first]

    def test_only_its_author_adds_to_it(self, package):
        first, _ = package
        with pytest.raises(Blocked, match="Only the author"):
            submissions.joined(first, by=factories.operating_group_member(), at=START)

    def test_nothing_is_added_to_what_is_with_the_agencies(self):
        output = outputs.sent()
        with pytest.raises(Blocked, match="cannot be added to"):
            outputs.submitted(output.project, goes_with=output)
        assert Output.objects.count() == 1

    def test_nor_to_an_output_of_another_project(self):
        output = outputs.checked()
        with pytest.raises(Blocked, match="another project"):
            outputs.submitted(outputs.project(), goes_with=output)


class TestChecking:
    @pytest.mark.obligation("O-81")
    def test_the_second_is_checked_beside_the_first_which_nobody_sent_yet(self, package):
        first, second = package
        assert standing.latest_check(second).compared_with == [str(first.pk)]
        assert standing.latest_check(first).compared_with == []

    @pytest.mark.obligation("O-81")
    def test_what_follows_from_both_together_is_withheld_or_refused(self):
        first = outputs.checked(content=BY_SEX)
        alone = outputs.checked(first.project, ALL)
        beside = outputs.judged(outputs.submitted(first.project, ALL, goes_with=first))
        assert standing.latest_check(alone).is_safe
        assert not standing.latest_check(beside).is_safe

    def test_another_output_is_not_held_against_a_package_that_nobody_sent(self, package):
        first, _ = package
        assert standing.latest_check(outputs.checked(first.project)).compared_with == []

    def test_a_first_that_was_checked_again_makes_the_second_wait(self, package):
        first, second = package
        again(first)
        assert "went ahead meanwhile" in checks.stands_beside_others(second, second.author)
        with pytest.raises(Blocked, match="“The slides” goes with it"):
            services.send_to_agencies(first, by=first.author, at=START)
        again(second)
        assert services.send_to_agencies(first, by=first.author, at=START)


class TestSending:
    @pytest.mark.obligation("O-77", "O-82")
    def test_all_are_sent_at_once_each_with_its_own_clocks_and_votes(self, package):
        first, second = package
        services.send_to_agencies(second, by=second.author, at=START)
        for output in package:
            output.refresh_from_db()
            assert output.status == OutputStatus.IN_REVIEW
            assert standing.clearances(output).count() == 3
        assert first.sent_at == second.sent_at

    def test_none_is_sent_while_one_is_not_ready(self, package):
        first, second = package
        services.send_new_file(second, name="t.csv", content=[outputs.TABLE], by=second.author, at=START)
        with pytest.raises(Blocked, match="still checking it"):
            services.send_to_agencies(first, by=first.author, at=START)
        first.refresh_from_db()
        assert first.status == OutputStatus.CHECKED

    def test_one_that_is_withdrawn_holds_up_nobody(self, package):
        first, second = package
        services.withdraw(second, by=second.author, at=START)
        assert services.send_to_agencies(first, by=first.author, at=START).status == OutputStatus.IN_REVIEW

    def test_each_reader_hears_of_the_package_once(self, package):
        first, _ = package
        steward = outputs.reviewers(first)[0]
        services.send_to_agencies(first, by=first.author, at=START)
        told = [
            event
            for output in package
            for event in events_of(output)
            if event.event == "output.sent" and steward in notices.NOTICES["output.sent"].audience(event)
        ]
        assert len(told) == 1
        assert notices.NOTICES["output.sent"].context(told[0]) == {"others": True}


class TestConfirming:
    @pytest.mark.obligation("O-82")
    def test_one_reader_confirms_both_and_each_has_its_own_word(self, package):
        first, second = package
        steward = outputs.reviewers(first)[0]
        services.send_to_agencies(first, by=first.author, at=START)
        assert list(submissions.open_to(first, steward, START)) == [second]
        services.clear_all(package, points=outputs.CONFIRMED, by=steward, at=START)
        for output in package:
            assert standing.clearances(output).filter(cleared_at__isnull=False).count() == 1
        assert not submissions.open_to(first, steward, START)

    def test_both_or_none(self, package):
        first, second = package
        steward = outputs.reviewers(first)[0]
        services.send_to_agencies(first, by=first.author, at=START)
        services.clear(second, points=outputs.CONFIRMED, by=steward, at=START)
        with pytest.raises(Blocked, match="has cleared it"):
            services.clear_all(package, points=outputs.CONFIRMED, by=steward, at=START)
        assert not standing.clearances(first).filter(cleared_at__isnull=False).exists()

    def test_one_that_comes_back_is_sent_again_by_itself(self, package):
        first, second = package
        steward = outputs.reviewers(first)[0]
        services.send_to_agencies(first, by=first.author, at=START)
        services.return_to_author(second, comment="Label the columns.", by=steward, at=START)
        services.send_new_file(second, name="t.csv", content=[outputs.TABLE], by=second.author, at=START)
        second.refresh_from_db()
        second = outputs.judged(second)
        later = START + dt.timedelta(days=1)
        assert services.send_to_agencies(second, by=second.author, at=later).sent_at == later
        first.refresh_from_db()
        assert first.sent_at == START
