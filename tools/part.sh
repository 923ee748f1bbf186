#!/usr/bin/env bash
# Runs a command as one part of `make test` or `make check`: prints its name, and then how long it took.
# If FERROLITE_PARTS names a file, a line with seconds, CPU-seconds and the name is added to it; tools/slowest.sh reads that file.
# Usage: tools/part.sh NAME COMMAND...
set -uo pipefail
name="$1"
shift
printf '\n\033[1m==> %(%T)T %s\033[0m\n' -1 "$name"
exec 3>&1 4>&2
TIMEFORMAT='%R %U %S'
taken="$({ time "$@" >&3 2>&4; } 2>&1)"
status=$?
if [ -n "${FERROLITE_PARTS:-}" ]; then
  mkdir -p "$(dirname "$FERROLITE_PARTS")"
  awk -v name="$name" '{ printf "%.1f\t%.1f\t%s\n", $1, $2 + $3, name }' <<<"$taken" >>"$FERROLITE_PARTS"
fi
exit "$status"
