# shellcheck shell=bash
# All daemons of one shop: up, watched, down again in order. One flow serves the foreground and --detach.

managed=() # started by us, in the order they were started
database_url='' redis_url='' sandbox_url='' soukd_port='' sandbox_port=''
all_daemons=(postgres redis sandbox soukd haproxy)

# Backwards: first nobody comes in, then what is inside finishes, then what it wrote to goes away.
stop_stack() {
  trap '' INT TERM HUP
  rm -f "$VAR/run/ready"
  local i
  for ((i = ${#all_daemons[@]} - 1; i >= 0; i--)); do
    if [[ -f $VAR/run/${all_daemons[i]}.pid ]]; then "stop_${all_daemons[i]}"; fi
  done
}

lock_var() {
  exec 9>"$VAR/run/souk.lock"
  flock -n 9 || die "another ./souk is at work in $VAR; ./souk status shows it"
}

# Whatever a killed supervisor left running has old settings and nobody to watch it.
stop_leftovers() {
  local name
  for name in "${all_daemons[@]}"; do
    if is_running "$name"; then
      say "stopping what an earlier run left behind"
      (stop_stack) # in a subshell, because it makes this shell deaf to signals
      return
    fi
  done
}

# supervise_stack: starts everything, says so, and stays until a signal. Runs in a shell of its own.
supervise_stack() {
  remember_pid souk $$
  trap 'stop_stack; forget_pid souk' EXIT
  trap 'exit 130' INT
  trap 'exit 143' TERM HUP
  choose_program_user
  bring_up_postgres
  bring_up_redis
  migrate
  bring_up_sandbox
  bring_up_soukd
  bring_up_haproxy
  tell_walk_through
  say "souk is up at $url"
  note
  note "  state   $VAR"
  note "  logs    ./souk logs${var_flag:+ $var_flag}"
  if [[ -z ${SOUK_DATABASE_URL:-} ]]; then note "  psql    psql '$database_url'"; fi
  if [[ -n $detached ]]; then note "  stop    ./souk down${var_flag:+ $var_flag}"; else note "  stop    Ctrl-C"; fi
  printf '%s\n' "$url" >"$VAR/run/ready"
  # bash itself reports every child that a signal ended; we say it better.
  watch_stack 2>>"$VAR/log/supervisor.log"
}

# The demo shops are a convenience: the shop is up without them.
tell_walk_through() {
  local began=$EPOCHREALTIME
  if [[ -n $without_demo ]]; then return 0; fi
  if soukd_once demo --url "$url" --token-file "$VAR/run/demo-token" >"$VAR/run/walk-through.txt" 2>"$VAR/log/demo.log"; then
    say "the demo shops are there ($(seconds_since "$began") s)"
    note
    cat "$VAR/run/walk-through.txt"
    note
  else
    say "the demo shops could not be made; the log is $VAR/log/demo.log"
    last_words demo
  fi
}

declare -A born=() due=() patience=()

# A daemon that dies is started again: at once, then after 1, 2, 4 … 10 seconds while it keeps dying young.
watch_stack() {
  trap 'note; exit 0' INT TERM HUP
  local name now pid code
  for name in "${managed[@]}"; do
    born[$name]=$EPOCHSECONDS
    patience[$name]=0
    due[$name]=''
  done
  while true; do
    nap 0.3
    now=$EPOCHSECONDS
    for name in "${managed[@]}"; do
      if [[ -n ${due[$name]} ]]; then
        if ((now >= due[$name])); then
          "start_$name"
          born[$name]=$now
          due[$name]=''
          say "started $name again (pid $(pid_of "$name"))"
        fi
      elif ! is_running "$name"; then
        pid=$(<"$VAR/run/$name.pid") code=0
        wait "$pid" 2>/dev/null || code=$?
        if ((now - born[$name] > 20)); then patience[$name]=0; fi
        due[$name]=$((now + patience[$name]))
        say "$name (pid $pid) ended with $(spell_exit "$code"); starting it again in ${patience[$name]} s"
        patience[$name]=$((patience[$name] == 0 ? 1 : patience[$name] * 2))
        if ((patience[$name] > 10)); then patience[$name]=10; fi
      fi
    done
  done
}

spell_exit() {
  if (($1 > 128)); then
    echo "signal SIG$(kill -l $(($1 - 128)))"
  else
    echo "code $1"
  fi
}

# detach_stack: the same flow in a session of its own; its words are shown here until it is ready or has failed
detach_stack() {
  local log=$VAR/log/souk.log shown=0 pid
  rm -f "$VAR/run/ready"
  : >"$log"
  setsid "$ROOT/souk" up --supervise ${var_flag:+--var "$given_var"} --port "$port" ${without_demo:+--no-demo} >>"$log" 2>&1 </dev/null &
  pid=$!
  trap 'kill -TERM $pid 2>/dev/null' INT TERM
  while true; do
    local over=''
    if [[ -f $VAR/run/ready ]] || ! look_up_birth "$pid"; then over=yes; fi
    local lines
    lines=$(wc -l <"$log")
    if ((lines > shown)); then sed -n "$((shown + 1)),${lines}p" "$log"; fi
    shown=$lines
    [[ -n $over ]] && break
    nap 0.2
  done
  trap - INT TERM
  if [[ ! -f $VAR/run/ready ]]; then
    wait "$pid" || exit 1
    exit 1
  fi
  disown "$pid"
}

stop_supervisor() {
  local pid
  if pid=$(pid_of souk); then
    kill -TERM "$pid"
    while is_running souk; do nap 0.1; done
  fi
}
