# The commands of this repository; `make` alone lists them. What they need beyond Rust and Node they get by
# themselves, see .ci/setup. Everything here works without a terminal.

SHELL := bash
MAKEFLAGS += --no-print-directory
.NOTPARALLEL:
.DEFAULT_GOAL := help
export PATH := $(PATH):$(HOME)/.cargo/bin

setup := .ci/setup
target := $(or $(CARGO_TARGET_DIR),target)/debug
state := $(or $(HEADSTART_DEV_STATE),$(or $(XDG_DATA_HOME),$(HOME)/.local/share)/headstart-dev)
sample := $(state)/field-guide
bindings := ui/src/lib/ipc
# The page is embedded, so that the window needs no development server. Every cargo call asks for the same
# features: different ones would build the dependencies twice.
whole := --workspace --features headstart-app/custom-protocol

.PHONY: help run window test tests conformance check check-engine check-bindings fmt bench ui packages-run packages-test

help: ## this list
	@awk -F ': .*## ' '/^[a-z]+:.*## / { printf "make %-8s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

run: ## open the window with a sample project, and with a Docker engine if there is none
	@[ -n "$$DISPLAY$$WAYLAND_DISPLAY" ] || [ "$$(uname)" != Linux ] || { \
		echo "error: there is no display here and \`make run\` opens a window; \`make test\` needs none" >&2; exit 1; }
	@$(MAKE) packages-run ui
	cargo build -p headstart-app -p headstart-cli --features headstart-app/custom-protocol
	@$(setup)/with-engine.sh $(MAKE) window

window:
	@$(setup)/sample.sh "$(sample)"
	@$(target)/headstart project add "$(sample)" >/dev/null || echo "the sample in $(sample) was not added" >&2
	@$(target)/headstart-app

test: ## everything that must hold: checks, unit tests, journeys with a real engine and window, conformance
	@$(MAKE) packages-test check
	cd ui && npm test
	cargo build $(whole)
	@$(setup)/with-engine.sh $(setup)/with-display.sh $(MAKE) tests
	@$(MAKE) conformance

# The conformance runner is not libtest and has the last word, so it is left out here.
tests:
	@$(setup)/images.sh python go
	@if cargo nextest --version >/dev/null 2>&1; then \
		echo 'cargo nextest run'; cargo nextest run $(whole) --no-fail-fast --no-tests=pass -E 'not binary(conformance)'; \
	else \
		echo 'cargo test'; cargo test $(whole) --no-fail-fast; \
	fi

conformance:
	@cargo test -q $(whole) --test conformance

check: packages-run ui ## formatting, lints, types, layering and generated bindings
	cargo fmt --all --check
	cargo clippy $(whole) --all-targets -- -D warnings
	cd ui && npm run check
	cd ui && npm run lint
	@$(MAKE) check-engine check-bindings

# The engine knows of no window: nothing of Tauri may be found below it.
check-engine:
	@echo "cargo tree -p headstart-engine -i tauri: must find nothing"
	@tree=$$(cargo tree -q -p headstart-engine -e normal,build --all-features --prefix none) && ! grep -E '^tauri(-| )' <<<"$$tree"

# A test writes the bindings; what is committed must be what it writes.
check-bindings:
	cargo test -q $(whole) --lib --bins bindings
	@[ ! -e .git ] || git diff --exit-code -- $(bindings)

fmt: ## format everything
	cargo fmt --all
	cd ui && npm run format

bench: packages-test ui ## measure what the design promises, beside a peer in the same run
	cargo build -p headstart-app --bins --examples --features headstart-app/custom-protocol
	@$(setup)/with-engine.sh $(setup)/with-display.sh cargo bench -p headstart-tests --bench measure

ui: packages-run ## build the page
	cd ui && npm run build

packages-run packages-test:
	@$(setup)/packages.sh $(@:packages-%=%)
