# shellcheck shell=bash
# haproxy in front, on 127.0.0.1:$port.

configure_haproxy() {
  local files maxconn
  files=$(ulimit -Hn)
  [[ $files == unlimited ]] && files=100000
  # Two descriptors for each client: its own connection and one to a server.
  maxconn=$(((files - 200) / 2))
  ((maxconn > 8000)) && maxconn=8000
  # Below soukd's http_threads: some stay free for health checks and for whoever comes directly. One node needs no retry of a
  # 503: it would hear the same question from the same queue again.
  sed -e "s|@MAXCONN@|$maxconn|" -e "s|@SOCKETS@|$SOCKETS|" -e "s|@PORT@|$port|" -e "s|@MAX_BODY@|$((32 << 20))|" \
    -e "s|@SERVER_MAXCONN@|$((${SOUK_HTTP_THREADS:-200} * 9 / 10))|g" -e "s|@RETRY_503@||" \
    -e "s|@SERVERS@|    server node-1 127.0.0.1:$soukd_port|" "$ROOT/scripts/haproxy.cfg.in" >"$VAR/run/haproxy.cfg"
  chmod 644 "$VAR/run/haproxy.cfg"
  haproxy -c -q -f "$VAR/run/haproxy.cfg" || die "haproxy refuses its configuration $VAR/run/haproxy.cfg"
}

start_haproxy() {
  start_daemon haproxy "${as_service[@]}" haproxy -db -f "$VAR/run/haproxy.cfg"
}

shop_is_ready() { curl -fsS -m 2 -o "$VAR/run/ready.json" "$url/readyz"; }

refuse_taken_port() {
  local who
  who=$(python3 "$ROOT/scripts/ports.py" owner "$port") || return 0
  die "port $port is taken by $who; choose another with --port"
}

bring_up_haproxy() {
  configure_haproxy
  managed+=(haproxy)
  start_haproxy
  wait_until 20 haproxy shop_is_ready
  say "haproxy is ready on 127.0.0.1:$port"
}

# Its soft stop: no new connections, those under way finish.
stop_haproxy() { stop_daemon haproxy USR1 8 TERM; }
