#!/usr/bin/env bash
# Runs a command and prints its output when it ends, so that the lines of several commands do not mix.
# Usage: tools/at-end.sh COMMAND...
set -uo pipefail
log="$(mktemp)"
trap 'rm -f "$log"' EXIT
status=0
"$@" >"$log" 2>&1 </dev/null || status=$?
cat "$log"
exit "$status"
