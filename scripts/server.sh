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

stop_sandbox() { stop_daemons TERM 10 KILL sandbox; }

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

# What merchants entrust to the shop is sealed with this key in the database: made once, and as much to be kept as the database is.
make_secret_key() {
  local file=$VAR/secret-key
  if [[ -n ${SOUK_SECRET_KEY:-} || -n ${SOUK_SECRET_KEY_FILE:-} || -s $file ]]; then return 0; fi
  (umask 077 && od -An -v -tx1 -N32 /dev/urandom | tr -d ' \n' >"$file.new" && echo >>"$file.new")
  if ((EUID == 0)); then chown "$service_user:" "$file.new"; fi
  mv "$file.new" "$file"
  say "made a secret key: $file"
}

declare -A http_port=() peer_port=()

# start_soukd NAME. A file run/node-1.env of KEY=VALUE lines has the last word on the environment of that node, at each of its
# starts: whoever looks for faults puts something between a node and its database there. SOUKD_PROGRAM in it is another program to
# run, say that of the next release, and NETWORK_NAMESPACE one in which the node runs as on a host of its own.
start_soukd() {
  local name=$1 node settings setting program=$BUILD/soukd where=()
  node=node-$(number_of "$name")
  settings=(SOUK_DATABASE_URL="$database_url" SOUK_REDIS_URL="$redis_url" SOUK_SANDBOX_GATEWAY_URL="$sandbox_url"
    SOUK_PUBLIC_URL="${SOUK_PUBLIC_URL:-$url}" SOUK_LISTEN_HOST=127.0.0.1 SOUK_LISTEN_PORT="${http_port[$name]}")
  if [[ $form == cluster ]]; then
    settings+=(SOUK_NODE_NAME="$node" SOUK_CLUSTER_HOST=127.0.0.1 SOUK_CLUSTER_PORT="${peer_port[$name]}" SOUK_CLUSTER_ADDRESS=)
  fi
  if [[ -z ${SOUK_SECRET_KEY:-} ]]; then settings+=(SOUK_SECRET_KEY_FILE="${SOUK_SECRET_KEY_FILE:-$VAR/secret-key}"); fi
  read_settings "$VAR/run/$node.env"
  for setting in "${settings[@]}"; do
    case $setting in
      SOUKD_PROGRAM=*) program=${setting#*=} ;;
      NETWORK_NAMESPACE=*) where=(nsenter --net="/run/netns/${setting#*=}") ;;
    esac
  done
  start_daemon "$name" "${where[@]}" env "${settings[@]}" "${as_program[@]}" "$program" serve
}

read_settings() { # FILE: adds its lines to the array `settings`
  local line
  [[ -r $1 ]] || return 0
  while IFS= read -r line || [[ -n $line ]]; do
    if [[ $line =~ ^[A-Za-z_][A-Za-z0-9_]*= ]]; then
      settings+=("$line")
    elif [[ $line == [!#]* ]]; then
      say "$1: this is not KEY=VALUE: $line"
    fi
  done <"$1"
}

soukd_is_ready() { curl -fsS -m 2 -o "$VAR/run/ready.json" "http://127.0.0.1:${http_port[$1]}/readyz"; }

bring_up_soukd() {
  local began=$EPOCHREALTIME name
  make_secret_key
  for name in "${nodes[@]}"; do
    http_port[$name]=$(free_port "$name")
    if [[ $form == cluster ]]; then peer_port[$name]=$(free_port "peer-$(number_of "$name")"); fi
    managed+=("$name")
    start_soukd "$name"
  done
  for name in "${nodes[@]}"; do
    wait_until 60 "$name" soukd_is_ready "$name"
    say "$name is ready on 127.0.0.1:${http_port[$name]} ($(seconds_since "$began") s)"
  done
}

# They stop listening, finish what is in flight and write it; the edge has stopped sending by then. All at once: none takes over
# the shards of another that is about to go as well.
stop_soukd() { stop_daemons TERM 30 KILL "$@"; }
