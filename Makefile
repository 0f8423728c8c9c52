# `make help` lists the targets. CI runs `make test` and nothing else.

SHELL := /bin/bash
.SHELLFLAGS := -euo pipefail -c
.DELETE_ON_ERROR:
MAKEFLAGS += --no-builtin-rules

TARGET_DIR := $(abspath $(or $(CARGO_TARGET_DIR),target))
TRIPLE ?= $(shell rustc -vV | sed -n 's/^host: //p')
VERSION := $(shell sed -n 's/^version = "\(.*\)"/\1/p' Cargo.toml | head -n 1)
DIST := $(TARGET_DIR)/$(TRIPLE)/dist/vulnzero
PACKAGE := $(TARGET_DIR)/package
CARGO_HOME ?= $(HOME)/.cargo

# getrandom finds the system call by a weak symbol, which a static executable does not
# have; the cfg makes it call it directly. Paths of the building machine do not belong
# into the executable. These flags reach only what is built for --target, so that build
# scripts and macros stay ordinary programs.
STATIC := -C target-feature=+crt-static --cfg getrandom_backend="linux_getrandom" \
	--remap-path-prefix=$(CURDIR)=/vulnzero --remap-path-prefix=$(CARGO_HOME)=/cargo \
	--remap-path-prefix=$(TARGET_DIR)=/target

SCRIPTS := .ci/run benches/million.sh tests/fuzz.sh packaging/verify-static.sh tests/install-tools.sh tests/browser.sh tests/schemathesis.sh

.PHONY: help
help: ## List the targets
	@sed -n 's/^\([a-z-]*\):.*## /\1\t/p' $(MAKEFILE_LIST) | expand -t 14

.PHONY: run
run: tools-build ## Build and start at http://127.0.0.1:8000 with demo data from real scanner reports
	cargo run -- serve --demo --data demo-data

.PHONY: test
test: tools lint test-rust test-fuzz test-web dist test-api test-browser ## Everything that CI runs

.PHONY: tools-build
tools-build: ## Install what a build needs and is missing
	tests/install-tools.sh build $(TARGET_DIR)

.PHONY: tools
tools: ## Install what the other targets need and is missing
	tests/install-tools.sh all $(TARGET_DIR)

.PHONY: lint
lint: tools ## Formatting, clippy, licences, shell scripts
	cargo fmt --check
	cargo clippy --locked --all-targets -- -D warnings
	cargo clippy --locked --no-default-features -- -D warnings
	cargo deny --locked check --hide-inclusion-graph licenses bans sources
	shellcheck $(SCRIPTS)

.PHONY: test-rust
test-rust: ## Unit, integration and documentation tests
	if command -v cargo-nextest >/dev/null; then \
		cargo nextest run --locked --no-fail-fast; \
	else \
		cargo test --locked --no-fail-fast --lib --bins --tests; \
	fi
	cargo test --locked --doc

FUZZ_SECONDS ?= 60

.PHONY: fuzz
fuzz: tools-build ## Hostile bytes for every importer, FUZZ_SECONDS each; one with FORMAT=name
	tests/fuzz.sh $(TARGET_DIR)/fuzz $(TRIPLE) $(FUZZ_SECONDS) $(FORMAT)

.PHONY: test-fuzz
test-fuzz: tools-build
	tests/fuzz.sh $(TARGET_DIR)/fuzz $(TRIPLE) 2

web/node_modules/.package-lock.json: web/package.json web/package-lock.json
	cd web && npm ci --ignore-scripts --no-audit --no-fund
	touch $@

.PHONY: test-web
test-web: web/node_modules/.package-lock.json ## Types, lints and unit tests of the dashboard
	cd web && npm run check && npm test

.PHONY: test-api
test-api: $(DIST) tools ## schemathesis against the shipped executable
	tests/schemathesis.sh $(DIST) $(TARGET_DIR)/venv/bin/schemathesis

.PHONY: test-browser
test-browser: $(DIST) web/node_modules/.package-lock.json ## The dashboard's stories in Chromium, with the shipped executable
	tests/browser.sh $(DIST)

# Made by `make dist`; rebuilt only by asking for that.
$(DIST):
	$(MAKE) dist

.PHONY: web
web: web/node_modules/.package-lock.json ## Dashboard with live reload; needs `make run` beside it
	cd web && npm run dev

.PHONY: million
million: $(DIST) ## A million findings on a thousand hosts, twice: rate, memory, progress
	benches/million.sh $(DIST)

.PHONY: bench
bench: ## Benchmarks; BENCH=name for one, BENCH_MILLION=1 for a million findings
	cargo build --locked --release
	VULNZERO_BIN=$(TARGET_DIR)/release/vulnzero \
		cargo bench --locked $(if $(BENCH),--bench $(BENCH),--bench '*')

.PHONY: dist
dist: ## The static executable and what ships with it, in target/package
	RUSTFLAGS='$(STATIC)' cargo build --locked --profile dist --target $(TRIPLE)
	packaging/verify-static.sh $(DIST)
	rm -rf $(PACKAGE)
	mkdir -p $(PACKAGE)/data
	cp $(DIST) LICENSE CHANGELOG.md $(PACKAGE)
	cp packaging/{vulnzero.service,vulnzero.toml,Dockerfile,compose.yaml} $(PACKAGE)

.PHONY: image
image: dist ## A container image from target/package
	docker build --tag vulnzero:$(VERSION) --tag vulnzero $(PACKAGE)

.PHONY: clean
clean: ## Remove everything that was built
	cargo clean
	rm -rf web/node_modules web/dist
