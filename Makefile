# `make` lists what can be made. Everything is found out by asking the tools: a second run redoes what has changed.

SHELL := /bin/bash
.SHELLFLAGS := -euo pipefail -c
.DEFAULT_GOAL := help
.DELETE_ON_ERROR:
MAKEFLAGS += --no-print-directory
# Steps share two cores and one terminal.
.NOTPARALLEL:

TOOL_PATHS := . tools/env.sh
# On a terminal cargo shows how far it is; in a log that would be noise.
QUIET := $(shell [ -t 2 ] || echo --quiet)
SAY := printf '\n\033[1m==> %(%T)T %s\033[0m\n' -1
# A part of the tests: its name is printed, and its duration is recorded.
PART := tools/part.sh
PARTS := $(CURDIR)/.build/parts.tsv
# In a recipe: records the parts from here on, and prints the slowest ones when the recipe ends.
MEASURE = rm -f $(PARTS); export FERROLITE_PARTS=$(PARTS); trap tools/slowest.sh EXIT
# Node's test runner. The second reporter records each file as a part.
NODE_TEST := node --test --test-reporter=tap --test-reporter-destination=stdout \
  --test-reporter=$(CURDIR)/tools/part-reporter.mjs --test-reporter-destination=stdout
NATIVE := target/release/ferrolite
WASI := target/wasm32-wasip1/release/ferrolite.wasm
# The native program leaves files here with which that for WASI compares its own.
SAME_BYTES := target/same-bytes
# The features that every WASI host has; the order of speed before size is the native program's too.
WASM_OPT := wasm-opt -O3 --enable-bulk-memory --enable-nontrapping-float-to-int --enable-sign-ext \
  --enable-mutable-globals --enable-reference-types --enable-multivalue --strip-debug --strip-producers

.PHONY: help setup build native wasi package sizes docs demo-data demo serve test check test-format test-lints \
  test-lints-native check-structure lint-js format lint-dependencies test-oldest test-rust check-rust test-reader test-package test-types test-node \
  check-node test-browser test-wasi simulate torture fuzz kills coverage mutations bench bench-latency bench-encryption \
  bench-first-write bench-node bench-browser bench-browser-page bench-profile bench-peers bench-report million clean FORCE

help: ## list what can be made
	@echo "make TARGET"
	@echo
	@sed -n 's/^\([a-z-]*\):.*## \(.*\)/\1\t\2/p' Makefile | awk -F '\t' '{ printf "  %-18s %s\n", $$1, $$2 }'

setup: ## install the tools that this machine lacks
	@tools/setup.sh

# --- building ---------------------------------------------------------------------------------------------------------

build: setup native wasi package sizes ## leave in dist/: ferrolite.wasm (WASI), ferrolite (native), ferrolite-VERSION.tgz (npm)

native: dist/ferrolite
wasi: dist/ferrolite.wasm

$(NATIVE): FORCE
	@$(PART) "compiling the command-line program for this machine" cargo build --release $(QUIET) --bin ferrolite

$(WASI): FORCE
	@$(PART) "compiling the command-line program for WASI" \
	  cargo build --release $(QUIET) --target wasm32-wasip1 --bin ferrolite

# cargo leaves a program alone that has not changed, and so do these.
dist/ferrolite: $(NATIVE)
	@mkdir -p dist
	@cp $< $@

dist/ferrolite.wasm: $(WASI) tools/env.sh
	@mkdir -p dist
	@$(TOOL_PATHS); $(WASM_OPT) $< -o $@

package:
	@$(PART) "building the npm package" tools/build-js.sh

sizes:
	@for file in dist/ferrolite.wasm dist/ferrolite; do \
	  printf '%-22s %6d kB, %6d kB gzipped\n' "$$file" $$(($$(wc -c <$$file) / 1000)) $$(($$(gzip -9c $$file | wc -c) / 1000)); \
	done

FORCE:

docs: js/node_modules/typescript ## write docs/api.md out of the types, and the reference of the crate into target/doc
	@$(SAY) "the reference of the npm package"
	@npm --prefix js run --silent docs
	@$(SAY) "the reference of the crate"
	@RUSTDOCFLAGS="-D warnings" cargo doc --no-deps --lib $(QUIET)

js/node_modules/typescript: js/package-lock.json
	@npm --prefix js ci --silent
	@touch $@

# --- the demo ---------------------------------------------------------------------------------------------------------

