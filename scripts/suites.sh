# shellcheck shell=bash
# ./souk test: every suite by name, one line each, one sum at the end.

# name | what runs it | build targets
suites=(
  'architecture|pytest|'
  'unit|catch|souk-unit-tests'
  'storage|catch_on_postgres|souk-storage-tests'
  'simulation|catch|souk-simulation-tests'
  'integration|pytest|soukd souk-sandbox souk-providers souk-bench gateway-probe'
  'cluster|pytest|soukd souk-sandbox soukd-next soukd-later'
)

passed_total=0 failed_total=0 scratch=''

# One line for a suite from its JUnit file, details of what failed above it.
conclude_suite() { # NAME EXIT_CODE REPORT SECONDS OUTPUT
  local name=$1 code=$2 report=$3 seconds=$4 output=$5 passed failed verdict
  read -r passed failed < <(python3 "$ROOT/scripts/junit_summary.py" "$report" "$code")
  passed_total=$((passed_total + passed))
  failed_total=$((failed_total + failed))
  if ((failed > 0)); then
    verdict=FAILED
    if [[ ! -s $report ]]; then tail -n 40 "$output"; fi
  else
    verdict=ok
  fi
  printf '%-14s %-6s %5d passed %4d failed   %6s s\n' "$name" "$verdict" "$passed" "$failed" "$seconds"
}

# Catch2 reports in JUnit form; a program that crashes leaves a broken report, which counts as a failure.
run_catch() { # NAME REPORT OUTPUT
  "$BUILD/tests/souk-$1-tests" -r junit -o "$2" >"$3" 2>&1
}

run_catch_on_postgres() {
  # A cluster of its own, so that the tests may kill and corrupt as they like.
  SOUK_TEST_DATABASE_URL=$scratch_database_url run_catch "$@"
}

run_pytest() {
  (cd "$ROOT" && PYTHONDONTWRITEBYTECODE=1 SOUK_BUILD_DIR=$BUILD /usr/bin/python3 -m pytest -q -p no:cacheprovider \
    --junit-xml="$2" "tests/$1") >"$3" 2>&1
}

start_scratch_postgres() {
  [[ -n ${scratch_database_url:-} ]] && return 0
  VAR=$scratch/state
  prepare_var
  bring_up_postgres >/dev/null
  as_superuser postgres -d postgres -c 'ALTER ROLE souk CREATEDB' # a test may want a database of its own
  scratch_database_url=$database_url
}

clean_up_scratch() {
  if [[ -f ${VAR:-}/run/postgres.pid && $VAR == "$scratch"/* ]]; then stop_stack >/dev/null; fi
  rm -rf "$scratch"
}

# Settings of the caller's shop are not for tests.
forget_callers_settings() {
  local variable
  for variable in ${!SOUK_*}; do
    case $variable in SOUK_BUILD_DIR | SOUK_SEED | SOUK_SEEDS | SOUK_SAMPLE_CATALOGS | SOUK_TEST_KEEP) ;; *) unset "$variable" ;; esac
  done
}

run_suites() {
  local wanted=$1 suite name how targets all_targets='' found=''
  for suite in "${suites[@]}"; do
    IFS='|' read -r name how targets <<<"$suite"
    if [[ -z $wanted || $wanted == "$name" ]]; then
      found=yes
      all_targets+=" $targets"
    fi
  done
  [[ -n $found ]] || die "there is no suite '$wanted'; there are: $(printf '%s\n' "${suites[@]}" | cut -d'|' -f1 | paste -sd' ')"
  # shellcheck disable=SC2086
  build $all_targets
  forget_callers_settings
  # Under /tmp and not in var/: its sockets' paths are short, and any user can be given a directory there.
  scratch=$(mktemp -d /tmp/souk-test.XXXXXX)
  chmod 755 "$scratch"
  trap clean_up_scratch EXIT
  trap 'exit 130' INT TERM
  for suite in "${suites[@]}"; do
    IFS='|' read -r name how targets <<<"$suite"
    [[ -z $wanted || $wanted == "$name" ]] || continue
    run_suite "$name" "$how"
  done
  note "$passed_total passed, $failed_total failed"
  ((failed_total == 0 && passed_total > 0))
}

run_suite() {
  local name=$1 how=$2 report=$scratch/$1.xml output=$scratch/$1.out began=$EPOCHREALTIME code=0
  if [[ $how == catch_on_postgres ]]; then start_scratch_postgres; fi
  "run_$how" "$name" "$report" "$output" || code=$?
  conclude_suite "$name" "$code" "$report" "$(seconds_since "$began")" "$output"
}
