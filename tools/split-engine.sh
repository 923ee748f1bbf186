#!/usr/bin/env bash
# Cuts the engine in two: what a program needs that has just begun (tools/package/engine-profile.mjs), and the rest. Called by
# tools/build-js.sh, for js/dist.
set -euo pipefail
cd "$(dirname "$0")/.."
. tools/env.sh

# The tool is compiled once for each state of its sources.
sources="$(cat tools/split-wasm/Cargo.* tools/split-wasm/src/* | sha256sum | cut -c 1-12)"
split_wasm="$TOOLS/bin/split-wasm-$sources"
if [ ! -x "$split_wasm" ]; then
  cargo build --release --locked --quiet --manifest-path tools/split-wasm/Cargo.toml --target-dir .build/split-wasm
  mkdir -p "$TOOLS/bin"
  cp .build/split-wasm/release/split-wasm "$split_wasm.$$"
  mv "$split_wasm.$$" "$split_wasm"
fi

whole=.build/wasm/ferrolite_bg.wasm
training=.build/training
rm -rf "$training"
mkdir -p "$training"
"$split_wasm" instrument "$whole" "$training/ferrolite_bg.wasm"
node tools/package/engine-profile.mjs "$training" >"$training/profile"
"$split_wasm" split "$whole" "$training/profile" "$training/first.wasm" "$training/rest.wasm"
mv "$training/first.wasm" js/dist/ferrolite_first.wasm
mv "$training/rest.wasm" js/dist/ferrolite_rest.wasm
