# Everything runs from .venv, made from the locks. Python 3.11 or later and make are all it needs.
# Options of a command go in ARGS: make serve ARGS="--port 9000"

.DEFAULT_GOAL := help
.PHONY: help setup demo serve test check openapi schema clean

BIN := .venv/bin
UV := uv==0.13.9
NEWEST_PYTHON := $(shell for python in python3.11 python3.12 python3.13 python3; do \
	$$python -c 'import sys, venv, ensurepip; sys.exit(sys.version_info < (3, 11))' 2>/dev/null \
	&& command -v $$python && break; done)
PYTHON ?= $(NEWEST_PYTHON)
export UV_PYTHON_DOWNLOADS := never
export UV_PYTHON := $(BIN)/python

help: ## Say what there is
	@sed -n 's/^\([a-z]*\):.*## /  make \1\t/p' $(firstword $(MAKEFILE_LIST)) | expand -t 16

demo: .venv/.run ## Tell the main job on sample data, then stay up
	$(BIN)/hylla demo --data .data/demo $(ARGS)

serve: .venv/.run ## Serve a shop from your data folder
	$(BIN)/hylla serve $(ARGS)

test: check ## Run every check and every test
	$(BIN)/pytest -n 2 --durations=20 $(ARGS)

check: .venv/.dev ## Lint, format, types and the layers
	$(BIN)/ruff check
	$(BIN)/ruff format --check
	$(BIN)/mypy
	$(BIN)/lint-imports

openapi: .venv/.dev ## Renew what is kept of the contract
	$(BIN)/python -m openapi.renew

schema: .venv/.dev ## Renew migrations/schema.sql from the tables
	$(BIN)/python -m migrations.renew

setup: .venv/.dev ## Make the environment for working on Hylla

clean: ## Remove the environment and every cache
	rm -rf .venv .mypy_cache .ruff_cache .pytest_cache .hypothesis .import_linter_cache .schemathesis

$(BIN)/uv:
	@test -n "$(PYTHON)" || { echo >&2 \
		"Hylla needs Python 3.11 or later with venv. Install it, or name it: make PYTHON=/path/to/python3.11"; \
		exit 1; }
	"$(PYTHON)" -m venv .venv
	$(BIN)/python -m pip install --quiet --disable-pip-version-check $(UV)

# What the service needs. Added to whatever is there, so that it never takes the tests' tools away.
.venv/.run: requirements.lock pyproject.toml | $(BIN)/uv
	$(BIN)/uv pip install --quiet --require-hashes --compile-bytecode -r requirements.lock
	$(BIN)/uv pip install --quiet --no-deps --no-build-isolation --offline --editable .
	@touch $@

# What the service and the tests need, and nothing else.
.venv/.dev: requirements-dev.lock pyproject.toml | $(BIN)/uv
	$(BIN)/uv pip sync --quiet --require-hashes --compile-bytecode requirements-dev.lock
	$(BIN)/uv pip install --quiet --no-deps --no-build-isolation --offline --editable .
	@touch .venv/.run $@
