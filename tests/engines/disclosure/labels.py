"""Tables of counts whose labels are short: some count people, their clean twins name categories."""

import random

from openpyxl import Workbook

from tests.engines.disclosure.documents import PEOPLE, TOWNS, WORDS, Made, saved

COUNTING = (
    "{n} {people} transferred",
    "{town} ({n} {people})",
    "{word} {people} left",
    "{town}, n = {n}",
    "Only {n} {people}",
    "{n} of {base} {people}",
    "Not shown ({n} {people})",
    "All {few} {people} employed",
    "None of the {people}",
    "{town}: {word} {people}",
    "Moved away: {n} {people}",
    "{word} enrolled in college",
    "{n} out of {base} passed",
    "{people}: {n}",
    "{town} lost {n} {people}",
    "{word} homeless {people}",
    "Dropped out: {word} {people}",
    "{n} {people} in care",
    "{town}, incl. {n} transfers",
    "{n} male {people} from {town}",
)
# Sets of categories, as tables have them; one is taken for the rows of a table.
CATEGORIES = (
    ("Grade 3", "Grade 4", "Grade 5"),
    ("6-9 years", "10-12 years", "13-17 years"),
    ("Less than 5 days", "5 to 9 days", "10 or more days"),
    ("No children", "1 child", "2 children", "3 or more children"),
    ("One parent", "Two parents", "Other"),
    ("Two-parent household", "One-parent household", "Foster family"),
    ("Fewer than 5 employees", "5 to 9 employees", "10 or more employees"),
    ("1 course", "2 courses", "3 or more courses"),
    ("Ages 0 to 5", "Ages 6 to 17", "Ages 18 and over"),
    ("Under 5 years", "5 to 17 years", "18 years and over"),
    ("Level 1", "Level 2", "Level 3", "Level 4"),
    ("Students with 1 absence", "Students with 2 absences", "Students with more"),
    ("Children aged 3", "Children aged 4", "Children aged 5"),
    ("District 2 students", "District 3 students", "District 4 students"),
    ("4-year college", "2-year college", "No college"),
    ("Household of 2 people", "Household of 3 people", "Larger households"),
    ("Lives with 1 parent", "Lives with 2 parents", "Lives with others"),
    ("Suspended 1 time", "Suspended 2 times", "Never suspended"),
    ("Passed 4 exams", "Passed 5 exams", "Passed fewer"),
    ("Dropped out in grade 9", "Dropped out in grade 10", "Graduated in 4 years"),
    ("Employed in quarter 1", "Employed in quarter 2", "Not employed"),
    ("1 adult, 2 children", "2 adults, 2 children", "2 adults, 3 children"),
    ("Up to 3 persons", "4 persons or more", "Not known"),
    ("Enrolled within 1 year", "Enrolled within 2 years", "Not enrolled"),
    ("Title 1 students", "Tier 2 students", "Kindergarten to grade 3"),
    ("Infants (0-2)", "Toddlers (3-4)", "Children (5-9)"),
    ("Class of 2019", "Class of 2020", "Class of 2021"),
    ("1 to 4 workers", "5 to 9 workers", "10+ workers"),
    ("First-time students", "Second-year students", "Seniors"),
    ("Earned 3 credits", "Earned 4 credits", "Earned 5 or more"),
    ("1 sibling", "2 siblings", "3+ siblings"),
    ("Moved 1 time", "Moved 2 or more times", "Did not move"),
    ("Both parents", "One parent", "Neither"),
    ("Family of 2", "Family of 3", "Family of 4 or more"),
)


def table(seed, *, planted=True):
    """Return header and rows of a table, and the labels planted in it."""
    chance = random.Random(f"labels{seed}")
    categories, towns = list(chance.choice(CATEGORIES)), chance.sample(TOWNS, 3)
    found = []
    for form in chance.sample(COUNTING, 2):
        n = chance.randint(1, 5)
        found.append(
            form.format(
                town=chance.choice(TOWNS),
                n=n,
                word=chance.choice([str.title, str])(WORDS[n - 1]),
                people=chance.choice(PEOPLE),
                base=chance.randint(7, 60),
                few=chance.randint(7, 19),
            )
        )
    rows = categories + (found if planted else [])
    chance.shuffle(rows)
    lines = [[label, *(chance.randint(25, 900) for _ in towns)] for label in rows]
    return ["category", *towns], lines, found if planted else []


def csv(seed, *, planted=True):
    header, lines, found = table(seed, planted=planted)
    quoted = [",".join(f'"{cell}"' for cell in map(str, line)) for line in [header, *lines]]
    return Made(f"labels-{seed}.csv", "\n".join(quoted).encode(), 1, [], found)


def xlsx(seed, *, planted=True):
    header, lines, found = table(seed, planted=planted)
    made = Workbook()
    for line in [header, *lines]:
        made.active.append(line)
    return Made(f"labels-{seed}.xlsx", saved(made), 1, [], found)
