"""Size, emptiness, and what may not be written at all."""

import ast
import re

from tests.house.source import ROOT, all_modules, files, modules

LONGEST = 400
# Written elsewhere and kept whole: papers, locks, tables of data.
NOT_OURS_TO_SHORTEN = re.compile(
    r"^(LICENSE|package-lock\.json|requirements/|docs/|tests/data/|CHANGELOG\.md|fixtures/.*\.(csv|txt|json|toml))|/migrations/"
)
TEXT = re.compile(r"\.(py|html|txt|js|css|md|toml|yml|yaml|sh)$|^(run|test|check)$")
MACHINE = re.compile(
    r"(?<![\w.])/(root|home(?!/somebody)|work|Users)/[\w.]|index-url\s*=|find-links\s*=|//registry\.npmjs|//pypi\.org"
)
UNFINISHED = re.compile(r"\b(TODO|FIXME|XXX|HACK)\b|raise NotImplementedError")


def _text(name: str) -> str:
    return (ROOT / name).read_text(encoding="utf-8", errors="replace")


def test_no_file_is_longer_than_one_sitting():
    too_long = {
        name: length
        for name in files()
        if TEXT.search(name)
        and not NOT_OURS_TO_SHORTEN.search(name)
        and (length := len(_text(name).splitlines())) > LONGEST
    }
    assert not too_long


def test_every_package_file_is_empty_so_that_engines_need_no_settings():
    filled = [
        module.path for module in all_modules() if module.path.endswith("__init__.py") and module.text.strip()
    ]
    assert not filled


def test_nothing_is_left_unfinished():
    marks = [
        f"{name}:{number}"
        for name in files()
        if TEXT.search(name) and name != "tests/house/test_layout.py" and not name.startswith("docs/")
        for number, line in enumerate(_text(name).splitlines(), 1)
        if UNFINISHED.search(line)
    ]
    assert not marks


def test_no_file_names_a_place_of_one_machine_or_a_package_index():
    named = [
        f"{name}:{number}"
        for name in files()
        if TEXT.search(name) and name != "tests/house/test_layout.py"
        for number, line in enumerate(_text(name).splitlines(), 1)
        if MACHINE.search(line)
    ]
    assert not named


def test_nothing_happens_by_a_signal():
    heard = [
        module.at(node)
        for module in modules()
        for node in ast.walk(module.tree)
        if isinstance(node, ast.ImportFrom) and (node.module or "").endswith(("signals", "django.dispatch"))
    ]
    assert not heard


def test_saving_a_row_only_saves_it():
    with_logic = [
        module.at(part)
        for module in modules()
        for node in ast.walk(module.tree)
        if isinstance(node, ast.ClassDef)
        for part in node.body
        if isinstance(part, ast.FunctionDef)
        and part.name in ("save", "delete")
        and "/engine/" not in module.path
    ]
    assert not with_logic


COMMAND_LINES = re.compile(r"^client/|^p20win/supervise\.py$|/(cli|__main__)\.py$")


def test_prints_are_for_commands_alone():
    """A page or a task that prints may print what nobody should read; logs carry ids."""
    printing = [
        module.at(node)
        for module in modules()
        if not COMMAND_LINES.search(module.path)
        for node in ast.walk(module.tree)
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == "print"
    ]
    assert not printing
