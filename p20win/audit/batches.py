"""Migrations that make many tables and columns, applied in a few seconds.

Django renders all related models anew for every single table, and for every column that refers to one, which
takes ever longer the more there are. Here the tables and columns of one migration that follow each other are
rendered once, and new tables are made with their constraints and indexes. The outcome is the same database;
a test compares the two.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from itertools import groupby
from typing import Any, Final

from django.db.migrations import AddConstraint, AddField, AddIndex, CreateModel, Migration
from django.db.migrations.state import ProjectState

_TOGETHER: Final = (CreateModel, AddField, AddConstraint, AddIndex)


@contextmanager
def in_batches() -> Iterator[None]:
    """Apply migrations in this way while it is open."""
    one_by_one = Migration.apply

    def apply(
        self: Migration, project_state: ProjectState, schema_editor: Any, collect_sql: bool = False
    ) -> ProjectState:
        state, editor = project_state, schema_editor
        if collect_sql or not editor.atomic_migration or not self.atomic:
            return one_by_one(self, state, editor, collect_sql)
        for together, operations in groupby(self.operations, lambda each: type(each) in _TOGETHER):
            if together:
                state = _make_tables(self, state, editor, list(operations))
            else:
                rest = Migration(self.name, self.app_label)
                rest.operations = list(operations)  # type: ignore[misc]
                state = one_by_one(rest, state, editor)
        return state

    Migration.apply = apply  # type: ignore[method-assign]
    try:
        yield
    finally:
        Migration.apply = one_by_one  # type: ignore[method-assign]


def _make_tables(
    migration: Migration, state: ProjectState, editor: Any, operations: list[Any]
) -> ProjectState:
    before = state.clone()
    state.__dict__.pop("apps", None)  # rendered when first asked for, and that is after all are known
    for operation in operations:
        operation.state_forwards(migration.app_label, state)
    new = {operation.name_lower for operation in operations if isinstance(operation, CreateModel)}
    for operation in operations:
        # A new table is made with all that its model has by now, later columns included.
        if isinstance(operation, CreateModel) or operation.model_name_lower not in new:
            operation.database_forwards(migration.app_label, editor, before, state)
    return state