demo-data: dist/demo/data.ndjson
dist/demo/data.ndjson: tools/demo-data.mjs tools/env.sh
	@tools/setup.sh demo
	@$(TOOL_PATHS); node tools/demo-data.mjs "$$TOOLS/demo" $@

demo: build demo-data ## run the demo in Chromium, in Node and under wasmtime, and compare the answers
	@$(SAY) "running the demo"
	@$(TOOL_PATHS); node tools/demo.mjs

serve: setup package demo-data ## serve the demo page on localhost
	@$(TOOL_PATHS); node tools/serve.mjs

# --- tests ------------------------------------------------------------------------------------------------------------

# Two at a time: what uses one core, or waits. `nice` lets the browsers' tests have their time.
test: ## run all tests, on all hosts
	@$(MEASURE); \
	$(MAKE) setup test-format check-structure; \
	tools/both.sh '$(MAKE) test-lints native test-reader wasi' '$(MAKE) package test-types lint-js'; \
	$(MAKE) test-rust test-node; \
	tools/both.sh '$(MAKE) test-browser' 'nice -n 15 $(MAKE) test-wasi'
	@$(SAY) "all tests have passed"

check: ## the loop during development: formatting, lints, types, unit tests, and a share of each suite (about five minutes)
	@$(MEASURE); \
	$(MAKE) test-format check-structure; \
	tools/both.sh '$(MAKE) test-lints-native check-rust' '$(MAKE) test-types lint-js check-node'
	@$(SAY) "the share of the tests has passed; make test runs all of them"

test-format: ## check the formatting of Rust
	@$(PART) "formatting" cargo fmt --check
	@cargo fmt --check --manifest-path tools/split-wasm/Cargo.toml
	@cargo fmt --check --manifest-path bench/peers/Cargo.toml

test-lints: test-lints-native ## run clippy for every target, warnings denied
	@$(PART) "lints for WASI" cargo clippy $(QUIET) --all-targets --target wasm32-wasip1 -- -D warnings
	@$(PART) "lints for browsers and Node" \
	  cargo clippy $(QUIET) --lib --no-default-features --target wasm32-unknown-unknown -- -D warnings
	@$(PART) "lints for the tool that cuts the engine" \
	  cargo clippy $(QUIET) --manifest-path tools/split-wasm/Cargo.toml --target-dir .build/split-wasm -- -D warnings

lint-js: js/node_modules/typescript ## look for mistakes in JavaScript and TypeScript
	@$(PART) "lints of JavaScript and TypeScript" js/node_modules/.bin/biome lint --error-on-warnings .

check-structure: ## check that imports lead downward, without circles, and that links of the documentation lead somewhere
	@node tools/check/structure.mjs
	@node tools/check/structure-js.mjs
	@node tools/check/docs.mjs
	@node tools/check/english.mjs
	@tests/mutations/run.py --check

format: js/node_modules/typescript ## format Rust, JavaScript and TypeScript
	@cargo fmt
	@cargo fmt --manifest-path tools/split-wasm/Cargo.toml
	@cargo fmt --manifest-path bench/peers/Cargo.toml
	@js/node_modules/.bin/biome format --write .

lint-dependencies: ## check the licences and advisories of the crates
	@tools/setup.sh deny
	@$(TOOL_PATHS); cargo deny --log-level error check

test-oldest: ## check that the crate compiles with RUSTUP_TOOLCHAIN set to the oldest supported version
	@$(PART) "the crate on this machine" cargo check $(QUIET) --all-targets
	@$(PART) "the crate for WASI" cargo check $(QUIET) --target wasm32-wasip1
	@$(PART) "the crate for browsers" cargo check $(QUIET) --lib --no-default-features --target wasm32-unknown-unknown

test-lints-native:
	@$(PART) "lints for this machine" cargo clippy $(QUIET) --all-targets -- -D warnings
	@$(PART) "the reference of the crate" env RUSTDOCFLAGS="-D warnings" cargo doc $(QUIET) --no-deps --lib

