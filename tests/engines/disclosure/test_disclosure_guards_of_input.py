"""Guards against wrong input, limits of size and a solver's odd answers, each taken out once."""

import highspy
import pytest

from disclosure.engine import cli, examine, protect, reading, release, solver, space
from disclosure.engine.audit import case, closure, universe
from disclosure.engine.audit.findings import Report
from disclosure.engine.examine import IN_TEXT, NOT_SETTLED, SAFE, UNREADABLE
from disclosure.engine.solver import _HIGHS
from tests.engines.disclosure import documents as corpus
from tests.engines.disclosure.samples import RULES
from tests.engines.disclosure.test_disclosure_guards import (
    LEAK,
    PASS,
    STOPPED,
    TABLE,
    WRONG,
    Guard,
    always_clean,
    ends,
    no_contradiction,
    only_small_ones,
    put,
    trusting,
)


def answering(status):
    """Let the solver work, and answer this."""

    class Odd(_HIGHS):
        def getModelStatus(self):
            return status

    return put(solver, "_HIGHS", Odd)


def failing(patch):
    class Failing(_HIGHS):
        def run(self):
            super().run()
            return highspy.HighsStatus.kError

    patch.setattr(solver, "_HIGHS", Failing)


def trustful_run(highs, budget, *, size, integral=False, until=None):
    highs.run()
    budget.charge(1, size, integral=integral)
    return highspy.HighsModelStatus.kOptimal


def nothing(*arguments, **options):
    return None


CROSSED = "a,b,released\nx,1,40\nx,2,50\ny,1,60\ny,2,70\n"
GUARDS = {
    "a small count that is out already": Guard(
        trusting(
            put(protect, "_refuse_shown_already", nothing),
            put(protect, "_pattern", only_small_ones),
            put(release, "audit_release", always_clean),
        ),
        {"t": "a,count\nx,3\ny,50\nz,60\n", "old": "a,released\nx,3\n"},
        "protect {t} --released {old}",
        with_it=LEAK,
        without=PASS,
        why="has been released already",
    ),
    "two spellings of a name": Guard(
        put(cli, "refuse_two_spellings", nothing),
        {"t": "a,released\nx,\ny,\nz,60\nTotal,113\n", "old": "A,released\nx,\ny,50\nz,\nTotal,113\n"},
        "audit {t} {old}",
        with_it=WRONG,
        without=PASS,
        why="Write it alike",
    ),
    "more inner cells than can be asked about": Guard(
        put(universe, "LIMIT", 10**6),
        {"t": CROSSED},
        "audit {t}",
        with_it=WRONG,
        without=PASS,
        why="the limit is",
        broken=put(universe, "LIMIT", 3),
    ),
    "more cells between the lines than can be asked about": Guard(
        put(closure, "LIMIT", 10**6),
        {"t": CROSSED},
        "audit {t}",
        with_it=WRONG,
        without=PASS,
        why="the limit is",
        broken=put(closure, "LIMIT", 3),
    ),
    "more inner cells than can be protected": Guard(
        put(space, "LARGEST", 10**6),
        {"t": TABLE},
        "protect {t}",
        with_it=STOPPED,
        without=PASS,
        why="the limit is",
        broken=put(space, "LARGEST", 3),
    ),
    "a solver that returns an error": Guard(
        put(solver, "run", trustful_run),
        {"t": TABLE},
        "protect {t}",
        with_it=STOPPED,
        without=PASS,
        why="returned an error",
        broken=failing,
    ),
    "a solver that answers what nobody knows": Guard(
        put(solver, "run", trustful_run),
        {"t": TABLE},
        "protect {t}",
        with_it=STOPPED,
        without=PASS,
        why="The solver answered",
        broken=answering(highspy.HighsModelStatus.kUnknown),
    ),
    "sums that disagree": Guard(
        trusting(
            put(protect, "refuse_sums_that_disagree", nothing),
            put(case.Case, "_narrow", no_contradiction),
            put(release, "audit_release", always_clean),
        ),
        {"t": "a,b,count\nx,f,40\nx,m,30\nx,Total,90\ny,f,50\ny,m,45\ny,Total,95\n"},
        "protect {t}",
        with_it=WRONG,
        without=PASS,
        why="is not the sum of its parts",
    ),
}


@pytest.mark.obligation("O-78", "O-81")
@pytest.mark.parametrize("name", GUARDS)
def test_with_the_guard_it_is_refused_and_without_it_passes(name, tmp_path, monkeypatch, capsys):
    guard = GUARDS[name]
    if guard.broken:
        guard.broken(monkeypatch)
    assert ends(guard, tmp_path) == guard.with_it
    told = capsys.readouterr()
    assert guard.why in told.out + told.err
    assert not (tmp_path / "P.csv").exists()
    guard.take_out(monkeypatch)
    assert ends(guard, tmp_path) == guard.without


PEOPLE = b"pupil,sex,count\n" + b"".join(b"Zq%d,f,%d\n" % (i, 7 + i) for i in range(30))
UNTOLD = b"school,sex,count\nA,f,40\nA,m,30\nA,both,70\nB,f,50\nB,m,45\nB,both,95\n"
PLANTED = corpus.docx(0, tables=1)
VERDICTS = {
    "a list of people": ("p.csv", PEOPLE, UNREADABLE, put(reading, "refuse_people", nothing)),
    "a total that is not called so": (
        "t.csv", UNTOLD, UNREADABLE, put(examine, "_refuse_untold_totals", nothing),
    ),
    "small numbers in a text": (PLANTED.name, PLANTED.content, IN_TEXT, put(examine, "stopped_by", nothing)),
}  # fmt: skip


@pytest.mark.obligation("O-80", "O-81")
@pytest.mark.parametrize("name", VERDICTS)
def test_what_is_not_safe_to_read_is_safe_without_its_guard_alone(name, monkeypatch):
    file, content, verdict, take_out = VERDICTS[name]
    assert examine.examine(file, content, policy=RULES, seconds=5).verdict == verdict
    take_out(monkeypatch)
    assert examine.examine(file, content, policy=RULES, seconds=5).verdict == SAFE


@pytest.mark.obligation("O-81")
def test_an_audit_that_finds_a_leak_is_no_pass_and_hands_on_nothing(monkeypatch):
    content = TABLE.encode()

    monkeypatch.setattr(protect, "_pattern", only_small_ones)
    found = examine.examine("t.csv", content, policy=RULES, seconds=5)
    assert (found.verdict, found.audited(), found.released()) == (NOT_SETTLED, [], [])
    monkeypatch.setattr(Report, "passed", property(lambda self: True))
    assert examine.examine("t.csv", content, policy=RULES, seconds=5).verdict == SAFE
