# shellcheck shell=bash
# soukd and the payment sandbox, which is a process of its own because payment providers are.

# A checkout below /root cannot be entered by the daemons' user; then they run as root rather than not at all.
as_program=()
choose_program_user() {
  if service_can -x "$BUILD/soukd" && service_can -r "$ROOT/souk"; then
    as_program=("${as_service[@]}")
  else
    say "$service_user cannot enter $ROOT: soukd runs as $(id -un)"
  fi
}

start_sandbox() {
  start_daemon sandbox "${as_program[@]}" "$BUILD/souk-sandbox" --listen "127.0.0.1:$sandbox_port" \
    --state "$VAR/sandbox/ledger"
}

sandbox_listens() { (exec 5<>"/dev/tcp/127.0.0.1/$sandbox_port"); }

bring_up_sandbox() {
  if [[ -n ${SOUK_SANDBOX_GATEWAY_URL+set} ]]; then
    sandbox_url=$SOUK_SANDBOX_GATEWAY_URL
    return 0
  fi
  sandbox_port=$(free_port sandbox)
  sandbox_url=http://127.0.0.1:$sandbox_port
  managed+=(sandbox)
  start_sandbox
  wait_until 20 sandbox sandbox_listens
  say "the payment sandbox is ready at $sandbox_url"
}

stop_sandbox() { stop_daemon sandbox TERM 10 KILL; }

# soukd_once SUBCOMMAND …: a subcommand that ends, on our database
soukd_once() {
  SOUK_DATABASE_URL=$database_url "${as_program[@]}" "$BUILD/soukd" "$@"
}

migrate() {
  local began=$EPOCHREALTIME
  soukd_once migrate >"$VAR/log/migrate.log" 2>&1 || {
    last_words migrate >&2
    die "the database could not be migrated; the log is $VAR/log/migrate.log"
  }
  say "the database is migrated ($(seconds_since "$began") s)"
}

start_soukd() {
  start_daemon soukd env SOUK_DATABASE_URL="$database_url" SOUK_REDIS_URL="$redis_url" \
    SOUK_SANDBOX_GATEWAY_URL="$sandbox_url" SOUK_PUBLIC_URL="${SOUK_PUBLIC_URL:-$url}" \
    "${as_program[@]}" "$BUILD/soukd" serve --listen-host 127.0.0.1 --listen-port "$soukd_port"
}

soukd_is_ready() { curl -fsS -m 2 -o "$VAR/run/ready.json" "http://127.0.0.1:$soukd_port/readyz"; }

bring_up_soukd() {
  local began=$EPOCHREALTIME
  soukd_port=$(free_port soukd)
  managed+=(soukd)
  start_soukd
  wait_until 60 soukd soukd_is_ready
  say "soukd is ready on 127.0.0.1:$soukd_port ($(seconds_since "$began") s)"
}

# It stops listening, finishes what is in flight and writes it; the edge has stopped sending by then.
stop_soukd() { stop_daemon soukd TERM 30 KILL; }
