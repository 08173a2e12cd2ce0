"""What the audit finds is guarded in the next pattern, whatever the side that protects had overlooked."""

import pytest

from disclosure.engine import protect as protecting
from disclosure.engine import release
from disclosure.engine.codes import read_hierarchy
from disclosure.engine.longform import read_long
from disclosure.engine.release import Outside, protect_and_audit
from tests.engines.disclosure.samples import RULES, ZEROS_SHOWN

RESIDUAL = "a,b,count\nx,1,2\nx,2,3\nx,3,40\nx,Total,45\ny,1,50\ny,2,50\ny,3,50\ny,Total,150\n"
RESIDUAL += "Total,1,52\nTotal,2,53\nTotal,3,90\nTotal,Total,195\n"
AGES = "age,sex,count\n18-24,f,100\n18-25,f,103\n18-24,m,60\n18-25,m,90\n"
AGES_TREE = "parent,child\n18-25,18-24\n18-25,25\nTotal,18-25\nTotal,26\n"
UNLISTED = "race,sex,count\nx,f,30\nx,m,27\nx,Total,60\ny,f,20\ny,m,33\ny,Total,70\n"
BY_SEX = "sex,count\nf,50\nm,60\nu,20\nTotal,130\n"


def settled(*texts, earlier=(), tree=None, policy=RULES, rounds=None, monkeypatch=None):
    if rounds:
        monkeypatch.setattr(release, "ROUNDS", rounds)
    groups = {"age": tree.encode()} if tree else {}
    return protect_and_audit(
        [read_long(f"t{i}.csv", text) for i, text in enumerate(texts)],
        Outside([(f"old{i}.csv", text.encode()) for i, text in enumerate(earlier)], (),
                [read_long(f"old{i}.csv", text) for i, text in enumerate(earlier)]),
        hierarchies={"age": read_hierarchy("age", tree)} if tree else {},
        groups=groups,
        policy=policy,
        seconds=5,
    )  # fmt: skip


@pytest.fixture
def blind(monkeypatch):
    """Let the side that protects see nothing but single small cells."""
    real = protecting.find_targets

    def narrow(problem, policy, lines, must):
        return [t for t in real(problem, policy, lines, must) if t.kind == "cell"]

    monkeypatch.setattr(protecting, "find_targets", narrow)
    monkeypatch.setattr(protecting, "find_shadows", lambda *given: [])
    real_watched = protecting.find_watched

    def only_wanted(gathered, problem, lines, must, shadows, policy, budget):
        told = real_watched(gathered, problem, lines, must, shadows, policy, budget)
        return [t for t in told if gathered.wanted]

    monkeypatch.setattr(protecting, "find_watched", only_wanted)
    monkeypatch.setattr(protecting, "_line_cuts", lambda attacker, lines: [])


CASES = {
    "a sum": ("residual", [RESIDUAL], None),
    "a band less another": ("unlisted", [AGES], AGES_TREE),
    "a line nobody printed": ("unlisted", [UNLISTED, BY_SEX], None),
}


@pytest.mark.obligation("O-78", "O-81")
@pytest.mark.parametrize("case", CASES)
def test_what_was_overlooked_is_guarded_in_the_next_pattern(case, blind, monkeypatch):
    kind, texts, tree = CASES[case]
    _, report = settled(*texts, tree=tree, rounds=1, monkeypatch=monkeypatch)
    assert kind in {leak.kind for leak in report.leaks}
    _, report = settled(*texts, tree=tree, rounds=4, monkeypatch=monkeypatch)
    assert report.passed


@pytest.mark.parametrize("policy", [RULES, ZEROS_SHOWN])
def test_one_round_is_enough_for_the_side_that_sees(policy, monkeypatch):
    for _, texts, tree in CASES.values():
        _, report = settled(*texts, tree=tree, policy=policy, rounds=1, monkeypatch=monkeypatch)
        assert report.passed
