"""Migrations that make many tables and columns, applied in a few seconds.

Django renders every model anew for each migration, and all related ones for each table, and for each column
that refers to one, which takes ever longer the more there are. Here the tables and columns of one migration
that follow each other are made together, new tables with their constraints and indexes; and only those models
are rendered that this needs: the ones that are made or changed, and what they refer to. The outcome is the
same database; a test compares the two.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from itertools import groupby
from typing import Any, Final

from django.core.management.commands import migrate
from django.db.migrations import (
    AddConstraint,
    AddField,
    AddIndex,
    AlterField,
    AlterModelManagers,
    AlterModelOptions,
    AlterUniqueTogether,
    CreateModel,
    Migration,
    RemoveConstraint,
)
from django.db.migrations.executor import MigrationExecutor
from django.db.migrations.state import ProjectState
from django.db.migrations.utils import resolve_relation

_TOGETHER: Final = (CreateModel, AddField, AddConstraint, AddIndex)
_ALONE: Final = (RemoveConstraint, AlterModelOptions, AlterModelManagers, AlterUniqueTogether)
_Key = tuple[str, str]


@contextmanager
def in_batches() -> Iterator[None]:
    """Apply migrations in this way while it is open."""
    command: Any = migrate  # what it builds on is its own
    one_by_one, executor = Migration.apply, command.MigrationExecutor

    def apply(
        self: Migration, project_state: ProjectState, schema_editor: Any, collect_sql: bool = False
    ) -> ProjectState:
        state, editor = project_state, schema_editor
        if collect_sql or not editor.atomic_migration or not self.atomic:
            return one_by_one(self, state, editor, collect_sql)
        for _, operations in groupby(enumerate(self.operations), _batch):
            batch = [operation for _, operation in operations]
            if all(_is_plain(operation, self.app_label, state) for operation in batch):
                state = _change_tables(self, state, editor, batch)
            else:
                rest = Migration(self.name, self.app_label)
                rest.operations = batch  # type: ignore[misc]
                state = one_by_one(rest, state, editor)
        return state

    Migration.apply = apply  # type: ignore[method-assign]
    command.MigrationExecutor = _Executor
    try:
        yield
    finally:
        Migration.apply = one_by_one  # type: ignore[method-assign]
        command.MigrationExecutor = executor


class _Executor(MigrationExecutor):
    """Django's, which does not render every model before each migration."""

    def _migrate_all_forwards(
        self, state: ProjectState, plan: Any, full_plan: Any, fake: bool, fake_initial: bool
    ) -> ProjectState:
        wanted = {migration for migration, _ in plan}
        for migration, _ in full_plan:
            if migration in wanted:
                state = self.apply_migration(state, migration, fake=fake, fake_initial=fake_initial)
        return state


def _batch(numbered: tuple[int, Any]) -> int:
    """Return the same number for all operations that may be done together, and its own for any other."""
    number, operation = numbered
    return -1 if isinstance(operation, _TOGETHER) else number


def _is_plain(operation: Any, app: str, state: ProjectState) -> bool:
    """Say whether nothing that refers to the table must be known to do this."""
    if isinstance(operation, AlterField):
        fields = state.models[app, operation.model_name_lower].fields
        return not any(
            field.primary_key or field.unique for field in (operation.field, fields[operation.name])
        )
    return isinstance(operation, (*_TOGETHER, *_ALONE))


def _change_tables(
    migration: Migration, state: ProjectState, editor: Any, operations: list[Any]
) -> ProjectState:
    app = migration.app_label
    before = state.clone()
    state.__dict__.pop("apps", None)  # nothing is rendered on the way
    for operation in operations:
        operation.state_forwards(app, state)
    new = {operation.name_lower for operation in operations if isinstance(operation, CreateModel)}
    # A new table is made with all that its model has by now, later columns included.
    left = [o for o in operations if isinstance(o, CreateModel) or _table(o) not in new]
    touched = {(app, _table(operation)) for operation in left}
    old, now = _part_of(before, touched), _part_of(state, touched)
    for operation in left:
        operation.database_forwards(app, editor, old, now)
    return state


def _table(operation: Any) -> str:
    """Return the model's name of an operation, which those on a part of it call otherwise."""
    return str(getattr(operation, "model_name_lower", "") or operation.name_lower)


def _part_of(state: ProjectState, wanted: Iterable[_Key]) -> ProjectState:
    """Return the state of these models, as far as they are there, and of all that they refer to."""
    part: dict[_Key, Any] = {}
    waiting = list(wanted)
    while waiting:
        key = waiting.pop()
        if key not in part and (model := state.models.get(key)):
            part[key] = model
            waiting += [resolve_relation(other, *key) for other in _referred_to(model)]
    return ProjectState(part, real_apps=state.real_apps)


def _referred_to(model: Any) -> Iterator[Any]:
    yield from (base for base in model.bases if isinstance(base, str))
    for field in model.fields.values():
        if field.remote_field:
            yield field.remote_field.model
            if through := getattr(field.remote_field, "through", None):
                yield through
