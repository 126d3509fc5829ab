# shellcheck shell=bash
# ./souk bench NAME: on a database made for this run, so that one run does not slow the next. Durable as in production.
# What needs a whole cluster is a script of its own, tests/cluster/bench_NAME.py, and starts one.

# These go over HTTP through haproxy; the others drive actors directly and must own the database alone.
benches_over_http=(http-checkout http-read isolation)
# This one pays at the providers' sandbox.
bench_with_providers=payments
# This one holds the mail server and the merchants' webhooks itself, to let them die.
bench_with_dead_neighbours=isolation
# This one compares one database with two, which it makes itself on servers of their own.
bench_on_two_servers=lanes
# And this one needs no database at all.
bench_in_memory=members

run_bench() {
  local name=$1 base_url=''
  shift
  build soukd souk-sandbox souk-providers souk-bench
  if [[ $name =~ ^[a-z-]+$ && -f $ROOT/tests/cluster/bench_${name//-/_}.py ]]; then
    install_packages "${packages_to_test[@]}"
    forget_callers_settings
    SOUK_BUILD_DIR=$BUILD /usr/bin/python3 "$ROOT/tests/cluster/bench_${name//-/_}.py" "$@"
    return
  fi
  if [[ $name == "$bench_in_memory" ]]; then
    "$BUILD/tests/souk-bench" "$name" "$@"
    return
  fi
  local home=$VAR/bench
  VAR=$home
  stop_leftovers
  remove_var "$home"
  unset SOUK_DATABASE_URL SOUK_REDIS_URL SOUK_SANDBOX_GATEWAY_URL SOUK_STRIPE_URL SOUK_PAYPAL_URL SOUK_SHIPSTATION_URL
  prepare_var
  lock_var
  trap stop_stack EXIT
  trap 'exit 130' INT TERM
  choose_program_user
  local second_url='' where
  if [[ $name == "$bench_on_two_servers" ]]; then
    bring_up_two_servers
  else
    bring_up_postgres
    migrate
  fi
  if [[ " ${benches_over_http[*]} " == *" $name "* ]]; then
    port=$(free_port edge)
    url=http://127.0.0.1:$port
    base_url=$url
    if [[ $name == "$bench_with_dead_neighbours" ]]; then
      mail_port=$(free_port bench-mail)
      smtp_url=smtp://127.0.0.1:$mail_port smtp_require_tls=false
      unset SOUK_SENDGRID_KEY
      export SOUK_WEBHOOK_ALLOW_INSECURE=true
    fi
    bring_up_redis
    bring_up_sandbox
    bring_up_soukd
    bring_up_haproxy
  fi
  if [[ $name == "$bench_with_providers" ]]; then
    providers_threads=96 # more than the connections of the shop and of the client without it
    bring_up_providers
  fi
  where=(--database-url "$database_url" ${second_url:+--second-database-url "$second_url"}
    ${base_url:+--base-url "$base_url" --direct-url "http://127.0.0.1:${http_port[soukd]}"}
    ${providers_url:+--providers-url "$providers_url"} ${mail_port:+--mail-port "$mail_port"})
  say "running $name"
  # The figures are the last line of all: held back until the daemons have said that they stopped.
  local code figures
  SOUK_BENCH_DATABASE_URL=$database_url SOUK_BENCH_BASE_URL=${base_url:-} \
    "${as_program[@]}" "$BUILD/tests/souk-bench" "$name" "${where[@]}" "$@" \
    2> >(tee "$VAR/log/bench.log" >&2) | tee "$VAR/log/bench.out" | sed -u '$d'
  code=${PIPESTATUS[0]}
  figures=$(tail -n 1 "$VAR/log/bench.out")
  stop_stack
  trap - EXIT
  note "$figures"
  return "$code"
}

# Sets database_url and second_url. The benchmark makes databases there, so its role may.
bring_up_two_servers() {
  local name
  databases=(postgres-1 postgres-2)
  bring_up_postgres
  for name in "${databases[@]}"; do
    as_superuser "$name" -d postgres -c 'ALTER ROLE souk CREATEDB'
  done
  database_url=$(postgres_url postgres-1)
  second_url=$(postgres_url postgres-2)
}

remove_var() { # DIR, and where it leads if it is a link
  local real
  real=$(realpath -m "$1")
  rm -rf "$real"
  [[ -L $1 ]] && rm -f "$1"
  return 0
}
