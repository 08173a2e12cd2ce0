"""The ledger's table, its chain and its guards."""

from django.db import migrations, models

FORWARDS = r"""
CREATE TABLE audit_event (
    seq bigint PRIMARY KEY,
    event text NOT NULL CHECK (event <> ''),
    subject_type text NOT NULL,
    subject_id text NOT NULL,
    project_id uuid,
    actor_id uuid,
    organisation_id uuid,
    at timestamptz NOT NULL,
    recorded_at timestamptz NOT NULL,
    note text NOT NULL,
    details jsonb NOT NULL,
    prev_hash bytea NOT NULL,
    hash bytea NOT NULL
);
CREATE INDEX audit_event_project ON audit_event (project_id, seq);
CREATE INDEX audit_event_subject ON audit_event (subject_type, subject_id, seq);

-- What a line's hash covers, as text that any JSON reader can take apart again.
CREATE FUNCTION audit_canonical(line audit_event) RETURNS text LANGUAGE sql STABLE AS $$
    SELECT jsonb_build_array(
        line.seq, line.event, line.subject_type, line.subject_id, line.project_id, line.actor_id,
        line.organisation_id,
        to_char(line.at AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"'),
        to_char(line.recorded_at AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"'),
        line.note, line.details
    )::text
$$;

CREATE FUNCTION audit_chain() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
    last record;
BEGIN
    PERFORM pg_advisory_xact_lock(7020);
    SELECT seq, hash INTO last FROM audit_event ORDER BY seq DESC LIMIT 1;
    NEW.seq := coalesce(last.seq, 0) + 1;
    NEW.recorded_at := clock_timestamp();
    NEW.prev_hash := coalesce(last.hash, decode(repeat('00', 32), 'hex'));
    NEW.hash := sha256(NEW.prev_hash || convert_to(audit_canonical(NEW), 'UTF8'));
    RETURN NEW;
END
$$;
CREATE TRIGGER audit_chain BEFORE INSERT ON audit_event FOR EACH ROW EXECUTE FUNCTION audit_chain();

CREATE FUNCTION refuse_change() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION '% on % is refused: it only grows', TG_OP, TG_TABLE_NAME USING ERRCODE = 'insufficient_privilege';
END
$$;
CREATE TRIGGER audit_keep BEFORE UPDATE OR DELETE ON audit_event FOR EACH ROW EXECUTE FUNCTION refuse_change();
CREATE TRIGGER audit_keep_all BEFORE TRUNCATE ON audit_event FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();
"""

BACKWARDS = """
DROP TABLE audit_event CASCADE;
DROP FUNCTION audit_chain();
DROP FUNCTION refuse_change();
"""


class Migration(migrations.Migration):
    """Make the ledger."""

    initial = True
    dependencies = []
    operations = [
        migrations.RunSQL(
            FORWARDS,
            BACKWARDS,
            state_operations=[
                migrations.CreateModel(
                    name="Event",
                    fields=[
                        ("seq", models.BigAutoField(primary_key=True, serialize=False)),
                        ("event", models.TextField()),
                        ("subject_type", models.TextField()),
                        ("subject_id", models.TextField()),
                        ("project_id", models.UUIDField(null=True)),
                        ("actor_id", models.UUIDField(null=True)),
                        ("organisation_id", models.UUIDField(null=True)),
                        ("at", models.DateTimeField()),
                        ("recorded_at", models.DateTimeField()),
                        ("note", models.TextField()),
                        ("details", models.JSONField()),
                        ("prev_hash", models.BinaryField()),
                        ("hash", models.BinaryField()),
                    ],
                    options={"db_table": "audit_event", "managed": False, "ordering": ["seq"]},
                )
            ],
        )
    ]
