# shellcheck shell=bash
# Configure and build. SOUK_BUILD_DIR puts the build elsewhere than build/.

BUILD=${SOUK_BUILD_DIR:-$ROOT/build}
# A second checkout of the same sources finds what the first one compiled.
export CCACHE_BASEDIR=${CCACHE_BASEDIR:-$ROOT} CCACHE_NOHASHDIR=1

# A C++ compiler on CAF takes more than a gigabyte: a small machine builds with fewer jobs instead of swapping.
build_jobs() {
  local cores memory_kib jobs
  cores=$(nproc)
  memory_kib=$(awk '/^MemAvailable/ { print $2 }' /proc/meminfo)
  jobs=$((memory_kib / (1400 * 1024)))
  ((jobs < 1)) && jobs=1
  echo $((jobs < cores ? jobs : cores))
}

# build TARGET …: only those that this checkout has
build() {
  local began=$EPOCHREALTIME targets target known
  if [[ ! -f $BUILD/build.ninja ]]; then
    say "configuring $BUILD"
    local output
    output=$(cd "$ROOT" && if [[ -n ${SOUK_BUILD_DIR:-} ]]; then
      cmake -S . -B "$BUILD" -G Ninja -DCMAKE_BUILD_TYPE=Release
    else
      cmake --preset release
    fi 2>&1) || {
      tail -n 30 <<<"$output" >&2
      die "cmake could not configure the build"
    }
  fi
  ninja -C "$BUILD" build.ninja >/dev/null || die "cmake could not configure the build; for details: ninja -C $BUILD"
  known=$(ninja -C "$BUILD" -t targets all | cut -d: -f1)
  targets=()
  for target in "$@"; do
    if grep -qxF "$target" <<<"$known"; then targets+=("$target"); fi
  done
  ((${#targets[@]} == 0)) && return 0
  local log code
  log=$(mktemp)
  NINJA_STATUS='[%f/%t, %es] ' ninja -C "$BUILD" -j "$(build_jobs)" "${targets[@]}" 2>&1 | tee "$log" | show_progress
  code=${PIPESTATUS[0]}
  if ((code != 0)); then
    grep -vE '^\[[0-9]+/' "$log" | tail -n 60 >&2
    rm -f "$log"
    die "the build failed"
  fi
  if [[ $(<"$log") != *"no work to do"* ]]; then say "built ${targets[*]} ($(seconds_since "$began") s)"; fi
  rm -f "$log"
}

# On a terminal the latest step, in place; else every 20th, a line each. Nothing at all when there was nothing to do.
show_progress() {
  local line announced='' shown=''
  while IFS= read -r line; do
    [[ $line =~ ^\[([0-9]+)/ && $line != *"Re-checking globbed"* ]] || continue
    if [[ -z $announced ]]; then say "building, which takes minutes the first time"; fi
    announced=yes
    if [[ -t 1 ]]; then
      printf '\r\033[K          %.100s' "$line"
      shown=yes
    elif ((BASH_REMATCH[1] % 20 == 0)); then
      note "          $line"
    fi
  done
  if [[ -n $shown ]]; then printf '\r\033[K'; fi
}
