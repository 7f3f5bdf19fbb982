#!/bin/sh
# Run once by the image of PostgreSQL, on an empty data folder: the tables of the owner, and a role that only appends.
set -eu
psql -v ON_ERROR_STOP=1 -U "$POSTGRES_USER" -d "$POSTGRES_DB" -f /mesh/postgres-tables.sql
psql -v ON_ERROR_STOP=1 -U "$POSTGRES_USER" -d "$POSTGRES_DB" -v password="$MESH_STORE_PASSWORD" <<'SQL'
ALTER ROLE mesh_writer LOGIN PASSWORD :'password';
SQL
