# make demo: install, train on the sample data, evaluate, predict.   make test: what CI runs.   make test-all: the slow tests too.
PYTHON ?= python3
VENV ?= .venv
BIN := $(VENV)/bin
SAMPLE := sample_data
DEMO := $(VENV)/demo

.PHONY: demo install test lint unit test-all clean

install: $(VENV)/.installed

$(VENV)/.installed: pyproject.toml
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --upgrade pip
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --editable '.[dev]'
	touch $@

demo: install
	$(BIN)/covid-tui scan $(SAMPLE)
	$(BIN)/covid-tui --train $(SAMPLE) --classes "COVID,Viral Pneumonia" --batch 8 --patience 0 --out $(DEMO)
	$(BIN)/covid-tui evaluate $$(ls -td $(DEMO)/*/ | head -n 1)
	$(BIN)/covid-tui predict $(SAMPLE)/COVID/images/COVID-1.png --out $(DEMO)

test: install lint unit

lint: install
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/lint-imports
	$(BIN)/mypy

unit: install
	$(BIN)/python -m pytest

test-all: install lint
	$(BIN)/python -m pytest -m ''

clean:
	rm -rf $(VENV) build *.egg-info .mypy_cache .pytest_cache .ruff_cache .import_linter_cache
