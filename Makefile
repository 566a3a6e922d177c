SHELL := /bin/bash
BIN := .venv/bin
export MLFLOW_DISABLE_TELEMETRY := true
export DO_NOT_TRACK := true

.PHONY: help setup run test bench clean

help:            ## Show the targets
	@grep -hE '^[a-z]+: .*##' $(MAKEFILE_LIST) | sed 's/:.*##/\t/'

setup: .venv/.installed  ## Create .venv and install what the project needs

.venv/.installed: pyproject.toml constraints.txt
	@.ci/setup $@ test,schedule

.venv/.bench: pyproject.toml constraints.txt
	@.ci/setup $@ test,bench,schedule

run: setup       ## Simulate a market, calibrate it, schedule an order; prints where the results are
	@$(BIN)/impact run --config config/default.toml

test: setup      ## Lint, types, import contracts, tests
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(BIN)/lint-imports --no-cache
	$(BIN)/pytest

bench: .venv/.bench  ## Benchmarks against their peers
	$(BIN)/python -m benchmarks
	$(BIN)/python -m benchmarks.calibration speed
	$(BIN)/python -m benchmarks.forecasts speed

clean:           ## Remove outputs and caches, keep .venv and mlruns
	rm -rf out .pytest_cache .mypy_cache .ruff_cache .hypothesis
