# shellcheck shell=bash
# What souk needs from Debian 12, and how to install it without starting a single system service.

packages_to_build=(g++ cmake ninja-build ccache mold pkg-config libcaf-dev libpq-dev libhiredis-dev libcpp-httplib-dev
  nlohmann-json3-dev catch2 libspdlog-dev libfmt-dev libsodium-dev prometheus-cpp-dev libcli11-dev librapidcheck-dev
  libcsv-dev libjemalloc-dev libssl-dev libcurl4-openssl-dev libkainjow-mustache-dev)
packages_to_run=(postgresql-15 redis-server haproxy curl jq openssl ca-certificates python3 python3-aiosmtpd util-linux)
packages_to_test=(python3-pytest python3-requests python3-jsonschema python3-psycopg2 iproute2)

missing_packages() {
  local installed
  installed=$(dpkg-query -W -f '${Package} ${db:Status-Abbrev}\n' "$@" 2>/dev/null | awk '$2 == "ii" { print $1 }')
  grep -vxF -f <(printf '%s\n' "${installed:--}") <(printf '%s\n' "$@") || true
}

# as_root COMMAND …
as_root() {
  if ((EUID == 0)); then
    "$@"
  else
    sudo "$@"
  fi
}

apt() {
  as_root env DEBIAN_FRONTEND=noninteractive NEEDRESTART_MODE=a \
    apt-get -qq -y -o Dpkg::Use-Pty=0 -o Dpkg::Options::=--force-confold -o DPkg::Lock::Timeout=120 "$@" </dev/null
}

# Debian starts what it installs. policy-rc.d is its own way to say no; one that an administrator wrote stays as it is.
without_services() {
  local policy=/usr/sbin/policy-rc.d ours=''
  if [[ ! -e $policy ]]; then
    ours=yes
    printf '#!/bin/sh\nexit 101\n' | as_root tee "$policy" >/dev/null
    as_root chmod 755 "$policy"
  fi
  local result=0
  "$@" || result=$?
  [[ -n $ours ]] && as_root rm -f "$policy"
  return "$result"
}

# Installing PostgreSQL also makes a cluster "main" that would start with the machine; nobody asked for it.
install_without_main_cluster() {
  local conf=/etc/postgresql-common/createcluster.conf had
  apt install --no-install-recommends postgresql-common || return
  had=$(cat "$conf" 2>/dev/null)
  printf 'create_main_cluster = false\n' | as_root tee "$conf" >/dev/null
  local result=0
  apt install --no-install-recommends "$@" || result=$?
  printf '%s\n' "$had" | as_root tee "$conf" >/dev/null
  return "$result"
}

# install_packages PACKAGE …: asks apt only for what dpkg does not have, so the second time costs milliseconds
install_packages() {
  local missing began=$EPOCHREALTIME log
  mapfile -t missing < <(missing_packages "$@")
  ((${#missing[@]} == 0)) && return 0
  command -v apt-get >/dev/null || die "these are missing, and this is no Debian to install them: ${missing[*]}"
  if ((EUID != 0)) && ! command -v sudo >/dev/null; then
    die "these packages are missing and there is no sudo; as root: apt-get install ${missing[*]}"
  fi
  say "installing ${#missing[@]} Debian packages: ${missing[*]}"
  log=$(mktemp)
  local how=(apt install --no-install-recommends)
  if [[ " ${missing[*]} " == *" postgresql-15 "* ]] && [[ -n $(missing_packages postgresql-common) ]]; then
    how=(install_without_main_cluster)
  fi
  if ! { apt update && without_services "${how[@]}" "${missing[@]}"; } >"$log" 2>&1; then
    tail -n 30 "$log" >&2
    rm -f "$log"
    die "apt could not install: ${missing[*]}"
  fi
  rm -f "$log"
  keep_from_starting_at_boot "${missing[@]}"
  say "installed ${#missing[@]} packages ($(seconds_since "$began") s)"
}

keep_from_starting_at_boot() {
  [[ -d /run/systemd/system ]] || return 0
  local package
  for package in redis-server haproxy postgresql; do
    if [[ " $* " == *" $package"* ]]; then
      as_root systemctl disable --now --quiet "$package.service" 2>/dev/null || true
    fi
  done
}
