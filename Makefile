# make run: everything from nothing to a running server. make test and make test-clients: all tests. None asks a question.

.DEFAULT_GOAL := help
.PHONY: help setup setup-dev run test test-clients snapshots lint fmt bench pins
SHELL := /bin/bash
PORT ?= 8000
python := .venv/bin/python
# As an installation for others is configured, for the checks that only look.
production := env -u RASTER_DEV -u DATABASE_URL RASTER_BASE_URL=https://raster.example.com RASTER_DATA_DIR=var/lint \
	SECRET_KEY=looks-like-a-secret-and-is-only-for-the-checks-0123456789 \
	RASTER_KEY_PEPPERS=1:for-the-checks-alone-0123456789abcdef

help:
	@echo "make run    set everything up and serve on http://localhost:$(PORT)"
	@echo "make test   the tests, on SQLite and PostgreSQL; ARGS go to pytest"
	@echo "make test-clients  attacks and unmodified foreign clients, on both databases; needs the machine to itself"
	@echo "make lint   style, types, imports, deployment checks; make fmt repairs what can be repaired"
	@echo "make snapshots  write what the interfaces show clients into tests/ anew, and show what changed"
	@echo "make bench  measure beside the bare MCP SDK and plain views, on both databases; ARGS='--help' tells more"
	@echo "make setup  prepare .venv alone"
	@echo "make pins   pin the newest packages that pyproject.toml allows (needs uv)"

setup:
	@.ci/setup base

setup-dev:
	@.ci/setup dev

run: export RASTER_DEV = 1
run: export PORT := $(PORT)
run: setup
	@$(python) manage.py migrate --verbosity 0
	@$(python) manage.py collectstatic --no-input --verbosity 0
	@$(python) manage.py demo
	@exec $(python) -m uvicorn --no-proxy-headers --port $(PORT) raster.asgi:application

test: setup-dev
	@.ci/system-packages chromium postgresql pgbouncer npm
	@if command -v npm >/dev/null; then $(MAKE) --no-print-directory var/node/package.json; \
		else echo "Skipped: the TypeScript client's test needs npm."; fi
	@.ci/test $(ARGS)

test-clients: setup-dev
	@.ci/system-packages postgresql pgbouncer npm
	@if command -v npm >/dev/null; then $(MAKE) --no-print-directory var/node-clients/package.json; \
		else echo "Skipped: the tests of clients from npm need npm."; fi
	@.ci/test-clients $(ARGS)

var/node/package.json: tests/mcp/typescript/package.json
var/node-clients/package.json: tests/clients/node/package.json
var/node/package.json var/node-clients/package.json:
	@mkdir -p $(@D) && cp $< $@
	@timeout 180 npm install --fetch-retries 1 --prefix $(@D) --no-package-lock --no-audit --no-fund --ignore-scripts --loglevel error </dev/null \
		|| { rm -f $@; echo "Skipped: the tests of clients from npm, which could not fetch the packages of $<."; }

snapshots: setup-dev
	@$(python) -m pytest -q --write-snapshots tests/api/graphql/test_schema.py tests/api/rest/test_openapi.py tests/api/rest/test_versions.py
	@git --no-pager diff --stat -- tests

lint: setup-dev
	.venv/bin/ruff check .
	.venv/bin/ruff format --check .
	RASTER_DEV=1 RASTER_DATA_DIR=var/lint .venv/bin/mypy
	.venv/bin/lint-imports --no-logo
	$(production) $(python) manage.py check --deploy --fail-level WARNING
	$(production) $(python) manage.py makemigrations --check --dry-run

fmt: setup-dev
	.venv/bin/ruff check --fix .
	.venv/bin/ruff format .

bench: setup-dev
	@.ci/system-packages wrk postgresql
	@$(python) -m bench $(ARGS)

pins := uv pip compile --quiet --universal --python-version 3.11 --generate-hashes --no-emit-index-url --no-annotate --no-header
pins:
	$(pins) --upgrade pyproject.toml --output-file requirements/base.txt
	$(pins) --upgrade pyproject.toml --all-extras --constraint requirements/base.txt --output-file requirements/extras.txt
	$(pins) --upgrade pyproject.toml --all-extras --group dev --constraint requirements/extras.txt --output-file requirements/dev.txt
