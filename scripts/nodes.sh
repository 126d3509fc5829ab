# shellcheck shell=bash
# What an operator does to the nodes of a running shop.

# find_running_shop: its form, its URL and its databases
find_running_shop() {
  VAR=$(realpath -m "$VAR")
  is_running souk && [[ -f $VAR/run/ready ]] || die "souk is not up: start it with ./souk cluster N"
  url=$(<"$VAR/run/ready")
  take_form_of_var
  take_database_url
  choose_program_user
}

take_database_url() { { read -r database_url <"$VAR/run/database-url"; } 2>/dev/null || database_url=$(private_database_url); }

# What the databases and the nodes say of each other: owners, epochs, lanes, queues.
show_nodes() {
  local name port urls=''
  for name in "${nodes[@]}"; do
    { read -r port <"$VAR/run/$name.port"; } 2>/dev/null && urls+=",http://127.0.0.1:$port"
  done
  take_database_url
  choose_program_user
  timeout 20 env SOUK_DATABASE_URL="$database_url" "${as_program[@]}" "$BUILD/soukd" status --urls "${urls:1}" \
    || note "not everything is well, or could be asked"
}

# look_at NAME: sets REPLY to what its /readyz says, the number of its shards after it
look_at() { # NAME
  local port='' said
  { read -r port <"$VAR/run/$1.port"; } 2>/dev/null
  said=$(curl -s -m 2 "http://127.0.0.1:$port/readyz") || said='{}'
  REPLY=$(jq -r '"\(.status // "silent") \(.shards_owned // 0)"' <<<"$said" 2>/dev/null) || REPLY='silent 0'
}

# look_at_all: sets REPLY to what all nodes say, and fails unless all are ready and no shard is without an owner
look_at_all() {
  local name all='' shards=0 code=0
  for name in "${nodes[@]}"; do
    look_at "$name"
    [[ $REPLY == ready\ * ]] || code=1
    shards=$((shards + ${REPLY##* }))
    all+=" ${REPLY##* }"
  done
  REPLY=${all:1}
  ((code == 0 && shards == 256))
}

# wait_until_settled SECONDS [SHARDS]: until every node is ready and the shards lie as given, or have not moved for three seconds
wait_until_settled() {
  local until=$((EPOCHSECONDS + $1)) wanted=${2:-} last='' same=0
  while ((EPOCHSECONDS < until)); do
    if look_at_all; then
      [[ -n $wanted && $REPLY == "$wanted" ]] && return 0
      if [[ $REPLY == "$last" ]]; then same=$((same + 1)); else same=0; fi
      ((same < 15)) || return 0
      last=$REPLY
    else
      same=0
    fi
    nap 0.2
  done
  return 1
}

# restart_nodes: one after the other; the supervisor starts each again when it has ended
restart_nodes() {
  ((${#nodes[@]} > 1)) || die "one node alone cannot be restarted without a pause: ./souk down, then ./souk up"
  local name placed='' before began
  if wait_until_settled 30; then placed=$REPLY; else die "the shop is not in order, so no node is restarted: see ./souk status"; fi
  say "shards on the nodes: $placed"
  for name in "${nodes[@]}"; do
    began=$EPOCHREALTIME
    before=$(pid_of "$name") || die "$name does not run: see ./souk status"
    kill -TERM "$before"
    wait_until_replaced "$name" "$before" || die "$name was not back within 60 s; its log is $VAR/log/$name.log"
    say "restarted $name (pid $before, now $(pid_of "$name"), $(seconds_since "$began") s)"
    # Placed by name, they come to lie as before.
    if wait_until_settled 30 "$placed"; then
      say "shards on the nodes: $REPLY ($(seconds_since "$began") s)"
    else
      say "after 30 s shards are still moving: $REPLY"
    fi
  done
  say "every node was restarted"
}

wait_until_replaced() { # NAME PID
  local until=$((EPOCHSECONDS + 60)) pid
  while ((EPOCHSECONDS < until)); do
    if pid=$(pid_of "$1") && ((pid != $2)); then
      look_at "$1"
      [[ $REPLY == ready\ * ]] && return 0
    fi
    is_running souk || die "souk was stopped meanwhile"
    nap 0.2
  done
  return 1
}
