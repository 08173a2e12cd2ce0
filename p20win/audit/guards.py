"""What the database itself refuses: changing what only grows, and anything beyond a role's grants.

Applied at the end of every `migrate`. The web and worker processes connect as `p20_web`, the vault as
`p20_vault`; neither owns a table. The roles are made with the database (p20win/embedded.py, deploy/);
without them only the triggers are set, and the health page says so.
"""

import json
from typing import Final

from django.apps import apps
from django.db.backends.base.base import BaseDatabaseWrapper
from django.db.backends.utils import CursorWrapper
from django.db.models import Model

WEB: Final = "p20_web"
APP_ROLES: Final = (WEB, "p20_vault")
LEDGER: Final = "audit_event"


def grow_only_tables() -> list[str]:
    """Return the tables that only grow: the ledger, and the history of every model."""
    histories = [
        model._meta.db_table
        for model in apps.get_models(include_auto_created=True)
        if hasattr(model, "history_object") or hasattr(model, "instance_type")
    ]
    append_only = [m._meta.db_table for m in apps.get_models() if getattr(m, "append_only", False)]
    return sorted({LEDGER, *histories, *append_only})


def apply(connection: BaseDatabaseWrapper) -> None:
    """Set triggers and grants so that they fit the tables there are."""
    quote = connection.ops.quote_name
    with connection.cursor() as cursor:
        existing = set(connection.introspection.table_names(cursor))
        if LEDGER not in existing:
            return
        tables = [table for table in grow_only_tables() if table in existing]
        for table in tables:
            if table != LEDGER:  # its own migration set them, with one for truncate
                cursor.execute(
                    f"CREATE OR REPLACE TRIGGER keep BEFORE UPDATE OR DELETE ON {quote(table)}"
                    " FOR EACH ROW EXECUTE FUNCTION refuse_change()"
                )
        cursor.execute("SELECT rolname FROM pg_roles WHERE rolname = ANY(%s)", [list(APP_ROLES)])
        for (role,) in cursor.fetchall():
            _grant(cursor, quote(role), [quote(table) for table in tables])
        for model in apps.get_models():
            if (mine := getattr(model, "vault_writes", None)) and model._meta.db_table in existing:
                _reserve_for_vault(cursor, model, mine)
            if getattr(model, "vault_adds", False) and model._meta.db_table in existing:
                _let_vault_add(cursor, model)
            if (born := getattr(model, "web_adds", None)) and model._meta.db_table in existing:
                _let_web_add(cursor, model, born)
            if getattr(model, "vault_alone", False) and model._meta.db_table in existing:
                _keep_from_web(cursor, model)


def _let_vault_add(cursor: CursorWrapper, model: type[Model]) -> None:
    """Let nobody but the vault add a row: it signs for what stands there."""
    cursor.execute("SELECT 1 FROM pg_roles WHERE rolname = %s", [WEB])
    if cursor.fetchone() is not None:
        cursor.execute(f'REVOKE INSERT ON "{model._meta.db_table}" FROM {WEB}')


def _let_web_add(cursor: CursorWrapper, model: type[Model], born: dict[str, object]) -> None:
    """Let the web add rows of which these fields say no more than this: the rest is the vault's word (T34).

    A tuple names the texts that a field may hold; anything else is all that it may.
    """
    table = model._meta.db_table
    columns = {each.name: f'NEW."{each.column}"' for each in model._meta.concrete_fields}
    as_born = " AND ".join(_is_one_of(columns[name], allowed) for name, allowed in born.items())
    refusal = f"permission denied: a row of {table} begins as the vault has not touched it"
    cursor.execute(
        f"""
        CREATE OR REPLACE FUNCTION "{table}_added"() RETURNS trigger LANGUAGE plpgsql AS $body$
        BEGIN
            IF current_user = '{WEB}' AND ({as_born}) IS NOT TRUE THEN
                RAISE insufficient_privilege USING MESSAGE = '{refusal}';
            END IF;
            RETURN NEW;
        END $body$
        """
    )
    cursor.execute(
        f'CREATE OR REPLACE TRIGGER added BEFORE INSERT ON "{table}"'
        f' FOR EACH ROW EXECUTE FUNCTION "{table}_added"()'
    )


def _is_one_of(column: str, allowed: object) -> str:
    if allowed is None:
        return f"{column} IS NULL"
    if isinstance(allowed, tuple | str):
        texts = (allowed,) if isinstance(allowed, str) else allowed
        return f"{column} IN ({', '.join(f'$t${text}$t$' for text in texts)})"
    return f"{column} = $t${json.dumps(allowed)}$t$::jsonb"


def _keep_from_web(cursor: CursorWrapper, model: type[Model]) -> None:
    """Let the web's processes not even read a table."""
    cursor.execute("SELECT 1 FROM pg_roles WHERE rolname = %s", [WEB])
    if cursor.fetchone() is not None:
        cursor.execute(f'REVOKE ALL ON "{model._meta.db_table}" FROM {WEB}')


def _reserve_for_vault(cursor: CursorWrapper, model: type[Model], fields: frozenset[str]) -> None:
    """Let nobody but the vault change these fields of a row once it is there, nor remove the row (T34)."""
    cursor.execute("SELECT 1 FROM pg_roles WHERE rolname = %s", [WEB])
    if cursor.fetchone() is None:
        return
    table = f'"{model._meta.db_table}"'
    cursor.execute(f"REVOKE UPDATE, DELETE, TRUNCATE ON {table} FROM {WEB}")
    others = [f'"{each.column}"' for each in model._meta.concrete_fields if each.name not in fields]
    if unknown := fields - {each.name for each in model._meta.concrete_fields}:
        raise LookupError(f"{model._meta.label} has no field {', '.join(sorted(unknown))}.")
    if others:
        cursor.execute(f"GRANT UPDATE ({', '.join(others)}) ON {table} TO {WEB}")


def _grant(cursor: CursorWrapper, role: str, grow_only: list[str]) -> None:
    cursor.execute(f"GRANT USAGE ON SCHEMA public TO {role}")
    cursor.execute(f"GRANT SELECT, INSERT, UPDATE, DELETE ON ALL TABLES IN SCHEMA public TO {role}")
    cursor.execute(f"GRANT USAGE, SELECT ON ALL SEQUENCES IN SCHEMA public TO {role}")
    for table in [*grow_only, "django_migrations"]:
        cursor.execute(f"REVOKE UPDATE, DELETE, TRUNCATE ON {table} FROM {role}")
    cursor.execute(f"REVOKE INSERT ON django_migrations FROM {role}")
