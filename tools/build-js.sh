#!/usr/bin/env bash
# Builds the npm package into js/dist: the engine by wasm-pack, the declarations by tsc, the scripts by esbuild; and packs it
# into dist/ferrolite-VERSION.tgz. Each step is skipped when what it reads has not changed since it last ran. With
# --engine-is-current it builds nothing, and fails if the engine would be compiled again.
set -euo pipefail
cd "$(dirname "$0")/.."
. tools/env.sh

say() { printf '\033[1mbuild-js:\033[0m %s\n' "$*" >&2; }

# A digest of files and folders: names and contents.
digest() {
  find "$@" -type f -print0 | LC_ALL=C sort -z | xargs -0 sha256sum | sha256sum | cut -d ' ' -f 1
}

# unchanged STAMP OUTPUT INPUT...: whether the output is there and was made from these inputs.
unchanged() {
  local stamp=".build/stamps/$1" output="$2"
  shift 2
  [ -e "$output" ] && [ "$(cat "$stamp" 2>/dev/null)" = "$(digest "$@")" ]
}

# done_with STAMP INPUT...: remembers that the step is done.
done_with() {
  local stamp=".build/stamps/$1"
  shift
  mkdir -p .build/stamps
  digest "$@" >"$stamp"
}

version="$(sed -n 's/^version = "\(.*\)"/\1/p' Cargo.toml | head -n 1)"
[ "$version" = "$(node -p 'require("./js/package.json").version')" ] ||
  { say "Cargo.toml and js/package.json have different versions"; exit 1; }

[ -e Cargo.lock ] || cargo generate-lockfile --quiet
wasm_inputs=(Cargo.toml Cargo.lock build.rs src tools/build-js.sh tools/env.sh)
if [ "${1:-}" = --engine-is-current ]; then
  unchanged wasm .build/wasm/ferrolite_bg.wasm "${wasm_inputs[@]}"
  exit
fi
if ! unchanged wasm .build/wasm/ferrolite_bg.wasm "${wasm_inputs[@]}"; then
  say "compiling the engine to wasm"
  # SIMD makes checksums and comparisons faster in every browser that has OPFS. The inlining threshold (from 225) costs
  # no time and saves a tenth of the download. Code that leads to a panic or a cold function gets its own function, for the
  # part that is loaded later. Paths of this machine stay out. A target directory for this build alone lets the
  # command-line program compile at the same time.
  CARGO_TARGET_WASM32_UNKNOWN_UNKNOWN_RUSTFLAGS="-C target-feature=+simd128 -C llvm-args=-inline-threshold=30 \
    -C llvm-args=-hot-cold-split \
    --remap-path-prefix=$PWD=ferrolite --remap-path-prefix=${CARGO_HOME:-$HOME/.cargo}=cargo \
    --remap-path-prefix=$(rustc --print sysroot)=rust" \
    CARGO_TARGET_DIR="$PWD/.build/engine" wasm-pack --log-level warn build . --release --target web --mode no-install --no-pack --no-typescript \
    --out-dir .build/wasm --out-name ferrolite -- --no-default-features
  node tools/package/provenance.mjs toolchain .build/wasm/toolchain.json
  done_with wasm "${wasm_inputs[@]}"
fi

if ! unchanged modules js/node_modules/.package-lock.json js/package.json js/package-lock.json; then
  say "installing the development tools of js/"
  npm --prefix js ci --silent
  done_with modules js/package.json js/package-lock.json
fi

npm --prefix js run --silent sync
ts_inputs=(js/src js/tsconfig.json js/package-lock.json tools/build-js.sh)
if ! unchanged ts js/dist/index.js "${ts_inputs[@]}"; then
  say "compiling TypeScript"
  rm -rf js/dist
  # These modules are for the tests, which look at single ones. What is published is bundled below, over the entries.
  js/node_modules/.bin/tsc --project js/tsconfig.json --declaration false --removeComments
  js/node_modules/.bin/tsc --project js/tsconfig.json --emitDeclarationOnly
  done_with ts "${ts_inputs[@]}"
fi

if ! unchanged glue js/dist/protocol/ferrolite.js .build/wasm/ferrolite.js "${ts_inputs[@]}"; then
  # Without comments, as the rest.
  js/node_modules/.bin/tsc --ignoreConfig --allowJs --noCheck --removeComments --target es2022 --module es2022 \
    --outDir js/dist/protocol .build/wasm/ferrolite.js
  done_with glue .build/wasm/ferrolite.js "${ts_inputs[@]}"
fi
cmp -s .build/wasm/ferrolite_bg.wasm js/dist/ferrolite_bg.wasm || cp .build/wasm/ferrolite_bg.wasm js/dist/

parts_inputs=(.build/wasm/ferrolite_bg.wasm tools/split-engine.sh tools/package/engine-profile.mjs tools/package/bindings.mjs
  tools/split-wasm)
if ! unchanged parts js/dist/ferrolite_rest.wasm "${parts_inputs[@]}"; then
  say "cutting the engine in two"
  tools/split-engine.sh
  done_with parts "${parts_inputs[@]}"
fi
cp -u LICENSE-APACHE LICENSE-MIT js/

bundle_inputs=(js/src js/package.json js/tsconfig.json js/package-lock.json .build/wasm tools/package/bundle-js.mjs tools/package/bindings.mjs
  tools/package/provenance.mjs js/dist/ferrolite_first.wasm)
if ! unchanged bundle js/dist/provenance.json "${bundle_inputs[@]}"; then
  say "bundling the scripts"
  node tools/package/bundle-js.mjs
  node tools/package/provenance.mjs package js/dist/provenance.json
  done_with bundle "${bundle_inputs[@]}"
fi

package="dist/ferrolite-$version.tgz"
pack_inputs=(js/dist js/package.json js/README.md LICENSE-APACHE LICENSE-MIT)
if ! unchanged pack "$package" "${pack_inputs[@]}"; then
  mkdir -p dist
  npm pack ./js --silent --pack-destination dist >/dev/null
  done_with pack "${pack_inputs[@]}"
fi

node tools/package/sizes.mjs "$package"
