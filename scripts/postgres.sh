# shellcheck shell=bash
# Private PostgreSQL 15 servers, each in $VAR under its name and on a unix socket that only its user can reach. Durable in every
# way PostgreSQL offers.

postgres_bin=/usr/lib/postgresql/15/bin

postgres_port() { printf '%d' $((5431 + $(number_of "$1"))); } # it only names the socket

postgres_url() { # NAME
  local port
  port=$(postgres_port "$1")
  printf 'postgresql:///souk?host=%s&user=souk' "$SOCKETS"
  ((port == 5432)) || printf '&port=%d' "$port"
}

as_superuser() { # NAME psql's ARGUMENTS …
  local name=$1
  shift
  "${as_service[@]}" psql -X -q -v ON_ERROR_STOP=1 -h "$SOCKETS" -p "$(postgres_port "$name")" -U postgres "$@"
}

init_postgres() { # NAME
  local data=$VAR/$1
  [[ -f $data/PG_VERSION && -f $data/souk.conf ]] && return 0
  local began=$EPOCHREALTIME
  # Left behind by an initdb that was interrupted: it holds nothing yet.
  rm -rf "$data"
  (cd "$VAR" && "${as_service[@]}" "$postgres_bin/initdb" -D "$data" -U postgres -E UTF8 --locale=C.UTF-8 --data-checksums \
    --auth-local=trust --auth-host=scram-sha-256) >"$VAR/log/initdb.log" 2>&1 || {
    last_words initdb >&2
    die "initdb failed; its log is $VAR/log/initdb.log"
  }
  printf "include 'souk.conf'\n" | "${as_service[@]}" tee -a "$data/postgresql.conf" >/dev/null
  configure_postgres "$1"
  say "created a PostgreSQL cluster in $data ($(seconds_since "$began") s)"
}

configure_postgres() { # NAME
  local memory_mb buffers_mb
  memory_mb=$(awk '/^MemTotal/ { print int($2 / 1024) }' /proc/meminfo)
  buffers_mb=$((memory_mb / 8 / ${#databases[@]}))
  ((buffers_mb > 1024)) && buffers_mb=1024
  ((buffers_mb < 128)) && buffers_mb=128
  "${as_service[@]}" tee "$VAR/$1/souk.conf" >/dev/null <<CONF
# Written by ./souk at every start; own settings go below the include in postgresql.conf.
listen_addresses = ''
unix_socket_directories = '$SOCKETS'
unix_socket_permissions = 0700
port = $(postgres_port "$1")                      # only names the socket
max_connections = $((160 + 40 * ${#nodes[@]}))
# An order that was acknowledged is on disk, whatever dies.
fsync = on
synchronous_commit = on
full_page_writes = on
shared_buffers = ${buffers_mb}MB
effective_cache_size = $((memory_mb / 2))MB
wal_buffers = 16MB
max_wal_size = 4GB
min_wal_size = 512MB
checkpoint_completion_target = 0.9
random_page_cost = 1.1
jit = off
max_parallel_workers_per_gather = 0
# The rows of a hot variant are updated thousands of times a second: dead versions must go as fast.
autovacuum_naptime = 10s
autovacuum_vacuum_cost_limit = 2000
idle_in_transaction_session_timeout = 30s
# A client that vanished gives its locks back within seconds.
client_connection_check_interval = 2s
log_min_duration_statement = 1000
log_lock_waits = on
log_line_prefix = '%m [%p] %a '
timezone = 'UTC'
log_timezone = 'UTC'
CONF
}

start_postgres() { # NAME
  start_daemon "$1" "${as_service[@]}" "$postgres_bin/postgres" -D "$VAR/$1"
}

postgres_answers() { as_superuser "$1" -d postgres -c 'SELECT 1'; }

# Neither role is a superuser: row-level security would not bind one. souk makes roles, its reader's, in its migrations.
create_database() { # NAME
  as_superuser "$1" -d postgres -tA <<'SQL' >/dev/null || die "could not create the database souk"
SELECT 'CREATE ROLE souk LOGIN CREATEROLE' WHERE NOT EXISTS (SELECT FROM pg_roles WHERE rolname = 'souk') \gexec
SELECT 'CREATE DATABASE souk OWNER souk' WHERE NOT EXISTS (SELECT FROM pg_database WHERE datname = 'souk') \gexec
ALTER ROLE souk SET synchronous_commit = on;
SQL
}

# private_database_url: soukd's setting, which names several divided by semicolons
private_database_url() {
  local name url=''
  for name in "${databases[@]}"; do url+=";$(postgres_url "$name")"; done
  printf '%s' "${url:1}"
}

bring_up_postgres() {
  if [[ -n ${SOUK_DATABASE_URL:-} ]]; then
    database_url=$SOUK_DATABASE_URL
    say "using the PostgreSQL of SOUK_DATABASE_URL"
    return 0
  fi
  local began=$EPOCHREALTIME name
  for name in "${databases[@]}"; do
    init_postgres "$name"
    configure_postgres "$name"
    managed+=("$name")
    start_postgres "$name"
  done
  for name in "${databases[@]}"; do
    wait_until 60 "$name" postgres_answers "$name"
    create_database "$name"
  done
  database_url=$(private_database_url)
  case ${#databases[@]} in
    1) say "PostgreSQL 15 is ready ($(seconds_since "$began") s)" ;;
    *) say "PostgreSQL 15 is ready, ${#databases[@]} servers ($(seconds_since "$began") s)" ;;
  esac
}

# SIGINT is its fast shutdown: sessions end, a checkpoint is written.
stop_postgres() { stop_daemons INT 60 QUIT "$@"; }
