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

# Stripe, PayPal and ShipStation as they behave, without their money. Whoever names all three himself needs none of it.
providers_url='' providers_port='' stripe_url='' paypal_url='' shipstation_url=''
start_providers() {
  start_daemon providers "${as_program[@]}" "$BUILD/souk-providers" --listen "127.0.0.1:$providers_port" \
    --state "$VAR/sandbox/providers" --threads "${providers_threads:-96}"
}

providers_listen() { (exec 5<>"/dev/tcp/127.0.0.1/$providers_port"); }

bring_up_providers() {
  stripe_url=${SOUK_STRIPE_URL:-} paypal_url=${SOUK_PAYPAL_URL:-} shipstation_url=${SOUK_SHIPSTATION_URL:-}
  if [[ -z $stripe_url || -z $paypal_url || -z $shipstation_url ]]; then start_providers_sandbox; fi
  printf '%s\n' "$stripe_url" >"$VAR/run/STRIPE_URL"
  printf '%s\n' "$paypal_url" >"$VAR/run/PAYPAL_URL"
}

start_providers_sandbox() {
  providers_port=$(free_port providers)
  providers_url=http://127.0.0.1:$providers_port
  managed+=(providers)
  start_providers
  wait_until 20 providers providers_listen
  : "${stripe_url:=$providers_url/stripe}" "${paypal_url:=$providers_url/paypal}" "${shipstation_url:=$providers_url/shipstation}"
  say "the sandbox of Stripe, PayPal and ShipStation is ready at $providers_url"
}

stop_providers() { stop_daemons TERM 10 KILL providers; }

# A mail server that delivers nothing: what the shop sends lies in a Maildir, to be read.
smtp_url='' smtp_require_tls=true mail_port=''
start_mail() {
  start_daemon mail "${as_program[@]}" /usr/bin/python3 -m aiosmtpd -n -l "127.0.0.1:$mail_port" -c aiosmtpd.handlers.Mailbox "$VAR/mail"
}

mail_listens() { (exec 5<>"/dev/tcp/127.0.0.1/$mail_port"); }

bring_up_mail() {
  smtp_require_tls=${SOUK_SMTP_REQUIRE_TLS:-true}
  if [[ -n ${SOUK_SMTP_URL+set} || -n ${SOUK_SENDGRID_KEY:-} ]]; then
    smtp_url=${SOUK_SMTP_URL:-}
    return 0
  fi
  mail_port=$(free_port mail)
  smtp_url=smtp://127.0.0.1:$mail_port smtp_require_tls=false
  managed+=(mail)
  start_mail
  wait_until 20 mail mail_listens
  say "mails are kept in $VAR/mail/new instead of being delivered"
}

stop_mail() { stop_daemons TERM 10 KILL mail; }

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
  # Whoever starts a node without sandboxes (a benchmark) leaves these as they are.
  for setting in STRIPE_URL:"$stripe_url" PAYPAL_URL:"$paypal_url" SHIPSTATION_URL:"$shipstation_url" SMTP_URL:"$smtp_url" \
    SMTP_REQUIRE_TLS:"$smtp_require_tls"; do
    if [[ -n ${setting#*:} ]]; then settings+=("SOUK_${setting%%:*}=${setting#*:}"); fi
  done
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
