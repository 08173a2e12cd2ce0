#!/bin/bash
# Run once by the database's image, when the cluster is made: the two roles that the portal connects as.
# Neither owns a table; `manage.py migrate` gives them what they need.
set -euo pipefail
for role in p20_web p20_vault; do
  psql --username="$POSTGRES_USER" --dbname="$POSTGRES_DB" --set=ON_ERROR_STOP=1 --quiet \
    --set=role="$role" --set=password="$(cat "/run/secrets/${role#p20_}_database_password")" <<'SQL'
CREATE ROLE :"role" LOGIN NOSUPERUSER NOCREATEDB NOCREATEROLE NOBYPASSRLS PASSWORD :'password';
SQL
done
