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
  local plan steps
  plan=$(ninja -C "$BUILD" -n "${targets[@]}")
  if [[ $plan == *"no work to do"* ]]; then return 0; fi
  steps=$(grep -c '^\[' <<<"$plan")
  say "building ${targets[*]} ($steps steps, $(build_jobs) at a time)"
  if [[ -t 1 ]]; then
    NINJA_STATUS='          [%f/%t, %es] ' ninja -C "$BUILD" -j "$(build_jobs)" "${targets[@]}" 2>&1 || die "the build failed"
  else
    # Without a terminal: a line every 20 steps, and everything when it fails.
    local log
    log=$(mktemp)
    if ! NINJA_STATUS='[%f/%t, %es] ' ninja -C "$BUILD" -j "$(build_jobs)" "${targets[@]}" 2>&1 | tee "$log" \
      | awk 'match($0, /^\[[0-9]+/) && (substr($0, 2, RLENGTH - 1) % 20 == 0) { print "          " $0; fflush() }'; then
      grep -vE '^\[[0-9]+/' "$log" | tail -n 60 >&2
      rm -f "$log"
      die "the build failed"
    fi
    rm -f "$log"
  fi
  say "built ($(seconds_since "$began") s)"
}
