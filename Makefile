PYTHON ?= .venv/bin/python

.PHONY: run check readme screenshots bench faults

run: .venv/ready
	$(PYTHON) -m tui

check: .venv/ready
	$(PYTHON) -m ruff format --check .
	$(PYTHON) -m ruff check .
	$(PYTHON) -m mypy
	$(PYTHON) tests/markdown/fetch_spec.py
	$(PYTHON) -m pytest -q -n 2
	$(PYTHON) screenshots/make.py --check

readme: .venv/ready
	$(PYTHON) -m tests.readme

screenshots: .venv/ready
	$(PYTHON) screenshots/make.py

bench: .venv/ready
	$(PYTHON) -m tests.benchmarks

faults: .venv/ready
	FAULTS=full $(PYTHON) -m pytest -q -s --timeout 3600 tests/faults tests/screens/test_failing_store.py

.venv/ready: pyproject.toml tests/constraints.txt
	python3 -m venv .venv
	$(PYTHON) -m pip install -q -c tests/constraints.txt -e '.[dev]'
	touch $@
