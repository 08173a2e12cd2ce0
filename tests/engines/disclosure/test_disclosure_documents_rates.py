"""How much of what is planted in documents is found, and how often a clean page is suspected (design, 4)."""

import random
import sys
from dataclasses import dataclass

import pytest

from disclosure.engine.documents import acknowledgement
from disclosure.engine.documents.apart import read_document
from disclosure.engine.documents.mapping import mapped
from disclosure.engine.errors import BadTable
from disclosure.engine.policy import CellPolicy
from disclosure.engine.reading import read_file
from tests.engines.disclosure import documents as corpus
from tests.engines.disclosure.test_disclosure_acknowledgement import PLACES, SENTENCE, answer

POLICY = CellPolicy(min_count=6, hide_zeros=True, min_pct_base=20)
WHOLE, MOST, PRINTED = 1.0, 0.98, 0.95  # charts and acknowledgements; Office tables; PDF
MOST_ALARMS = 1  # of each page of a clean document, at worst
FEW_ALARMS = {"docx": 0.02, "pptx": 0.02, "chart": 0.0, "pdf": 0.05}  # of a page, over many documents
FEW_REFUSED = {"docx": 0.02, "pptx": 0.02, "chart": 0.0, "pdf": 0.02}  # of clean documents


@dataclass
class Rates:
    """What was counted over many documents."""

    cells: int = 0
    cells_found: int = 0
    phrases: int = 0
    phrases_found: int = 0
    clean: int = 0
    clean_refused: int = 0
    pages: int = 0
    alarms: int = 0
    worst: float = 0.0  # alarms on a page of one document

    def of_cells(self):
        return self.cells_found / self.cells

    def of_phrases(self):
        return self.phrases_found / self.phrases if self.phrases else 1.0

    def refused(self):
        return self.clean_refused / self.clean

    def of_a_page(self):
        return self.alarms / self.pages

    def take_clean(self, made, found):
        """Count what is held against a document in which nothing was planted."""
        self.clean += 1
        self.clean_refused += bool(found.hurdles or not found.tables)
        self.pages += made.pages
        self.alarms += len(found.findings)
        self.worst = max(self.worst, len(found.findings) / made.pages)

    def told(self, what):
        return (
            f"{what}: in tables {self.cells_found} of {self.cells}, in text {self.phrases_found} of"
            f" {self.phrases}; {self.alarms} false alarms on {self.pages} clean pages,"
            f" {self.clean_refused} of {self.clean} clean documents refused"
        )


def measured(make, seeds):
    rates = Rates()
    for seed in seeds:
        made, clean = make(seed), make(seed, planted=False)
        found = mapped(made.name, read_document(made.name, made.content), POLICY)
        tables = {(code, r.count) for table in found.tables for r in table.rows for code in r.codes.values()}
        listed = [finding.quote for finding in found.findings]
        for town, count in made.cells:
            rates.cells += 1
            rates.cells_found += (town, count) in tables or any(
                q.startswith(f"{town}: {count}") for q in listed
            )
        for phrase in made.phrases:
            rates.phrases += 1
            rates.phrases_found += any(quotes(phrase, quote) for quote in listed)
        rates.take_clean(clean, mapped(clean.name, read_document(clean.name, clean.content), POLICY))
    return rates


def quotes(phrase, quote):
    """Say whether three words of the sentence that was planted stand in what was quoted."""
    words, said = phrase.split(), quote.strip("…")
    return any(" ".join(words[i : i + 3]) in said for i in range(len(words) - 2))


def holds(rates, kind):
    assert rates.of_cells() >= FLOORS[kind]
    assert rates.of_phrases() >= PRINTED
    assert rates.worst <= MOST_ALARMS
    assert rates.of_a_page() <= FEW_ALARMS[kind]
    assert rates.refused() <= FEW_REFUSED[kind]


FLOORS = {"docx": MOST, "pptx": MOST, "chart": WHOLE, "pdf": PRINTED}


@pytest.mark.parametrize("kind", FLOORS)
def test_planted_numbers_are_found_in_a_few_documents(kind):
    holds(measured(getattr(corpus, kind), range(4)), kind)


@pytest.mark.long
@pytest.mark.timeout(900)
@pytest.mark.parametrize("kind", FLOORS)
def test_planted_numbers_are_found_in_many_documents(kind, capsys):
    rates = measured(getattr(corpus, kind), range(100, 220))
    with capsys.disabled():
        sys.stdout.write(f"\n{rates.told(kind)}\n")
    holds(rates, kind)


def test_planted_numbers_are_found_in_workbooks():
    planted = found = 0
    for seed in range(40):
        made = corpus.xlsx(seed)
        tables = read_file(made.name, made.content)
        there = {(code, row.count) for table in tables for row in table.rows for code in row.codes.values()}
        planted += len(made.cells)
        found += sum(cell in there for cell in made.cells)
        hidden = corpus.xlsx(seed, hidden=True)
        with pytest.raises(BadTable, match="hidden sheet"):
            read_file(hidden.name, hidden.content)
    assert planted > 80
    assert found / planted >= MOST


@pytest.mark.long
@pytest.mark.obligation("O-83")
@pytest.mark.timeout(900)
def test_the_acknowledgement_is_found_always_and_a_changed_one_never(capsys):
    chance, right, asked = random.Random(83), 0, 0
    for name, place in PLACES.items():
        for _ in range(12):
            words = SENTENCE.split()
            at = chance.randrange(len(words))
            changed = [*words[:at], *chance.choice([[], ["indeed"]]), *words[at + 1 :]]
            right += answer(name, place(" ".join(words))).state == acknowledgement.EXACT
            right += answer(name, place(" ".join(changed))).state == acknowledgement.NEAR
            asked += 2
    with capsys.disabled():
        sys.stdout.write(f"\nacknowledgement: {right} of {asked} right, in {len(PLACES)} places\n")
    assert right == asked
