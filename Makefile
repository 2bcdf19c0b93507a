# Two commands are all a newcomer needs: `make run` and `make test`.
# PYTHON picks the interpreter (3.11 or newer); everything is installed into .venv.

PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
PIP := $(BIN)/python -m pip install --quiet --disable-pip-version-check
PACKAGES := task_coordinator.py actor protocol mcp_client dashboard
CHECKED := $(PACKAGES) tests benchmarks

.PHONY: help run demo install test format lint types imports generated browser unit chaos bench \
        generate pictures clean

help:            ## Show this help
	@grep -hE '^[a-z]+: .*##' $(MAKEFILE_LIST) | sed -E 's/:.*##/\t/' | expand -t 16

run: $(VENV)/installed   ## Install into .venv and start the server
	$(BIN)/task-coordinator serve

demo: $(VENV)/installed  ## Watch three agents work through a sample plan
	$(BIN)/task-coordinator demo

install: $(VENV)/installed  ## Install into .venv

test: format lint types imports generated browser unit  ## All checks: what CI runs

format: $(VENV)/tested
	$(BIN)/ruff format --check $(CHECKED)

lint: $(VENV)/tested
	$(BIN)/ruff check $(CHECKED)

types: $(VENV)/tested
	$(BIN)/mypy
	$(BIN)/pyright --pythonpath $(BIN)/python

imports: $(VENV)/tested
	$(BIN)/lint-imports --config setup.cfg

generated: $(VENV)/tested
	$(BIN)/python -m protocol.generate --check
	$(BIN)/python -m tests.docs.diagram --check

browser: $(VENV)/tested  ## Get the browser that some tests need: Debian's Chromium
	$(BIN)/python -m tests.browser.chromium

# The tests in a browser run by themselves: they share what is slow to start. Each has several
# processes, so that more of them at a time only wait for each other.
unit: $(VENV)/tested
	$(BIN)/python -m pytest -q --numprocesses 4 --dist worksteal --ignore tests/browser
	$(BIN)/python -m pytest -q --numprocesses 3 --dist worksteal tests/browser

chaos: $(VENV)/tested    ## The long run: 8 real workers, killed and frozen, 200 tasks
	$(BIN)/python -m tests.chaos.run

bench: $(VENV)/tested    ## Measure: add, claim, done beside a bare echo server
	$(BIN)/python -m benchmarks lifecycle

generate: $(VENV)/tested ## Write what is derived from the table of methods
	$(BIN)/python -m protocol.generate
	$(BIN)/python -m tests.docs.diagram

pictures: browser        ## Take the pictures in docs/pictures anew, of agents at work
	$(BIN)/python -m tests.browser.pictures docs/pictures

clean:           ## Remove what was installed and built
	rm -rf $(VENV) build *.egg-info .mypy_cache .ruff_cache .pytest_cache .hypothesis .import_linter_cache

$(BIN)/python:
	$(PYTHON) -c 'import sys; assert sys.version_info >= (3, 11), "Python 3.11 or newer is needed"'
	$(PYTHON) -m venv $(VENV)

$(VENV)/installed: $(BIN)/python pyproject.toml setup.cfg
	$(PIP) --constraint constraints.txt --editable .
	touch $@

$(VENV)/tested: $(BIN)/python pyproject.toml setup.cfg constraints.txt
	$(PIP) --constraint constraints.txt --editable '.[test]'
	touch $@ $(VENV)/installed