# The slowest ones come first. Two run at a time, each on one core, so that no core waits for the last test of a suite.
RUST_SUITES_FOUND := $(patsubst tests/%/main.rs,--test=%,$(wildcard tests/*/main.rs)) \
  $(patsubst tests/%.rs,--test=%,$(wildcard tests/*.rs))
RUST_SLOWEST := --test=documents --lib --test=simulation --test=corruption
RUST_SUITES := $(RUST_SLOWEST) $(filter-out $(RUST_SLOWEST),$(RUST_SUITES_FOUND)) --bins --doc
TWO_AT_A_TIME := RUST_TEST_THREADS=1 xargs -P 2 -I SUITE tools/at-end.sh

test-rust: ## run the Rust tests natively, simulations included
	@$(PART) "compiling the Rust tests" cargo test $(QUIET) --no-run
	@printf '%s\n' $(RUST_SUITES) | $(TWO_AT_A_TIME) $(PART) "Rust tests, SUITE" cargo test --quiet SUITE

# Without the suites that try every byte, or that kill programs, without the sweeps over all faults, and with fewer seeds.
CHECK_SUITES := $(filter-out --doc --test=corruption --test=kills,$(RUST_SUITES))
CHECK_SKIPS := --skip exhaustive --skip every_fault --skip a_crash_leaves_a_prefix_of_the_commits --skip any_call_may_fail

check-rust:
	@$(PART) "compiling the Rust tests" cargo test $(QUIET) --no-run $(CHECK_SUITES)
	@printf '%s\n' $(CHECK_SUITES) | FERROLITE_SEEDS=100 $(TWO_AT_A_TIME) \
	  $(PART) "a share of the Rust tests, SUITE" cargo test --quiet SUITE -- $(CHECK_SKIPS)

test-reader: native ## compare a reader that was written from docs/format.md alone with the program
	@$(PART) "the file format, by an independent reader" tests/format_reader/run.sh $(NATIVE)

test-package: package native test-types test-node test-browser ## test the npm package in Node and browsers, and built by other tools; check its types

test-types: js/node_modules/typescript
	@$(PART) "types of the npm package" npm --prefix js run --silent check

test-node: package native
	@tools/setup.sh projects
	@$(TOOL_PATHS); cd js; $(SAY) "the npm package in Node"; $(NODE_TEST) --test-concurrency=2 tests/*.node.test.mjs

CHECK_NODE := $(addprefix tests/,$(addsuffix .node.test.mjs,api-reference chunks files host letters proof protocol shared sizes stores))

# The engine compiles for minutes. If it has changed, the package's share is left to test-node.
check-node:
	@if tools/build-js.sh --engine-is-current; then \
	  $(MAKE) package; \
	  $(TOOL_PATHS); cd js; $(SAY) "a share of the npm package's tests in Node"; $(NODE_TEST) --test-concurrency=2 $(CHECK_NODE); \
	else \
	  $(SAY) "the engine has changed: make test-node tests the npm package with it"; \
	fi

test-browser: package native
	@tools/setup.sh projects
	@$(TOOL_PATHS); cd js; $(SAY) "the npm package in browsers"; $(NODE_TEST) --test-concurrency=1 tests/*.browser.test.mjs

test-wasi: wasi ## run the Rust tests and those of the program under wasmtime
	@rm -rf $(SAME_BYTES)
	@FERROLITE_SAME_BYTES=$(SAME_BYTES) $(PART) "files for the comparison of hosts" \
	  cargo test $(QUIET) --test model every_host_writes_the_same_bytes
	@tools/test-wasi.sh --env FERROLITE_SAME_BYTES=$(SAME_BYTES)
	@$(TOOL_PATHS); export FERROLITE_WASM=dist/ferrolite.wasm; \
	$(PART) "the command-line program under wasmtime" cargo test $(QUIET) --test cli -- --include-ignored; \
	$(PART) "the table of calls under wasmtime" cargo test $(QUIET) --test verbs command_line; \
	$(PART) "kills and full disks under wasmtime" cargo test $(QUIET) --test kills

# Node's test runner puts a "#" before what a test prints, and writes a tab as \\t.
kills: setup package ## kill programs and tabs, and fill disks, on all hosts; the long form with FERROLITE_TORTURE=1
	@$(SAY) "kills and full disks, natively"
	@cargo test $(QUIET) --test kills -- --nocapture
	@$(SAY) "kills and full disks under wasmtime"
	@$(TOOL_PATHS); FERROLITE_WASM=1 cargo test $(QUIET) --test kills -- --nocapture
	@$(SAY) "kills and full disks in Node, Chromium and Firefox"
	@$(TOOL_PATHS); cd js; node --test --test-concurrency=1 tests/kills.*.test.mjs tests/tabs.*.test.mjs tests/full-disk.*.test.mjs | sed -E '/^# torture/{s/^# //;s/\\+t/\t/g}'

# --- looking for lost data, for as long as one likes --------------------------------------------------------------------

simulate: ## run databases on simulated disks: SEED=n again, SEEDS=a..b, or new ones for MINUTES=n; DISK=honest|lying|shared
	@SEED=$(SEED) SEEDS=$(SEEDS) MINUTES=$(MINUTES) DISK=$(DISK) tools/simulate.sh

torture: setup ## run the long form of all tests for data loss, about MINUTES=60, and print a table of what was tried
	@MINUTES=$(or $(MINUTES),60) PARTS="$(PARTS)" tools/torture.sh

# For each target; all of them in turn take some nine hours.
SECONDS_EACH = $(if $(filter command,$(origin SECONDS)),$(SECONDS),$$(($(or $(MINUTES),30) * 60)))

fuzz: ## run the fuzz targets, MINUTES=30 or SECONDS=n each (TARGET="page log" runs these alone)
	@tools/setup.sh fuzz
	@$(SAY) "fuzzing"
	@tools/fuzz.sh $(SECONDS_EACH) $(TARGET)

coverage: ## tell which lines of the engine and of the page layer the tests reach
	@tools/setup.sh coverage
	@$(SAY) "tests, with their coverage"
	@$(TOOL_PATHS); cargo llvm-cov clean --workspace; for suite in --lib --test=documents --test=simulation --test=elsewhere \
	  --test=golden --test=corruption; do FERROLITE_SEEDS=250 cargo llvm-cov --quiet --no-report $$suite -- \
	  --skip exhaustive --skip every_fault; done
	@$(TOOL_PATHS); cargo llvm-cov report --lcov --output-path target/coverage.lcov
	@tools/coverage.py target/coverage.lcov

mutations: ## put deliberate bugs into a copy of the source, one at a time, and tell which test finds each (hours)
	@tests/mutations/run.py

# --- measuring --------------------------------------------------------------------------------------------------------

bench: bench-latency bench-encryption bench-first-write bench-node bench-browser bench-peers million ## measure everything

bench-latency: ## print how long commits and slices of maintenance take, over a million documents
	@cargo bench $(QUIET) --bench latency

bench-encryption: setup ## print what encryption costs, natively, under wasmtime, and in V8
	@cargo bench $(QUIET) --bench encryption
	@$(TOOL_PATHS); CARGO_TARGET_WASM32_WASIP1_RUNNER="wasmtime run" \
	  cargo bench $(QUIET) --target wasm32-wasip1 --bench encryption
	@$(SAY) "the same in V8, by Node"
	@$(TOOL_PATHS); CARGO_TARGET_WASM32_WASIP1_RUNNER="node --no-warnings $(CURDIR)/tools/run-wasi.mjs" \
	  cargo bench $(QUIET) --target wasm32-wasip1 --bench encryption

bench-first-write: setup package ## print how long it takes from the import of the package to the first document, in a cold Chromium
	@$(TOOL_PATHS); node bench/run/first-write.mjs

bench-node: setup package ## print what the verbs cost in Node, in process
	@$(TOOL_PATHS); node bench/run/node.mjs

bench-browser: setup package ## measure Ferrolite beside other databases in Chromium, into target/bench (OPTIONS="--runs 1 --count 20000,200000")
	@tools/setup.sh bench
	@$(TOOL_PATHS); node bench/run/browser.mjs $(OPTIONS)

bench-browser-page: setup package ## serve the page of that benchmark on localhost, for any browser
	@tools/setup.sh bench
	@$(TOOL_PATHS); node bench/run/browser.mjs --serve

bench-profile: setup package ## print where some of that work spends its time (OPTIONS="--only get,equals --place page")
	@tools/setup.sh bench
	@$(TOOL_PATHS); node bench/run/profile.mjs $(OPTIONS)

bench-report: ## write docs/benchmarks.md and charts of the published runs; RUNS="browser native" publishes these first
	@node bench/run/report.mjs $(RUNS)

bench-peers: setup ## measure beside redb, SQLite, fjall, LMDB and others, natively and under wasmtime (PEERS="--runs 1 ..." for options)
	@bench/run/peers.sh all $(PEERS)

million: setup wasi ## load a million documents under wasmtime, read them back, delete most, and compact
	@$(TOOL_PATHS); node bench/run/million.mjs

clean: ## remove everything that was built here; tools stay
	@rm -rf dist .build js/dist js/node_modules target
