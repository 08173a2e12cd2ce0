"""Numbers in sentences: those that stand for people are found, the others left alone."""

import pytest

from disclosure.engine.documents.numbers import BASE, BOUND, SMALL, find_small
from disclosure.engine.policy import CellPolicy

POLICY = CellPolicy(min_count=6, hide_zeros=True, min_pct_base=20)
TOO_FEW = """\
In Alder, three students dropped out.
The subgroup was small (n = 4) and excluded.
Of these, 4 of 17 were employed.
None of the students enrolled.
None of the 31 enrolled in college.
Only two were homeless.
Just 5 English-learner pupils completed the course.
3/12 (25%) left school.
Four of the homeless students returned.
Two of them found work.
Girls: 3
The number of students who dropped out was 4.
A total of five participants withdrew.
There was one student in foster care.
No students were enrolled in grade 12.
Both students were from Birch.
12% (3) of girls
4 (12%) of girls
Two dropped out.
Homeless students (2)
n=3
one of the students
zero students passed
three out of nine
a single student remained
three grade 12 students left
We counted three\u00a0pupils.
4 of the 25 students"""
TOO_FEW_FOR_A_SHARE = """\
Roughly 1 in 5 of 12 pupils moved away.
All 14 graduated on time.
25% of the 12 students passed.
Among the group (n=15), 40% enrolled.
About 33 percent (n = 9) left.
8/12 (67%) left school.
Eight of eleven pupils passed."""
NO_PEOPLE = """\
In 2019, 345 students graduated.
Table 3 students are shown on page 4.
See Table 2 and Figure 4.
Grade 3 students took the test.
Grades 3 to 5 pupils were included.
Connecticut General Statutes § 10-10a, Section 4 of 17 applies.
20 U.S.C. 1232g; 34 CFR Part 99
The effect was 0.45 (p = 0.03, t = 2.1).
The coefficient on girls is 3.2.
Two-year colleges and four-year colleges
4 of 17 schools declined.
One in five students moved.
Cells with fewer than 6 students are withheld.
Groups of 5 or fewer students are not shown.
One of the main reasons was travel.
5 years after graduation
a 5 percent sample of students
Students in 4 districts were sampled.
2 of 5 models converged
version 2 of the file
12,345 students and 1,234 teachers
two hundred students
25% of the 120 students passed.
n = 1,204
Students earned 3 credits.
ages 3 and 4 children
5-year-old children
students in the 4th grade
two main findings
45 students
students aged 18-24
On March 5 students returned
At 3 p.m. students left
all 12 districts participated
3.5 students per teacher"""


@pytest.mark.parametrize("said", TOO_FEW.split("\n"))
def test_a_small_number_of_people_is_found(said):
    assert SMALL in {finding.what for finding in find_small("p", said, POLICY)}


@pytest.mark.parametrize("said", TOO_FEW_FOR_A_SHARE.split("\n"))
def test_a_share_of_few_people_is_found(said):
    assert BASE in {finding.what for finding in find_small("p", said, POLICY)}


@pytest.mark.parametrize("said", NO_PEOPLE.split("\n"))
def test_what_counts_no_people_or_enough_is_left_alone(said):
    assert not find_small("p", said, POLICY)


def test_a_bound_may_say_no_more_than_that_it_is_small():
    (found,) = find_small("p", "Fewer than four students failed.", POLICY)
    assert found.what == BOUND
    assert not find_small("p", "Fewer than 6 students failed.", POLICY)


def test_where_zeros_may_be_shown_nobody_is_no_finding():
    shown = CellPolicy(min_count=6, hide_zeros=False, min_pct_base=20)
    assert not find_small("p", "None of the students enrolled.", shown)
    assert find_small("p", "One student enrolled.", shown)


def test_the_agencies_own_limits_bind():
    strict = CellPolicy(min_count=12, hide_zeros=True, min_pct_base=30)
    assert find_small("p", "In Birch, 11 students left.", strict)
    assert find_small("p", "25% of the 28 students passed.", strict)


def test_a_finding_names_its_place_and_quotes_its_words():
    (found,) = find_small("slide 3", f"{'We looked far and wide. ' * 9}Then three girls left.", POLICY)
    assert found.place == "slide 3"
    assert "three girls left" in found.quote
    assert len(found.quote) < 120


def test_a_word_broken_at_the_end_of_a_line_is_one_word():
    assert find_small("p", "In Birch two stu-\ndents stayed.", POLICY)
