#!/usr/bin/env bash
# The long form of the tests that look for lost or invented data. MINUTES= in all (60) are divided among the parts that run
# for a time; the others take as long as they take. PARTS="a b" runs some of them only. Ends with a table of what was tried.
set -euo pipefail
cd "$(dirname "$0")/.."
. tools/env.sh

minutes=${MINUTES:-60}
results=$(mktemp -d /tmp/ferrolite-torture-XXXXXX)
trap 'rm -rf "$results"' EXIT
native="cargo test --quiet --profile torture"
wasi="env CARGO_TARGET_WASM32_WASIP1_RUNNER='wasmtime run --dir . --env FERROLITE_TORTURE' $native --target wasm32-wasip1"

# A part a line: its name; its share of the time, 0 when it takes as long as it takes; the command.
parts() {
  cat <<PARTS
honest-disk|4|$native --test simulation honest_disks -- --nocapture
lying-disk|4|$native --test simulation lying -- --nocapture
shared-disk|1|$native --test simulation two_connections -- --nocapture
honest-disk-wasi|2|$wasi --test simulation honest_disks -- --nocapture
lying-disk-wasi|1|$wasi --test simulation lying -- --nocapture
exhaustive|0|$native --test documents exhaustive -- --nocapture
every-fault|0|$native --test documents every_fault -- --nocapture
corruption|0|$native --test corruption -- --nocapture
salvage|1|$native --test documents salvage -- --nocapture
model|2|$native --test model long_form -- --nocapture
fuzz|4|make fuzz SECONDS=\$((FERROLITE_TORTURE * 60 / $(ls fuzz/fuzz_targets | wc -l)))
kills|0|make kills
cases|0|node --test --test-concurrency=1 js/tests/{cases,firefox}.browser.test.mjs
PARTS
}

selected() { [ -z "${PARTS:-}" ] || [[ " $PARTS " == *" $1 "* ]]; }

shares=$(parts | while IFS='|' read -r name share _; do if selected "$name"; then echo "$share"; fi; done | awk '{ sum += $1 } END { print sum + 0 }')
failed=()
while IFS='|' read -r name share command <&3; do
  selected "$name" || continue
  time=$((shares > 0 ? minutes * share / shares : 0))
  if [ "$time" -lt 1 ]; then time=1; fi
  printf '\n==> %s%s\n' "$name" "$([ "$share" = 0 ] || echo ", $time min")"
  # The figures go into the table, all else is shown and kept.
  set +e
  FERROLITE_TORTURE=$time bash -c "$command" 2>&1 | tee "$results/$name.log" | grep -v $'torture\t'
  status=${PIPESTATUS[0]}
  set -e
  if [ "$status" != 0 ]; then failed+=("$name"); fi
  # A test runner may have put a dot in front.
  grep -o $'torture\t.*' "$results/$name.log" >>"$results/table" || true
done 3< <(parts)

touch "$results/table"
printf '\n%-40s %-26s %16s\n' part what count
awk -F '\t' '{ printf "%-40s %-26s %16d\n", $2, $3, $4 }' "$results/table"
printf '\n%-40s %-26s %16s\n' total "" ""
awk -F '\t' '{ sum[$3] += $4 } END { for (what in sum) printf "%-40s %-26s %16d\n", "", what, sum[what] }' "$results/table" | sort
printf '%-40s %-26s %16d\n' "" "parts that failed" "${#failed[@]}"

for name in "${failed[@]}"; do
  printf '\n%s failed. To repeat it:\n' "$name"
  grep -hE '^ *(make simulate|FERROLITE_[A-Z]+=)' "$results/$name.log" || parts | awk -F '|' -v name="$name" '$1 == name { print "  FERROLITE_TORTURE=1 " $3 }'
done
[ "${#failed[@]}" = 0 ]
