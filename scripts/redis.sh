# shellcheck shell=bash
# A private Redis on a unix socket. It is a cache and a stream, never the truth, so it keeps nothing on disk.

configure_redis() {
  cat >"$VAR/run/redis.conf" <<CONF
port 0
unixsocket $SOCKETS/redis.sock
unixsocketperm 700
dir $VAR/redis
daemonize no
save ""
appendonly no
maxmemory 256mb
maxmemory-policy allkeys-lru
CONF
  chmod 644 "$VAR/run/redis.conf"
}

start_redis() {
  rm -f "$SOCKETS/redis.sock"
  start_daemon redis "${as_service[@]}" redis-server "$VAR/run/redis.conf"
}

redis_answers() { [[ $("${as_service[@]}" redis-cli -s "$SOCKETS/redis.sock" PING 2>/dev/null) == PONG ]]; }

bring_up_redis() {
  if [[ -n ${SOUK_REDIS_URL+set} ]]; then
    redis_url=$SOUK_REDIS_URL
    if [[ -n $SOUK_REDIS_URL ]]; then say "using the Redis of SOUK_REDIS_URL"; else say "running without Redis"; fi
    return 0
  fi
  local began=$EPOCHREALTIME
  configure_redis
  managed+=(redis)
  start_redis
  wait_until 20 redis redis_answers
  redis_url=unix://$SOCKETS/redis.sock
  say "Redis is ready ($(seconds_since "$began") s)"
}

stop_redis() { stop_daemons TERM 10 KILL redis; }
