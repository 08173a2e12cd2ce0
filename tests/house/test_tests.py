"""A test that names an obligation asserts something, and none is skipped for good."""

import ast

from tests.house.source import Module, all_modules
from tools.obligations_page import obligations

SAYS_SO = ("assert", "expect", "look", "check", "refuse", "raises", "warns", "verify")


def _tests() -> list[Module]:
    return [module for module in all_modules() if module.path.startswith("tests/")]


def _ids(function: ast.FunctionDef) -> list[str]:
    return [
        argument.value
        for mark in function.decorator_list
        if isinstance(mark, ast.Call) and ast.unparse(mark.func) == "pytest.mark.obligation"
        for argument in mark.args
        if isinstance(argument, ast.Constant)
    ]


def _marked() -> list[tuple[Module, ast.FunctionDef]]:
    return [
        (module, node)
        for module in _tests()
        for node in ast.walk(module.tree)
        if isinstance(node, ast.FunctionDef) and _ids(node)
    ]


def test_a_test_that_names_an_obligation_asserts_something():
    silent = [module.at(function) for module, function in _marked() if not _asserts(function)]
    assert not silent


def _asserts(function: ast.FunctionDef) -> bool:
    return any(
        isinstance(node, ast.Assert)
        or (isinstance(node, ast.Call) and ast.unparse(node.func).rpartition(".")[2].startswith(SAYS_SO))
        for node in ast.walk(function)
    )


def test_only_listed_obligations_are_named_and_three_at_most():
    listed = {one.id for one in obligations()}
    wrong = [
        module.at(function)
        for module, function in _marked()
        if len(_ids(function)) > 3 or not set(_ids(function)) <= listed
    ]
    assert not wrong


def test_no_test_is_expected_to_fail_or_skipped_outright():
    put_off = [
        module.at(node)
        for module in _tests()
        for node in ast.walk(module.tree)
        if isinstance(node, ast.Attribute)
        and ast.unparse(node) in ("pytest.mark.xfail", "pytest.mark.skip")
        and module.path != "tests/marks.py"
    ]
    assert not put_off
