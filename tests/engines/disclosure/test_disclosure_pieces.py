"""Facts that have nothing to do with each other are looked at apart, and every verdict stays what it was."""

import numpy as np
import pytest
from scipy import sparse

from bench.disclosure import union
from bench.disclosure.ledger import LEAKS, Project
from disclosure.engine.audit import pieces, system
from disclosure.engine.audit.closure import Sum
from disclosure.engine.audit.judge import audit
from disclosure.engine.errors import BadTable
from tests.engines.disclosure.generators import blanked, counts, long
from tests.engines.disclosure.samples import RULES

ALWAYS, NEVER = 0, 10**9
FACTS = sparse.csr_matrix(np.array([[1.0, 1, 1, 1], [1, 1, 0, 0], [0, 0, 1, 1], [1, 0, 1, 0]]))
ALONG = [Sum(0, np.array([1, 2]))]


def both(monkeypatch, files, groups=None):
    """Audit in pieces and as a whole; return what leaks, and how open each cell is where that is proven."""
    told = []
    for wide in (ALWAYS, NEVER):
        monkeypatch.setattr(system, "_WIDE", wide)
        try:
            report = audit(files, groups=groups or {}, policy=RULES)
        except BadTable as error:
            told.append(("refused", str(error)))
        else:
            found = [(f.kind, f.people, f.low, f.high, f.plus, f.minus) for f in report.leaks]
            told.append((report.passed, sorted(found), report.questions, report.withheld))
    return told


def apart(texts):
    """Put tables of different people into one file, with no line for all of them."""
    head = "who," + texts[0].splitlines()[0]
    rows = [f"w{n},{line}" for n, text in enumerate(texts) for line in text.splitlines()[1:]]
    return "\n".join([head, *rows, ""]).encode()


@pytest.mark.obligation("O-81")
@pytest.mark.parametrize("seed", range(12))
def test_a_verdict_is_the_same_in_pieces(seed, monkeypatch):
    rng = np.random.default_rng(seed)
    drawn = [long(counts(rng, (3, 4), small=0.3), "ab") for _ in range(3)]
    files = [("t.csv", apart([blanked(text, rng, zeros_hidden=True) for text in drawn]))]
    in_pieces, whole = both(monkeypatch, files)
    assert in_pieces == whole
    assert whole[0] != "refused"


@pytest.mark.parametrize("leak", [*LEAKS, None])
def test_a_project_of_many_releases_is_judged_the_same_in_pieces(leak, monkeypatch):
    project = Project(union.SIZES["tiny"], 5)
    files = project.ledger(project.planted(leak, twin=False) if leak else ())
    in_pieces, whole = both(monkeypatch, files, project.groups)
    assert in_pieces == whole
    assert whole[0] is (leak is None)


def test_it_falls_into_pieces(monkeypatch):
    monkeypatch.setattr(system, "_WIDE", ALWAYS)
    numbers = []
    monkeypatch.setattr(system, "split", lambda facts: numbers.append(pieces.split(facts)) or numbers[-1])
    project = Project(union.SIZES["tiny"], 5)
    assert audit(project.ledger(), groups=project.groups, policy=RULES).passed
    assert len(set(numbers[0].tolist())) == union.SIZES["tiny"].releases


def test_a_sum_of_shown_counts_says_nothing_new():
    exact = np.array([10.0, 4, 6, 5])
    assert pieces.implied(FACTS, exact, exact, ALONG).tolist() == [True, False, False, False]


@pytest.mark.parametrize(
    ("facts", "low", "high", "along"),
    [
        (FACTS, [11.0, 4, 6, 5], [11.0, 4, 6, 5], ALONG),  # does not add up: a contradiction to be found
        (FACTS, [10.0, 4, 6, 5], [10.0, 9, 6, 5], ALONG),  # a part is open
        (FACTS, [10.0, 4, 6, 5], [12.0, 4, 6, 5], ALONG),  # the whole is
        (FACTS, [10.0, 4, 5, 6], [10.0, 4, 5, 6], [Sum(0, np.array([1, 3]))]),  # no sum, entry by entry
    ],
)
def test_whatever_else_is_kept(facts, low, high, along):
    assert not pieces.implied(facts, np.array(low), np.array(high), along).any()


def test_a_total_that_does_not_add_up_is_refused_in_pieces_too(monkeypatch):
    project = Project(union.SIZES["tiny"], 5)
    files = project.ledger()
    name, content = files[-1]
    last = content.decode().splitlines()
    shown = last[-1].split(",")
    shown[5] = str(int(shown[5]) + 1)
    files[-1] = name, "\n".join([*last[:-1], ",".join(shown), ""]).encode()
    in_pieces, whole = both(monkeypatch, files, project.groups)
    assert in_pieces[0] == whole[0] == "refused"


def test_no_whole_number_in_one_piece_is_no_pass_for_another(monkeypatch):
    """Two of three parts together, each pair the same odd number: halves fit, people do not."""
    pairs = ["x|y", "y|z", "x|z"]
    odd = ["w0," + f"{pair},101" for pair in pairs]
    open_ = ["w1,x,", "w1,y,", "w1,z,90", "w1,x|y,200"]
    files = [("t.csv", "\n".join(["who,a,released", *odd, *open_, ""]).encode())]
    in_pieces, whole = both(monkeypatch, files)
    assert in_pieces[0] is not True
    assert whole[0] is not True
