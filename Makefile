# Anju's tasks. `make run` and `make test` are all that a newcomer needs.
PYTHON ?= python3
BIN := .venv/bin
SETUP := $(PYTHON) tools/setup.py
DB ?= postgresql
ROWS ?= 1000000
TESTS ?= tests
WORKERS ?= 2
COMPILE := $(BIN)/uv pip compile --quiet --universal --python-version 3.11 --generate-hashes --no-annotate --no-header

.PHONY: run setup test lint format bench lock translations pictures clean

run: ## set up, bring the database up to date, fill it if it is empty, serve on PORT (8080)
	@$(SETUP) run
	@exec $(BIN)/python tools/serve.py

setup: ## only install: packages, browser parts, translations
	@$(SETUP) run

test: ## all tests on SQLite and PostgreSQL, with the browser
	@$(SETUP) test
	$(BIN)/python -m pytest -n $(WORKERS) --db sqlite,postgresql $(TESTS)

lint: ## style, types, layers, declarations, migrations
	@$(SETUP) dev
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports
	$(BIN)/flask check
	$(BIN)/python tools/lint_migrations.py

format:
	@$(SETUP) dev
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

bench: ## ROWS households on DB (postgresql, sqlite): the table of docs/benchmarks.md
	@$(SETUP) dev
	$(BIN)/python -m bench --rows $(ROWS) --db $(DB)

translations: ## collect the Chinese texts of code, templates and declarations into translations/en
	@$(SETUP) dev
	$(BIN)/flask translations

pictures: ## take the README's pictures from a running `CAPTCHA_ENABLED=0 make run`
	@$(SETUP) test
	$(BIN)/python tools/pictures.py http://127.0.0.1:$${PORT:-8080}

lock: ## pin versions and hashes of all packages, Python and npm
	@$(SETUP) dev
	$(COMPILE) pyproject.toml -o requirements.lock
	$(COMPILE) pyproject.toml --group dev --constraint requirements.lock -o requirements-dev.lock
	$(COMPILE) --group node -o requirements-node.lock
	PATH=$(CURDIR)/$(BIN):$$PATH npm install --package-lock-only --ignore-scripts

clean:
	rm -rf app/web/static/vendor .pytest_cache .mypy_cache .ruff_cache .import_linter_cache .hypothesis
	find . -name __pycache__ -type d -not -path './.venv/*' -not -path './node_modules/*' -exec rm -rf {} +
