# Two commands on a fresh machine with Python 3.11+, git and make: `make demo` and `make test`.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
READY := $(VENV)/.ready
WORKERS ?= 2
unexport PYTHONDONTWRITEBYTECODE  # some machines set it: each process we start would compile all of its modules anew

.DEFAULT_GOAL := help
.PHONY: help setup demo run test lint bench soak docs texts screenshots clean

help:  ## show what there is to make
	@grep -hE '^[a-z]+:.*## ' $(MAKEFILE_LIST) | awk -F ':.*## ' '{printf "  make %-12s %s\n", $$1, $$2}'

setup: $(READY)  ## make .venv with everything, pinned by hash

$(READY): requirements.lock pyproject.toml
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || \
	  { echo "Python 3.11 or newer is needed; name one: make setup PYTHON=python3.12"; exit 1; }
	@$(PYTHON) -c 'import ensurepip, venv' 2>/dev/null || \
	  { echo "This Python lacks venv: install it (Debian, Ubuntu: apt-get install python3-venv)"; exit 1; }
	test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	@$(BIN)/python -m pip --version >/dev/null 2>&1 || $(BIN)/python -m ensurepip
	$(BIN)/python -m pip install -q --disable-pip-version-check --require-hashes -r requirements-uv.lock
	$(BIN)/uv pip install -q -p $(BIN)/python --require-hashes -r requirements.lock || \
	  $(BIN)/python -m pip install -q --disable-pip-version-check --require-hashes -r requirements.lock  # an index only pip knows of
	$(BIN)/python -m pip install -q --disable-pip-version-check --no-deps --no-build-isolation -e .
	@touch $(READY)

demo: setup  ## Kartoteka with an invented company, live, in a throw-away folder (PORT=8123 to choose the port)
	@exec $(BIN)/kartoteka demo $(if $(PORT),--port $(PORT))

run: setup  ## Kartoteka on ./kartoteka-data
	@exec $(BIN)/kartoteka up

test: setup  ## all tests that this machine can run
	$(BIN)/python -m pytest -n $(WORKERS) --dist loadfile --no-loadscope-reorder -m "not soak"

lint: setup  ## style, types, import contracts
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(BIN)/lint-imports

bench: setup  ## the speed bars, as ratios measured in one run
	for bar in $$(grep -l __main__ benchmarks/*.py | xargs -n 1 basename -s .py); do \
	  echo "--- $$bar"; $(BIN)/python -m benchmarks.$$bar || exit 1; done

soak: setup  ## long runs under kills and load; KARTOTEKA_SOAK_KILLS=15 is what CI does
	$(BIN)/python -m pytest -m soak -p no:cacheprovider

docs: setup  ## write the generated pages of docs/
	$(BIN)/python -m kartoteka.reference

texts: setup  ## bring the translations up to date with the texts (docs/translating.md)
	$(BIN)/python -m kartoteka.translations

screenshots: setup  ## take the pictures of docs/screenshots (needs chromium)
	KARTOTEKA_SCREENSHOTS=1 $(BIN)/python -m pytest -m browser tests/console -p no:cacheprovider

clean:  ## remove what setup and the tools made
	rm -rf $(VENV) .pytest_cache .mypy_cache .ruff_cache .import_linter_cache .hypothesis
