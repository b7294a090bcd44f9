PYTHON ?= python3
VENV ?= .venv
BIN := $(VENV)/bin

.PHONY: help check lint types layers test slow benchmark format clean

help: ## show the targets
	@grep -hE '^[a-z]+:.*## ' $(MAKEFILE_LIST) | sed -E 's/:.*## /: /'

check: lint types layers test ## everything a change must pass

lint: $(VENV)/.installed ## ruff: rules and formatting
	$(BIN)/ruff check
	$(BIN)/ruff format --check

types: $(VENV)/.installed ## mypy in strict mode
	$(BIN)/mypy

layers: $(VENV)/.installed ## import-linter: who may import whom
	$(BIN)/lint-imports

test: $(VENV)/.installed ## the test suite without its long profiles
	$(BIN)/python -m pytest

slow: $(VENV)/.installed ## the long profiles
	$(BIN)/python -m pytest -m slow --hypothesis-profile=long -o faulthandler_timeout=7200

benchmark: $(VENV)/.installed ## each figure beside its floor
	$(BIN)/python -m pytest benchmarks --benchmark-enable

format: $(VENV)/.installed ## rewrite the sources the way lint wants them
	$(BIN)/ruff check --fix
	$(BIN)/ruff format

clean: ## remove the environment and every cache
	rm -rf $(VENV) build dist .mypy_cache .pytest_cache .ruff_cache .hypothesis .import_linter_cache

$(VENV)/.installed: pyproject.toml
	test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	$(BIN)/pip install --quiet --editable '.[dev]'
	touch $@
