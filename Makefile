# The two commands of the README. Each makes .venv on its own; PYTHON=python3.12 picks another interpreter.
PYTHON ?= python3
BIN := .venv/bin
WANTED := setup.cfg pyproject.toml constraints.txt

.PHONY: demo test coverage

# From nothing to a measured detector: draws photos, converts, splits, trains, predicts, evaluates, reports.
demo: .venv/yolo
	$(BIN)/detect demo demo/

# The tests come last, so that the last lines are pytest's own summary. A file stays in one process, which keeps what its
# tests share; how many processes there are and which files begin is said in tests/conftest.py. A process that dies ends
# the run, which fails: where another takes its place, pytest-xdist may wait for ever.
test: .venv/dev
	$(BIN)/ruff check
	$(BIN)/ruff format --check
	$(BIN)/mypy
	$(BIN)/lint-imports
	$(PYTEST)

# Which lines of the package no test runs; it takes half as long again as the tests alone.
coverage: .venv/dev
	$(PYTEST) --cov

PYTEST = OMP_NUM_THREADS=1 OMP_WAIT_POLICY=passive $(BIN)/python -m pytest --numprocesses auto --maxprocesses 4 \
  --dist loadfile --no-loadscope-reorder --max-worker-restart 0

# Stamps: a set of extras is installed again only when what it was made from has changed. `dev` holds all of `yolo`.
.venv/yolo: EXTRAS = train,yolo
.venv/yolo: $(WANTED) | $(BIN)/uv
	$(INSTALL)
	@touch $@

.venv/dev: EXTRAS = yolo,yolox,export,loggers,review,mongod,dev
.venv/dev: $(WANTED) | $(BIN)/uv
	$(INSTALL)
	@touch .venv/yolo $@

# uv needs a quarter of pip's time. It does not read pip's configuration: where that names the index, pip does it.
ARGUMENTS = --editable '.[$(EXTRAS)]' --constraint constraints.txt
INSTALL = $(BIN)/uv pip install --python $(BIN)/python --compile-bytecode $(ARGUMENTS) || \
  $(BIN)/python -m pip install $(ARGUMENTS)

$(BIN)/uv:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || \
	  { echo "Python 3.11 or newer is needed: make $(MAKECMDGOALS) PYTHON=python3.12"; exit 1; }
	$(PYTHON) -m venv .venv
	$(BIN)/python -m pip install uv --constraint constraints.txt
