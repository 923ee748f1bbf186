#!/usr/bin/env bash
# Runs two commands at the same time and prints the output of each when it ends. If one command fails, the other one is stopped.
# Usage: tools/both.sh 'COMMAND' 'COMMAND'
set -uo pipefail
at_end="$(dirname "$0")/at-end.sh"

groups=()
stop() {
  local group
  for group in "${groups[@]}"; do kill -- "-$group" 2>/dev/null; done
}
trap stop EXIT
trap 'exit 130' INT TERM

set -m # A process group for each command: the programs that it has started are stopped with it.
for command in "$@"; do
  printf '==> %(%T)T in the background, output follows at its end: %s\n' -1 "$command"
  "$at_end" bash -c "$command" &
  groups+=($!)
done
for _ in "$@"; do
  wait -n || exit $?
done
