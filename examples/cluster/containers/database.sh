#!/bin/bash
# Run once by the postgres image when its data directory is new. The role is no superuser: row-level security would not bind one.
# It may make roles, because souk's migrations make its reader and its writer.
set -euo pipefail
psql -v ON_ERROR_STOP=1 -U "$POSTGRES_USER" -d postgres -v password="$SOUK_DATABASE_PASSWORD" <<'SQL'
CREATE ROLE souk LOGIN CREATEROLE PASSWORD :'password';
CREATE DATABASE souk OWNER souk;
ALTER ROLE souk SET synchronous_commit = on;
SQL
