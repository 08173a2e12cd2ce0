"""A status moves by `workflow.take()` alone, and no write goes round a model's history."""

import ast
from collections.abc import Iterator

from django.apps import apps

from p20win.audit.history import is_recorded
from tests.house.source import Module, modules

MOVER = "p20win/workflow.py"
MOVED = {"status", "status_since"}
# The one place that may write to many rows of a recorded model at once.
MANY_ROWS = "p20win/audit/history.py"
ROUND_THE_HISTORY = {"update", "delete", "bulk_create", "bulk_update", "_raw_delete"}
MANAGERS = {"objects", "_default_manager", "_base_manager"}
OF_QUERYSETS = {"filter", "exclude", "all", "order_by", "select_for_update", "using", "distinct", "none"}


def _code() -> Iterator[Module]:
    return (module for module in modules() if not module.is_migration and "/engine/" not in module.path)


def test_no_status_is_set_by_hand():
    by_hand = [
        module.at(node) for module in _code() if module.path != MOVER for node in _status_writes(module)
    ]
    assert not by_hand


def _status_writes(module: Module) -> Iterator[ast.AST]:
    for node in ast.walk(module.tree):
        targets = node.targets if isinstance(node, ast.Assign) else [getattr(node, "target", None)]
        if isinstance(node, ast.Assign | ast.AugAssign):
            yield from (each for each in targets if isinstance(each, ast.Attribute) and each.attr in MOVED)
        if isinstance(node, ast.Call):
            names = {word.arg for word in node.keywords}
            if isinstance(node.func, ast.Attribute) and node.func.attr == "update" and names & MOVED:
                yield node
            if isinstance(node.func, ast.Name) and node.func.id == "setattr" and _second(node) in MOVED:
                yield node


def _second(call: ast.Call) -> object:
    return call.args[1].value if len(call.args) > 1 and isinstance(call.args[1], ast.Constant) else None


def test_no_write_goes_round_the_history_of_a_model():
    round_it = [
        f"{module.at(node)} {'.'.join(names)}"
        for module in _code()
        if module.path != MANY_ROWS
        for node, names in _writes_to_many(module)
        if _may_be_recorded(names)
    ]
    assert not round_it


def _writes_to_many(module: Module) -> Iterator[tuple[ast.Call, list[str]]]:
    for node in ast.walk(module.tree):
        if not (isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute)):
            continue
        names = _chain(node.func)
        if names[-1] in ROUND_THE_HISTORY and set(names[:-1]) & (MANAGERS | OF_QUERYSETS):
            yield node, names


def _chain(node: ast.expr) -> list[str]:
    """Return the names of `Model.objects.filter(…).update`, from the left."""
    names: list[str] = []
    while True:
        if isinstance(node, ast.Attribute):
            names.append(node.attr)
            node = node.value
        elif isinstance(node, ast.Call):
            node = node.func
        else:
            names.append(node.id if isinstance(node, ast.Name) else "")
            return names[::-1]


def _may_be_recorded(names: list[str]) -> bool:
    """Say whether the rows may be of a model with history; a chain whose model is not plain may be."""
    named = [model for model in apps.get_models() if model.__name__ in names]
    if not named:
        named = [
            relation.related_model
            for model in apps.get_models()
            for relation in model._meta.related_objects
            if relation.get_accessor_name() in names
        ]
    return any(map(is_recorded, named)) if named else True


def test_every_model_of_the_desks_keeps_its_history():
    """Only what grows by itself and is never changed may go without, and counters, nonces, the demo clock."""
    ours = {"requests_app", "agreements", "matching", "disclosure", "projects", "accounts", "governance"}
    without = [
        model._meta.label
        for model in apps.get_models()
        if model._meta.app_label in ours
        and not model.__name__.startswith("Historical")
        and not is_recorded(model)
        and not getattr(model, "append_only", False)
        and not getattr(model, "bookkeeping", False)
    ]
    assert not without
