#!/usr/bin/env bash
# Runs the fuzz targets one after another, and prints how many inputs each has tried.
# Usage: tools/fuzz.sh SECONDS [TARGET]...   (SECONDS for each target; all targets, when none is named)
#
# What is found lies in fuzz/artifacts/TARGET, and is run again by
#   cargo test --lib fuzzing::tests::TARGET
# once it was copied to fuzz/regressions/TARGET. What was learnt stays in fuzz/corpus/TARGET, for the next run.
set -euo pipefail
cd "$(dirname "$0")/.."
. tools/env.sh
[ $# -ge 1 ] || { echo "usage: $0 SECONDS [TARGET]..." >&2; exit 2; }
seconds="$1"
shift
[ $# -gt 0 ] || set -- $(cd fuzz/fuzz_targets && ls -- *.rs | sed 's/\.rs$//')

# The compiler's coverage is for nightly ones only; this allows it to the stable one. The address sanitizer would find
# nothing in code without `unsafe`, and needs the standard library built anew.
export RUSTC_BOOTSTRAP=1
triple="$(rustc -vV | sed -n 's/^host: //p')"
failed=()
for target in "$@"; do
  cargo fuzz build --quiet -s none "$target" 2>/dev/null || cargo fuzz build -s none "$target"
  mkdir -p "fuzz/corpus/$target" "fuzz/artifacts/$target" "fuzz/regressions/$target"
  log="fuzz/artifacts/$target/log.txt"
  # No input of these sizes may take longer than -timeout seconds, or allocate more at once than -malloc_limit_mb.
  if "fuzz/target/$triple/release/$target" "fuzz/corpus/$target" "fuzz/seeds/$target" "fuzz/regressions/$target" \
    -max_total_time="$seconds" -max_len=4096 -timeout=20 -rss_limit_mb=2048 -malloc_limit_mb=256 \
    -artifact_prefix="fuzz/artifacts/$target/" -print_final_stats=1 -verbosity=0 >"$log" 2>&1; then
    outcome="nothing found"
  else
    outcome="FAILED"
    failed+=("$target")
  fi
  executions="$(sed -n 's/^stat::number_of_executed_units: *//p' "$log")"
  printf '%-12s %12s executions in %s s: %s\n' "$target" "${executions:-0}" "$seconds" "$outcome" >&2
  if [ -n "${FERROLITE_TORTURE:-}" ]; then
    printf 'torture\tfuzzing\texecutions %s\t%s\n' "$target" "${executions:-0}"
  fi
  if [ "$outcome" = FAILED ]; then
    grep -hE 'panicked|ERROR|Test unit written' -A 1 "$log" >&2 || tail -n 5 "$log" >&2
  fi
done
[ ${#failed[@]} = 0 ] || { echo "inputs were found: see fuzz/artifacts/ of ${failed[*]}" >&2; exit 1; }
