# shellcheck shell=bash
# Words to the user, time, and processes known by their pid files. Sourced by ./souk.

started_at=$EPOCHREALTIME

# seconds_since EPOCHREALTIME: "3.2"
seconds_since() {
  local tenths=$(((${EPOCHREALTIME/[.,]/} - ${1/[.,]/}) / 100000))
  printf '%d.%d' $((tenths / 10)) $((tenths % 10))
}

say() { printf '%6s s  %s\n' "$(seconds_since "$started_at")" "$*"; }
note() { printf '%s\n' "$*"; }
die() {
  printf 'souk: %s\n' "$*" >&2
  exit 1
}

# Waiting without a process per wait: the supervisor looks around three times a second for as long as the shop runs.
exec {never_written}<> <(:)
nap() { read -r -t "$1" -u "$never_written" _ || true; }

# look_up_birth PID: sets REPLY to when the kernel says that the process began. With its pid that is its identity, so a
# recycled pid is never taken for ours. It answers in REPLY because the supervisor asks all day, and $(…) would be a fork each time.
look_up_birth() {
  local line fields
  REPLY=''
  { read -r line <"/proc/$1/stat"; } 2>/dev/null || return 1
  read -r -a fields <<<"${line##*) }"
  [[ ${fields[0]} != Z ]] && REPLY=${fields[19]}
}

# A daemon is a kind, of which several have a number behind a dash: soukd, or soukd-1 and soukd-2.
kind_of() { printf '%s' "${1%%-*}"; }
number_of() { if [[ $1 == *-* ]]; then printf '%d' "${1##*-}"; else printf 1; fi; }

remember_pid() { # NAME PID
  printf '%s\n' "$2" >"$VAR/run/$1.pid"
  look_up_birth "$2" || true
  printf '%s\n' "$REPLY" >"$VAR/run/$1.birth"
}

forget_pid() { rm -f "$VAR/run/$1.pid" "$VAR/run/$1.birth"; }

# is_running NAME: whether the very process of its pid file still runs
is_running() {
  local pid='' birth=''
  { read -r pid <"$VAR/run/$1.pid"; } 2>/dev/null || true
  { read -r birth <"$VAR/run/$1.birth"; } 2>/dev/null || true
  [[ $pid =~ ^[0-9]+$ && -n $birth ]] && look_up_birth "$pid" && [[ $REPLY == "$birth" ]]
}

# pid_of NAME: its pid, if it runs
pid_of() { is_running "$1" && printf '%s' "$(<"$VAR/run/$1.pid")"; }

# start_daemon NAME COMMAND …: in a session of its own, because a Ctrl-C meant for us must not reach PostgreSQL before the
# server in front of it has drained.
start_daemon() {
  local name=$1 log=$VAR/log/$1.log
  shift
  if [[ -f $log && $(stat -c %s "$log") -gt $((64 << 20)) ]]; then mv -f "$log" "$log.1"; fi
  (cd "$VAR" && exec setsid "$@") >>"$log" 2>&1 </dev/null 9>&- {never_written}>&- &
  remember_pid "$name" $!
}

# stop_daemons SIGNAL SECONDS LAST_SIGNAL NAME …: asks all of them at once, waits, then insists. One that somebody paused is
# woken, else it would never hear.
stop_daemons() {
  local signal=$1 patience=$2 last=$3 began=$EPOCHREALTIME tenths=0 name pid left=() still
  shift 3
  for name in "$@"; do
    if pid=$(pid_of "$name"); then
      left+=("$name")
      { kill "-$signal" "$pid" && kill -CONT "$pid"; } 2>/dev/null
    else
      forget_pid "$name"
    fi
  done
  while ((${#left[@]} > 0)); do
    still=()
    for name in "${left[@]}"; do
      if ! pid=$(pid_of "$name"); then
        forget_pid "$name"
        say "stopped $name ($(seconds_since "$began") s)"
        continue
      fi
      still+=("$name")
      if ((tenths == patience * 10)); then
        say "$name did not stop within $patience s: sending SIG$last"
        kill "-$last" "$pid" 2>/dev/null
      elif ((tenths > patience * 10 + 100)); then
        kill -KILL "$pid" 2>/dev/null
      fi
    done
    left=("${still[@]}")
    ((${#left[@]} > 0)) && nap 0.1
    tenths=$((tenths + 1))
  done
}

last_words() { # NAME: the end of its log, for an error message
  [[ -s $VAR/log/$1.log ]] && tail -n 15 "$VAR/log/$1.log" | sed 's/^/    /'
}

# wait_until SECONDS DAEMON COMMAND …: until the command succeeds; gives up when the daemon dies
wait_until() {
  local seconds=$1 name=$2 i
  shift 2
  for ((i = 0; i < seconds * 10; i++)); do
    "$@" >/dev/null 2>&1 && return 0
    if ! is_running "$name"; then
      last_words "$name" >&2
      die "$name stopped while it was starting; its log is $VAR/log/$name.log"
    fi
    nap 0.1
  done
  last_words "$name" >&2
  die "$name was not ready within $seconds s; its log is $VAR/log/$name.log"
}
