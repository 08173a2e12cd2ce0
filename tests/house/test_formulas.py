"""Every table that is made for people goes past what takes the formulas out; research files do not (C23)."""

import ast

from tests.house.source import all_modules

MAKES_TABLES = ("csv.writer", "csv.DictWriter", "Workbook", "openpyxl.Workbook", "xlsxwriter.Workbook")
WITHOUT = {
    "requests_app/views/rows.py": "an empty sheet: its own headers alone",
    "disclosure/engine/alternatives.py": "a researcher's own tables; formulas as labels were refused",
    "disclosure/engine/workbook.py": "a researcher's own workbook; every text is written as a text",
    "disclosure/engine/names.py": "what names mean, for the checks alone; formulas as labels are refused",
    "disclosure/engine/byhand.py": "how a table is read, for the checks alone",
    "disclosure/engine/longform.py": "research tables, kept as they are; formulas as labels are refused",
}
OF_PEOPLE = ("p20win/", "requests_app/", "agreements/", "matching/", "disclosure/", "governance/")


def _makers() -> dict[str, bool]:
    """Return each module that makes tables, and whether it takes formulas out."""
    found = {}
    for module in all_modules():
        if not module.path.startswith(OF_PEOPLE):
            continue
        calls = {ast.unparse(node.func) for node in ast.walk(module.tree) if isinstance(node, ast.Call)}
        if calls & set(MAKES_TABLES):
            found[module.path] = any(call.rpartition(".")[2] == "harmless" for call in calls)
    return found


def test_c23_every_table_for_people_is_made_without_formulas():
    makers = _makers()
    assert {path for path, is_harmless in makers.items() if is_harmless}
    assert {path for path, is_harmless in makers.items() if not is_harmless} == set(WITHOUT)
