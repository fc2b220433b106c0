# make book · make test · make bench · make clean · make env
# A bare machine needs python3.11 and make; everything else goes into .venv.
PYTHON ?= python3.11
BIN := .venv/bin
LOCKED := .venv/.locked-$(shell cksum < requirements.lock | cut -d' ' -f1)
INSTALLED := .venv/.installed

.PHONY: env book test lint bench clean

env: $(INSTALLED)

$(LOCKED): requirements.lock
	test -x $(BIN)/python || $(PYTHON) -m venv .venv
	$(BIN)/python -m pip install torch==2.13.0
	$(BIN)/python -m pip install -r requirements.lock
	rm -f .venv/.locked-* && touch $@

$(INSTALLED): $(LOCKED) pyproject.toml
	$(BIN)/python -m pip install --no-deps -e .
	touch $@

book: env
	$(BIN)/python book/build.py

lint: env
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy lowrot

test: lint
	$(BIN)/python -m pytest -n 2 tests --ignore tests/test_book.py --ignore tests/test_pages.py
	$(BIN)/python book/build.py
	$(BIN)/python -m pytest -n 2 tests/test_book.py tests/test_pages.py

bench: env
	$(BIN)/python -m pip install -c requirements.lock -e ".[bench]"
	for script in benchmarks/[a-z]*.py; do $(BIN)/python $$script || exit 1; done

clean:
	rm -rf lowrot/__pycache__ build _build dist *.egg-info .mypy_cache .pytest_cache .ruff_cache .hypothesis
