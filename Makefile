# Everything a user or CI runs. Needs Python 3.11 or newer with its pip, make and git; installs the rest into .venv.
#
#   make demo            install, play the book of deals, print what happened, stop everything (SERVE=1: leave it up)
#   make test            install, run the tests, a process with servers of its own per core (ARGS="-k name" to choose)
#   make check           format, lint, types, import contracts, house checks, tests
#   make up | down       the single-machine system with its data in ./.q2c
#   make lock            resolve the dependencies of pyproject.toml anew into requirements.lock

SHELL      := /bin/sh
VENV       := .venv
BIN        := $(VENV)/bin
STAMP      := $(VENV)/.installed
UV_VERSION := 0.13.9
ARGS       ?=

# The first Python that is new enough; PYTHON=... chooses another.
PYTHON ?= $(shell for p in python3 python3.14 python3.13 python3.12 python3.11; do \
	if $$p -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null; then echo $$p; break; fi; done)

# Trust what the system trusts, as pip does (a company's own certificate), where the system has a store at all.
UV_SYSTEM_CERTS ?= $(if $(wildcard /etc/ssl/certs/ca-certificates.crt /etc/pki/tls/certs/ca-bundle.crt /etc/ssl/cert.pem),true,false)
export UV_SYSTEM_CERTS

.PHONY: setup demo test check static format up down lock clean
.DEFAULT_GOAL := check

setup: $(STAMP)

# Bare Debian has no ensurepip: there the environment is made without pip, and the system's pip installs into it.
$(BIN)/uv:
	@test -n "$(PYTHON)" || { echo "Python 3.11 or newer is needed: install it, or name it with PYTHON=..." >&2; exit 1; }
	@rm -rf $(VENV)
	@if $(PYTHON) -c 'import ensurepip' 2>/dev/null; then \
		$(PYTHON) -m venv $(VENV) && $(BIN)/python -m pip install --quiet --disable-pip-version-check uv==$(UV_VERSION); \
	else \
		$(PYTHON) -m venv --without-pip $(VENV) && \
		$(PYTHON) -m pip --python $(BIN)/python install --quiet --disable-pip-version-check uv==$(UV_VERSION); \
	fi

$(STAMP): requirements.lock pyproject.toml | $(BIN)/uv
	@$(BIN)/uv pip sync --quiet --python $(BIN)/python --require-hashes --compile-bytecode requirements.lock
	@$(BIN)/uv pip install --quiet --python $(BIN)/python --no-deps --no-build-isolation -e .
	@touch $@

demo: $(STAMP)
	@$(BIN)/q2c demo $(if $(SERVE),--serve)

test: $(STAMP)
	@$(BIN)/python -m pytest --numprocesses auto --maxprocesses 4 --dist loadfile $(ARGS)

check: static test

static: $(STAMP)
	@$(BIN)/ruff format --check --quiet .
	@$(BIN)/ruff check --quiet .
	@$(BIN)/mypy .
	@$(BIN)/lint-imports --no-logo --no-cache
	@$(BIN)/python tools/check_money.py
	@$(BIN)/python tools/check_size.py

format: $(STAMP)
	@$(BIN)/ruff format .
	@$(BIN)/ruff check --fix .

up: $(STAMP)
	@$(BIN)/q2c up

down: $(STAMP)
	@$(BIN)/q2c down

lock: | $(BIN)/uv
	$(BIN)/uv pip compile --quiet --universal --python-version 3.11 --generate-hashes --no-emit-index-url --no-header \
		--all-extras pyproject.toml --output-file requirements.lock

clean:
	rm -rf $(VENV) .mypy_cache .ruff_cache .pytest_cache .hypothesis .import_linter_cache dist build
