#!/usr/bin/env bash
# Runs the Rust tests under wasmtime, two test programs at a time: WASI has no threads, so one program uses one core.
# Arguments are options of wasmtime.
set -euo pipefail
cd "$(dirname "$0")/.."
. tools/env.sh

# The largest have most tests, and begin.
programs="$(cargo test --quiet --no-run --target wasm32-wasip1 --lib --tests --message-format=json-render-diagnostics |
  node -e '
    const { readFileSync, statSync } = require("node:fs");
    const lines = readFileSync(0, "utf8").split("\n").filter((line) => line.startsWith("{"));
    const programs = lines.map((line) => JSON.parse(line)).filter(({ executable, profile }) => executable && profile.test);
    const sized = programs.map(({ executable }) => ({ executable, size: statSync(executable).size }));
    for (const { executable } of sized.sort((a, b) => b.size - a.size)) console.log(executable);
  ')"
[ -n "$programs" ] || { echo "test-wasi: cargo names no test program" >&2; exit 1; }

run() {
  local name
  name="$(basename "$1")"
  tools/at-end.sh tools/part.sh "Rust tests under wasmtime, ${name%-*}" wasmtime run --dir . "${@:2}" "$1" --quiet
}
export -f run

# xargs fails when a program has failed.
xargs -P 2 -I PROGRAM bash -c 'run "$@"' bash PROGRAM "$@" <<<"$programs"
