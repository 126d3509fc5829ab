# shellcheck shell=bash
# haproxy in front, on 127.0.0.1:$port.

configure_haproxy() {
  local files maxconn
  files=$(ulimit -Hn)
  [[ $files == unlimited ]] && files=100000
  # Two descriptors for each client: its own connection and one to a server.
  maxconn=$(((files - 200) / 2))
  ((maxconn > 8000)) && maxconn=8000
  local name servers='' elsewhere='' check='inter 1s fastinter 200ms fall 3' unless_local=' !local'
  for name in "${nodes[@]}"; do
    servers+="${servers:+\\n}    server node-$(number_of "$name") 127.0.0.1:${http_port[$name]}"
  done
  # One node would hear the same question from the same queue again; among several, another one knows. A node that was killed or
  # gives its shards away is sent nothing after 0.6 s, one that hangs after four.
  if [[ $form == cluster ]]; then
    elsewhere=' 503 response-timeout' check='inter 500ms fastinter 100ms fall 2' unless_local=''
  fi
  # A node answers within its own deadline, six times that for what is large; after that it is hung. The limit on connections lies
  # below its http_threads: some stay free for health checks and for whoever comes directly.
  local deadline=${SOUK_REQUEST_TIMEOUT_MS:-5000}
  sed -e "s|@MAXCONN@|$maxconn|" -e "s|@SOCKETS@|$SOCKETS|" -e "s|@PORT@|$port|" -e "s|@MAX_BODY@|$((32 << 20))|" \
    -e "s|@ANSWER_TIMEOUT@|$((deadline + 1500))ms|" -e "s|@BULK_TIMEOUT@|$((6 * deadline + 2000))ms|" \
    -e "s|@SERVER_MAXCONN@|$((${SOUK_HTTP_THREADS:-200} * 9 / 10))|g" -e "s|@RETRY_ELSEWHERE@|$elsewhere|" \
    -e "s|@CHECK@|$check|" -e "s|@UNLESS_LOCAL@|$unless_local|" -e "s|@SERVERS@|$servers|" \
    "$ROOT/scripts/haproxy.cfg.in" >"$VAR/run/haproxy.cfg"
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
stop_haproxy() { stop_daemons USR1 8 TERM haproxy; }
