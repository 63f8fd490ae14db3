# make demo: install, train on the sample data, evaluate, predict.
# make test: what CI runs, the site among it. make test-all: the slow tests too. make soak: an hour of training, watched.
# make docs: the site alone, into build/docs. make pictures: its pictures of the workbench, minutes the first time.
PYTHON ?= python3
VENV ?= .venv
BIN := $(VENV)/bin
PYTEST := $(BIN)/python -m pytest
PIP := $(BIN)/python -m pip install --quiet --disable-pip-version-check
SAMPLE := sample_data
DEMO := $(VENV)/demo
# Where nothing compiled is kept, each of the hundreds of processes of the tests compiles everything anew.
unexport PYTHONDONTWRITEBYTECODE
# All tests in one process would hold what TensorFlow keeps of each of hundreds of networks: 20 GB. A folder a process doesn't.
# The longest begin first, so that no processor waits for another at the end.
LONGEST := $(addprefix tests/,engine/network engine/jobs product engine/data engine/training engine/audit tui engine/evaluation)
PARTS := $(LONGEST) $(filter-out $(LONGEST),$(patsubst %/__init__.py,%,$(wildcard tests/engine/*/__init__.py) \
	$(filter-out tests/engine/% tests/makers/%,$(wildcard tests/*/__init__.py))))
ALONE = $(shell grep -rl 'mark\.alone' tests --include='*.py')

.PHONY: demo install test lint docs pictures translations unit test-all soak clean $(PARTS)

install: $(VENV)/.installed

$(VENV)/.installed: pyproject.toml
	$(PYTHON) -m venv $(VENV)
	$(PIP) --upgrade pip
	$(PIP) --editable '.[dev]'
	touch $@

demo: install
	rm -rf $(DEMO)
	$(BIN)/covid-tui scan $(SAMPLE)
	$(BIN)/covid-tui --train $(SAMPLE) --classes "COVID,Viral Pneumonia" --test-share 0.2 --out $(DEMO) --name demo
	$(BIN)/covid-tui evaluate demo --out $(DEMO)
	$(BIN)/covid-tui predict $(SAMPLE)/COVID/images/COVID-1.png --out $(DEMO)

test: install
	$(MAKE) --jobs=2 lint docs
	$(MAKE) unit

lint: install
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/lint-imports
	$(BIN)/mypy

# The site and its pictures are in English, whatever the machine's language.
docs pictures: export COVID_TUI_LANGUAGE := en

# Strict: a dead link, a page that no menu names, or one that would load something from the network ends it.
docs: install
	NO_MKDOCS_2_WARNING=1 $(BIN)/python -m mkdocs build --quiet --strict

# docs/screens/*.svg and docs/tour.svg; the runs that they show are kept in build/pictures.
pictures: install
	$(BIN)/python -m docs.pictures

# What the code says, brought into each translations/LANGUAGE.po and compiled; says what a language lacks.
translations: install
	$(BIN)/python -m translations

# Three at once for two processors: a test that waits for a process leaves its own to another.
unit: install
	$(PYTEST) -n 3 --dist loadfile --no-loadscope-reorder -m 'not slow and not soak and not alone'
	$(PYTEST) -m 'alone and not slow and not soak' $(ALONE)

# All examples of each property; see tests/makers/examples.py.
test-all: export COVID_TUI_EXAMPLES := all
test-all: install lint docs
	$(MAKE) --jobs=2 --keep-going --output-sync=target $(PARTS)
	$(PYTEST) -m 'alone and not soak' $(ALONE)

# One part of `test-all`, in a process, each test with its time as it ends; 5 is pytest's code where no test is left.
$(PARTS):
	$(PYTEST) -vv -o console_output_style=times --durations=10 -m 'not alone and not soak' $@ || [ $$? = 5 ]

soak: install
	$(PYTEST) -m soak

clean:
	rm -rf $(VENV) build *.egg-info .mypy_cache .pytest_cache .ruff_cache .import_linter_cache
