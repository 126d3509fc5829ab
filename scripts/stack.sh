# shellcheck shell=bash
# All daemons of one shop: up, watched, down again in order. One flow serves one node and many, the foreground and --detach.

form=up nodes=(soukd) databases=(postgres)
managed=() # started by us, in the order they were started
database_url='' redis_url='' sandbox_url='' sandbox_port=''
kinds=(postgres redis sandbox providers mail soukd haproxy)

# take_form up | take_form cluster NODES
take_form() {
  form=$1
  if [[ $form == up ]]; then
    nodes=(soukd) databases=(postgres)
  else
    mapfile -t nodes < <(seq -f soukd-%g "$2")
    databases=(postgres-1 postgres-2)
  fi
}

spell_form() { if [[ $form == up ]]; then printf up; else printf 'cluster %d' ${#nodes[@]}; fi; }

# take_form_of_var: that of what runs in $VAR, else that of the databases that lie there
take_form_of_var() {
  local words
  if is_running souk && [[ -s $VAR/run/form ]]; then
    read -r -a words <"$VAR/run/form"
    take_form "${words[@]}"
  elif [[ -d $VAR/postgres-1 ]]; then
    take_form cluster 1
  fi
}

# Shards live in two databases of a cluster and in one of a single node: neither form can open what the other has left.
refuse_other_form() {
  if [[ $form == up && -d $VAR/postgres-1 ]]; then
    die "$VAR holds a cluster with two databases: start it with ./souk cluster N, or choose another place with --var DIR"
  elif [[ $form == cluster && -d $VAR/postgres ]]; then
    die "$VAR holds a shop of one node and one database: start it with ./souk up, or choose another place with --var DIR"
  fi
}

# find_daemons KIND: sets the array `found` to the names of that kind that have a pid file
find_daemons() {
  local file
  found=()
  for file in "$VAR/run/$1.pid" "$VAR/run/$1"-*.pid; do
    if [[ -f $file ]]; then
      file=${file##*/}
      found+=("${file%.pid}")
    fi
  done
  ((${#found[@]} < 2)) || mapfile -t found < <(printf '%s\n' "${found[@]}" | sort -V)
}

any_daemon_runs() {
  local kind name found
  for kind in "${kinds[@]}"; do
    find_daemons "$kind"
    for name in "${found[@]}"; do
      if is_running "$name"; then return 0; fi
    done
  done
  return 1
}

# Backwards: first nobody comes in, then what is inside finishes, then what it wrote to goes away.
stop_stack() {
  trap '' INT TERM HUP
  rm -f "$VAR/run/ready" "$VAR/run/form" "$VAR/run/database-url"
  local i found
  for ((i = ${#kinds[@]} - 1; i >= 0; i--)); do
    find_daemons "${kinds[i]}"
    if ((${#found[@]} > 0)); then "stop_${kinds[i]}" "${found[@]}"; fi
  done
}

lock_var() {
  exec 9>"$VAR/run/souk.lock"
  flock -n 9 || die "another ./souk is at work in $VAR; ./souk status shows it"
}

# Whatever a killed supervisor left running has old settings and nobody to watch it.
stop_leftovers() {
  any_daemon_runs || return 0
  say "stopping what an earlier run left behind"
  (stop_stack) # in a subshell, because it makes this shell deaf to signals
}

# supervise_stack: starts everything, says so, and stays until a signal. Runs in a shell of its own.
supervise_stack() {
  remember_pid souk $$
  trap 'stop_stack; forget_pid souk' EXIT
  trap 'exit 130' INT
  trap 'exit 143' TERM HUP
  rm -f "$VAR"/run/*.hold
  choose_program_user
  bring_up_postgres
  bring_up_redis
  migrate
  bring_up_sandbox
  bring_up_providers
  bring_up_mail
  bring_up_soukd
  bring_up_haproxy
  tell_walk_through
  say "souk is up at $url"
  note
  note "  state   $VAR"
  note "  logs    ./souk logs${var_flag:+ $var_flag}"
  local name
  if [[ -z ${SOUK_DATABASE_URL:-} ]]; then
    for name in "${databases[@]}"; do note "  psql    psql '$(postgres_url "$name")'"; done
  fi
  if [[ -n $detached ]]; then note "  stop    ./souk down${var_flag:+ $var_flag}"; else note "  stop    Ctrl-C"; fi
  # What other ./souk commands ask; a URL may hold a password, and run/ is closed to others.
  spell_form >"$VAR/run/form"
  (umask 077 && printf '%s\n' "$database_url" >"$VAR/run/database-url")
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

# A daemon that dies is started again: at once, then after 1, 2, 4 … 10 seconds while it keeps dying young. One that ended well was
# asked to, and is not made to wait. While there is a file run/NAME.hold it stays dead.
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
        if ((now >= due[$name])) && [[ ! -e $VAR/run/$name.hold ]]; then
          "start_$(kind_of "$name")" "$name"
          born[$name]=$now
          due[$name]=''
          say "started $name again (pid $(pid_of "$name"))"
        fi
      elif ! is_running "$name"; then
        pid=$(<"$VAR/run/$name.pid") code=0
        wait "$pid" 2>/dev/null || code=$?
        if ((now - born[$name] > (code == 0 ? 1 : 20))); then patience[$name]=0; fi
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
  # shellcheck disable=SC2046
  setsid "$ROOT/souk" $(spell_form) --supervise ${var_flag:+--var "$given_var"} --port "$port" ${without_demo:+--no-demo} >>"$log" 2>&1 </dev/null &
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
