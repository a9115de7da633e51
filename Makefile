# Charter: `make run` and `make test` do all set-up on a fresh machine with Python 3.11 or newer.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
export OMP_WAIT_POLICY := PASSIVE

.PHONY: setup run smoke seeds test test-slow check format clean

setup: $(VENV)/ready

# torch comes first and by itself: asked for by another package, it would come with gigabytes of CUDA.
$(VENV)/ready: requirements.lock pyproject.toml
	$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "Charter needs Python 3.11 or newer; set PYTHON")'
	test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	$(BIN)/pip install --quiet torch==2.13.0
	$(BIN)/pip install --quiet -r requirements.lock
	$(BIN)/pip install --quiet --no-deps --no-build-isolation -e .
	touch $@

run: setup
	$(BIN)/charter run recipes/default.yaml --out runs/default

smoke: setup
	$(BIN)/charter run recipes/smoke.yaml --out runs/smoke

# The table of the README: the default recipe with three seeds, beside its targets.
seeds: setup
	for seed in 0 1 2; do $(BIN)/charter run recipes/default.yaml --set seed=$$seed --out runs/seed$$seed || exit; done
	$(BIN)/charter table runs/seed0 runs/seed1 runs/seed2

test: setup
	$(BIN)/python -m pytest -m "not slow"

test-slow: setup
	$(BIN)/python -m pytest -m slow

check: setup
	$(BIN)/ruff format --check src tests
	$(BIN)/ruff check src tests
	$(BIN)/pyright
	$(BIN)/python -m pytest tests/test_house.py

format: setup
	$(BIN)/ruff format src tests
	$(BIN)/ruff check --fix src tests

clean:
	rm -rf $(VENV) build src/*.egg-info
