# AllToken: two commands matter, `make run` and `make test`. Everything lands in .venv and .web.
#   make run PORT=3100 VAR=/srv/alltoken     any key of .env.example can be given like this

PYTHON := $(or $(shell command -v python3 2>/dev/null),$(shell command -v python3.13 2>/dev/null),$(shell command -v python3.12 2>/dev/null),$(shell command -v python3.11 2>/dev/null))
PY := .venv/bin/python

.PHONY: help run test check bench conformance weights speech install install-dev clean

help: ## these lines
	@sed -n 's/^\([a-z-]*\):.*## /  make \1\t/p' Makefile

run: install ## build what is stale, migrate, and serve on http://localhost:3000
	@exec $(PY) -m alltoken_app run

test: install-dev ## every test, browser journeys last (ARGS="-k wallet" for some)
	@$(PY) -m tests $(ARGS)

check: install-dev ## format, lint, types, floors
	$(PY) -m ruff check .
	$(PY) -m ruff format --check .
	$(PY) -m mypy
	.venv/bin/lint-imports
	$(PY) -m pytest -p no:cacheprovider tests/test_architecture.py

bench: install-dev ## the speed figures, on this machine
	@$(PY) -m bench

conformance: install-dev ## replay recorded provider traffic (CORPUS=a/folder of it)
	@$(PY) -m conformance $(or $(CORPUS),../shared/corpus)

weights: ## try again to install the local models' weights
	@$(BOOTSTRAP) weights

speech: install ## add the local speech recogniser (Whisper, about 180 MB); restart afterwards
	@$(BOOTSTRAP) speech

install:
	@$(BOOTSTRAP) run

install-dev:
	@$(BOOTSTRAP) dev

clean: ## remove what make built (not var/, where the data is)
	rm -rf .venv .web .states reflex.lock/node_modules test-results .pytest_cache .mypy_cache .ruff_cache .import_linter_cache
	find . -name __pycache__ -type d -prune -exec rm -rf {} +

BOOTSTRAP = $(if $(PYTHON),$(PYTHON) bootstrap.py,echo "AllToken needs Python 3.11, 3.12 or 3.13 (python3 is not on PATH)" >&2; exit 1;)
