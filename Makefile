# Two commands do everything on a fresh machine: `make demo` and `make test`.
PYTHON ?= python3
VENV   := .venv
BIN    := $(VENV)/bin
STAMP  := $(VENV)/.current
ARGS   ?=

.DEFAULT_GOAL := help
.PHONY: help setup demo run check format test soak soak-full bench lock clean

help:  ## show what there is to make
	@grep -hE '^[a-z-]+:.*##' $(MAKEFILE_LIST) | awk -F ':.*## ' '{printf "  make %-9s %s\n", $$1, $$2}'

setup: $(STAMP)  ## build .venv from the hashed lock; does nothing when it is current

$(STAMP): requirements-dev.lock pyproject.toml
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || \
	  { echo "Crumbs needs Python 3.11 or newer; set PYTHON=/path/to/python3.11"; exit 1; }
	$(PYTHON) -m venv --clear $(VENV)
	$(BIN)/python -m pip install -qq --require-hashes --no-deps -r requirements-dev.lock
	$(BIN)/python -m pip install -qq --no-deps --no-build-isolation --editable .
	@touch $@

demo: setup  ## one moment, from five outlets to one announcement; no token, no network
	@$(BIN)/crumbs demo

run: setup  ## run the bot (needs DISCORD_TOKEN in the environment or in .env)
	@$(BIN)/crumbs run

check: setup  ## linters and types
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy

format: setup  ## let ruff mend what it can
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

test: check  ## check, then every test with branch coverage, on every core
	$(BIN)/pytest -n auto --dist loadscope --cov --cov-report=term -m 'not soak' $(ARGS)

soak: setup  ## the long suites
	$(BIN)/pytest -m soak -s --timeout=2400 $(ARGS)

soak-full: setup  ## the same with ten times as many cases
	CRUMBS_TEST_SOAK=10 $(BIN)/pytest -m soak -s --timeout=24000 $(ARGS)

bench: setup  ## measure (see benchmarks/README.md)
	$(BIN)/python -m benchmarks $(ARGS)

lock:  ## write both locks anew (needs uv: pip install uv)
	uv pip compile --quiet --universal --python-version 3.11 --generate-hashes --no-emit-index-url --no-header pyproject.toml -o requirements.lock
	uv pip compile --quiet --universal --python-version 3.11 --generate-hashes --no-emit-index-url --no-header pyproject.toml --group dev -o requirements-dev.lock

clean:  ## remove what was built
	rm -rf $(VENV) .mypy_cache .ruff_cache .pytest_cache .hypothesis build *.egg-info
