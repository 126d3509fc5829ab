# shellcheck shell=bash
# ./souk bench NAME: on a database made for this run, so that one run does not slow the next. Durable as in production.

# These go over HTTP through haproxy; the others drive actors directly and must own the database alone.
benches_over_http=(http-checkout http-read)

run_bench() {
  local name=$1
  shift
  build soukd souk-sandbox souk-bench
  local home=$VAR/bench
  VAR=$home
  stop_supervisor
  remove_var "$home"
  unset SOUK_DATABASE_URL SOUK_REDIS_URL SOUK_SANDBOX_GATEWAY_URL
  prepare_var
  lock_var
  trap stop_stack EXIT
  trap 'exit 130' INT TERM
  choose_program_user
  bring_up_postgres
  migrate
  if [[ " ${benches_over_http[*]} " == *" $name "* ]]; then
    port=$(free_port edge)
    url=http://127.0.0.1:$port
    bring_up_redis
    bring_up_sandbox
    bring_up_soukd
    bring_up_haproxy
  fi
  say "running $name"
  local code=0
  SOUK_BENCH_DATABASE_URL=$database_url SOUK_BENCH_BASE_URL=${url:-} \
    "${as_program[@]}" "$BUILD/tests/souk-bench" "$name" --database-url "$database_url" ${url:+--base-url "$url"} "$@" \
    >"$VAR/log/bench.out" 2> >(tee "$VAR/log/bench.log" >&2) || code=$?
  # The figures are the last line of all, after the words of the daemons that stop.
  head -n -1 "$VAR/log/bench.out"
  local figures
  figures=$(tail -n 1 "$VAR/log/bench.out")
  stop_stack
  trap - EXIT
  note "$figures"
  return "$code"
}

remove_var() { # DIR, and where it leads if it is a link
  local real
  real=$(realpath -m "$1")
  rm -rf "$real"
  [[ -L $1 ]] && rm -f "$1"
  return 0
}
