# Each target makes .venv first. Nothing is needed but Python 3.11, make and the package registries.
PYTHON ?= python3.11
# A machine with a PyTorch index can say: make setup TORCH_ARGS="--index-url https://download.pytorch.org/whl/cpu"
TORCH_ARGS ?=
DATA ?=
SEED ?= 1

BIN := .venv/bin
XTALKER := $(BIN)/xtalker
REAL_DATA := ../shared/data

.PHONY: setup demo test test-real test-server test-all check bench lock clean

setup: .venv/.ready

.venv/.ready: requirements.lock pyproject.toml
	$(PYTHON) -m venv .venv
	$(BIN)/pip install --quiet $(TORCH_ARGS) "$$(grep '^torch==' requirements.lock)"
	$(BIN)/pip install --quiet "$$(grep '^uv==' requirements.lock)"
	$(BIN)/uv pip install --quiet --python $(BIN)/python -r requirements.lock
	$(BIN)/uv pip install --quiet --python $(BIN)/python --no-deps --no-build-isolation -e .
	$(XTALKER) assets pull
	touch $@

demo: setup ## curate a sample (or DATA=folder) and show what came out
	$(BIN)/python -m flows.demo $(if $(DATA),--data "$(DATA)")

test: setup ## the fast suite, under two minutes on two cores
	$(BIN)/pytest

test-real: setup ## the tests on real clips, which skip where ../shared/data is absent
	$(BIN)/pytest -m "real_data or slow"

test-server: setup ## the curation flow against a real local Prefect server
	$(BIN)/pytest -m server

test-all: test test-real test-server

check: setup ## types and style
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy

bench: setup ## speed of the whole chain by stage, and of SQL on a million clips
	$(BIN)/python -m tests.bench.curate $(if $(DATA),--data "$(DATA)")
	$(BIN)/python -m tests.bench.sql_million

clean:
	rm -rf .venv .mypy_cache .ruff_cache .pytest_cache build *.egg-info
