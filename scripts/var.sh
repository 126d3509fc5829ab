# shellcheck shell=bash
# The state directory, and the user that the daemons run as.

# PostgreSQL refuses to run as root, and the others have no need to: root starts them all as the user `postgres`, which the
# package has made. Anybody else runs them as themselves.
as_service=()
service_user=$(id -un)
if ((EUID == 0)); then
  service_user=postgres
  as_service=(setpriv --reuid=postgres --regid=postgres --init-groups --no-new-privs)
fi

service_can() { "${as_service[@]}" test "$@" 2>/dev/null; }

# prepare_var: makes $VAR with run/ and log/. The daemons' user may be unable to reach it, below /root for one: then the
# state lies in /var/lib/souk and $VAR is a link to it.
prepare_var() {
  mkdir -p "$(dirname "$VAR")" || die "cannot create $(dirname "$VAR"): choose another place with --var DIR"
  if [[ -d $VAR/run && $(stat -c %U "$VAR/run/") != "$service_user" ]]; then
    die "$VAR belongs to $(stat -c %U "$VAR/run/"): run as that user, or choose another place with --var DIR"
  fi
  if [[ -d $VAR && ! -L $VAR ]] && ! service_can -x "$(dirname "$VAR")"; then
    rmdir "$VAR" 2>/dev/null # empty, so a link does as well
  fi
  if [[ ! -e $VAR && ! -L $VAR ]]; then
    if service_can -x "$(dirname "$VAR")"; then
      mkdir "$VAR" || die "cannot create $VAR: choose another place with --var DIR"
    else
      local elsewhere
      elsewhere=/var/lib/souk/$(short_name "$VAR")
      mkdir -p "$elsewhere" && ln -s "$elsewhere" "$VAR"
      say "$service_user cannot enter $(dirname "$VAR"): the state lies in $elsewhere, $VAR leads there"
    fi
  fi
  mkdir -p "$VAR" 2>/dev/null # a link whose end was removed
  [[ -w $VAR ]] || die "$VAR cannot be written by $(id -un): choose another place with --var DIR"
  # From here on the real path, which the daemons can walk.
  VAR=$(realpath "$VAR")
  mkdir -p "$VAR/run" "$VAR/log" "$VAR/redis" "$VAR/sandbox" "$VAR"/mail/{new,cur,tmp}
  chmod 0711 "$VAR"
  chmod 0700 "$VAR/run"
  if ((EUID == 0)); then chown "$service_user:" "$VAR" "$VAR/run" "$VAR/log" "$VAR/redis" "$VAR/sandbox" "$VAR/mail" "$VAR"/mail/*/; fi
  service_can -w "$VAR/run" || die "the user $service_user cannot write to $VAR/run: choose another place with --var DIR"
  choose_socket_directory
}

short_name() { printf '%s' "$1" | sha256sum | cut -c1-12; }

# A socket's path has at most 107 characters, wherever the state lies. /tmp is open to all, so a directory that somebody
# else put there is refused.
choose_socket_directory() {
  SOCKETS=$VAR/run
  ((${#SOCKETS} + ${#longest_socket_name} + 1 <= 107)) && return 0
  SOCKETS=/tmp/souk-$(short_name "$VAR")
  mkdir -m 0700 "$SOCKETS" 2>/dev/null && ((EUID == 0)) && chown "$service_user:" "$SOCKETS"
  [[ ! -L $SOCKETS && $(stat -c '%U %a' "$SOCKETS") == "$service_user 700" ]] \
    || die "$SOCKETS is not ours: remove it, or choose a shorter place with --var DIR"
  ln -sfn "$SOCKETS" "$VAR/run/sockets"
}
longest_socket_name=.s.PGSQL.5432.lock

free_port() { # NAME: the port it had last time if that is still free, so that restarts look the same from outside
  local last=''
  { read -r last <"$VAR/run/$1.port"; } 2>/dev/null || true
  python3 "$ROOT/scripts/ports.py" free "$last" | tee "$VAR/run/$1.port"
}
