# Every target does its own set-up; all that must be there is Python 3.11 and make.
SHELL := /bin/bash
.DEFAULT_GOAL := help
PYTHON ?= python3
PROVIDER ?= aws
UV := $(shell command -v uv 2>/dev/null || echo .tools/bin/uv)
RUN := $(UV) run --locked --quiet
# A process that may not keep its bytecode compiles all of scikit-learn anew: every job would start seconds later.
unexport PYTHONDONTWRITEBYTECODE

.PHONY: help setup demo up sandbox sandbox-down test check format bench clean

help: ## Say what there is to make
	@grep -hE '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | sed -E 's/^([a-z-]+):.*## (.*)/  make \1\t\2/' | expand -t 22

setup: $(UV) ## Install what the project needs into .venv
	@$(UV) sync --locked --quiet --compile-bytecode

.tools/bin/uv:
	@echo "installing uv into .tools ..."
	@$(PYTHON) -m venv .tools
	@.tools/bin/python -m pip install --quiet --disable-pip-version-check uv

demo: setup ## Live through a year of flights: train, serve, monitor, retrain, report
	@$(RUN) loopwright demo

up: setup ## Serve the example project on this machine
	@$(RUN) loopwright up --project examples/flights

sandbox: setup ## Deploy the example project into a cloud on this machine (PROVIDER=aws, gcp), and say how to call it
	@$(RUN) python -m tests.pulumi.sandbox up --provider $(PROVIDER)

sandbox-down: setup ## Take that away again
	@$(RUN) python -m tests.pulumi.sandbox down

test: check ## Check the code and run the tests
	@$(RUN) python -m tests.pulumi.prepare
	@$(RUN) pytest -n 2 --dist worksteal

check: setup ## Formatting, lint, types, import rules
	@$(RUN) ruff format --check .
	@$(RUN) ruff check .
	@$(RUN) mypy
	@$(RUN) pyright --warnings
	@$(RUN) lint-imports --no-cache | tail -n 8

format: setup ## Format the code and mend what can be mended
	@$(RUN) ruff format .
	@$(RUN) ruff check --fix .

bench: setup ## Measure, each claim beside its peer
	@$(RUN) python -m benchmarks

clean: ## Remove what the targets above made
	@rm -rf .venv .tools .mypy_cache .ruff_cache .pytest_cache .hypothesis .import_linter_cache examples/*/.loopwright
