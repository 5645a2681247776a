# Everything starts here, on a fresh machine too: Python 3.11 or newer and make are enough.
# `make setup` makes .venv with what requirements/ pins; every other target needs it and sees to it.

SHELL := /bin/bash
.SHELLFLAGS := -euo pipefail -c
.DEFAULT_GOAL := help
.DELETE_ON_ERROR:

PYTHON ?= $(shell for p in python3 python3.13 python3.12 python3.11; do \
	$$p -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null && echo $$p && break; done)
BIN := .venv/bin
FAST := not slow and not network and not browser and not chaos
# Tests wait as much as they compute.
WORKERS ?= $(shell n=$$(getconf _NPROCESSORS_ONLN 2>/dev/null || echo 2); echo $$((n > 4 ? 8 : 2 * n)))
AZURITE := tests/datastores/emulators/node_modules
AZURE_CLIENTS := 1.35 1.34 1.33

# Tests start thousands of processes: without bytecode each compiles all that it imports.
unexport PYTHONDONTWRITEBYTECODE

.PHONY: help setup demo check emulators azure-clients lint types layers openapi tables locked hygiene covered test test-all mlflow-conformance docs bench chaos published lock clean

help:  ## this list
	@awk -F ':.*## ' '/^[a-z-]+:.*## / {printf "  make %-18s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

setup: .venv/.installed  ## .venv with all tools, from pinned and hashed requirements

demo: setup  ## run a first job, and show what happened (KEEP=1 leaves the server on)
	@$(BIN)/python -m tools.demo $(if $(KEEP),--keep)

check: lint types layers openapi tables locked hygiene covered  ## style, types, layers, drift of generated files, rules without tests

test: setup  ## the fast tests
	QUICK=1 tools/scratch $(BIN)/python -m pytest -n $(WORKERS) -m "$(FAST)" $(ARGS)

test-all: setup emulators azure-clients  ## all tests that this machine can run; skipped ones say why
	tools/scratch $(BIN)/python -m pytest -n $(WORKERS) -m "not chaos and not published" $(ARGS)

emulators:  ## Azurite, for the tests of datastores, where npm is
	@if ! command -v npm >/dev/null; then \
	  echo "npm is not here: the tests of Azure's blobs will be skipped, and say so"; \
	elif ! $(MAKE) --no-print-directory $(AZURITE)/.from-lock; then \
	  echo "Azurite could not be installed: the tests of Azure's blobs will be skipped, and say so"; fi

azure-clients: setup  ## Azure's own Python client, in .azure/, for the tests of its wire
	@for line in $(AZURE_CLIENTS); do \
	  $(MAKE) --no-print-directory .azure/$$line/.installed || { \
	  echo "azure-ai-ml $$line could not be installed: its tests will be skipped, and say so"; }; done

mlflow-conformance: setup  ## MLflow's client against MLflow's own server and ours: all must be alike
	$(BIN)/python -m tests.conformance $(ARGS)

chaos: setup  ## kill servers and jobs for a while, then compare with the ledger
	$(BIN)/python -m pytest -m chaos -s $(ARGS)

published: setup  ## run Azure's own examples, unchanged (EXAMPLES=checkout of azureml-examples)
	EXAMPLES="$(EXAMPLES)" $(BIN)/python -m pytest -m published -v $(ARGS)

bench: setup  ## measure against the floor in the same run (ARGS="submit environments")
	$(BIN)/python -m bench $(ARGS)

docs: setup  ## the site, in site/
	NO_MKDOCS_2_WARNING=1 $(BIN)/mkdocs build --strict --quiet

lock: setup  ## resolve requirements/ anew after a change in pyproject.toml (ARGS=--upgrade)
	$(BIN)/python -m tools.lock --write $(ARGS)

clean:  ## remove what make made
	rm -rf .venv site build dist .lazur-demo .azure .peers .pytest_cache .ruff_cache .hypothesis .import_linter_cache

lint: setup
	$(BIN)/ruff check
	$(BIN)/ruff format --check

types: setup
	$(BIN)/pyright

layers: setup
	$(BIN)/lint-imports --no-logo

openapi: setup
	$(BIN)/python -m tools.openapi

tables: setup
	$(BIN)/python -m tools.tables
	$(BIN)/python -m tools.migration
	$(BIN)/python -m tools.mlflow_schema

locked: setup
	$(BIN)/python -m tools.lock

hygiene: setup
	$(BIN)/python -m tools.hygiene

covered: setup
	$(BIN)/python -m tools.covered

# Stamps: each step runs again only when what it was made from changed.

.venv/.made:
	@test -n "$(PYTHON)" || { echo "Python 3.11 or newer is needed; name one: make PYTHON=/path/to/python3"; exit 1; }
	@$(PYTHON) -c 'import ensurepip' 2>/dev/null || { echo "$(PYTHON) has no venv module; on Debian: apt install python3-venv"; exit 1; }
	$(PYTHON) -m venv --clear .venv
	@touch $@

.venv/.uv: requirements/uv.txt | .venv/.made
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes -r requirements/uv.txt
	@touch $@

.venv/.synced: requirements/dev.txt .venv/.uv
	$(BIN)/uv pip sync --quiet --python $(BIN)/python --require-hashes requirements/dev.txt
	@touch $@

.venv/.installed: pyproject.toml .venv/.synced
	$(BIN)/uv pip install --quiet --python $(BIN)/python --no-deps --no-build-isolation --editable .
	@touch $@

.azure/%/.installed: requirements/azure-ai-ml-%.txt .venv/.uv
	$(BIN)/uv venv --quiet --clear --python $(BIN)/python .azure/$*
	$(BIN)/uv pip sync --quiet --python .azure/$*/bin/python --require-hashes $<
	@touch $@

$(AZURITE)/.from-lock: tests/datastores/emulators/package-lock.json
	cd tests/datastores/emulators && timeout 10m npm ci --ignore-scripts --no-audit --no-fund --loglevel=error
	@touch $@
