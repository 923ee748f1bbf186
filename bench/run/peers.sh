#!/usr/bin/env bash
# Builds bench/peers and runs it, natively and for WASI under wasmtime: target/bench/native.json and target/bench/wasi.json.
# Usage: bench/run/peers.sh [native|wasi|all] [OPTIONS OF peers]...
#
# LAUNCHER="chrt -r 1" is put in front of what measures, not of what builds.
# SQLite takes part under WASI, too, compiled by Zig, which tools/setup.sh installs.
set -euo pipefail
cd "$(dirname "$0")/../.."
. tools/env.sh

TARGET="$PWD/target/peers"
host="${1:-all}"
[ $# -eq 0 ] || shift

# The build is asked for in the crate's folder: its settings for cargo lie there.
build() { (cd bench/peers && cargo build --locked --release --target-dir "$TARGET" "$@"); }

# Zig takes the flags of a C compiler, but for what others call the target.
zig_compiler() {
  local zig="$TOOLS/zig/bin/python -m ziglang"
  mkdir -p .build/zig
  cat >.build/zig/cc <<EOF
#!/usr/bin/env bash
arguments=()
for argument in "\$@"; do
  case "\$argument" in --target=* | -fuse-ld=*) ;; *) arguments+=("\$argument") ;; esac
done
exec $zig cc -target wasm32-wasi "\${arguments[@]}"
EOF
  printf '#!/usr/bin/env bash\nexec %s ar "$@"\n' "$zig" >.build/zig/ar
  chmod +x .build/zig/cc .build/zig/ar
  export CC_wasm32_wasip1="$PWD/.build/zig/cc" AR_wasm32_wasip1="$PWD/.build/zig/ar"
}

build
machine="$("$TARGET/release/peers" --print-machine)"
if [ "$host" != wasi ]; then
  ${LAUNCHER:-} "$TARGET/release/peers" --name native --json target/bench/native.json "$@"
fi
if [ "$host" != native ]; then
  tools/setup.sh peers
  zig_compiler
  build --target wasm32-wasip1
  wasm-opt -O3 --enable-bulk-memory --enable-nontrapping-float-to-int --enable-sign-ext --enable-mutable-globals \
    --enable-reference-types --enable-multivalue --strip-debug --strip-producers \
    "$TARGET/wasm32-wasip1/release/peers.wasm" -o "$TARGET/peers.wasm"
  ${LAUNCHER:-} wasmtime run --dir . "$TARGET/peers.wasm" --name wasi --json target/bench/wasi.json --machine "$machine" \
    --version-of "wasmtime=$(wasmtime --version | awk '{ print $2 }')" "$@"
fi
