# make book · make pdf · make test · make data · make bench · make findings · make clean · make env ·
# make constraints
# A bare machine needs make and a Python from 3.11 to 3.14; everything else goes into .venv.
# The newest Python that works is taken; PYTHON=... wins, also over a .venv made with another.
BIN := .venv/bin
OTHER := $(if $(PYTHON),$(shell python=$$(.ci/python $(PYTHON) 2> /dev/null) && \
  [ "$$("$$python" -V)" = "$$($(BIN)/python -V 2> /dev/null)" ] || echo other))
LOCKED := .venv/.locked-$(shell cksum < requirements.lock | cut -d' ' -f1)
INSTALLED := .venv/.installed
FINDINGS ?= findings/*.sh
BUILT := test_book.py test_pages.py test_carried.py # look at the pages

.PHONY: env book pdf constraints test lint imports data bench findings clean other

env: $(INSTALLED)

$(LOCKED): requirements.lock $(OTHER)
	@$(if $(OTHER),false,test -x $(BIN)/python) || \
	  { python=$$(.ci/python $(PYTHON)) && echo "$$python" && "$$python" -m venv --clear .venv; }
	$(BIN)/python -m pip install torch==2.13.0
	$(BIN)/python -m pip install -r requirements.lock
	rm -f .venv/.locked-* && touch $@

$(INSTALLED): $(LOCKED) pyproject.toml
	$(BIN)/python -m pip install --no-deps -e .
	touch $@

book: env
	$(BIN)/python book/build.py

pdf: book
	$(BIN)/python book/print.py

lint: imports
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy lowrot

imports: env
	$(BIN)/lint-imports --no-cache --no-logo
	$(BIN)/deptry lowrot -ee lowrot/plots -oddg figures,book,test,bench
	$(BIN)/deptry lowrot -oddg book,test,bench
	$(BIN)/deptry lowrot book -oddg test,bench
	$(BIN)/deptry lowrot book tests benchmarks .ci --ignore DEP002

test: lint
	$(BIN)/python -m pytest -n 2 tests $(addprefix --ignore tests/,$(BUILT))
	$(BIN)/python book/build.py
	$(BIN)/python -m pytest -n 2 $(addprefix tests/,$(BUILT))

data: env # the stored sweeps, an hour or two on two cores; a stopped run goes on where it was
	for script in book/data/[a-z]*.py; do $(BIN)/python $$script || exit 1; done

bench: env
	$(BIN)/python -m pip install -c requirements.lock -e ".[bench]"
	for script in benchmarks/[a-z]*.py; do $(BIN)/python $$script || exit 1; done

findings: # each installs the packages of its day into a folder of its own; minutes, and a network
	@changed=; for script in $(FINDINGS); do echo "$$script"; bash $$script || changed="$$changed $$script"; done; \
	  test -z "$$changed" || { echo "not as it was:$$changed"; exit 1; }

constraints: # for conda and Binder: the lock without torch
	@{ echo "# requirements.lock without torch, for environment.yml; made by: make constraints"; \
	  grep -v '^#\|^torch==' requirements.lock; } > constraints.txt

clean:
	rm -rf lowrot/__pycache__ build _build dist *.egg-info .mypy_cache .pytest_cache .ruff_cache .hypothesis
