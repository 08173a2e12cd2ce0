"""What is read once: within one page or one decision, and nowhere else."""

import threading

import pytest

from p20win import access, clock, once
from p20win.audit.public import record
from p20win.projects.public import close_to_person, open_to_person
from tests import factories


@pytest.fixture
def question():
    """Return a question that counts how often it is truly asked."""

    class Question:
        asked = 0

        @staticmethod
        @once.once
        def of(what, *, more=""):
            Question.asked += 1
            if what == "wrong":
                raise ValueError(what)
            return f"{what}{more}"

    return Question


class TestAsking:
    def test_outside_a_reading_everything_is_asked_anew(self, question):
        assert question.of("a") == question.of("a") == "a"
        assert question.asked == 2

    def test_within_one_it_is_asked_once_for_the_same_words(self, question):
        with once.one_reading():
            assert [question.of("a"), question.of("a"), question.of("a", more="!"), question.of("b")] == [
                "a", "a", "a!", "b",
            ]  # fmt: skip
        assert question.asked == 3

    def test_nothing_is_known_after_its_end_nor_after_an_error_in_it(self, question):
        with once.one_reading():
            question.of("a")
        with pytest.raises(ZeroDivisionError), once.one_reading():
            question.of("a")
            raise ZeroDivisionError
        question.of("a")
        assert question.asked == 3

    def test_one_within_another_is_part_of_it(self, question):
        with once.one_reading():
            with once.one_reading():
                question.of("a")
            question.of("a")
        assert question.asked == 1

    def test_what_fails_is_asked_again(self, question):
        with once.one_reading():
            for _ in range(2):
                with pytest.raises(ValueError, match="wrong"):
                    question.of("wrong")
        assert question.asked == 2

    def test_another_thread_has_no_part_in_it(self, question):
        with once.one_reading():
            question.of("a")
            other = threading.Thread(target=question.of, args=("a",))
            other.start()
            other.join()
        assert question.asked == 2

    @pytest.mark.django_db
    def test_one_moment_is_told(self):
        with once.one_reading():
            assert clock.now() == clock.now()
        assert clock.now() != clock.now()


@pytest.mark.django_db
class TestWriting:
    def test_whoever_writes_has_all_asked_anew(self, question):
        with once.one_reading():
            question.of("a")
            record("project.noted", factories.project(), by=factories.person(), at=factories.START)
            question.of("a")
        assert question.asked == 2

    def test_each_decision_on_access_is_made_anew(self):
        project, person = factories.project(), factories.person()
        asked = (person, "match", project, "matching", factories.START)
        missing = "You have no part in this project that allows this."
        assert missing in access.why_not(*asked)
        with once.one_reading():
            assert missing in access.why_not(*asked)
            open_to_person(project, person, ["run_match"])
            record("project.opened_to", project, by=person, at=factories.START)
            assert missing not in access.why_not(*asked)
        close_to_person(project, person, ["run_match"])
        assert missing in access.why_not(*asked)
        open_to_person(project, person, ["run_match"])
        assert missing not in access.why_not(*asked)

    def test_one_decision_asks_no_question_twice(self, django_assert_max_num_queries):
        project, person = factories.project(), factories.person()
        access.why_not(person, "see_counts", project, "output", factories.START)
        with django_assert_max_num_queries(12) as asked:
            access.why_not(person, "see_counts", project, "output", factories.START)
        said = [query["sql"] for query in asked.captured_queries]
        assert len(said) == len(set(said))
